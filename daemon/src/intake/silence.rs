//! An agent that wrote checkpoints and then falls silent becomes a card that says where it stopped.

use std::{convert::Infallible, sync::Arc, time::Duration};

use countersign_protocol::{
    Digest,
    event::{Accepted, Event, Location, Stalled},
    handoff::Trigger,
    manifest::Manifest,
    principal::Actor,
    state::HandoffState,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Intake, seen::Moment};
use crate::{
    ledger::{Draft, State, Track},
    process::Processes,
};

/// After this many promised spans without a sign of life an agent counts as silent.
const SPANS: u32 = 3;

/// For so long a process must be gone: what it handed over just before may still be on its way here.
const GONE: Duration = Duration::from_secs(2);

impl Intake {
    /// Looks at every agent that is at work; makes a card for each that fell silent.
    pub async fn look_for_silence(&self, processes: &(dyn Processes + Sync)) {
        let now = self.inner.moment();
        // Copied, so that no commit waits while processes are looked up.
        let at_work: Vec<(Location, Arc<Track>)> = {
            let state = self.inner.ledger.state();
            let tracks = state.tracks().filter(|(_, track)| !track.over);
            tracks
                .map(|(at, track)| (at.clone(), Arc::clone(track)))
                .collect()
        };
        let silent: Vec<(Location, bool, Timestamp)> = at_work
            .iter()
            .filter_map(|(at, track)| self.silent(at, track, now, processes))
            .collect();
        for (at, process_gone, last_seen) in silent {
            self.inner.seen().not_gone(&at);
            let bytes = self.last_checkpoint(&at).await;
            let made = self
                .inner
                .ledger
                .transact(move |state, now| {
                    Ok::<_, Infallible>(give_up(state, now, &at, process_gone, last_seen, &bytes))
                })
                .await;
            if let Err(error) = made {
                tracing::error!(%error, "a silent agent could not be recorded");
            }
        }
    }

    fn silent(
        &self,
        at: &Location,
        track: &Arc<Track>,
        now: Moment,
        processes: &(dyn Processes + Sync),
    ) -> Option<(Location, bool, Timestamp)> {
        let last = track.last();
        let mut seen = self.inner.seen();
        let life = seen.last_life(&at.workspace, &at.folder);
        let last_seen = life.map_or(last.at, |life| life.wall.max(last.at));
        if let Some(process) = last.saved.process {
            if processes.runs(process) {
                seen.not_gone(at);
            } else if seen.gone_for(at, now.monotonic) >= GONE {
                return Some((at.clone(), true, last_seen));
            }
        }
        let workspace = self.inner.workspace(&at.workspace)?;
        let span = last
            .saved
            .heartbeat_seconds
            .map(Duration::from_secs)
            .or(workspace.settings.heartbeat)?;
        let patience = span.checked_mul(SPANS)?;
        // What an agent did while the daemon was away is not known, so its time runs from the start again.
        let since = life.map_or(self.inner.start, |life| life.monotonic);
        let silent_for = now.monotonic.saturating_sub(since);
        (silent_for > patience).then(|| (at.clone(), false, last_seen))
    }

    async fn last_checkpoint(&self, at: &Location) -> Value {
        let sha256 = self
            .inner
            .ledger
            .state()
            .track(at)
            .map(|track| track.last().saved.sha256);
        let Some(sha256) = sha256 else {
            return Value::Null;
        };
        let bytes = self
            .inner
            .ledger
            .read(move |store| store.object(sha256))
            .await
            .ok()
            .flatten();
        bytes
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }
}

/// The job that records the silence and makes the card, unless the agent came back meanwhile.
fn give_up(
    state: &State,
    now: Timestamp,
    at: &Location,
    process_gone: bool,
    last_seen: Timestamp,
    checkpoint: &Value,
) -> Draft<()> {
    let Some(track) = state.track(at).filter(|track| !track.over) else {
        return Draft::nothing(());
    };
    // An agent that waits for an answer is silent with good reason.
    let is_waiting = state.cards().any(|card| {
        let place = &card.newest().accepted.at;
        let is_here = place.workspace == at.workspace && place.folder == at.folder;
        is_here && matches!(card.state, HandoffState::Waiting { .. })
    });
    if is_waiting {
        return Draft::nothing(());
    }
    let last = &track.last().saved;
    let stalled = Stalled {
        checkpoint: last.sha256,
        step: last.step,
        last_seen,
        process_gone,
    };
    let why = if process_gone {
        "its process is gone"
    } else {
        "it went silent"
    };
    let title = match &last.title {
        Some(title) => format!("{} stopped after step {}: {title}", last.agent, last.step),
        None => format!("{} stopped after step {}", last.agent, last.step),
    };
    let mut document = json!({
        "handoff_version": "1.0",
        "from_agent": last.agent,
        "task_id": last.task_id,
        "task": title,
        "status": "blocked",
        "trigger": "error",
        "reason": format!("{why}; last sign of life {last_seen}"),
        "completed": checkpoint.get("completed"),
        "remaining": checkpoint.get("remaining"),
        "decisions": checkpoint.get("decisions"),
        "pitfalls_hit": checkpoint.get("pitfalls_hit"),
        "context": { "checkpoint": checkpoint },
    });
    if let Some(fields) = document.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    let bytes = serde_json::to_vec_pretty(&document).unwrap_or_default();
    let sha256 = Digest::of(&bytes);
    let manifest = Manifest::new(sha256, Vec::new());
    let subject = format!(
        "silence of {} in {}/{} at {}",
        last.agent, at.folder, at.file, last.sha256
    );
    let by = (last.agent.as_str(), subject);
    let place = Location {
        file: String::new(),
        ..at.clone()
    };
    let accepted = Accepted {
        task_id: last.task_id.clone(),
        session_id: last.session_id.clone(),
        trigger: Trigger::Error,
        stalled: Some(stalled),
        ..Accepted::by_daemon((state.next_id(), 1), place, by, title, manifest, now)
    };
    let event = Event::AgentStalled {
        at: at.clone(),
        agent: last.agent.clone(),
        checkpoint: last.sha256,
        process_gone,
    };
    let events = vec![
        (Actor::Daemon, event),
        (Actor::Daemon, Event::Accepted(Box::new(accepted))),
    ];
    Draft {
        objects: vec![(sha256, bytes)],
        ..Draft::of(events, ())
    }
}
