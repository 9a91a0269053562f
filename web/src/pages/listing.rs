//! Which files of a handoff stand on one page. A small handoff is shown whole; a large one by folder and
//! in pages, so that the page of 10,000 files is no longer than that of a hundred.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    artifact::{Card, FileName, Place},
    look::Asked,
};
use crate::{
    desk::{Change, FileRow, Review},
    render::words,
};

/// Handoffs with more files are shown in pages.
const WHOLE: usize = 200;
/// Files on a page.
const PAGE: usize = 50;
/// Folders that are listed beside them.
const FOLDERS: usize = 200;

/// A moment other than the number of a revision, to compare with.
#[derive(Clone, Debug)]
pub(super) struct Against {
    /// As it was asked for.
    pub(super) anchor: String,
    /// What it is.
    pub(super) label: String,
}

/// `&base=…` of the address of a page that compares as this one does.
pub(super) fn base_query(base: Option<u32>, against: Option<&Against>) -> String {
    let base = match (against, base) {
        (Some(against), _) => form_urlencoded::byte_serialize(against.anchor.as_bytes()).collect(),
        (None, Some(base)) => base.to_string(),
        (None, None) => return String::new(),
    };
    format!("&base={base}")
}

/// Which part of the files is wanted, and against what.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    /// A folder with `/` at its end; absent for all.
    pub(super) folder: Option<String>,
    /// The first file of the page.
    pub(super) files: Option<usize>,
    /// Where a moment was named.
    pub(super) against: Option<Against>,
}

/// The files of a page.
#[derive(Debug)]
pub(super) struct Listing<'r> {
    /// Those with a card, what changed first.
    pub(super) rows: Vec<&'r FileRow>,
    /// How to get to the others; absent when these are all.
    pub(super) more: Option<More>,
}

/// How to get to the files that are not on the page.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct More {
    /// The folder whose files are shown; empty for all.
    pub(super) folder: String,
    /// The way to it: name and address of each folder above.
    pub(super) above: Vec<(String, String)>,
    /// The folders in it.
    pub(super) folders: Vec<Below>,
    /// Folders in it that are not listed.
    pub(super) unlisted: usize,
    /// Which files these are.
    pub(super) range: String,
    /// The page before.
    pub(super) before: Option<String>,
    /// The next page.
    pub(super) after: Option<String>,
}

/// A folder that can be opened.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Below {
    name: String,
    href: String,
    /// For example `812 files, 3 changed`.
    note: String,
    changed: bool,
}

/// A folder of the list beside the cards.
#[derive(Debug, Serialize)]
pub(super) struct Folder {
    name: String,
    files: Vec<FileLink>,
}

#[derive(Debug, Serialize)]
struct FileLink {
    file: FileName,
    note: String,
    sha256: String,
    changed: bool,
    /// Absent for a removed one.
    viewed: Option<bool>,
    /// Threads and drafts that are open.
    open: usize,
}

impl<'r> Listing<'r> {
    pub(super) fn new(review: &'r Review, place: Place, part: &Part, asked: &Asked) -> Self {
        let folder = part.folder.as_deref().unwrap_or_default();
        let here = review
            .files
            .iter()
            .filter(|row| row.path.starts_with(folder));
        let mut rows: Vec<&FileRow> = here.collect();
        rows.sort_by_key(|row| row.change == Change::Unchanged);
        if review.files.len() <= WHOLE {
            return Self { rows, more: None };
        }
        let base = base_query(place.base, part.against.as_ref());
        let (id, revision) = (place.id, place.revision);
        let common = format!("/h/{id}?revision={revision}{base}{}", asked.habits());
        let to = |folder: &str| {
            let folder: String = form_urlencoded::byte_serialize(folder.as_bytes()).collect();
            format!("{common}&folder={folder}")
        };
        let from = part.files.unwrap_or(0).min(rows.len());
        let end = (from + PAGE).min(rows.len());
        let page = |from: usize| format!("{}&files={from}#files", to(folder));
        let (folders, unlisted) = below(&rows, folder, to);
        let more = More {
            folder: folder.to_owned(),
            above: above(folder, &common, to),
            folders,
            unlisted,
            range: format!("Files {} to {end} of {}", (from + 1).min(end), rows.len()),
            before: (from > 0).then(|| page(from.saturating_sub(PAGE))),
            after: (end < rows.len()).then(|| page(end)),
        };
        Self {
            rows: rows[from..end].to_vec(),
            more: Some(more),
        }
    }
}

