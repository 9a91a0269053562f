//! The job that records a delivery: which card, which revision, or that it is not new.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use countersign_protocol::{
    Digest, HandoffId,
    event::{Accepted, Event, Location},
    handoff::Handoff,
    manifest::Manifest,
    principal::{Actor, Principal},
    problem::{ProblemKind, Refusal},
    receipt::{Receipt, ReceiptStatus},
    sign_off::{gates, role_key},
    state::HandoffState,
    trace::TraceContext,
    transfer::stricter,
};
use jiff::Timestamp;
use serde_json::Value;

use super::{
    DONE, Delivery, Inner, PAUSE, Task,
    hop::{Here, Next, hop},
    moved, quota, receivers,
    seen::Seen,
    trace,
};
use crate::{
    fault,
    fs::Stamp,
    ledger::{Draft, State},
    store::Space,
    workspace::{AnswerError, Answers, Remembered, Workspace, Written, json, package},
};

/// What became of a delivery.
#[derive(Clone, Debug)]
pub enum Admitted {
    /// It is this revision of this card.
    New(HandoffId, u32),
    /// It was recorded before, as this revision of this card.
    Duplicate(HandoffId, u32),
    /// Its key was used for other bytes.
    Conflict(Refusal),
}

impl Admitted {
    /// Whether there is something to do on the disk once this is recorded.
    pub(super) fn asks_for_more(&self, at: &Location) -> bool {
        match self {
            Self::New(..) => package(&at.folder).is_some(),
            Self::Duplicate(..) => true,
            Self::Conflict(_) => false,
        }
    }
}

/// That a person has the workspace for themselves; the operator may hand over for that person.
pub(super) fn held(state: &State, workspace: &str, principal: &Principal) -> Option<Refusal> {
    let by = state.held_by(workspace)?;
    let by_hand = matches!(principal, Principal::Operator | Principal::Person { .. });
    (!by_hand).then(|| {
        Refusal::new(
            ProblemKind::RouteNotAllowed,
            "workspace_taken_over",
            format!("{by} has this workspace now, and agents may only read in it"),
            "wait until it is given back to agents, then hand over again",
        )
    })
}

