//! Tar archives.

use std::io::{self, Read};

use countersign_protocol::content::{CutReason, Entry, EntryFlag, EntryKind};

use super::{
    Bytes, Draft,
    archive::{ENTRIES, Listing},
};

pub(super) fn read(file: &mut dyn Bytes, draft: &mut Draft) {
    let mut archive = tar::Archive::new(file);
    let mut listing = Listing::new("tar", None);
    match archive.entries_with_seek() {
        Ok(entries) => walk(entries, &mut listing, draft),
        Err(error) => draft
            .content
            .cut(CutReason::Damaged, super::damaged(error).message),
    }
    listing.finish(draft);
}

/// Lists what the stream has.
pub(super) fn stream(packed: impl Read, listing: &mut Listing, draft: &mut Draft) {
    match tar::Archive::new(packed).entries() {
        Ok(entries) => walk(entries, listing, draft),
        Err(error) => draft
            .content
            .cut(CutReason::Damaged, super::damaged(error).message),
    }
}

fn walk<R: Read>(entries: tar::Entries<'_, R>, listing: &mut Listing, draft: &mut Draft) {
    for member in entries {
        if listing.len() == ENTRIES {
            let message = format!("It has more than {ENTRIES} entries; the first ones are listed.");
            draft.content.cut(CutReason::TooMany, message);
            return;
        }
        match member.and_then(|mut member| entry(&mut member, listing)) {
            Ok((entry, start)) => listing.add(entry, start, draft),
            Err(error) => {
                let cut = if is_full(&error) {
                    super::archive::too_much(UNPACKED)
                } else {
                    super::damaged(&error)
                };
                draft.content.cut(cut.reason, cut.message);
                return;
            }
        }
    }
}

fn entry<R: Read>(
    member: &mut tar::Entry<'_, R>,
    listing: &Listing,
) -> io::Result<(Entry, Vec<u8>)> {
    let kind = match member.header().entry_type() {
        kind if kind.is_dir() => EntryKind::Folder,
        kind if kind.is_symlink() || kind.is_hard_link() => EntryKind::Link,
        kind if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() => EntryKind::File,
        _ => EntryKind::Special,
    };
    let mut entry = Entry {
        path: String::from_utf8_lossy(&member.path_bytes()).into_owned(),
        kind,
        size: member.size(),
        target: member
            .link_name_bytes()
            .map(|target| String::from_utf8_lossy(&target).into_owned()),
        ..Entry::default()
    };
    let mode = member.header().mode().unwrap_or(0);
    if kind == EntryKind::File && mode & 0o6000 != 0 {
        entry.flag(EntryFlag::Executable);
    }
    let mut start = Vec::new();
    if kind == EntryKind::File
        && let Some(limit) = listing.allowance()
    {
        member.take(limit).read_to_end(&mut start)?;
    }
    Ok((entry, start))
}

/// Most that is unpacked of one stream, in bytes.
pub(super) const UNPACKED: u64 = 512 << 20;

/// More was unpacked than is read.
#[derive(Debug, thiserror::Error)]
#[error("it unpacks to more than is read")]
struct Full;

/// Whether a [`Bounded`] stream gave `error` in the place of its end.
pub(super) fn is_full(error: &io::Error) -> bool {
    let mut inner = error.get_ref();
    while let Some(error) = inner {
        if error.is::<Full>() {
            return true;
        }
        // Readers wrap errors in errors of their own.
        inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
    }
    false
}

/// Gives what `inner` gives, up to `left` bytes; then an error instead of the end.
pub(super) struct Bounded<R> {
    pub(super) inner: R,
    pub(super) left: u64,
}

impl<R> Bounded<R> {
    pub(super) fn new(inner: R, left: u64) -> Self {
        Self { inner, left }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other(Full));
        }
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let read = self.inner.read(&mut buffer[..most])?;
        self.left -= read as u64;
        Ok(read)
    }
}
