//! Results that grow beside a handoff.

use countersign_protocol::{
    Digest,
    partial::{DecideOn, PartialSeen},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far a result has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartialRow {
    /// What an approval now would be about: the chunks up to the first that is missing.
    pub seen: PartialSeen,
    /// When it may be approved.
    pub decide: DecideOn,
    /// How many chunks are kept.
    pub kept: usize,
    /// How many the agent expects, or the number of the last one, once that came.
    pub expected: Option<u32>,
    /// The first numbers that are missing before the newest chunk.
    pub missing: Vec<u32>,
    /// How many are missing.
    pub gaps: usize,
    /// Bytes of all kept chunks.
    pub bytes: u64,
    /// When the newest came.
    pub newest_at: Option<Timestamp>,
}

impl PartialRow {
    /// Whether an approval has to wait for the rest.
    pub fn is_awaited(&self) -> bool {
        self.decide == DecideOn::Whole && !self.seen.whole
    }

    /// How far it is, in a few words.
    pub fn words(&self) -> String {
        let kept = self.kept;
        let so_far = match (self.seen.whole, self.expected) {
            (true, _) if kept == 1 => "whole, 1 chunk".to_owned(),
            (true, _) => format!("whole, {kept} chunks"),
            (false, Some(all)) => format!("{kept} of {all} chunks"),
            (false, None) if kept == 1 => "1 chunk so far".to_owned(),
            (false, None) => format!("{kept} chunks so far"),
        };
        match self.missing.as_slice() {
            [] => so_far,
            [one] if self.gaps == 1 => format!("{so_far}, chunk {one} is missing"),
            [first, ..] => format!("{so_far}, {} are missing from chunk {first} on", self.gaps),
        }
    }
}

/// A chunk to show or to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkBytes {
    /// Digest of its bytes.
    pub sha256: Digest,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said() {
        let row = |whole, kept, expected, missing: &[u32], gaps| PartialRow {
            seen: PartialSeen {
                folder: "partial".to_owned(),
                through: 0,
                whole,
                sha256: Digest::ZERO,
            },
            decide: DecideOn::Whole,
            kept,
            expected,
            missing: missing.to_vec(),
            gaps,
            bytes: 0,
            newest_at: None,
        };
        for (row, words) in [
            (row(false, 0, None, &[], 0), "0 chunks so far"),
            (row(false, 3, Some(12), &[], 0), "3 of 12 chunks"),
            (row(true, 1, Some(1), &[], 0), "whole, 1 chunk"),
            (
                row(false, 2, None, &[2], 1),
                "2 chunks so far, chunk 2 is missing",
            ),
            (
                row(false, 2, Some(9), &[2, 3], 5),
                "2 of 9 chunks, 5 are missing from chunk 2 on",
            ),
        ] {
            assert_eq!(row.words(), words);
        }
    }
}
