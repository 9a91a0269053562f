//! The demonstration: the example workspace, and the scripted agent that works in it.

use std::path::{Path, PathBuf};

use countersign_protocol::names;
use rust_embed::RustEmbed;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use super::AppError;
use crate::{
    fs::{Dir, FileKind, InstanceLock, LockHeld},
    workspace::{FILE_MODE, FOLDER_MODE},
};

#[derive(RustEmbed)]
#[folder = "../workspace-example"]
#[exclude = "mesh/*"]
struct Example;

/// The script of the agent, by which a demonstration is known.
const SCRIPT: &str = "workspaces/example/agent.sh";
/// Its workspace.
const WORKSPACE: &str = "workspaces/example";
/// The folders that its agent makes.
const AGENT_FOLDERS: [&str; 4] = ["ap-october", "backfill", "release-notes", "thumbnails"];
/// The files that its agent makes in them.
const AGENT_FILES: [&str; 8] = [
    "4.18.md",
    "backfill.sql",
    "checkpoint.json",
    "contact-sheet.gif",
    "handoff.json",
    "render.log",
    "unresolved.csv",
    "went-on.txt",
];
/// Files of others that are named when a demonstration is removed.
const MAX_LISTED: usize = 10_000;

/// Where things are below the folder of a demonstration.
#[derive(Clone, Debug)]
pub struct Demo {
    /// The state folder of its daemon.
    pub state: PathBuf,
    /// The folder that holds its workspace.
    pub workspaces: PathBuf,
    /// The workspace.
    pub workspace: PathBuf,
}

impl Demo {
    /// Puts the example into `folder`, where it is not there already. Nothing that is there is changed; a folder with
    /// other things in it is refused.
    pub fn prepare(folder: &Path) -> Result<Self, AppError> {
        if let Ok(dir) = Dir::open(folder)
            && dir.kind(Path::new(SCRIPT))?.is_none()
            && !dir.list()?.is_empty()
        {
            return Err(AppError::Start(format!(
                "`{}` is not empty, and is no demonstration; name an empty or a new folder with `--dir`",
                folder.display()
            )));
        }
        let workspaces = folder.join("workspaces");
        let workspace = workspaces.join("example");
        let dir = Dir::create(&workspace, FOLDER_MODE)?;
        for name in Example::iter() {
            let Some(file) = Example::get(&name) else {
                continue;
            };
            let path = Path::new(&*name);
            let place = dir.make_folder(path.parent().unwrap_or(Path::new("")), FOLDER_MODE)?;
            place.publish_new(
                path.file_name().map_or(path, Path::new),
                &file.data,
                FILE_MODE,
            )?;
        }
        Ok(Self {
            state: folder.join("state"),
            workspaces,
            workspace,
        })
    }

