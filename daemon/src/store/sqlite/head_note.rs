//! How far the ledger was, kept beside the database: what the database lost without a word is noticed by it.
//!
//! SQLite takes a log up to its first bad frame and drops what follows, as after a power cut. So after each commit its last
//! entry is written into a small file. That is not synced, since the commit was: after a power cut the file may be
//! older than the database, and never newer.

use std::{
    fs::File,
    io::Read as _,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use countersign_protocol::{Digest, chain::Head};

use crate::store::StoreError;

/// What is added to the name of the database.
const SUFFIX: &str = "-head";
/// Bytes of a record, alone in what a disk writes as one.
const SECTOR: usize = 512;
/// Records are written in turn, so that one is whole whatever happens to the other.
const SLOTS: u64 = 2;

/// The file.
#[derive(Debug)]
pub(super) struct HeadNote {
    file: File,
    path: PathBuf,
    written: u64,
}

impl HeadNote {
    /// Opens the file beside the database at `database`, and makes it when there is none.
    pub(super) fn open(database: &Path) -> Result<Self, StoreError> {
        let mut name = database.as_os_str().to_owned();
        name.push(SUFFIX);
        let path = PathBuf::from(name);
        let mut options = std::fs::OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let file = options.mode(0o600).open(&path);
        let file = file.map_err(|error| failed(&path, &error))?;
        Ok(Self {
            file,
            path,
            written: 0,
        })
    }

    /// The newest entry that was committed; `None` when the file says nothing.
    pub(super) fn read(&mut self) -> Result<Option<Head>, StoreError> {
        let mut bytes = Vec::new();
        let limit = SLOTS * SECTOR as u64;
        let read = (&self.file).take(limit).read_to_end(&mut bytes);
        read.map_err(|error| failed(&self.path, &error))?;
        let heads = bytes.chunks(SECTOR).filter_map(parse);
        let newest = heads.max_by_key(|head| head.seq);
        self.written = newest.map_or(0, |head| head.seq);
        Ok(newest)
    }

    /// Notes that `head` was committed.
    pub(super) fn write(&mut self, head: &Head) {
        let mut record = text(head).into_bytes();
        record.resize(SECTOR, b'\n');
        self.written += 1;
        let at = self.written % SLOTS * SECTOR as u64;
        // It only notices losses: the commit stands without it.
        if let Err(error) = self.file.write_all_at(&record, at) {
            tracing::debug!(%error, "how far the ledger is stays as it was noted");
        }
    }
}

/// `seq hash checksum`, in decimal and hexadecimal digits.
fn text(head: &Head) -> String {
    let words = format!("{} {}", head.seq, head.hash);
    let sum = Digest::of(words.as_bytes());
    format!("{words} {sum}")
}

fn parse(record: &[u8]) -> Option<Head> {
    let words = std::str::from_utf8(record).ok()?.trim_end();
    let mut parts = words.split(' ');
    let head = Head {
        seq: parts.next()?.parse().ok()?,
        hash: parts.next()?.parse().ok()?,
    };
    (text(&head) == words).then_some(head)
}

fn failed(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Failed(format!("cannot open {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(seq: u64) -> Head {
        Head {
            seq,
            hash: Digest::of(&seq.to_be_bytes()),
        }
    }

    #[test]
    fn the_newest_whole_record_counts() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("ledger.db");
        let open = || HeadNote::open(&database).unwrap();
        assert_eq!(open().read().unwrap(), None);
        let mut file = open();
        for seq in 1..=5 {
            file.write(&head(seq));
            assert_eq!(open().read().unwrap(), Some(head(seq)));
        }
        // A record that was cut in the middle, or turned, is none.
        for (at, byte) in [(0, b'7'), (40, b'z')] {
            let mut file = open();
            file.read().unwrap();
            file.write(&head(6));
            let slot = file.written % SLOTS * SECTOR as u64;
            file.file.write_all_at(&[byte], slot + at).unwrap();
            assert_eq!(open().read().unwrap(), Some(head(5)));
        }
        std::fs::OpenOptions::new()
            .write(true)
            .open(folder.path().join("ledger.db-head"))
            .unwrap()
            .set_len(600)
            .unwrap();
        assert_eq!(open().read().unwrap(), None, "both are gone");
    }
}
