//! The link by which a person gets no more mail. It needs no record: who holds it can be told from it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::Change;
use crate::store::{Space, Store, StoreError};

/// The key of these links.
const KEY: &str = "stop-key";

/// What these links are signed with.
#[derive(Clone)]
pub struct StopKey([u8; 32]);

impl std::fmt::Debug for StopKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StopKey(…)")
    }
}

impl StopKey {
    /// The key of an earlier run.
    pub fn find(store: &mut dyn Store) -> Result<Option<Self>, StoreError> {
        let text = store.value(Space::Link, KEY)?;
        let bytes = text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        Ok(bytes.and_then(|bytes| bytes.try_into().ok()).map(Self))
    }

    /// A key out of 256 random bits, and how to keep it.
    pub fn new(random: [u8; 32]) -> (Self, Change) {
        let text = URL_SAFE_NO_PAD.encode(random);
        (Self(random), (Space::Link, KEY.to_owned(), Some(text)))
    }

    fn mac(&self, person: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(b"countersign-stop-v1\0");
        mac.update(person.as_bytes());
        Some(mac)
    }

    /// The link of a person.
    pub fn link(&self, home: &str, person: &str) -> String {
        let signed = self.mac(person).map(|mac| mac.finalize().into_bytes());
        let signed = signed
            .map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
            .unwrap_or_default();
        format!(
            "{home}/mail/stop?t={}.{signed}",
            URL_SAFE_NO_PAD.encode(person)
        )
    }

    /// The person whose link has this token.
    pub fn person(&self, token: &str) -> Option<String> {
        let (person, signed) = token.split_once('.')?;
        let person = String::from_utf8(URL_SAFE_NO_PAD.decode(person).ok()?).ok()?;
        let signed = URL_SAFE_NO_PAD.decode(signed).ok()?;
        self.mac(&person)?.verify_slice(&signed).ok()?;
        Some(person)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_its_person_and_no_other() {
        let (key, _) = StopKey::new([7; 32]);
        let link = key.link("https://review.example.org", "local:maya");
        let token = link.split_once("?t=").unwrap().1;
        assert_eq!(key.person(token).as_deref(), Some("local:maya"));
        let (other, _) = StopKey::new([8; 32]);
        assert_eq!(other.person(token), None);
        let (_, signed) = token.split_once('.').unwrap();
        let forged = format!("{}.{signed}", URL_SAFE_NO_PAD.encode("local:ben"));
        for bad in [forged.as_str(), "", ".", "a.b", &token[..token.len() - 1]] {
            assert_eq!(key.person(bad), None, "{bad}");
        }
    }
}
