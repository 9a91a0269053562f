//! What a file is, by its content and never by its name.

/// The type of a file, as far as its first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No bytes.
    Empty,
    /// UTF-8 without NUL.
    Text,
    /// An image that browsers show and that cannot carry scripts.
    Image(ImageKind),
    /// Something else, with a name for people.
    Other(&'static str),
}

/// The images that are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageKind {
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// Graphics Interchange Format.
    Gif,
    /// WebP.
    Webp,
}

impl ImageKind {
    /// The media type that it is served with.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }
}

/// First bytes, and what they mean. Longer ones come before shorter ones that they begin with.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"%PDF-", "PDF document"),
    (b"PK\x03\x04", "ZIP archive or office document"),
    (b"PK\x05\x06", "empty ZIP archive"),
    (b"\x1f\x8b", "gzip archive"),
    (b"\x28\xb5\x2f\xfd", "Zstandard archive"),
    (b"BZh", "bzip2 archive"),
    (b"\xfd7zXZ\0", "xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
    (b"\x7fELF", "ELF program or library"),
    (b"MZ", "Windows program or library"),
    (b"\xcf\xfa\xed\xfe", "macOS program or library"),
    (b"\xca\xfe\xba\xbe", "macOS universal program or Java class"),
    (b"\0asm", "WebAssembly module"),
    (b"SQLite format 3\0", "SQLite database"),
    (b"PAR1", "Parquet table"),
    (b"OggS", "Ogg audio or video"),
    (b"fLaC", "FLAC audio"),
    (b"ID3", "MP3 audio"),
    (b"\x1aE\xdf\xa3", "Matroska or WebM video"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old office document"),
    (b"\xff\xfe", "text in UTF-16 or UTF-32"),
    (b"\xfe\xff", "text in UTF-16"),
];

/// The kind of a file from its first bytes. `complete` is false when there are more.
pub fn detect(bytes: &[u8], complete: bool) -> Kind {
    if bytes.is_empty() {
        return Kind::Empty;
    }
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Kind::Image(ImageKind::Png);
    }
    if bytes.starts_with(b"\xff\xd8\xff") {
        return Kind::Image(ImageKind::Jpeg);
    }
    if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        return Kind::Image(ImageKind::Gif);
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Kind::Image(ImageKind::Webp);
    }
    let known = SIGNATURES
        .iter()
        .find(|(start, _)| bytes.starts_with(start));
    // A text may begin with letters like `MZ`; with a control character it is no text for people.
    if let Some((start, name)) = known
        && start.iter().any(u8::is_ascii_control)
    {
        return Kind::Other(name);
    }
    if text(bytes, complete).is_some() {
        return Kind::Text;
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return Kind::Other("MP4 audio or video");
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return Kind::Other("tar archive");
    }
    Kind::Other(known.map_or("unknown binary", |(_, name)| name))
}

/// The bytes as text, when they are: UTF-8 without NUL. A character that the end of the read cut in
/// two is left out.
pub fn text(bytes: &[u8], complete: bool) -> Option<&str> {
    if bytes.contains(&0) {
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if !complete && error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    }
}

/// The letters of the file name's extension for the small label, upper case; empty when it has none.
/// It is what the agent calls the file, and decides nothing.
pub fn extension(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((stem, end))
            if !stem.is_empty()
                && (1..=5).contains(&end.len())
                && end.bytes().all(|b| b.is_ascii_alphanumeric()) =>
        {
            end.to_ascii_uppercase()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_and_not_the_name() {
        for (bytes, kind) in [
            (&b""[..], Kind::Empty),
            (b"<svg onload=alert(1)>", Kind::Text),
            (b"<!doctype html><script>", Kind::Text),
            (b"\x89PNG\r\n\x1a\nrest", Kind::Image(ImageKind::Png)),
            (b"\xff\xd8\xff\xe0", Kind::Image(ImageKind::Jpeg)),
            (b"GIF89a\x01\x00", Kind::Image(ImageKind::Gif)),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Kind::Image(ImageKind::Webp)),
            (b"\x7fELF\x02\x01", Kind::Other("ELF program or library")),
            (b"MZ is how this text begins", Kind::Text),
            (b"a\0b", Kind::Other("unknown binary")),
            (b"\xff\xfeh\0i\0", Kind::Other("text in UTF-16 or UTF-32")),
        ] {
            assert_eq!(detect(bytes, true), kind, "{bytes:?}");
        }
    }

    #[test]
    fn a_character_cut_by_the_end_of_the_read_is_still_text() {
        let cut = &"Čaj".as_bytes()[..1];
        assert_eq!(text(cut, false), Some(""));
        assert_eq!(text(cut, true), None);
        assert_eq!(text(b"ok \xff", false), None);
    }

    #[test]
    fn the_extension_is_short_and_plain() {
        for (path, label) in [
            ("a/b.sql", "SQL"),
            ("a.tar.gz", "GZ"),
            (".env", ""),
            ("a/Makefile", ""),
            ("x.\u{202E}gpj", ""),
            ("dir.d/file", ""),
            ("a.verylong", ""),
        ] {
            assert_eq!(extension(path), label, "{path}");
        }
    }
}
