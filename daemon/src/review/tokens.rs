//! Bearer tokens of agents.

use std::time::Duration;

use countersign_protocol::{Digest, access::Permission, event::Event};
use countersign_web::desk::{Caller, DeskError, NewToken, Person, TokenRow};

use super::{LedgerDesk, access::person_actor, unavailable};
use crate::{
    accounts::secret,
    ledger::{Draft, Token},
};

const DAY: Duration = Duration::from_hours(24);
/// Longest life of a token, in days.
const MOST_DAYS: u32 = 90;

impl LedgerDesk {
    pub(super) async fn make_token(
        &self,
        who: &Person,
        token: NewToken,
    ) -> Result<(TokenRow, String), DeskError> {
        self.check_anywhere(&Caller::Person(who.clone()), Permission::Tokens)?;
        let invalid = |field: &str, message: String| DeskError::Invalid {
            field: field.to_owned(),
            message,
        };
        if token.agent.trim().is_empty() {
            return Err(invalid(
                "agent",
                "name the agent that the token speaks for".to_owned(),
            ));
        }
        if token.workspaces.is_empty() {
            return Err(invalid(
                "workspaces",
                "name at least one workspace".to_owned(),
            ));
        }
        let known = |name: &String| {
            self.workspaces.get(name).is_some() && who.access.may(Permission::Read, Some(name))
        };
        if let Some(unknown) = token.workspaces.iter().find(|name| !known(name)) {
            return Err(invalid(
                "workspaces",
                format!("there is no workspace `{unknown}`"),
            ));
        }
        for name in &token.workspaces {
            who.check(Permission::Tokens, Some(name))?;
        }
        let days = token.days.unwrap_or(MOST_DAYS);
        if days == 0 || days > MOST_DAYS {
            return Err(invalid(
                "days",
                format!("a token is good for 1 to {MOST_DAYS} days"),
            ));
        }
        let random = secret()?;
        let id: String = Digest::of(random.as_bytes()).to_string()[..8].to_owned();
        let secret = format!("cst_{id}_{random}");
        let secret_sha256 = Digest::of(secret.as_bytes());
        let actor = person_actor(who);
        let NewToken {
            agent, workspaces, ..
        } = token;
        let recorded = self.ledger.transact(move |_, now| {
            let expires = now.checked_add(DAY * days).ok();
            let row = TokenRow {
                id: id.clone(),
                agent: agent.clone(),
                workspaces: workspaces.clone(),
                created_at: now,
                expires_at: expires,
                revoked: false,
            };
            let event = Event::TokenCreated {
                id,
                secret_sha256,
                agent,
                workspaces,
                expires,
            };
            Ok::<_, DeskError>(Draft::of(vec![(actor, event)], row))
        });
        let (row, _) = recorded.await.map_err(unavailable)?;
        Ok((row, secret))
    }

    pub(super) async fn take_token_back(&self, who: &Person, id: &str) -> Result<(), DeskError> {
        let (actor, id, who) = (person_actor(who), id.to_owned(), who.clone());
        let recorded = self.ledger.transact(move |state, _| {
            let token = state.tokens().find(|token| token.id == id);
            match token.filter(|token| manages(&who, token)) {
                None => Err(DeskError::NotFound(format!("the token `{id}`"))),
                Some(token) if token.revoked => Ok(Draft::nothing(())),
                Some(_) => Ok(Draft::of(vec![(actor, Event::TokenRevoked { id })], ())),
            }
        });
        recorded.await.map(drop).map_err(super::commands::refused)
    }
}

/// Whether `who` may see and take back a token: one of a workspace that they manage.
pub(super) fn manages(who: &Person, token: &Token) -> bool {
    let mut names = token.workspaces.iter();
    names.any(|name| who.access.may(Permission::Tokens, Some(name)))
}

pub(super) fn row(token: &Token) -> TokenRow {
    TokenRow {
        id: token.id.clone(),
        agent: token.agent.clone(),
        workspaces: token.workspaces.clone(),
        created_at: token.created,
        expires_at: token.expires,
        revoked: token.revoked,
    }
}
