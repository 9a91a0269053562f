//! A window into a text of any size: a few hundred lines from a place given in bytes, never the file.

mod index;

use std::io;

use countersign_protocol::content::{Charset, decode, decode_as};
use serde::Serialize;

use super::visible::visible;
use crate::desk::OpenFile;
pub use index::Index;

/// Lines in a window.
pub const LINES: usize = 400;
/// Bytes of a window; lines that are longer end with it.
const BYTES: usize = 128 * 1024;
/// The most characters of a line that are shown.
const MAX_LINE: usize = 2_000;
/// How far one request looks for lines that match, in bytes.
const REACH: u64 = 64 << 20;

/// How grave a line of a log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing is wrong.
    Plain,
    /// A warning.
    Warning,
    /// An error or worse.
    Error,
}

/// A line in a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Its number from 1, when it is known.
    pub number: Option<u64>,
    /// Its text, hidden characters written out.
    pub text: String,
    /// What it says of itself.
    pub level: Level,
}

/// What a window shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// The lines.
    pub lines: Vec<Line>,
    /// Where the window before this one begins, when there is one.
    pub before: Option<u64>,
    /// Where the next one begins, when there is one.
    pub after: Option<u64>,
    /// Size of the file in bytes.
    pub size: u64,
    /// How far the file is behind the reader, 0 to 100.
    pub percent: u64,
    /// The level that lines have at least.
    pub filter: Level,
    /// Lines in the file, once they are counted.
    pub total: Option<u64>,
    /// What is not shown.
    pub notes: Vec<String>,
}

/// Where a window is to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// At the line that has this byte.
    Byte(u64),
    /// So that the window ends with the file.
    End,
    /// At the line with this number, from 1; with the beginning while lines are not counted.
    Line(u64),
}

/// The window at `at`. Reads at most a few hundred kilobytes, or, when `filter` leaves lines out, as far
/// as one request may look.
pub fn window(file: &OpenFile, at: At, filter: Level, index: Option<&Index>) -> io::Result<Window> {
    let start = match at {
        At::Byte(offset) => line_start(file, offset.min(file.size))?,
        At::End => back(file, file.size)?,
        At::Line(number) => match index {
            Some(index) => index.offset(file, number)?,
            None => 0,
        },
    };
    let mut lines = Vec::new();
    let mut offset = start;
    let mut notes = Vec::new();
    let mut buffer = vec![0; BYTES];
    let charset = {
        let count = file.fill(&mut buffer, 0)?;
        decode(&buffer[..count], count as u64 >= file.size).charset
    };
    let mut is_cut = false;
    'read: while offset < file.size && offset - start < REACH {
        let count = file.fill(&mut buffer, offset)?;
        let bytes = &buffer[..count];
        let ends = offset + count as u64 >= file.size;
        // A line that does not end in the buffer is read again from its start, unless it fills it.
        let whole = match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(last) if !ends => last + 1,
            _ => count,
        };
        let chunk = offset;
        for piece in bytes[..whole].split_inclusive(|byte| *byte == b'\n') {
            let (text, level, cut) = shown(piece, charset, offset);
            if level >= filter {
                is_cut |= cut;
                lines.push(Line {
                    offset,
                    number: None,
                    text,
                    level,
                });
            }
            offset += piece.len() as u64;
            if lines.len() == LINES {
                break 'read;
            }
        }
        if whole == 0
            || (filter == Level::Plain && offset - start >= BYTES as u64)
            || chunk == offset
        {
            break;
        }
    }
    number(file, &mut lines, filter, index)?;
    if is_cut {
        notes.push(format!("Lines are cut at {MAX_LINE} characters."));
    }
    if filter > Level::Plain && offset < file.size && lines.len() < LINES {
        notes.push(
            "This is what the first part of the file has; the next part is a step further."
                .to_owned(),
        );
    }
    if matches!(at, At::Line(_)) && index.is_none() {
        notes.push("The lines are still being counted; ask again in a moment.".to_owned());
    }
    Ok(Window {
        before: match filter {
            Level::Plain if start > 0 => Some(back(file, start)?),
            _ => None,
        },
        after: (offset < file.size).then_some(offset),
        size: file.size,
        percent: (offset * 100).checked_div(file.size).unwrap_or(100),
        filter,
        total: index.map(|index| index.total),
        lines,
        notes,
    })
}

