//! Zip archives, office documents among them: listed, never unpacked to disk.

use std::io::Read as _;

use countersign_protocol::{
    content::{
        Archive, Body, Cut, CutReason, Entry, EntryFlag, EntryKind, FindingCode, Kind, Place,
        SNIFFED, sniff,
    },
    invisible,
};
use zip::ZipArchive;

use super::{Bytes, Draft, cut, damaged, slides, word, workbook};
use crate::extract::plain;

/// Most entries that are listed.
pub(super) const ENTRIES: usize = 10_000;
/// Most that is unpacked of all members together, in bytes.
pub(super) const UNPACKED: u64 = 64 << 20;
/// Above this many times its packed size, an entry is flagged.
const RATIO: u64 = 100;

pub(super) fn zip(file: &mut dyn Bytes, draft: &mut Draft) -> Result<(), Cut> {
    let mut archive = ZipArchive::new(file).map_err(damaged)?;
    let has = |name: &str| archive.index_for_name(name).is_some();
    let (kind, end, words) = if has("word/document.xml") {
        (Kind::Document, "wordprocessingml.document", "Word document")
    } else if has("xl/workbook.xml") {
        (Kind::Workbook, "spreadsheetml.sheet", "Excel workbook")
    } else if has("ppt/presentation.xml") {
        (
            Kind::Presentation,
            "presentationml.presentation",
            "PowerPoint presentation",
        )
    } else {
        return list(&mut archive, draft);
    };
    let file_type = &mut draft.content.file_type;
    file_type.kind = kind;
    file_type.media_type = format!("application/vnd.openxmlformats-officedocument.{end}");
    words.clone_into(&mut file_type.name);
    match kind {
        Kind::Document => word::read(&mut archive, draft),
        Kind::Workbook => workbook::read(archive.into_inner(), draft),
        _ => slides::read(&mut archive, draft),
    }
}

fn list(archive: &mut ZipArchive<&mut dyn Bytes>, draft: &mut Draft) -> Result<(), Cut> {
    let file_type = &mut draft.content.file_type;
    file_type.kind = Kind::Zip;
    "application/zip".clone_into(&mut file_type.media_type);
    let stated = archive.len();
    let mut listing = Listing::new("zip", Some(stated as u64));
    for index in 0..stated.min(ENTRIES) {
        let entry = {
            let Ok(member) = archive.by_index_raw(index) else {
                draft
                    .content
                    .cut(CutReason::Damaged, "Some of its entries cannot be read.");
                continue;
            };
            let path = member.name().map_err(damaged)?.into_owned();
            let mode = member.unix_mode().unwrap_or(0);
            let mut entry = Entry {
                path,
                kind: if member.is_dir() {
                    EntryKind::Folder
                } else if member.is_symlink() {
                    EntryKind::Link
                } else {
                    match mode & 0o170_000 {
                        0 | 0o100_000 => EntryKind::File,
                        _ => EntryKind::Special,
                    }
                },
                size: member.size(),
                packed: Some(member.compressed_size()),
                crc32: Some(member.crc32()),
                ..Entry::default()
            };
            if member.encrypted() {
                entry.flag(EntryFlag::Encrypted);
            }
            entry
        };
        let readable = !entry.flags.contains(&EntryFlag::Encrypted);
        let mut start = Vec::new();
        if readable
            && matches!(entry.kind, EntryKind::File | EntryKind::Link)
            && let Some(limit) = listing.allowance()
            && let Ok(member) = archive.by_index(index)
        {
            // A member that unpacks badly is listed all the same.
            let _ = member.take(limit).read_to_end(&mut start);
        }
        listing.add(entry, start, draft);
    }
    if stated > ENTRIES {
        let message = format!("It has {stated} entries; the first {ENTRIES} are listed.");
        draft.content.cut(CutReason::TooMany, message);
    }
    listing.finish(draft);
    Ok(())
}

/// A list in the making, for every sort of archive.
pub(super) struct Listing {
    archive: Archive,
    seen: std::collections::HashSet<String>,
    unpacked: u64,
}

