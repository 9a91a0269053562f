//! `decision.json` and `feedback.md`.

use std::{fmt::Write as _, io::Read as _, path::Path, sync::Arc};

use jiff::Timestamp;

use super::{
    Page, Writeback, WritebackError,
    destination::{Destination, destinations, outcome},
};
use crate::{
    fault,
    fs::{Dir, Error, FileKind, read_limited},
    ledger::{Card, State, decision_document, withdrawal_document},
    store::{Space, StoreError},
    workspace::{Answers, FILE_MODE, FOLDER_MODE, Workspace, WrittenHere, json},
};
use countersign_protocol::{
    Digest, HandoffId,
    decision::{DecisionDocument, Outcome},
    event::{Accepted, Decided, Event},
    names,
    place::Place,
    principal::Actor,
};

impl Writeback {
    /// Releases what was approved, then writes the answer: an agent that reads the answer finds the work released.
    pub(super) fn decision(
        &self,
        workspace: &Workspace,
        (seq, at): (u64, Timestamp),
        decided: &Decided,
        page: &mut Page,
    ) -> Result<(), WritebackError> {
        let id = decided.handoff;
        let (card, decision, document, is_current) = {
            let state = self.ledger.state();
            let Some(card) = state.card(id).cloned() else {
                return Ok(());
            };
            let Some(decision) = card
                .decisions
                .iter()
                .find(|known| known.seq == seq)
                .cloned()
            else {
                return Ok(());
            };
            let Some(document) = decision_document(&state, &card, &decision) else {
                return Ok(());
            };
            let is_current = is_current(&state, &card, decided.revision);
            (card, decision, document, is_current)
        };
        let Some(revision) = card.revision(decided.revision) else {
            return Ok(());
        };
        if !revision.accepted.violated.is_empty() {
            // The daemon made the card itself, and there is nobody to answer to.
            if decision.delivered.is_none() {
                let event = Event::Delivered {
                    handoff: id,
                    revision: decided.revision,
                    decision: seq,
                    at: Vec::new(),
                };
                page.events.push((Actor::Daemon, event));
            }
            return Ok(());
        }
        if document.released_to.is_some() {
            let edited = decided.edited.as_ref();
            self.release(workspace, (&revision.accepted, edited), at)?;
            if card.released.is_none() {
                let event = Event::Released {
                    handoff: id,
                    revision: decided.revision,
                    folder: format!("{}/{id}", names::APPROVED),
                    manifest_sha256: document.approved_manifest(),
                };
                page.events.push((Actor::Daemon, event));
            }
        }
        let answer = Answer {
            document,
            title: &revision.accepted.title,
            destinations: if is_current {
                destinations(workspace, &card, decided.revision)?
            } else {
                Vec::new()
            },
            is_current,
            had: decision.delivered.is_some().then_some(true),
        };
        self.answer(workspace, &answer, page)?;
        if decision.delivered.is_some() {
            return Ok(());
        }
        let event = if is_current {
            outcome(&card, decided.revision, seq, &answer.destinations)
        } else {
            Some(Event::Delivered {
                handoff: id,
                revision: decided.revision,
                decision: seq,
                at: Vec::new(),
            })
        };
        page.events
            .extend(event.map(|event| (Actor::Daemon, event)));
        Ok(())
    }

    /// Tells the agent that a handoff was taken back: who waits for the file must not wait for ever.
    pub(super) fn withdrawal(
        &self,
        workspace: &Workspace,
        seq: u64,
        id: HandoffId,
        page: &mut Page,
    ) -> Result<(), WritebackError> {
        let (card, document, is_current) = {
            let state = self.ledger.state();
            let Some(card) = state.card(id).cloned() else {
                return Ok(());
            };
            let withdrawal = card.withdrawn.as_ref().filter(|one| one.seq == seq);
            let Some(document) = withdrawal.and_then(|one| withdrawal_document(&state, &card, one))
            else {
                return Ok(());
            };
            let newest = state.card_of_subject(&card.workspace, &card.subject);
            let is_current = newest.is_none_or(|newest| newest.id == id);
            (Arc::clone(&card), document, is_current)
        };
        let Some(revision) = card.revision(document.revision) else {
            return Ok(());
        };
        let number = document.revision;
        let answer = Answer {
            document,
            title: &revision.accepted.title,
            destinations: if is_current {
                destinations(workspace, &card, number)?
            } else {
                Vec::new()
            },
            is_current,
            had: None,
        };
        self.answer(workspace, &answer, page)?;
        if is_current && answer.destinations.is_empty() {
            let event = outcome(&card, number, seq, &answer.destinations);
            page.events
                .extend(event.map(|event| (Actor::Daemon, event)));
        }
        Ok(())
    }

