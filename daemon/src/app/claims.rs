//! One daemon for one workspace: two with state folders of their own would answer the same handoffs in different ways.

use std::{
    collections::HashMap,
    io::ErrorKind,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    fs::{Error, InstanceLock, LockHeld},
    workspace::{Workspace, Workspaces},
};

/// Name of the lock file in `.countersign/`.
const DAEMON_LOCK: &str = "daemon.lock";

/// The workspaces that are this daemon's for as long as it runs.
pub(super) struct Claims {
    /// What the next daemon is told.
    holder: String,
    held: Mutex<HashMap<String, InstanceLock>>,
    /// Workspaces that another daemon has, by name, with who it is.
    others: Mutex<HashMap<String, String>>,
}

fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Claims {
    /// Claims of the daemon whose state folder is `data_dir`.
    pub(super) fn new(data_dir: &Path) -> Self {
        let host = rustix::system::uname();
        Self {
            holder: format!(
                "process {} on {}, with the state folder {}",
                std::process::id(),
                host.nodename().to_string_lossy(),
                data_dir.display()
            ),
            held: Mutex::default(),
            others: Mutex::default(),
        }
    }

    /// Takes `workspace` for this daemon, or says who has it.
    pub(super) fn take(&self, workspace: &Workspace) -> Result<(), String> {
        let taken = self.try_take(workspace);
        let mut others = locked(&self.others);
        match &taken {
            Ok(()) => drop(others.remove(&*workspace.name)),
            Err(why) => drop(others.insert(workspace.name.to_string(), why.clone())),
        }
        taken
    }

    fn try_take(&self, workspace: &Workspace) -> Result<(), String> {
        let name = Path::new(DAEMON_LOCK);
        let taken = workspace
            .own()
            .map_err(LockHeld::from)
            .and_then(|own| InstanceLock::take_in(&own, name, &self.holder));
        match taken {
            Ok(lock) => {
                locked(&self.held).insert(workspace.name.to_string(), lock);
                Ok(())
            }
            Err(LockHeld::ByPid { pid: holder }) => {
                Err(format!("another daemon serves it: {holder}"))
            }
            Err(LockHeld::Fs(error)) if is_foreign(&error) => Err(format!(
                "`.countersign/{DAEMON_LOCK}` belongs to the daemon of another user: {error}"
            )),
            Err(LockHeld::Fs(error)) => {
                // Nothing can be written there, or the file system has no locks; then nobody can be kept out.
                tracing::warn!(workspace = %workspace.name, %error, "other daemons are not kept out");
                Ok(())
            }
        }
    }

    /// Takes those anew whose lock file was removed, before another daemon does.
    pub(super) fn keep(&self, workspaces: &Workspaces) {
        for workspace in workspaces.all() {
            let Ok(own) = workspace.own() else {
                continue;
            };
            let is_kept = {
                let held = locked(&self.held);
                let lock = held.get(&*workspace.name);
                lock.is_none_or(|lock| lock.is_at(&own, Path::new(DAEMON_LOCK)))
            };
            if is_kept {
                continue;
            }
            let known = locked(&self.others).get(&*workspace.name).cloned();
            if let Err(why) = self.take(&workspace)
                && known.as_ref() != Some(&why)
            {
                tracing::error!(workspace = %workspace.name, why, "it is served twice");
            }
        }
    }

    /// Who has a workspace, where another daemon has one.
    pub(super) fn other(&self) -> Option<String> {
        let others = locked(&self.others);
        let first = others.iter().min()?;
        Some(format!("the workspace {}: {}", first.0, first.1))
    }

    /// What is served by another daemon as well.
    pub(super) fn troubles(&self, workspaces: &Workspaces) -> Vec<String> {
        let others = locked(&self.others);
        let mut troubles: Vec<String> = others
            .iter()
            .filter(|(name, _)| workspaces.get(name).is_some())
            .map(|(name, why)| {
                format!("the workspace {name} is served twice: {why}; stop one of them")
            })
            .collect();
        troubles.sort();
        troubles
    }
}

fn is_foreign(error: &Error) -> bool {
    error.source.kind() == ErrorKind::PermissionDenied
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the scene is set on the disk")]
mod tests {
    use super::*;
    use crate::workspace::Settings;

    fn workspace(path: &Path) -> Workspace {
        Workspace::open("work", path, Settings::default()).unwrap()
    }

    #[test]
    fn the_second_daemon_is_told_who_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["/var/one", "/var/two"].map(|path| Claims::new(Path::new(path)));
        first.take(&workspace(folder.path())).unwrap();
        let told = second.take(&workspace(folder.path())).unwrap_err();
        assert!(
            told.contains("/var/one") && told.contains("process"),
            "{told}"
        );
        drop(first);
        second.take(&workspace(folder.path())).unwrap();
    }

    #[test]
    fn a_claim_outlives_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["/var/one", "/var/two"].map(|path| Claims::new(Path::new(path)));
        let workspaces = Workspaces::default();
        first
            .take(&workspaces.add(workspace(folder.path())))
            .unwrap();
        std::fs::remove_dir_all(folder.path().join(".countersign")).unwrap();
        first.keep(&workspaces);
        second.take(&workspace(folder.path())).unwrap_err();
        assert_eq!(first.troubles(&workspaces), [""; 0]);
        // Another daemon was quicker: nobody can take it back, so it is told.
        std::fs::remove_dir_all(folder.path().join(".countersign")).unwrap();
        second.take(&workspace(folder.path())).unwrap();
        first.keep(&workspaces);
        assert!(
            first.troubles(&workspaces)[0].contains("/var/two"),
            "{:?}",
            first.troubles(&workspaces)
        );
        drop(second);
        first.keep(&workspaces);
        assert_eq!(first.troubles(&workspaces), [""; 0]);
    }
}
