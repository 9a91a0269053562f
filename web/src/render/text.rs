//! Bytes as text, and how they were written.

use std::borrow::Cow;

use countersign_protocol::content::{Charset, LineEndings};

/// A text that was read.
#[derive(Clone, Debug)]
pub struct Decoded<'b> {
    /// What it says, without a byte order mark.
    pub text: Cow<'b, str>,
    /// How characters were written.
    pub charset: Charset,
    /// Whether it began with a byte order mark.
    pub bom: bool,
}

/// `bytes` as text. Total: what is neither UTF-8 nor marked as UTF-16 is read as windows-1252. A
/// character that the end of the read cut in two is left out when more would follow.
pub fn decode(bytes: &[u8], complete: bool) -> Decoded<'_> {
    let wide = |charset, from: fn([u8; 2]) -> u16| {
        let units = bytes[2..].chunks_exact(2).map(|two| from([two[0], two[1]]));
        let text = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
        Decoded {
            text: Cow::Owned(text.collect()),
            charset,
            bom: true,
        }
    };
    match bytes {
        [0xff, 0xfe, ..] => return wide(Charset::Utf16Le, u16::from_le_bytes),
        [0xfe, 0xff, ..] => return wide(Charset::Utf16Be, u16::from_be_bytes),
        _ => {}
    }
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if !complete && error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    };
    let Some(text) = valid else {
        return Decoded {
            text: Cow::Owned(bytes.iter().map(|byte| windows_1252(*byte)).collect()),
            charset: Charset::Windows1252,
            bom: false,
        };
    };
    let bare = text.strip_prefix('\u{FEFF}');
    Decoded {
        charset: if text.is_ascii() {
            Charset::Ascii
        } else {
            Charset::Utf8
        },
        bom: bare.is_some(),
        text: Cow::Borrowed(bare.unwrap_or(text)),
    }
}

/// The character of a byte in windows-1252 as browsers read it (WHATWG Encoding, index windows-1252).
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// What changed in how the text is written, one sentence each.
pub fn changes(old: &Decoded<'_>, new: &Decoded<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    // ASCII is UTF-8: a first accent is no change of the encoding.
    let family = |charset| match charset {
        Charset::Ascii => Charset::Utf8,
        other => other,
    };
    if family(old.charset) != family(new.charset) && !old.text.is_empty() && !new.text.is_empty() {
        notes.push(format!(
            "The encoding changed from {} to {}.",
            old.charset.name(),
            new.charset.name()
        ));
    } else if old.bom != new.bom {
        notes.push(format!(
            "The byte order mark at its start was {}.",
            if new.bom { "added" } else { "removed" }
        ));
    }
    let before = LineEndings::of(&old.text).name();
    let now = LineEndings::of(&new.text).name();
    if before != now && before != "none" && now != "none" {
        notes.push(format!("Line ends changed from {before} to {now}."));
    } else if !old.text.is_empty()
        && !new.text.is_empty()
        && old.text.ends_with('\n') != new.text.ends_with('\n')
    {
        notes.push(if new.text.ends_with('\n') {
            "The last line has a line end now.".to_owned()
        } else {
            "The last line has no line end any more.".to_owned()
        });
    }
    notes
}

#[cfg(test)]
mod tests;
