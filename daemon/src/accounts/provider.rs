//! Accounts of people for whom a provider vouches. An account is bound to the one whom the provider meant first:
//! a name that somebody else gets there later opens nothing here.

use countersign_protocol::event::AccountChange;
use countersign_web::desk::{DeskError, NewSession, access::Visitor};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Account, Accounts, Begin, sessions::With};
use crate::sso::Vouched;

/// What a provider said about the owner of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bound {
    issuer: String,
    subject: String,
    /// At the last sign-in.
    groups: Vec<String>,
    at: Timestamp,
}

impl Bound {
    fn is_same(&self, vouched: &Vouched) -> bool {
        self.issuer == vouched.issuer && self.subject == vouched.subject
    }
}

impl Accounts {
    /// Signs in somebody for whom the provider vouches, under `id`. The account is made when there is none.
    pub async fn enter_by_sso(
        &self,
        (id, name): (&str, &str),
        vouched: Vouched,
        from: Visitor,
    ) -> Result<NewSession, DeskError> {
        let _changing = self.0.changing.lock().await;
        let attended = vouched.attended;
        let (account, fact) = self.bind((id, name), vouched)?;
        let (id, name) = (account.id.clone(), account.name.clone());
        let with = With {
            account: Some(account),
            ended: Vec::new(),
            fact,
            attended,
            until: None,
        };
        self.open((&id, &name), Begin::Sso, from, with).await
    }

    /// The account as it is from this sign-in on, and what else happened to it.
    fn bind(
        &self,
        (id, name): (&str, &str),
        vouched: Vouched,
    ) -> Result<(Account, Option<AccountChange>), DeskError> {
        let refused = |why: &str| Err(DeskError::NotAllowed(why.to_owned()));
        let now = self.0.clock.now();
        let (known, other) = {
            let held = self.held();
            let mut others = held.accounts.values();
            let other = others.any(|one| {
                let bound = one.sso.as_ref();
                one.id != id && bound.is_some_and(|bound| bound.is_same(&vouched))
            });
            (held.accounts.get(id).cloned(), other)
        };
        if other {
            return refused("the provider vouched for this person under another name before");
        }
        let is_first = known.as_ref().is_none_or(|account| account.sso.is_none());
        let account = known.unwrap_or_else(|| Account {
            id: id.to_owned(),
            name: name.to_owned(),
            made: now,
            password: None,
            disabled: false,
            last_sign_in: None,
            sso: None,
        });
        if account.disabled {
            return refused("the account is disabled");
        }
        let is_other = |bound: &Bound| !bound.is_same(&vouched);
        if account.sso.as_ref().is_some_and(is_other) {
            return refused("the account belongs to somebody else at the provider");
        }
        let issuer = vouched.issuer.clone();
        let account = Account {
            last_sign_in: Some(now),
            sso: Some(Bound {
                issuer: vouched.issuer,
                subject: vouched.subject,
                groups: vouched.groups,
                at: now,
            }),
            ..account
        };
        Ok((account, is_first.then_some(AccountChange::Bound { issuer })))
    }

    /// The groups of `id` at the provider. What it said counts for as long as a session may last.
    pub fn groups_of(&self, id: &str, now: Timestamp) -> Vec<String> {
        let held = self.held();
        let bound = held.accounts.get(id).and_then(|one| one.sso.as_ref());
        let until = |bound: &&Bound| {
            let until = bound.at.checked_add(self.0.terms.session);
            until.is_ok_and(|until| until > now)
        };
        bound
            .filter(until)
            .map(|bound| bound.groups.clone())
            .unwrap_or_default()
    }
}
