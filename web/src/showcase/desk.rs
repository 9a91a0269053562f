//! The desk in memory. It keeps the promises of [`Desk`] that pages rely on: decisions bind to
//! revision and digest, the first answer wins, and every change moves the head.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use countersign_protocol::{
    Digest, HandoffId,
    decision::{DecidedArtifact, DecidedBy, DecisionDocument, LogReference, Outcome, Resume},
    manifest::{Manifest, ManifestEntry},
    receipt::Receipt,
};
use serde_json::Value;
use tokio::sync::watch;

use super::sample;
use crate::desk::{
    ActivityRow, Agent, Answer, Base, Caller, ChainReport, Change, Comment, DeadLetter, DecidedRow,
    Desk, DeskError, FileBytes, FileRow, HandoffRow, Health, NewSession, NewToken, Person, Queue,
    QueueCounts, QueueView, Review, Submission, TokenRow, WaitAnswer,
};

/// The secret of the session that is always open.
pub const SESSION: &str = "session-of-maya";
/// A start token that is taken every time.
pub const START_TOKEN: &str = "start-of-maya";

/// The files of one revision: bytes, and whether the handoff names them.
pub(super) type Files = BTreeMap<String, (Vec<u8>, bool)>;

/// A handoff with its revisions, the oldest first.
#[derive(Clone, Debug)]
pub(super) struct Card {
    /// What does not depend on the revision that is shown.
    pub(super) review: Review,
    pub(super) revisions: Vec<Files>,
    pub(super) decisions: BTreeMap<u32, DecisionDocument>,
    pub(super) delivered: bool,
}

#[derive(Debug)]
struct State {
    cards: BTreeMap<u64, Card>,
    dead_letters: Vec<DeadLetter>,
    activity: Vec<ActivityRow>,
    views: usize,
}

/// A desk in memory.
#[derive(Debug)]
pub struct Showcase {
    state: Mutex<State>,
    head: watch::Sender<u64>,
}

impl Default for Showcase {
    fn default() -> Self {
        Self::new()
    }
}

impl Showcase {
    /// A desk with the sample work.
    pub fn new() -> Self {
        Self::with(sample::cards())
    }

    /// A desk on which nothing was ever laid.
    pub fn empty() -> Self {
        let desk = Self::with(Vec::new());
        desk.lock().dead_letters.clear();
        desk.lock().activity.clear();
        desk
    }