/// Numbers the lines, where that is known: at the beginning, and everywhere once they are counted.
fn number(
    file: &OpenFile,
    lines: &mut [Line],
    filter: Level,
    index: Option<&Index>,
) -> io::Result<()> {
    if filter == Level::Plain {
        let first = match (lines.first().map(|line| line.offset), index) {
            (Some(0), _) => Some(1),
            (Some(offset), Some(index)) => index.number(file, offset)?,
            _ => None,
        };
        let Some(first) = first else {
            return Ok(());
        };
        for (number, line) in (first..).zip(lines) {
            line.number = Some(number);
        }
    } else if let Some(index) = index {
        for line in lines {
            line.number = index.number(file, line.offset)?;
        }
    }
    Ok(())
}

/// Where the line begins that has the byte at `offset`; a line longer than a window begins anywhere.
fn line_start(file: &OpenFile, offset: u64) -> io::Result<u64> {
    let from = offset.saturating_sub(BYTES as u64);
    let mut before = vec![0; usize::try_from(offset - from).unwrap_or(0)];
    let count = file.fill(&mut before, from)?;
    let last = before[..count].iter().rposition(|byte| *byte == b'\n');
    Ok(match last {
        Some(last) => from + last as u64 + 1,
        None if from == 0 => 0,
        None => offset,
    })
}

/// Where the window begins that ends at `offset`.
fn back(file: &OpenFile, offset: u64) -> io::Result<u64> {
    let from = offset.saturating_sub(BYTES as u64);
    let mut before = vec![0; usize::try_from(offset - from).unwrap_or(0)];
    let count = file.fill(&mut before, from)?;
    // The break that ends the last line begins none.
    let body = &before[..count.saturating_sub(1)];
    let mut breaks = body
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, byte)| **byte == b'\n');
    Ok(match breaks.nth(LINES - 1) {
        Some((at, _)) => from + at as u64 + 1,
        None if from == 0 => 0,
        None => match body.iter().position(|byte| *byte == b'\n') {
            Some(first) => from + first as u64 + 1,
            None => from,
        },
    })
}

/// Decodes the line `piece`, which begins at `offset`. Says whether it is longer than is shown.
fn shown(piece: &[u8], charset: Charset, offset: u64) -> (String, Level, bool) {
    // Lines end at the byte of a line feed, which leaves the second byte of it to the next line.
    let is_split = charset == Charset::Utf16Le && offset % 2 == 1;
    let text = &piece[usize::from(is_split)..];
    // No character takes more than four bytes.
    let near = &text[..text.len().min(MAX_LINE * 4)];
    let decoded = decode_as(near, charset, false).text;
    let line = decoded.trim_end_matches(['\n', '\r']);
    let line = line.strip_prefix('\u{feff}').unwrap_or(line);
    let short: String = line.chars().take(MAX_LINE).collect();
    let cut = near.len() < text.len() || short.len() < line.len();
    let end = if cut { "…" } else { "" };
    let level = level(short.as_bytes());
    (format!("{}{end}", visible(&short)), level, cut)
}

/// What a line says of itself, by the words that loggers write, near its beginning.
fn level(line: &[u8]) -> Level {
    const NEAR: usize = 200;
    let near = &line[..line.len().min(NEAR)];
    let has = |word: &[u8]| {
        near.windows(word.len()).enumerate().any(|(at, found)| {
            let is_letter = |at: usize| near.get(at).is_some_and(u8::is_ascii_alphabetic);
            found.eq_ignore_ascii_case(word)
                && (at == 0 || !is_letter(at - 1))
                && !is_letter(at + word.len())
        })
    };
    let any = |words: &[&[u8]]| words.iter().any(|word| has(word));
    if any(&[
        b"error",
        b"fatal",
        b"panic",
        b"panicked",
        b"critical",
        b"err",
        b"failed",
        b"exception",
    ]) {
        Level::Error
    } else if any(&[b"warn", b"warning"]) {
        Level::Warning
    } else {
        Level::Plain
    }
}

#[cfg(test)]
mod tests;
