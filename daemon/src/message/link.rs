//! Links in messages that open a page on which a person may decide. The secret is in the message only; its
//! digest is kept, with everything it is bound to.

use base64::Engine as _;
use countersign_protocol::{Digest, HandoffId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Recipient};
use crate::store::{Space, Store, StoreError};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkAnswer {
    /// To approve.
    Approve,
    /// To ask for changes.
    Changes,
}

impl LinkAnswer {
    /// The word in the link.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Changes => "changes",
        }
    }
}

/// What a link is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The message it came with.
    pub message: String,
    /// The only person who may use it.
    pub person: Recipient,
    /// The card.
    pub handoff: HandoffId,
    /// The revision.
    pub revision: u32,
    /// The bytes.
    pub manifest_sha256: Digest,
    /// The answer.
    pub answer: LinkAnswer,
    /// When it was made.
    pub made: Timestamp,
    /// After which it is refused.
    pub expires: Timestamp,
    /// Whether it decides without a session.
    pub alone: bool,
    /// When it was spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Timestamp>,
}

/// A new link with its secret.
#[derive(Clone, Debug)]
pub struct Minted {
    /// 256 bits, for the message only.
    pub secret: String,
    /// What is kept.
    pub change: Change,
}

/// Makes a link out of 256 random bits.
pub fn mint(random: [u8; 32], link: &Link) -> Minted {
    let secret = secret(random);
    let change = link.change(&secret);
    Minted { secret, change }
}

/// 256 random bits as they stand in a link.
pub(super) fn secret(random: [u8; 32]) -> String {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random)
}

impl Link {
    /// What is kept of it under the digest of its secret.
    pub fn change(&self, secret: &str) -> Change {
        let key = Digest::of(secret.as_bytes()).to_string();
        (Space::Link, key, Some(super::text(self)))
    }

    /// Whether a later message to the same person about the same handoff has links of its own.
    pub fn is_replaced(&self, store: &mut dyn Store) -> Result<bool, StoreError> {
        let all = store.values(Space::Link)?;
        let mut others = all
            .iter()
            .filter_map(|(_, text)| serde_json::from_str::<Self>(text).ok());
        Ok(others.any(|other| {
            let is_same = other.person.id == self.person.id && other.handoff == self.handoff;
            is_same && other.message != self.message && other.made > self.made
        }))
    }

    /// The link with that secret.
    pub fn find(store: &mut dyn Store, secret: &str) -> Result<Option<Self>, StoreError> {
        let text = store.value(Space::Link, &Digest::of(secret.as_bytes()).to_string())?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}
