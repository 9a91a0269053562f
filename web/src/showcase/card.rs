//! A handoff of the desk in memory, with its revisions.

use std::collections::BTreeMap;

use countersign_protocol::{
    Digest,
    decision::{
        ChangeRequest, DecidedArtifact, DecidedBy, DecisionDocument, LogReference, Outcome, Resume,
    },
    manifest::{Manifest, ManifestEntry},
    provenance::Provenance,
    terms::Terms,
};
use serde_json::Value;

use super::sample;
use crate::desk::{
    Answer, Base, Change, DecidedRow, DeskError, FileRow, Person, ReasonRow, Review,
};

/// The files of one revision: bytes, and whether the handoff names them.
pub(crate) type Files = BTreeMap<String, (Vec<u8>, bool)>;

/// A handoff with its revisions, the oldest first.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    /// What does not depend on the revision that is shown.
    pub(crate) review: Review,
    pub(crate) revisions: Vec<Files>,
    pub(super) decisions: BTreeMap<u32, DecisionDocument>,
    pub(super) delivered: bool,
    /// Texts that were edited, by path.
    pub(super) texts: BTreeMap<String, String>,
}

impl Card {
    /// Brings the facts of the row in line with revisions and decisions.
    pub(super) fn settle(&mut self) {
        let newest = u32::try_from(self.revisions.len()).unwrap_or(u32::MAX);
        let manifest = self.manifest(newest).digest();
        let delivered = self.delivered;
        let row = &mut self.review.row;
        row.revision = newest;
        row.manifest_sha256 = manifest;
        row.files = self.revisions.last().map_or(0, BTreeMap::len);
        let last = self.decisions.values().next_back();
        row.changed_since_my_review = last.is_some_and(|last| last.revision < newest);
        let state = match last {
            Some(last) if last.revision == newest => match last.outcome {
                Outcome::ChangesRequested => "changes_requested",
                Outcome::Rejected => "rejected",
                Outcome::Responded => "responded",
                _ => "approved",
            },
            _ => "waiting",
        };
        state.clone_into(&mut row.state);
        row.decided = last.map(|last| DecidedRow {
            outcome: last.outcome,
            by: last.decided_by.display.clone(),
            at: last.decided_at,
            revision: last.revision,
            delivered,
            undelivered: false,
        });
    }

    pub(super) fn files(&self, revision: u32) -> Option<&Files> {
        self.revisions.get(revision.checked_sub(1)? as usize)
    }

    pub(super) fn manifest(&self, revision: u32) -> Manifest {
        let entries = self
            .files(revision)
            .into_iter()
            .flatten()
            .map(|(path, (bytes, declared))| ManifestEntry {
                path: path.clone(),
                size: bytes.len() as u64,
                sha256: Digest::of(bytes),
                executable: path.starts_with("scripts/"),
                declared: *declared,
                kept: true,
                role: None,
                title: None,
            })
            .collect();
        Manifest::new(Digest::of(self.review.ask.as_bytes()), entries)
    }

    /// Everything about `revision`, against `base` when there is one.
    pub(super) fn show(
        &self,
        revision: Option<u32>,
        base: Option<u32>,
    ) -> Result<Review, DeskError> {
        let newest = self.review.row.revision;
        let revision = revision.unwrap_or(newest);
        let missing = || DeskError::NotFound(format!("revision {revision}"));
        let files = self.files(revision).ok_or_else(missing)?;
        let base = base
            .or_else(|| revision.checked_sub(1))
            .filter(|base| *base != revision && self.files(*base).is_some());
        let before = base.and_then(|base| self.files(base));
        let label = |of: u32| {
            if self.decisions.contains_key(&of) {
                format!("your last decision (revision {of})")
            } else {
                format!("revision {of}")
            }
        };
        let bases = (1..=newest).filter(|of| *of != revision).map(|of| Base {
            revision: of,
            label: label(of),
        });
        let mut review = self.review.clone();
        review.revision = revision;
        review.manifest_sha256 = self.manifest(revision).digest();
        review.files = compare(files, before).into();
        review.base = base.map(|of| Base {
            revision: of,
            label: label(of),
        });
        review.bases = bases.collect();
        review.decision = self.decisions.get(&revision).cloned();
        review.delivered = self.delivered;
        if review.row.state != "waiting" {
            review.answers.clear();
            review.position = None;
        }
        if let Some(last) = self.decisions.values().next_back() {
            review.earlier_requests.clone_from(&last.requests);
        }
        Ok(review)
    }

