//! Decisions.

use std::collections::BTreeMap;

use countersign_protocol::{HandoffId, event::Event, state::HandoffState};

use super::Case;
use crate::history::SentResult;

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
    let mut states: BTreeMap<HandoffId, HandoffState> = BTreeMap::new();
    let mut wrong = Vec::new();
    for body in &case.evidence.bodies {
        let step = match &body.event {
            Event::Accepted(accepted) => {
                let next = match states.get(&accepted.handoff) {
                    None if accepted.revision == 1 => Ok(HandoffState::Waiting { revision: 1 }),
                    None => Err(format!("begins with revision {}", accepted.revision)),
                    Some(state) if state.revision() + 1 == accepted.revision => {
                        state.revised(accepted.revision).map_err(|e| e.to_string())
                    }
                    Some(_) => Err(format!("jumps to revision {}", accepted.revision)),
                };
                Some((accepted.handoff, next))
            }
            Event::Decided(decided) => {
                let state = states.get(&decided.handoff);
                let next = state.map_or_else(
                    || Err("is decided before it came".to_owned()),
                    |state| {
                        state
                            .decided(decided.revision, decided.outcome, body.at)
                            .map_err(|e| e.to_string())
                    },
                );
                Some((decided.handoff, next))
            }
            _ => None,
        };
        match step {
            Some((id, Ok(state))) => drop(states.insert(id, state)),
            Some((id, Err(why))) => wrong.push(format!("{id} {why} (entry {})", body.seq)),
            None => {}
        }
    }
    wrong
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
