//! The text of a plain file.

use std::{
    fs::File,
    io::{self, Read},
};

use countersign_protocol::{
    Digest,
    content::{self, FileType, Kind, SNIFFED, sniff},
};

use super::words;
use crate::fs::{Stamp, digest_of};

/// Most bytes of one file whose words are in the index.
pub(super) const LIMIT: u64 = 16 * 1024 * 1024;
/// Larger files are not hashed: their digest would cost a minute each time they grow.
const HASHED: u64 = 1024 * 1024 * 1024;

/// A file as it was read.
#[derive(Debug)]
pub(super) struct Plain {
    /// How it looked before it was read: when it changes meanwhile it will look otherwise.
    pub(super) stamp: Stamp,
    /// Its text, if it is text.
    pub(super) text: Option<String>,
    /// The reason for which none of its words were read, where it may have some.
    pub(super) unread: Option<String>,
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
            unread: None,
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
    let file_type = sniff(&bytes, is_all, name);
    if words::are_for_a_child(file_type.kind, stamp.size) {
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
    let text = file_type.kind.is_text().then(|| {
        let decoded = content::decode(&bytes, !is_cut);
        decoded.text.into_owned()
    });
    Ok(Plain {
        stamp,
        text,
        unread: unread(&file_type),
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
pub(super) fn read_text(file: &File, name: &str) -> io::Result<Option<String>> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(within_limit(metadata.len()) + 1);
    file.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(decode(&bytes, metadata.len() <= LIMIT, name))
}

/// Decodes a file called `name`, of which `bytes` were read, as pages show it. `None` when it is no text.
pub(super) fn decode(bytes: &[u8], is_all: bool, name: &str) -> Option<String> {
    let is_text = sniff(bytes, is_all, name).kind.is_text();
    is_text.then(|| content::decode(bytes, is_all).text.into_owned())
}

/// The reason for which no words of a file of this type are in the index, where it may have some.
fn unread(file_type: &FileType) -> Option<String> {
    let is_picture = file_type.media_type.starts_with("image/");
    (file_type.kind == Kind::Binary && !is_picture)
        .then(|| format!("Files of this type are not read: {}.", file_type.name))
}

#[cfg(test)]
mod tests;
