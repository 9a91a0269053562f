//! What a file is, by its first bytes. Total and bounded: it reads what it is given and nothing else.

use super::{FileType, Kind};

/// How many of the first bytes tell all that this module can tell.
pub const SNIFFED: usize = 8 * 1024;

/// First bytes, and what they mean. Longer ones come before shorter ones that they begin with.
const SIGNATURES: &[(&[u8], Kind, &str, &str)] = &[
    (b"\x89PNG\r\n\x1a\n", Kind::Image, "image/png", "PNG image"),
    (b"\xff\xd8\xff", Kind::Image, "image/jpeg", "JPEG image"),
    (b"GIF87a", Kind::Image, "image/gif", "GIF image"),
    (b"GIF89a", Kind::Image, "image/gif", "GIF image"),
    (b"%PDF-", Kind::Pdf, "application/pdf", "PDF document"),
    (b"PK\x03\x04", Kind::Zip, "application/zip", "ZIP archive"),
    (
        b"PK\x05\x06",
        Kind::Zip,
        "application/zip",
        "empty ZIP archive",
    ),
    (b"\x1f\x8b", Kind::Gzip, "application/gzip", "gzip archive"),
    (
        b"\x28\xb5\x2f\xfd",
        Kind::Binary,
        "application/zstd",
        "Zstandard archive",
    ),
    (b"BZh", Kind::Binary, "application/x-bzip2", "bzip2 archive"),
    (
        b"\xfd7zXZ\0",
        Kind::Binary,
        "application/x-xz",
        "xz archive",
    ),
    (
        b"7z\xbc\xaf\x27\x1c",
        Kind::Binary,
        "application/x-7z-compressed",
        "7-Zip archive",
    ),
    (
        b"\x7fELF",
        Kind::Program,
        "application/x-elf",
        "ELF program or library",
    ),
    (
        b"MZ",
        Kind::Program,
        "application/x-msdownload",
        "Windows program or library",
    ),
    (
        b"\xcf\xfa\xed\xfe",
        Kind::Program,
        "application/x-mach-binary",
        "macOS program or library",
    ),
    (
        b"\xca\xfe\xba\xbe",
        Kind::Program,
        "application/x-mach-binary",
        "macOS universal program or Java class",
    ),
    (
        b"\0asm",
        Kind::Program,
        "application/wasm",
        "WebAssembly module",
    ),
    (
        b"SQLite format 3\0",
        Kind::Binary,
        "application/vnd.sqlite3",
        "SQLite database",
    ),
    (
        b"PAR1",
        Kind::Binary,
        "application/vnd.apache.parquet",
        "Parquet table",
    ),
    (b"OggS", Kind::Audio, "audio/ogg", "Ogg audio"),
    (b"fLaC", Kind::Audio, "audio/flac", "FLAC audio"),
    (b"ID3", Kind::Audio, "audio/mpeg", "MP3 audio"),
    (
        b"\x1aE\xdf\xa3",
        Kind::Video,
        "video/webm",
        "Matroska or WebM video",
    ),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        Kind::Binary,
        "application/x-ole-storage",
        "old office document",
    ),
    (b"II*\0", Kind::Binary, "image/tiff", "TIFF image"),
    (b"MM\0*", Kind::Binary, "image/tiff", "TIFF image"),
];

/// Endings of names that say which text it is. For anything but text the name decides nothing.
const TEXTS: &[(&str, &str, &str)] = &[
    ("md", "text/markdown", "Markdown"),
    ("markdown", "text/markdown", "Markdown"),
    ("csv", "text/csv", "CSV table"),
    ("tsv", "text/tab-separated-values", "TSV table"),
    ("json", "application/json", "JSON"),
    ("jsonl", "application/jsonl", "JSON lines"),
    ("ndjson", "application/jsonl", "JSON lines"),
    ("yaml", "application/yaml", "YAML"),
    ("yml", "application/yaml", "YAML"),
    ("toml", "application/toml", "TOML"),
    ("xml", "application/xml", "XML"),
];

