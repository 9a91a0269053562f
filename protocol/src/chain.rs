//! The chain: each entry names the hash of the one before it.
//!
//! `hash(n) = SHA-256("countersign-entry-v1\0" ‖ hash(n-1) ‖ body(n))`, where the body is the JSON
//! text exactly as it is stored. A verifier in any language needs no canonical form, only the rows.
//! A chain shows every change to anybody who knows a later hash; whoever can rewrite all of it and
//! every copy of its head can still replace it whole.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{event::Event, id::Digest, principal::Actor};

/// What is hashed: a fact with its number, time and author.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// From 1, without gaps.
    pub seq: u64,
    /// Never earlier than the entry before it.
    pub at: Timestamp,
    /// Who caused it.
    pub actor: Actor,
    /// The fact.
    #[serde(flatten)]
    pub event: Event,
}

/// A stored entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From 1, without gaps.
    pub seq: u64,
    /// The JSON text of the [`Body`].
    pub body: String,
    /// Hash of this entry.
    pub hash: Digest,
}

/// The end of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Head {
    /// Number of the last entry, 0 for an empty chain.
    pub seq: u64,
    /// Hash of the last entry, zero for an empty chain.
    pub hash: Digest,
}

impl Head {
    /// The head of an empty chain.
    pub const EMPTY: Self = Self {
        seq: 0,
        hash: Digest::ZERO,
    };
}

impl Default for Head {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// The first place where a chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
pub enum Broken {
    /// An entry is missing, doubled or out of order.
    #[error("entry {expected} is missing; entry {found} stands in its place")]
    Gap {
        /// The number that should be there.
        expected: u64,
        /// The number that is.
        found: u64,
    },
    /// An entry does not hash to what is stored.
    #[error("entry {seq} was changed after it was written")]
    Hash {
        /// Its number.
        seq: u64,
    },
    /// The text of an entry is not an entry, or says another number than its row.
    #[error("entry {seq} cannot be read: {why}")]
    Body {
        /// Its number.
        seq: u64,
        /// Why.
        why: String,
    },
    /// Entries are missing at the end: something that is kept beside the chain followed it further.
    #[error("the entries after {head} are missing; entry {seen} was acted on before")]
    Cut {
        /// Number of the last entry that is there.
        head: u64,
        /// Number of the furthest entry that was acted on.
        seen: u64,
    },
    /// Time runs backwards.
    #[error("entry {seq} is dated before the one it follows")]
    Time {
        /// Its number.
        seq: u64,
    },
}

/// The hash of an entry with `body` after one with hash `prev`.
pub fn hash(prev: Digest, body: &str) -> Digest {
    let mut hash = Sha256::new();
    hash.update(b"countersign-entry-v1\0");
    hash.update(prev.0);
    hash.update(body.as_bytes());
    Digest(hash.finalize().into())
}

/// The entry for `body` after `head`.
///
/// # Panics
/// Never: a body holds nothing that JSON cannot say.
pub fn seal(head: Head, body: &Body) -> Entry {
    #[expect(clippy::expect_used, reason = "string keys and finite numbers only")]
    let text = serde_json::to_string(body).expect("a body is JSON");
    Entry {
        seq: body.seq,
        hash: hash(head.hash, &text),
        body: text,
    }
}

/// Checks entries in order, one at a time, so that a chain of any length needs no memory.
#[derive(Debug)]
pub struct Verifier {
    head: Head,
    last: Option<Timestamp>,
}

impl Default for Verifier {
    fn default() -> Self {
        Self {
            head: Head::EMPTY,
            last: None,
        }
    }
}

impl Verifier {
    /// Takes the next entry; gives back what it says.
    pub fn next(&mut self, entry: &Entry) -> Result<Body, Broken> {
        let seq = self.head.seq + 1;
        if entry.seq != seq {
            return Err(Broken::Gap {
                expected: seq,
                found: entry.seq,
            });
        }
        if hash(self.head.hash, &entry.body) != entry.hash {
            return Err(Broken::Hash { seq });
        }
        let body: Body = serde_json::from_str(&entry.body).map_err(|error| Broken::Body {
            seq,
            why: error.to_string(),
        })?;
        if body.seq != seq {
            return Err(Broken::Body {
                seq,
                why: format!("it says it is entry {}", body.seq),
            });
        }
        if self.last.is_some_and(|last| body.at < last) {
            return Err(Broken::Time { seq });
        }
        self.last = Some(body.at);
        self.head = Head {
            seq,
            hash: entry.hash,
        };
        Ok(body)
    }

    /// The head so far.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The time of the last entry.
    pub fn last_time(&self) -> Option<Timestamp> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(length: u64) -> Vec<Entry> {
        let mut head = Head::EMPTY;
        (1..=length)
            .map(|seq| {
                let body = Body {
                    seq,
                    at: Timestamp::from_second(1_000 + seq.cast_signed()).unwrap(),
                    actor: Actor::Daemon,
                    event: Event::TokenRevoked {
                        id: format!("t{seq}"),
                    },
                };
                let entry = seal(head, &body);
                head = Head {
                    seq,
                    hash: entry.hash,
                };
                entry
            })
            .collect()
    }

    fn verify(entries: &[Entry]) -> Result<Head, Broken> {
        let mut verifier = Verifier::default();
        entries
            .iter()
            .try_for_each(|entry| verifier.next(entry).map(drop))?;
        Ok(verifier.head())
    }

    #[test]
    fn an_untouched_chain_holds() {
        let entries = chain(5);
        assert_eq!(
            verify(&entries),
            Ok(Head {
                seq: 5,
                hash: entries[4].hash
            })
        );
    }

    #[test]
    fn every_flipped_bit_of_a_body_is_found() {
        let entries = chain(3);
        for at in 0..entries[1].body.len() {
            let mut changed = entries.clone();
            let mut bytes = changed[1].body.clone().into_bytes();
            bytes[at] ^= 1;
            changed[1].body = String::from_utf8(bytes).unwrap();
            assert_eq!(verify(&changed), Err(Broken::Hash { seq: 2 }), "{at}");
        }
    }

    #[test]
    fn deleting_swapping_and_inserting_are_found() {
        let entries = chain(4);
        let without = [entries[0].clone(), entries[2].clone()];
        assert_eq!(
            verify(&without),
            Err(Broken::Gap {
                expected: 2,
                found: 3
            })
        );
        let mut swapped = entries.clone();
        swapped.swap(1, 2);
        assert!(verify(&swapped).is_err());
        let mut renumbered = entries.clone();
        renumbered.remove(1);
        for (at, entry) in renumbered.iter_mut().enumerate() {
            entry.seq = at as u64 + 1;
        }
        assert_eq!(verify(&renumbered), Err(Broken::Hash { seq: 2 }));
    }

    #[test]
    fn an_entry_resealed_with_another_time_or_number_is_found() {
        let mut entries = chain(2);
        let mut body: Body = serde_json::from_str(&entries[1].body).unwrap();
        body.at = Timestamp::from_second(1).unwrap();
        entries[1] = seal(
            Head {
                seq: 1,
                hash: entries[0].hash,
            },
            &body,
        );
        assert_eq!(verify(&entries), Err(Broken::Time { seq: 2 }));
        body.seq = 9;
        entries[1] = seal(
            Head {
                seq: 1,
                hash: entries[0].hash,
            },
            &body,
        );
        entries[1].seq = 2;
        assert!(matches!(verify(&entries), Err(Broken::Body { seq: 2, .. })));
    }
}
