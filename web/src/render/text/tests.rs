//! Bytes that become text.

use super::*;

#[test]
fn changes_of_encoding_and_line_ends_are_named() {
    let say = |old: &[u8], new: &[u8]| changes(&decode(old, true), &decode(new, true));
    for (old, new, note) in [
        (
            &b"a\nb\n"[..],
            &b"a\r\nb\r\n"[..],
            "Line ends changed from LF to CRLF.",
        ),
        (b"a\n", b"a", "The last line has no line end any more."),
        (b"a", b"b\n", "The last line has a line end now."),
        (
            b"a\n",
            b"\xff\xfea\0\n\0",
            "The encoding changed from ASCII to UTF-16 LE.",
        ),
        (
            b"a\n",
            b"\xef\xbb\xbfa\n",
            "The byte order mark at its start was added.",
        ),
        (
            b"\xef\xbb\xbfa\n",
            b"a\n",
            "The byte order mark at its start was removed.",
        ),
    ] {
        assert_eq!(say(old, new), [note]);
    }
    assert!(say(b"a\n", "č\n".as_bytes()).is_empty());
    assert!(say(b"", b"a").is_empty());
}
