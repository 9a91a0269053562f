//! Keeping every version of a checkpoint.

use std::{convert::Infallible, sync::Arc, time::Duration};

use countersign_protocol::{
    Digest,
    checkpoint::Checkpoint,
    contract,
    dialect::{self, Format},
    event::{CheckpointSaved, Event, Location, Process},
    handoff::Status,
    principal::{Actor, Principal},
    problem::Refusal,
    state::HandoffState,
};

use super::{
    Inner, Intake, SubmitError, Task,
    look::{Pause, unchanged},
    seen::Seen,
    silence,
};
use crate::{
    ledger::{Draft, State},
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
        let version = match version(
            at,
            &read.bytes,
            read.principal.clone(),
            &silence::ProcessTable,
        ) {
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
                    me.seen().take(&at, stamp);
                    me.queue.finish(task, None);
                }
                Err(error) => {
                    tracing::error!(%error, "a checkpoint could not be recorded and waits");
                    me.queue.finish(task, Some(Duration::from_secs(1)));
                }
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
        let version = version(&at, &bytes, principal, &silence::ProcessTable)?;
        let sha256 = version.sha256;
        let kept = self
            .inner
            .ledger
            .transact(move |state, _| Ok::<_, Infallible>(keep(state, version)))
            .await;
        kept.map(|_| sha256)
            .map_err(|error| SubmitError::Unavailable(error.to_string()))
    }
}

fn version(
    at: &Location,
    bytes: &[u8],
    principal: Principal,
    processes: &dyn silence::Processes,
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
        return Draft::nothing(());
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
    let mut events = Vec::new();
    for card in state.cards().rev() {
        let newest = &card.newest().accepted;
        let given_up = newest.stalled.is_some()
            && newest.at.workspace == at.workspace
            && newest.at.folder == at.folder;
        if given_up && let HandoffState::Waiting { revision } = card.state {
            let reason = Some(format!("the agent went on with step {}", saved.step));
            events.push((
                actor.clone(),
                Event::Withdrawn {
                    handoff: card.id,
                    revision,
                    reason,
                },
            ));
        }
    }
    events.push((actor, Event::CheckpointSaved(Box::new(saved))));
    Draft {
        objects: vec![(sha256, bytes)],
        ..Draft::of(events, ())
    }
}
