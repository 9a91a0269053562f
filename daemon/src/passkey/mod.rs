//! Passkeys: what a browser says of an authenticator that made a key, or that signed with one (Web Authentication,
//! Level 3). Pure: texts and keys in, or the reason why they do not count.
//!
//! No attestation is asked for: of which make an authenticator is, is its owner's business, and a statement about
//! it would have to be believed. So the public key is taken from the browser as it gives it, by the session of
//! the person who makes it, and nothing of CBOR is read.

mod authenticator;
mod key;
mod said;
#[cfg(test)]
pub(crate) mod tests;

use serde_json::{Value, json};

use authenticator::Flags;
pub use key::PublicKey;
pub use said::Said;

/// How long a browser waits for the person, in milliseconds.
const PATIENCE: u64 = 300_000;

/// Why it does not count. A sentence without its beginning, for the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    /// No browser writes this.
    #[error("what the browser sent cannot be read")]
    Unreadable,
    /// It is an answer to another question.
    #[error("the passkey answered another question")]
    OtherQuestion,
    /// It was made on a page of somebody else, or in a frame of one.
    #[error("the passkey was used on a page of another address")]
    OtherPlace,
    /// Nobody touched it, or it did not ask who that was.
    #[error("the passkey did not check who used it")]
    NotVerified,
    /// Of a kind that we cannot check.
    #[error("the passkey is of a kind that is not known here")]
    OtherKind,
    /// Somebody else signed.
    #[error("the signature is not of this passkey")]
    NotSigned,
    /// It counted backwards, so that there are two of it.
    #[error("there is a copy of this passkey: remove it, and make another one")]
    Copied,
}

/// Where passkeys are used: the address of our pages as the browser knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    origin: String,
    name: String,
}

impl Site {
    /// The site of an origin such as `https://desk.example.org`; an address of numbers has none (section 5.1.3
    /// wants a name).
    pub fn of(origin: &str) -> Option<Self> {
        let (_, authority) = origin.split_once("://")?;
        let name = authority.split(':').next().unwrap_or_default();
        let is_name = !authority.starts_with('[')
            && name.parse::<std::net::Ipv4Addr>().is_err()
            && !name.is_empty();
        is_name.then(|| Self {
            origin: origin.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The name that keys are bound to, the relying party id.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a browser is asked to make a key with, for `PublicKeyCredential.parseCreationOptionsFromJSON`. Those
    /// of `known` are not made again; `user` is an id that says nothing of the person.
    pub fn to_make(&self, challenge: &str, (user, name): (&str, &str), known: &[String]) -> Value {
        let kinds = key::KINDS.map(|kind| json!({ "type": "public-key", "alg": kind }));
        json!({
            "rp": { "id": self.name, "name": "Countersign" },
            "user": { "id": user, "name": name, "displayName": name },
            "challenge": challenge,
            "pubKeyCredParams": kinds,
            "timeout": PATIENCE,
            "excludeCredentials": listed(known),
            "authenticatorSelection": { "residentKey": "preferred", "userVerification": "required" },
            "attestation": "none",
        })
    }

    /// What a browser is asked to sign with one of `known`, for `PublicKeyCredential.parseRequestOptionsFromJSON`.
    pub fn to_sign(&self, challenge: &str, known: &[String]) -> Value {
        json!({
            "rpId": self.name,
            "challenge": challenge,
            "timeout": PATIENCE,
            "allowCredentials": listed(known),
            "userVerification": "required",
        })
    }
}

fn listed(known: &[String]) -> Vec<Value> {
    let one = |id: &String| json!({ "type": "public-key", "id": id });
    known.iter().map(one).collect()
}