    /// Runs the agent until it ends; hands on each line that it says. Dropped, it ends the agent.
    pub async fn agent(self, say: impl Fn(String)) -> std::io::Result<()> {
        let mut child = Command::new("sh")
            .arg("agent.sh")
            .arg(".")
            .current_dir(&self.workspace)
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            // Ctrl-C in the terminal is for the daemon, which then ends the agent.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        if let Some(output) = child.stdout.take() {
            let mut lines = BufReader::new(output).lines();
            while let Some(line) = lines.next_line().await? {
                say(line);
            }
        }
        child.wait().await.map(drop)
    }

    /// Removes what the demonstration made, and returns what else there is: that is kept, and so is the folder then.
    /// Refuses a folder that is no demonstration, and one whose daemon runs.
    pub fn clean(folder: &Path) -> Result<Vec<PathBuf>, AppError> {
        let dir = Dir::open(folder)?;
        if dir.kind(Path::new(SCRIPT))?.is_none() {
            return Err(AppError::Start(format!(
                "`{}` is no demonstration; nothing was removed",
                folder.display()
            )));
        }
        let state = dir.kind(Path::new("state"))?;
        let lock = state.map(|_| InstanceLock::take(&folder.join("state")));
        if let Some(Err(LockHeld::ByPid { pid })) = lock {
            return Err(AppError::Start(format!(
                "the demonstration runs as process {pid}; stop it first, with Ctrl-C or `kill {pid}`; nothing was removed"
            )));
        }
        dir.remove_own_folder(Path::new("state"))?;
        let workspace = dir.folder(Path::new(WORKSPACE))?;
        for own in [names::OWN_FOLDER, names::APPROVED] {
            workspace.remove_own_folder(Path::new(own))?;
        }
        // The script, by which the folder is known for what it is, goes last.
        let mut folders = vec![PathBuf::new()];
        for name in Example::iter() {
            for folder in Path::new(&*name).ancestors().skip(1) {
                if !folders.iter().any(|known| known == folder) {
                    folders.push(folder.to_owned());
                }
            }
        }
        folders.extend(AGENT_FOLDERS.map(PathBuf::from));
        folders.sort();
        for folder in folders.iter().rev() {
            let here = match workspace.folder(folder) {
                Err(error) if error.is_not_found() => continue,
                other => other?,
            };
            for listed in here.list()? {
                let path = folder.join(&listed.path);
                if listed.kind == FileKind::File && is_made_by_us(&path) {
                    here.remove_own_file(&listed.path)?;
                }
            }
            if !folder.as_os_str().is_empty() {
                workspace.remove_empty_folder(folder)?;
            }
        }
        for empty in [WORKSPACE, "workspaces"] {
            dir.remove_empty_folder(Path::new(empty))?;
        }
        let left = dir.list_deep(MAX_LISTED)?.unwrap_or_default();
        let left: Vec<PathBuf> = left.into_iter().map(|listed| listed.path).collect();
        if let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) {
            Dir::open(parent)?.remove_empty_folder(Path::new(name))?;
        }
        Ok(left)
    }
}

/// Whether the file at `path` in the workspace is one of the example, of its agent or of our answers to it.
fn is_made_by_us(path: &Path) -> bool {
    let (Some(text), Some(name)) = (
        path.to_str(),
        path.file_name().and_then(|name| name.to_str()),
    ) else {
        return false;
    };
    if Example::iter().any(|known| known == text) {
        return true;
    }
    let folder = path.parent().and_then(Path::to_str).unwrap_or_default();
    // `decision.r1.json` and `feedback.r1.md` are what the agent keeps of our answers.
    let mut parts = name.split('.');
    let is_kept_answer = matches!(parts.next(), Some("decision" | "feedback"))
        && parts.next().is_some_and(|part| part.starts_with('r'))
        && parts.count() == 1;
    AGENT_FOLDERS.contains(&folder)
        && (AGENT_FILES.contains(&name) || names::is_own_file(name) || is_kept_answer)
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "the tests play the person, who does not use our door"
)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn refuses_folder_in_use() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("precious"), "x").unwrap();
        let error = Demo::prepare(folder.path()).unwrap_err();
        assert!(error.to_string().contains("is not empty"), "{error}");
        assert!(Demo::clean(folder.path()).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn removes_only_what_it_made() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("demo");
        let demo = Demo::prepare(&folder).unwrap();
        Demo::prepare(&folder).unwrap();
        fs::create_dir(&demo.state).unwrap();
        fs::write(demo.state.join("ledger.db"), "x").unwrap();
        for name in [
            "backfill/handoff.json",
            "backfill/handoff.receipt.json",
            "backfill/decision.r1.json",
            "approved/H-1/backfill.sql",
        ] {
            let path = demo.workspace.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let own = [
            "workspaces/example/backfill/mine.sql",
            "workspaces/mine/a",
            "notes",
        ];
        for name in own {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "precious").unwrap();
        }
        let mut kept = Demo::clean(&folder).unwrap();
        kept.sort();
        assert_eq!(kept, ["notes", own[0], own[1]].map(PathBuf::from));
        for name in own {
            assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), "precious");
        }
        assert!(!demo.state.exists() && !demo.workspace.join("agent.sh").exists());
    }

    #[test]
    fn removes_whole_folder_without_others() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("demo");
        Demo::prepare(&folder).unwrap();
        assert_eq!(Demo::clean(&folder).unwrap(), Vec::<PathBuf>::new());
        assert!(!folder.exists());
    }
}
