//! Marks that come by file.

use std::{convert::Infallible, sync::Arc};

use countersign_protocol::{
    event::{Event, Location, Marked},
    mark,
    principal::Actor,
    problem::{ProblemKind, Refusal},
};

use super::{
    Inner, Task,
    look::{Pause, unchanged},
    seen::Seen,
};
use crate::{
    ledger::{Draft, MAX_AGENT_MARKS, State},
    workspace::Workspace,
};

impl Inner {
    pub(super) fn mark(
        self: &Arc<Self>,
        workspace: &Arc<Workspace>,
        at: &Location,
        complete: bool,
        task: &Task,
    ) -> Result<(), Pause> {
        let read = self.read(workspace, at, complete)?;
        let wanted = match mark::read(&read.bytes) {
            Ok(wanted) => wanted,
            Err(refusal) => {
                self.refuse(at.clone(), Some(read), refusal, task.clone());
                return Ok(());
            }
        };
        unchanged(workspace, at, read.stamp)?;
        if wanted.is_some()
            && !self
                .ledger
                .state()
                .has_room_for_marks(&at.workspace, self.clock.now())
        {
            let refusal = Refusal::new(
                ProblemKind::QuotaExceeded,
                "mark",
                format!("agents set {MAX_AGENT_MARKS} marks here within a day already"),
                "set one for a build, not for a step, and save the file again tomorrow",
            );
            self.refuse(at.clone(), Some(read), refusal, task.clone());
            return Ok(());
        }
        let marked = wanted.map(|wanted| {
            let actor = Actor::Agent {
                name: wanted.by.unwrap_or_else(|| "a file".to_owned()),
                principal: read.principal.clone(),
            };
            let marked = Marked {
                workspace: at.workspace.clone(),
                kind: wanted.kind,
                value: wanted.value,
                note: wanted.note,
                at: Some(at.clone()),
                sha256: Some(read.sha256),
            };
            (actor, marked)
        });
        let (me, at, stamp, task) = (Arc::clone(self), at.clone(), read.stamp, task.clone());
        let (place, values) = (at.clone(), vec![Seen::value(&at, Some(stamp))]);
        self.ledger.submit(
            move |state, _| {
                let events = events(state, &place, marked);
                Ok::<_, Infallible>(Draft {
                    values,
                    ..Draft::of(events, ())
                })
            },
            move |done| match done {
                Ok(_) => {
                    me.seen().take(&at, stamp);
                    me.queue.finish(task, None);
                }
                Err(error) => me.wait_with(task, "a mark", &error),
            },
        );
        Ok(())
    }
}

/// The mark, unless the same bytes in this place made the last one, and the end of an earlier refusal.
fn events(state: &State, at: &Location, marked: Option<(Actor, Marked)>) -> Vec<(Actor, Event)> {
    let healed = state
        .dead_letter(at)
        .map(|_| (Actor::Daemon, Event::RefusedGone { at: at.clone() }));
    let here = |mark: &&Arc<crate::ledger::Mark>| mark.marked.at.as_ref() == Some(at);
    let last = state.marks(&at.workspace).iter().rfind(here);
    let new =
        marked.filter(|(_, marked)| last.is_none_or(|last| last.marked.sha256 != marked.sha256));
    let new = new.map(|(actor, marked)| (actor, Event::Marked(Box::new(marked))));
    healed.into_iter().chain(new).collect()
}