/// What the file called `name` is that begins with `head`. `complete` is false when it has more bytes.
///
/// Give at least [`SNIFFED`] bytes where there are so many.
pub fn sniff(head: &[u8], complete: bool, name: &str) -> FileType {
    let found = |kind, media_type: &str, name: &str| FileType {
        kind,
        media_type: media_type.to_owned(),
        name: name.to_owned(),
    };
    if head.is_empty() && complete {
        return found(Kind::Empty, "text/plain", "empty file");
    }
    let known = SIGNATURES
        .iter()
        .find(|(start, ..)| head.starts_with(start));
    // A text may begin with letters like `MZ`; with a control character it is no text for people.
    if let Some((start, kind, media_type, words)) = known
        && (start.iter().any(u8::is_ascii_control) || *kind == Kind::Pdf)
    {
        return match kind {
            Kind::Zip => office(head).unwrap_or_else(|| found(*kind, media_type, words)),
            _ => found(*kind, media_type, words),
        };
    }
    if let Some(text) = text_start(head, complete) {
        return text_type(&text, name);
    }
    if let Some((_, kind, media_type, words)) = known {
        return found(*kind, media_type, words);
    }
    if head.starts_with(b"RIFF") {
        match head.get(8..12) {
            Some(b"WEBP") => return found(Kind::Image, "image/webp", "WebP image"),
            Some(b"WAVE") => return found(Kind::Audio, "audio/wav", "WAV audio"),
            _ => {}
        }
    }
    if head.get(4..8) == Some(b"ftyp") {
        return match head.get(8..12) {
            Some(b"M4A " | b"M4B ") => found(Kind::Audio, "audio/mp4", "MP4 audio"),
            Some(b"avif" | b"avis" | b"heic" | b"heix" | b"mif1") => {
                found(Kind::Binary, "image/avif", "AVIF or HEIC image")
            }
            _ => found(Kind::Video, "video/mp4", "MP4 video"),
        };
    }
    if head.get(257..262) == Some(b"ustar") {
        return found(Kind::Tar, "application/x-tar", "tar archive");
    }
    // An MPEG audio frame without a tag before it: eleven set bits, then a layer that is not reserved.
    if head.len() > 2 && head[0] == 0xff && head[1] & 0xe6 == 0xe2 {
        return found(Kind::Audio, "audio/mpeg", "MP3 audio");
    }
    found(Kind::Binary, "application/octet-stream", "unknown binary")
}

/// An office document is a zip archive whose first parts have names that tell.
fn office(head: &[u8]) -> Option<FileType> {
    let has = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
    if !has(b"[Content_Types].xml") && !has(b"_rels/.rels") {
        return None;
    }
    let (kind, end, words) = if has(b"word/") {
        (Kind::Document, "wordprocessingml.document", "Word document")
    } else if has(b"xl/") {
        (Kind::Workbook, "spreadsheetml.sheet", "Excel workbook")
    } else if has(b"ppt/") {
        (
            Kind::Presentation,
            "presentationml.presentation",
            "PowerPoint presentation",
        )
    } else {
        return None;
    };
    Some(FileType {
        kind,
        media_type: format!("application/vnd.openxmlformats-officedocument.{end}"),
        name: words.to_owned(),
    })
}

/// The beginning as text, when it is: UTF-8 or UTF-16 with its mark, or bytes without control
/// characters.
fn text_start(head: &[u8], complete: bool) -> Option<String> {
    let wide = |from: fn([u8; 2]) -> u16| {
        let units = head[2..].chunks_exact(2).map(|two| from([two[0], two[1]]));
        char::decode_utf16(units)
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect::<String>()
    };
    let text = match head {
        [0xff, 0xfe, 0, 0, ..] => return None,
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => match std::str::from_utf8(head) {
            Ok(text) => text.to_owned(),
            Err(error) if !complete && error.error_len().is_none() => {
                String::from_utf8_lossy(&head[..error.valid_up_to()]).into_owned()
            }
            // Old single-byte text: mostly letters, and nothing that only binaries have.
            Err(_) => {
                let high = head.iter().filter(|byte| !byte.is_ascii()).count();
                let odd = head.iter().any(|b| {
                    b.is_ascii_control() && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b)
                });
                if odd || high * 3 > head.len() {
                    return None;
                }
                head.iter().map(|byte| char::from(*byte)).collect()
            }
        },
    };
    (!text.contains('\0')).then_some(text)
}

fn text_type(text: &str, name: &str) -> FileType {
    let found = |kind, media_type: &str, name: &str| FileType {
        kind,
        media_type: media_type.to_owned(),
        name: name.to_owned(),
    };
    let ending = name
        .rsplit('/')
        .next()
        .and_then(|name| name.rsplit_once('.'))
        .map(|(_, ending)| ending.to_ascii_lowercase())
        .unwrap_or_default();
    let start = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let lower: String = start.chars().take(1024).collect::<String>().to_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        return found(Kind::Html, "text/html", "HTML page");
    }
    if lower.starts_with('<') && is_svg(&lower) {
        return found(Kind::Svg, "image/svg+xml", "SVG drawing");
    }
    match ending.as_str() {
        "html" | "htm" if start.starts_with('<') => {
            return found(Kind::Html, "text/html", "HTML page");
        }
        "ipynb" if start.starts_with('{') => {
            return found(
                Kind::Notebook,
                "application/x-ipynb+json",
                "Jupyter notebook",
            );
        }
        _ => {}
    }
    if start.starts_with('{') && is_notebook(start) {
        return found(
            Kind::Notebook,
            "application/x-ipynb+json",
            "Jupyter notebook",
        );
    }
    if is_email(start) {
        return found(Kind::Email, "message/rfc822", "e-mail message");
    }
    TEXTS.iter().find(|(end, ..)| *end == ending).map_or_else(
        || found(Kind::Text, "text/plain", "text"),
        |(_, media_type, words)| found(Kind::Text, media_type, words),
    )
}

