//! Tests of `text`.

use super::*;

#[test]
fn decodes_as_pages_do() {
    let decoded = |bytes: &[u8]| decode(bytes, true, "a.txt");
    assert_eq!(decoded(b"").as_deref(), Some(""));
    assert_eq!(decoded("größe".as_bytes()).as_deref(), Some("größe"));
    assert_eq!(
        decoded(b"Gr\xf6\xdfe and more words").as_deref(),
        Some("Größe and more words")
    );
    assert_eq!(decoded(b"\xff\xfeh\0i\0").as_deref(), Some("hi"));
    assert_eq!(decoded(b"\xef\xbb\xbfid").as_deref(), Some("id"));
    assert_eq!(decoded(b"\x7fELF\0\0"), None);
    assert_eq!(decoded(b"\xff\xd8\xff\xe0\x90\x91\x92"), None);
}

#[test]
fn names_types_that_are_not_read() {
    let unread = |bytes: &[u8]| {
        let stamp = Stamp {
            size: bytes.len() as u64,
            ..Stamp::default()
        };
        read_from(bytes, stamp, "a").unwrap().unread
    };
    let archive = unread(b"7z\xbc\xaf\x27\x1c\0\x04");
    assert_eq!(
        archive.as_deref(),
        Some("Files of this type are not read: 7-Zip archive.")
    );
    assert!(unread(b"\0\x01\x02\x03").is_some());
    assert_eq!(unread(b"II*\0\x08\0\0\0"), None);
    assert_eq!(unread(b"\x7fELF\0\0"), None);
    assert_eq!(unread(b"words"), None);
}