/// Decides about `delivery` against `state`. The same bytes a second time are a duplicate, however
/// often and by whatever way they come; a card takes revisions until it is closed.
pub fn admit(state: &State, now: Timestamp, delivery: Delivery) -> Draft<Admitted> {
    let Delivery {
        at,
        principal,
        checked,
        manifest,
        objects,
        pins: _,
        settings,
        contract,
        observed,
        traceparent,
        steps,
        stamp,
        moved,
    } = delivery;
    let handoff = &checked.handoff;
    let manifest_sha256 = manifest.digest();
    let key = key(handoff, manifest_sha256);
    let refusal = if let Some(used) = state.key_use(&at.workspace, &key) {
        if used.manifest_sha256 == manifest_sha256 {
            // A refused file in its place was put back to what is known to be good.
            let found = moved::found_again(state, used, &at);
            let healed = state.dead_letter(&at).is_some();
            let healed = healed.then_some(Event::RefusedGone { at });
            let events = healed.into_iter().chain(found);
            let value = Admitted::Duplicate(used.handoff, used.revision);
            return Draft::of(events.map(|event| (Actor::Daemon, event)).collect(), value);
        }
        Some(Refusal::new(
            ProblemKind::IdempotencyConflict,
            "key_reused",
            format!(
                "the key was used for other content, which is {} revision {}",
                used.handoff, used.revision
            ),
            "give each revision its own `idempotency_key` (or raise `revision`), and repeat a key only to repeat a delivery",
        ))
    } else {
        held(state, &at.workspace, &principal)
            .or_else(|| gates_without_holders(state, &handoff.document, &settings.roles))
            .or_else(|| quota::exceeded(state, &at.workspace, &manifest, settings.quota))
    };
    if let Some(refusal) = refusal {
        return turned_away(state, at, &manifest, principal, handoff, refusal, objects);
    }
    let moved = moved.and_then(|id| state.card(id));
    let moved = moved.filter(|card| card.state.takes_revisions());
    let subject = continued(state, handoff, &at)
        .or_else(|| moved.map(|card| card.subject.clone()))
        .unwrap_or_else(|| subject(handoff, &at));
    let known = state.card_of_subject(&at.workspace, &subject);
    let (id, revision, follows) = match known {
        Some(card) if card.state.takes_revisions() => {
            (card.id, card.newest().accepted.revision + 1, None)
        }
        Some(card) => (state.next_id(), 1, Some(card.id)),
        None => (state.next_id(), 1, None),
    };
    let span = handoff.timeout_seconds.map(Duration::from_secs);
    let due = handoff
        .deadline
        .or_else(|| handoff.envelope.over_at(now))
        .or_else(|| now.checked_add(span?).ok());
    let actor = Actor::Agent {
        name: handoff.from_agent.id.clone(),
        principal: principal.clone(),
    };
    let told = trace::stated(&handoff.document).or(traceparent);
    let trace = trace::context(told, known.map(|card| &**card), &handoff.from_agent.id)
        .unwrap_or_else(|| TraceContext::begun(id, manifest_sha256, now));
    let checks = settings.checks.owed(contract.as_deref());
    let mut warnings = checked.warnings;
    warnings.extend(receivers::unknown(handoff, &settings));
    warnings.extend(quota::near(state, &at.workspace, &manifest, settings.quota));
    let mut accepted = Accepted {
        handoff: id,
        revision,
        subject,
        key,
        principal,
        from_agent: handoff.from_agent.id.clone(),
        to_agent: handoff.to_agent.as_ref().map(|party| party.id.clone()),
        agent_handoff_id: handoff.handoff_id.clone(),
        task_id: handoff.task_id.clone(),
        session_id: handoff.session_id.clone(),
        title: handoff.headline(),
        trigger: handoff.effective_trigger(),
        confidence: handoff
            .confidence
            .as_ref()
            .map(|confidence| confidence.value),
        classification: handoff.classification.clone(),
        due,
        envelope: handoff.envelope.clone(),
        partials: handoff.partials.clone(),
        dialect: checked.dialect.to_owned(),
        profile: handoff.profile,
        contract,
        manifest,
        manifest_sha256,
        warnings,
        checks,
        is_hop_owed: false,
        follows,
        stalled: None,
        violated: Vec::new(),
        trace: Some(trace),
        correlation_id: trace::correlation(&handoff.document)
            .or_else(|| known?.newest().accepted.correlation_id.clone()),
        steps,
        stamp: stamp.map(Stamp::digest),
        observed: observed.map(Box::new),
        at,
    };
    let stated = handoff.classification.as_deref();
    let here = Here {
        mesh: &settings.mesh,
        class: stricter(&settings.class, stated),
        document: &handoff.document,
    };
    let next = match hop(state, now, &accepted, known.map(|card| &**card), here) {
        Ok(next) => next,
        Err(refusal) => {
            let Accepted {
                at,
                manifest,
                principal,
                ..
            } = accepted;
            return turned_away(state, at, &manifest, principal, handoff, refusal, objects);
        }
    };
    accepted.is_hop_owed = matches!(next, Next::Agent);
    let reason = format!("the agent went on and handed over {id}");
    let mut events = back_again(state, &accepted.at, &actor, &reason);
    // Who hands over stops writing, so that what a person gets is nobody's any more.
    let released = state.handed_over(now, &accepted, rustix::process::geteuid().as_raw());
    events.push((actor, Event::Accepted(Box::new(accepted))));
    events.extend(released);
    events.extend(match next {
        Next::Stopped(stopped) => Some((Actor::Daemon, Event::HopStopped(Box::new(stopped)))),
        Next::People | Next::Agent => None,
    });
    Draft {
        events,
        objects,
        values: Vec::new(),
        value: Admitted::New(id, revision),
    }
}

/// The draft that records why a delivery that keeps all rules by itself is not taken, once.
fn turned_away(
    state: &State,
    at: Location,
    manifest: &Manifest,
    principal: Principal,
    handoff: &Handoff,
    refusal: Refusal,
    objects: Vec<(Digest, Vec<u8>)>,
) -> Draft<Admitted> {
    let is_known = state.dead_letter(&at).is_some_and(|dead| {
        dead.sha256 == Some(manifest.document) && dead.violations == refusal.violations
    });
    if is_known {
        return Draft::nothing(Admitted::Conflict(refusal));
    }
    let event = Event::Refused {
        at,
        sha256: Some(manifest.document),
        kind: refusal.kind,
        violations: refusal.violations.clone(),
    };
    let actor = Actor::Agent {
        name: handoff.from_agent.id.clone(),
        principal,
    };
    // Of the files nothing is kept: only the document is, for the list of dead letters.
    let document = |(sha256, _): &(Digest, Vec<u8>)| *sha256 == manifest.document;
    Draft {
        events: vec![(actor, event)],
        objects: objects.into_iter().filter(document).collect(),
        values: Vec::new(),
        value: Admitted::Conflict(refusal),
    }
}

