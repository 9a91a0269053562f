//! Decodes text: one decoder for pages, for the readers of files and for search.
//!
//! The order is that of certainty: a byte order mark, UTF-16 by its zeros, valid UTF-8, what a page or an XML
//! file declares, UTF-8 with a few wrong bytes, and last a guess among the encodings of browsers (WHATWG
//! Encoding).

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::Charset;

/// The encoding is guessed from at most this many bytes, beginning at the first one beyond ASCII.
const MAX_GUESSED_FROM: usize = 256 * 1024;
/// A declaration of the encoding stands within this many bytes (HTML, section 13.2.3.2).
const MAX_DECLARATION: usize = 1024;
/// UTF-16 without a mark is recognised in texts of at least this many bytes.
const MIN_WIDE: usize = 8;

/// A decoded text.
#[derive(Clone, Debug)]
pub struct Decoded<'b> {
    /// The characters, without a byte order mark.
    pub text: Cow<'b, str>,
    /// The encoding of the characters.
    pub charset: Charset,
    /// Whether the bytes begin with a byte order mark.
    pub bom: bool,
    /// Whether some bytes are wrong in this encoding; `U+FFFD` stands for them.
    pub is_broken: bool,
}

/// Decodes `bytes`. Total: what no encoding explains is read as windows-1252. A character that the end
/// of the bytes cuts in two is left out unless they are `complete`.
///
/// ```
/// use countersign_protocol::content::{Charset, decode};
///
/// let decoded = decode(b"Gr\xf6\xdfe und Zahl", true);
/// assert_eq!(decoded.text, "Größe und Zahl");
/// assert_eq!(decoded.charset, Charset::Windows1252);
/// ```
pub fn decode(bytes: &[u8], complete: bool) -> Decoded<'_> {
    if let Some(certain) = marked_or_valid(bytes, complete) {
        return certain;
    }
    let charset = declared(bytes)
        .or_else(|| is_mostly_utf8(bytes, complete).then_some(Charset::Utf8))
        .unwrap_or_else(|| guessed(bytes, complete));
    decode_as(bytes, charset, complete)
}

/// Decodes the beginning of a file when it is text: free of NUL, and in an encoding beyond UTF-8 free of
/// other control characters and made of letters for the most part.
pub(super) fn text_start(head: &[u8], complete: bool) -> Option<Cow<'_, str>> {
    if head.starts_with(b"\xff\xfe\0\0") {
        return None;
    }
    if let Some(certain) = marked_or_valid(head, complete) {
        return (!certain.text.contains('\0')).then_some(certain.text);
    }
    let decoded = decode(head, complete);
    let is_text = match decoded.charset {
        Charset::Utf8 => !head.contains(&0),
        charset => !has_odd_bytes(head) && is_plausible(&decoded.text, charset),
    };
    is_text.then_some(decoded.text)
}

/// Decodes what needs no guess: text with a byte order mark, UTF-16 without one, valid UTF-8, and ISO-2022-JP.
fn marked_or_valid(bytes: &[u8], complete: bool) -> Option<Decoded<'_>> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => return Some(marked(rest, Charset::Utf16Le, complete)),
        [0xfe, 0xff, rest @ ..] => return Some(marked(rest, Charset::Utf16Be, complete)),
        _ => {}
    }
    if let Some(charset) = wide(bytes, complete) {
        return Some(decode_as(bytes, charset, complete));
    }
    let bare = bytes.strip_prefix(b"\xef\xbb\xbf");
    let bom = bare.is_some();
    let rest = bare.unwrap_or(bytes);
    let text = match std::str::from_utf8(rest) {
        Ok(text) => text,
        Err(error) if !complete && error.error_len().is_none() => {
            std::str::from_utf8(&rest[..error.valid_up_to()]).ok()?
        }
        Err(_) if bom => return Some(marked(rest, Charset::Utf8, complete)),
        Err(_) => return None,
    };
    if !text.is_ascii() || bom {
        return Some(Decoded {
            text: Cow::Borrowed(text),
            charset: Charset::Utf8,
            bom,
            is_broken: false,
        });
    }
    if bytes.contains(&0x1b) && has_japanese_escape(bytes) {
        let decoded = decode_as(bytes, Charset::Iso2022Jp, complete);
        if !decoded.is_broken {
            return Some(decoded);
        }
    }
    Some(Decoded {
        text: Cow::Borrowed(text),
        charset: Charset::Ascii,
        bom: false,
        is_broken: false,
    })
}

fn marked(rest: &[u8], charset: Charset, complete: bool) -> Decoded<'_> {
    Decoded {
        bom: true,
        ..decode_as(rest, charset, complete)
    }
}