#[cfg(test)]
impl More {
    /// For tests of templates.
    pub(super) fn sample() -> Self {
        let hostile = crate::showcase::sample::HOSTILE;
        Self {
            folder: "src/".to_owned(),
            above: vec![
                ("All files".to_owned(), "/h/H-7".to_owned()),
                (hostile.to_owned(), "/h/H-7".to_owned()),
            ],
            folders: vec![Below {
                name: hostile.to_owned(),
                href: "/h/H-7?folder=x".to_owned(),
                note: "3 files, 1 changed".to_owned(),
                changed: true,
            }],
            unlisted: 2,
            range: "Files 51 to 100 of 10000".to_owned(),
            before: Some("/h/H-7?files=0".to_owned()),
            after: Some("/h/H-7?files=100".to_owned()),
        }
    }
}

fn above(folder: &str, all: &str, to: impl Fn(&str) -> String) -> Vec<(String, String)> {
    if folder.is_empty() {
        return Vec::new();
    }
    let mut above = vec![("All files".to_owned(), all.to_owned())];
    let inner = folder.trim_end_matches('/');
    for (at, _) in inner.match_indices('/') {
        let name = inner[..at].rsplit('/').next().unwrap_or_default();
        above.push((name.to_owned(), to(&inner[..=at])));
    }
    above
}

/// The folders right below `folder`, with what is in them.
fn below(rows: &[&FileRow], folder: &str, to: impl Fn(&str) -> String) -> (Vec<Below>, usize) {
    let name_of = |row: &FileRow| Some(row.path[folder.len()..].split_once('/')?.0.len());
    let mut folders: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    // Rows of a folder stand together, so it is looked up once for all of them.
    let same = |one: &&FileRow, next: &&FileRow| {
        let (length, other) = (name_of(one), name_of(next));
        let end = folder.len() + length.unwrap_or_default();
        length.is_some() && length == other && one.path[..end] == next.path[..end]
    };
    for run in rows.chunk_by(same) {
        let Some(length) = name_of(run[0]) else {
            continue;
        };
        let name = &run[0].path[folder.len()..folder.len() + length];
        let (files, changed) = folders.entry(name).or_default();
        *files += run.len();
        let differs = |row: &&&FileRow| row.change != Change::Unchanged;
        *changed += run.iter().filter(differs).count();
    }
    let unlisted = folders.len().saturating_sub(FOLDERS);
    let list = folders
        .into_iter()
        .take(FOLDERS)
        .map(|(name, (files, changed))| Below {
            name: name.to_owned(),
            href: to(&format!("{folder}{name}/")),
            note: match changed {
                0 => words::count(files, "file"),
                changed => format!("{}, {changed} changed", words::count(files, "file")),
            },
            changed: changed > 0,
        });
    (list.collect(), unlisted)
}

/// The files in the order of their paths, one group for each folder.
pub(super) fn folders(cards: &[Card]) -> Vec<Folder> {
    let mut cards: Vec<_> = cards.iter().collect();
    cards.sort_by(|a, b| a.file.path.cmp(&b.file.path));
    let mut folders: Vec<Folder> = Vec::new();
    for card in cards {
        let link = FileLink {
            file: card.file.clone(),
            note: note(card),
            sha256: card.sha256.clone(),
            changed: card.change != Change::Unchanged,
            viewed: card.say.as_ref().map(|say| say.viewed),
            open: card
                .remarks
                .iter()
                .chain(&card.at_lines)
                .filter(|remark| remark.is_open())
                .count(),
        };
        match folders
            .iter_mut()
            .find(|folder| folder.name == card.file.folder)
        {
            Some(folder) => folder.files.push(link),
            None => folders.push(Folder {
                name: card.file.folder.clone(),
                files: vec![link],
            }),
        }
    }
    folders
}

fn note(card: &Card) -> String {
    let change = match (card.change, card.stat) {
        (Change::Removed, _) => "removed".to_owned(),
        (Change::Unchanged, _) => "same".to_owned(),
        (_, Some((added, removed))) => format!("+{added} −{removed}"),
        (Change::Added, None) => "new".to_owned(),
        (Change::Modified, None) => "changed".to_owned(),
        (Change::Renamed, None) => "renamed".to_owned(),
    };
    format!("{change}, {}", card.size)
}

#[cfg(test)]
mod tests;
