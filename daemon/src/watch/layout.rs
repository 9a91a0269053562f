//! Which parts of a workspace are walked, and which names in it are documents.

use std::{ffi::OsStr, path::Path};

use countersign_protocol::{
    names,
    partial::{self, Chunk},
};

pub(crate) use crate::walk::is_skipped;

/// Whether `relative` is released work: watched, since it must not change, and without documents.
pub(crate) fn is_approved(relative: &Path) -> bool {
    relative.starts_with(names::APPROVED)
}

/// Whether nothing of `relative` is noticed at all.
pub(crate) fn is_unwatched(relative: &Path) -> bool {
    is_skipped(relative) && !is_approved(relative)
}

/// Whether the file at `path` is a document, by its name and the folders around it. A name that is no UTF-8 is
/// judged by its readable parts, so that its agent is answered with a refusal rather than with silence.
pub(crate) fn is_document(path: &Path) -> bool {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => is_document_in(folder, name),
        _ => false,
    }
}

/// The same for the file `name` in `folder`.
pub(crate) fn is_document_in(folder: &Path, name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    names::is_document(&name).is_some()
        || Chunk::named(&name).is_some_and(|_| partial::home(&folder.to_string_lossy()).is_some())
}

/// Whether a file of this name comes from the daemon, and so says nothing of an agent.
pub(crate) fn is_own(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    names::is_own_file(&name) || name.starts_with(names::OWN_FOLDER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_with_an_odd_name_is_still_noticed() {
        use std::os::unix::ffi::OsStrExt;
        let odd = Path::new(OsStr::from_bytes(b"q\xff3.handoff.json"));
        assert!(is_document(odd));
        assert!(!is_document(Path::new("handoff.json.tmp")));
        assert!(is_document(Path::new("a/partial/0001")));
        assert!(!is_document(Path::new("a/0001")));
    }
}