/// Decodes `bytes` in an encoding that is known. Total, like [`decode`].
pub fn decode_as(bytes: &[u8], charset: Charset, complete: bool) -> Decoded<'_> {
    let mut decoder = encoding_of(charset).new_decoder_without_bom_handling();
    let room = decoder.max_utf8_buffer_length(bytes.len());
    let mut text = String::with_capacity(room.unwrap_or(bytes.len() * 4));
    let (_, _, is_broken) = decoder.decode_to_string(bytes, &mut text, complete);
    text.shrink_to_fit();
    Decoded {
        text: Cow::Owned(text),
        charset,
        bom: false,
        is_broken,
    }
}

/// Whether there is an escape sequence that selects a Japanese set (RFC 1468).
fn has_japanese_escape(bytes: &[u8]) -> bool {
    let mut windows = bytes.windows(3);
    windows.any(|three| matches!(three, b"\x1b$B" | b"\x1b$@"))
}

/// The encoding that an XML declaration or a `meta` element states, when the bytes are valid in it.
fn declared(bytes: &[u8]) -> Option<Charset> {
    let start = &bytes[..bytes.len().min(MAX_DECLARATION)];
    let is_markup = start.trim_ascii_start().starts_with(b"<");
    let start = String::from_utf8_lossy(start).to_ascii_lowercase();
    let mut labels = ["encoding=", "charset="].into_iter().filter_map(|key| {
        let (_, rest) = start.split_once(key)?;
        let rest = rest.trim_start_matches(['"', '\'']);
        rest.split(['"', '\'', ' ', '>', ';', '/', '?']).next()
    });
    let label = is_markup.then(|| labels.next())??;
    let charset = charset_of(Encoding::for_label(label.as_bytes())?)?;
    let is_wide = matches!(charset, Charset::Utf16Le | Charset::Utf16Be);
    (!is_wide && !decode_as(bytes, charset, false).is_broken).then_some(charset)
}

/// Recognises UTF-16 without a byte order mark by the zeros of its ASCII characters.
fn wide(bytes: &[u8], complete: bool) -> Option<Charset> {
    if bytes.len() < MIN_WIDE || (complete && !bytes.len().is_multiple_of(2)) {
        return None;
    }
    let start = &bytes[..bytes.len().min(super::SNIFFED) & !1];
    if !start.contains(&0) {
        return None;
    }
    let score = |charset| {
        let text = decode_as(start, charset, false).text;
        let all = text.chars().count();
        let known = text.chars().filter(|c| is_common(*c)).count();
        let ascii = text.chars().filter(char::is_ascii).count();
        (!text.chars().any(is_odd) && known * 10 >= all * 9).then_some(ascii)
    };
    let (little, big) = (score(Charset::Utf16Le), score(Charset::Utf16Be));
    match little.max(big)? {
        0 => None,
        _ if little >= big => Some(Charset::Utf16Le),
        _ => Some(Charset::Utf16Be),
    }
}

/// Whether most characters beyond ASCII are valid UTF-8, as in a log to which one program wrote other bytes.
fn is_mostly_utf8(bytes: &[u8], complete: bool) -> bool {
    let (mut valid, mut wrong, mut last) = (0_usize, 0_usize, 0);
    for chunk in bytes.utf8_chunks() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        last = usize::from(!chunk.invalid().is_empty());
        wrong += last;
    }
    if !complete {
        wrong -= last;
    }
    valid > 0 && valid >= wrong * 4
}

fn guessed(bytes: &[u8], complete: bool) -> Charset {
    let first = bytes.iter().position(|byte| !byte.is_ascii());
    // The detector looks at the characters right before the first one beyond ASCII.
    let start = first.unwrap_or(0).saturating_sub(16);
    let end = bytes.len().min(start + MAX_GUESSED_FROM);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    // A character that the end of the sample cuts in two must not speak against its encoding.
    detector.feed(&bytes[start..end], complete && end == bytes.len());
    charset_of(detector.guess(None, Utf8Detection::Deny)).unwrap_or(Charset::Windows1252)
}

/// Whether there are bytes that texts of single and double bytes do not have.
fn has_odd_bytes(bytes: &[u8]) -> bool {
    let is_odd =
        |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b);
    bytes.iter().any(is_odd)
}

