//! The folders that an answer goes to, since agents move and copy the folders of handoffs that wait.

use countersign_protocol::{
    HandoffId,
    chain::Body,
    event::{Event, Location},
    principal::Actor,
};

use super::{
    Page, Writeback, WritebackError,
    decision::{Answer, is_current},
    folder,
};
use crate::{
    fs::Error,
    ledger::{Card, decision_document, withdrawal_document},
    workspace::{Answers, Workspace},
};

/// A folder that an answer goes to.
#[derive(Debug)]
pub(super) struct Destination {
    /// The document that is answered.
    pub(super) at: Location,
    pub(super) answers: Answers,
}

/// Returns the folders in which the document of `revision` stands. Where it stands in none of those that are known,
/// it is the last one that is still there.
pub(super) fn destinations(
    workspace: &Workspace,
    card: &Card,
    revision: u32,
) -> Result<Vec<Destination>, Error> {
    let places = card.places(revision);
    let mut open = Vec::new();
    for at in &places {
        if let Some(answers) = folder(workspace, at)? {
            let at = (*at).clone();
            open.push(Destination { at, answers });
        }
    }
    let Some(known) = card.revision(revision).filter(|_| places.len() > 1) else {
        return Ok(open);
    };
    let document = known.accepted.manifest.document;
    let stands =
        |one: &Destination| !one.at.file.is_empty() && one.answers.holds(&one.at.file, document);
    let (with, mut without): (Vec<_>, Vec<_>) = open.into_iter().partition(stands);
    if with.is_empty() {
        return Ok(without.pop().into_iter().collect());
    }
    Ok(with)
}

impl Writeback {
    /// Puts the answer beside a document that was found at another place, or again. An answer that was not put
    /// anywhere yet, and did not fail, is on its way and gets there by its own entry.
    pub(super) fn found(
        &self,
        workspace: &Workspace,
        body: &Body,
        (id, revision, at): (HandoffId, u32, &Location),
        page: &mut Page,
    ) -> Result<(), WritebackError> {
        let Some(answers) = folder(workspace, at)? else {
            return Ok(());
        };
        let (card, answered, document, is_current) = {
            let state = self.ledger.state();
            let Some(card) = state.card(id).cloned() else {
                return Ok(());
            };
            let withdrawn = card.withdrawn.as_ref();
            let found = match card.decision(revision) {
                Some(decision) => Some((decision.seq, decision_document(&state, &card, decision))),
                None => withdrawn
                    .filter(|one| one.revision == revision)
                    .map(|one| (one.seq, withdrawal_document(&state, &card, one))),
            };
            let Some((answered, Some(document))) = found else {
                return Ok(());
            };
            let is_current = is_current(&state, &card, revision);
            (card, answered, document, is_current)
        };
        let Some(known) = card.revision(revision) else {
            return Ok(());
        };
        let hop = card
            .hops
            .iter()
            .rfind(|one| one.offered.revision == revision);
        if let Some(hop) = hop {
            let number = Some(hop.offered.hop);
            self.acknowledge(workspace, &card, (revision, number), true, page)?;
        }
        let decision = card.decision(revision);
        let failed = card.undelivered.as_ref();
        let was_tried = decision.is_none_or(|one| one.delivered.is_some())
            || failed.is_some_and(|one| one.answer == answered);
        let is_there = decision.is_some_and(|one| one.was_delivered_to(at, &known.accepted.at));
        if answered > body.seq || !was_tried || is_there || !is_current {
            return Ok(());
        }
        let answer = Answer {
            document,
            title: &known.accepted.title,
            destinations: vec![Destination {
                at: at.clone(),
                answers,
            }],
            is_current,
            had: Some(false),
        };
        self.answer(workspace, &answer, page)?;
        if decision.is_some() || failed.is_some() {
            let event = Event::Delivered {
                handoff: id,
                revision,
                decision: answered,
                at: vec![at.clone()],
            };
            page.events.push((Actor::Daemon, event));
        }
        Ok(())
    }
}

/// Returns the fact that the answer of entry `answer` was put into `destinations`, or could not be put into any.
pub(super) fn outcome(
    card: &Card,
    revision: u32,
    answer: u64,
    destinations: &[Destination],
) -> Option<Event> {
    let accepted = &card.revision(revision)?.accepted.at;
    if destinations.is_empty() {
        let is_known = card
            .undelivered
            .as_ref()
            .is_some_and(|one| one.answer == answer);
        let at = card.place(revision)?.clone();
        return (!is_known).then_some(Event::Undelivered {
            handoff: card.id,
            revision,
            decision: answer,
            at,
        });
    }
    let places: Vec<&Location> = destinations.iter().map(|one| &one.at).collect();
    Some(Event::Delivered {
        handoff: card.id,
        revision,
        decision: answer,
        at: if places == [accepted] {
            Vec::new()
        } else {
            places.into_iter().cloned().collect()
        },
    })
}