    /// Writes the files of an answer: next to the handoff while that is what stands there, and into our own
    /// folder.
    pub(super) fn answer(
        &self,
        workspace: &Workspace,
        answer: &Answer<'_>,
        page: &mut Page,
    ) -> Result<(), WritebackError> {
        let document = &answer.document;
        let bytes = json(document);
        let feedback = feedback(document, answer.title).into_bytes();
        let patch = self.patch(document)?;
        let mut here = workspace.answering();
        let own = own_folder(workspace, document.handoff_id)?;
        if page.inherited {
            own.remove_temporaries()?;
        }
        let record = format!("decision.r{}.json", document.revision);
        let undelivered = format!("undelivered.r{}.json", document.revision);
        // The copy in our own folder is written after the agent's. Where it stands, the agent had its answer,
        // and may have moved it away since; unless there was no place to put it.
        let had = match answer.had {
            Some(had) => had,
            None => holds(&own, &record, &bytes)? && own.kind(Path::new(&undelivered))?.is_none(),
        };
        fault::step("writeback.before_decision");
        for Destination { at, answers } in &answer.destinations {
            let had = had && !self.was_cleared(answers, &here, answer, &at.file)?;
            let names = names::answers_for(&at.file);
            let patch = patch.as_ref().map(|patch| (&names.patch, patch));
            let words = [(&names.feedback, &feedback), (&names.decision, &bytes)];
            for (name, bytes) in patch.into_iter().chain(words) {
                if had {
                    // What a crash kept from being noted: only so will the next receipt clear it.
                    let noted = answers.note(&mut here, name, Some(Digest::of(bytes)));
                    page.written.push(noted);
                } else {
                    self.write(answers, &mut here, name, bytes, true, page)?;
                }
            }
        }
        fault::step("writeback.after_decision");
        let is_undelivered = answer.is_current && answer.destinations.is_empty();
        if is_undelivered {
            // Before the record, which would say that the agent had it.
            own.publish(Path::new(&undelivered), &bytes, FILE_MODE, true)?;
        }
        own.publish(Path::new("feedback.md"), &feedback, FILE_MODE, true)?;
        if let Some(patch) = &patch {
            let name = format!("decision.r{}.patch", document.revision);
            own.publish(Path::new(&name), patch, FILE_MODE, true)?;
        }
        own.publish(Path::new(&record), &bytes, FILE_MODE, true)?;
        if !is_undelivered {
            own.remove_own_file(Path::new(&undelivered))?;
        }
        Ok(())
    }
}

impl Writeback {
    /// Checks whether an answer that was put into a folder was taken out by us since: nothing is remembered of it. What
    /// an agent moved away stays remembered.
    fn was_cleared(
        &self,
        answers: &Answers,
        here: &WrittenHere,
        answer: &Answer<'_>,
        file: &str,
    ) -> Result<bool, StoreError> {
        if answer.had != Some(true) {
            return Ok(false);
        }
        let key = answers.key(&names::answers_for(file).decision);
        Ok(match here.get(&key) {
            Some(known) => known.is_none(),
            None => self.ledger.value(Space::Written, key)?.is_none(),
        })
    }

    /// Checks whether `accepted`, or a handoff that came to its place after it, has an answer that was put there already.
    pub(super) fn is_answered(
        &self,
        workspace: &Workspace,
        accepted: &Accepted,
    ) -> Result<bool, Error> {
        let (card, newest) = {
            let state = self.ledger.state();
            let card = state.card(accepted.handoff).cloned();
            let newest = card.as_ref().and_then(|card| {
                state
                    .card_of_subject(&card.workspace, &card.subject)
                    .cloned()
            });
            (card, newest)
        };
        let Some((card, newest)) = card.zip(newest) else {
            return Ok(false);
        };
        let least = if newest.id == card.id {
            accepted.revision
        } else {
            0
        };
        let decided = newest.decisions.iter();
        let mut decided = decided.filter(|one| one.decided.revision >= least);
        if decided.any(|one| one.delivered.is_some()) {
            return Ok(true);
        }
        // Of an answer that takes a handoff back, only its copy says that it was written.
        match &newest.withdrawn {
            Some(withdrawn) if withdrawn.revision >= least => {
                let own = own_folder(workspace, newest.id)?;
                let record = format!("decision.r{}.json", withdrawn.revision);
                Ok(own.kind(Path::new(&record))?.is_some())
            }
            _ => Ok(false),
        }
    }
}