/// The root element is `svg`, behind declarations and comments.
fn is_svg(lower: &str) -> bool {
    let mut rest = lower;
    loop {
        rest = rest.trim_start();
        if rest.starts_with("<svg") {
            return true;
        }
        let end = if rest.starts_with("<?") {
            "?>"
        } else if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<!doctype svg") {
            ">"
        } else {
            return false;
        };
        match rest.split_once(end) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
}

/// A notebook begins with its cells, or with its metadata and format.
fn is_notebook(start: &str) -> bool {
    let inner = start[1..].trim_start();
    (inner.starts_with("\"cells\"") && start.contains("\"cell_type\""))
        || start.contains("\"nbformat\"") && start.contains("\"cells\"")
}

/// The block of headers has a sender and something else that only messages have (RFC 5322, section 3.6).
fn is_email(start: &str) -> bool {
    let (mut sender, mut others, mut lines) = (false, 0, 0);
    for line in start.lines() {
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) || (lines == 0 && line.starts_with("From ")) {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else {
            return false;
        };
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic()) {
            return false;
        }
        lines += 1;
        match name.to_ascii_lowercase().as_str() {
            "from" | "return-path" => sender = true,
            "message-id" | "received" | "subject" | "date" | "to" | "mime-version" => others += 1,
            _ => {}
        }
    }
    sender && others >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(bytes: &[u8], name: &str) -> Kind {
        sniff(bytes, true, name).kind
    }

    #[test]
    fn content_decides_and_the_name_only_among_texts() {
        for (bytes, name, expected) in [
            (&b""[..], "a.pdf", Kind::Empty),
            (b"%PDF-1.7\n", "a.txt", Kind::Pdf),
            (b"hello", "a.pdf", Kind::Text),
            (b"hello", "a.html", Kind::Text),
            (b"<p>hello", "a.html", Kind::Html),
            (b"\n<!DOCTYPE HTML><script>", "a", Kind::Html),
            (
                b"<?xml version='1.0'?><!-- x --><svg onload='alert(1)'>",
                "a",
                Kind::Svg,
            ),
            (b"<?xml version='1.0'?><other><svg>", "a.svg", Kind::Text),
            (b"MZ is how this text begins", "a", Kind::Text),
            (b"MZ\x90\0\x03", "a.txt", Kind::Program),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "a", Kind::Image),
            (b"RIFF\x10\0\0\0WAVEfmt ", "a", Kind::Audio),
            (b"\0\0\0\x18ftypisom", "a", Kind::Video),
            (b"\xff\xfeh\0i\0", "a", Kind::Text),
            (b"Gr\xfc\xdfe aus K\xf6ln", "a", Kind::Text),
            (b"a\0b", "a", Kind::Binary),
            (b"\xff\xfb\x90\x64\0\0", "a", Kind::Audio),
            (
                b"{\"cells\": [{\"cell_type\": \"code\"}]}",
                "a",
                Kind::Notebook,
            ),
            (b"{\"cells\": 3}", "a.json", Kind::Text),
            (
                b"From: a@b.example\nTo: c@d.example\nSubject: x\n\nhi",
                "a",
                Kind::Email,
            ),
            (b"From: the editor\n\nhi", "a", Kind::Text),
        ] {
            assert_eq!(kind(bytes, name), expected, "{bytes:?} {name}");
        }
    }

    #[test]
    fn an_office_document_is_told_from_its_parts() {
        let zip = |parts: &str| [b"PK\x03\x04....", parts.as_bytes()].concat();
        assert_eq!(
            kind(&zip("[Content_Types].xml word/document.xml"), ""),
            Kind::Document
        );
        assert_eq!(
            kind(&zip("_rels/.rels xl/workbook.xml"), ""),
            Kind::Workbook
        );
        assert_eq!(
            kind(&zip("[Content_Types].xml ppt/x"), ""),
            Kind::Presentation
        );
        assert_eq!(kind(&zip("word/document.xml"), "a.docx"), Kind::Zip);
    }

    #[test]
    fn the_name_tells_which_text_it_is() {
        for (name, media_type) in [
            ("a/b.MD", "text/markdown"),
            ("x.csv", "text/csv"),
            ("x.yml", "application/yaml"),
            ("x.csv/y", "text/plain"),
        ] {
            assert_eq!(sniff(b"a,b", true, name).media_type, media_type, "{name}");
        }
    }

    #[test]
    fn a_character_cut_by_the_end_of_the_read_is_still_text() {
        let cut = "Tee und Čaj".as_bytes();
        let cut = &cut[..cut.len() - 3];
        assert_eq!(sniff(cut, false, "").kind, Kind::Text);
    }
}