/// Refuses sign-off gates that cannot be passed: nobody holds the role, or too few people do.
fn gates_without_holders(
    state: &State,
    document: &Value,
    roles: &BTreeMap<String, BTreeSet<String>>,
) -> Option<Refusal> {
    let mut needed: BTreeMap<String, usize> = BTreeMap::new();
    for gate in gates(document) {
        let Some(role) = &gate.role else { continue };
        let key = role_key(role);
        let people = roles.get(&key).into_iter().flatten();
        let holders = people.filter(|id| !state.is_disabled(id)).count();
        // One person signs off one gate.
        let needed = needed.entry(key).or_default();
        *needed += usize::try_from(gate.min_approvals).unwrap_or(usize::MAX);
        if *needed <= holders {
            continue;
        }
        let known: Vec<&str> = roles.keys().map(String::as_str).collect();
        let known = match known.as_slice() {
            [] => {
                "no role is held by anybody; the operator makes one with a `[[group]]`".to_owned()
            }
            known => format!("roles that are held: {}", known.join(", ")),
        };
        let id = &gate.id;
        let message = match holders {
            0 => format!("nobody holds the role `{role}` of the gate `{id}`"),
            _ => format!(
                "the gates of the role `{role}` need {needed} different people, and {holders} hold it"
            ),
        };
        let refusal = Refusal::new(ProblemKind::GateUnknownRole, "gate_role", message, known);
        return Some(refusal.at(format!("/sign_off_gates/{}/role", gate.index)));
    }
    None
}

/// Takes back the cards that were made because the agent in the folder of `at` had fallen silent.
pub(super) fn back_again(
    state: &State,
    at: &Location,
    actor: &Actor,
    reason: &str,
) -> Vec<(Actor, Event)> {
    let was_given_up = state.tracks_in(at).any(|track| !track.silences.is_empty());
    if !was_given_up {
        return Vec::new();
    }
    let cards = state.cards().filter_map(|card| {
        let newest = &card.newest().accepted;
        let is_here = newest.at.workspace == at.workspace && newest.at.folder == at.folder;
        match card.state {
            HandoffState::Waiting { revision } if newest.stalled.is_some() && is_here => {
                Some((card.id, revision))
            }
            _ => None,
        }
    });
    let withdrawn = cards.map(|(handoff, revision)| Event::Withdrawn {
        handoff,
        revision,
        reason: Some(reason.to_owned()),
    });
    withdrawn.map(|event| (actor.clone(), event)).collect()
}

/// What makes two deliveries the same one, within the workspace and for one stated agent.
fn key(handoff: &Handoff, manifest_sha256: Digest) -> String {
    let agent = &handoff.from_agent.id;
    match (
        &handoff.idempotency_key,
        &handoff.handoff_id,
        handoff.revision,
    ) {
        (Some(key), _, _) => format!("{agent} key:{key}"),
        (None, Some(id), Some(revision)) => format!("{agent} id:{id}:{revision}"),
        _ => format!("{agent} bytes:{manifest_sha256}"),
    }
}

/// A task without an id is the same one only from the same agent in the same place: two agents may
/// well use the same words.
pub(super) fn subject(handoff: &Handoff, at: &Location) -> String {
    let subject = handoff.subject();
    if handoff.task_id.is_some() {
        return subject;
    }
    let place = package(&at.folder).map_or(at.folder.as_str(), |_| "inbox");
    format!("{subject} by:{} in:{place}", handoff.from_agent.id)
}

/// The subject of the card that a handoff says it continues, while its sender holds that task. So an agent
/// goes on with a task that has no id of its own.
fn continued(state: &State, handoff: &Handoff, at: &Location) -> Option<String> {
    let parent = handoff.document.get("parent_handoff_id")?.as_str()?;
    let card = state.card(parent.parse().ok()?)?;
    let holder = card.holding.as_ref()?.last()?;
    let is_its_own = card.workspace == at.workspace
        && card.state.takes_revisions()
        && holder.agent == handoff.from_agent.id;
    is_its_own.then(|| card.subject.clone())
}

impl Inner {
    /// What follows once a delivery is on the disk: a package is taken out of the inbox. Done again
    /// after a crash, since the package is then found again and is a duplicate.
    pub(super) fn after(
        self: &Arc<Self>,
        workspace: &Workspace,
        at: &Location,
        admitted: Admitted,
        stamp: Stamp,
        task: Task,
    ) {
        let done = match admitted {
            Admitted::New(..) => consume(workspace, at),
            Admitted::Duplicate(id, revision) => self
                .duplicate(workspace, at, id, revision)
                .and_then(|()| consume(workspace, at))
                .map(|()| self.remember(Seen::value(at, Some(stamp)))),
            Admitted::Conflict(_) => Ok(()),
        };
        self.queue.finish(task, again_after(done));
    }

