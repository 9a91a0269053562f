//! Boundaries at the desk in memory.

use async_trait::async_trait;
use countersign_protocol::{HandoffId, release::ReleaseRecord, terms::Use};

use super::Showcase;
use crate::desk::{
    BoundariesDesk, Caller, DeskError, Person,
    boundaries::{BoundaryRow, Holds, MechanismRow, Release, UseWish, WorkspaceBoundaries},
};

/// A workspace where nearly everything holds.
pub fn sample() -> Vec<WorkspaceBoundaries> {
    let row = |room: &str, promise: &str, shared, run, detail: &str| BoundaryRow {
        room: room.to_owned(),
        promise: promise.to_owned(),
        shared,
        run,
        detail: detail.to_owned(),
    };
    vec![WorkspaceBoundaries {
        workspace: "billing-backfill".to_owned(),
        path: "/srv/handoff/billing-backfill".to_owned(),
        tried_as: "ledger-migrator, user 40001".to_owned(),
        agents: vec!["ledger-migrator".to_owned()],
        people: vec!["group:data-reviewers".to_owned()],
        protect: true,
        rows: vec![
            row(
                "inbox/",
                "boxes of other agents are out of reach",
                Holds::Modes,
                Holds::Kernel,
                "",
            ),
            row(
                "inbox/ own box",
                "adds only: nothing is listed, read, replaced or removed",
                Holds::Detected,
                Holds::Kernel,
                "what was dropped can be read, what was dropped can be removed",
            ),
            row("approved/", "reads only", Holds::Modes, Holds::Kernel, ""),
            row(
                "other workspaces",
                "are invisible",
                Holds::Open,
                Holds::NotTried,
                "<script>alert(1)</script>",
            ),
        ],
        mechanisms: vec![
            MechanismRow {
                name: "access lists".to_owned(),
                holds: Holds::Modes,
                detail: "the box of ledger-migrator opens to user 40001 alone".to_owned(),
            },
            MechanismRow {
                name: "quota".to_owned(),
                holds: Holds::Open,
                detail: "none is set; <script>alert(2)</script>".to_owned(),
            },
        ],
        releases: 31,
        violations: vec!["approved/H-9/ was not as approved: vat.sql has other bytes".to_owned()],
    }]
}

#[async_trait]
impl BoundariesDesk for Showcase {
    async fn boundaries(&self, _: &Person) -> Result<Vec<WorkspaceBoundaries>, DeskError> {
        Ok(sample())
    }

    async fn released(&self, who: &Caller, id: HandoffId) -> Result<Release, DeskError> {
        let mut state = self.lock();
        let card = state.card(who, id)?;
        let mut decisions = card.decisions.values();
        let decision = decisions
            .rfind(|decision| decision.outcome.is_approval())
            .ok_or_else(|| DeskError::NotFound(format!("a release of {id}")))?;
        let manifest = card.manifest(decision.revision);
        Ok(Release {
            workspace: card.review.row.workspace.clone(),
            record: ReleaseRecord {
                release_version: "1.0".to_owned(),
                handoff_id: id,
                revision: decision.revision,
                manifest_sha256: manifest.digest(),
                edited_from: None,
                approved_at: decision.decided_at,
                files: manifest.files(),
            },
            decision: decision.clone(),
            used: None,
        })
    }

    async fn use_approval(
        &self,
        who: &Caller,
        id: HandoffId,
        _: UseWish,
    ) -> Result<Use, DeskError> {
        self.released(who, id).await?;
        let why = "can be used as often as you like; nobody counts".to_owned();
        Err(DeskError::Conflict { id, why })
    }
}
