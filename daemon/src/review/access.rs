//! Who may see and do what. A person sees the workspaces in which a role allows it, an agent those of its token;
//! both learn nothing about the rest, not even that it exists.

use std::sync::Arc;

use countersign_protocol::{
    Digest, HandoffId,
    access::{Access, Permission},
    principal::{Actor, Method, Principal},
};
use countersign_web::desk::{Agent, Caller, DeskError, Person};

use super::LedgerDesk;
use crate::ledger::{Card, State};

impl LedgerDesk {
    /// Who a bearer token stands for.
    pub(super) fn caller_of(&self, secret: &str) -> Option<Caller> {
        // Digests are compared, not secrets: how long that takes tells nothing about the secret.
        let shown = Digest::of(secret.as_bytes());
        if self.local.operator_key.is(shown) {
            return Some(Caller::Person(self.operator()));
        }
        if let Some(person) = self.person_of_token(secret) {
            return Some(Caller::Person(person));
        }
        let state = self.ledger.state();
        let token = state.tokens().find(|token| token.secret_sha256 == shown)?;
        let expired = token
            .expires
            .is_some_and(|expires| expires <= self.clock.now());
        (!token.revoked && !expired).then(|| {
            Caller::Agent(Agent {
                token: token.id.clone(),
                agent: token.agent.clone(),
                workspaces: token.workspaces.clone(),
            })
        })
    }

    /// The person at this machine, on the command line.
    pub(super) fn operator(&self) -> Person {
        self.person(&self.local.id, &self.local.display, Method::Cli)
    }

    /// What the person `id` may do now.
    pub(super) fn access_of(&self, id: &str) -> Access {
        let now = self.clock.now();
        if let Some(invited) = self.accounts.outsider(id) {
            return self.access_from_outside(&invited);
        }
        let groups = self.accounts.groups_of(id, now);
        self.local.roster.access(id, &groups, now)
    }

    /// The person `id` with what they may do now.
    pub(super) fn person(&self, id: &str, display: &str, method: Method) -> Person {
        Person {
            id: id.to_owned(),
            display: display.to_owned(),
            method,
            access: self.access_of(id),
        }
    }

    /// Refuses what the roles of `who` do not allow where `id` is; a card that they may not see is not there.
    pub(super) fn check_card(
        &self,
        who: &Caller,
        id: HandoffId,
        permission: Permission,
    ) -> Result<(), DeskError> {
        let card = visible_card(&self.ledger.state(), who, id)?;
        who.check_on(permission, id, &card.workspace)
    }

    /// Refuses what the caller may do nowhere; a list is then of where they may.
    pub(super) fn check_anywhere(
        &self,
        who: &Caller,
        permission: Permission,
    ) -> Result<(), DeskError> {
        let all = self.workspaces.all();
        let mut places = all.iter();
        if places.any(|one| who.may(permission, Some(&one.name))) {
            return Ok(());
        }
        who.check(permission, None)
    }

    /// The same in a workspace.
    pub(super) fn check_workspace(
        &self,
        who: &Caller,
        name: &str,
        permission: Permission,
    ) -> Result<(), DeskError> {
        self.visible_workspace(who, name)?;
        who.check(permission, Some(name))
    }

    pub(super) fn visible_workspace(&self, who: &Caller, name: &str) -> Result<(), DeskError> {
        let served = self.workspaces.get(name).is_some() && sees(who, name);
        if served {
            Ok(())
        } else {
            Err(DeskError::NotFound(format!("the workspace `{name}`")))
        }
    }
}

/// Whether `who` may see the workspace `name`.
pub(super) fn sees(who: &Caller, name: &str) -> bool {
    who.may(Permission::Read, Some(name))
}

/// Whether `who` may see this card.
pub(super) fn sees_card(who: &Caller, card: &Card) -> bool {
    who.may_on(Permission::Read, card.id, &card.workspace)
}

/// Whether `who` may know of what happened in a workspace, or in none.
pub(super) fn may_know(who: &Caller, workspace: Option<&str>) -> bool {
    match workspace {
        Some(workspace) => sees(who, workspace),
        None => who.may(Permission::Activity, None),
    }
}

/// How a delivery of `who` is signed.
pub(super) fn principal(who: &Caller) -> Principal {
    match who {
        Caller::Person(person) if person.method == Method::Cli => Principal::Operator,
        Caller::Person(person) => Principal::Person {
            id: person.id.clone(),
        },
        Caller::Agent(agent) => Principal::Token {
            id: agent.token.clone(),
            agent: agent.agent.clone(),
        },
    }
}

/// Who an entry names when `who` caused it.
pub(super) fn actor(who: &Caller) -> Actor {
    match who {
        Caller::Person(person) => person_actor(person),
        Caller::Agent(agent) => Actor::Agent {
            name: agent.agent.clone(),
            principal: principal(who),
        },
    }
}

/// Who an entry names when a person caused it.
pub(super) fn person_actor(person: &Person) -> Actor {
    Actor::Person {
        id: person.id.clone(),
        display: person.display.clone(),
        method: person.method,
    }
}

/// The card, when `who` may see it.
pub(super) fn visible_card(
    state: &State,
    who: &Caller,
    id: HandoffId,
) -> Result<Arc<Card>, DeskError> {
    let card = state.card(id).filter(|card| sees_card(who, card));
    card.cloned()
        .ok_or_else(|| DeskError::NotFound(id.to_string()))
}

#[cfg(test)]
mod tests;
