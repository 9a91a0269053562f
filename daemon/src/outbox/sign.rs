//! The signature of Standard Webhooks 1.0.0: HMAC-SHA256 over id, time and body, one for each secret.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::config::Hidden;

/// What a generic receiver knows too.
#[derive(Clone)]
pub(super) struct Key(Vec<u8>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// Reads `whsec_` and 24 to 64 bytes in base64.
    pub(super) fn read(secret: &Hidden) -> Result<Self, String> {
        let form = "must be `whsec_` and 24 to 64 random bytes in base64; make one with \
                    `echo whsec_$(head -c 32 /dev/urandom | base64)`";
        let text = secret.reveal().strip_prefix("whsec_").ok_or(form)?;
        let bytes = STANDARD.decode(text).map_err(|_| form)?;
        if (24..=64).contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err(form.to_owned())
        }
    }
}

/// The value of `webhook-signature`. While one secret replaces another both sign, and the receiver takes either.
pub(super) fn signature(keys: &[Key], id: &str, seconds: i64, body: &[u8]) -> String {
    let one = |key: &Key| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).ok()?;
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        Some(format!(
            "v1,{}",
            STANDARD.encode(mac.finalize().into_bytes())
        ))
    };
    let all: Vec<String> = keys.iter().filter_map(one).collect();
    all.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<Key, String> {
        Key::read(&Hidden::from(text.to_owned()))
    }

    /// The vector that the libraries of the standard test themselves with.
    #[test]
    fn the_published_vector_holds() {
        let one = key("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        let id = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
        let signed = signature(std::slice::from_ref(&one), id, 1_649_367_553, body);
        assert_eq!(signed, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
        let other = key("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
        let both = signature(&[other, one], id, 1_649_367_553, body);
        assert_eq!(both.split(' ').nth(1), Some(signed.as_str()));
    }

    #[test]
    fn a_secret_has_a_form_and_is_never_shown() {
        for bad in [
            "",
            "whsec_",
            "whsec_short",
            "C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "whsec_AAAA",
        ] {
            assert!(key(bad).is_err(), "{bad}");
        }
        let good = key("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        assert_eq!(format!("{good:?}"), "Key(…)");
    }
}
