//! Matroska and `WebM` (RFC 9559): elements of EBML (RFC 8794) at the beginning of the file.

use countersign_protocol::content::Media;

/// Elements that are looked into, and what they are.
const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_a966;
const TRACKS: u32 = 0x1654_ae6b;
const TRACK: u32 = 0xae;
const VIDEO: u32 = 0xe0;
const AUDIO: u32 = 0xe1;

pub(super) fn read(start: &[u8]) -> Media {
    let mut found = Found {
        media: Media {
            container: "WebM".to_owned(),
            ..Media::default()
        },
        scale: 1_000_000,
        length: None,
    };
    found.elements(start, 6);
    // The length is counted in steps of `scale` nanoseconds.
    #[expect(clippy::cast_precision_loss, reason = "seconds for people")]
    let seconds = |length: f64| length * found.scale as f64 / 1e9;
    found.media.seconds = found
        .length
        .map(seconds)
        .filter(|s| s.is_finite() && *s >= 0.0);
    found.media
}

struct Found {
    media: Media,
    scale: u64,
    length: Option<f64>,
}

impl Found {
    fn elements(&mut self, mut bytes: &[u8], depth: u32) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        while let Some((id, size, rest)) = head(bytes) {
            let (body, after) = rest.split_at(size.min(rest.len()));
            match id {
                SEGMENT | INFO | TRACKS | TRACK | VIDEO | AUDIO => self.elements(body, depth),
                0x002a_d7b1 => self.scale = number(body),
                0x4489 => self.length = float(body),
                0x86 => {
                    let codec: String = String::from_utf8_lossy(body).chars().take(40).collect();
                    if !self.media.codecs.contains(&codec) && self.media.codecs.len() < 16 {
                        self.media.codecs.push(codec);
                    }
                }
                0xb0 => self.media.width = u32::try_from(number(body)).ok(),
                0xba => self.media.height = u32::try_from(number(body)).ok(),
                0x9f => self.media.channels = u32::try_from(number(body)).ok(),
                0xb5 => {
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "a rate of samples, which a cast keeps in bounds"
                    )]
                    let rate = float(body).map(|rate| rate as u32);
                    self.media.sample_rate = rate;
                }
                _ => {}
            }
            bytes = after;
        }
    }
}

/// Id and size of the element that begins here, and what follows. An unknown size is all there is.
fn head(bytes: &[u8]) -> Option<(u32, usize, &[u8])> {
    let id_length = bytes.first()?.leading_zeros() as usize + 1;
    if id_length > 4 {
        return None;
    }
    let id = number(bytes.get(..id_length)?);
    let rest = &bytes[id_length..];
    let size_length = rest.first()?.leading_zeros() as usize + 1;
    if size_length > 8 {
        return None;
    }
    let stated = number(rest.get(..size_length)?);
    let mask = (1_u64 << (7 * size_length)) - 1;
    let size = if stated & mask == mask {
        u64::MAX
    } else {
        stated & mask
    };
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    Some((u32::try_from(id).ok()?, size, &rest[size_length..]))
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn float(bytes: &[u8]) -> Option<f64> {
    match bytes.len() {
        4 => Some(f32::from_be_bytes(bytes.try_into().ok()?).into()),
        8 => Some(f64::from_be_bytes(bytes.try_into().ok()?)),
        _ => None,
    }
}
