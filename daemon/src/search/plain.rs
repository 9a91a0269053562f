//! A file as a document of the index.

use std::{path::Path, sync::Arc};

use super::{
    entry::{Budget, Entry},
    known, levels,
    schema::{Fields, flag, kind},
    text::{self, Plain},
    tokens, types,
    walk::Found,
};
use crate::workspace::Workspace;

/// Reads `file` and makes its document, with its stamp. `None` when it is gone or no file by now.
pub(super) fn entry(
    workspace: &Workspace,
    file: &Found,
    key: u64,
    fields: &Fields,
    budget: &Arc<Budget>,
) -> Option<(Entry, u64)> {
    let expected = usize::try_from(file.stamp.size.min(text::LIMIT)).unwrap_or_default();
    let permit = budget.take(expected);
    let path = Path::new(&file.path);
    let read = workspace
        .dir()
        .open_file(path)
        .map_err(|error| error.source)
        .and_then(text::read);
    let plain = match read {
        Ok(Some(plain)) => plain,
        Ok(None) => return None,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => {
            // Its name is found all the same, and it is looked at again when it changes.
            tracing::debug!(path = file.path, %error, "a file is in the index without its text");
            Plain {
                stamp: file.stamp,
                text: None,
                is_cut: false,
                digest: None,
            }
        }
    };
    let stamp = known::of_file(&plain.stamp);
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let mut entry = Entry::default()
        .with(fields.key, key)
        .with(fields.stamp, stamp)
        .with(fields.kind, kind::FILE)
        .with(fields.ws, &*workspace.name)
        .with(fields.path, file.path.as_str())
        .with(fields.head, file.path.as_str())
        .with(fields.size, plain.stamp.size)
        .with(fields.at, microseconds(plain.stamp.modified))
        .with_some(fields.ext, types::ending(name))
        .with_all(fields.file_type, types::of_name(name))
        .with_some(fields.digest, plain.digest.map(|digest| digest.to_string()));
    if plain.is_cut {
        entry = entry.with(fields.flags, flag::CUT);
    }
    if let Some(text) = plain.text {
        if levels::is_log(name) {
            let levels = levels::in_text(&text);
            entry = entry.with_all(fields.flags, levels.into_iter().map(levels::Level::flag));
        }
        let is_long = tokens::has_long_run(&text).then_some(flag::LONG);
        entry = entry
            .with(fields.flags, flag::TEXT)
            .with_some(fields.flags, is_long)
            .with(fields.text, text);
    }
    Some((entry.holding(permit), stamp))
}

/// Nanoseconds as microseconds, as far as they fit.
fn microseconds(nanoseconds: i128) -> i64 {
    i64::try_from(nanoseconds / 1_000).unwrap_or_default()
}
