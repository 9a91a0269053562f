//! Reading a file that somebody else wrote, with a limit and a second look.

use std::{fs::File, io::Read as _, os::unix::fs::MetadataExt as _};

use countersign_protocol::Digest;

/// What tells a file from itself a moment ago. Modification times can be set by anybody, so the
/// change time and the inode stand beside them.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Stamp {
    /// Device.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
    /// Size in bytes.
    pub size: u64,
    /// Last modification, nanoseconds since 1970.
    pub modified: i128,
    /// Last change of bytes or attributes, nanoseconds since 1970.
    pub changed: i128,
}

impl Stamp {
    /// The stamp of what `metadata` describes.
    pub fn of(metadata: &std::fs::Metadata) -> Self {
        let nanos =
            |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        Self {
            dev: metadata.dev(),
            ino: metadata.ino(),
            size: metadata.size(),
            modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// What is kept of it in the ledger. Without the device, whose number may be another one after a start of
    /// the machine.
    pub fn digest(self) -> Digest {
        let Self {
            dev: _,
            ino,
            size,
            modified,
            changed,
        } = self;
        Digest::of(format!("{ino} {size} {modified} {changed}").as_bytes())
    }

    /// The stamp that `stat` gives.
    pub(super) fn of_stat(stat: &rustix::fs::Stat) -> Self {
        let nanos =
            |seconds: i64, nanos: u64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        Self {
            dev: stat.st_dev,
            ino: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            modified: nanos(stat.st_mtime, stat.st_mtime_nsec),
            changed: nanos(stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadProblem {
    /// Link, folder, FIFO, socket or device.
    #[error("it is not a regular file")]
    NotRegular,
    /// More bytes than the limit.
    #[error("it has {size} bytes, more than {limit}")]
    TooLarge {
        /// Bytes that it has.
        size: u64,
        /// Bytes that are allowed.
        limit: u64,
    },
    /// It changed while it was read.
    #[error("it changed while it was read")]
    Changed,
    /// The kernel says no.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Reads all of `file`, at most `limit` bytes; refuses what is not a regular file before reading a byte.
pub fn read_limited(file: &File, limit: u64) -> Result<(Vec<u8>, Stamp), ReadProblem> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(ReadProblem::NotRegular);
    }
    let stamp = Stamp::of(&metadata);
    if stamp.size > limit {
        return Err(ReadProblem::TooLarge {
            size: stamp.size,
            limit,
        });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(stamp.size).unwrap_or_default());
    // One more than allowed, so that a file that grows is noticed and never swallowed.
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != stamp.size || Stamp::of(&file.metadata()?) != stamp {
        return Err(ReadProblem::Changed);
    }
    Ok((bytes, stamp))
}

#[cfg(test)]
mod tests {
    use super::Stamp;

    #[test]
    fn a_stamp_is_known_under_another_number_of_its_device_and_by_all_else() {
        let stamp = Stamp {
            dev: 7,
            ino: 12,
            size: 3,
            modified: 1_000,
            changed: 2_000,
        };
        assert_eq!(Stamp { dev: 8, ..stamp }.digest(), stamp.digest());
        let others = [
            Stamp { ino: 1, ..stamp },
            Stamp { size: 1, ..stamp },
            Stamp {
                modified: 1,
                ..stamp
            },
            Stamp {
                changed: 1,
                ..stamp
            },
        ];
        for other in others {
            assert_ne!(other.digest(), stamp.digest(), "{other:?}");
        }
    }
}
