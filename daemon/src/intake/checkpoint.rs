//! Keeping every version of a checkpoint.

use std::{convert::Infallible, sync::Arc};

use countersign_protocol::{
    Digest,
    checkpoint::Checkpoint,
    contract,
    dialect::{self, Format},
    event::{CheckpointSaved, Event, Location, Process},
    handoff::Status,
    principal::{Actor, Principal},
    problem::{ProblemKind, Refusal},
};

use super::{
    Inner, Intake, SubmitError, Task,
    admit::back_again,
    destination,
    look::{Pause, is_ours, unchanged},
    seen::Seen,
};
use crate::{
    ledger::{Draft, State},
    process::{ProcessTable, Processes},
    workspace::Workspace,
};

/// A checkpoint that keeps the rules, ready to be kept.
struct Version {
    at: Location,
    sha256: Digest,
    bytes: Vec<u8>,
    checkpoint: Checkpoint,
    process: Option<Process>,
    principal: Principal,
}

impl Inner {
    pub(super) fn checkpoint(
        self: &Arc<Self>,
        workspace: &Arc<Workspace>,
        at: &Location,
        complete: bool,
        task: &Task,
    ) -> Result<(), Pause> {
        let read = self.read(workspace, at, complete)?;
        let version = match version(at, &read.bytes, read.principal.clone(), &ProcessTable) {
            Ok(version) => version,
            Err(refusal) => {
                self.refuse(at.clone(), Some(read), refusal, task.clone());
                return Ok(());
            }
        };
        unchanged(workspace, at, read.stamp)?;
        let (me, at, stamp, task) = (Arc::clone(self), at.clone(), read.stamp, task.clone());
        let remember = vec![Seen::value(&at, Some(stamp))];
        self.ledger.submit(
            move |state, _| {
                Ok::<_, Infallible>(Draft {
                    values: remember,
                    ..keep(state, version)
                })
            },
            move |done| match done {
                Ok(_) => {
                    let moment = me.moment();
                    let mut seen = me.seen();
                    seen.take(&at, stamp);
                    seen.sign_of_life(&at.workspace, &at.folder, moment);
                    drop(seen);
                    me.queue.finish(task, None);
                }
                Err(error) => me.wait_with(task, "a checkpoint", &error),
            },
        );
        Ok(())
    }
}

impl Intake {
    /// Keeps a checkpoint that was sent.
    pub async fn keep_checkpoint(
        &self,
        at: Location,
        bytes: Vec<u8>,
        principal: Principal,
    ) -> Result<Digest, SubmitError> {
        if is_ours(&at.folder) || !is_folder(&at.folder) {
            return Err(SubmitError::Refused(Refusal::new(
                ProblemKind::PathRefused,
                "folder",
                format!("`{}` is no folder for a checkpoint", at.folder),
                "name a folder of your own by its relative path",
            )));
        }
        if let Principal::Token { agent, .. } = &principal
            && let Some(workspace) = self.inner.workspace(&at.workspace)
        {
            destination::is_writable(&workspace, &at.folder, (agent.as_str(), &principal))?;
        }
        let version = version(&at, &bytes, principal, &ProcessTable)?;
        let (workspace, folder) = (at.workspace.clone(), at.folder.clone());
        let sha256 = version.sha256;
        let kept = self
            .inner
            .ledger
            .transact(move |state, _| Ok::<_, Infallible>(keep(state, version)))
            .await;
        kept.map_err(|error| SubmitError::Unavailable(error.to_string()))?;
        let moment = self.inner.moment();
        self.inner.seen().sign_of_life(&workspace, &folder, moment);
        Ok(sha256)
    }
}

/// Whether `folder` names a folder in a workspace, or the workspace itself.
fn is_folder(folder: &str) -> bool {
    folder.is_empty() || countersign_protocol::path::check(folder).is_ok()
}

fn version(
    at: &Location,
    bytes: &[u8],
    principal: Principal,
    processes: &dyn Processes,
) -> Result<Version, Refusal> {
    let document = dialect::read(bytes, Format::Json)?;
    let (checkpoint, _) = contract::check_checkpoint(&document)?;
    let process = checkpoint.pid.and_then(|pid| {
        Some(Process {
            pid,
            started: processes.started(pid)?,
        })
    });
    Ok(Version {
        at: at.clone(),
        sha256: Digest::of(bytes),
        bytes: bytes.to_vec(),
        checkpoint,
        process,
        principal,
    })
}

/// The end of a refusal of what stood in the same place before.
fn healed(state: &State, at: &Location) -> Option<(Actor, Event)> {
    state.dead_letter(at)?;
    Some((Actor::Daemon, Event::RefusedGone { at: at.clone() }))
}

/// The job that keeps it, unless the newest version is the same. An agent that was given up takes
/// its card back by going on.
fn keep(state: &State, version: Version) -> Draft<()> {
    let Version {
        at,
        sha256,
        bytes,
        checkpoint,
        process,
        principal,
    } = version;
    let track = state.track(&at);
    if track.is_some_and(|track| !track.over && track.last().saved.sha256 == sha256) {
        let healed = healed(state, &at);
        return Draft::of(healed.into_iter().collect(), ());
    }
    let actor = Actor::Agent {
        name: checkpoint.from_agent.clone(),
        principal,
    };
    let saved = CheckpointSaved {
        at: at.clone(),
        sha256,
        agent: checkpoint.from_agent,
        task_id: checkpoint.task_id,
        session_id: checkpoint.session_id,
        step: checkpoint.step,
        steps: checkpoint.steps,
        title: checkpoint.title,
        heartbeat_seconds: checkpoint.heartbeat_seconds,
        process,
        finished: matches!(
            checkpoint.status,
            Some(Status::Completed | Status::Failed | Status::Cancelled)
        ),
    };
    let reason = format!("the agent went on with step {}", saved.step);
    let mut events = back_again(state, &at, &actor, &reason);
    events.extend(healed(state, &at));
    events.push((actor, Event::CheckpointSaved(Box::new(saved))));
    Draft {
        objects: vec![(sha256, bytes)],
        ..Draft::of(events, ())
    }
}
