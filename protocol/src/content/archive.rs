//! Archives, as a list of what is in them.

use serde::{Deserialize, Serialize};

/// An archive. Nothing in it is unpacked to disk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Archive {
    /// `zip`, `tar`, `gzip`, `bzip2`, `xz` or `zstd`, and for packed tar archives `tar.gz`, `tar.bz2`, `tar.xz`
    /// or `tar.zst`.
    pub format: String,
    /// Its entries in the order of the archive, as many as were read.
    pub entries: Vec<Entry>,
    /// How many entries it says it has, when it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stated_entries: Option<u64>,
    /// What the listed entries take unpacked, in bytes, as the archive states it.
    pub unpacked_size: u64,
}

impl Archive {
    /// Most text that is read of one entry, in bytes.
    pub const MEMBER: u64 = 1 << 20;
}

/// What an entry is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A file.
    #[default]
    File,
    /// A folder.
    Folder,
    /// A symbolic or hard link.
    Link,
    /// A device, pipe or socket.
    Special,
}

/// What is odd about an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum EntryFlag {
    /// Its path leads out of the folder with `..`.
    Parent,
    /// Its path starts at a root.
    Absolute,
    /// It is a link.
    Link,
    /// It is a device, pipe or socket.
    Special,
    /// It takes more than a hundred times its packed size.
    Ratio,
    /// It needs a password.
    Encrypted,
    /// An earlier entry has the same path.
    Duplicate,
    /// It is an archive itself; what is in it is not listed.
    Nested,
    /// It is a program.
    Executable,
    /// Its path has control or invisible characters.
    HiddenName,
    /// Another path stands in front of its content than in the list of the archive.
    Renamed,
}

impl EntryFlag {
    /// The words for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Parent => "leaves its folder with ..",
            Self::Absolute => "absolute path",
            Self::Link => "link",
            Self::Special => "device, pipe or socket",
            Self::Ratio => "unpacks to over 100 times its size",
            Self::Encrypted => "encrypted",
            Self::Duplicate => "same path twice",
            Self::Nested => "archive within the archive",
            Self::Executable => "program",
            Self::HiddenName => "hidden characters in its name",
            Self::Renamed => "another name in front of its content",
        }
    }
}

/// One entry of an archive.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Entry {
    /// Its path as the archive has it.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Unpacked size in bytes, as stated.
    pub size: u64,
    /// Packed size in bytes, where entries are packed one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packed: Option<u64>,
    /// Where a link leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// CRC-32 of the content, as stated; tells a changed entry from an unchanged one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crc32: Option<u32>,
    /// What is odd about it, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<EntryFlag>,
}

impl Entry {
    /// How many times its packed size it takes unpacked.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a ratio that people read needs two digits"
    )]
    pub fn ratio(&self) -> Option<f64> {
        let packed = self.packed.filter(|packed| *packed > 0)?;
        Some(self.size as f64 / packed as f64)
    }

    /// Adds a flag, keeping the list sorted and without repeats.
    pub fn flag(&mut self, flag: EntryFlag) {
        if let Err(at) = self.flags.binary_search(&flag) {
            self.flags.insert(at, flag);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_kept_once_and_a_ratio_needs_a_packed_size() {
        let mut entry = Entry {
            size: 1000,
            packed: Some(4),
            ..Entry::default()
        };
        entry.flag(EntryFlag::Ratio);
        entry.flag(EntryFlag::Parent);
        entry.flag(EntryFlag::Ratio);
        assert_eq!(entry.flags, [EntryFlag::Parent, EntryFlag::Ratio]);
        assert_eq!(entry.ratio(), Some(250.0));
        entry.packed = Some(0);
        assert_eq!(entry.ratio(), None);
    }
}
