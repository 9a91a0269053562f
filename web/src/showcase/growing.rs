//! A result that grows, with a gap in it.

use countersign_protocol::{
    Digest,
    partial::{DecideOn, PartialSeen},
};
use jiff::Timestamp;

use crate::desk::PartialRow;

/// Four of twelve chunks, of which the fourth is missing; the newest came at `newest`.
pub(super) fn row(newest: Timestamp) -> PartialRow {
    PartialRow {
        seen: PartialSeen {
            folder: "partial".to_owned(),
            through: 3,
            whole: false,
            sha256: Digest::ZERO,
        },
        decide: DecideOn::Whole,
        kept: 4,
        expected: Some(12),
        missing: vec![4],
        gaps: 1,
        bytes: 9_120,
        newest_at: Some(newest),
    }
}
