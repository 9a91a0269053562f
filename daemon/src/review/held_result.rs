//! The result of an agent that waits for a person's decision: what it says, and its files.

use countersign_protocol::{HandoffId, manifest::ManifestEntry};
use countersign_web::desk::{Caller, DeskError, HeldResult, ResultFile, SealedFile};

use super::{LedgerDesk, access::visible_card, page::SHOWN};
use crate::ledger::{Card, Hop, HopAnswer, HopStage};

/// The largest text that stands on the page, in bytes.
const SHORT: u64 = 32 * 1024;
/// How many texts stand on the page.
const TEXTS: usize = 10;

/// The answer that waits for a decision about `revision`, with the number of its hop.
fn waiting(card: &Card, revision: u32) -> Option<(u32, &HopAnswer)> {
    let waits = |hop: &Hop| hop.stage == HopStage::InReview && hop.offered.revision == revision;
    let at = card.hops.iter().rposition(waits)?;
    Some((u32::try_from(at + 1).ok()?, card.hops[at].last_answer()?))
}

impl LedgerDesk {
    /// The result that waits for a decision about `revision`, when one does.
    pub(super) async fn held_result(
        &self,
        card: &Card,
        revision: u32,
    ) -> Result<Option<HeldResult>, DeskError> {
        let Some((hop, answer)) = waiting(card, revision) else {
            return Ok(None);
        };
        let answered = &answer.answered;
        let document = self.bytes(answered.manifest.document, SHOWN).await?;
        let mut files = Vec::with_capacity(answered.manifest.entries.len());
        for (at, entry) in answered.manifest.entries.iter().enumerate() {
            let text = if at < TEXTS && entry.size <= SHORT {
                self.text(entry).await?
            } else {
                None
            };
            files.push(ResultFile {
                path: entry.path.clone(),
                size: entry.size,
                sha256: entry.sha256,
                text,
            });
        }
        Ok(Some(HeldResult {
            hop,
            agent: answered.agent.clone(),
            document: document.map_or_else(String::new, |bytes| {
                String::from_utf8_lossy(&bytes).into_owned()
            }),
            files,
        }))
    }

    async fn text(&self, entry: &ManifestEntry) -> Result<Option<String>, DeskError> {
        let bytes = self.bytes(entry.sha256, SHORT).await?;
        Ok(bytes
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .filter(|text| !text.contains('\0')))
    }

    /// A file of the result that waits for a decision. Agents get a result when a person let it pass.
    pub(super) async fn result_file(
        &self,
        who: &Caller,
        id: HandoffId,
        hop: u32,
        path: &str,
    ) -> Result<SealedFile, DeskError> {
        let missing =
            || DeskError::NotFound(format!("`{path}` in the result of hop {hop} of {id}"));
        let entry = {
            let card = visible_card(&self.ledger.state(), who, id)?;
            let found = waiting(&card, card.newest().accepted.revision);
            let found =
                found.filter(|(number, _)| *number == hop && matches!(who, Caller::Person(_)));
            let entry = found.and_then(|(_, answer)| answer.answered.manifest.get(path));
            entry.cloned().ok_or_else(missing)?
        };
        let bytes = self.sealed(entry.sha256).await?.ok_or_else(missing)?;
        Ok(bytes.named(entry))
    }
}
