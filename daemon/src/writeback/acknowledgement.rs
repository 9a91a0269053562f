//! How a hop stands, for its sender: `handoff.ack.json`, and what came back: `handoff.result.json`.
//!
//! Both are written from the state as it is, not from one entry, so the last word stands whatever was
//! written before a crash.

use std::path::Path;

use countersign_protocol::{
    contract::MAX_BYTES,
    event::Accepted,
    names,
    transfer::{
        Acknowledgement, AcknowledgementStatus as Status, AnswerKind, AnswerReceipt, Answered,
        ContextTurn, PackageFile, ResultDocument, rank,
    },
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Page, Writeback, WritebackError,
    destination::{Destination, destinations},
    folder,
    package::folder_of,
};
use crate::{
    fault,
    ledger::{Card, Hop, HopAnswer, HopStage},
    workspace::{FILE_MODE, FOLDER_MODE, Workspace, json as text},
};

/// Fields of a handoff that others hear of.
const TOLD: [&str; 8] = [
    "summary",
    "reason",
    "completed",
    "remaining",
    "decisions",
    "pitfalls_hit",
    "questions",
    "context",
];

impl Writeback {
    /// Tells the sender of `revision` how it stands, and what came back.
    pub(super) fn acknowledge(
        &self,
        workspace: &Workspace,
        card: &Card,
        (revision, hop): (u32, Option<u32>),
        durable: bool,
        page: &mut Page,
    ) -> Result<(), WritebackError> {
        let Some(known) = card.revision(revision) else {
            return Ok(());
        };
        let accepted = &known.accepted;
        let hop = hop.and_then(|hop| card.hop(hop));
        // A newer handoff in the same place, or another hop of this one, has its own word.
        let is_old = card
            .revisions
            .iter()
            .any(|one| one.accepted.revision > revision && one.accepted.at == accepted.at);
        if is_old {
            return Ok(());
        }
        let newer = hop.and_then(|hop| {
            let mut later = card.hops.iter().rev();
            later.find(|one| one.offered.revision == revision && one.offered.hop > hop.offered.hop)
        });
        let result = match (hop, newer) {
            (Some(hop), None) if hop.stage == HopStage::Completed => {
                self.result(workspace, card, hop, page)?
            }
            // What somebody had before another one took over stays until there is more.
            (Some(hop), newer) if newer.is_none_or(|one| one.stage != HopStage::Completed) => {
                self.partial(workspace, card, hop, page)?
            }
            _ => None,
        };
        let word = match newer {
            None => word(card, accepted, hop),
            Some(_) => None,
        };
        if word.is_none() && result.is_none() {
            return Ok(());
        }
        let result = result.map(|result| text(&result));
        let word = word.map(|word| text(&word));
        let mut here = workspace.answering();
        for Destination { at, answers } in destinations(workspace, card, revision)? {
            let names = names::answers_for(&at.file);
            if let Some(result) = &result {
                self.write(&answers, &mut here, &names.result, result, durable, page)?;
            }
            let Some(word) = &word else {
                continue;
            };
            fault::step("writeback.before_ack");
            self.write(&answers, &mut here, &names.ack, word, durable, page)?;
            fault::step("writeback.after_ack");
        }
        Ok(())
    }

    /// What came back to the sender of `hop`, if something was expected; its files are put in their place.
    fn result(
        &self,
        workspace: &Workspace,
        card: &Card,
        hop: &Hop,
        page: &Page,
    ) -> Result<Option<ResultDocument>, WritebackError> {
        let by = match hop.resolved_by {
            Some(by) => card.hop(by),
            None => Some(hop),
        };
        let Some((by, answer)) = by.and_then(|by| Some((by, by.last_answer()?))) else {
            return Ok(None);
        };
        // It goes to the nearest sender that expects one.
        if Card::expecting(by).is_none_or(|at| at + 1 != hop.depth()) {
            return Ok(None);
        }
        self.result_document(workspace, card, (hop, by), answer, page)
            .map(Some)
    }

    /// What a receiver had that did not bring `hop` to an end, if it gave any of it back.
    fn partial(
        &self,
        workspace: &Workspace,
        card: &Card,
        hop: &Hop,
        page: &Page,
    ) -> Result<Option<ResultDocument>, WritebackError> {
        let is_over = matches!(
            hop.stage,
            HopStage::Failed | HopStage::TimedOut | HopStage::Declined
        );
        let gave = |answer: &&HopAnswer| {
            let answered = &answer.answered;
            answered.has_result || !answered.manifest.entries.is_empty()
        };
        let Some(answer) = hop.answers.iter().rfind(gave).filter(|_| is_over) else {
            return Ok(None);
        };
        let found = self.result_document(workspace, card, (hop, hop), answer, page)?;
        Ok(Some(ResultDocument {
            partial: true,
            ..found
        }))
    }