/// Whether nothing newer stands in the place of `revision`. An answer that came too late to be read is kept, but no
/// longer stands beside the newer work.
pub(super) fn is_current(state: &State, card: &Card, revision: u32) -> bool {
    let newest = state.card_of_subject(&card.workspace, &card.subject);
    card.state.revision() == revision && newest.is_none_or(|newest| newest.id == card.id)
}

impl Writeback {
    /// What leads from the agent's files to those that a person approved in their place.
    fn patch(&self, document: &DecisionDocument) -> Result<Option<Vec<u8>>, WritebackError> {
        let Some(edited) = &document.edited else {
            return Ok(None);
        };
        let mut patch = Vec::new();
        let mut sealed = self.sealed(edited.patch_sha256)?;
        sealed
            .read_to_end(&mut patch)
            .map_err(|error| Error::new("read", "the sealed patch", error))?;
        Ok(Some(patch))
    }
}

/// An answer on its way to the agent.
pub(super) struct Answer<'a> {
    pub(super) document: DecisionDocument,
    /// The handoff in one line.
    pub(super) title: &'a str,
    /// The folders that it goes to.
    pub(super) destinations: Vec<Destination>,
    /// Whether nothing newer stands there.
    pub(super) is_current: bool,
    /// Whether the agent had it already, if that is known.
    pub(super) had: Option<bool>,
}

/// Our own folder for the handoff in its workspace. What is in it is ours to replace.
pub(super) fn own_folder(workspace: &Workspace, id: HandoffId) -> Result<Dir, Error> {
    let name = format!("{}/handoffs/{id}", names::OWN_FOLDER);
    workspace.dir().make_folder(Path::new(&name), FOLDER_MODE)
}

/// Whether the file `name` holds exactly `bytes`.
fn holds(own: &Dir, name: &str, bytes: &[u8]) -> Result<bool, Error> {
    let name = Path::new(name);
    if own.kind(name)? != Some(FileKind::File) {
        return Ok(false);
    }
    let found = read_limited(&own.open_file(name)?, bytes.len() as u64);
    Ok(found.is_ok_and(|(found, _)| found == bytes))
}

/// Words as one item of a list, whatever lines they have.
fn within(text: &str) -> String {
    text.replace('\n', "\n    ")
}

/// What stands before words about a part of the work.
fn place(place: &Place) -> String {
    match (&place.path, place.to_string()) {
        (None, _) => String::new(),
        (Some(path), part) if part.is_empty() => format!("`{path}`: "),
        (Some(path), part) => format!("`{path}` {part}: "),
    }
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
        let heading = match outcome {
            Outcome::ChangesRequested => "Asked of you",
            _ => "Said about it",
        };
        let _ = writeln!(text, "\n## {heading}\n");
        for request in &document.requests {
            let place = place(&request.place());
            let _ = writeln!(text, "- {}: {place}{}", request.id, within(&request.text));
        }
    }
    if let Some(edited) = &document.edited {
        let _ = writeln!(text, "\n## Changed before it was approved\n");
        for file in &edited.files {
            let _ = writeln!(text, "- `{}`", file.path);
        }
        let _ = writeln!(
            text,
            "\nYour own files are as you left them; `decision.patch` leads to what was approved (`patch -p1`)."
        );
    }
    if !document.threads.is_empty() {
        let _ = writeln!(text, "\n## Still open from before\n");
        for open in &document.threads {
            let (thread, revision) = (open.thread, open.revision);
            let place = place(&open.place);
            let _ = writeln!(text, "- Thread {thread}, revision {revision}: {place}");
            for said in &open.said {
                let _ = writeln!(text, "  - {}: {}", said.by, within(&said.text));
            }
        }
    }
    let next = match outcome {
        Outcome::Approved => "Go on with your task.",
        Outcome::Edited => "Go on with your task, and with these versions.",
        Outcome::ChangesRequested => {
            "Make the changes, move `decision.json` away, and write the handoff again."
        }
        Outcome::Rejected => "Stop. The handoff is closed.",
        Outcome::Cancelled => "It was taken back, and nobody is asked any more.",
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
