//! Ownership at the desk in memory.

use async_trait::async_trait;
use countersign_protocol::ownership::{Left, Settlement};

use super::{Showcase, sample};
use crate::desk::{
    Caller, DeskError, OwnershipDesk, Person,
    ownership::{Claimant, Named, NewOffer, OfferMade, OfferRow, OwnershipRow, OwnershipStep},
};

/// The secret of a claim that was not used yet.
pub(crate) const CLAIM: &str = "claim-of-maya";

fn maya() -> Named {
    Named {
        id: "maya".to_owned(),
        name: "Maya Okafor".to_owned(),
    }
}

fn row(workspace: &str) -> OwnershipRow {
    OwnershipRow {
        workspace: workspace.to_owned(),
        path: format!("/srv/handoff/{workspace}"),
        owner: maya(),
        held: false,
        since: None,
        offer: Some(OfferRow {
            id: 40,
            to: maya(),
            by: "ledger-migrator".to_owned(),
            note: Some("The draft is done. <script>alert(1)</script>".to_owned()),
            at: sample::now(),
            expires: sample::now(),
        }),
        files: None,
        settling: false,
        may: vec![
            OwnershipStep::Offer,
            OwnershipStep::Answer,
            OwnershipStep::Withdraw,
        ],
    }
}

/// One that is offered, and one that a person has.
pub(crate) fn sample() -> Vec<OwnershipRow> {
    let held = OwnershipRow {
        held: true,
        since: Some(sample::now()),
        offer: None,
        files: Some(Settlement {
            user: Some(1000),
            files: 214,
            folders: 12,
            copied: 1,
            left: vec![Left {
                path: "data/socket".to_owned(),
                why: "it is a pipe, a socket or a device".to_owned(),
            }],
            more: 2,
            limits: vec!["no agent has a `user` of its own".to_owned()],
        }),
        may: vec![OwnershipStep::Offer, OwnershipStep::Return],
        ..row("release-notes")
    };
    vec![row("billing-backfill"), held]
}

fn sees(who: &Caller, workspace: &str) -> Result<(), DeskError> {
    let known = ["alpha", "beta", "billing-backfill"].contains(&workspace);
    let allowed = match who {
        Caller::Person(_) => true,
        Caller::Agent(agent) => agent.workspaces.iter().any(|name| name == workspace),
    };
    if known && allowed {
        return Ok(());
    }
    Err(DeskError::NotFound(format!("the workspace `{workspace}`")))
}

#[async_trait]
impl OwnershipDesk for Showcase {
    async fn ownerships(&self, who: &Caller) -> Result<Vec<OwnershipRow>, DeskError> {
        let mut rows = sample();
        rows.retain(|row| matches!(who, Caller::Person(_)) || sees(who, &row.workspace).is_ok());
        Ok(rows)
    }

    async fn offer_ownership(
        &self,
        who: &Caller,
        workspace: &str,
        _: NewOffer,
    ) -> Result<OfferMade, DeskError> {
        sees(who, workspace)?;
        self.moved();
        Ok(OfferMade {
            ownership: row(workspace),
            claim_url: None,
        })
    }

    async fn withdraw_offer(&self, who: &Caller, workspace: &str) -> Result<(), DeskError> {
        sees(who, workspace)?;
        self.moved();
        Ok(())
    }

    async fn claimed(&self, secret: &str) -> Result<OwnershipRow, DeskError> {
        if secret == CLAIM {
            return Ok(row("alpha"));
        }
        Err(DeskError::NotFound("the offer".to_owned()))
    }

    async fn answer_offer(
        &self,
        _: &Claimant,
        _: &str,
        _: bool,
        _: Option<String>,
    ) -> Result<(), DeskError> {
        self.moved();
        Ok(())
    }

    async fn return_ownership(
        &self,
        _: &Person,
        _: &str,
        _: Option<String>,
    ) -> Result<(), DeskError> {
        self.moved();
        Ok(())
    }
}
