//! A file as a document of the index.

use std::{fs::File, path::Path, sync::Arc};

use countersign_protocol::Digest;

use super::{
    entry::{Budget, Entry},
    known, levels,
    reading::Wanted,
    schema::{Fields, flag, kind},
    secrets,
    text::{self, Plain},
    tokens, types,
    walk::Found,
    words::Words,
};
use crate::workspace::Workspace;

/// A file on its way into the index.
pub(super) struct Read {
    pub(super) entry: Entry,
    /// What the index notes of it.
    pub(super) stamp: u64,
    /// The same, when only a child may read its text.
    pub(super) wanted: Option<Wanted>,
}

/// Reads `file` and makes its document. `None` when it is gone or no file by now.
pub(super) fn read(
    workspace: &Arc<Workspace>,
    file: &Found,
    key: u64,
    fields: &Fields,
    budget: &Arc<Budget>,
) -> Option<Read> {
    let permit = budget.take(text::within_limit(file.stamp.size));
    let mut privacy = Vec::new();
    let read = workspace
        .dir()
        .open_file(Path::new(&file.path))
        .map_err(|error| error.source)
        .and_then(|open| {
            privacy = privacy_of(workspace, &open, &file.path)?;
            text::read(open, &file.path)
        });
    let (plain, missing) = match read {
        Ok(Some(plain)) => (plain, None),
        Ok(None) => return None,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        // Its name is found all the same, and it is looked at again when it changes.
        Err(error) => (Plain::unread(file.stamp), Some(error)),
    };
    let found = Found::new(&workspace.name, file.path.clone(), plain.stamp);
    let stamp = found.noted;
    if plain.is_for_a_child {
        let stamp = known::without_text(stamp);
        let entry = named(
            &name_of_found(&workspace.name, &found),
            key,
            stamp,
            None,
            fields,
        )
        .with(fields.flags, flag::WAITS)
        .with_all(fields.flags, privacy.iter().cloned())
        .with(fields.note, "Its text is still to be read.");
        return Some(Read {
            entry,
            stamp,
            wanted: Some(Wanted {
                workspace: Arc::clone(workspace),
                file: found,
                key,
                privacy,
                is_fresh: false,
            }),
        });
    }
    let name = name_of_found(&workspace.name, &found);
    let mut entry = named(&name, key, stamp, plain.digest, fields).with_all(fields.flags, privacy);
    if let Some(error) = missing {
        entry = entry
            .with(fields.flags, flag::UNREAD)
            .with(fields.note, format!("It cannot be read: {error}."));
    }
    let entry = with_plain(entry, plain, &found.path, fields);
    Some(Read {
        entry: entry.holding(permit),
        stamp,
        wanted: None,
    })
}

/// Returns the flags of a file that other users may not read.
fn privacy_of(workspace: &Workspace, file: &File, path: &str) -> std::io::Result<Vec<String>> {
    use std::os::unix::fs::MetadataExt as _;

    const OTHERS_READ: u32 = 0o004;
    const OTHERS_SEARCH: u32 = 0o001;
    let found = file.metadata()?;
    let mut folders = Path::new(path).ancestors().skip(1);
    let is_open = found.mode() & OTHERS_READ != 0
        && folders
            .by_ref()
            .take_while(|folder| !folder.as_os_str().is_empty())
            .all(|folder| {
                let mode = workspace.dir().mode_of(folder);
                mode.is_some_and(|mode| mode & OTHERS_SEARCH != 0)
            });
    Ok(if is_open {
        Vec::new()
    } else {
        vec![flag::PRIVATE.to_owned(), flag::owner(found.uid())]
    })
}

/// The document `entry` of a plain file called `path`, with its text.
pub(super) fn with_plain(mut entry: Entry, plain: Plain, path: &str, fields: &Fields) -> Entry {
    if let Some(why) = plain.unread {
        entry = entry
            .with(fields.flags, flag::UNREAD)
            .with(fields.note, why);
    }
    let Some(text) = plain.text else {
        return entry;
    };
    if plain.is_cut {
        let note = format!(
            "Only the first {} MiB of its {} MiB are searched.",
            text::LIMIT >> 20,
            plain.stamp.size.div_ceil(1 << 20)
        );
        entry = entry.with(fields.flags, flag::CUT).with(fields.note, note);
    }
    if levels::is_log(name_of(path)) {
        let levels = levels::in_text(&text);
        entry = entry.with_all(fields.flags, levels.into_iter().map(levels::Level::flag));
    }
    with_text(entry, text, fields)
}

/// The document of a file with the words that a child read in it. `stamp` is what the index notes.
pub(super) fn as_read(
    wanted: &Wanted,
    stamp: u64,
    words: Words,
    digest: Option<Digest>,
    fields: &Fields,
) -> Entry {
    let name = name_of_found(&wanted.workspace.name, &wanted.file);
    let entry = named(&name, wanted.key, stamp, digest, fields)
        .with_all(fields.flags, wanted.privacy.iter().cloned());
    with_words(entry, words, fields)
}

/// The document `entry` of a file with the words that a child read in it.
pub(super) fn with_words(mut entry: Entry, words: Words, fields: &Fields) -> Entry {
    if let Some(why) = words.missing {
        let what = if words.text.is_empty() {
            flag::UNREAD
        } else {
            flag::CUT
        };
        entry = entry.with(fields.flags, what).with(fields.note, why);
    }
    if words.text.is_empty() {
        return entry;
    }
    let places = serde_json::to_string(&words.places).ok();
    let entry = entry
        .with(fields.flags, flag::KEPT)
        .with_some(fields.places, places)
        .with(fields.body, words.text.as_str());
    with_text(entry, words.text, fields)
}

/// What is known of a file before it is read.
pub(super) struct Name<'a> {
    pub(super) workspace: &'a str,
    pub(super) path: &'a str,
    /// In bytes.
    pub(super) size: u64,
    /// Microseconds since 1970.
    pub(super) at: i64,
}

/// The document of a file by its name alone.
pub(super) fn named(
    of: &Name<'_>,
    key: u64,
    stamp: u64,
    digest: Option<Digest>,
    fields: &Fields,
) -> Entry {
    let name = name_of(of.path);
    Entry::default()
        .with(fields.key, key)
        .with(fields.stamp, stamp)
        .with(fields.kind, kind::FILE)
        .with(fields.ws, of.workspace)
        .with(fields.path, of.path)
        .with(fields.head, of.path)
        .with(fields.size, of.size)
        .with(fields.at, of.at)
        .with_some(fields.ext, types::ending(name))
        .with_all(fields.file_type, types::of_name(name))
        .with_some(fields.digest, digest.map(|digest| digest.0.to_vec()))
}

/// What is known of a file that a walk or a hint found.
fn name_of_found<'a>(workspace: &'a str, file: &'a Found) -> Name<'a> {
    Name {
        workspace,
        path: &file.path,
        size: file.stamp.size,
        at: microseconds(file.stamp.modified),
    }
}

fn with_text(entry: Entry, text: String, fields: &Fields) -> Entry {
    let is_long = tokens::has_long_run(&text).then_some(flag::LONG);
    let has_secret = secrets::are_in(&text).then_some(flag::SECRET);
    entry
        .with(fields.flags, flag::TEXT)
        .with_some(fields.flags, is_long)
        .with_some(fields.flags, has_secret)
        .with(fields.text, text)
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Nanoseconds as microseconds, as far as they fit.
fn microseconds(nanoseconds: i128) -> i64 {
    i64::try_from(nanoseconds / 1_000).unwrap_or_default()
}
