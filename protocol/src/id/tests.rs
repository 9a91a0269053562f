//! Tests of `id`.

use super::*;

#[test]
fn handoff_ids_round_trip_and_refuse_what_is_not_one() {
    assert_eq!("H-7".parse::<HandoffId>().unwrap().to_string(), "H-7");
    assert_eq!("12".parse(), Ok(HandoffId(12)));
    for bad in [
        "",
        "H-",
        "H-0",
        "H--1",
        "+7",
        "H-7x",
        "H-99999999999999999999",
    ] {
        assert!(bad.parse::<HandoffId>().is_err(), "{bad}");
    }
}

#[test]
fn digests_round_trip_and_refuse_what_is_not_one() {
    let digest = Digest::of(b"hello");
    assert_eq!(
        digest.to_string(),
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    );
    assert_eq!(digest.to_string().parse(), Ok(digest));
    assert_eq!(format!("sha256:{digest}").parse(), Ok(digest));
    assert_eq!(
        digest.to_string().to_uppercase().parse::<Digest>(),
        Err(BadDigest)
    );
    assert_eq!("2cf2".parse::<Digest>(), Err(BadDigest));
}
