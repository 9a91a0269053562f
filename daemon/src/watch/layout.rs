//! Which parts of a workspace are walked, and which names in it are documents.

use std::ffi::OsStr;
use std::path::{Component, Path};

use countersign_protocol::names;

/// Prefix of a package that was taken from the inbox and waits to be cleared away.
const DONE: &str = ".done-";

/// Whether the folder or file `relative` (to the workspace) and all below it is left out: what the
/// daemon writes itself, released work, packages already taken or still being built, and the store
/// of git.
pub(crate) fn is_skipped(relative: &Path) -> bool {
    relative.components().enumerate().any(|(depth, part)| {
        let Component::Normal(name) = part else {
            return false;
        };
        name == names::OWN_FOLDER
            || name == names::STAGING
            || name == ".git"
            || (depth == 0 && name == names::APPROVED)
            || name.as_encoded_bytes().starts_with(DONE.as_bytes())
    })
}

/// Whether a file of this name is a document. A name that is no UTF-8 is judged by its readable
/// parts, so that its agent is answered with a refusal rather than with silence.
pub(crate) fn is_document(name: &OsStr) -> bool {
    names::is_document(&name.to_string_lossy()).is_some()
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
    fn the_rooms_of_the_daemon_are_left_out_and_the_rest_is_walked() {
        for skipped in [
            ".countersign/status.json",
            "approved",
            "approved/q3/report.md",
            "inbox/hermes/.done-17/handoff.json",
            "src/.git/index",
            ".staging/hermes/17/handoff.json",
        ] {
            assert!(is_skipped(Path::new(skipped)), "{skipped}");
        }
        for walked in ["", "inbox/hermes/17", "run/approved", ".hidden/x", "done-1"] {
            assert!(!is_skipped(Path::new(walked)), "{walked}");
        }
    }

    #[test]
    fn a_document_with_an_odd_name_is_still_noticed() {
        use std::os::unix::ffi::OsStrExt;
        assert!(is_document(OsStr::from_bytes(b"q\xff3.handoff.json")));
        assert!(!is_document(OsStr::new("handoff.json.tmp")));
    }
}
