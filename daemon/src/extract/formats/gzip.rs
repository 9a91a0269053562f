//! Gzip: one packed file, or a packed tar archive.

use std::io::{Read as _, SeekFrom};

use countersign_protocol::content::{Cut, CutReason, Entry, EntryKind, Kind, SNIFFED, sniff};
use flate2::read::MultiGzDecoder;

use super::{
    Bytes, Draft, TEXT,
    archive::{Listing, too_much},
    damaged,
    tarball::{self, Bounded, UNPACKED},
};

pub(super) fn read(file: &mut dyn Bytes, draft: &mut Draft) -> Result<(), Cut> {
    let size = draft.content.size;
    let mut head = Vec::new();
    // What cannot be unpacked is found again below, and said there.
    let _ = MultiGzDecoder::new(&mut *file)
        .take(SNIFFED as u64)
        .read_to_end(&mut head);
    file.seek(SeekFrom::Start(0)).map_err(damaged)?;
    let is_tar = sniff(&head, false, "").kind == Kind::Tar;
    let mut unpacked = Bounded::new(MultiGzDecoder::new(file), UNPACKED);
    if is_tar {
        "application/x-tar+gzip".clone_into(&mut draft.content.file_type.media_type);
        "packed tar archive".clone_into(&mut draft.content.file_type.name);
        let mut listing = Listing::new("tar.gz", None);
        tarball::stream(&mut unpacked, &mut listing, draft);
        ratio(UNPACKED - unpacked.left, size, draft);
        listing.finish(draft);
        return Ok(());
    }
    let mut listing = Listing::new("gzip", Some(1));
    let name = unpacked
        .inner
        .header()
        .and_then(|header| header.filename())
        .map_or_else(String::new, |name| {
            String::from_utf8_lossy(name).into_owned()
        });
    let mut start = Vec::new();
    let ended = (&mut unpacked)
        .take(TEXT as u64)
        .read_to_end(&mut start)
        // The rest is unpacked to be counted, not to be kept.
        .and_then(|_| std::io::copy(&mut unpacked, &mut std::io::sink()));
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

/// An archive that is packed as one has one ratio.
fn ratio(unpacked: u64, packed: u64, draft: &mut Draft) {
    if unpacked > packed.saturating_mul(100) {
        draft.content.find(
            countersign_protocol::content::FindingCode::Ratio,
            "It unpacks to over 100 times its size.",
        );
    }
}
