//! What the desk in memory starts with, and how its cards look.

use std::collections::BTreeSet;

use countersign_protocol::{
    Digest, HandoffId,
    decision::{DecidedArtifact, DecidedBy, DecisionDocument, LogReference, Outcome, Resume},
    handoff::Trigger,
    principal::Method,
    problem::ProblemKind,
};
use serde_json::Value;

use super::{Card, File, NOW, SESSION, START, World};
use crate::desk::{
    Agent, Answer, Base, Change, Check, DeadLetter, DecidedRow, Effect, FileRow, HandoffRow,
    Person, Review, Risk, RiskLevel, TimelineItem, TokenRow,
};

/// The world at the start.
pub(super) fn world() -> World {
    World {
        cards: vec![
            card(1, "alpha", "Release notes", &[b"one\ntwo\n", b"one\n2\n"]),
            card(2, "beta", "Price list", &[b"3\n"]),
        ],
        sessions: BTreeSet::from([SESSION.to_owned()]),
        start: BTreeSet::from([START.to_owned()]),
        tokens: vec![TokenRow {
            id: "t1".to_owned(),
            agent: "writer".to_owned(),
            workspaces: vec!["alpha".to_owned()],
            created_at: NOW,
            expires_at: None,
            revoked: false,
        }],
        dead_letters: vec![DeadLetter {
            seq: 3,
            workspace: "beta".to_owned(),
            file: "broken/handoff.json".to_owned(),
            kind: ProblemKind::MalformedJson,
            errors: Vec::new(),
            at: NOW,
            text: Some("{".to_owned()),
        }],
        ready: true,
        seq: 4,
    }
}

fn card(id: u64, workspace: &str, title: &str, contents: &[&[u8]]) -> Card {
    let revision = |bytes: &&[u8]| {
        vec![File {
            path: "notes/report.md".to_owned(),
            bytes: bytes.to_vec(),
        }]
    };
    Card {
        id: HandoffId(id),
        workspace: workspace.to_owned(),
        title: title.to_owned(),
        revisions: contents.iter().map(revision).collect(),
        decision: None,
        withdrawn: false,
        comments: Vec::new(),
    }
}

/// The person of the scene.
pub(crate) fn maya(method: Method) -> Person {
    Person {
        id: "local:maya".to_owned(),
        display: "Maya Okafor".to_owned(),
        method,
    }
}

/// The agent of `workspace`.
pub(crate) fn agent_of(workspace: &str) -> Agent {
    Agent {
        token: format!("t-{workspace}"),
        agent: format!("agent-{workspace}"),
        workspaces: vec![workspace.to_owned()],
    }
}

impl Card {
    /// The number of the newest revision.
    pub(crate) fn newest(&self) -> u32 {
        u32::try_from(self.revisions.len()).unwrap()
    }

    /// The files of a revision.
    pub(crate) fn files(&self, revision: u32) -> Option<&Vec<File>> {
        self.revisions
            .get(usize::try_from(revision).ok()?.checked_sub(1)?)
    }

    /// The digest that a decision binds to.
    pub(crate) fn manifest(&self, revision: u32) -> Digest {
        let files = self.files(revision).unwrap();
        let all: Vec<u8> = files.iter().flat_map(|file| file.bytes.clone()).collect();
        Digest::of(&all)
    }

