//! An authenticator in memory, and everything that somebody could make it say.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};

use super::{PasskeyError, PublicKey, Said, Site};

pub(crate) const ORIGIN: &str = "http://localhost:7420";

fn text(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A passkey with its private half.
pub(crate) struct Authenticator {
    id: Vec<u8>,
    pair: EcdsaKeyPair,
    /// What it claims, for tests to bend.
    pub(crate) origin: String,
    pub(crate) site: String,
    pub(crate) flags: u8,
    pub(crate) count: u32,
}

impl Authenticator {
    pub(crate) fn new(id: &str) -> Self {
        let random = SystemRandom::new();
        let kind = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        Self {
            id: id.as_bytes().to_vec(),
            pair: EcdsaKeyPair::from_pkcs8(kind, document.as_ref(), &random).unwrap(),
            origin: ORIGIN.to_owned(),
            site: "localhost".to_owned(),
            flags: 0b101,
            count: 0,
        }
    }

    fn spki(&self) -> Vec<u8> {
        let mut spki = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00".to_vec();
        spki.extend(self.pair.public_key().as_ref());
        spki
    }

    fn data(&self, more: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, self.site.as_bytes()).as_ref().to_vec();
        data.push(self.flags | more);
        data.extend(self.count.to_be_bytes());
        data
    }

    fn client(&self, kind: &str, challenge: &str) -> Vec<u8> {
        let said = json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false });
        said.to_string().into_bytes()
    }

    fn answer(&self, response: Value) -> Value {
        json!({ "id": text(&self.id), "rawId": text(&self.id), "type": "public-key", "response": response })
    }

    /// Makes its key known, in answer to the options of a page.
    pub(crate) fn make(&self, options: &str) -> String {
        let challenge = challenge(options);
        let client = self.client("webauthn.create", &challenge);
        self.answer(json!({
            "clientDataJSON": text(client), "authenticatorData": text(self.data(1 << 6)),
            "publicKey": text(self.spki()), "publicKeyAlgorithm": -7,
        }))
        .to_string()
    }

    /// Signs, in answer to the options of a page.
    pub(crate) fn sign(&mut self, options: &str) -> String {
        self.count += 1;
        self.sign_challenge(&challenge(options))
    }

    fn sign_challenge(&self, challenge: &str) -> String {
        let (data, client) = (self.data(0), self.client("webauthn.get", challenge));
        let mut message = data.clone();
        message.extend(digest(&SHA256, &client).as_ref());
        let signed = self.pair.sign(&SystemRandom::new(), &message).unwrap();
        self.answer(json!({
            "clientDataJSON": text(client), "authenticatorData": text(data), "signature": text(signed),
        }))
        .to_string()
    }
}

fn challenge(options: &str) -> String {
    let options: Value = serde_json::from_str(options).unwrap();
    options["challenge"].as_str().unwrap().to_owned()
}

fn site() -> Site {
    Site::of(ORIGIN).unwrap()
}

