//! Links in messages by which a person answers the offer of a workspace. As with links to decide, the secret is in the
//! message only.

use countersign_protocol::Digest;
use serde::{Deserialize, Serialize};

use super::{Change, Minted, Recipient, link::secret};
use crate::store::{Space, Store, StoreError};

/// What such a link is bound to. It is good for as long as the offer waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The message it came with.
    pub message: String,
    /// The only person who may use it.
    pub person: Recipient,
    /// The entry by which the workspace was offered.
    pub offer: u64,
}

impl Claim {
    /// Makes a link out of 256 random bits.
    pub fn mint(&self, random: [u8; 32]) -> Minted {
        let secret = secret(random);
        let key = Digest::of(secret.as_bytes()).to_string();
        let change: Change = (Space::Link, key, Some(super::text(self)));
        Minted { secret, change }
    }

    /// The link with that secret.
    pub fn find(store: &mut dyn Store, secret: &str) -> Result<Option<Self>, StoreError> {
        let text = store.value(Space::Link, &Digest::of(secret.as_bytes()).to_string())?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}