    /// What `answer` gives back to the sender of the first of the hops; the second is that of who gave it.
    fn result_document(
        &self,
        workspace: &Workspace,
        card: &Card,
        (hop, by): (&Hop, &Hop),
        answer: &HopAnswer,
        page: &Page,
    ) -> Result<ResultDocument, WritebackError> {
        let answered = &answer.answered;
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut *self.sealed(answered.manifest.document)?, &mut bytes)
            .map_err(|error| WritebackError::Ledger(error.to_string()))?;
        let document: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let files: Vec<PackageFile> = answered
            .manifest
            .entries
            .iter()
            .map(|entry| PackageFile {
                path: entry.path.clone(),
                size: entry.size,
                sha256: entry.sha256,
                kept: entry.kept,
            })
            .collect();
        let place = (!files.is_empty()).then(|| {
            let package = names::package_of(card.id, by.offered.hop);
            format!("{}/results/{package}", names::OWN_FOLDER)
        });
        if let Some(place) = &place {
            self.put_results(workspace, place, answered, page)?;
        }
        Ok(ResultDocument {
            result_version: "1.0".to_owned(),
            handoff_id: card.id,
            hop: hop.offered.hop,
            revision: hop.offered.revision,
            agent: answered.agent.clone(),
            at: answer.at,
            confidence: answered.confidence,
            note: answered.note.clone(),
            result: document.get("result").cloned(),
            partial: false,
            folder: place,
            files,
        })
    }

    /// Puts files that came back where the sender finds them: whole or not at all.
    fn put_results(
        &self,
        workspace: &Workspace,
        place: &str,
        answered: &Answered,
        page: &Page,
    ) -> Result<(), WritebackError> {
        let (parent, name) = place.rsplit_once('/').unwrap_or(("", place));
        let results = workspace
            .dir()
            .make_folder(Path::new(parent), FOLDER_MODE)?;
        if results.kind(Path::new(name))?.is_some() {
            // The folder is ours alone; a rename of a run before may not have been synced.
            if page.inherited {
                results.sync()?;
            }
            return Ok(());
        }
        let (temporary, staged) = results.stage_folder(name)?;
        self.fill(&temporary, "", &answered.manifest.files())?;
        temporary.sync_file_system()?;
        results.publish_folder(&staged, name)?;
        Ok(())
    }

    /// Tells a receiver that its answer was recorded.
    pub(super) fn answer_receipt(
        &self,
        workspace: &Workspace,
        answered: &Answered,
        at: Timestamp,
        durable: bool,
        page: &mut Page,
    ) -> Result<(), WritebackError> {
        let receipt = AnswerReceipt {
            receipt_version: "1.0".to_owned(),
            status: "accepted".to_owned(),
            handoff_id: answered.handoff,
            hop: answered.hop,
            answer: answered.answer,
            received_at: at,
            answer_sha256: answered.manifest.document,
            warnings: answered.warnings.clone(),
        };
        let names = names::answers_for(&answered.at.file);
        let Some(answers) = folder(workspace, &answered.at)? else {
            return Ok(());
        };
        let mut here = workspace.answering();
        self.clear(&answers, &mut here, &names.errors, page)?;
        self.write(
            &answers,
            &mut here,
            &names.receipt,
            &text(&receipt),
            durable,
            page,
        )
    }

    /// Tells a participant what others hand to each other, as far as it may see it.
    pub(super) fn tell(
        workspace: &Workspace,
        turn: ContextTurn,
        said: &dyn Fn() -> Option<Value>,
        participant: &str,
    ) -> Result<(), WritebackError> {
        let mesh = &workspace.settings.mesh;
        let clearance = mesh
            .find(participant)
            .and_then(|one| one.clearance.as_deref());
        let is_cleared = clearance.is_none_or(|most| rank(&turn.class) <= rank(most));
        let name = format!("{:012}-{}.json", turn.seq, turn.handoff_id);
        let turn = if is_cleared {
            ContextTurn {
                said: said(),
                ..turn
            }
        } else {
            ContextTurn {
                withheld: true,
                title: None,
                said: None,
                ..turn
            }
        };
        let folder = format!("{}/context", folder_of(participant));
        let folder = workspace
            .dir()
            .make_folder(Path::new(&folder), FOLDER_MODE)?;
        folder.publish(Path::new(&name), &text(&turn), FILE_MODE, false)?;
        Ok(())
    }

    /// What the sender said in a handoff, for others.
    pub(super) fn said_in(&self, workspace: &Workspace, accepted: &Accepted) -> Option<Value> {
        let mut bytes = Vec::new();
        let source = self.sealed(accepted.manifest.document).ok()?;
        std::io::Read::read_to_end(
            &mut std::io::Read::take(source, MAX_BYTES as u64),
            &mut bytes,
        )
        .ok()?;
        let contracts = &workspace.settings.contracts;
        let document = contracts.sealed(&bytes, &accepted.at).ok()?;
        let told = TOLD
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), document.get(*name)?.clone())));
        Some(Value::Object(told.collect()))
    }

    /// What a receiver said, for others.
    pub(super) fn said_by(&self, answered: &Answered) -> Option<Value> {
        let mut bytes = Vec::new();
        let mut source = self.sealed(answered.manifest.document).ok()?;
        std::io::Read::read_to_end(&mut source, &mut bytes).ok()?;
        let mut said: Value = serde_json::from_slice(&bytes).ok()?;
        let fields = said.as_object_mut()?;
        fields.retain(|name, _| {
            [
                "answer",
                "reason",
                "note",
                "percent",
                "result",
                "confidence",
            ]
            .contains(&name.as_str())
        });
        Some(json!(fields))
    }
}

