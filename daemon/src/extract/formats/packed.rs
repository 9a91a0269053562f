//! Packed streams: one file, or a tar archive, packed by gzip, bzip2, xz or Zstandard.

use std::io::{self, Read, SeekFrom};

use bzip2::read::MultiBzDecoder;
use countersign_protocol::content::{Cut, CutReason, Entry, EntryKind, Kind, SNIFFED, sniff};
use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;

use super::{
    Bytes, Draft, TEXT,
    archive::{Listing, too_much},
    damaged,
    tarball::{self, Bounded, UNPACKED},
};

/// Most memory that the dictionary of an xz stream may take, in KiB.
const MAX_DICTIONARY: u32 = 128 << 10;

/// How a stream is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Gzip,
    Bzip2,
    Xz,
    Zstandard,
}

impl Packing {
    fn of(media_type: &str) -> Self {
        match media_type {
            "application/x-bzip2" => Self::Bzip2,
            "application/x-xz" => Self::Xz,
            "application/zstd" => Self::Zstandard,
            _ => Self::Gzip,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstandard => "zstd",
        }
    }

    /// The name of a tar archive that is packed in this way.
    fn tar(self) -> &'static str {
        match self {
            Self::Gzip => "tar.gz",
            Self::Bzip2 => "tar.bz2",
            Self::Xz => "tar.xz",
            Self::Zstandard => "tar.zst",
        }
    }

    fn unpack<'a>(self, file: &'a mut dyn Bytes) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(file)),
            Self::Bzip2 => Box::new(MultiBzDecoder::new(file)),
            Self::Xz => Box::new(XzReader::new_mem_limit(file, true, MAX_DICTIONARY)),
            Self::Zstandard => Box::new(zstd::stream::read::Decoder::new(file)?),
        })
    }
}

pub(super) fn read(file: &mut dyn Bytes, draft: &mut Draft) -> Result<(), Cut> {
    let size = draft.content.size;
    let packing = Packing::of(&draft.content.file_type.media_type);
    let name = match packing {
        Packing::Gzip => stated_name(file),
        _ => String::new(),
    };
    file.seek(SeekFrom::Start(0)).map_err(damaged)?;
    let mut head = Vec::new();
    // What cannot be unpacked is found again below, and said there.
    let _ = packing
        .unpack(file)
        .and_then(|unpacked| unpacked.take(SNIFFED as u64).read_to_end(&mut head));
    file.seek(SeekFrom::Start(0)).map_err(damaged)?;
    let is_tar = sniff(&head, false, "").kind == Kind::Tar;
    let mut unpacked = Bounded::new(packing.unpack(file).map_err(damaged)?, UNPACKED);
    if is_tar {
        let file_type = &mut draft.content.file_type;
        file_type.media_type = format!("application/x-tar+{}", packing.name());
        "packed tar archive".clone_into(&mut file_type.name);
        let mut listing = Listing::new(packing.tar(), None);
        tarball::stream(&mut unpacked, &mut listing, draft);
        ratio(UNPACKED - unpacked.left, size, draft);
        listing.finish(draft);
        return Ok(());
    }
    let mut listing = Listing::new(packing.name(), Some(1));
    let mut start = Vec::new();
    let ended = (&mut unpacked)
        .take(TEXT as u64)
        .read_to_end(&mut start)
        // The rest is unpacked to be counted, not to be kept.
        .and_then(|_| io::copy(&mut unpacked, &mut io::sink()));
    let total = UNPACKED - unpacked.left;
    if let Err(error) = ended {
        let reason = if unpacked.left == 0 {
            too_much(UNPACKED)
        } else {
            damaged(error)
        };
        draft.content.cut(reason.reason, reason.message);
    } else if total > TEXT as u64 {
        let message = format!(
            "Only the first {} MiB of what it unpacks to are read.",
            TEXT >> 20
        );
        draft.content.cut(CutReason::TooMuchText, message);
    }
    let entry = Entry {
        path: name,
        kind: EntryKind::File,
        size: total,
        packed: Some(size),
        ..Entry::default()
    };
    listing.add(entry, start, draft);
    listing.finish(draft);
    Ok(())
}

/// The name of the packed file, as the header of a gzip stream states it.
fn stated_name(file: &mut dyn Bytes) -> String {
    let mut unpacked = MultiGzDecoder::new(file);
    // The header is read with the first byte.
    let _ = unpacked.read(&mut [0]);
    let name = unpacked.header().and_then(|header| header.filename());
    name.map_or_else(String::new, |name| {
        String::from_utf8_lossy(name).into_owned()
    })
}

/// An archive that is packed as one has one ratio.
fn ratio(unpacked: u64, packed: u64, draft: &mut Draft) {
    if unpacked > packed.saturating_mul(100) {
        draft.content.find(
            countersign_protocol::content::FindingCode::Ratio,
            "It unpacks to over 100 times its size.",
        );
    }
}