    /// The decision about the newest revision, and the number of that one.
    pub(super) fn newest_decision(&self) -> (Option<DecisionDocument>, u32) {
        let newest = self.review.row.revision;
        (self.decisions.get(&newest).cloned(), newest)
    }

    /// Keeps the decision that `answer` makes, as entry `index`.
    pub(super) fn decide(
        &mut self,
        who: &Person,
        mut answer: Answer,
        index: u64,
    ) -> DecisionDocument {
        let drafts = std::mem::take(&mut self.review.drafts).into_iter();
        let drafts = drafts.map(|draft| ChangeRequest::at(draft.place, draft.text));
        answer.requests.extend(drafts);
        let id = self.review.row.id;
        let manifest = self.manifest(answer.revision);
        let document = DecisionDocument {
            decision_version: "1.0".to_owned(),
            handoff_id: id,
            agent_handoff_id: None,
            task_id: None,
            revision: answer.revision,
            handoff_sha256: manifest.document,
            manifest_sha256: answer.manifest_sha256,
            outcome: answer.outcome,
            decided_at: sample::now(),
            decided_by: DecidedBy {
                principal: who.id.clone(),
                display: who.display.clone(),
                method: who.method,
                verified: None,
            },
            votes: Vec::new(),
            comment: answer.comment,
            requests: answer.requests,
            threads: Vec::new(),
            artifacts: manifest
                .entries
                .iter()
                .map(|entry| DecidedArtifact {
                    path: entry.path.clone(),
                    sha256: entry.sha256,
                })
                .collect(),
            released_to: answer
                .outcome
                .is_approval()
                .then(|| format!("approved/{id}")),
            answers: answer.answers,
            reasons: Vec::new(),
            edited: None,
            terms: Terms::default(),
            envelope: None,
            partial: None,
            resume: Resume {
                dialect: "contract-1.0".to_owned(),
                from_checkpoint: Some(6),
                payload: Value::Null,
            },
            log: LogReference {
                index,
                hash: Digest::ZERO,
            },
        };
        self.review.edits.clear();
        self.decisions.insert(answer.revision, document.clone());
        self.delivered = false;
        self.settle();
        document
    }
}

fn compare(files: &Files, before: Option<&Files>) -> Vec<FileRow> {
    let row = |path: &String, (bytes, declared): &(Vec<u8>, bool), change| FileRow {
        path: path.clone(),
        size: bytes.len() as u64,
        sha256: Digest::of(bytes),
        change,
        declared: *declared,
        kept: true,
        executable: path.starts_with("scripts/"),
        title: None,
        from_path: None,
        percent: None,
        provenance: Provenance::Claimed,
    };
    let mut rows: Vec<_> = files
        .iter()
        .map(|(path, file)| {
            let change = match before.and_then(|before| before.get(path)) {
                Some(old) if old.0 == file.0 => Change::Unchanged,
                Some(_) => Change::Modified,
                None => Change::Added,
            };
            row(path, file, change)
        })
        .collect();
    let gone = before.into_iter().flatten();
    rows.extend(
        gone.filter(|(path, _)| !files.contains_key(*path))
            .map(|(path, file)| row(path, file, Change::Removed)),
    );
    rows.sort_by(|a, b| a.path.cmp(&b.path));
    rows
}

/// Words that are kept ready.
pub(super) fn reasons() -> Vec<ReasonRow> {
    let reason = |name: &str, words: &str| ReasonRow {
        name: name.to_owned(),
        words: words.parse().expect("a phrase"),
        answers: vec![Outcome::ChangesRequested, Outcome::Rejected],
    };
    vec![
        reason(
            "no-source",
            "{which figure} in {where} has no source. Name where it comes from.",
        ),
        reason("no-way-back", "Say how this is undone, and try it once."),
    ]
}
