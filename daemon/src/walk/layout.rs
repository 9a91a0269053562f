//! The rooms of a workspace that no walk enters.

use std::path::{Component, Path};

use countersign_protocol::names;

/// Prefix of a package that was taken from the inbox and waits to be cleared away.
const DONE: &str = ".done-";

/// Whether the folder or file `relative` (to the workspace) and all below it is left out, whatever any rule
/// says: what the daemon writes itself, released work, packages already taken or still being built, and
/// the store of git.
pub fn is_skipped(relative: &Path) -> bool {
    let mut folder = None;
    relative.components().enumerate().any(|(depth, part)| {
        let Component::Normal(name) = part else {
            return false;
        };
        if depth == 0 {
            folder = Some(name);
        }
        // Packages hold sealed copies of what others handed over.
        let is_package = depth == 2
            && folder.is_some_and(|first| first == names::AGENTS)
            && name
                .to_str()
                .is_some_and(|name| names::parse_package(name).is_some());
        is_package
            || crate::fs::is_temporary(Path::new(name))
            || name == names::OWN_FOLDER
            || name == names::STAGING
            || name == ".git"
            || (depth == 0 && name == names::APPROVED)
            || name.as_encoded_bytes().starts_with(DONE.as_bytes())
    })
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
            "agents/fixer/H-7.2/sealed/handoff.json",
            "agents/fixer/H-7.2",
            "agents/fixer/.countersign-tmp-folder-H-7.2-1/sealed/handoff.json",
        ] {
            assert!(is_skipped(Path::new(skipped)), "{skipped}");
        }
        for walked in [
            "",
            "inbox/hermes/17",
            "run/approved",
            ".hidden/x",
            "done-1",
            "agents/fixer/work/handoff.json",
            "agents/fixer/H-7.2.answer.json",
            "run/fixer/H-7.2",
        ] {
            assert!(!is_skipped(Path::new(walked)), "{walked}");
        }
    }
}
