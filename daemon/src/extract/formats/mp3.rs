//! MPEG audio, layer III (ISO/IEC 11172-3): its first frame says nearly all.

use countersign_protocol::content::{Cut, Media};

use super::{
    Bytes, damaged,
    media::{big32, ratio, window},
};

pub(super) fn read(file: &mut dyn Bytes, size: u64) -> Result<Media, Cut> {
    let head = window(file, 0, 10)?;
    // The size of a tag has seven bits in each byte (ID3v2, section 3.1).
    let tag = match head.get(..10) {
        Some([b'I', b'D', b'3', _, _, _, size @ ..]) => {
            10 + size
                .iter()
                .fold(0, |size, byte| size << 7 | u64::from(byte & 0x7f))
        }
        _ => 0,
    };
    let bytes = window(file, tag, 64 << 10)?;
    let (at, frame) = (0..bytes.len())
        .find_map(|at| Some((at, Frame::read(&bytes[at..])?)))
        .ok_or_else(|| damaged("it has no frame of sound"))?;
    let mut media = Media {
        container: "MP3".to_owned(),
        codecs: vec!["mp3".to_owned()],
        sample_rate: Some(frame.rate),
        channels: Some(frame.channels),
        ..Media::default()
    };
    // A stream of changing rate states how many frames it has; else all are like the first one.
    let stated = bytes.get(at + 4 + frame.side..).and_then(|inner| {
        let has = matches!(inner.get(..4)?, b"Xing" | b"Info") && big32(inner, 4)? & 1 == 1;
        has.then(|| big32(inner, 8))?
    });
    media.seconds = Some(match stated {
        Some(frames) => ratio(
            u64::from(frames) * u64::from(frame.samples),
            u64::from(frame.rate),
        ),
        None => ratio(
            size.saturating_sub(tag + at as u64) * 8,
            u64::from(frame.kilobits) * 1000,
        ),
    });
    Ok(media)
}

struct Frame {
    kilobits: u32,
    rate: u32,
    channels: u32,
    samples: u32,
    /// How long the side information behind the header is, in bytes.
    side: usize,
}

impl Frame {
    /// The frame that begins here, if one does.
    fn read(bytes: &[u8]) -> Option<Self> {
        let head = big32(bytes, 0)?;
        // Eleven set bits, a version that is not reserved, layer III.
        let (version, layer) = (head >> 19 & 3, head >> 17 & 3);
        if head >> 21 != 0x7ff || version == 1 || layer != 1 {
            return None;
        }
        let newest = version == 3;
        let table: [u32; 15] = if newest {
            [
                0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
            ]
        } else {
            [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
        };
        let kilobits = *table
            .get((head >> 12 & 15) as usize)
            .filter(|rate| **rate > 0)?;
        let rate = [44_100, 48_000, 32_000].get((head >> 10 & 3) as usize)?;
        let rate = match version {
            3 => *rate,
            2 => rate / 2,
            _ => rate / 4,
        };
        let mono = head >> 6 & 3 == 3;
        Some(Self {
            kilobits,
            rate,
            channels: if mono { 1 } else { 2 },
            samples: if newest { 1152 } else { 576 },
            side: match (newest, mono) {
                (true, false) => 32,
                (true, true) | (false, false) => 17,
                (false, true) => 9,
            },
        })
    }
}
