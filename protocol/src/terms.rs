//! On what terms an approval holds: until when, and for how many uses.
//!
//! An approval is bound to bytes and holds as long as they stay as they are. A rule, or who approves, can ask for
//! less: an end, or that it is good for one use. Terms only ever become narrower on their way.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    id::{Digest, HandoffId},
    principal::Actor,
};

/// The terms of one approval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// From this moment on it holds no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// Whether it is good for one use, which `countersign gate` counts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub single_use: bool,
}

impl Terms {
    /// Whether it holds for as long as the bytes stay as they are.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// The narrower of both in each respect.
    #[must_use]
    pub fn narrowed(self, by: Self) -> Self {
        let ends = [self.valid_until, by.valid_until];
        Self {
            valid_until: ends.into_iter().flatten().min(),
            single_use: self.single_use || by.single_use,
        }
    }

    /// Why it no longer holds at `now`, when that is so.
    pub fn lapsed(&self, used: Option<&Use>, now: Timestamp) -> Option<Lapsed> {
        let used = used.filter(|_| self.single_use);
        let over = self.valid_until.filter(|until| *until <= now);
        used.cloned().map(Lapsed::Used).or(over.map(Lapsed::Over))
    }
}

/// What a rule asks of every approval that is given by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RuleTerms {
    /// It holds for so many seconds from when it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_for_seconds: Option<u64>,
    /// It is good for one use.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub single_use: bool,
}

impl RuleTerms {
    /// Whether it asks for nothing.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// The terms of an approval that is given at `now`.
    pub fn at(&self, now: Timestamp) -> Terms {
        let seconds = self.valid_for_seconds.map(i64::try_from);
        Terms {
            // What is longer than time goes has no end.
            valid_until: seconds.and_then(|seconds| {
                now.checked_add(SignedDuration::from_secs(seconds.ok()?))
                    .ok()
            }),
            single_use: self.single_use,
        }
    }
}

/// That an approval was used, as the ledger records it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// The card.
    pub handoff: HandoffId,
    /// The approved revision.
    pub revision: u32,
    /// Digest of the manifest that was approved.
    pub manifest_sha256: Digest,
    /// Made by who uses it: asking again with the same id is the same use.
    pub use_id: String,
}

/// A use, as those are told who ask later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Use {
    /// Made by who used it.
    pub use_id: String,
    /// Who, by name.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The entry of the ledger.
    pub seq: u64,
}

impl Use {
    /// The use that `actor` recorded.
    pub fn of(used: &Used, actor: &Actor, at: Timestamp, seq: u64) -> Self {
        Self {
            use_id: used.use_id.clone(),
            by: actor.name().to_owned(),
            at,
            seq,
        }
    }
}

/// Why an approval holds no longer, although every byte is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lapsed {
    /// Its time ended.
    Over(Timestamp),
    /// It was good for one use, and this was it.
    Used(Use),
}

impl fmt::Display for Lapsed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Over(until) => write!(formatter, "the approval ended at {until:.0}"),
            Self::Used(one) => write!(
                formatter,
                "the approval was good for one use, and {} used it at {:.0} [e{}]",
                one.by, one.at, one.seq
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn terms_only_become_narrower() {
        let hour = RuleTerms {
            valid_for_seconds: Some(3600),
            single_use: false,
        };
        let once = Terms {
            valid_until: Some(at(10_000)),
            single_use: true,
        };
        let both = hour.at(at(0)).narrowed(once);
        assert_eq!(both.valid_until, Some(at(3600)));
        assert!(both.single_use);
        assert_eq!(both.narrowed(Terms::default()), both);
        let endless = RuleTerms {
            valid_for_seconds: Some(u64::MAX),
            ..hour
        };
        assert!(endless.at(at(0)).is_open());
    }

    #[test]
    fn an_approval_ends_at_its_moment_and_with_its_use() {
        let used = Use {
            use_id: "a".to_owned(),
            by: "deployer".to_owned(),
            at: at(5),
            seq: 9,
        };
        let open = Terms::default();
        assert_eq!(open.lapsed(Some(&used), at(i64::from(u32::MAX))), None);
        let ends = Terms {
            valid_until: Some(at(10)),
            single_use: false,
        };
        assert_eq!(ends.lapsed(Some(&used), at(9)), None);
        assert_eq!(ends.lapsed(None, at(10)), Some(Lapsed::Over(at(10))));
        let once = Terms {
            single_use: true,
            ..ends
        };
        assert_eq!(once.lapsed(None, at(9)), None);
        assert_eq!(once.lapsed(Some(&used), at(9)), Some(Lapsed::Used(used)));
    }
}
