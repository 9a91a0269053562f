//! Starts commands under a policy.

use std::{
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
};

use super::{Policy, View};
use crate::{fs::PrivateFolder, workspace::Account};

/// Reason that is shown where namespaces are missing.
const NO_NAMESPACES: &str = "this machine gives no namespaces of its own to an agent, so it can look at, watch and change \
    modes of what its user owns, see other processes, and talk to sockets that are files";

/// Returns a command of our own program that enters `policy`, as `account` if given.
fn confining(policy: &Policy, account: Option<Account>) -> Command {
    let policy = serde_json::to_string(policy).unwrap_or_default();
    let mut command = Command::new("/proc/self/exe");
    command.args(["confine", &policy]).env_clear();
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command
}

impl Policy {
    /// Adds a view of `shared`, with the empty `folder` as its mount point. Tries it as `account`; on failure the policy
    /// stays without a view, and the error says what does not hold.
    pub fn view_of(
        &mut self,
        shared: &Path,
        folder: &Path,
        account: Option<Account>,
    ) -> Result<(), String> {
        self.view = Some(View {
            shared: shared.to_owned(),
            folder: folder.to_owned(),
        });
        let tried = confining(self, account)
            .arg("--probe")
            .current_dir(shared)
            .stdin(Stdio::null())
            .output();
        let why = match tried {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                let line = said.lines().next().unwrap_or_default();
                line.rsplit(": ").next().unwrap_or(line).to_owned()
            }
            Err(error) => error.to_string(),
        };
        self.view = None;
        Err(format!("{NO_NAMESPACES} ({why})"))
    }

    /// Returns the command that becomes `program` under this policy; the caller adds arguments.
    pub fn command(
        &self,
        program: impl AsRef<std::ffi::OsStr>,
        account: Option<Account>,
    ) -> Command {
        let mut command = confining(self, account);
        command.arg("--").arg(program);
        command
    }
}

/// Returns why `account` gets no namespaces on this machine; `None` when it does.
pub fn lacks_namespaces(account: Option<Account>) -> Option<String> {
    let owner = account.map(|account| account.uid);
    let made = PrivateFolder::make("countersign-trial", owner)
        .and_then(|shared| Ok((shared, PrivateFolder::make("countersign-view", owner)?)));
    let (shared, folder) = match made {
        Ok(folders) => folders,
        Err(error) => return Some(error.to_string()),
    };
    let mut policy = Policy::of_system(&[]);
    policy.write.push(shared.path().to_owned());
    policy.view_of(shared.path(), folder.path(), account).err()
}