/// How a hop, or the stop in its place, stands for the sender.
fn word(card: &Card, accepted: &Accepted, hop: Option<&Hop>) -> Option<Acknowledgement> {
    let stop = card
        .stopped()
        .filter(|stop| stop.stopped.revision == accepted.revision);
    let blank = |status, agent: &str, at| Acknowledgement {
        ack_version: "1.0".to_owned(),
        handoff_id: card.id,
        hop: hop.map(|hop| hop.offered.hop),
        revision: accepted.revision,
        status,
        agent: agent.to_owned(),
        at,
        reason: None,
        note: None,
        percent: None,
        confidence: None,
        original: None,
        until: None,
        phase: None,
        retry_after_seconds: None,
        acknowledge_by: None,
        next: next(status).to_owned(),
    };
    if let Some(stop) = stop {
        return Some(Acknowledgement {
            reason: Some(stop.stopped.why.name().to_owned()),
            note: Some(stop.stopped.text.clone()),
            ..blank(Status::Stopped, &stop.stopped.to, stop.at)
        });
    }
    let hop = hop?;
    let last = hop.last_answer().map(|answer| &answer.answered);
    let said = last.map(|answered| answered.answer);
    let status = match hop.stage {
        HopStage::Offered => Status::Delivered,
        HopStage::Queued => Status::Queued,
        HopStage::Accepted if said == Some(AnswerKind::Progress) => Status::Progress,
        HopStage::Accepted => Status::Accepted,
        HopStage::HandedOn | HopStage::Returned => Status::HandedOn,
        // Its stop says so; without one a newer revision is at work.
        HopStage::InReview => Status::Stopped,
        HopStage::Completed if said == Some(AnswerKind::AlreadyDone) => Status::AlreadyDone,
        HopStage::Completed => Status::Completed,
        HopStage::Declined => Status::Declined,
        HopStage::Duplicate => Status::Duplicate,
        HopStage::Failed => Status::Failed,
        HopStage::TimedOut => Status::TimedOut,
        HopStage::Withdrawn => Status::Withdrawn,
    };
    let reason = last.and_then(|answered| answered.reason);
    Some(Acknowledgement {
        reason: reason.map(|reason| reason.name().to_owned()),
        note: last.and_then(|answered| answered.note.clone()),
        percent: last.and_then(|answered| answered.percent),
        confidence: last.and_then(|answered| answered.confidence),
        original: last.and_then(|answered| answered.original.clone()),
        until: hop.wait_until,
        phase: hop.overdue.as_ref().map(|overdue| overdue.phase),
        retry_after_seconds: (status == Status::TimedOut).then(|| back_off(card, hop)),
        acknowledge_by: (status == Status::Delivered).then_some(hop.offered.acknowledge_by),
        ..blank(status, &hop.offered.to, hop.since)
    })
}

/// Seconds after which another try makes sense: as long as was waited, twice as long with each time.
fn back_off(card: &Card, hop: &Hop) -> u64 {
    let waited = hop.offered.acknowledge_by.duration_since(hop.offered.since);
    let tries = card
        .hops
        .iter()
        .filter(|one| one.stage == HopStage::TimedOut)
        .count()
        .clamp(1, 8);
    u64::try_from(waited.as_secs()).unwrap_or(0).max(1) << (tries - 1)
}

fn next(status: Status) -> &'static str {
    match status {
        Status::Delivered => "Wait: the receiver says whether it takes it.",
        Status::Queued => "Wait: the receiver takes it later.",
        Status::Accepted | Status::Progress => "Wait: the receiver is at work.",
        Status::HandedOn => "Wait: somebody else goes on with it.",
        Status::Completed | Status::AlreadyDone => {
            "Go on; what came back is in `handoff.result.json` if you asked for something."
        }
        Status::Duplicate => "The receiver is at it already; see `original`.",
        Status::Declined => "You have the task again: hand it to somebody else, or to a person.",
        Status::Failed | Status::TimedOut => {
            "Wait: the fallback of the handoff is followed. What was done is in `handoff.result.json` if anything came back."
        }
        Status::Withdrawn => "Nothing: the receiver is not waited for any more.",
        Status::Stopped => "Wait for `decision.json`: a person is asked.",
    }
}
