//! The answer to a revision, as the ledger knows it. The same for the file, the API and the pages.

use countersign_protocol::{
    decision::{DecidedArtifact, DecidedBy, DecisionDocument, LogReference, Outcome, Resume},
    names,
    principal::{Actor, Method},
};
use serde_json::Value;

use super::{Card, CardDecision, State};

/// The answer as the agent gets it; `None` when neither a person nor a rule gave it.
pub fn decision_document(
    state: &State,
    card: &Card,
    decision: &CardDecision,
) -> Option<DecisionDocument> {
    let decided = &decision.decided;
    let accepted = &card.revision(decided.revision)?.accepted;
    let decided_by = match &decision.actor {
        Actor::Person {
            id,
            display,
            method,
        } => DecidedBy {
            principal: id.clone(),
            display: display.clone(),
            method: *method,
        },
        Actor::Policy { rule } => DecidedBy {
            principal: format!("policy:{rule}"),
            display: format!("the rule {rule}"),
            method: Method::Policy,
        },
        Actor::Daemon | Actor::Agent { .. } => return None,
    };
    let approved = decided.outcome == Outcome::Approved;
    let released = accepted
        .manifest
        .entries
        .iter()
        .any(|entry| entry.declared && entry.kept);
    // Only what was known when it was decided: an answer that is written again must be the same.
    let checkpoint = state
        .tracks_in(&accepted.at)
        .filter_map(|track| {
            let before = |kept: &&std::sync::Arc<super::Kept>| kept.seq < decision.seq;
            track.versions.iter().rfind(before)
        })
        .map(|kept| kept.saved.step)
        .max();
    Some(DecisionDocument {
        decision_version: "1.0".to_owned(),
        handoff_id: card.id,
        agent_handoff_id: accepted.agent_handoff_id.clone(),
        task_id: accepted.task_id.clone(),
        revision: decided.revision,
        handoff_sha256: accepted.manifest.document,
        manifest_sha256: decided.manifest_sha256,
        outcome: decided.outcome,
        decided_at: decision.at,
        decided_by,
        comment: decided.comment.clone(),
        requests: decided.requests.clone(),
        artifacts: accepted
            .manifest
            .entries
            .iter()
            .map(|entry| DecidedArtifact {
                path: entry.path.clone(),
                sha256: entry.sha256,
            })
            .collect(),
        released_to: (approved && released).then(|| format!("{}/{}", names::APPROVED, card.id)),
        resume: Resume {
            dialect: accepted.dialect.clone(),
            from_checkpoint: checkpoint,
            payload: Value::Null,
        },
        log: LogReference {
            index: decision.seq,
            hash: decision.hash,
        },
    })
}
