//! Zip archives, office documents among them: listed, never unpacked to disk.

use std::{
    collections::HashSet,
    io::{Read as _, SeekFrom},
};

use countersign_protocol::{
    content::{
        Archive, Body, Charset, Cut, CutReason, Entry, EntryFlag, EntryKind, FindingCode, Kind,
        Place, decode, sniff,
    },
    invisible,
};
use zip::ZipArchive;

use super::{
    Bytes, Draft, cut, damaged,
    directory::{self, Directory},
    package::{self, Package},
    slides, word, workbook,
};
use crate::extract::plain;

/// Most entries that are listed.
pub(super) const ENTRIES: usize = 10_000;
/// Most that is unpacked of all members together, in bytes.
pub(super) const UNPACKED: u64 = 64 << 20;
/// Above this many times its packed size, an entry is flagged.
const RATIO: u64 = 100;

pub(super) fn zip(file: &mut dyn Bytes, draft: &mut Draft) -> Result<(), Cut> {
    // A directory that cannot be followed here may yet be one for the reader of entries.
    let directory = directory::read(file).unwrap_or_default();
    file.seek(SeekFrom::Start(0)).map_err(damaged)?;
    let archive = ZipArchive::new(file).map_err(damaged)?;
    let is_ambiguous = !directory.hidden().is_empty()
        || directory
            .records
            .iter()
            .any(|record| record.local_name.is_some());
    let mut package = Package::of(archive);
    let Some((main, root)) = package.main() else {
        return list(package.into_archive(), &directory, draft);
    };
    let (kind, end, words) = match root.as_str() {
        "document" => (Kind::Document, "wordprocessingml.document", "Word document"),
        "workbook" => (Kind::Workbook, "spreadsheetml.sheet", "Excel workbook"),
        _ => (
            Kind::Presentation,
            "presentationml.presentation",
            "PowerPoint presentation",
        ),
    };
    let file_type = &mut draft.content.file_type;
    file_type.kind = kind;
    file_type.media_type = format!("application/vnd.openxmlformats-officedocument.{end}");
    words.clone_into(&mut file_type.name);
    if is_ambiguous || package.is_ambiguous {
        package::tell_ambiguous(draft);
    }
    match kind {
        Kind::Document => word::read(&mut package, &main, draft),
        Kind::Workbook => workbook::read(&mut package, &main, draft),
        _ => slides::read(&mut package, &main, draft),
    }
}

fn list(
    mut archive: ZipArchive<&mut dyn Bytes>,
    directory: &Directory,
    draft: &mut Draft,
) -> Result<(), Cut> {
    let file_type = &mut draft.content.file_type;
    file_type.kind = Kind::Zip;
    "application/zip".clone_into(&mut file_type.media_type);
    let hidden = directory.hidden();
    let listed = archive.len();
    let stated = directory.stated.max(listed as u64);
    let mut listing = Listing::new("zip", Some(stated));
    let renamed: HashSet<&[u8]> = directory
        .records
        .iter()
        .filter(|record| record.local_name.is_some())
        .map(|record| record.name.as_slice())
        .collect();
    for index in 0..listed.min(ENTRIES) {
        let entry = {
            let Ok(member) = archive.by_index_raw(index) else {
                draft
                    .content
                    .cut(CutReason::Damaged, "Some of its entries cannot be read.");
                continue;
            };
            let stated = member.name().map_err(damaged)?.into_owned();
            let path = path_of(member.name_raw(), stated);
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
            if renamed.contains(member.name_raw()) {
                entry.flag(EntryFlag::Renamed);
            }
            entry
        };
        let readable = !entry.flags.contains(&EntryFlag::Encrypted);
        let is_file = matches!(entry.kind, EntryKind::File | EntryKind::Link);
        let mut start = Vec::new();
        let mut is_read = true;
        if readable
            && is_file
            && let Some(limit) = listing.allowance()
        {
            // A member that unpacks badly is listed all the same.
            is_read = archive
                .by_index(index)
                .is_ok_and(|member| member.take(limit).read_to_end(&mut start).is_ok());
        }
        if !is_read {
            listing.unread += 1;
        }
        listing.add(entry, start, draft);
    }
    let file = archive.into_inner();
    for record in hidden {
        let allowance = listing.allowance();
        let start = allowance.and_then(|limit| directory::unpacked(file, record, limit));
        listing.unread += u64::from(start.is_none());
        let mut entry = Entry {
            path: String::from_utf8_lossy(&record.name).into_owned(),
            size: record.size,
            packed: Some(record.packed),
            crc32: Some(record.crc32),
            ..Entry::default()
        };
        if entry.path.ends_with('/') {
            entry.kind = EntryKind::Folder;
        }
        listing.add(entry, start.unwrap_or_default(), draft);
    }
    if stated > ENTRIES as u64 {
        let message = format!("It has {stated} entries; the first {ENTRIES} are listed.");
        draft.content.cut(CutReason::TooMany, message);
    }
    listing.finish(draft);
    Ok(())
}

