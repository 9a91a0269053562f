//! Tests of `text`.

use super::*;

#[test]
fn text_is_told_from_other_bytes() {
    let decoded = |bytes: &[u8]| decode(bytes.to_vec());
    assert_eq!(decoded(b"").as_deref(), Some(""));
    assert_eq!(decoded("größe".as_bytes()).as_deref(), Some("größe"));
    assert_eq!(
        decoded(b"caf\xe9 and more words").as_deref(),
        Some("caf\u{fffd} and more words")
    );
    assert_eq!(decoded(b"\xff\xfeh\0i\0").as_deref(), Some("hi"));
    assert_eq!(decoded(b"\xfe\xff\0h\0i").as_deref(), Some("hi"));
    assert_eq!(decoded(b"\x7fELF\0\0"), None);
    assert_eq!(decoded(b"\xff\xd8\xff\xe0\x90\x91\x92"), None);
}