    /// A document that was taken in before. If it is a package, a crash or a missing right left it in
    /// the inbox. One whose answer could not be delivered is looked at once more: its folder may be back.
    pub(super) fn clear_away(&self, workspace: &Workspace, at: &Location, task: Task) {
        let is_back = {
            let state = self.ledger.state();
            let mut waiting = state.undelivered();
            waiting.any(|card| card.places(card.newest().accepted.revision).contains(&at))
        };
        if is_back {
            self.seen().forget(at);
            return self.queue.finish(task, Some(Duration::ZERO));
        }
        let is_left =
            package(&at.folder).is_some() && self.ledger.state().dead_letter(at).is_none();
        let done = if is_left {
            consume(workspace, at)
        } else {
            Ok(())
        };
        self.queue.finish(task, again_after(done));
    }

    /// Tells the agent that the delivery was known.
    fn duplicate(
        &self,
        workspace: &Workspace,
        at: &Location,
        id: HandoffId,
        revision: u32,
    ) -> Result<(), crate::fs::Error> {
        let (first, newest) = {
            let state = self.ledger.state();
            let card = state.card(id);
            let Some((card, first)) = card.and_then(|card| Some((card, card.revision(revision)?)))
            else {
                return Ok(());
            };
            (first.clone(), card.newest().accepted.revision)
        };
        // Found again after a crash: its own receipt stands there, or is about to.
        if first.accepted.at == *at && revision == newest {
            return Ok(());
        }
        let receipt = Receipt::of(
            &first.accepted,
            first.at,
            ReceiptStatus::Duplicate,
            &self.public_url,
        );
        let answers = Answers::to(workspace, at)?;
        let name = countersign_protocol::names::answers_for(&at.file).receipt;
        let mut here = workspace.answering();
        answers.remove_left_over()?;
        let last = |key| self.ledger.value(Space::Written, key);
        let wrote = |digest| self.ledger.wrote(digest);
        let remembered = Remembered {
            last: &last,
            wrote: &wrote,
        };
        let came_along = match answers.own(&here, &name, remembered) {
            Ok(bytes) => bytes.filter(|bytes| {
                let is_elsewhere = first.accepted.at.folder != at.folder;
                is_elsewhere && is_receipt_of(bytes, id, revision)
            }),
            Err(AnswerError::Fs(error)) => return Err(error),
            Err(AnswerError::Store(_)) => return Ok(()),
        };
        let written = match came_along {
            // The folder was moved or copied with its receipt, which is as good.
            Some(bytes) => Ok(answers.note(&mut here, &name, Some(Digest::of(&bytes)))),
            None => answers.write(&mut here, &name, &json(&receipt), remembered, true),
        };
        let written = match written {
            Ok(written) => written,
            Err(AnswerError::Fs(error)) => return Err(error),
            // Without the ledger the receipt waits: the file is a duplicate again at the next look.
            Err(AnswerError::Store(_)) => return Ok(()),
        };
        drop(here);
        self.remember(written);
        Ok(())
    }

    /// Keeps a value; that it is lost costs a second look.
    pub(super) fn remember(&self, value: Written) {
        self.ledger.submit(
            move |_, _| {
                Ok::<_, std::convert::Infallible>(Draft {
                    values: vec![value],
                    ..Draft::nothing(())
                })
            },
            drop,
        );
    }
}

/// Whether `bytes` are a receipt for that revision.
fn is_receipt_of(bytes: &[u8], id: HandoffId, revision: u32) -> bool {
    serde_json::from_slice::<Receipt>(bytes)
        .is_ok_and(|receipt| receipt.handoff_id == id && receipt.revision == revision)
}

/// When to try again to clear a recorded delivery away.
fn again_after(done: Result<(), crate::fs::Error>) -> Option<Duration> {
    let error = done.err()?;
    tracing::warn!(%error, "a recorded delivery could not be cleared away");
    Some(PAUSE)
}

/// Takes a package out of the inbox: a rename within its folder, so that it needs no right in the
/// agent's own.
fn consume(workspace: &Workspace, at: &Location) -> Result<(), crate::fs::Error> {
    let Some(found) = package(&at.folder) else {
        return Ok(());
    };
    fault::step("intake.before_consume");
    let inbox = workspace
        .dir()
        .folder(&Path::new(countersign_protocol::names::INBOX).join(found.agent))?;
    // Longer names would not fit in 255 bytes with what is put around them.
    let name = match found.name.len() {
        0..=240 => found.name.to_owned(),
        _ => Digest::of(found.name.as_bytes()).to_string(),
    };
    let mut done = format!("{DONE}{name}");
    for again in 2.. {
        match inbox.rename_new(Path::new(found.name), Path::new(&done)) {
            Err(error) if error.source.kind() == std::io::ErrorKind::AlreadyExists => {
                done = format!("{DONE}{name}-{again}");
            }
            Err(error) if error.is_not_found() => break,
            other => {
                other?;
                break;
            }
        }
    }
    fault::step("intake.after_consume");
    Ok(())
}
