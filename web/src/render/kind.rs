//! What a file is to a browser, and the letters of its name.

use countersign_protocol::content::{FileType, Kind};

/// The media type with which the bytes go out: that of what browsers show without running anything, else
/// of something to be stored.
pub fn served_as(file_type: &FileType) -> &'static str {
    const SHOWN: [&str; 11] = [
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "image/svg+xml",
        "audio/ogg",
        "audio/flac",
        "audio/mpeg",
        "audio/wav",
        "audio/mp4",
        "video/mp4",
    ];
    match file_type.kind {
        Kind::Video if file_type.media_type == "video/webm" => "video/webm",
        Kind::Image | Kind::Svg | Kind::Audio | Kind::Video => SHOWN
            .into_iter()
            .find(|shown| *shown == file_type.media_type)
            .unwrap_or(STORED),
        _ => STORED,
    }
}

/// Bytes to be stored.
const STORED: &str = "application/octet-stream";

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
