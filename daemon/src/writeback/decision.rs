//! `decision.json` and `feedback.md`.

use std::{fmt::Write as _, path::Path};

use super::{Page, Writeback, WritebackError, folder};
use crate::{
    fault,
    ledger::decision_document,
    workspace::{Answers, FOLDER_MODE, Workspace, json},
};
use countersign_protocol::{
    HandoffId,
    chain::{Body, Entry},
    decision::{DecisionDocument, Outcome},
    event::{Decided, Event},
    names,
    principal::Actor,
};

impl Writeback {
    /// Releases what was approved, then writes the answer: an agent that reads the answer finds the work released.
    pub(super) fn decision(
        &self,
        workspace: &Workspace,
        entry: &Entry,
        body: &Body,
        decided: &Decided,
        page: &mut Page,
    ) -> Result<(), WritebackError> {
        let id = decided.handoff;
        let (card, decision, document) = {
            let state = self.ledger.state();
            let Some(card) = state.card(id).cloned() else {
                return Ok(());
            };
            let Some(decision) = card
                .decisions
                .iter()
                .find(|known| known.seq == entry.seq)
                .cloned()
            else {
                return Ok(());
            };
            let Some(document) = decision_document(&state, &card, &decision) else {
                return Ok(());
            };
            (card, decision, document)
        };
        let Some(revision) = card.revision(decided.revision) else {
            return Ok(());
        };
        if decided.outcome == Outcome::Approved && document.released_to.is_some() {
            self.release(workspace, &revision.accepted, body.at)?;
            if card.released.is_none() {
                let event = Event::Released {
                    handoff: id,
                    revision: decided.revision,
                    folder: format!("{}/{id}", names::APPROVED),
                    manifest_sha256: decided.manifest_sha256,
                };
                page.events.push((Actor::Daemon, event));
            }
        }
        let bytes = json(&document);
        let feedback = feedback(&document, &revision.accepted.title).into_bytes();
        let own = own_folder(workspace, id)?;
        let record = format!("decision.r{}.json", decided.revision);
        // The copy in our own folder is written after the agent's. Where it stands, the agent had its answer,
        // and may have moved it away since.
        let had = own.holds(&record, &bytes)?;
        let current = card.state.revision() == decided.revision;
        fault::step("writeback.before_decision");
        if !had
            && current
            && let Some(answers) = folder(workspace, &revision.accepted.at)?
        {
            let names = names::answers_for(&revision.accepted.at.file);
            self.write(&answers, &names.feedback, &feedback, true, page)?;
            self.write(&answers, &names.decision, &bytes, true, page)?;
        }
        fault::step("writeback.after_decision");
        self.write(&own, "feedback.md", &feedback, true, page)?;
        self.write(&own, &record, &bytes, true, page)?;
        if decision.delivered.is_none() {
            let event = Event::Delivered {
                handoff: id,
                revision: decided.revision,
                decision: entry.seq,
            };
            page.events.push((Actor::Daemon, event));
        }
        Ok(())
    }
}

/// Our own folder for the handoff in its workspace.
fn own_folder(workspace: &Workspace, id: HandoffId) -> Result<Answers, crate::fs::Error> {
    let name = format!("{}/handoffs/{id}", names::OWN_FOLDER);
    let dir = workspace.dir().make_folder(Path::new(&name), FOLDER_MODE)?;
    Ok(Answers::new(dir, format!("{}/{name}", workspace.name)))
}

/// The answer for a reader: a person, or an agent that reads prose.
fn feedback(document: &DecisionDocument, title: &str) -> String {
    let mut text = String::new();
    let DecisionDocument {
        handoff_id,
        revision,
        outcome,
        decided_by,
        decided_at,
        ..
    } = document;
    let _ = writeln!(
        text,
        "# {handoff_id} revision {revision} was {}\n",
        outcome.word()
    );
    let _ = writeln!(text, "{title}\n");
    let _ = writeln!(text, "By {} at {decided_at}.", decided_by.display);
    if let Some(comment) = &document.comment {
        let _ = writeln!(text, "\n{comment}");
    }
    if !document.requests.is_empty() {
        let _ = writeln!(text, "\n## Asked of you\n");
        for request in &document.requests {
            let place = match (&request.path, request.line) {
                (Some(path), Some(line)) => format!("`{path}` line {line}: "),
                (Some(path), None) => format!("`{path}`: "),
                _ => String::new(),
            };
            let _ = writeln!(text, "- {}: {place}{}", request.id, request.text);
        }
    }
    let next = match outcome {
        Outcome::Approved => "Go on with your task.",
        Outcome::ChangesRequested => {
            "Make the changes, move `decision.json` away, and write the handoff again."
        }
        Outcome::Rejected => "Stop. The handoff is closed.",
        _ => "Go on with this answer.",
    };
    let _ = writeln!(text, "\n{next}");
    if let Some(folder) = &document.released_to {
        let _ = writeln!(
            text,
            "The approved files are in `{folder}/` of the workspace; check them with `sha256sum -c SHA256SUMS`."
        );
    }
    text
}
