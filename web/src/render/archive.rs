//! The list of an archive against the one before it. Nothing of it is unpacked.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use countersign_protocol::content::{Archive, Content, Entry, EntryKind, Place};
use serde::Serialize;

use super::{visible::visible, words};

/// The most entries that are shown.
const MAX_ENTRIES: usize = 2_000;

/// An entry on the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// `added`, `removed`, `changed` or `same`.
    pub change: &'static str,
    /// Its path.
    pub path: String,
    /// The path as it stands in an address, where its text can be shown.
    pub entry: Option<String>,
    /// The very path, to look its text up by.
    #[serde(skip)]
    exact: String,
    /// Its size unpacked.
    pub size: String,
    /// Its size before, when it differs.
    pub old_size: Option<String>,
    /// How many times its packed size it is.
    pub ratio: Option<String>,
    /// What is odd about it.
    pub flags: Vec<&'static str>,
    /// Where a link leads.
    pub target: Option<String>,
}

/// The list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entries {
    /// What differs, or everything when there is nothing to compare with.
    pub rows: Vec<Row>,
    /// Whether it is compared.
    pub compared: bool,
    /// Entries that are the same and not shown.
    pub same: usize,
    /// What is not shown.
    pub notes: Vec<String>,
}

/// Shows `new`, against `old` when there is one. `everything` shows unchanged entries too. Entries with
/// oddities are always shown.
pub fn entries(new: &Archive, old: Option<&Archive>, everything: bool) -> Entries {
    let mut before: BTreeMap<&str, &Entry> = BTreeMap::new();
    for entry in old.map_or(&[][..], |old| &old.entries) {
        before.insert(&entry.path, entry);
    }
    let mut shown = Entries {
        rows: Vec::new(),
        compared: old.is_some(),
        same: 0,
        notes: Vec::new(),
    };
    let mut left_out = 0;
    let mut push = |shown: &mut Entries, row| {
        if shown.rows.len() < MAX_ENTRIES {
            shown.rows.push(row);
        } else {
            left_out += 1;
        }
    };
    for entry in &new.entries {
        let other = before.remove(entry.path.as_str());
        let change = match other {
            None if old.is_some() => "added",
            Some(other) if differs(entry, other) => "changed",
            _ => "same",
        };
        if change == "same" && old.is_some() && !everything && entry.flags.is_empty() {
            shown.same += 1;
        } else {
            push(&mut shown, row(entry, change, other));
        }
    }
    for gone in before.into_values() {
        push(&mut shown, row(gone, "removed", None));
    }
    if left_out > 0 {
        shown.notes.push(format!(
            "{MAX_ENTRIES} entries are shown; {left_out} more are not."
        ));
    }
    shown
}

impl Entries {
    /// Notes which entries have text that was read, now or before.
    pub fn link(&mut self, (now, before): (Option<&Content>, Option<&Content>)) {
        let contents = now.into_iter().chain(before);
        let read: BTreeSet<&str> = contents
            .flat_map(|content| &content.text)
            .filter_map(|segment| match &segment.place {
                Place::Member { path } => Some(path.as_str()),
                _ => None,
            })
            .collect();
        for row in &mut self.rows {
            if read.contains(row.exact.as_str()) {
                let path = form_urlencoded::byte_serialize(row.exact.as_bytes());
                row.entry = Some(path.collect());
            }
        }
    }
}

/// The text of the entry `path`, and how many entries have that name; they stand one after the other.
pub fn text_of<'c>(content: &'c Content, path: &str) -> (Cow<'c, str>, usize) {
    let is_it = |place: &Place| matches!(place, Place::Member { path: member } if member == path);
    let mut found = content.text.iter().filter(|segment| is_it(&segment.place));
    let Some(first) = found.next() else {
        return (Cow::Borrowed(""), 0);
    };
    let mut text = Cow::Borrowed(first.text.as_str());
    let mut count = 1;
    for more in found {
        count += 1;
        let all = text.to_mut();
        if !all.ends_with('\n') {
            all.push('\n');
        }
        all.push_str(&more.text);
    }
    (text, count)
}

fn differs(one: &Entry, other: &Entry) -> bool {
    (one.kind, one.size, one.crc32, &one.target)
        != (other.kind, other.size, other.crc32, &other.target)
}

fn row(entry: &Entry, change: &'static str, other: Option<&Entry>) -> Row {
    let old_size = other.filter(|other| other.size != entry.size);
    Row {
        change,
        path: visible(&entry.path).into_owned(),
        entry: None,
        exact: entry.path.clone(),
        size: match entry.kind {
            EntryKind::Folder => "folder".to_owned(),
            _ => words::size(entry.size),
        },
        old_size: old_size.map(|old| words::size(old.size)),
        ratio: entry.ratio().map(|ratio| format!("{ratio:.1} : 1")),
        flags: entry.flags.iter().map(|flag| flag.word()).collect(),
        target: entry
            .target
            .as_deref()
            .map(|target| visible(target).into_owned()),
    }
}

#[cfg(test)]
mod tests;
