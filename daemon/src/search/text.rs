//! The text of a plain file.

use std::{
    fs::File,
    io::{self, Read},
};

use countersign_protocol::{
    Digest,
    content::{SNIFFED, sniff},
};

use super::words;
use crate::fs::{Stamp, digest_of};

/// Most bytes of one file whose words are in the index.
pub(super) const LIMIT: u64 = 16 * 1024 * 1024;
/// Larger files are not hashed: their digest would cost a minute each time they grow.
const HASHED: u64 = 1024 * 1024 * 1024;
/// A file with a zero byte among its first bytes is no text, unless it is UTF-16.
const LOOKED_AT: usize = 8 * 1024;

/// A file as it was read.
#[derive(Debug)]
pub(super) struct Plain {
    /// How it looked before it was read: when it changes meanwhile it will look otherwise.
    pub(super) stamp: Stamp,
    /// Its text, if it is text.
    pub(super) text: Option<String>,
    /// Whether there is more text than was read.
    pub(super) is_cut: bool,
    /// Digest of all of it.
    pub(super) digest: Option<Digest>,
    /// Whether only a child may read its words; nothing else is said of it then.
    pub(super) is_for_a_child: bool,
}

impl Plain {
    /// A file of which nothing was read.
    pub(super) fn unread(stamp: Stamp) -> Self {
        Self {
            stamp,
            text: None,
            is_cut: false,
            digest: None,
            is_for_a_child: false,
        }
    }
}

/// Reads `file`, called `name`. `None` for what is no regular file.
pub(super) fn read(file: File, name: &str) -> io::Result<Option<Plain>> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(None);
    }
    read_from(&file, Stamp::of(&metadata), name).map(Some)
}

/// The same of any bytes; `stamp` says how many there are.
pub(super) fn read_from(mut from: impl Read, stamp: Stamp, name: &str) -> io::Result<Plain> {
    let mut bytes = Vec::with_capacity(within_limit(stamp.size) + 1);
    (&mut from).take(SNIFFED as u64).read_to_end(&mut bytes)?;
    let is_all = bytes.len() as u64 >= stamp.size;
    if words::are_for_a_child(sniff(&bytes, is_all, name).kind, stamp.size) {
        return Ok(Plain {
            is_for_a_child: true,
            ..Plain::unread(stamp)
        });
    }
    let rest = LIMIT.saturating_sub(bytes.len() as u64);
    (&mut from).take(rest).read_to_end(&mut bytes)?;
    let is_cut = stamp.size > LIMIT;
    let digest = if stamp.size <= LIMIT {
        Some(Digest::of(&bytes))
    } else if stamp.size <= HASHED {
        Some(digest_of(&mut bytes.as_slice().chain(from))?)
    } else {
        None
    };
    Ok(Plain {
        stamp,
        text: decode(bytes),
        is_cut,
        digest,
        is_for_a_child: false,
    })
}

/// As many bytes of a file of `size` bytes as are read.
pub(super) fn within_limit(size: u64) -> usize {
    usize::try_from(size.min(LIMIT)).unwrap_or_default()
}

/// Reads the text of `file` alone, as far as the index has it. Call it for files that had text.
pub(super) fn read_text(file: &File) -> io::Result<Option<String>> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(within_limit(metadata.len()) + 1);
    file.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(decode(bytes))
}

/// The text in `bytes`: UTF-8, whose wrong bytes become `U+FFFD`, or UTF-16 that begins with its mark.
/// `None` when they are no text.
pub(super) fn decode(bytes: Vec<u8>) -> Option<String> {
    let wide = |of: fn([u8; 2]) -> u16| {
        let units = bytes[2..]
            .chunks_exact(2)
            .map(|pair| of([pair[0], pair[1]]));
        char::decode_utf16(units)
            .map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    };
    match bytes.as_slice() {
        [0xff, 0xfe, ..] => return Some(wide(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => return Some(wide(u16::from_be_bytes)),
        _ => {}
    }
    if bytes[..bytes.len().min(LOOKED_AT)].contains(&0) {
        return None;
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let bytes = error.into_bytes();
            let text = String::from_utf8_lossy(&bytes);
            // Mostly wrong bytes are no text in another encoding, but no text at all.
            let wrong = text
                .chars()
                .filter(|letter| *letter == char::REPLACEMENT_CHARACTER);
            if wrong.count() * 10 > bytes.len() {
                return None;
            }
            text.into_owned()
        }
    };
    Some(text)
}

#[cfg(test)]
mod tests;
