//! What approved work must be.

use std::sync::Arc;

use async_trait::async_trait;
use countersign_protocol::{HandoffId, access::Permission, terms::Use};
use countersign_web::desk::{
    BoundariesDesk, Caller, DeskError, Person,
    boundaries::{BoundaryRow, Holds, Release, SHUT, UseWish, WorkspaceBoundaries},
};

use super::{LedgerDesk, access};
use crate::ledger::released;

/// So many violations of a workspace are listed.
const LISTED: usize = 5;

/// That nothing can be dropped is what is meant while a person has the workspace.
fn closed(rows: &mut [BoundaryRow], person: &str) {
    for row in rows {
        if row.detail.starts_with(SHUT) {
            (row.shared, row.run) = (Holds::Modes, Holds::Kernel);
            row.detail = format!("closed while {person} has the workspace");
        }
    }
}

impl LedgerDesk {
    /// The paths of the workspaces that `who` does not see, longer ones first: one may be the beginning of another.
    fn unseen(&self, who: &Person) -> Vec<String> {
        let all = self.workspaces.all();
        let mut paths: Vec<String> = all
            .iter()
            .filter(|one| !who.access.may(Permission::Read, Some(&one.name)))
            .map(|one| one.path.display().to_string())
            .collect();
        paths.sort_by_key(|path| std::cmp::Reverse(path.len()));
        paths
    }
}

#[async_trait]
impl BoundariesDesk for LedgerDesk {
    async fn boundaries(&self, who: &Person) -> Result<Vec<WorkspaceBoundaries>, DeskError> {
        let pulse = Arc::clone(&self.pulse);
        let tried = tokio::task::spawn_blocking(move || pulse.boundaries()).await;
        let mut found = tried.map_err(|error| DeskError::Unavailable(error.to_string()))?;
        found.retain(|one| who.access.may(Permission::Read, Some(&one.workspace)));
        let unseen = self.unseen(who);
        for row in found.iter_mut().flat_map(|one| &mut one.rows) {
            for path in &unseen {
                row.detail = row.detail.replace(path, "another workspace");
            }
        }
        let state = self.ledger.state();
        for one in &mut found {
            if let Some(person) = state.held_by(&one.workspace) {
                closed(&mut one.rows, person);
            }
            let released = state.cards().filter(|card| card.released.is_some());
            one.releases = released
                .filter(|card| card.workspace == one.workspace)
                .count();
            let mut violations: Vec<_> = state
                .violations()
                .filter(|violation| violation.violated.workspace == one.workspace)
                .collect();
            violations.sort_by_key(|violation| std::cmp::Reverse(violation.seq));
            one.violations = violations
                .into_iter()
                .take(LISTED)
                .map(|violation| {
                    let after = match &violation.restored {
                        Some(_) => "put right",
                        None => "not put right yet",
                    };
                    let text = super::activity::violation(&violation.violated);
                    format!("{text}; {after} [e{}]", violation.seq)
                })
                .collect();
        }
        Ok(found)
    }

    async fn released(&self, who: &Caller, id: HandoffId) -> Result<Release, DeskError> {
        let state = self.ledger.state();
        let card = access::visible_card(&state, who, id)?;
        let (record, decision) = released(&state, &card)
            .ok_or_else(|| DeskError::NotFound(format!("a release of {id}")))?;
        Ok(Release {
            workspace: card.workspace.clone(),
            record,
            decision,
            used: card.used.clone(),
        })
    }

    async fn use_approval(
        &self,
        who: &Caller,
        id: HandoffId,
        wish: UseWish,
    ) -> Result<Use, DeskError> {
        self.record_use(who, id, wish).await
    }
}
