//! The demonstration: the example workspace, and the scripted agent that works in it.

use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use super::AppError;
use crate::{
    fs::{Dir, InstanceLock},
    workspace::{FILE_MODE, FOLDER_MODE},
};

#[derive(RustEmbed)]
#[folder = "../workspace-example"]
#[exclude = "mesh/*"]
struct Example;

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
    /// Puts the example into `folder`, where it is not there already. Nothing that is there is changed.
    pub fn prepare(folder: &Path) -> Result<Self, AppError> {
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

    /// Removes a demonstration with all that is in it. Refuses a folder that is not one, and one
    /// whose daemon runs.
    pub fn clean(folder: &Path) -> Result<(), AppError> {
        let dir = Dir::open(folder)?;
        let script = Path::new("workspaces/example/agent.sh");
        if dir.kind(script)?.is_none() {
            return Err(AppError::Start(format!(
                "`{}` is no demonstration; nothing was removed",
                folder.display()
            )));
        }
        let _lock = InstanceLock::take(&folder.join("state"))?;
        let outside = Dir::open(folder.parent().unwrap_or(Path::new("/")))?;
        outside
            .remove_own_folder(Path::new(folder.file_name().unwrap_or_default()))
            .map_err(AppError::from)
    }
}
