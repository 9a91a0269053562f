//! Who may see what. A person sees everything; an agent sees the workspaces of its token, and
//! learns nothing about the rest, not even that it exists.

use std::sync::Arc;

use countersign_protocol::{
    Digest, HandoffId,
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
        if shown == self.local.operator_key {
            return Some(Caller::Person(self.operator()));
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
        Person {
            id: self.local.id.clone(),
            display: self.local.display.clone(),
            method: Method::Cli,
        }
    }

    /// Whether `who` is among those who may answer where `id` is.
    pub(super) fn may_answer(&self, who: &Person, id: HandoffId) -> Result<(), DeskError> {
        let name = self
            .ledger
            .state()
            .card(id)
            .map(|card| card.workspace.clone());
        let people = name
            .and_then(|name| self.workspaces.get(&name))
            .and_then(|workspace| workspace.settings.people.clone());
        let Some(people) = people else {
            return Ok(());
        };
        let (catalog, now) = (self.policy.catalog(), self.clock.now());
        let is_one = |target: &String| {
            *target == format!("person:{}", who.id) || catalog.belongs(&who.id, target, now)
        };
        if people.iter().any(is_one) {
            return Ok(());
        }
        Err(DeskError::NotAllowed(format!(
            "{} may not answer in this workspace; its boundary names {}",
            who.display,
            people.join(", ")
        )))
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
    match who {
        Caller::Person(_) => true,
        Caller::Agent(agent) => agent.workspaces.iter().any(|workspace| workspace == name),
    }
}

/// Whether `who` may know of what happened in a workspace, or in none.
pub(super) fn may_know(who: &Caller, workspace: Option<&str>) -> bool {
    match workspace {
        Some(workspace) => sees(who, workspace),
        None => matches!(who, Caller::Person(_)),
    }
}

/// How a delivery of `who` is signed.
pub(super) fn principal(who: &Caller) -> Principal {
    match who {
        Caller::Person(_) => Principal::Operator,
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
    let card = state.card(id).filter(|card| sees(who, &card.workspace));
    card.cloned()
        .ok_or_else(|| DeskError::NotFound(id.to_string()))
}
