//! What a browser sends: `RegistrationResponseJSON` and `AuthenticationResponseJSON` (section 5.1), as far as it counts.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Flags, PasskeyError, PublicKey, Site};

/// Longest id of a credential, in bytes (section 4, Credential ID).
const LONGEST_ID: usize = 1_023;

/// Bytes that are text in JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(D::Error::custom)?;
        Ok(Self(bytes))
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    raw_id: Bytes,
    response: Response,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    #[serde(rename = "clientDataJSON")]
    client_data: Bytes,
    authenticator_data: Bytes,
    #[serde(default)]
    public_key: Bytes,
    #[serde(default)]
    public_key_algorithm: i32,
    #[serde(default)]
    signature: Bytes,
}

/// What the browser itself says, which the signature covers (section 5.8.1).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

/// An answer of an authenticator. Nothing of it holds before it was checked.
#[derive(Debug)]
pub struct Said {
    sent: Sent,
    client: ClientData,
    flags: Flags,
}

impl Said {
    /// Reads what a browser sent.
    pub fn read(text: &str) -> Result<Self, PasskeyError> {
        let sent: Sent = serde_json::from_str(text).map_err(|_| PasskeyError::Unreadable)?;
        let is_id = (1..=LONGEST_ID).contains(&sent.raw_id.0.len());
        let client = serde_json::from_slice(&sent.response.client_data.0);
        let (Ok(client), true) = (client, is_id) else {
            return Err(PasskeyError::Unreadable);
        };
        let flags = Flags::read(&sent.response.authenticator_data.0)?;
        Ok(Self {
            sent,
            client,
            flags,
        })
    }

    /// The question that it says it answers.
    pub fn challenge(&self) -> &str {
        &self.client.challenge
    }

    /// Which key it says it is.
    pub fn credential(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.sent.raw_id.0)
    }

    fn check(&self, kind: &str, site: &Site) -> Result<(), PasskeyError> {
        if self.client.kind != kind {
            return Err(PasskeyError::OtherQuestion);
        }
        if self.client.origin != site.origin || self.client.cross_origin {
            return Err(PasskeyError::OtherPlace);
        }
        self.flags.check(&site.name)
    }

    /// The key that was made for `site`, and how often it has signed. That its challenge is ours is the caller's to check.
    pub fn made(&self, site: &Site) -> Result<(PublicKey, u32), PasskeyError> {
        self.check("webauthn.create", site)?;
        if !self.flags.has_key() {
            return Err(PasskeyError::Unreadable);
        }
        let response = &self.sent.response;
        let key = PublicKey::new(response.public_key_algorithm, response.public_key.clone())?;
        Ok((key, self.flags.count))
    }

    /// Whether `key`, which signed `count` times before, signed this for `site`: how often it has signed now (section 7.2).
    /// That its challenge is ours is the caller's to check.
    pub fn signed(&self, site: &Site, key: &PublicKey, count: u32) -> Result<u32, PasskeyError> {
        self.check("webauthn.get", site)?;
        let response = &self.sent.response;
        let mut message = response.authenticator_data.0.clone();
        message.extend(digest(&SHA256, &response.client_data.0).as_ref());
        key.verify(&message, &response.signature.0)?;
        let counts = count > 0 || self.flags.count > 0;
        if counts && self.flags.count <= count {
            return Err(PasskeyError::Copied);
        }
        Ok(self.flags.count)
    }
}
