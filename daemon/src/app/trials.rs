//! What holds agents back, tried in the daemon's own place and remembered for a while.

use std::{path::PathBuf, time::Duration};

use countersign_web::desk::boundaries::WorkspaceBoundaries;

use crate::{
    boundary::Trial,
    config::{self, Config},
    workspace::Account,
};

/// How long a trial counts. It starts two processes for each workspace.
pub(super) const COUNTS_FOR: Duration = Duration::from_mins(1);

/// Tries in each of `workspaces`, names and real paths.
pub(crate) fn try_all(
    config: &Config,
    workspaces: &[(String, PathBuf)],
) -> Vec<WorkspaceBoundaries> {
    let tried = workspaces.iter().map(|(name, path)| {
        let boundary = config.boundary(name);
        let (agent, account) = stand_in(config, &boundary);
        let others = workspaces.iter().map(|(_, other)| other.clone());
        let trial = Trial {
            workspace: path.clone(),
            agent: agent.clone(),
            account,
            data: config.server.data_dir.value.clone(),
            others: others.filter(|other| other != path).collect(),
        };
        let rows = trial.run().unwrap_or_else(|error| {
            tracing::warn!(workspace = name, %error, "its boundaries could not be tried");
            Vec::new()
        });
        let whose = match account {
            Some(account) => format!("{agent}, user {}", account.uid),
            None => format!("{agent}, the user of the daemon"),
        };
        WorkspaceBoundaries {
            workspace: name.clone(),
            path: path.display().to_string(),
            tried_as: whose,
            agents: texts(boundary.agents.as_ref().map(|agents| &agents.value)),
            people: texts(boundary.people.as_ref().map(|people| &people.value)),
            protect: boundary.protect.value,
            rows,
            releases: 0,
            violations: Vec::new(),
        }
    });
    tried.collect()
}

/// The agent in whose place it is tried: one with a user of its own, if we can become it.
fn stand_in(config: &Config, boundary: &config::Boundary) -> (String, Option<Account>) {
    let is_root = rustix::process::geteuid().is_root();
    let agents = config.policy.agents.iter();
    let own = agents
        .filter(|one| boundary.admits(one.id.value.as_str()))
        .find_map(|one| {
            let account = Account::find(&one.user.as_ref()?.value)?;
            Some((one.id.value.to_string(), account))
        });
    match own {
        Some((agent, account)) if is_root => (agent, Some(account)),
        Some((agent, _)) => (agent, None),
        None => {
            let listed = boundary
                .agents
                .as_ref()
                .and_then(|agents| agents.value.first());
            let agent = listed.map_or_else(|| "agent".to_owned(), ToString::to_string);
            (agent, None)
        }
    }
}

fn texts<T: ToString>(list: Option<&Vec<T>>) -> Vec<String> {
    list.into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect()
}
