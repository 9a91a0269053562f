//! Chunks of results that grow.

use std::{convert::Infallible, path::Path, sync::Arc, time::Duration};

use countersign_protocol::{
    event::{Event, Location, PartialKept},
    partial::{Chunk, MAX_CHUNKS},
    principal::{Actor, Principal},
    problem::{ProblemKind, Refusal},
};

use super::{
    Inner, Task,
    admit::held,
    look::{LOOK_AGAIN, Pause, Read, may_heal, unchanged},
    quota::no_room,
    seen::Seen,
};
use crate::{
    fault,
    ledger::{Draft, Growing, State},
    workspace::Workspace,
};

/// The last chunk waits so long for those before it that are on their way already.
const ON_THEIR_WAY: Duration = Duration::from_millis(50);

impl Inner {
    pub(super) fn chunk(
        self: &Arc<Self>,
        workspace: &Arc<Workspace>,
        at: &Location,
        chunk: Chunk,
        complete: bool,
        task: &Task,
    ) -> Result<(), Pause> {
        let read = self.read(workspace, at, complete)?;
        unchanged(workspace, at, read.stamp)?;
        if chunk.is_final && self.are_coming(&read, chunk) {
            return Err(Pause::Busy(ON_THEIR_WAY));
        }
        let (me, task, stamp) = (Arc::clone(self), task.clone(), read.stamp);
        let (at, place) = (at.clone(), at.clone());
        let quota = workspace.settings.quota;
        self.ledger.submit(
            move |state, _| Ok::<_, Infallible>(keep(state, chunk, read, quota)),
            move |done| {
                let refused = match done {
                    Ok((refused, _)) => refused,
                    Err(error) => return me.wait_with(task, "a chunk", &error),
                };
                fault::step("partial.kept");
                if refused.is_some_and(may_heal) {
                    me.seen().forget(&at);
                    return me.queue.finish(task, Some(LOOK_AGAIN));
                }
                let moment = me.moment();
                let mut seen = me.seen();
                seen.take(&at, stamp);
                seen.sign_of_life(&at.workspace, &at.folder, moment);
                drop(seen);
                me.queue.finish(task, None);
                me.look_at_last(&place);
            },
        );
        Ok(())
    }

    /// Whether chunks before the last one lie in the folder and were not looked at yet.
    fn are_coming(&self, read: &Read, last: Chunk) -> bool {
        let state = self.ledger.state();
        let known = state.growing(&read.at.workspace, &read.at.folder);
        let missing = (1..last.number.min(MAX_CHUNKS))
            .filter(|number| !known.is_some_and(|known| known.chunks.contains_key(number)));
        let files = missing.map(|number| {
            Chunk {
                number,
                is_final: false,
            }
            .file()
        });
        let not_refused = files.filter(|file| {
            let at = Location {
                file: file.clone(),
                ..read.at.clone()
            };
            state.dead_letter(&at).is_none()
        });
        let wanted: Vec<String> = not_refused.collect();
        drop(state);
        let is_there = |file: &String| matches!(read.folder.kind(Path::new(file)), Ok(Some(_)));
        !wanted.is_empty() && wanted.iter().all(is_there)
    }

    /// The last chunk may have been refused for want of the one at `at`.
    fn look_at_last(&self, at: &Location) {
        let waiting: Vec<Location> = {
            let state = self.ledger.state();
            let through = state
                .growing(&at.workspace, &at.folder)
                .map_or(0, |growing| growing.through);
            let here = state.dead_letters_in(at).filter(|dead| {
                let chunk = Chunk::named(&dead.location.file);
                chunk.is_some_and(|chunk| chunk.is_final && chunk.number == through + 1)
            });
            here.map(|dead| dead.location.clone()).collect()
        };
        for last in waiting {
            let file = Path::new(&last.folder).join(&last.file);
            let workspace = last.workspace.into();
            self.queue.add(Task { workspace, file }, false);
        }
    }
}