fn made(one: &Authenticator) -> (PublicKey, u32) {
    let said = one.make(r#"{"challenge":"YQ"}"#);
    Said::read(&said).unwrap().made(&site()).unwrap()
}

fn signed(one: &Authenticator, key: &PublicKey, count: u32) -> Result<u32, PasskeyError> {
    Said::read(&one.sign_challenge("YQ"))?.signed(&site(), key, count)
}

#[test]
fn what_the_key_signed_holds_and_what_another_one_signed_does_not() {
    let mut one = Authenticator::new("one");
    let (key, count) = made(&one);
    one.count = 7;
    assert_eq!(signed(&one, &key, count), Ok(7));
    let said = Said::read(&one.sign_challenge("YQ")).unwrap();
    assert_eq!(
        (said.challenge(), &*said.credential()),
        ("YQ", &*text("one"))
    );
    let other = made(&Authenticator::new("one")).0;
    assert_eq!(signed(&one, &other, 0), Err(PasskeyError::NotSigned));
}

#[test]
fn each_part_that_is_bent_is_refused() {
    type Bend = fn(&mut Authenticator);
    let bends: [(Bend, PasskeyError); 5] = [
        (
            |one| one.origin = "http://localhost:7421".to_owned(),
            PasskeyError::OtherPlace,
        ),
        (
            |one| one.origin = "https://localhost:7420".to_owned(),
            PasskeyError::OtherPlace,
        ),
        (
            |one| one.site = "evil.example".to_owned(),
            PasskeyError::OtherPlace,
        ),
        (|one| one.flags = 0b001, PasskeyError::NotVerified),
        (|one| one.flags = 0b100, PasskeyError::NotVerified),
    ];
    for (at, (bend, why)) in bends.into_iter().enumerate() {
        let mut one = Authenticator::new("one");
        let (key, _) = made(&one);
        bend(&mut one);
        assert_eq!(signed(&one, &key, 0), Err(why), "{at}");
        let said = Said::read(&one.make(r#"{"challenge":"YQ"}"#)).unwrap();
        assert_eq!(said.made(&site()).err(), Some(why), "{at}");
    }
}

#[test]
fn no_bent_byte_is_accepted() {
    let one = Authenticator::new("one");
    let (key, _) = made(&one);
    let good: Value = serde_json::from_str(&one.sign_challenge("YQ")).unwrap();
    for field in ["clientDataJSON", "authenticatorData", "signature"] {
        let pointer = format!("/response/{field}");
        let bytes = good.pointer(&pointer).and_then(Value::as_str).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(bytes).unwrap();
        for at in 0..bytes.len() {
            let mut bent = bytes.clone();
            bent[at] ^= 1 << (at % 8);
            let mut said = good.clone();
            *said.pointer_mut(&pointer).unwrap() = json!(text(bent));
            let told = Said::read(&said.to_string());
            let told = told.and_then(|said| said.signed(&site(), &key, 0));
            assert!(told.is_err(), "{field} {at}");
        }
    }
}

#[test]
fn a_key_that_counts_backwards_is_a_copy() {
    let mut one = Authenticator::new("one");
    let (key, _) = made(&one);
    for (now, before, expected) in [
        (0, 0, Ok(0)),
        (5, 4, Ok(5)),
        (5, 5, Err(PasskeyError::Copied)),
        (4, 5, Err(PasskeyError::Copied)),
        (0, 5, Err(PasskeyError::Copied)),
    ] {
        one.count = now;
        assert_eq!(signed(&one, &key, before), expected, "{now} after {before}");
    }
}

#[test]
fn an_answer_to_another_question_and_texts_of_nobody_do_not_count() {
    let one = Authenticator::new("one");
    let (key, _) = made(&one);
    let asked = Said::read(&one.make(r#"{"challenge":"YQ"}"#)).unwrap();
    assert_eq!(
        asked.signed(&site(), &key, 0),
        Err(PasskeyError::OtherQuestion)
    );
    let answered = Said::read(&one.sign_challenge("YQ")).unwrap();
    assert_eq!(
        answered.made(&site()).err(),
        Some(PasskeyError::OtherQuestion)
    );
    let good: Value = serde_json::from_str(&one.sign_challenge("YQ")).unwrap();
    for (pointer, value) in [
        ("/rawId", json!("")),
        ("/rawId", json!(text(vec![1; 1_024]))),
        ("/rawId", json!("not base64!")),
        ("/response/clientDataJSON", json!(text("{}"))),
        ("/response/authenticatorData", json!(text([0; 36]))),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        let read = Said::read(&bad.to_string());
        assert_eq!(read.err(), Some(PasskeyError::Unreadable), "{pointer}");
    }
    for bad in ["", "[]", "{\"rawId\":1}"] {
        assert_eq!(Said::read(bad).err(), Some(PasskeyError::Unreadable));
    }
}

#[test]
fn keys_of_other_kinds_and_shapes_are_refused() {
    let one = Authenticator::new("one");
    let good: Value = serde_json::from_str(&one.make(r#"{"challenge":"YQ"}"#)).unwrap();
    let mut cut = one.spki();
    cut.pop();
    for (kind, spki) in [
        (-8, one.spki()),
        (-257, one.spki()),
        (-35, one.spki()),
        (-7, cut),
    ] {
        let mut bad = good.clone();
        bad["response"]["publicKeyAlgorithm"] = json!(kind);
        bad["response"]["publicKey"] = json!(text(spki));
        let said = Said::read(&bad.to_string()).unwrap();
        assert_eq!(
            said.made(&site()).err(),
            Some(PasskeyError::OtherKind),
            "{kind}"
        );
    }
}

#[test]
fn an_address_of_numbers_has_no_passkeys() {
    for origin in ["http://127.0.0.1:7420", "http://[::1]:7420", "nothing"] {
        assert_eq!(Site::of(origin), None, "{origin}");
    }
    assert_eq!(
        Site::of("https://desk.example.org").unwrap().name(),
        "desk.example.org"
    );
}
