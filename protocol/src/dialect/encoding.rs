//! From bytes to text: what is no UTF-8 gets its own words.

use super::{Format, place};
use crate::problem::{ProblemKind, Refusal};

const RESAVE: &str =
    "Save the file as UTF-8 without a byte order mark, for example `encoding=\"utf-8\"` in Python.";
const RENAME: &str = "Write the whole file under a temporary name in the same folder, then rename it: then nobody ever sees it half written.";

/// The text of `bytes`, or why they are none.
pub(super) fn text(bytes: &[u8], format: Format) -> Result<&str, Refusal> {
    let kind = malformed(format);
    let refuse = |code: &str, offset: usize, message: String, fix: &str| {
        let before = String::from_utf8_lossy(&bytes[..offset]);
        Err(Refusal::new(kind, code, message, fix).in_file(place::of_offset(&before, before.len())))
    };
    if bytes.is_empty() {
        return refuse("empty", 0, "The file is empty.".to_owned(), RENAME);
    }
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        let message = "The file starts with a byte order mark (EF BB BF).";
        return refuse("byte_order_mark", 0, message.to_owned(), RESAVE);
    }
    let wide = |a: usize, b: usize| bytes.len() > 3 && bytes[a] == 0 && bytes[b] != 0;
    let marked = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    if marked || wide(0, 1) && wide(2, 3) || wide(1, 0) && wide(3, 2) {
        return refuse("encoding", 0, "The file is UTF-16.".to_owned(), RESAVE);
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        let tail = bytes[at..].iter().all(|byte| *byte == 0);
        let message = match (at, tail) {
            (0, true) => "The file holds only NUL bytes. It looks like an unsynced write.",
            (_, true) => "The file ends in NUL bytes. It looks like an unsynced write.",
            (_, false) => "A NUL byte stands in the file.",
        };
        let (code, fix) = if tail {
            (
                "unsynced",
                "Write the file again, and sync it before it is renamed.",
            )
        } else {
            ("encoding", RESAVE)
        };
        return refuse(code, at, message.to_owned(), fix);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            if error.error_len().is_none() {
                let message = "The file ends in the middle of a character.".to_owned();
                return refuse("truncated", at, message, RENAME);
            }
            let hint = if bytes.get(at + 1).is_none_or(u8::is_ascii) {
                " It looks like Latin-1."
            } else {
                ""
            };
            let message = format!("The byte {:02X} here is not UTF-8.{hint}", bytes[at]);
            return refuse("encoding", at, message, RESAVE);
        }
    };
    if text.trim().is_empty() {
        return refuse(
            "empty",
            0,
            "The file holds only white space.".to_owned(),
            RENAME,
        );
    }
    Ok(text)
}

/// The kind of refusal for text that is not of `format`.
pub(super) fn malformed(format: Format) -> ProblemKind {
    match format {
        Format::Json => ProblemKind::MalformedJson,
        Format::Yaml => ProblemKind::MalformedYaml,
    }
}

/// A refusal of a file that ends too early.
pub(super) fn truncated(format: Format, message: &str) -> Refusal {
    Refusal::new(malformed(format), "truncated", message, RENAME)
}
