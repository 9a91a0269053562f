//! The desk in memory answers.

use std::time::Duration;

use async_trait::async_trait;
use countersign_protocol::{
    Digest, HandoffId,
    chain::Head,
    contract::{self, Rules},
    decision::{DecisionDocument, Outcome},
    dialect::{self, Format},
    principal::{Method, Principal},
    receipt::{Links, Receipt, ReceiptStatus},
};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use super::{
    ALPHA, BETA, Card, File, MemoryDesk, NOW, OPERATOR,
    scene::{agent_of, maya},
    sees,
};
use crate::desk::{
    ActivityRow, Answer, Caller, ChainReport, Comment, DeadLetter, Desk, DeskError, FileBytes,
    HandoffRow, Health, NewSession, NewToken, Person, Queue, QueueCounts, QueueView, Review,
    Submission, TokenRow, WaitAnswer, WorkspaceRow,
};

#[async_trait]
impl Desk for MemoryDesk {
    async fn redeem_start_token(&self, token: &str) -> Option<NewSession> {
        if !self.world().start.contains(token) {
            return None;
        }
        let secret = format!("session-by-{token}");
        self.record(|world| {
            world.start.remove(token);
            world.sessions.insert(secret.clone());
        });
        Some(NewSession {
            secret,
            lifetime: Duration::from_hours(12),
        })
    }

    async fn session(&self, secret: &str) -> Option<Person> {
        let known = self.world().sessions.contains(secret);
        known.then(|| maya(Method::Web))
    }

    async fn sign_out(&self, secret: &str) {
        self.record(|world| world.sessions.remove(secret));
    }

    async fn bearer(&self, secret: &str) -> Option<Caller> {
        match secret {
            OPERATOR => Some(Caller::Person(maya(Method::Cli))),
            ALPHA => Some(Caller::Agent(agent_of("alpha"))),
            BETA => Some(Caller::Agent(agent_of("beta"))),
            _ => None,
        }
    }

    async fn start_link(&self, _: &Person) -> Result<String, DeskError> {
        let token = self.record(|world| {
            let token = format!("start-{}", world.seq);
            world.start.insert(token.clone());
            token
        });
        Ok(format!("http://localhost:{}/start?t={token}", super::PORT))
    }

    async fn queue(
        &self,
        who: &Caller,
        view: QueueView,
        _: Option<&str>,
        limit: usize,
    ) -> Result<Queue, DeskError> {
        let world = self.world();
        let of = |card: &Card| match card.state() {
            "waiting" => QueueView::Turn,
            "changes_requested" => QueueView::Agents,
            _ => QueueView::Decided,
        };
        let mine: Vec<&Card> = world
            .cards
            .iter()
            .filter(|card| sees(who, &card.workspace))
            .collect();
        let count = |view| mine.iter().filter(|card| of(card) == view).count();
        let dead = world.dead_letters.iter();
        Ok(Queue {
            rows: mine
                .iter()
                .filter(|card| of(card) == view)
                .take(limit)
                .map(|card| card.row())
                .collect(),
            counts: QueueCounts {
                turn: count(QueueView::Turn),
                agents: count(QueueView::Agents),
                decided: count(QueueView::Decided),
            },
            dead_letters: dead
                .filter(|letter| sees(who, &letter.workspace))
                .cloned()
                .collect(),
            next_cursor: None,
            seq: world.seq,
        })
    }

    async fn row(&self, who: &Caller, id: HandoffId) -> Result<HandoffRow, DeskError> {
        Ok(self.world().card(who, id)?.row())
    }

    async fn review(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: Option<u32>,
        base: Option<u32>,
    ) -> Result<Review, DeskError> {
        let mut world = self.world();
        let card = world.card(who, id)?;
        let revision = revision.unwrap_or(card.newest());
        let known = card.files(revision).is_some();
        known
            .then(|| card.review(revision, base))
            .flatten()
            .ok_or_else(|| DeskError::NotFound(format!("This revision of {id}")))
    }

