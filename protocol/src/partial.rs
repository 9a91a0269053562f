//! Results that grow: numbered chunks in a folder `partial/`, written one by one while the agent works.
//!
//! `partial/0001`, `partial/0002` and so on are one stream; `partial/draft/0001` is the first chunk of another.
//! The last chunk says so in its name, `partial/0007.final`, so that the end comes with it by the same rename.

use serde::{Deserialize, Serialize};

use crate::id::Digest;

/// The folder of chunks.
pub const FOLDER: &str = "partial";
/// The most chunks of one stream.
pub const MAX_CHUNKS: u32 = 10_000;
/// What the name of the last chunk ends with.
const FINAL: &str = ".final";
/// Least and most digits of a number.
const DIGITS: std::ops::RangeInclusive<usize> = 4..=9;

/// A chunk, by the name of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its place, from 1.
    pub number: u32,
    /// Whether it is the last one.
    pub is_final: bool,
}

impl Chunk {
    /// The chunk that the file `name` in `folder` is.
    pub fn at(folder: &str, name: &str) -> Option<Self> {
        let chunk = Self::named(name)?;
        home(folder).map(|_| chunk)
    }

    /// The chunk that a file of this name is, if it lies where chunks do.
    pub fn named(name: &str) -> Option<Self> {
        let (digits, is_final) = match name.strip_suffix(FINAL) {
            Some(digits) => (digits, true),
            None => (name, false),
        };
        let is_number =
            DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.parse().ok().filter(|_| is_number)?;
        Some(Self { number, is_final })
    }

    /// The usual name of its file.
    pub fn file(self) -> String {
        let end = if self.is_final { FINAL } else { "" };
        format!("{:04}{end}", self.number)
    }
}

/// The folder that the stream in `folder` belongs to: the one that `partial` lies in.
pub fn home(folder: &str) -> Option<&str> {
    let split = |path: &'_ str| path.rfind('/').map_or((0, 0), |at| (at, at + 1));
    let (end, name) = split(folder);
    if &folder[name..] == FOLDER {
        return Some(&folder[..end]);
    }
    let above = &folder[..end];
    let (end, name) = split(above);
    (&above[name..] == FOLDER && !folder.ends_with('/')).then(|| &above[..end])
}

/// When a growing result may be approved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DecideOn {
    /// Once all of it is there.
    #[default]
    Whole,
    /// At any time, as far as it was there.
    Any,
}

/// What a handoff states about the result that grows beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partials {
    /// The folder of its chunks, relative to that of the handoff.
    pub folder: String,
    /// When it may be approved.
    pub decide: DecideOn,
    /// How many chunks are expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunks: Option<u32>,
}

impl Partials {
    /// The folder of the chunks relative to the workspace, for a handoff in `home`.
    pub fn folder_in(&self, home: &str) -> String {
        if home.is_empty() {
            self.folder.clone()
        } else {
            format!("{home}/{}", self.folder)
        }
    }
}

/// How much of a growing result an answer is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PartialSeen {
    /// The folder of its chunks, relative to that of the handoff.
    pub folder: String,
    /// The last chunk that it is about; 0 for none.
    pub through: u32,
    /// Whether that is all of it.
    pub whole: bool,
    /// Digest of the list that `sha256sum` prints for these chunks in their order.
    pub sha256: Digest,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_known_by_their_names_and_places() {
        let chunk = |number, is_final| Some(Chunk { number, is_final });
        for (folder, name, expected) in [
            ("partial", "0001", chunk(1, false)),
            ("a/b/partial", "0012.final", chunk(12, true)),
            ("a/partial/draft", "10000", chunk(10_000, false)),
            ("partial/draft", "0000", chunk(0, false)),
            ("partial", "001", None),
            ("partial", "0001.txt", None),
            ("partial", "0001.final.final", None),
            ("partial", "+001", None),
            ("partial", "1234567890", None),
            ("", "0001", None),
            ("partials", "0001", None),
            ("partial/a/b", "0001", None),
            ("partial/", "0001", None),
        ] {
            assert_eq!(Chunk::at(folder, name), expected, "{folder}/{name}");
        }
        let last = chunk(7, true).unwrap();
        assert_eq!(last.file(), "0007.final");
        assert_eq!(Chunk::named(&last.file()), Some(last));
    }

    #[test]
    fn a_stream_belongs_to_the_folder_around_it() {
        for (folder, expected) in [
            ("partial", Some("")),
            ("partial/draft", Some("")),
            ("a/partial", Some("a")),
            ("a/b/partial/draft", Some("a/b")),
            ("a", None),
            ("", None),
            ("a/b", None),
        ] {
            assert_eq!(home(folder), expected, "{folder}");
        }
    }
}
