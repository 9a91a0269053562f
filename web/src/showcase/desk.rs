//! The desk in memory. It keeps the promises of [`Desk`] that pages and API rely on: decisions bind to
//! revision and digest, the first answer wins, an agent sees its own, a link works once, and every
//! change moves the head.

use std::time::Duration;

use async_trait::async_trait;
use countersign_protocol::{
    Digest, HandoffId,
    chain::Head,
    content::{Content, Cut, CutReason, Picture},
    contract::{self, Rules},
    dialect::{self, Format},
    principal::Principal,
    receipt::{Links, Receipt, ReceiptStatus},
};
use jiff::SignedDuration;
use serde_json::Value;
use tokio::sync::watch;

use super::{Showcase, card::Files, sample, sees};
use crate::desk::{
    ActivityRow, Answer, Answered, Caller, ChainReport, ChunkBytes, ContentDesk, DeadLetter, Desk,
    DeskError, Frame, HandoffRow, Health, NewToken, Person, PictureOf, Queue, QueueCounts,
    QueueView, Review, SealedFile, Submission, TokenRow, WaitAnswer,
};

fn view_of(row: &HandoffRow) -> QueueView {
    match row.state.as_str() {
        "waiting" => QueueView::Turn,
        "changes_requested" => QueueView::Agents,
        _ => QueueView::Decided,
    }
}

#[async_trait]
impl ContentDesk for Showcase {
    async fn chunk(
        &self,
        who: &Caller,
        id: HandoffId,
        number: u32,
    ) -> Result<ChunkBytes, DeskError> {
        self.lock().card(who, id)?;
        Err(DeskError::NotFound(format!("chunk {number} of {id}")))
    }

    async fn result_file(
        &self,
        who: &Caller,
        id: HandoffId,
        _: u32,
        path: &str,
    ) -> Result<SealedFile, DeskError> {
        match who {
            Caller::Person(_) => self.open(who, id, 1, path).await,
            Caller::Agent(_) => Err(DeskError::NotFound(format!("`{path}` of {id}"))),
        }
    }

    async fn open(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: u32,
        path: &str,
    ) -> Result<SealedFile, DeskError> {
        let mut state = self.lock();
        let files = state.card(who, id)?.files(revision);
        let (bytes, _) = files
            .and_then(|files| files.get(path))
            .ok_or_else(|| DeskError::NotFound(format!("`{path}` in {id}")))?;
        let size = bytes.len() as u64;
        let sha256 = Digest::of(bytes);
        Ok(SealedFile::new(
            path.to_owned(),
            sha256,
            size,
            bytes.clone(),
        ))
    }

    async fn content(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: u32,
        path: &str,
    ) -> Result<Content, DeskError> {
        let file = self.file(who, id, revision, path, u64::MAX).await?;
        Ok(sample::content(path, &file.bytes))
    }

    async fn picture(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: u32,
        path: &str,
        of: PictureOf,
        _: u32,
    ) -> Result<Result<Picture, Cut>, DeskError> {
        let file = self.file(who, id, revision, path, u64::MAX).await?;
        Ok(match of {
            PictureOf::Image => Ok(Picture {
                width: 320,
                height: 120,
                png: file.bytes,
            }),
            PictureOf::Page(_) | PictureOf::Output(_) => Err(Cut {
                reason: CutReason::Unavailable,
                message: "The desk in memory draws no pages.".to_owned(),
            }),
        })
    }
}