    async fn file(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: u32,
        path: &str,
        limit: u64,
    ) -> Result<FileBytes, DeskError> {
        let mut world = self.world();
        let file = world
            .card(who, id)?
            .files(revision)
            .and_then(|files| files.iter().find(|file| file.path == path))
            .ok_or_else(|| DeskError::NotFound(format!("`{path}` in {id}")))?;
        let limit = usize::try_from(limit).unwrap();
        Ok(FileBytes {
            path: file.path.clone(),
            sha256: Digest::of(&file.bytes),
            size: file.bytes.len() as u64,
            bytes: file.bytes.iter().take(limit).copied().collect(),
        })
    }

    async fn dead_letters(&self, who: &Caller) -> Result<Vec<DeadLetter>, DeskError> {
        let letters = self.world().dead_letters.clone();
        Ok(letters
            .into_iter()
            .filter(|letter| sees(who, &letter.workspace))
            .collect())
    }

    async fn activity(
        &self,
        who: &Caller,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ActivityRow>, DeskError> {
        let world = self.world();
        Ok(world
            .cards
            .iter()
            .filter(|card| sees(who, &card.workspace))
            .map(|card| ActivityRow {
                seq: card.id.0,
                at: NOW,
                actor: "writer".to_owned(),
                event: "handoff_accepted".to_owned(),
                handoff: Some(card.id),
                text: card.title.clone(),
            })
            .filter(|row| before.is_none_or(|before| row.seq < before))
            .take(limit)
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
                let (decision, newest) = {
                    let mut world = self.world();
                    let card = world.card(who, id)?;
                    (card.decision.clone(), card.newest())
                };
                if decision.is_some() {
                    return Ok::<_, DeskError>((decision, newest));
                }
                // The desk keeps the sender, so the channel never closes.
                let _ = head.changed().await;
            }
        };
        let waited = tokio::time::timeout(timeout, decided).await;
        let (decision, newest) = match waited {
            Ok(answer) => answer?,
            Err(_) => (None, self.world().card(who, id)?.newest()),
        };
        Ok(WaitAnswer {
            id,
            revision: revision.unwrap_or(newest),
            state: decision
                .as_ref()
                .map_or("waiting", |_| "decided")
                .to_owned(),
            decision,
        })
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    async fn health(&self) -> Health {
        let world = self.world();
        let workspace = |name: &str| WorkspaceRow {
            name: name.to_owned(),
            path: format!("/srv/{name}"),
            mode: "watching".to_owned(),
            trouble: None,
            waiting: 1,
            dead_letters: 0,
        };
        Health {
            ready: world.ready,
            troubles: vec!["/srv/beta is nearly full".to_owned()],
            head: Head {
                seq: world.seq,
                hash: Digest::ZERO,
            },
            version: "0.1.0".to_owned(),
            workspaces: vec![workspace("alpha"), workspace("beta")],
        }
    }

    async fn verify_chain(&self, _: &Person) -> Result<ChainReport, DeskError> {
        let seq = self.world().seq;
        Ok(ChainReport {
            ok: true,
            entries: seq,
            head: Head {
                seq,
                hash: Digest::ZERO,
            },
            problem: None,
        })
    }

    async fn viewed(&self, _: &Person, _: HandoffId, _: u32, _: Digest) -> Result<(), DeskError> {
        Ok(())
    }

    async fn decide(
        &self,
        who: &Person,
        id: HandoffId,
        answer: Answer,
    ) -> Result<DecisionDocument, DeskError> {
        let caller = Caller::Person(who.clone());
        {
            let mut world = self.world();
            let card = world.card(&caller, id)?;
            if card.state() != "waiting" {
                return Err(DeskError::Conflict {
                    id,
                    why: format!("was already {}", card.state()),
                });
            }
            let newest = card.newest();
            if (answer.revision, answer.manifest_sha256) != (newest, card.manifest(newest)) {
                return Err(DeskError::Stale {
                    id,
                    revision: newest,
                    manifest_sha256: card.manifest(newest),
                    answered: answer.revision,
                });
            }
            if answer.comment.is_none() && answer.outcome != Outcome::Approved {
                return Err(DeskError::Invalid {
                    field: "comment".to_owned(),
                    message: "Say what is asked.".to_owned(),
                });
            }
        }
        self.record(|world| {
            let seq = world.seq;
            let card = world.card(&caller, id)?;
            let decision = card.decide(who, &answer, seq + 1);
            card.decision = Some(decision.clone());
            Ok(decision)
        })
    }

    async fn comment(&self, who: &Caller, id: HandoffId, text: String) -> Result<(), DeskError> {
        self.world().card(who, id)?;
        let (by, agent) = match who {
            Caller::Person(person) => (person.display.clone(), false),
            Caller::Agent(agent) => (agent.agent.clone(), true),
        };
        self.record(|world| {
            let card = world.card(who, id)?;
            card.comments.push(Comment {
                by,
                agent,
                at: NOW,
                text,
            });
            Ok(())
        })
    }

    async fn withdraw(
        &self,
        who: &Caller,
        id: HandoffId,
        _: Option<String>,
    ) -> Result<(), DeskError> {
        self.world().card(who, id)?;
        self.record(|world| {
            world.card(who, id)?.withdrawn = true;
            Ok(())
        })
    }

    async fn submit(&self, who: &Caller, submission: Submission) -> Result<Receipt, DeskError> {
        let format = if submission.yaml {
            Format::Yaml
        } else {
            Format::Json
        };
        let document = dialect::read(submission.document.as_bytes(), format)?;
        let checked = contract::check(&document, Rules::default())?;
        let files = submission.files.into_iter();
        let files: Vec<File> = files.map(|(path, bytes)| File { path, bytes }).collect();
        let card = Card {
            id: HandoffId(self.world().cards.len() as u64 + 1),
            workspace: submission.workspace,
            title: checked.handoff.headline(),
            revisions: vec![files],
            decision: None,
            withdrawn: false,
            comments: Vec::new(),
        };
        let known = self.world().cards.iter().find_map(|known| {
            let same = known.title == card.title && known.workspace == card.workspace;
            same.then_some(known.id)
        });
        let id = known.unwrap_or(card.id);
        let receipt = Receipt {
            receipt_version: "1.0".to_owned(),
            status: match known {
                Some(_) => ReceiptStatus::Duplicate,
                None => ReceiptStatus::Accepted,
            },
            handoff_id: id,
            revision: 1,
            received_at: NOW,
            handoff_sha256: Digest::of(submission.document.as_bytes()),
            manifest_sha256: card.manifest(1),
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
            files: card.revisions[0].len(),
            warnings: checked.warnings,
            links: Links {
                review: format!("/h/{id}"),
                status: format!("/api/v1/handoffs/{id}"),
            },
        };
        if known.is_none() {
            self.record(|world| world.cards.push(card));
        }
        Ok(receipt)
    }

    async fn checkpoint(
        &self,
        _: &Caller,
        _: &str,
        _: &str,
        document: Value,
    ) -> Result<Digest, DeskError> {
        Ok(self.record(|_| Digest::of(document.to_string().as_bytes())))
    }

    async fn create_token(
        &self,
        _: &Person,
        token: NewToken,
    ) -> Result<(TokenRow, String), DeskError> {
        let row = TokenRow {
            id: format!("t{}", self.world().tokens.len() + 1),
            agent: token.agent,
            workspaces: token.workspaces,
            created_at: NOW,
            expires_at: token
                .days
                .map(|days| Timestamp::from_second(i64::from(days) * 86_400).unwrap()),
            revoked: false,
        };
        self.record(|world| world.tokens.push(row.clone()));
        Ok((row, "secret".to_owned()))
    }

    async fn tokens(&self, _: &Person) -> Result<Vec<TokenRow>, DeskError> {
        Ok(self.world().tokens.clone())
    }

    async fn revoke_token(&self, _: &Person, id: &str) -> Result<(), DeskError> {
        if !self.world().tokens.iter().any(|token| token.id == id) {
            return Err(DeskError::NotFound(format!("The token {id}")));
        }
        self.record(|world| {
            for token in &mut world.tokens {
                token.revoked |= token.id == id;
            }
        });
        Ok(())
    }
}
