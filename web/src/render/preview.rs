//! How one file is shown: a diff, numbered lines, an image, or a description.

use serde::Serialize;

use super::{
    diff::{self, Diff, MAX_LINE},
    image,
    kind::{self, Kind},
    visible::visible,
    words,
};

/// At most this many bytes of each side are read and compared.
pub const MAX_BYTES: u64 = 1_000_000;
/// At most this many lines of a text are shown.
const MAX_LINES: usize = 2_000;
/// How much of an unknown file is shown in hexadecimal.
const HEX_BYTES: usize = 256;

/// The bytes of one side.
#[derive(Clone, Copy, Debug)]
pub struct Side<'b> {
    /// From the start, at most [`MAX_BYTES`].
    pub bytes: &'b [u8],
    /// Size of the whole file in bytes.
    pub size: u64,
}

impl Side<'_> {
    fn is_complete(&self) -> bool {
        self.bytes.len() as u64 == self.size
    }
}

/// A numbered line of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NumberedLine {
    /// From 1.
    pub number: usize,
    /// The text, hidden characters written out.
    pub text: String,
}

/// What is shown of a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// What changed in a text.
    Diff(Diff),
    /// A text with line numbers.
    Text {
        /// Its lines.
        lines: Vec<NumberedLine>,
        /// What is not shown, and why.
        notes: Vec<String>,
    },
    /// An image, with the one before it when there was one.
    Image {
        /// Width and height of the new one.
        new: Option<(u32, u32)>,
        /// Width and height of the old one.
        old: Option<(u32, u32)>,
        /// Whether there is an old one to show.
        has_old: bool,
    },
    /// Neither text nor an image that can be shown.
    Described {
        /// The type by content.
        what: String,
        /// Why it is not shown.
        why: String,
        /// The first bytes.
        hex: Vec<HexLine>,
    },
}

/// Sixteen bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HexLine {
    /// Offset of the first one, hexadecimal.
    pub offset: String,
    /// The bytes, hexadecimal.
    pub bytes: String,
    /// The bytes as ASCII, a dot for what has no picture.
    pub text: String,
}

/// Shows `new`, against `old` when there is one.
pub fn preview(new: Side<'_>, old: Option<Side<'_>>) -> Body {
    match kind::detect(new.bytes, new.is_complete()) {
        Kind::Empty | Kind::Text | Kind::Svg => text(new, old),
        Kind::Image(kind) => {
            let dimensions = image::dimensions(kind, new.bytes);
            match dimensions {
                Some((width, height)) if image::is_showable(width, height) => {}
                Some((width, height)) => {
                    return described(
                        new,
                        kind.media_type(),
                        format!("{width} × {height} pixels are too many to show."),
                    );
                }
                None => {
                    return described(
                        new,
                        kind.media_type(),
                        "Its header is damaged, so it is not shown.".to_owned(),
                    );
                }
            }
            let old = old.and_then(|old| match kind::detect(old.bytes, old.is_complete()) {
                Kind::Image(kind) => image::dimensions(kind, old.bytes)
                    .filter(|(width, height)| image::is_showable(*width, *height)),
                _ => None,
            });
            Body::Image {
                new: dimensions,
                old,
                has_old: old.is_some(),
            }
        }
        Kind::Media(media) => described(
            new,
            media.name,
            "Only text and images are shown. Nothing in it was run or unpacked.".to_owned(),
        ),
        Kind::Other(what) => described(
            new,
            what,
            "Only text and images are shown. Nothing in it was run or unpacked.".to_owned(),
        ),
    }
}

/// A removed file: what it was.
pub fn removed(old: Side<'_>) -> Body {
    match kind::text(old.bytes, old.is_complete()) {
        Some(text) if old.is_complete() => Body::Diff(diff::diff(text, "")),
        _ => match kind::detect(old.bytes, old.is_complete()) {
            Kind::Other(what) => described(old, what, "The file was removed.".to_owned()),
            _ => described(old, "file", "The file was removed.".to_owned()),
        },
    }
}

fn text(new: Side<'_>, old: Option<Side<'_>>) -> Body {
    let Some(text) = kind::text(new.bytes, new.is_complete()) else {
        return described(new, "text", "It is not valid UTF-8.".to_owned());
    };
    let Some(old) = old else {
        return numbered(text, new, Vec::new());
    };
    let Some(before) = kind::text(old.bytes, old.is_complete()) else {
        let note = "The file was not text before, so there is no comparison.";
        return numbered(text, new, vec![note.to_owned()]);
    };
    if !new.is_complete() || !old.is_complete() {
        let note = format!(
            "Not compared: a side is over {}. Below is how the new file begins.",
            words::size(MAX_BYTES)
        );
        return numbered(text, new, vec![note]);
    }
    Body::Diff(diff::diff(before, text))
}