#[async_trait]
impl Desk for Showcase {
    async fn queue(
        &self,
        who: &Caller,
        view: QueueView,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Queue, DeskError> {
        let state = self.lock();
        let mut rows: Vec<_> = state.seen_by(who).map(|card| &card.review.row).collect();
        let count = |of| rows.iter().filter(|row| view_of(row) == of).count();
        let counts = QueueCounts {
            turn: count(QueueView::Turn),
            team: 0,
            snoozed: 0,
            agents: count(QueueView::Agents),
            decided: count(QueueView::Decided),
        };
        rows.retain(|row| view_of(row) == view);
        rows.sort_by_key(|row| {
            let risk = std::cmp::Reverse(row.risk.level);
            (row.due_at.is_none(), row.due_at, risk)
        });
        let skip: usize = cursor.and_then(|text| text.parse().ok()).unwrap_or(0);
        let more = rows.len() > skip + limit;
        Ok(Queue {
            rows: rows.into_iter().skip(skip).take(limit).cloned().collect(),
            counts,
            dead_letters: state.letters(who),
            next_cursor: more.then(|| (skip + limit).to_string()),
            locks: state.locks.locks.iter().filter(|row| row.held).count(),
            seq: self.seq(),
        })
    }

    async fn frame(&self, who: &Caller) -> Result<Frame, DeskError> {
        let queue = self.queue(who, QueueView::Turn, None, 1).await?;
        Ok(Frame {
            turn: queue.counts.turn,
            dead: queue.dead_letters.len(),
            locks: queue.locks,
            seq: queue.seq,
        })
    }

    async fn row(&self, who: &Caller, id: HandoffId) -> Result<HandoffRow, DeskError> {
        Ok(self.lock().card(who, id)?.review.row.clone())
    }

    async fn review(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: Option<u32>,
        base: Option<u32>,
    ) -> Result<Review, DeskError> {
        self.lock().card(who, id)?.show(revision, base)
    }

    async fn dead_letters(&self, who: &Caller) -> Result<Vec<DeadLetter>, DeskError> {
        Ok(self.lock().letters(who))
    }

    async fn activity(
        &self,
        who: &Caller,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ActivityRow>, DeskError> {
        let state = self.lock();
        let seen = |row: &&ActivityRow| match row.handoff.map(|id| state.cards.get(&id.0)) {
            Some(Some(card)) => sees(who, &card.review.row.workspace),
            _ => matches!(who, Caller::Person(_)),
        };
        let rows = state.activity.iter().filter(seen);
        Ok(rows
            .filter(|row| before.is_none_or(|before| row.seq < before))
            .take(limit)
            .cloned()
            .collect())
    }

    async fn wait(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: Option<u32>,
        timeout: Duration,
    ) -> Result<WaitAnswer, DeskError> {
        let mut head = self.head();
        let decided = async {
            loop {
                let (decision, newest) = self.lock().card(who, id)?.newest_decision();
                if decision.is_some() {
                    return Ok::<_, DeskError>((decision, newest));
                }
                // The desk keeps the sender, so the channel never closes.
                let _ = head.changed().await;
            }
        };
        let (decision, newest) = match tokio::time::timeout(timeout, decided).await {
            Ok(answer) => answer?,
            Err(_) => self.lock().card(who, id)?.newest_decision(),
        };
        let state = decision.as_ref().map_or("waiting", |_| "decided");
        Ok(WaitAnswer {
            id,
            revision: revision.unwrap_or(newest),
            state: state.to_owned(),
            decision,
        })
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.watch()
    }

    async fn health(&self) -> Health {
        self.lock().health.clone()
    }

    async fn verify_chain(&self, _: &Person) -> Result<ChainReport, DeskError> {
        let seq = self.seq();
        Ok(ChainReport {
            ok: true,
            entries: seq,
            head: Head {
                seq,
                hash: Digest::ZERO,
            },
            problem: None,
            damaged: Vec::new(),
        })
    }

    async fn viewed(&self, _: &Person, _: HandoffId, _: u32, _: Digest) -> Result<(), DeskError> {
        self.record(|state| state.views += 1);
        Ok(())
    }

    async fn decide(
        &self,
        who: &Person,
        id: HandoffId,
        answer: Answer,
    ) -> Result<Answered, DeskError> {
        let caller = Caller::Person(who.clone());
        let index = self.seq() + 1;
        let mut state = self.lock();
        let card = state.card(&caller, id)?;
        let row = &card.review.row;
        if row.state != "waiting" {
            let by = row.decided.as_ref().map_or("nobody", |last| &last.by);
            return Err(DeskError::Conflict {
                id,
                why: format!("was already answered by {by}"),
            });
        }
        if (answer.revision, answer.manifest_sha256) != (row.revision, row.manifest_sha256) {
            return Err(DeskError::Stale {
                id,
                revision: row.revision,
                manifest_sha256: row.manifest_sha256,
                answered: answer.revision,
            });
        }
        if answer.comment.is_none() && !answer.outcome.is_approval() {
            return Err(DeskError::Invalid {
                field: "comment".to_owned(),
                message: "Say what is asked.".to_owned(),
            });
        }
        let document = card.decide(who, answer, index);
        drop(state);
        self.moved();
        Ok(Answered::Decided(Box::new(document)))
    }

    async fn withdraw(
        &self,
        who: &Caller,
        id: HandoffId,
        _: Option<String>,
    ) -> Result<(), DeskError> {
        let mut state = self.lock();
        "withdrawn".clone_into(&mut state.card(who, id)?.review.row.state);
        drop(state);
        self.moved();
        Ok(())
    }

    async fn submit(&self, who: &Caller, submission: Submission) -> Result<Receipt, DeskError> {
        let format = if submission.yaml {
            Format::Yaml
        } else {
            Format::Json
        };
        let document = dialect::read(submission.document.as_bytes(), format)?;
        let checked = contract::check(&document, Rules::default())?;
        let title = checked.handoff.headline();
        let files: Files = submission
            .files
            .into_iter()
            .map(|(path, bytes)| (path, (bytes, true)))
            .collect();
        let count = files.len();
        let mut state = self.lock();
        let known = state
            .cards
            .values()
            .map(|card| &card.review.row)
            .find(|row| row.title == title && row.workspace == submission.workspace);
        let known = known.map(|row| (row.id, row.manifest_sha256));
        let (id, manifest_sha256) = known.unwrap_or_else(|| {
            let id = HandoffId(state.cards.keys().max().map_or(1, |last| last + 1));
            let row = sample::row(id.0, &title, "", "writer", &submission.workspace);
            let card = sample::card(row, "Read it.", vec![files]);
            let digest = card.review.row.manifest_sha256;
            state.cards.insert(id.0, card);
            (id, digest)
        });
        drop(state);
        if known.is_none() {
            self.moved();
        }
        Ok(Receipt {
            receipt_version: "1.0".to_owned(),
            status: match known {
                Some(_) => ReceiptStatus::Duplicate,
                None => ReceiptStatus::Accepted,
            },
            handoff_id: id,
            revision: 1,
            received_at: sample::now(),
            checks: Vec::new(),
            handoff_sha256: Digest::of(submission.document.as_bytes()),
            manifest_sha256,
            contract_version: checked.handoff.version.clone(),
            profile: checked.handoff.profile.name().to_owned(),
            principal: match who {
                Caller::Person(_) => Principal::Operator,
                Caller::Agent(agent) => Principal::Token {
                    id: agent.token.clone(),
                    agent: agent.agent.clone(),
                },
            },
            from_agent: checked.handoff.from_agent.id.clone(),
            files: count,
            traceparent: submission.traceparent,
            warnings: checked.warnings,
            links: Links {
                review: format!("/h/{id}"),
                status: format!("/api/v1/handoffs/{id}"),
            },
        })
    }

    async fn checkpoint(
        &self,
        _: &Caller,
        _: &str,
        _: &str,
        document: Value,
    ) -> Result<Digest, DeskError> {
        self.moved();
        Ok(Digest::of(document.to_string().as_bytes()))
    }

    async fn create_token(
        &self,
        _: &Person,
        token: NewToken,
    ) -> Result<(TokenRow, String), DeskError> {
        let days = |days: u32| sample::now() + SignedDuration::from_hours(i64::from(days) * 24);
        let row = self.record(|state| {
            let row = TokenRow {
                id: format!("t{}", state.tokens.len() + 1),
                agent: token.agent,
                workspaces: token.workspaces,
                created_at: sample::now(),
                expires_at: token.days.map(days),
                revoked: false,
            };
            state.tokens.push(row.clone());
            row
        });
        Ok((row, "secret".to_owned()))
    }

    async fn tokens(&self, _: &Person) -> Result<Vec<TokenRow>, DeskError> {
        Ok(self.lock().tokens.clone())
    }

    async fn revoke_token(&self, _: &Person, id: &str) -> Result<(), DeskError> {
        let mut state = self.lock();
        let token = state.tokens.iter_mut().find(|token| token.id == id);
        let missing = || DeskError::NotFound(format!("The token {id}"));
        token.ok_or_else(missing)?.revoked = true;
        drop(state);
        self.moved();
        Ok(())
    }
}
