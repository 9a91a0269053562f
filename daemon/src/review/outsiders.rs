//! Outside reviewers: who invites them, and what is left of an invitation at this moment.

use std::time::Duration;

use async_trait::async_trait;
use countersign_protocol::{
    HandoffId,
    access::{Access, Grant, Permission},
    approval::ApprovalPlan,
};
use countersign_web::desk::{
    Caller, DeskError, NewSession, OutsidersDesk, Person,
    access::Visitor,
    outsiders::{NewOutsider, OutsideLink, OutsiderRow},
};

use super::{
    LedgerDesk,
    access::{person_actor, visible_card},
    person_tokens::check_present,
};
use crate::{accounts::Outsider, ledger::Card, policy};

impl LedgerDesk {
    /// Whether policy lets people from outside see `card` as it is now.
    fn is_for_outside(&self, card: &Card) -> bool {
        let accepted = &card.newest().accepted;
        self.with_settings(&accepted.at.workspace, |settings| {
            let class = policy::class_of(accepted, &settings.class);
            self.local.outside.contains(&class)
        })
    }

    /// What somebody from outside may do now: never more than whoever invited them, and nothing once the work is of a
    /// class that stays inside.
    pub(super) fn access_from_outside(&self, invited: &Outsider) -> Access {
        let host = &invited.by;
        let state = self.ledger.state();
        let card = state.card(invited.handoff).cloned();
        let is_disabled = state.is_disabled(host);
        drop(state);
        let is_configured =
            || self.accounts.name(host).is_none() && self.policy.catalog().person(host).is_some();
        let is_known = self.local.roster.is_local(host)
            || !is_disabled && (self.accounts.is_usable(host) || is_configured());
        let Some(card) = card.filter(|card| is_known && self.is_for_outside(card)) else {
            return Access::default();
        };
        let host = self.access_of(host);
        let held = host.grant(Some(&card.workspace)).may;
        if !held.contains(Permission::Invite) {
            return Access::default();
        }
        let grant = Grant {
            roles: vec!["outside reviewer".to_owned()],
            may: invited.may().both(held),
        };
        Access::for_card(invited.handoff, grant)
    }

    fn check_host(&self, who: &Person, id: HandoffId) -> Result<(), DeskError> {
        check_present(who)?;
        self.check_card(&Caller::Person(who.clone()), id, Permission::Invite)
    }
}

#[async_trait]
impl OutsidersDesk for LedgerDesk {
    fn usual_invitation(&self) -> Duration {
        self.accounts.usual_invitation()
    }

    async fn outsiders(&self, who: &Person, id: HandoffId) -> Result<Vec<OutsiderRow>, DeskError> {
        self.check_host(who, id)?;
        Ok(self.accounts.outsiders(id))
    }

    async fn invite_outsider(
        &self,
        who: &Person,
        id: HandoffId,
        new: NewOutsider,
    ) -> Result<(OutsiderRow, String), DeskError> {
        self.check_host(who, id)?;
        let caller = Caller::Person(who.clone());
        let card = visible_card(&self.ledger.state(), &caller, id)?;
        if !self.is_for_outside(&card) {
            return Err(DeskError::NotAllowed(format!(
                "{id} is of a data class that nobody outside may see; `outside` in `[auth]` says which may leave"
            )));
        }
        if new.decides {
            caller.check_on(Permission::Decide, id, &card.workspace)?;
            let plan = super::votes::plan_of(&card);
            let names = |plan: &ApprovalPlan| plan.stages.iter().any(|one| !one.asked.is_empty());
            if plan.is_some_and(names) {
                return Err(DeskError::Invalid {
                    field: "decides".to_owned(),
                    message: format!(
                        "named people vote about {id}, and a guest is none of them; invite them to read and comment"
                    ),
                });
            }
            if plan.is_some_and(|plan| plan.barred.contains(&who.id)) {
                return Err(DeskError::NotAllowed(
                    "Who may not approve their own work lets nobody else do it for them".to_owned(),
                ));
            }
        }
        let (row, secret) = self
            .accounts
            .invite(id, new, (&who.id, &who.display), person_actor(who))
            .await?;
        Ok((row, format!("{}/outside?t={secret}", self.local.public_url)))
    }

    async fn revoke_outsider(
        &self,
        who: &Person,
        id: HandoffId,
        invitation: &str,
    ) -> Result<(), DeskError> {
        self.check_host(who, id)?;
        self.accounts
            .uninvite(id, invitation, person_actor(who))
            .await
    }

    async fn outside_link(&self, token: &str) -> Option<OutsideLink> {
        let (invited, until) = self.accounts.invited_outside(token)?;
        let access = self.access_from_outside(&invited);
        access.card()?;
        Some(OutsideLink {
            handoff: invited.handoff,
            display: invited.display(),
            until,
        })
    }

    async fn enter_outside(
        &self,
        token: &str,
        from: Visitor,
    ) -> Result<(NewSession, HandoffId), DeskError> {
        self.accounts.enter_outside(token, from).await
    }
}

#[cfg(test)]
mod tests;
