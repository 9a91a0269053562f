//! MP4 and `QuickTime` (ISO/IEC 14496-12): a walk over the boxes that describe, never over the sound
//! or pictures themselves.

use countersign_protocol::content::{Cut, Media};

use super::{
    Bytes,
    media::{big16, big32, ratio, window},
};

/// Most boxes that are looked at.
const BOXES: u32 = 10_000;
/// Most bytes that are read of the box with the descriptions.
const DESCRIPTIONS: u64 = 32 << 20;

pub(super) fn read(file: &mut dyn Bytes, size: u64) -> Result<Media, Cut> {
    let mut media = Media {
        container: "MP4".to_owned(),
        ..Media::default()
    };
    let mut at = 0;
    for _ in 0..BOXES {
        let head = window(file, at, 16)?;
        let (Some(short), Some(kind)) = (big32(&head, 0), head.get(4..8)) else {
            break;
        };
        let length = match short {
            0 => size - at,
            1 => {
                u64::from(big32(&head, 8).unwrap_or(0)) << 32
                    | u64::from(big32(&head, 12).unwrap_or(0))
            }
            short => u64::from(short),
        };
        if kind == b"moov" {
            let body = window(file, at + 8, length.saturating_sub(8).min(DESCRIPTIONS))?;
            describe(&body, &mut media, 8);
            break;
        }
        if length < 8 || at + length >= size {
            break;
        }
        at += length;
    }
    Ok(media)
}

/// The boxes within `bytes`, as type and content.
fn boxes(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = big32(rest, 0)? as usize;
        let body = rest.get(8..length)?;
        let kind = &rest[4..8];
        rest = &rest[length..];
        Some((kind, body))
    })
    .take(BOXES as usize)
}

fn describe(bytes: &[u8], media: &mut Media, depth: u32) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    for (kind, body) in boxes(bytes) {
        match kind {
            b"trak" | b"mdia" | b"minf" | b"stbl" => describe(body, media, depth),
            b"mvhd" => media.seconds = duration(body),
            b"tkhd" => {
                // The last two fields, as numbers with sixteen bits behind the point.
                let from_end =
                    |bytes: usize| Some(big32(body, body.len().checked_sub(bytes)?)? >> 16);
                if let (Some(width), Some(height)) = (from_end(8), from_end(4))
                    && width > 0
                    && height > 0
                {
                    (media.width, media.height) = (Some(width), Some(height));
                }
            }
            b"stsd" => samples(body.get(8..).unwrap_or_default(), media),
            _ => {}
        }
    }
}

fn duration(body: &[u8]) -> Option<f64> {
    let (scale, units) = if body.first()? == &1 {
        let high = u64::from(big32(body, 24)?) << 32;
        (big32(body, 20)?, high | u64::from(big32(body, 28)?))
    } else {
        (big32(body, 12)?, u64::from(big32(body, 16)?))
    };
    (scale > 0 && units < 1 << 48).then(|| ratio(units, u64::from(scale)))
}

/// The descriptions of samples: each is named by its codec.
fn samples(bytes: &[u8], media: &mut Media) {
    for (codec, body) in boxes(bytes).take(16) {
        let codec: String = codec
            .iter()
            .map(|byte| char::from(*byte))
            .filter(char::is_ascii_alphanumeric)
            .collect();
        if matches!(
            codec.as_str(),
            "mp4a" | "Opus" | "ac3" | "ec3" | "fLaC" | "alac" | "samr"
        ) {
            media.channels = big16(body, 16).map(u32::from);
            media.sample_rate = big32(body, 24).map(|rate| rate >> 16);
        }
        if !media.codecs.contains(&codec) {
            media.codecs.push(codec);
        }
    }
}
