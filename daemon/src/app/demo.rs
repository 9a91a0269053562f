//! The demonstration: the example workspace, and the scripted agent that works in it.

use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};
use tokio_util::sync::CancellationToken;

use super::AppError;
use crate::{
    fs::Dir,
    workspace::{FILE_MODE, FOLDER_MODE},
};

#[derive(RustEmbed)]
#[folder = "../workspace-example"]
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

    /// Runs the agent until `cancel`; hands on each line that it says.
    pub async fn agent(
        &self,
        cancel: CancellationToken,
        say: impl Fn(String),
    ) -> std::io::Result<()> {
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
        let lines = async {
            if let Some(output) = child.stdout.take() {
                let mut lines = BufReader::new(output).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    say(line);
                }
            }
        };
        tokio::select! {
            () = lines => {}
            () = cancel.cancelled() => {}
        }
        let group = child
            .id()
            .and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
        }
        child.wait().await.map(drop)
    }
}
