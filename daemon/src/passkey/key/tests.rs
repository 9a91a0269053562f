//! Signatures of each kind, good and bent.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};

use super::*;

const MESSAGE: &[u8] = b"approve H-7";

/// A key of RSA with 2048 bits, whose private half is thrown away, and what it signed.
const RSA_KEY: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr0GjHsiiCP4GvVp8wRWw9xLbCQvV80Ze2qhVI5jD5poBlLteC6tClYXP\
     AnnbPqrE9gd5hxXbuY9KQRLOmUnM7Sa3AvKTgEGCK3jxjUGJUk7u5sQwxDWeHHFCcI-O13Wc-FFF9vUc5pT3X1E9pUpJGCQDhPNu\
     LsXuNvBKpQlcFmwLSjSH6R1byJm8mJEqeR3-_VWimYqhmC1cAW-EFYWApXrpbSCVlFAVayTW2qq2EHqZxVD3rac3RNOuwl6FuNVG\
     RqKFpFH6AmD-DBp_Z7RsoiZIkBQJ4WEzpL1JH3Zas6xmodEIBQ02VWlZvdhI8SMwPPE5NXvSY6xA7XcgkBdMdwIDAQAB";
const RSA_SIGNED: &str = "dCai2Fk1aetDWt0dnuFC9mSjAeuMltWLcwwquOkZc-3ac9_ZHhicnTN9RjP26I8PIo_076-v0KuDWEwebrmYpTo_3Mr3cQJGvMga\
     34no0eMnzFvNl9IYprOVfjLppdJfy1WfYQOrU1sKljYFJ5zyVD_KyuTRBoAP3qn-NyY9MqHhLXXXWxYj_orZ1i4zXAYKUx45gSzb\
     _4z36E7oSr_4n4TtkDBrMkqD9TDELS9o7UNJZg62GD-sew8KlgXiJDsHoMva2-8XGhIFiQA84aqTy_o5o3lDkPvPWpLekPNOpWyO\
     pGh-qorpWVhdOIiqDnErP3Xvh9p9p9Fz5kpscAi_rg";

fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

fn key(kind: i32, spki: Vec<u8>) -> Result<PublicKey, PasskeyError> {
    PublicKey::new(kind, Bytes(spki))
}

/// The good signature counts; every other message, signature and key does not.
fn judged(kind: i32, spki: &[u8], signature: &[u8]) {
    let known = key(kind, spki.to_vec()).unwrap();
    assert_eq!(known.verify(MESSAGE, signature), Ok(()));
    let refused = Err(PasskeyError::NotSigned);
    assert_eq!(known.verify(b"approve H-8", signature), refused);
    assert_eq!(known.verify(MESSAGE, &signature[1..]), refused);
    assert_eq!(known.verify(MESSAGE, &[]), refused);
    for at in [0, signature.len() / 2, signature.len() - 1] {
        let mut bent = signature.to_vec();
        bent[at] ^= 1;
        assert_eq!(known.verify(MESSAGE, &bent), refused, "{at}");
    }
    // A key that is cut, longer, or said to be of another kind is no key.
    let longer = [spki, &[0]].concat();
    for bad in [&spki[..spki.len() - 1], &spki[1..], &longer[..], &[]] {
        assert!(key(kind, bad.to_vec()).is_err());
    }
    for other in KINDS.into_iter().filter(|other| *other != kind) {
        assert!(key(other, spki.to_vec()).is_err(), "{other}");
    }
}

#[test]
fn ed25519_signs_what_was_asked_and_nothing_else() {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    let spki = [ED, pair.public_key().as_ref()].concat();
    judged(-8, &spki, pair.sign(MESSAGE).as_ref());
}

#[test]
fn rsa_signs_what_was_asked_and_nothing_else() {
    judged(-257, &bytes(RSA_KEY), &bytes(RSA_SIGNED));
}

#[test]
fn a_short_key_of_rsa_verifies_nothing() {
    // As above, but of 2048 bits less one byte: the lengths no longer fit.
    let mut spki = bytes(RSA_KEY);
    spki.remove(40);
    assert!(key(-257, spki).is_err());
}
