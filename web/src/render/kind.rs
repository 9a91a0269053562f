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
    /// A drawing in SVG: text that could carry scripts, so it is only ever shown as an image element
    /// shows it.
    Svg,
    /// Sound or film that browsers play.
    Media(Media),
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

/// Sound or film.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Media {
    /// False when there is only sound.
    pub film: bool,
    /// The media type that it is served with.
    pub media_type: &'static str,
    /// The name for people.
    pub name: &'static str,
}

impl Kind {
    /// The media type with which the bytes go out: of what browsers show without running anything,
    /// else of something to be stored.
    pub fn served_as(self) -> &'static str {
        match self {
            Self::Image(kind) => kind.media_type(),
            Self::Svg => "image/svg+xml",
            Self::Media(media) => media.media_type,
            Self::Empty | Self::Text | Self::Other(_) => "application/octet-stream",
        }
    }
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
    if let Some(media) = media(bytes)
        && text(bytes, complete).is_none()
    {
        return Kind::Media(media);
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
    if let Some(text) = text(bytes, complete) {
        return if is_svg(text) { Kind::Svg } else { Kind::Text };
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return Kind::Other("tar archive");
    }
    Kind::Other(known.map_or("unknown binary", |(_, name)| name))
}

/// Sound and film by their containers.
fn media(bytes: &[u8]) -> Option<Media> {
    let media = |film, media_type, name| {
        Some(Media {
            film,
            media_type,
            name,
        })
    };
    match bytes {
        [b'O', b'g', b'g', b'S', ..] => media(false, "audio/ogg", "Ogg audio"),
        [b'f', b'L', b'a', b'C', ..] => media(false, "audio/flac", "FLAC audio"),
        // An MPEG frame of layer III (ISO 11172-3, section 2.4.1.3), or the tag before the first one.
        [b'I', b'D', b'3', 2..=4, ..] | [0xff, 0xf2 | 0xf3 | 0xfa | 0xfb, ..] => {
            media(false, "audio/mpeg", "MP3 audio")
        }
        [0x1a, b'E', 0xdf, 0xa3, ..] => media(true, "video/webm", "Matroska or WebM video"),
        _ if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WAVE") => {
            media(false, "audio/wav", "WAV audio")
        }
        _ if bytes.get(4..8) == Some(b"ftyp") => match bytes.get(8..11) {
            Some(b"M4A" | b"M4B") => media(false, "audio/mp4", "MP4 audio"),
            _ => media(true, "video/mp4", "MP4 video"),
        },
        _ => None,
    }
}

/// Whether the first element is `svg`, after declarations and comments.
fn is_svg(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{FEFF}').trim_start();
    loop {
        let end = if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<?") {
            "?>"
        } else if rest.starts_with("<!DOCTYPE svg") {
            ">"
        } else {
            break;
        };
        match rest.split_once(end) {
            Some((_, after)) => rest = after.trim_start(),
            None => return false,
        }
    }
    let name = rest.strip_prefix('<').unwrap_or_default();
    name.strip_prefix("svg")
        .is_some_and(|rest| rest.starts_with([' ', '\t', '\n', '\r', '>', '/']))
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
            (b"<svg onload=alert(1)>", Kind::Svg),
            (b"<?xml version='1.0'?>\n<!-- a -->\n<svg/>", Kind::Svg),
            (b"<svgx/>", Kind::Text),
            (b"<p><svg></p>", Kind::Text),
            (b"OggS is how this text begins", Kind::Text),
            (
                b"a\0\0\x1cftypM4A ",
                Kind::Media(Media {
                    film: false,
                    media_type: "audio/mp4",
                    name: "MP4 audio",
                }),
            ),
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
