//! Plain text, read in this process: decoding is total, and only so much is read.

use countersign_protocol::{
    content::{
        Body, Charset, Content, CutReason, FileType, FindingCode, LineEndings, Place, Segment, Text,
    },
    invisible,
};

use super::source::Source;

/// Most bytes that are read of a text.
pub(super) const READ: usize = 8 << 20;

pub(super) fn content(file_type: FileType, size: u64, source: &mut Source) -> Content {
    let mut content = Content {
        file_type,
        size,
        body: Body::Text(Text::default()),
        text: Vec::new(),
        findings: Vec::new(),
        cut: None,
    };
    match source.head(READ) {
        Ok(bytes) => read(&bytes, &mut content),
        Err(error) => content.cut(
            CutReason::Unavailable,
            format!("It cannot be read: {error}."),
        ),
    }
    content
}

fn read(bytes: &[u8], content: &mut Content) {
    let complete = bytes.len() as u64 >= content.size;
    let (text, charset, bom) = decode(bytes, complete);
    let (lines, longest_line) = text
        .split('\n')
        .fold((0, 0), |(lines, longest): (u64, usize), line| {
            (lines + 1, longest.max(line.len()))
        });
    content.body = Body::Text(Text {
        charset,
        bom,
        endings: LineEndings::of(&text),
        lines: lines - u64::from(text.is_empty() || text.ends_with('\n')),
        longest_line: longest_line as u64,
    });
    let hidden = invisible::in_text(&text)
        .into_iter()
        .filter(|c| !matches!(c, '\u{c}' | '\u{1b}' | '\r'))
        .collect::<Vec<_>>();
    if !hidden.is_empty() {
        let named: Vec<String> = hidden
            .iter()
            .take(5)
            .map(|c| format!("U+{:04X}", u32::from(*c)))
            .collect();
        content.find(
            FindingCode::HiddenCharacters,
            format!(
                "It has characters that a reader does not see: {}.",
                named.join(", ")
            ),
        );
    }
    if content.file_type.kind == countersign_protocol::content::Kind::Svg
        && text.to_lowercase().contains("<script")
    {
        content.find(
            FindingCode::Scripts,
            "It holds scripts; they are not run here.",
        );
    }
    if !complete {
        content.cut(
            CutReason::TooLarge,
            format!(
                "Only the first {} MiB of {} MiB are read.",
                READ >> 20,
                content.size >> 20
            ),
        );
    }
    if !text.is_empty() {
        content.text.push(Segment::new(Place::Whole, text));
    }
}

/// The bytes as text. What no charset explains is read as windows-1252, in which every byte is
/// something.
pub(super) fn decode(bytes: &[u8], complete: bool) -> (String, Charset, bool) {
    let wide = match bytes {
        [0xff, 0xfe, ..] => Some((encoding_rs::UTF_16LE, Charset::Utf16Le)),
        [0xfe, 0xff, ..] => Some((encoding_rs::UTF_16BE, Charset::Utf16Be)),
        _ => None,
    };
    if let Some((encoding, charset)) = wide {
        let text = encoding.decode_without_bom_handling(&bytes[2..]).0;
        return (text.into_owned(), charset, true);
    }
    let bom = bytes.starts_with(b"\xef\xbb\xbf");
    let bytes = if bom { &bytes[3..] } else { bytes };
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if !complete && error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()
        }
        // A few broken characters in a long UTF-8 text do not make it another charset.
        Err(error) if error.valid_up_to() > 1024 => {
            return (
                String::from_utf8_lossy(bytes).into_owned(),
                Charset::Utf8,
                bom,
            );
        }
        Err(_) => None,
    };
    match valid {
        Some(text) if text.is_ascii() && !bom => (text.to_owned(), Charset::Ascii, false),
        Some(text) => (text.to_owned(), Charset::Utf8, bom),
        None => {
            let text = encoding_rs::WINDOWS_1252
                .decode_without_bom_handling(bytes)
                .0;
            (text.into_owned(), Charset::Windows1252, bom)
        }
    }
}

/// Whether `bytes` are text that may be shown and searched.
pub(super) fn is_text(bytes: &[u8], complete: bool) -> bool {
    use countersign_protocol::content::{SNIFFED, sniff};
    let head = &bytes[..bytes.len().min(SNIFFED)];
    sniff(head, complete && head.len() == bytes.len(), "")
        .kind
        .is_text()
}
