//! What holds agents back, tried in the daemon's own place and remembered for a while.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use countersign_web::desk::boundaries::{Holds, MechanismRow, WorkspaceBoundaries};

use crate::{
    boundary::Trial,
    config::{self, Config, Limit},
    confine::{Network, lacks_namespaces, missing},
    fs::Dir,
    workspace::{Account, Opens, opens},
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
            mechanisms: mechanisms(config, name, path),
            rows,
            releases: 0,
            violations: Vec::new(),
        }
    });
    tried.collect()
}

/// What holds agents back in a workspace, one by one.
fn mechanisms(config: &Config, name: &str, path: &Path) -> Vec<MechanismRow> {
    let boundary = config.boundary(name);
    let row = |name: &str, holds, detail: String| MechanismRow {
        name: name.to_owned(),
        holds,
        detail,
    };
    let root = Dir::open(path);
    let lacks = missing(&Network::Any);
    let landlock = if lacks.is_empty() {
        row(
            "Landlock",
            Holds::Kernel,
            "for agents that countersign run starts".to_owned(),
        )
    } else {
        row("Landlock", Holds::Open, lacks.join("; "))
    };
    let (_, account) = stand_in(config, &boundary);
    let namespaces = match lacks_namespaces(account) {
        None => row(
            "namespaces",
            Holds::Kernel,
            "agents that countersign run starts see no process and no file but their own"
                .to_owned(),
        ),
        Some(lacks) => row("namespaces", Holds::Open, lacks),
    };
    let own = |holds, detail: &str| row("owners and modes", holds, detail.to_owned());
    let owners = match (boundary.protect.value, rustix::process::geteuid().is_root()) {
        (true, true) => own(Holds::Modes, "the rooms are the daemon’s, and stay so"),
        (true, false) => own(
            Holds::Modes,
            "modes are set; only the superuser could take rooms over from others",
        ),
        (false, _) => own(
            Holds::NotTried,
            "protect is not set, so they are as you made them",
        ),
    };
    let agents = config.policy.agents.iter();
    let boxes: Vec<(String, u32, Option<Opens>)> = agents
        .filter(|one| boundary.admits(one.id.value.as_str()))
        .filter_map(|one| {
            let account = Account::find(&one.user.as_ref()?.value)?;
            let agent = one.id.value.to_string();
            let how = opens(root.as_ref().ok()?, &agent);
            Some((agent, account.uid, how))
        })
        .collect();
    let listed = boxes.iter().map(|(agent, uid, how)| match how {
        Some(Opens::ByList) => format!("the box of {agent} opens to user {uid} alone"),
        Some(Opens::ByGroup) => format!("the box of {agent} opens to its group, not by a list"),
        Some(Opens::ToAll) => {
            format!("the box of {agent} opens to everybody: no list and no group could be set")
        }
        None => format!("{agent} has no box that it may add to"),
    });
    let listed: Vec<String> = listed.collect();
    let by_list = !boxes.is_empty() && boxes.iter().all(|(_, _, how)| *how == Some(Opens::ByList));
    let lists = match (boundary.protect.value, boxes.is_empty()) {
        (false, _) => row(
            "access lists",
            Holds::NotTried,
            "protect is not set".to_owned(),
        ),
        (true, true) => row(
            "access lists",
            Holds::NotTried,
            "no agent has a user of its own".to_owned(),
        ),
        (true, false) if by_list => row("access lists", Holds::Modes, listed.join("; ")),
        (true, false) => row("access lists", Holds::Open, listed.join("; ")),
    };
    let immutable = if boundary.immutable.value {
        row(
            "immutable flag",
            Holds::Kernel,
            "set on what is released, where the file system has it".to_owned(),
        )
    } else {
        row(
            "immutable flag",
            Holds::NotTried,
            "immutable is not set".to_owned(),
        )
    };
    let guarded = row(
        "watch, sweep and digests",
        Holds::Detected,
        "what is changed in approved/ is found, put right, and a person is asked".to_owned(),
    );
    let mounts = row(
        "paths beneath the workspace",
        Holds::Kernel,
        "no link is followed and no mount is entered by the daemon".to_owned(),
    );
    let stated = config.discover().workspaces;
    let stated = stated.iter().find(|one| one.name.value.as_str() == name);
    let quota = match stated.map(|one| &one.quota.value) {
        Some(Limit::At(most)) => row(
            "quota",
            Holds::Modes,
            format!(
                "{most} of sealed files are kept at most and more is refused; what else lies in the workspace is not counted"
            ),
        ),
        _ => row(
            "quota",
            Holds::Open,
            "none is set, so an agent may fill the disk of the daemon".to_owned(),
        ),
    };
    let admitted = match &boundary.agents {
        Some(agents) => row(
            "who may hand over",
            Holds::Modes,
            format!(
                "{} only; others are refused",
                texts(Some(&agents.value)).join(", ")
            ),
        ),
        None => row("who may hand over", Holds::Open, "any agent".to_owned()),
    };
    vec![
        landlock, namespaces, owners, lists, immutable, guarded, mounts, quota, admitted,
    ]
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
