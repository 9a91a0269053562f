//! Folders that an agent may name in a delivery: receipt, decision and errors are written there by the daemon, which
//! may write everywhere.

use std::path::Path;

use countersign_protocol::{
    event::Location,
    names,
    principal::Principal,
    problem::{ProblemKind, Refusal},
};

use super::Inner;
use crate::{fs::Dir, workspace::Workspace};

impl Inner {
    /// Refuses a delivery of `agent` by `principal` whose answers would stand where the agent could not put them
    /// itself, or where those to a handoff of another agent stand. `here` is the opened folder of `at`.
    pub(super) fn may_deliver_at(
        &self,
        workspace: &Workspace,
        here: &Dir,
        at: &Location,
        (agent, principal): (&str, &Principal),
    ) -> Result<(), Refusal> {
        is_writable(workspace, &at.folder, (agent, principal))?;
        let users = &workspace.settings.users;
        if users.is_empty() && !matches!(principal, Principal::Token { .. }) {
            return Ok(());
        }
        let Some(id) = self.receipt_in(here, at) else {
            return Ok(());
        };
        let state = self.ledger.state();
        let Some(other) = state
            .card(id)
            .map(|card| &card.newest().accepted.from_agent)
        else {
            return Ok(());
        };
        let is_foreign = match principal {
            Principal::Token { .. } => true,
            // Agents of one user can write each other's files in any case.
            Principal::FileOwner { uid } => users.get(other).is_some_and(|user| user != uid),
            Principal::Person { .. } | Principal::Operator | Principal::Daemon => false,
        };
        if other == agent || !is_foreign {
            return Ok(());
        }
        let place = match at.folder.as_str() {
            "" => "the workspace itself",
            folder => folder,
        };
        let message = format!("the answers to {id} of `{other}` stand in {place}");
        Err(not_its_folder(message))
    }
}

/// Refuses a folder in which the user of the agent may not write. A document that is a file was written there, so only
/// what comes over HTTP is checked.
pub(super) fn is_writable(
    workspace: &Workspace,
    folder: &str,
    (agent, principal): (&str, &Principal),
) -> Result<(), Refusal> {
    if !matches!(principal, Principal::Token { .. }) {
        return Ok(());
    }
    let first = folder.split('/').next().unwrap_or_default();
    if first == names::INBOX {
        let message = format!("`{folder}` is where agents put finished packages");
        return Err(not_its_folder(message));
    }
    // Without a folder the answers stand in the workspace itself, whatever its mode.
    let identity = workspace.settings.identity(agent, principal);
    let Some(identity) = identity.filter(|_| !folder.is_empty()) else {
        return Ok(());
    };
    match identity.writes_in(workspace.dir(), Path::new(folder)) {
        Ok(true) => Ok(()),
        Ok(false) => {
            let message = format!("the user of `{agent}` may not write in `{folder}`");
            Err(not_its_folder(message))
        }
        Err(error) => Err(not_its_folder(error.to_string())),
    }
}

fn not_its_folder(message: String) -> Refusal {
    Refusal::new(
        ProblemKind::PathRefused,
        "not_its_folder",
        message,
        "name a folder of your own",
    )
}
