//! Results that grow beside a handoff: how far they are, what they say, and what an answer says of them.

use std::sync::Arc;

use countersign_protocol::{
    Digest, HandoffId, decision::Outcome, event::Accepted, partial::PartialSeen,
};
use countersign_web::desk::{Caller, Check, ChunkBytes, DeskError, PartialRow};

use super::{LedgerDesk, access::visible_card};
use crate::ledger::{Card, Growing, State};

/// So many missing numbers are named.
const NAMED: usize = 10;
/// So much of the end is shown, in bytes.
const SHOWN: usize = 4 * 1024;

fn so_far(growing: Option<&Arc<Growing>>, folder: &str, through: u32) -> Option<PartialSeen> {
    match growing {
        Some(growing) => growing.seen(folder, through),
        None => (through == 0).then(|| PartialSeen {
            folder: folder.to_owned(),
            through: 0,
            whole: false,
            sha256: Digest::of(b""),
        }),
    }
}

/// How far the result is that a revision says grows beside it.
pub(super) fn row(state: &State, accepted: &Accepted) -> Option<PartialRow> {
    let stated = accepted.partials.as_ref()?;
    let growing = state.growing_of(accepted);
    let through = growing.map_or(0, |growing| growing.through);
    let (missing, gaps) = growing.map_or_else(Default::default, |known| known.missing(NAMED));
    Some(PartialRow {
        seen: so_far(growing, &stated.folder, through)?,
        decide: stated.decide,
        kept: growing.map_or(0, |growing| growing.chunks.len()),
        expected: growing.and_then(|growing| growing.last).or(stated.chunks),
        missing,
        gaps,
        bytes: growing.map_or(0, |growing| growing.bytes),
        newest_at: growing.and_then(|growing| growing.chunks.values().map(|one| one.at).max()),
    })
}

/// What an answer says of the result that grows, of which the person saw the chunks up to `through`; or why it
/// cannot be given yet.
pub(super) fn answered(
    state: &State,
    card: &Card,
    outcome: Outcome,
    through: Option<u32>,
) -> Result<Option<PartialSeen>, DeskError> {
    let newest = &card.newest().accepted;
    let Some(row) = row(state, newest) else {
        return Ok(None);
    };
    let conflict = |why: String| DeskError::Conflict { id: card.id, why };
    if outcome.is_approval() && row.is_awaited() {
        let how = row.words();
        return Err(conflict(format!(
            "cannot be approved before its result is whole: {how}"
        )));
    }
    let through = match through {
        Some(through) => through,
        None if outcome.is_approval() && !row.seen.whole => {
            return Err(DeskError::Invalid {
                field: "partial".to_owned(),
                message: "say up to which chunk you looked; the result still grows".to_owned(),
            });
        }
        None => row.seen.through,
    };
    let seen = so_far(state.growing_of(newest), &row.seen.folder, through);
    seen.map(Some).ok_or_else(|| {
        conflict(format!(
            "has no chunk {through} yet, or one before it is missing"
        ))
    })
}

/// How it stands with the result, for the list of checks.
pub(super) fn check(row: &PartialRow) -> Check {
    let waits = if row.is_awaited() {
        "; it can be approved once it is whole"
    } else {
        ""
    };
    Check {
        ok: !row.is_awaited() && row.gaps == 0,
        verified: true,
        text: format!("The result that grows is {}{waits}", row.words()),
        said: None,
    }
}

impl LedgerDesk {
    /// A chunk of the result that grows beside a handoff that `who` may see.
    pub(super) async fn chunk_of(
        &self,
        who: &Caller,
        id: HandoffId,
        number: u32,
    ) -> Result<ChunkBytes, DeskError> {
        let missing = || DeskError::NotFound(format!("chunk {number} of {id}"));
        let sha256 = {
            let state = self.ledger.state();
            let card = visible_card(&state, who, id)?;
            let growing = state.growing_of(&card.newest().accepted);
            let chunk = growing.and_then(|growing| growing.chunks.get(&number));
            chunk.map(|chunk| chunk.sha256).ok_or_else(missing)?
        };
        let bytes = self.bytes(sha256, u64::MAX).await?.ok_or_else(missing)?;
        Ok(ChunkBytes { sha256, bytes })
    }

    /// The end of what is there without a gap, as text.
    pub(super) async fn end_of_partial(
        &self,
        who: &Caller,
        id: HandoffId,
        through: u32,
    ) -> Result<Option<String>, DeskError> {
        let mut end: Vec<u8> = Vec::new();
        for number in (1..=through).rev() {
            let mut bytes = self.chunk_of(who, id, number).await?.bytes;
            bytes.append(&mut end);
            end = bytes;
            if end.len() >= SHOWN {
                break;
            }
        }
        let from = end.len().saturating_sub(SHOWN);
        let text = String::from_utf8_lossy(&end[from..]).into_owned();
        Ok((!text.is_empty()).then_some(text))
    }
}

#[cfg(test)]
mod tests;
