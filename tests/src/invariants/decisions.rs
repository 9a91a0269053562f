//! Decisions.

use std::collections::BTreeMap;

use countersign_protocol::{
    HandoffId,
    decision::Outcome,
    event::{Accepted, Event},
    state::HandoffState,
};
use jiff::Timestamp;

use super::Case;
use crate::{evidence::Evidence, history::SentResult};

/// Every decision names the bytes of the revision it is about, and what was shown to the person.
pub(super) fn bound_to_digest(case: Case<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (seq, decided) in case.evidence.decided() {
        let name = format!("decision {seq} about {}", decided.handoff);
        match case.evidence.revision(decided.handoff, decided.revision) {
            None => wrong.push(format!(
                "{name}: revision {} was never accepted",
                decided.revision
            )),
            Some(accepted) if accepted.manifest_sha256 != decided.manifest_sha256 => {
                wrong.push(format!("{name} is about other bytes"));
            }
            Some(_) => {}
        }
        let words = decided.comment.as_deref().unwrap_or_default();
        match case.history.sent(decided.handoff, words) {
            None => wrong.push(format!("{name}: nobody sent it")),
            Some(sent) => {
                if sent.shown.manifest_sha256 != decided.manifest_sha256
                    || sent.outcome != decided.outcome
                {
                    wrong.push(format!("{name} is not what was sent"));
                }
            }
        }
    }
    wrong
}

/// Folding the ledger from nothing takes only allowed steps, so no revision has two decisions.
pub(super) fn one_winner(case: Case<'_>) -> Vec<String> {
    fold(case.evidence).1
}

/// The state of every card, folded from nothing by the rules of the protocol alone, and each step
/// that they do not allow.
pub(super) fn fold(evidence: &Evidence) -> (BTreeMap<HandoffId, HandoffState>, Vec<String>) {
    let mut states: BTreeMap<HandoffId, HandoffState> = BTreeMap::new();
    let mut wrong = Vec::new();
    for body in &evidence.bodies {
        let (id, next) = match &body.event {
            Event::Accepted(accepted) => (accepted.handoff, revised(&states, accepted)),
            Event::Decided(decided) => {
                let (revision, outcome) = (decided.revision, decided.outcome);
                (
                    decided.handoff,
                    step(&states, decided.handoff, revision, outcome, body.at),
                )
            }
            Event::Withdrawn {
                handoff, revision, ..
            } => (
                *handoff,
                step(&states, *handoff, *revision, Outcome::Cancelled, body.at),
            ),
            _ => continue,
        };
        match next {
            Ok(state) => drop(states.insert(id, state)),
            Err(why) => wrong.push(format!("{id} {why} (entry {})", body.seq)),
        }
    }
    (states, wrong)
}

fn revised(
    states: &BTreeMap<HandoffId, HandoffState>,
    accepted: &Accepted,
) -> Result<HandoffState, String> {
    let revision = accepted.revision;
    match states.get(&accepted.handoff) {
        None if revision == 1 => Ok(HandoffState::Waiting { revision }),
        None => Err(format!("begins with revision {revision}")),
        Some(state) if state.revision() + 1 == revision => {
            state.revised(revision).map_err(|error| error.to_string())
        }
        Some(_) => Err(format!("jumps to revision {revision}")),
    }
}

fn step(
    states: &BTreeMap<HandoffId, HandoffState>,
    id: HandoffId,
    revision: u32,
    outcome: Outcome,
    at: Timestamp,
) -> Result<HandoffState, String> {
    let state = states.get(&id).ok_or("is decided before it came")?;
    state
        .decided(revision, outcome, at)
        .map_err(|error| error.to_string())
}

/// What was acknowledged is recorded once; what was refused is not recorded; what broke off is
/// recorded at most once.
pub(super) fn refused_is_not_recorded(case: Case<'_>) -> Vec<String> {
    case.history
        .answers
        .iter()
        .filter_map(|sent| {
            let found = case
                .evidence
                .decided()
                .filter(|(_, decided)| {
                    decided.handoff == sent.shown.id
                        && decided.comment.as_deref() == Some(sent.words.as_str())
                })
                .count();
            let what = match (&sent.result, found) {
                (SentResult::Recorded(_), 1)
                | (SentResult::Refused(_), 0)
                | (SentResult::Unknown, 0 | 1) => return None,
                (SentResult::Recorded(_), 0) => "was acknowledged and is lost".to_owned(),
                (SentResult::Refused(status), _) => format!("was refused ({status}) and recorded"),
                (_, times) => format!("was recorded {times} times"),
            };
            Some(format!(
                "the answer `{}` to {} {what}",
                sent.words, sent.shown.id
            ))
        })
        .collect()
}
