//! What is left out of a walk.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use ignore::{
    Match,
    gitignore::{Gitignore, GitignoreBuilder},
};

use crate::fs::Dir;

/// Names of folders that tools fill and nobody reads.
pub const MACHINE_MADE: [&str; 22] = [
    ".cache",
    ".git",
    ".gradle",
    ".hg",
    ".jj",
    ".mypy_cache",
    ".next",
    ".nox",
    ".nuxt",
    ".parcel-cache",
    ".pytest_cache",
    ".ruff_cache",
    ".svn",
    ".terraform",
    ".tox",
    ".turbo",
    ".venv",
    "__pycache__",
    "bower_components",
    "node_modules",
    "target",
    "venv",
];

/// The rules of people about what the daemon looks at.
const OWN: &str = ".countersignignore";
/// The rules of people about what git keeps.
const GIT: &str = ".gitignore";

/// Largest file of rules that is read, in bytes. What is behind that says nothing.
const LARGEST: u64 = 64 * 1024;
/// Most rules from one file.
const MOST: usize = 1_000;

/// What a walk is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To notice documents: `.gitignore` does not count.
    Documents,
    /// To find text again: it does.
    Index,
}

/// The rules that hold in a folder. Those of a folder without a file of rules are those around it.
#[derive(Debug, Default)]
pub struct Rules {
    around: Option<Arc<Self>>,
    /// The folder that they stand in, relative to the workspace.
    folder: PathBuf,
    own: Option<Gitignore>,
    git: Option<Gitignore>,
}

/// Whether a file of this name holds rules about documents too.
pub fn is_own_rules(name: &Path) -> bool {
    name == Path::new(OWN)
}

/// Whether a file of this name holds rules.
pub(super) fn is_rule_file(name: &Path) -> bool {
    name == Path::new(OWN) || name == Path::new(GIT)
}

impl Rules {
    /// The rules of the workspace itself, from the files in its folder.
    pub fn of_workspace(root: &Dir) -> Arc<Self> {
        Arc::new(Self::default()).inside(root, Path::new(""))
    }

    /// The rules inside `dir`, which is `folder` of the workspace, when these hold around it.
    pub fn inside(self: &Arc<Self>, dir: &Dir, folder: &Path) -> Arc<Self> {
        let (own, git) = (parsed(dir, OWN), parsed(dir, GIT));
        if own.is_none() && git.is_none() {
            return Arc::clone(self);
        }
        Arc::new(Self {
            around: Some(Arc::clone(self)),
            folder: folder.to_owned(),
            own,
            git,
        })
    }

    /// Whether `path`, relative to the workspace, is left out. It is asked of a folder before anything in
    /// it, so rules about a folder hold for all below.
    pub fn leaves_out(&self, path: &Path, is_folder: bool, purpose: Purpose) -> bool {
        let mut next = Some(self);
        while let Some(rules) = next {
            next = rules.around.as_deref();
            if rules.own.is_none() && rules.git.is_none() {
                continue;
            }
            let inner = path.strip_prefix(&rules.folder).unwrap_or(path);
            let git = rules.git.iter().filter(|_| purpose == Purpose::Index);
            for list in rules.own.iter().chain(git) {
                match list.matched(inner, is_folder) {
                    Match::Ignore(_) => return true,
                    Match::Whitelist(_) => return false,
                    Match::None => {}
                }
            }
        }
        is_folder
            && path
                .file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| MACHINE_MADE.binary_search(&name).is_ok())
    }
}

/// The rules in the file `name` of `dir`, if there are any. A line that is no rule is passed over, as git
/// does.
fn parsed(dir: &Dir, name: &str) -> Option<Gitignore> {
    let bytes = read(dir, Path::new(name))?;
    let text = String::from_utf8_lossy(&bytes);
    let mut builder = GitignoreBuilder::new("");
    for line in text.lines().take(MOST) {
        if let Err(error) = builder.add_line(None, line) {
            tracing::debug!(%error, line, "a rule is passed over");
        }
    }
    let rules = builder.build().ok()?;
    (!rules.is_empty()).then_some(rules)
}

/// The start of a small file.
pub(super) fn read(dir: &Dir, name: &Path) -> Option<Vec<u8>> {
    let file = dir.open_file(name).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
