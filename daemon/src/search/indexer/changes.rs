//! What changed in the workspaces, path by path.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    super::{
        below, known,
        live::IndexError,
        schema::key_of_file,
        walk::{Around, Found, Walk},
    },
    Indexer, LARGE, Open, REST, remove,
};
use crate::{fs::FileKind, workspace::Workspace};

impl Indexer {
    /// Sees to paths that changed.
    pub(super) fn changes(
        &self,
        open: &mut Open,
        changed: Vec<(Arc<str>, PathBuf)>,
    ) -> Result<(), IndexError> {
        let mut by_workspace: BTreeMap<Arc<str>, Vec<PathBuf>> = BTreeMap::new();
        for (workspace, path) in changed {
            by_workspace.entry(workspace).or_default().push(path);
        }
        for (name, paths) in by_workspace {
            let Some(workspace) = self.workspaces.get(&name) else {
                continue;
            };
            let (mut news, mut around) = (Vec::new(), Around::default());
            for path in paths {
                self.change(open, &workspace, &path, &mut around, &mut news)?;
            }
            open.is_fresh |= !news.is_empty();
            let walk = open.walk;
            self.read(open, &workspace, news, walk, true)?;
        }
        Ok(())
    }

    fn change(
        &self,
        open: &mut Open,
        workspace: &Arc<Workspace>,
        path: &Path,
        around: &mut Around,
        news: &mut Vec<Found>,
    ) -> Result<(), IndexError> {
        let Some(name) = path.to_str() else {
            return Ok(());
        };
        let key = key_of_file(&workspace.name, name);
        let found = workspace.dir().look_beneath(path);
        let is_folder = matches!(found, Ok(Some((FileKind::Folder, _))));
        let rules = around.rules(workspace.dir(), path, is_folder);
        let is_there = matches!(found, Ok(Some(_)));
        // What a handoff names is found, whatever the rules say.
        if is_there && rules.is_none() && !open.named.contains_key(&key) {
            return Ok(());
        }
        match found {
            Ok(Some((FileKind::File, stamp))) => {
                if open
                    .known
                    .came_across(key, known::of_file(&stamp), open.walk)
                {
                    return Ok(());
                }
                let now = self.clock.monotonic();
                open.rested.retain(|_, until| *until > now);
                if let Some(until) = open.rested.get(&key) {
                    let pause = until.saturating_sub(now);
                    let place = (Arc::clone(&workspace.name), path.to_owned());
                    self.shared.pending.changed(place.0, place.1, pause);
                    return Ok(());
                }
                if stamp.size >= LARGE {
                    open.rested.insert(key, now + REST);
                }
                news.push(Found::new(&workspace.name, name.to_owned(), stamp));
            }
            Ok(Some((FileKind::Folder, _))) => {
                let folder = (Arc::clone(workspace), path.to_owned());
                let rules = rules.unwrap_or_default();
                let walk = Walk::of_folder(folder.0, folder.1, rules, open.walk);
                open.walks.push_back(walk);
            }
            Ok(_) if !workspace.is_there() => {}
            Ok(_) if open.known.has(key) => {
                remove(open, key);
                open.is_fresh = true;
            }
            Ok(_) => self.remove_below(open, workspace, name)?,
            Err(error) => tracing::debug!(%error, "a file is left out of the index"),
        }
        Ok(())
    }

    /// Removes the files below a folder that is gone.
    fn remove_below(
        &self,
        open: &mut Open,
        workspace: &Workspace,
        folder: &str,
    ) -> Result<(), IndexError> {
        if open.uncommitted > 0 {
            self.commit(open)?;
        }
        let below = below::keys_below(&open.live, &workspace.name, folder)?;
        for key in below {
            remove(open, key);
            open.is_fresh = true;
        }
        Ok(())
    }
}
