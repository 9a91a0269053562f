//! What is not as it is remembered.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use countersign_protocol::{
    Digest,
    manifest::ManifestEntry,
    watched::{ChangeKind, FileChange, FilesChanged},
};

use super::{ChangesError, Inner, Known, rule::Rule};
use crate::{
    fs::{Dir, FileKind, Pin, SealProblem, Writers, digest_of, writers},
    walk::{Purpose, Rules, Walk},
    workspace::Workspace,
};

/// What a look found.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) changes: Vec<FileChange>,
    /// What is to be remembered from now on; `None` where nothing is any more.
    pub(super) now: Vec<(String, Option<Known>)>,
    /// Files that somebody writes at the moment.
    pub(super) busy: Vec<String>,
}

/// Files of a change, sealed as they are now.
pub(super) struct Sealed {
    pub(super) entries: Vec<ManifestEntry>,
    pub(super) objects: Vec<(Digest, Vec<u8>)>,
    pub(super) pins: Arc<Vec<Pin>>,
}

/// Bytes of small files that go with the facts, of one change.
const INLINE: usize = 4 * 1024 * 1024;

impl Inner {
    /// Seals what a card shows. What is gone or changed again meanwhile is left out: the next look tells it.
    pub(super) async fn seal(
        &self,
        workspace: Arc<Workspace>,
        changed: &FilesChanged,
    ) -> Result<Sealed, ChangesError> {
        let keep = workspace.settings.keep_up_to;
        let paths: Vec<String> = changed
            .files
            .iter()
            .filter(|one| one.kind != ChangeKind::Removed)
            .map(|one| one.path.clone())
            .collect();
        let objects = Arc::clone(&self.objects);
        let work = move || {
            let (mut entries, mut small, mut pins) = (Vec::new(), Vec::new(), Vec::new());
            let mut inline = INLINE;
            let mut sealing = objects.sealing();
            let failed = |error: SealProblem| ChangesError::Files(error.to_string());
            for path in paths {
                let Some(mut file) = opened(workspace.dir(), &path)? else {
                    continue;
                };
                let sealed = match sealing.seal(&mut file, keep, inline) {
                    Ok(sealed) => sealed,
                    Err(error @ SealProblem::Store(_)) => return Err(failed(error)),
                    Err(SealProblem::Changed | SealProblem::Source(_)) => continue,
                };
                pins.extend(sealed.pin);
                if let Some(bytes) = sealed.inline {
                    inline = inline.saturating_sub(bytes.len());
                    small.push((sealed.sha256, bytes));
                }
                entries.push(ManifestEntry {
                    path,
                    size: sealed.size,
                    sha256: sealed.sha256,
                    executable: sealed.executable,
                    // Nobody asks for it to be released.
                    declared: false,
                    kept: sealed.kept,
                    role: None,
                    title: None,
                });
            }
            sealing.finish().map_err(failed)?;
            Ok(Sealed {
                entries,
                objects: small,
                pins: Arc::new(pins),
            })
        };
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|error| Err(ChangesError::Files(error.to_string())))
    }
}

/// Compares the files at `hinted`, or with `whole` all of the rule. What is being written waits, unless it is
/// late already.
pub(super) fn compare(
    workspace: &Workspace,
    rule: &Rule,
    known: &BTreeMap<String, Known>,
    (hinted, whole): (BTreeSet<String>, bool),
    is_late: bool,
) -> Result<Seen, ChangesError> {
    let root = workspace.dir();
    let mut paths = hinted;
    if whole {
        paths.extend(known.keys().cloned());
        paths.extend(all_of(root, rule)?);
    }
    let mut seen = Seen::default();
    for path in paths {
        look(root, path, known, is_late, &mut seen)?;
    }
    Ok(seen)
}

fn look(
    root: &Dir,
    path: String,
    known: &BTreeMap<String, Known>,
    is_late: bool,
    seen: &mut Seen,
) -> Result<(), ChangesError> {
    let before = known.get(&path).copied();
    let found = if before.is_none() && is_left_out(root, Path::new(&path)) {
        None
    } else {
        opened(root, &path)?
    };
    let Some(mut file) = found else {
        if let Some(before) = before {
            seen.changes.push(FileChange {
                path: path.clone(),
                kind: ChangeKind::Removed,
                before: Some(before.sha256),
                after: None,
            });
            seen.now.push((path, None));
        }
        return Ok(());
    };
    let stamp = |file: &std::fs::File| {
        let metadata = file.metadata();
        metadata.map(|metadata| crate::fs::Stamp::of(&metadata))
    };
    let failed = |error: std::io::Error| ChangesError::Files(format!("{path}: {error}"));
    let looks = stamp(&file).map_err(failed)?;
    if before.is_some_and(|before| before.stamp == looks) {
        return Ok(());
    }
    if writers(&file) == Writers::Some && !is_late {
        seen.busy.push(path);
        return Ok(());
    }
    let sha256 = digest_of(&mut file).map_err(failed)?;
    let is_still = stamp(&file).map_err(failed)? == looks;
    if !is_still && !is_late {
        seen.busy.push(path);
        return Ok(());
    }
    let now = Known {
        sha256,
        stamp: looks,
    };
    if before.is_none_or(|before| before.sha256 != sha256) {
        seen.changes.push(FileChange {
            path: path.clone(),
            kind: match before {
                Some(_) => ChangeKind::Modified,
                None => ChangeKind::Added,
            },
            before: before.map(|before| before.sha256),
            after: Some(sha256),
        });
    }
    seen.now.push((path, Some(now)));
    Ok(())
}

/// The regular file at `path`, without links on the way; `None` when there is none that can be read.
fn opened(root: &Dir, path: &str) -> Result<Option<std::fs::File>, ChangesError> {
    match root.look_beneath(Path::new(path)) {
        Ok(Some((FileKind::File, _))) => {}
        Ok(_) => return Ok(None),
        Err(error) if error.is_not_found() || error.is_link() || error.is_mount() => {
            return Ok(None);
        }
        Err(error) => return Err(ChangesError::Files(error.to_string())),
    }
    match root.open_file(Path::new(path)) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.is_not_found() || error.is_link() || error.is_mount() => Ok(None),
        Err(error) => Err(ChangesError::Files(error.to_string())),
    }
}

/// All files of a rule.
fn all_of(root: &Dir, rule: &Rule) -> Result<Vec<String>, ChangesError> {
    let mut found = Vec::new();
    for start in rule.roots() {
        let is_file = matches!(root.look_beneath(&start), Ok(Some((FileKind::File, _))));
        if is_file {
            found.extend(start.to_str().map(str::to_owned));
            continue;
        }
        for one in Walk::below(root, &start, Purpose::Documents) {
            match one {
                Ok(one) => found.extend(one.path.to_str().map(str::to_owned)),
                Err(error) if error.is_not_found() || error.is_link() || error.is_mount() => {}
                Err(error) => return Err(ChangesError::Files(error.to_string())),
            }
        }
    }
    found.retain(|path| rule.watches(path));
    Ok(found)
}

/// Whether a walk would not come to `path`.
fn is_left_out(root: &Dir, path: &Path) -> bool {
    let mut rules = Rules::of_workspace(root);
    let mut around = std::path::PathBuf::new();
    for part in path.parent().iter().flat_map(|parent| parent.iter()) {
        around.push(part);
        if rules.leaves_out(&around, true, Purpose::Documents) {
            return true;
        }
        if let Ok(dir) = root.folder(&around) {
            rules = rules.inside(&dir, &around);
        }
    }
    rules.leaves_out(path, false, Purpose::Documents)
}
