//! Pictures, sound, moving pictures, and what is only described.

use serde::{Deserialize, Serialize};

/// Facts about a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Image {
    /// Width in pixels; 0 when the header is damaged.
    pub width: u32,
    /// Height in pixels; 0 when the header is damaged.
    pub height: u32,
    /// How colours are stored, for example `RGB, 8 bit, alpha`.
    pub colour: String,
    /// The colour profile, by the name that it gives itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Whether its metadata say where it was taken.
    pub gps: bool,
    /// Whether it has several frames.
    pub animated: bool,
    /// Whether it may be decoded: it is not too large and its header is whole.
    pub showable: bool,
}

/// A picture that we drew ourselves from a file, as PNG.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The bytes of the PNG.
    pub png: Vec<u8>,
}

/// Facts about sound or moving pictures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Media {
    /// The container, for example `MP4`.
    pub container: String,
    /// Length in seconds, when the header tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Its codecs by their short names, for example `avc1`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codecs: Vec<String>,
    /// Width in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Channels of sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<u32>,
    /// Samples of sound in a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u32>,
}

/// A file that is only described.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Binary {
    /// Its first bytes, at most [`Binary::HEAD`], as hexadecimal digits.
    pub head: String,
    /// Whether some system would run it.
    pub executable: bool,
}

impl Binary {
    /// How many of the first bytes are given.
    pub const HEAD: usize = 256;

    /// The description of a file that begins with `bytes`.
    pub fn of(bytes: &[u8], executable: bool) -> Self {
        use std::fmt::Write as _;
        let mut head = String::new();
        for byte in bytes.iter().take(Self::HEAD) {
            let _ = write!(head, "{byte:02x}");
        }
        Self { head, executable }
    }

    /// The first bytes again.
    pub fn bytes(&self) -> Vec<u8> {
        self.head
            .as_bytes()
            .chunks_exact(2)
            .map_while(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_bounded_and_reads_back() {
        let bytes: Vec<u8> = (0..=255).chain(0..=255).collect();
        let binary = Binary::of(&bytes, false);
        assert_eq!(binary.bytes(), bytes[..256]);
        assert_eq!(Binary::of(b"\x7fELF", true).head, "7f454c46");
    }
}