fn is_odd(c: char) -> bool {
    let is_private = matches!(u32::from(c), 0xE000..=0xF8FF | 0xFDD0..=0xFDEF | 0xFFFD..=0xFFFF);
    is_private || (c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{1b}'))
}

/// Whether `c` is a letter, a digit, white space or punctuation.
fn is_common(c: char) -> bool {
    c.is_ascii()
        || c.is_alphanumeric()
        || c.is_whitespace()
        || matches!(u32::from(c), 0x2000..=0x206F | 0x3000..=0x303F | 0x30FB | 0xFF00..=0xFFEF)
}

/// Whether a guess reads like text.
fn is_plausible(text: &str, charset: Charset) -> bool {
    let (mut beyond, mut common, mut all) = (0_usize, 0_usize, 0_usize);
    for c in text.chars() {
        if is_odd(c) {
            return false;
        }
        all += 1;
        if !c.is_ascii() {
            beyond += 1;
            common += usize::from(is_common(c));
        }
    }
    match charset.script() {
        // Such texts are letters of ASCII for the most part.
        Script::Latin => beyond * 2 <= all,
        Script::Other => common * 10 >= beyond * 7,
    }
}

/// A script that an encoding was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Script {
    Latin,
    Other,
}

impl Charset {
    fn script(self) -> Script {
        match self {
            Self::Ascii
            | Self::Utf8
            | Self::Utf16Le
            | Self::Utf16Be
            | Self::Windows1250
            | Self::Windows1252
            | Self::Windows1254
            | Self::Windows1257
            | Self::Windows1258
            | Self::Iso8859_2
            | Self::Iso8859_4 => Script::Latin,
            _ => Script::Other,
        }
    }
}

/// The encodings that are not found by a mark or by validity.
const LEGACY: [(Charset, &Encoding); 23] = [
    (Charset::Windows1252, WINDOWS_1252),
    (Charset::Windows1250, encoding_rs::WINDOWS_1250),
    (Charset::Windows1251, encoding_rs::WINDOWS_1251),
    (Charset::Windows1253, encoding_rs::WINDOWS_1253),
    (Charset::Windows1254, encoding_rs::WINDOWS_1254),
    (Charset::Windows1255, encoding_rs::WINDOWS_1255),
    (Charset::Windows1256, encoding_rs::WINDOWS_1256),
    (Charset::Windows1257, encoding_rs::WINDOWS_1257),
    (Charset::Windows1258, encoding_rs::WINDOWS_1258),
    (Charset::Windows874, encoding_rs::WINDOWS_874),
    (Charset::Iso8859_2, encoding_rs::ISO_8859_2),
    (Charset::Iso8859_4, encoding_rs::ISO_8859_4),
    (Charset::Iso8859_5, encoding_rs::ISO_8859_5),
    (Charset::Iso8859_6, encoding_rs::ISO_8859_6),
    (Charset::Iso8859_7, encoding_rs::ISO_8859_7),
    (Charset::Iso8859_8, encoding_rs::ISO_8859_8),
    (Charset::Koi8, encoding_rs::KOI8_U),
    (Charset::Ibm866, encoding_rs::IBM866),
    (Charset::ShiftJis, encoding_rs::SHIFT_JIS),
    (Charset::EucJp, encoding_rs::EUC_JP),
    (Charset::EucKr, encoding_rs::EUC_KR),
    (Charset::Gb18030, encoding_rs::GB18030),
    (Charset::Big5, encoding_rs::BIG5),
];

fn encoding_of(charset: Charset) -> &'static Encoding {
    match charset {
        Charset::Ascii | Charset::Utf8 => UTF_8,
        Charset::Utf16Le => UTF_16LE,
        Charset::Utf16Be => UTF_16BE,
        Charset::Iso2022Jp => ISO_2022_JP,
        legacy => LEGACY
            .iter()
            .find(|(charset, _)| *charset == legacy)
            .map_or(WINDOWS_1252, |(_, encoding)| encoding),
    }
}

fn charset_of(encoding: &'static Encoding) -> Option<Charset> {
    let named = |name| match name {
        "UTF-8" => Some(Charset::Utf8),
        "UTF-16LE" => Some(Charset::Utf16Le),
        "UTF-16BE" => Some(Charset::Utf16Be),
        "ISO-2022-JP" => Some(Charset::Iso2022Jp),
        // Variants of which the larger one reads the smaller one.
        "GBK" => Some(Charset::Gb18030),
        "KOI8-R" => Some(Charset::Koi8),
        "ISO-8859-8-I" => Some(Charset::Iso8859_8),
        _ => None,
    };
    let mut legacy = LEGACY.iter();
    let legacy = legacy.find(|(_, known)| *known == encoding);
    legacy.map_or_else(|| named(encoding.name()), |(charset, _)| Some(*charset))
}

#[cfg(test)]
mod tests;