fn numbered(text: &str, side: Side<'_>, mut notes: Vec<String>) -> Body {
    let mut is_cut = false;
    let mut total = 0;
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        total = at + 1;
        if at < MAX_LINES {
            let short: String = line.chars().take(MAX_LINE).collect();
            is_cut |= short.len() < line.len();
            lines.push(NumberedLine {
                number: at + 1,
                text: visible(&short).into_owned(),
            });
        }
    }
    if !side.is_complete() {
        notes.push(format!(
            "The file has {}; at most {MAX_LINES} lines of its first {} are shown.",
            words::size(side.size),
            words::size(MAX_BYTES)
        ));
    } else if total > MAX_LINES {
        notes.push(format!("The first {MAX_LINES} of {total} lines are shown."));
    }
    if is_cut {
        notes.push(format!("Lines are cut at {MAX_LINE} characters."));
    }
    if side.size == 0 {
        notes.push("The file is empty.".to_owned());
    }
    Body::Text { lines, notes }
}

fn described(side: Side<'_>, what: &str, why: String) -> Body {
    Body::Described {
        what: what.to_owned(),
        why,
        hex: hex(side.bytes),
    }
}

fn hex(bytes: &[u8]) -> Vec<HexLine> {
    bytes[..bytes.len().min(HEX_BYTES)]
        .chunks(16)
        .enumerate()
        .map(|(at, row)| HexLine {
            offset: format!("{:04x}", at * 16),
            bytes: row
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<Vec<_>>()
                .join(" "),
            text: row
                .iter()
                .map(|byte| match byte {
                    0x20..=0x7e => char::from(*byte),
                    _ => '.',
                })
                .collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &[u8]) -> Side<'_> {
        Side {
            bytes,
            size: bytes.len() as u64,
        }
    }

    #[test]
    fn text_is_numbered_or_compared() {
        let Body::Text { lines, notes } = preview(whole(b"a\nb\n"), None) else {
            panic!("not text")
        };
        assert_eq!((lines.len(), lines[1].number), (2, 2));
        assert!(notes.is_empty());
        let body = preview(whole(b"a\n"), Some(whole(b"b\n")));
        assert!(matches!(
            body,
            Body::Diff(Diff {
                added: 1,
                removed: 1,
                ..
            })
        ));
        let body = preview(whole(b"a\n"), Some(whole(b"\0\x01")));
        assert!(matches!(body, Body::Text { .. }));
    }

    #[test]
    fn what_is_left_out_is_said() {
        let long = "line\n".repeat(MAX_LINES + 7);
        let Body::Text { lines, notes } = preview(whole(long.as_bytes()), None) else {
            panic!("not text")
        };
        assert_eq!(lines.len(), MAX_LINES);
        assert_eq!(notes, ["The first 2000 of 2007 lines are shown."]);

        let part = Side {
            bytes: b"start",
            size: 5_000_000,
        };
        let Body::Text { notes, .. } = preview(part, Some(whole(b"x"))) else {
            panic!("not text")
        };
        assert!(notes[0].starts_with("Not compared"), "{notes:?}");
        assert!(notes[1].contains("5.0 MB"), "{notes:?}");
    }

    #[test]
    fn unknown_bytes_are_described_with_their_beginning() {
        let bytes: Vec<u8> = (0..=255).chain(0..=255).collect();
        let Body::Described { what, hex, .. } = preview(whole(&bytes), None) else {
            panic!("shown")
        };
        assert_eq!(what, "unknown binary");
        assert_eq!(hex.len(), 16);
        assert_eq!(hex[4].offset, "0040");
        assert_eq!(hex[4].text, "@ABCDEFGHIJKLMNO");
        assert!(hex[0].bytes.starts_with("00 01 02"));
    }

    #[test]
    fn images_show_by_content_and_only_when_they_fit() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x04\xb0\0\0\x02\x80";
        let body = preview(whole(png), Some(whole(b"text")));
        assert!(matches!(
            body,
            Body::Image {
                new: Some((1200, 640)),
                has_old: false,
                ..
            }
        ));
        let bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\x01\0\0\0\x01\0\0";
        assert!(matches!(preview(whole(bomb), None), Body::Described { .. }));
        let broken = b"\x89PNG\r\n\x1a\n";
        assert!(matches!(
            preview(whole(broken), None),
            Body::Described { .. }
        ));
    }

    #[test]
    fn a_removed_text_shows_what_went() {
        assert!(matches!(
            removed(whole(b"a\nb\n")),
            Body::Diff(Diff {
                removed: 2,
                added: 0,
                ..
            })
        ));
        assert!(matches!(removed(whole(b"\0")), Body::Described { .. }));
    }
}
