//! The answers to requests: their words, and how they get into the folder.

use std::{path::Path, sync::Arc};

use countersign_protocol::{
    Digest,
    lock::{Lock, LockAnswer, LockStatus},
    names,
};

use super::{super::error, Known, of_file};
use crate::{
    ledger::State,
    workspace::{AnswerError, Answers, Remembered, Workspace, Written},
};

/// An answer and where it belongs.
pub(super) type Due = ((Arc<str>, String), String, Option<Vec<u8>>);
/// An answer that was written: where it belongs, its digest, and what is to be remembered.
pub(super) type Done = ((Arc<str>, String), Option<Digest>, Written);

pub(super) fn write(
    workspace: &Workspace,
    due: Vec<Due>,
    remembered: Remembered<'_>,
) -> (Vec<Done>, Option<String>) {
    let folder = match workspace.dir().folder(Path::new(names::LOCKS)) {
        Ok(folder) => folder,
        Err(error) => return (Vec::new(), Some(error.to_string())),
    };
    let answers = Answers::new(folder, format!("{}/{}", workspace.name, names::LOCKS));
    let mut here = workspace.answering();
    let (mut done, mut failed) = (Vec::new(), None);
    for (place, name, bytes) in due {
        let result: Result<Option<(Option<Digest>, Written)>, AnswerError> = match bytes {
            Some(bytes) => answers
                .write(&mut here, &name, &bytes, remembered, false)
                .map(|written| Some((Some(Digest::of(&bytes)), written))),
            None => answers
                .remove(&mut here, &name, remembered)
                .map(|removed| Some((None, removed?))),
        };
        match result {
            Ok(Some((digest, written))) => done.push((place, digest, written)),
            Ok(None) => {}
            Err(error) => failed = Some(error.to_string()),
        }
    }
    (done, failed)
}

/// How a request stands, in the words of its answer.
pub(super) fn answer_of(
    state: &State,
    now: jiff::Timestamp,
    workspace: &str,
    name: &str,
    known: &Known,
) -> Option<LockAnswer> {
    let table = state.locks();
    let Some(lock) = of_file(table, workspace, name) else {
        if known.refused.is_some() {
            return known.refused.clone();
        }
        let ended = table.ended_file(workspace, name)?;
        let next = "Write the request anew to ask again, or remove it.";
        return Some(LockAnswer {
            ended: Some(format!("{} {}", ended.lock.id, error::how(Some(ended)))),
            ..about(&ended.lock, LockStatus::Ended, next.to_owned())
        });
    };
    let every = lock.ttl_seconds;
    if let Some(held) = lock.held {
        let next = format!(
            "It is yours. Touch the request at least every {every} s, and remove it to let go."
        );
        return Some(LockAnswer {
            fence: Some(held.fence),
            held_since: Some(held.since),
            ttl_seconds: Some(every),
            asked_to_release: lock.asked.as_ref().map(|asked| match &asked.note {
                Some(note) => format!("{}: {note}", asked.by.name()),
                None => asked.by.name().to_owned(),
            }),
            ..about(&lock, LockStatus::Held, next)
        });
    }
    let next = "Wait for this file to change. Remove the request to wait no longer.";
    let ahead = table.ahead_of(&lock);
    let mut waits_for: Vec<String> = ahead.iter().map(|other| error::in_the_way(other)).collect();
    let readings = state.readings(now);
    let reading = State::kept_off(&readings, workspace, &lock.owner, &lock.pattern, lock.mode);
    waits_for.extend(reading.map(|one| format!("{} reads {}", one.by, one.handoff)));
    Some(LockAnswer {
        waits_for,
        ..about(&lock, LockStatus::Waiting, next.to_owned())
    })
}

fn about(lock: &Lock, status: LockStatus, next: String) -> LockAnswer {
    LockAnswer {
        lock: Some(lock.id),
        path: Some(lock.pattern.as_str().to_owned()),
        mode: Some(lock.mode),
        ..LockAnswer::new(status, next)
    }
}
