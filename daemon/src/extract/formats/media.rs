//! Sound and moving pictures: what their headers say. Nothing is decoded.

use std::io::{Read as _, SeekFrom};

use countersign_protocol::content::{Body, Cut, Media};

use super::{Bytes, Draft, damaged, mp3, mp4, webm};

pub(super) fn read(file: &mut dyn Bytes, draft: &mut Draft) -> Result<(), Cut> {
    let size = draft.content.size;
    let start = window(file, 0, 64 << 10)?;
    let media = match draft.content.file_type.media_type.as_str() {
        "audio/wav" => wav(file, size),
        "audio/flac" => Ok(flac(&start)),
        "audio/ogg" => ogg(file, &start, size),
        "audio/mpeg" => mp3::read(file, size),
        "video/mp4" | "audio/mp4" => mp4::read(file, size),
        _ => Ok(webm::read(&start)),
    };
    let media = media?;
    draft.content.body = Body::Media(media);
    Ok(())
}

/// `length` bytes at `at`, or what there is of them.
pub(super) fn window(file: &mut dyn Bytes, at: u64, length: u64) -> Result<Vec<u8>, Cut> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(at)).map_err(damaged)?;
    file.take(length).read_to_end(&mut bytes).map_err(damaged)?;
    Ok(bytes)
}

pub(super) fn big32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

pub(super) fn big16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn little32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn little16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// Walks the chunks of a WAV file to its format and its data.
fn wav(file: &mut dyn Bytes, size: u64) -> Result<Media, Cut> {
    let mut media = Media {
        container: "WAV".to_owned(),
        ..Media::default()
    };
    let (mut at, mut bytes_per_second) = (12, 0);
    for _ in 0..64 {
        let head = window(file, at, 32)?;
        let (Some(kind), Some(length)) = (head.get(..4), little32(&head, 4)) else {
            break;
        };
        match kind {
            b"fmt " => {
                media.codecs = vec![match little16(&head, 8) {
                    Some(1) => "pcm".to_owned(),
                    Some(3) => "pcm float".to_owned(),
                    Some(other) => format!("wav {other:#06x}"),
                    None => break,
                }];
                media.channels = little16(&head, 10).map(u32::from);
                media.sample_rate = little32(&head, 12);
                bytes_per_second = little32(&head, 16).unwrap_or(0);
            }
            b"data" if bytes_per_second > 0 => {
                // A stream that was never finished states more than there is.
                let length = u64::from(length).min(size.saturating_sub(at + 8));
                media.seconds = Some(ratio(length, u64::from(bytes_per_second)));
                break;
            }
            _ => {}
        }
        at += 8 + u64::from(length) + u64::from(length % 2);
    }
    Ok(media)
}

#[expect(clippy::cast_precision_loss, reason = "seconds for people")]
pub(super) fn ratio(units: u64, per_second: u64) -> f64 {
    units as f64 / per_second as f64
}

/// The first block of a FLAC file (RFC 9639, section 8.2).
fn flac(start: &[u8]) -> Media {
    let mut media = Media {
        container: "FLAC".to_owned(),
        codecs: vec!["flac".to_owned()],
        ..Media::default()
    };
    if let (Some(high), Some(low)) = (big32(start, 18), big32(start, 22)) {
        let rate = high >> 12;
        media.sample_rate = (rate > 0).then_some(rate);
        media.channels = Some((high >> 9 & 7) + 1);
        let samples = u64::from(high & 0xf) << 32 | u64::from(low);
        if rate > 0 && samples > 0 {
            media.seconds = Some(ratio(samples, u64::from(rate)));
        }
    }
    media
}

/// The first page of an Ogg stream says what it is, the last one how long (RFC 3533).
fn ogg(file: &mut dyn Bytes, start: &[u8], size: u64) -> Result<Media, Cut> {
    let mut media = Media {
        container: "Ogg".to_owned(),
        ..Media::default()
    };
    let packet = start.get(28..).unwrap_or_default();
    let (codec, rate, channels, skip) = if packet.starts_with(b"OpusHead") {
        // Opus counts at 48 kHz, whatever went in (RFC 7845).
        let skip = little16(packet, 10).unwrap_or(0);
        ("opus", Some(48_000), packet.get(9).copied(), skip)
    } else if packet.starts_with(b"\x01vorbis") {
        ("vorbis", little32(packet, 12), packet.get(11).copied(), 0)
    } else if packet.starts_with(b"\x80theora") {
        ("theora", None, None, 0)
    } else {
        ("unknown", None, None, 0)
    };
    media.codecs = vec![codec.to_owned()];
    media.sample_rate = rate;
    media.channels = channels.map(u32::from);
    let end = window(file, size.saturating_sub(64 << 10), 64 << 10)?;
    let last = end.windows(4).rposition(|four| four == b"OggS");
    if let (Some(at), Some(rate)) = (last, rate.filter(|rate| *rate > 0))
        && let Some(granule) = end.get(at + 6..at + 14)
    {
        let samples = u64::from_le_bytes(granule.try_into().unwrap_or_default());
        let samples = samples.saturating_sub(u64::from(skip));
        media.seconds = (samples < 1 << 48).then(|| ratio(samples, u64::from(rate)));
    }
    Ok(media)
}
