//! Plain text, read in this process: decoding is total, and only so much is read.

use countersign_protocol::{
    content::{
        self, Body, Content, CutReason, FileType, FindingCode, LineEndings, Place, Segment, Text,
        decode,
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
    let decoded = decode(bytes, complete);
    let text = decoded.text.into_owned();
    let (lines, longest_line) = text
        .split('\n')
        .fold((0, 0), |(lines, longest): (u64, usize), line| {
            (lines + 1, longest.max(line.len()))
        });
    content.body = Body::Text(Text {
        charset: decoded.charset,
        bom: decoded.bom,
        endings: LineEndings::of(&text),
        lines: lines - u64::from(text.is_empty() || text.ends_with('\n')),
        longest_line: longest_line as u64,
    });
    if decoded.is_broken {
        content.find(
            FindingCode::WrongBytes,
            "Some of its bytes are no characters; \u{fffd} stands for them.",
        );
    }
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

/// Whether `bytes` of a file called `name` are text that may be shown and searched.
pub(super) fn is_text(bytes: &[u8], complete: bool, name: &str) -> bool {
    content::sniff(bytes, complete, name).kind.is_text()
}
