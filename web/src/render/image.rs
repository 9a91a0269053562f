//! Width and height of an image from its first bytes, so that the page reserves the space and a
//! picture that would fill the memory is not shown.

use super::kind::ImageKind;

/// The most pixels that are shown; decoded they take four bytes each.
pub const MAX_PIXELS: u64 = 40_000_000;

/// Width and height in pixels, when the header tells.
pub fn dimensions(kind: ImageKind, bytes: &[u8]) -> Option<(u32, u32)> {
    let (width, height) = match kind {
        ImageKind::Png => (big32(bytes, 16)?, big32(bytes, 20)?),
        ImageKind::Gif => (little16(bytes, 6)?, little16(bytes, 8)?),
        ImageKind::Jpeg => jpeg(bytes)?,
        ImageKind::Webp => webp(bytes)?,
    };
    (width > 0 && height > 0).then_some((width, height))
}

/// Whether a browser may be asked to decode it.
pub fn is_showable(width: u32, height: u32) -> bool {
    u64::from(width) * u64::from(height) <= MAX_PIXELS
}

/// Walks the segments to the first frame header (ITU T.81, section B.2.2).
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        if *bytes.get(at)? != 0xff {
            return None;
        }
        let marker = *bytes.get(at + 1)?;
        match marker {
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Some((big16(bytes, at + 7)?, big16(bytes, at + 5)?));
            }
            _ => at += 2 + big16(bytes, at + 2)? as usize,
        }
    }
}

/// The three forms of a WebP file (RFC 9649, section 2).
fn webp(bytes: &[u8]) -> Option<(u32, u32)> {
    match bytes.get(12..16)? {
        b"VP8X" => Some((little24(bytes, 24)? + 1, little24(bytes, 27)? + 1)),
        b"VP8L" => {
            let bits = u32::from_le_bytes(bytes.get(21..25)?.try_into().ok()?);
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8 " => Some((little16(bytes, 26)? & 0x3fff, little16(bytes, 28)? & 0x3fff)),
        _ => None,
    }
}

fn big32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn big16(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?).into())
}

fn little16(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?).into())
}

fn little24(bytes: &[u8], at: usize) -> Option<u32> {
    let three = bytes.get(at..at + 3)?;
    Some(u32::from_le_bytes([three[0], three[1], three[2], 0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_tell_the_dimensions() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x04\xb0\0\0\x02\x80";
        assert_eq!(dimensions(ImageKind::Png, png), Some((1200, 640)));
        let gif = b"GIF89a\x10\0\x20\0";
        assert_eq!(dimensions(ImageKind::Gif, gif), Some((16, 32)));
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08\0\x20\0\x40\x03";
        assert_eq!(dimensions(ImageKind::Jpeg, jpeg), Some((64, 32)));
        let webp = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x3f\0\0\x1f\0\0";
        assert_eq!(dimensions(ImageKind::Webp, webp), Some((64, 32)));
    }

    #[test]
    fn short_and_broken_headers_tell_nothing() {
        for kind in [
            ImageKind::Png,
            ImageKind::Gif,
            ImageKind::Jpeg,
            ImageKind::Webp,
        ] {
            for length in 0..12 {
                assert_eq!(dimensions(kind, &[0; 64][..length]), None);
            }
            assert_eq!(dimensions(kind, &[0; 64]), None);
        }
        // A segment of length 0 must not hold the walk in place for ever.
        let looping = [&b"\xff\xd8"[..], &b"\xff\xe0\0\0".repeat(8)].concat();
        assert_eq!(dimensions(ImageKind::Jpeg, &looping), None);
    }

    #[test]
    fn a_picture_that_fills_the_memory_is_not_shown() {
        assert!(is_showable(6000, 6000));
        assert!(!is_showable(60_000, 60_000));
        assert!(!is_showable(u32::MAX, u32::MAX));
    }
}
