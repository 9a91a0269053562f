//! What a file is, by its first bytes. Total and bounded: it reads what it is given and nothing else.

use super::{FileType, Kind, encoding::text_start};

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
        Kind::Packed,
        "application/zstd",
        "Zstandard archive",
    ),
    (b"BZh", Kind::Packed, "application/x-bzip2", "bzip2 archive"),
    (
        b"\xfd7zXZ\0",
        Kind::Packed,
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
    (
        b"Rar!\x1a\x07",
        Kind::Binary,
        "application/vnd.rar",
        "RAR archive",
    ),
    (
        b"!<arch>\n",
        Kind::Binary,
        "application/x-archive",
        "ar archive or Debian package",
    ),
    (
        b"MSCF\0\0\0\0",
        Kind::Binary,
        "application/vnd.ms-cab-compressed",
        "cabinet archive",
    ),
    (
        b"LZIP\x01",
        Kind::Binary,
        "application/lzip",
        "lzip archive",
    ),
    (
        b"\x04\x22\x4d\x18",
        Kind::Binary,
        "application/x-lz4",
        "LZ4 archive",
    ),
    (
        b"\x1f\x9d",
        Kind::Binary,
        "application/x-compress",
        "compress archive",
    ),
    (b"II*\0", Kind::Binary, "image/tiff", "TIFF image"),
    (b"MM\0*", Kind::Binary, "image/tiff", "TIFF image"),
];

/// Endings of names under which a text that begins like a message is one.
const MESSAGES: [&str; 5] = ["", "eml", "emlx", "mbox", "msg"];

/// How far behind the start of a file the start of a PDF may be (ISO 32000-1, annex H, note 13).
const PDF_WITHIN: usize = 1024;

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
    ("rtf", "application/rtf", "RTF document"),
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
    // The answer does not depend on how much more was read.
    let complete = complete && head.len() <= SNIFFED;
    let head = &head[..head.len().min(SNIFFED)];
    if head.is_empty() && complete {
        return found(Kind::Empty, "text/plain", "empty file");
    }
    let known = SIGNATURES
        .iter()
        .find(|(start, ..)| head.starts_with(start));
    // A text may begin with letters like `MZ`; with a control character it is no text for people.
    if let Some((start, kind, media_type, words)) = known
        && (start.iter().any(u8::is_ascii_control)
            || matches!(kind, Kind::Pdf)
            || *media_type == "application/zstd"
            || is_bzip2(head))
    {
        return match kind {
            Kind::Zip => office(head).unwrap_or_else(|| found(*kind, media_type, words)),
            _ => found(*kind, media_type, words),
        };
    }
    if is_late_pdf(head, name) {
        return found(Kind::Pdf, "application/pdf", "PDF document");
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

/// Whether `head` begins a bzip2 stream: a block size, then a block or the end of the stream.
fn is_bzip2(head: &[u8]) -> bool {
    let level = head
        .get(3)
        .is_some_and(|level| (b'1'..=b'9').contains(level));
    let block = head.get(4..10);
    let begins = block == Some(b"1AY&SY") || block == Some(b"\x17\x72\x45\x38\x50\x90");
    head.starts_with(b"BZh") && level && begins
}

/// Whether a PDF begins behind other bytes, as viewers accept it. A text that quotes a PDF is no PDF: only a
/// mark and white space may stand before it, unless the name says that it is one.
fn is_late_pdf(head: &[u8], name: &str) -> bool {
    let start = &head[..head.len().min(PDF_WITHIN)];
    let Some(at) = start.windows(5).position(|five| five == b"%PDF-") else {
        return false;
    };
    let is_blank = start[..at]
        .iter()
        .all(|byte| byte.is_ascii_whitespace() || matches!(byte, 0 | 0xef | 0xbb | 0xbf));
    let has_version = head
        .get(at + 5..at + 8)
        .is_some_and(|version| version[0].is_ascii_digit() && version[1] == b'.');
    has_version && (is_blank || ending(name) == "pdf")
}

/// The ending of the last part of `name`, in lower case.
fn ending(name: &str) -> String {
    name.rsplit('/')
        .next()
        .and_then(|name| name.rsplit_once('.'))
        .map(|(_, ending)| ending.to_ascii_lowercase())
        .unwrap_or_default()
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

fn text_type(text: &str, name: &str) -> FileType {
    let found = |kind, media_type: &str, name: &str| FileType {
        kind,
        media_type: media_type.to_owned(),
        name: name.to_owned(),
    };
    let ending = ending(name);
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
    if MESSAGES.contains(&ending.as_str()) && is_email(start) {
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
    fn finds_pdf_behind_other_bytes() {
        let late = |before: &str| format!("{before}%PDF-1.4\n1 0 obj\n");
        for (before, name, expected) in [
            ("\u{feff}", "a", Kind::Pdf),
            ("\r\n", "a.txt", Kind::Pdf),
            ("HTTP/1.1 200 OK\r\n\r\n", "a.pdf", Kind::Pdf),
            ("A file begins with ", "a.md", Kind::Text),
        ] {
            assert_eq!(kind(late(before).as_bytes(), name), expected, "{before:?}");
        }
    }

    #[test]
    fn takes_mail_by_ending() {
        let mail = b"From: a@b.example\nTo: c@d.example\nDate: 2026-03-01\namount: 5\n";
        for (name, expected) in [
            ("a.eml", Kind::Email),
            ("inbox/1", Kind::Email),
            ("a.yaml", Kind::Text),
            ("memo.md", Kind::Text),
            ("0001-fix.patch", Kind::Text),
            ("a.txt", Kind::Text),
        ] {
            assert_eq!(kind(mail, name), expected, "{name}");
        }
    }

    #[test]
    fn ignores_what_follows_the_start() {
        let mut bytes = vec![b'a'; SNIFFED];
        bytes.extend(b"\0\x01");
        assert_eq!(kind(&bytes, "a.log"), Kind::Text);
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
