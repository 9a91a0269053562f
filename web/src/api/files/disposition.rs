//! `Content-Disposition` (RFC 6266) for a name that an agent chose.

use std::fmt::Write as _;

/// The header for the file at `path`: to be stored, or to be shown.
pub(super) fn of(path: &str, shown: bool) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    let kind = if shown { "inline" } else { "attachment" };
    let plain: String = name
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' | ' ' => c,
            _ => '_',
        })
        .collect();
    let mut header = format!("{kind}; filename=\"{plain}\"");
    if plain != name {
        // RFC 8187, section 3.2.1: everything but `attr-char` is percent-encoded.
        header.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                header.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(header, "%{byte:02X}");
            }
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_its_quotes_or_its_line() {
        for (path, header) in [
            ("notes/report.md", "attachment; filename=\"report.md\""),
            ("a b.txt", "attachment; filename=\"a b.txt\""),
            (
                "x\"; filename=evil.exe",
                "attachment; filename=\"x__ filename_evil.exe\"; \
                 filename*=UTF-8''x%22%3B%20filename%3Devil.exe",
            ),
            (
                "a\r\nset-cookie: x",
                "attachment; filename=\"a__set-cookie_ x\"; \
                 filename*=UTF-8''a%0D%0Aset-cookie%3A%20x",
            ),
            (
                "überblick.md",
                "attachment; filename=\"_berblick.md\"; filename*=UTF-8''%C3%BCberblick.md",
            ),
            (
                "a\u{202e}gpj.exe",
                "attachment; filename=\"a_gpj.exe\"; filename*=UTF-8''a%E2%80%AEgpj.exe",
            ),
            ("", "attachment; filename=\"\""),
        ] {
            assert_eq!(of(path, false), header);
        }
        assert_eq!(of("a.png", true), "inline; filename=\"a.png\"");
    }
}