    fn with(cards: Vec<Card>) -> Self {
        let state = State {
            cards: cards
                .into_iter()
                .map(|card| (card.review.row.id.0, card))
                .collect(),
            dead_letters: sample::dead_letters(),
            activity: sample::activity(),
            views: 0,
        };
        Self {
            state: Mutex::new(state),
            head: watch::Sender::new(100),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moved(&self) -> u64 {
        self.head.send_modify(|seq| *seq += 1);
        *self.head.borrow()
    }

    /// How often a page was noted as seen.
    pub fn views(&self) -> usize {
        self.lock().views
    }

    /// Hands over another revision with `path` changed to `bytes`.
    pub fn revise(&self, id: HandoffId, path: &str, bytes: &[u8]) {
        if let Some(card) = self.lock().cards.get_mut(&id.0) {
            let mut files = card.revisions.last().cloned().unwrap_or_default();
            files.insert(path.to_owned(), (bytes.to_vec(), true));
            card.revisions.push(files);
            card.settle();
        }
        self.moved();
    }

    /// Puts the last answer into the agent's folder.
    pub fn deliver(&self, id: HandoffId) {
        if let Some(card) = self.lock().cards.get_mut(&id.0) {
            card.delivered = true;
            card.settle();
        }
        self.moved();
    }
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
        });
    }

    fn files(&self, revision: u32) -> Option<&Files> {
        self.revisions.get(revision.checked_sub(1)? as usize)
    }

    fn manifest(&self, revision: u32) -> Manifest {
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

    fn show(&self, revision: Option<u32>, base: Option<u32>) -> Result<Review, DeskError> {
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
        review.files = compare(files, before);
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

fn view_of(row: &HandoffRow) -> QueueView {
    match row.state.as_str() {
        "waiting" => QueueView::Turn,
        "changes_requested" => QueueView::Agents,
        _ => QueueView::Decided,
    }
}

fn not_found(id: HandoffId) -> DeskError {
    DeskError::NotFound(id.to_string())
}

fn unsupported<T>() -> Result<T, DeskError> {
    Err(DeskError::Unavailable(
        "The desk in memory does not do this".to_owned(),
    ))
}

#[async_trait]
impl Desk for Showcase {
    async fn redeem_start_token(&self, token: &str) -> Option<NewSession> {
        (token == START_TOKEN).then(|| NewSession {
            secret: SESSION.to_owned(),
            lifetime: Duration::from_hours(12),
        })
    }

    async fn session(&self, secret: &str) -> Option<Person> {
        (secret == SESSION).then(sample::maya)
    }

    async fn sign_out(&self, _: &str) {}

    async fn bearer(&self, secret: &str) -> Option<Caller> {
        (secret == "agent").then(|| {
            Caller::Agent(Agent {
                token: "t1".to_owned(),
                agent: "ledger-migrator".to_owned(),
                workspaces: vec!["billing-backfill".to_owned()],
            })
        })
    }

    async fn start_link(&self, _: &Person) -> Result<String, DeskError> {
        unsupported()
    }

    async fn queue(
        &self,
        _: &Caller,
        view: QueueView,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Queue, DeskError> {
        let state = self.lock();
        let rows = || state.cards.values().map(|card| card.review.row.clone());
        let count = |of| rows().filter(|row| view_of(row) == of).count();
        let mut wanted: Vec<_> = rows().filter(|row| view_of(row) == view).collect();
        wanted.sort_by_key(|row| {
            (
                row.due_at.is_none(),
                row.due_at,
                std::cmp::Reverse(row.risk.level),
            )
        });
        let skip: usize = cursor.and_then(|text| text.parse().ok()).unwrap_or(0);
        let more = wanted.len() > skip + limit;
        Ok(Queue {
            rows: wanted.into_iter().skip(skip).take(limit).collect(),
            counts: QueueCounts {
                turn: count(QueueView::Turn),
                agents: count(QueueView::Agents),
                decided: count(QueueView::Decided),
            },
            dead_letters: state.dead_letters.clone(),
            next_cursor: more.then(|| (skip + limit).to_string()),
            seq: *self.head.borrow(),
        })
    }

    async fn row(&self, _: &Caller, id: HandoffId) -> Result<HandoffRow, DeskError> {
        let state = self.lock();
        let card = state.cards.get(&id.0).ok_or_else(|| not_found(id))?;
        Ok(card.review.row.clone())
    }

    async fn review(
        &self,
        _: &Caller,
        id: HandoffId,
        revision: Option<u32>,
        base: Option<u32>,
    ) -> Result<Review, DeskError> {
        let state = self.lock();
        let card = state.cards.get(&id.0).ok_or_else(|| not_found(id))?;
        card.show(revision, base)
    }

    async fn file(
        &self,
        _: &Caller,
        id: HandoffId,
        revision: u32,
        path: &str,
        limit: u64,
    ) -> Result<FileBytes, DeskError> {
        let state = self.lock();
        let (bytes, _) = state
            .cards
            .get(&id.0)
            .and_then(|card| card.files(revision)?.get(path))
            .ok_or_else(|| DeskError::NotFound(format!("`{path}`")))?;
        let end = bytes
            .len()
            .min(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(FileBytes {
            path: path.to_owned(),
            sha256: Digest::of(bytes),
            size: bytes.len() as u64,
            bytes: bytes[..end].to_vec(),
        })
    }

    async fn dead_letters(&self, _: &Caller) -> Result<Vec<DeadLetter>, DeskError> {
        Ok(self.lock().dead_letters.clone())
    }

    async fn activity(
        &self,
        _: &Caller,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ActivityRow>, DeskError> {
        let rows = self.lock().activity.clone().into_iter();
        Ok(rows
            .filter(|row| before.is_none_or(|before| row.seq < before))
            .take(limit)
            .collect())
    }

    async fn wait(
        &self,
        _: &Caller,
        _: HandoffId,
        _: Option<u32>,
        _: Duration,
    ) -> Result<WaitAnswer, DeskError> {
        unsupported()
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    async fn health(&self) -> Health {
        sample::health()
    }

    async fn verify_chain(&self, _: &Person) -> Result<ChainReport, DeskError> {
        unsupported()
    }

    async fn viewed(&self, _: &Person, _: HandoffId, _: u32, _: Digest) -> Result<(), DeskError> {
        self.lock().views += 1;
        Ok(())
    }

    async fn decide(
        &self,
        who: &Person,
        id: HandoffId,
        answer: Answer,
    ) -> Result<DecisionDocument, DeskError> {
        let mut state = self.lock();
        let card = state.cards.get_mut(&id.0).ok_or_else(|| not_found(id))?;
        let row = &card.review.row;
        if row.state != "waiting" {
            let by = row.decided.as_ref().map_or("nobody", |last| &last.by);
            return Err(DeskError::Conflict {
                id,
                why: format!("was already answered by {by}"),
            });
        }
        if answer.revision != row.revision || answer.manifest_sha256 != row.manifest_sha256 {
            return Err(DeskError::Stale {
                id,
                revision: row.revision,
                manifest_sha256: row.manifest_sha256,
                answered: answer.revision,
            });
        }
        let manifest = card.manifest(answer.revision);
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
            },
            comment: answer.comment,
            requests: answer.requests,
            artifacts: manifest
                .entries
                .iter()
                .map(|entry| DecidedArtifact {
                    path: entry.path.clone(),
                    sha256: entry.sha256,
                })
                .collect(),
            released_to: (answer.outcome == Outcome::Approved).then(|| format!("approved/{id}")),
            resume: Resume {
                dialect: "contract-1.0".to_owned(),
                from_checkpoint: Some(6),
                payload: Value::Null,
            },
            log: LogReference {
                index: *self.head.borrow() + 1,
                hash: Digest::ZERO,
            },
        };
        card.decisions.insert(answer.revision, document.clone());
        card.delivered = false;
        card.settle();
        drop(state);
        self.moved();
        Ok(document)
    }

    async fn comment(&self, who: &Caller, id: HandoffId, text: String) -> Result<(), DeskError> {
        let (by, agent) = match who {
            Caller::Person(person) => (person.display.clone(), false),
            Caller::Agent(agent) => (agent.agent.clone(), true),
        };
        {
            let mut state = self.lock();
            let card = state.cards.get_mut(&id.0).ok_or_else(|| not_found(id))?;
            card.review.comments.push(Comment {
                by,
                agent,
                at: sample::now(),
                text,
            });
        }
        self.moved();
        Ok(())
    }

    async fn withdraw(&self, _: &Caller, _: HandoffId, _: Option<String>) -> Result<(), DeskError> {
        unsupported()
    }

    async fn submit(&self, _: &Caller, _: Submission) -> Result<Receipt, DeskError> {
        unsupported()
    }

    async fn checkpoint(
        &self,
        _: &Caller,
        _: &str,
        _: &str,
        _: Value,
    ) -> Result<Digest, DeskError> {
        unsupported()
    }

    async fn create_token(&self, _: &Person, _: NewToken) -> Result<(TokenRow, String), DeskError> {
        unsupported()
    }

    async fn tokens(&self, _: &Person) -> Result<Vec<TokenRow>, DeskError> {
        unsupported()
    }

    async fn revoke_token(&self, _: &Person, _: &str) -> Result<(), DeskError> {
        unsupported()
    }
}
