//! The answer to a revision, as the ledger knows it. The same for the file, the API and the pages.

use countersign_protocol::{
    approval::{NotCounted, VoteRecord},
    decision::{DecidedArtifact, DecidedBy, DecisionDocument, LogReference, Outcome, Resume},
    manifest::ManifestEntry,
    names,
    principal::{Actor, Method},
    release::ReleaseRecord,
    terms::Terms,
};
use jiff::Timestamp;
use serde_json::Value;

use super::{Card, CardDecision, CardVote, State, Withdrawal};

/// What the daemon releases for `card` and the decision by which it does; `None` when it releases nothing. It holds
/// from the decision on: whoever finds the answer in the folder may ask before it is noted that the files are there.
pub fn released(state: &State, card: &Card) -> Option<(ReleaseRecord, DecisionDocument)> {
    let decision = card
        .decisions
        .iter()
        .rfind(|decision| decision.decided.outcome.is_approval())?;
    let revision = card.revision(decision.decided.revision)?;
    let record = ReleaseRecord::of(
        &revision.accepted,
        decision.decided.edited.as_ref(),
        decision.at,
    );
    let document = decision_document(state, card, decision)?;
    document.released_to.as_ref()?;
    Some((record, document))
}

/// The answer as the agent gets it; `None` when neither a person nor a rule gave it.
pub fn decision_document(
    state: &State,
    card: &Card,
    decision: &CardDecision,
) -> Option<DecisionDocument> {
    let decided = &decision.decided;
    let by = match &decision.actor {
        Actor::Person {
            id,
            display,
            method,
        } => DecidedBy {
            principal: id.clone(),
            display: display.clone(),
            method: *method,
            verified: decided.verified.clone(),
        },
        Actor::Policy { rule } => DecidedBy {
            principal: format!("policy:{rule}"),
            display: format!("the rule {rule}"),
            method: Method::Policy,
            verified: None,
        },
        Actor::Daemon | Actor::Agent { .. } => return None,
    };
    let log = LogReference {
        index: decision.seq,
        hash: decision.hash,
    };
    let mut document = document(state, card, decided.revision, by, decision.at, log)?;
    let manifest = &card.revision(decided.revision)?.accepted.manifest;
    let released = manifest
        .entries
        .iter()
        .any(|entry| entry.declared && entry.kept);
    document.manifest_sha256 = decided.manifest_sha256;
    document.outcome = decided.outcome;
    document.comment.clone_from(&decided.comment);
    document.answers.clone_from(&decided.answers);
    document.reasons.clone_from(&decided.reasons);
    document.requests.clone_from(&decided.requests);
    for request in &mut document.requests {
        request.thread = card.thread_of(decision.seq, &request.id);
    }
    document.partial.clone_from(&decided.partial);
    document.edited.clone_from(&decided.edited);
    document.terms = decided.terms;
    if let Some(edited) = &decided.edited {
        let entries = edited.entries(manifest);
        document.artifacts = artifacts(entries.iter());
    }
    document.released_to = (decided.outcome.is_approval() && released)
        .then(|| format!("{}/{}", names::APPROVED, card.id));
    Some(document)
}

/// The same for a handoff that was taken back, by whoever it was: an agent that waits for its file has to
/// learn that no answer will come.
pub fn withdrawal_document(
    state: &State,
    card: &Card,
    withdrawal: &Withdrawal,
) -> Option<DecisionDocument> {
    let (principal, method) = match &withdrawal.actor {
        Actor::Person { id, method, .. } => (id.clone(), *method),
        Actor::Agent { name, .. } => (format!("agent:{name}"), Method::Api),
        Actor::Policy { rule } => (format!("policy:{rule}"), Method::Policy),
        Actor::Daemon => ("countersign".to_owned(), Method::Policy),
    };
    let by = DecidedBy {
        principal,
        display: withdrawal.actor.name().to_owned(),
        method,
        verified: None,
    };
    let log = LogReference {
        index: withdrawal.seq,
        hash: withdrawal.hash,
    };
    let mut document = document(state, card, withdrawal.revision, by, withdrawal.at, log)?;
    document.comment.clone_from(&withdrawal.reason);
    Some(document)
}

/// Who voted about a revision before the entry `before`, the last vote of each.
fn votes(state: &State, card: &Card, revision: u32, before: u64) -> Vec<VoteRecord> {
    let about = |vote: &&CardVote| vote.voted.revision == revision && vote.seq < before;
    let mut last: Vec<&CardVote> = Vec::new();
    for vote in card.votes.iter().filter(about) {
        last.retain(|known| known.person != vote.person);
        last.push(vote);
    }
    let record = |vote: &CardVote| VoteRecord {
        principal: vote.person.clone(),
        display: vote.display.clone(),
        outcome: vote.voted.outcome,
        at: vote.at,
        verified: vote.voted.verified.clone(),
        not_counted: state
            .was_disabled(&vote.person, before)
            .then_some(NotCounted::AccountDisabled),
    };
    last.into_iter().map(record).collect()
}

fn artifacts<'a>(entries: impl Iterator<Item = &'a ManifestEntry>) -> Vec<DecidedArtifact> {
    let artifact = |entry: &ManifestEntry| DecidedArtifact {
        path: entry.path.clone(),
        sha256: entry.sha256,
    };
    entries.map(artifact).collect()
}

/// What every answer to a revision says, with the outcome that nobody is asked any more.
fn document(
    state: &State,
    card: &Card,
    revision: u32,
    decided_by: DecidedBy,
    decided_at: Timestamp,
    log: LogReference,
) -> Option<DecisionDocument> {
    let known = card.revision(revision)?;
    let accepted = &known.accepted;
    // Only what was known when it was decided: an answer that is written again must be the same.
    let checkpoint = state
        .tracks_in(&accepted.at)
        .filter_map(|track| {
            let before = |kept: &&std::sync::Arc<super::Kept>| kept.seq < log.index;
            track.versions.iter().rfind(before)
        })
        .map(|kept| kept.saved.step)
        .max();
    Some(DecisionDocument {
        decision_version: "1.0".to_owned(),
        handoff_id: card.id,
        agent_handoff_id: accepted.agent_handoff_id.clone(),
        task_id: accepted.task_id.clone(),
        revision,
        handoff_sha256: accepted.manifest.document,
        manifest_sha256: accepted.manifest_sha256,
        outcome: Outcome::Cancelled,
        decided_at,
        decided_by,
        votes: votes(state, card, revision, log.index),
        comment: None,
        requests: Vec::new(),
        threads: card.threads_before(log.index),
        artifacts: artifacts(accepted.manifest.entries.iter().map(AsRef::as_ref)),
        released_to: None,
        answers: Vec::new(),
        reasons: Vec::new(),
        edited: None,
        terms: Terms::default(),
        envelope: accepted.envelope.answered(known.at, decided_at),
        partial: None,
        resume: Resume {
            dialect: accepted.dialect.clone(),
            from_checkpoint: checkpoint,
            payload: Value::Null,
        },
        log,
    })
}