impl Listing {
    pub(super) fn new(format: &str, stated_entries: Option<u64>) -> Self {
        Self {
            archive: Archive {
                format: format.to_owned(),
                stated_entries,
                ..Archive::default()
            },
            seen: std::collections::HashSet::new(),
            unpacked: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.archive.entries.len()
    }

    /// How many bytes of the next member may be read; none when enough was unpacked.
    pub(super) fn allowance(&self) -> Option<u64> {
        let left = UNPACKED.checked_sub(self.unpacked)?;
        (left > 0).then_some(left.min(Archive::MEMBER))
    }

    /// Adds an entry whose content begins with `start`.
    pub(super) fn add(&mut self, mut entry: Entry, start: Vec<u8>, draft: &mut Draft) {
        self.unpacked += start.len() as u64;
        flag(&mut entry, &start);
        if !self.seen.insert(entry.path.clone()) {
            entry.flag(EntryFlag::Duplicate);
        }
        match entry.kind {
            EntryKind::Link if entry.target.is_none() => {
                entry.target = Some(String::from_utf8_lossy(&start).into_owned());
            }
            EntryKind::File if !start.is_empty() => {
                let complete = start.len() as u64 >= entry.size;
                if plain::is_text(&start, complete) && draft.room() > 0 {
                    let text = plain::decode(&start, complete).0;
                    let place = Place::Member {
                        path: entry.path.clone(),
                    };
                    draft.say(place, text);
                }
            }
            _ => {}
        }
        self.archive.unpacked_size = self.archive.unpacked_size.saturating_add(entry.size);
        self.archive.entries.push(entry);
    }

    /// Puts the list into the draft, with a finding for each sort of odd entry.
    pub(super) fn finish(self, draft: &mut Draft) {
        let count = |flags: &[EntryFlag]| {
            let is_odd = |entry: &&Entry| entry.flags.iter().any(|flag| flags.contains(flag));
            self.archive.entries.iter().filter(is_odd).count()
        };
        for (code, flags, words) in [
            (
                FindingCode::LeavesFolder,
                &[EntryFlag::Parent, EntryFlag::Absolute][..],
                "would be written outside of the folder that it is unpacked to",
            ),
            (
                FindingCode::Links,
                &[EntryFlag::Link, EntryFlag::Special],
                "a link or a device",
            ),
            (
                FindingCode::Ratio,
                &[EntryFlag::Ratio],
                "unpacks to over 100 times its size",
            ),
            (
                FindingCode::Encrypted,
                &[EntryFlag::Encrypted],
                "needs a password",
            ),
            (
                FindingCode::Nested,
                &[EntryFlag::Nested],
                "an archive, which is not looked into",
            ),
            (
                FindingCode::Executable,
                &[EntryFlag::Executable],
                "a program",
            ),
            (
                FindingCode::HiddenCharacters,
                &[EntryFlag::HiddenName],
                "has hidden characters in its name",
            ),
        ] {
            match count(flags) {
                0 => {}
                1 => draft.content.find(code, format!("One entry: {words}.")),
                many => draft
                    .content
                    .find(code, format!("{many} entries: each {words}.")),
            }
        }
        draft.content.body = Body::Archive(self.archive);
    }
}

/// What is odd about `entry`, whose content begins with `start`.
fn flag(entry: &mut Entry, start: &[u8]) {
    let path = entry.path.replace('\\', "/");
    if path.split('/').any(|part| part == "..") {
        entry.flag(EntryFlag::Parent);
    }
    if path.starts_with('/') || path.get(1..3) == Some(":/") {
        entry.flag(EntryFlag::Absolute);
    }
    if invisible::marked(&path).any(|(c, is_hidden)| c.is_control() || is_hidden) {
        entry.flag(EntryFlag::HiddenName);
    }
    match entry.kind {
        EntryKind::Link => entry.flag(EntryFlag::Link),
        EntryKind::Special => entry.flag(EntryFlag::Special),
        EntryKind::File => {
            match sniff(&start[..start.len().min(SNIFFED)], false, &entry.path).kind {
                Kind::Zip | Kind::Tar | Kind::Gzip => entry.flag(EntryFlag::Nested),
                Kind::Program => entry.flag(EntryFlag::Executable),
                _ => {}
            }
        }
        EntryKind::Folder => {}
    }
    if entry
        .packed
        .is_some_and(|packed| entry.size > packed.saturating_mul(RATIO))
    {
        entry.flag(EntryFlag::Ratio);
    }
}

/// The cut of an archive that unpacks to more than is read.
pub(super) fn too_much(most: u64) -> Cut {
    let message = format!(
        "It unpacks to more than the {} MiB that are read.",
        most >> 20
    );
    cut(CutReason::TooMuchUnpacked, message)
}
