//! What rules look at, read from what was sealed: never from the agent's own files.

use std::{io::Read as _, sync::Arc};

use countersign_protocol::{Digest, contract, event::Accepted, handoff::Trigger, transfer::Why};
use serde_json::Value;

use super::{Stage, StageError};
use crate::{
    ledger::Card,
    policy::{routing::Owners, work::Work},
    store::{Store, StoreError},
};

/// Of each file so much text is looked at, in bytes.
const EACH: u64 = 1 << 20;
/// Of one revision so much text is looked at, in bytes.
const ALL: usize = 8 << 20;
/// Of one revision so many files are looked at.
const FILES: usize = 64;

/// A small object, unless it is damaged: then rules see nothing of it, and a person is asked.
fn sound(store: &mut dyn Store, sha256: Digest) -> Result<Option<Vec<u8>>, StoreError> {
    match store.object(sha256) {
        Err(StoreError::Rotten(_)) => Ok(None),
        found => found,
    }
}

impl Stage {
    /// The newest revision of `card` with its document, and its text where a rule needs it.
    pub(super) async fn work_of(&self, card: &Card) -> Result<Work, StageError> {
        let document = card.newest().accepted.manifest.document;
        let bytes = self.sealed(document, contract::MAX_BYTES as u64).await?;
        self.work_with(card, bytes.unwrap_or_default()).await
    }

    /// The same for several cards, whose documents are asked for at once.
    pub(super) async fn works_of(&self, cards: &[Arc<Card>]) -> Result<Vec<Work>, StageError> {
        let documents = cards
            .iter()
            .map(|card| card.newest().accepted.manifest.document);
        let documents: Vec<Digest> = documents.collect();
        let read = self.inner.ledger.read(move |store| {
            let each = documents.into_iter().map(|sha256| sound(store, sha256));
            each.collect::<Result<Vec<_>, StoreError>>()
        });
        let mut works = Vec::with_capacity(cards.len());
        for (card, bytes) in cards.iter().zip(read.await?) {
            works.push(match bytes {
                Some(bytes) => self.work_with(card, bytes).await?,
                None => self.work_of(card).await?,
            });
        }
        Ok(works)
    }

    /// The result that waits for policy, as work of its receiver; `None` without one.
    pub(super) async fn result_of(&self, card: &Card) -> Result<Option<Work>, StageError> {
        let Some(hop) = card.owed_result() else {
            return Ok(None);
        };
        let Some(answer) = hop.last_answer() else {
            return Ok(None);
        };
        let answered = &answer.answered;
        let document = answered.manifest.document;
        let bytes = self.sealed(document, contract::MAX_BYTES as u64).await?;
        let bytes = bytes.unwrap_or_default();
        let parsed = serde_json::from_slice(&bytes).unwrap_or_default();
        let accepted = Accepted {
            from_agent: hop.offered.to.clone(),
            to_agent: None,
            confidence: answered.confidence,
            trigger: Trigger::Completion,
            contract: hop.offered.contract.clone(),
            manifest: answered.manifest.clone(),
            ..(*card.newest().accepted).clone()
        };
        let work = self.work_of_document(card, Arc::new(accepted), parsed, bytes);
        work.await.map(Some)
    }

    async fn work_with(&self, card: &Card, bytes: Vec<u8>) -> Result<Work, StageError> {
        let accepted = Arc::clone(&card.newest().accepted);
        let workspace = self.inner.workspaces.get(&card.workspace);
        let parsed = workspace.and_then(|workspace| {
            let contracts = &workspace.settings.contracts;
            contracts.sealed(&bytes, &accepted.at).ok()
        });
        self.work_of_document(card, accepted, parsed.unwrap_or_default(), bytes)
            .await
    }

    async fn work_of_document(
        &self,
        card: &Card,
        accepted: Arc<Accepted>,
        parsed: Value,
        bytes: Vec<u8>,
    ) -> Result<Work, StageError> {
        let settings = self
            .inner
            .workspaces
            .get(&card.workspace)
            .map(|workspace| workspace.settings.clone())
            .unwrap_or_default();
        let document = String::from_utf8(bytes).unwrap_or_default();
        let before = accepted
            .revision
            .checked_sub(1)
            .and_then(|number| card.revision(number));
        let contract = accepted
            .contract
            .as_deref()
            .and_then(|id| settings.contracts.get(id));
        let floor = settings.confidence_floor_of(accepted.contract.as_deref());
        let progress_from = contract.and_then(|contract| contract.progress_from);
        let mut work = Work::new(accepted, parsed, &settings.class, floor)
            .since(before.map(|before| Arc::clone(&before.accepted)));
        work.progress_from = progress_from;
        let checked = card.checked(work.accepted.revision);
        let results = checked.iter().flat_map(|checked| &checked.results);
        let failed = results.filter(|result| !result.passed());
        work.failed = failed
            .map(|result| (result.words(), result.holds()))
            .collect();
        work.stopped = card.stopped().map(|stop| {
            let why = stop.stopped.why;
            let is_over = matches!(why, Why::Declined | Why::Failed | Why::TimedOut);
            (stop.stopped.text.clone(), is_over)
        });
        let agent = self.inner.catalog.agent(&work.accepted.from_agent);
        let labels = agent.map(|agent| agent.labels.value.iter().map(ToString::to_string));
        work.labels.extend(labels.into_iter().flatten());
        let triggers = &self.inner.catalog.policy().triggers;
        if triggers.iter().any(|one| one.pattern.is_some()) {
            work.texts = self.texts(&work, document).await?;
        }
        Ok(work)
    }

    async fn texts(
        &self,
        work: &Work,
        document: String,
    ) -> Result<Vec<(String, String)>, StageError> {
        let mut left = ALL.saturating_sub(document.len());
        let mut texts = vec![("The handoff".to_owned(), document)];
        let entries = work
            .accepted
            .manifest
            .entries
            .iter()
            .filter(|entry| entry.kept);
        for entry in entries.take(FILES) {
            if left == 0 {
                break;
            }
            let Some(mut bytes) = self.sealed(entry.sha256, EACH).await? else {
                continue;
            };
            bytes.truncate(left);
            left -= bytes.len();
            // A file cut in the middle of a character is still text up to there.
            let text = match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) if error.utf8_error().error_len().is_none() => {
                    String::from_utf8_lossy(error.as_bytes()).into_owned()
                }
                Err(_) => continue,
            };
            texts.push((entry.path.clone(), text));
        }
        Ok(texts)
    }

    async fn sealed(&self, sha256: Digest, limit: u64) -> Result<Option<Vec<u8>>, StageError> {
        let small = self
            .inner
            .ledger
            .read(move |store| sound(store, sha256))
            .await?;
        if let Some(mut bytes) = small {
            bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            return Ok(Some(bytes));
        }
        let objects = Arc::clone(&self.inner.objects);
        let read = tokio::task::spawn_blocking(move || {
            let file = objects.open_object(sha256).ok()??;
            let mut bytes = Vec::new();
            file.take(limit).read_to_end(&mut bytes).ok()?;
            Some(bytes)
        });
        Ok(read.await.unwrap_or_default())
    }

    /// The file of owners of a workspace, where a rule needs it.
    pub(super) async fn owners_of(&self, workspace: &str) -> Option<Owners> {
        if !Owners::are_asked(self.inner.catalog.policy()) {
            return None;
        }
        let workspace = self.inner.workspaces.get(workspace)?;
        let read = tokio::task::spawn_blocking(move || Owners::of_workspace(workspace.dir()));
        read.await.ok()?
    }
}