/// The job that keeps a chunk, or says why not; nothing when it is kept already.
fn keep(state: &State, chunk: Chunk, read: Read, quota: Option<u64>) -> Draft<Option<ProblemKind>> {
    let Read {
        at,
        bytes,
        sha256,
        stamp,
        principal,
        ..
    } = read;
    let growing = state.growing(&at.workspace, &at.folder).map(AsRef::as_ref);
    let size = bytes.len() as u64;
    let room = || match quota {
        Some(quota) if !state.keeps(&at.workspace, sha256) => {
            no_room(state, &at.workspace, size, quota)
        }
        _ => None,
    };
    let known = growing.and_then(|growing| growing.chunks.get(&chunk.number));
    let is_kept = known.is_some_and(|known| (known.sha256, &known.file) == (sha256, &at.file));
    let refusal = if is_kept {
        None
    } else {
        held(state, &at.workspace, &principal)
            .or_else(|| growing.and_then(|growing| not_theirs(growing, &principal)))
            .or_else(|| misplaced(growing, chunk))
            .or_else(room)
    };
    let home = Location {
        folder: countersign_protocol::partial::home(&at.folder)
            .unwrap_or_default()
            .to_owned(),
        ..at.clone()
    };
    let name = state.tracks_in(&home).last().map_or_else(
        || "a file".to_owned(),
        |track| track.last().saved.agent.clone(),
    );
    let actor = Actor::Agent { name, principal };
    let healed = state
        .dead_letter(&at)
        .map(|_| (Actor::Daemon, Event::RefusedGone { at: at.clone() }));
    let values = vec![Seen::value(&at, Some(stamp))];
    let Some(refusal) = refusal else {
        let kept = PartialKept { at, sha256, size };
        let event = (!is_kept).then(|| (actor, Event::PartialKept(Box::new(kept))));
        let objects = event.iter().map(|_| (sha256, bytes.clone())).collect();
        return Draft {
            events: healed.into_iter().chain(event).collect(),
            objects,
            values,
            value: None,
        };
    };
    let kind = refusal.kind;
    let is_known = state
        .dead_letter(&at)
        .is_some_and(|dead| dead.sha256 == Some(sha256) && dead.violations == refusal.violations);
    let event = Event::Refused {
        at,
        sha256: Some(sha256),
        kind,
        violations: refusal.violations,
    };
    let events = if is_known {
        Vec::new()
    } else {
        vec![(actor, event)]
    };
    Draft {
        objects: events.iter().map(|_| (sha256, bytes.clone())).collect(),
        events,
        // What may heal is looked at again after a restart, too.
        values: if may_heal(kind) { Vec::new() } else { values },
        value: Some(kind),
    }
}

/// Why somebody may not go on with a stream that another began.
fn not_theirs(growing: &Growing, principal: &Principal) -> Option<Refusal> {
    let first = growing.principal.as_ref()?;
    (!first.is_same(principal)).then(|| {
        Refusal::new(
            ProblemKind::PrincipalMismatch,
            "stream_of_another",
            "the chunks before it belong to another user of this machine",
            "write into a folder of your own, such as `partial/draft`",
        )
    })
}

/// Why there is no place for a chunk.
fn misplaced(growing: Option<&Growing>, chunk: Chunk) -> Option<Refusal> {
    let number = chunk.number;
    let refusal =
        |kind, code: &str, message: String, fix: &str| Some(Refusal::new(kind, code, message, fix));
    if number == 0 || number > MAX_CHUNKS {
        return refusal(
            ProblemKind::InvalidContract,
            "range",
            format!("chunks are numbered from 0001 to {MAX_CHUNKS}"),
            "rename it, or begin another stream in a folder such as `partial/more`",
        );
    }
    if let Some(known) = growing.and_then(|growing| growing.chunks.get(&number)) {
        return refusal(
            ProblemKind::IdempotencyConflict,
            "chunk_changed",
            format!(
                "chunk {number} was kept as `{}` with other bytes, or under another name",
                known.file
            ),
            "put back what it was, and write what is new as the next chunk",
        );
    }
    let newest = growing.and_then(|growing| growing.chunks.keys().next_back());
    match growing.and_then(|growing| growing.last) {
        Some(last) if number > last || chunk.is_final => {
            return refusal(
                ProblemKind::NotOpen,
                "after_final",
                format!("chunk {last} was the last one"),
                "begin another stream in a folder such as `partial/more`",
            );
        }
        _ => {}
    }
    if !chunk.is_final {
        return None;
    }
    if let Some(newest) = newest.filter(|newest| **newest > number) {
        return refusal(
            ProblemKind::IdempotencyConflict,
            "final_before_newest",
            format!("it says that it is the last one, and chunk {newest} is there"),
            "give the last chunk the highest number",
        );
    }
    let through = growing.map_or(0, |growing| growing.through);
    if through + 1 == number {
        return None;
    }
    let missing: Vec<String> = (through + 1..number)
        .filter(|before| !growing.is_some_and(|growing| growing.chunks.contains_key(before)))
        .map(|before| before.to_string())
        .collect();
    let (shown, more) = missing.split_at(missing.len().min(10));
    let more = if more.is_empty() {
        String::new()
    } else {
        format!(" and {} more", more.len())
    };
    refusal(
        ProblemKind::MissingArtifact,
        "gap",
        format!(
            "it is the last one, and before it {}{more} {} missing",
            shown.join(", "),
            if missing.len() == 1 { "is" } else { "are" }
        ),
        "write what is missing; this chunk is looked at again by itself",
    )
}