/// The path of an entry. Programs of East Asian systems write names in their own encoding, without saying so;
/// all other names are as `stated`.
fn path_of(raw: &[u8], stated: String) -> String {
    let decoded = decode(raw, true);
    match decoded.charset {
        Charset::Utf8 | Charset::ShiftJis | Charset::EucKr | Charset::Gb18030 | Charset::Big5
            if !decoded.is_broken && !decoded.bom =>
        {
            decoded.text.into_owned()
        }
        _ => stated,
    }
}

/// A list in the making, for every sort of archive.
pub(super) struct Listing {
    archive: Archive,
    seen: HashSet<String>,
    unpacked: u64,
    /// How many entries are not read: packed or written in a way that is not, or past the limit of all.
    unread: u64,
    /// How many are longer than what is read of one.
    shortened: u64,
}

impl Listing {
    pub(super) fn new(format: &str, stated_entries: Option<u64>) -> Self {
        Self {
            archive: Archive {
                format: format.to_owned(),
                stated_entries,
                ..Archive::default()
            },
            seen: HashSet::new(),
            unpacked: 0,
            unread: 0,
            shortened: 0,
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
        let complete = start.len() as u64 >= entry.size;
        let kind = sniff(&start, complete, &entry.path).kind;
        flag(&mut entry, kind);
        if !self.seen.insert(entry.path.clone()) {
            entry.flag(EntryFlag::Duplicate);
        }
        match entry.kind {
            EntryKind::Link if entry.target.is_none() => {
                entry.target = Some(String::from_utf8_lossy(&start).into_owned());
            }
            EntryKind::File if !start.is_empty() => {
                if plain::is_text(&start, complete, &entry.path) {
                    let text = decode(&start, complete).text;
                    let place = Place::Member {
                        path: entry.path.clone(),
                    };
                    draft.say(place, text);
                    self.shortened += u64::from(!complete);
                } else if has_words(kind) {
                    self.unread += 1;
                }
            }
            // Nothing of it was unpacked, since enough was.
            EntryKind::File if entry.size > 0 && self.allowance().is_none() => self.unread += 1,
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
            (
                FindingCode::Ambiguous,
                &[EntryFlag::Duplicate],
                "has the path of an earlier one; programs differ in which one they take",
            ),
            (
                FindingCode::Ambiguous,
                &[EntryFlag::Renamed],
                "has another name in front of its content; programs differ in which one they take",
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
        let mut missing = Vec::new();
        if self.unread > 0 {
            missing.push(format!(
                "Entries of which nothing is read, since they are archives, documents or of a form that is not \
                read here: {}.",
                self.unread
            ));
        }
        match count(&[EntryFlag::Encrypted]) {
            0 => {}
            many => missing.push(format!("Entries that need a password: {many}.")),
        }
        if self.shortened > 0 {
            missing.push(format!(
                "Entries of which only the first {} MiB are read: {}.",
                Archive::MEMBER >> 20,
                self.shortened
            ));
        }
        if !missing.is_empty() {
            draft.content.cut(CutReason::NotRead, missing.join(" "));
        }
        draft.content.body = Body::Archive(self.archive);
    }
}

/// Whether a file of that kind may have words that are not read within an archive.
pub(super) fn has_words(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Empty | Kind::Image | Kind::Audio | Kind::Video | Kind::Program
    )
}

/// Flags what is odd about `entry`, whose content is of `kind`.
fn flag(entry: &mut Entry, kind: Kind) {
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
        EntryKind::File => match kind {
            Kind::Zip | Kind::Tar | Kind::Gzip | Kind::Packed => entry.flag(EntryFlag::Nested),
            Kind::Program => entry.flag(EntryFlag::Executable),
            _ => {}
        },
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