    /// How it stands.
    pub(crate) fn state(&self) -> &'static str {
        match &self.decision {
            _ if self.withdrawn => "withdrawn",
            None => "waiting",
            Some(decision) if decision.revision < self.newest() => "waiting",
            Some(decision) => match decision.outcome {
                Outcome::Approved => "approved",
                Outcome::ChangesRequested => "changes_requested",
                Outcome::Rejected => "rejected",
                _ => "responded",
            },
        }
    }

    /// Its row in the queue.
    pub(crate) fn row(&self) -> HandoffRow {
        HandoffRow {
            id: self.id,
            revision: self.newest(),
            title: self.title.clone(),
            why: "Everything is shown to a person.".to_owned(),
            agent: "writer".to_owned(),
            workspace: self.workspace.clone(),
            folder: String::new(),
            state: self.state().to_owned(),
            trigger: Trigger::Completion,
            risk: Risk {
                level: RiskLevel::Low,
                reasons: Vec::new(),
            },
            confidence: Some(0.9),
            floor: 0.8,
            class: "internal".to_owned(),
            files: 1,
            changed_since_my_review: false,
            handed_over_at: NOW,
            due_at: None,
            manifest_sha256: self.manifest(self.newest()),
            decided: self.decision.as_ref().map(|decision| DecidedRow {
                outcome: decision.outcome,
                by: decision.decided_by.display.clone(),
                at: decision.decided_at,
                revision: decision.revision,
                delivered: true,
            }),
            stalled: false,
        }
    }

    /// Everything about `revision`, against `base` when there is one.
    pub(crate) fn review(&self, revision: u32, base: Option<u32>) -> Option<Review> {
        let waiting = self.state() == "waiting";
        let answers = ["approve", "changes", "reject", "respond"];
        Some(Review {
            row: self.row(),
            revision,
            manifest_sha256: self.manifest(revision),
            sender: "file owner uid 1000".to_owned(),
            ask: "Read it.".to_owned(),
            summary: Some("It is done.".to_owned()),
            completed: Vec::new(),
            remaining: Vec::new(),
            pitfalls: Vec::new(),
            choices: Vec::new(),
            questions: Vec::new(),
            effects: vec![Effect {
                answer: "none".to_owned(),
                text: "Nothing happens.".to_owned(),
            }],
            answers: answers
                .iter()
                .filter(|_| waiting)
                .map(ToString::to_string)
                .collect(),
            checks: vec![Check {
                ok: true,
                verified: true,
                text: "The files are sealed.".to_owned(),
            }],
            files: self.changes(revision, base)?,
            base: base.map(|revision| Base {
                revision,
                label: format!("revision {revision}"),
            }),
            bases: Vec::new(),
            earlier_requests: Vec::new(),
            timeline: vec![TimelineItem {
                at: NOW,
                kind: "revision".to_owned(),
                title: format!("Revision {revision}"),
                detail: None,
                seq: 1,
            }],
            comments: self.comments.clone(),
            facts: Vec::new(),
            warnings: Vec::new(),
            decision: self.decision.clone(),
            delivered: self.decision.is_some(),
            position: waiting.then_some((1, 2)),
            previous: None,
            next: None,
            document: Some("{}".to_owned()),
        })
    }

    fn changes(&self, revision: u32, base: Option<u32>) -> Option<Vec<FileRow>> {
        let base = match base {
            Some(base) => self.files(base)?.as_slice(),
            None => &[],
        };
        let row = |file: &File| {
            let before = base.iter().find(|old| old.path == file.path);
            FileRow {
                path: file.path.clone(),
                size: file.bytes.len() as u64,
                sha256: Digest::of(&file.bytes),
                change: match before {
                    None => Change::Added,
                    Some(old) if old.bytes == file.bytes => Change::Unchanged,
                    Some(_) => Change::Modified,
                },
                declared: true,
                kept: true,
                executable: false,
                title: None,
            }
        };
        Some(self.files(revision)?.iter().map(row).collect())
    }

    /// The decision that `answer` makes.
    pub(crate) fn decide(&self, person: &Person, answer: &Answer, index: u64) -> DecisionDocument {
        let files = self.files(answer.revision).unwrap();
        DecisionDocument {
            decision_version: "1.0".to_owned(),
            handoff_id: self.id,
            agent_handoff_id: None,
            task_id: None,
            revision: answer.revision,
            handoff_sha256: Digest::of(b"{}"),
            manifest_sha256: answer.manifest_sha256,
            outcome: answer.outcome,
            decided_at: NOW,
            decided_by: DecidedBy {
                principal: person.id.clone(),
                display: person.display.clone(),
                method: person.method,
            },
            comment: answer.comment.clone(),
            requests: answer.requests.clone(),
            artifacts: files
                .iter()
                .map(|file| DecidedArtifact {
                    path: file.path.clone(),
                    sha256: Digest::of(&file.bytes),
                })
                .collect(),
            released_to: None,
            resume: Resume {
                dialect: "handoff".to_owned(),
                from_checkpoint: None,
                payload: Value::Null,
            },
            log: LogReference {
                index,
                hash: Digest::ZERO,
            },
        }
    }
}
