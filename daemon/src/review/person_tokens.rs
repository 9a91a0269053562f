//! Tokens of people: who makes them, and what one stands for at this moment.

use async_trait::async_trait;
use countersign_protocol::{
    access::{Permission, Scope},
    principal::Method,
};
use countersign_web::desk::{
    DeskError, Person, PersonTokensDesk,
    person_tokens::{NewPersonToken, PersonTokenRow},
};

use super::{LedgerDesk, access::person_actor};

impl LedgerDesk {
    /// The person whose token `secret` is, with what is left of their permissions.
    pub(super) fn person_of_token(&self, secret: &str) -> Option<Person> {
        let (signed, scope) = self.accounts.by_token(secret)?;
        let known = self.local.roster.is_local(&signed.id)
            || self.accounts.is_usable(&signed.id)
            || self.policy.catalog().person(&signed.id).is_some();
        let person = self.person(&signed.id, &signed.display, Method::Api);
        known.then(|| Person {
            access: person.access.narrowed(&scope),
            ..person
        })
    }
}

/// Refuses what takes the person and not a program in their name.
pub(super) fn check_present(who: &Person) -> Result<(), DeskError> {
    if who.method == Method::Api {
        return Err(DeskError::NotAllowed(
            "No token does this: it takes a person who is signed in".to_owned(),
        ));
    }
    Ok(())
}

#[async_trait]
impl PersonTokensDesk for LedgerDesk {
    async fn person_tokens(
        &self,
        who: &Person,
        all: bool,
    ) -> Result<Vec<PersonTokenRow>, DeskError> {
        check_present(who)?;
        if all {
            who.check(Permission::People, None)?;
        }
        Ok(self.accounts.tokens((!all).then_some(who.id.as_str())))
    }

    async fn create_person_token(
        &self,
        who: &Person,
        new: NewPersonToken,
    ) -> Result<(PersonTokenRow, String), DeskError> {
        check_present(who)?;
        let invalid = |field: &str, message: String| DeskError::Invalid {
            field: field.to_owned(),
            message,
        };
        let served = |name: &str| {
            self.workspaces.get(name).is_some() && who.access.may(Permission::Read, Some(name))
        };
        if new.workspaces.as_ref().is_some_and(Vec::is_empty) {
            let message = "name a workspace, or leave the list out for all of them";
            return Err(invalid("workspaces", message.to_owned()));
        }
        let mut named = new.workspaces.iter().flatten();
        if let Some(unknown) = named.find(|name| !served(name)) {
            let message = format!("there is no workspace `{unknown}`");
            return Err(invalid("workspaces", message));
        }
        let scope = Scope {
            workspaces: new
                .workspaces
                .clone()
                .map(|names| names.into_iter().collect()),
            may: new.may.iter().copied().collect(),
        };
        let left = who.access.narrowed(&scope);
        if let Some(idle) = new.may.iter().find(|one| !left.may_somewhere(**one)) {
            let why = if idle.is_delegable() {
                "you may not do that there yourself"
            } else {
                "that takes a person who is signed in"
            };
            return Err(invalid(
                "may",
                format!("no token of yours can hold `{idle}`: {why}"),
            ));
        }
        let person = (who.id.as_str(), who.display.as_str());
        self.accounts
            .make_token(person, new, person_actor(who))
            .await
    }

    async fn revoke_person_token(&self, who: &Person, id: &str) -> Result<(), DeskError> {
        check_present(who)?;
        let anybody = who.access.may(Permission::ManagePeople, None);
        let of = (!anybody).then_some(who.id.as_str());
        self.accounts.revoke_token(id, of, person_actor(who)).await
    }
}
