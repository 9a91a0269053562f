//! Links that work once: to sign in the person of this machine, and to set a password.

use std::time::Duration;

use countersign_protocol::{Digest, event::AccountChange, principal::Actor};
use countersign_web::desk::{
    DeskError, NewSession,
    access::{AccountRow, Invited, Visitor},
};
use jiff::Timestamp;

use super::{
    Accounts, fact,
    record::{Account, Begin, Link},
    secret,
    sessions::With,
};

/// How long a start link is good for.
const START: Duration = Duration::from_mins(15);
/// How long a link to set a password is good for.
const INVITATION: Duration = Duration::from_hours(24);

/// A link that was made.
#[derive(Debug)]
pub struct Linked {
    /// The account.
    pub account: AccountRow,
    /// The secret in the link.
    pub secret: String,
    /// After which it is refused.
    pub expires: Timestamp,
}

impl Accounts {
    /// The secret of a link that signs in the person of this machine.
    pub fn new_start(&self) -> Result<String, DeskError> {
        let secret = secret()?;
        let now = self.0.clock.now();
        let until = now.checked_add(START).unwrap_or(Timestamp::MAX);
        let mut held = self.held();
        held.starts.retain(|_, good_until| *good_until > now);
        held.starts.insert(Digest::of(secret.as_bytes()), until);
        Ok(secret)
    }

    /// Spends a start link for the person `id`. Of two who try, one gets in.
    pub async fn redeem_start(
        &self,
        token: &str,
        (id, display): (&str, &str),
        from: Visitor,
    ) -> Option<NewSession> {
        let good_until = self.held().starts.remove(&Digest::of(token.as_bytes()))?;
        if good_until <= self.0.clock.now() {
            return None;
        }
        let opened = self.open((id, display), Begin::StartLink, from, With::default());
        opened.await.ok()
    }

    /// Records `account` with a link to set its password; links from before end.
    pub(super) async fn link(
        &self,
        account: Account,
        change: AccountChange,
        by: Actor,
    ) -> Result<Linked, DeskError> {
        let secret = secret()?;
        let key = Digest::of(secret.as_bytes());
        let now = self.0.clock.now();
        let link = Link {
            account: account.id.clone(),
            expires: now.checked_add(INVITATION).unwrap_or(Timestamp::MAX),
        };
        let mut changes: Vec<_> = self.held().links_of(&account.id);
        let ended = changes.clone();
        changes.extend([account.change(), link.change(key)]);
        self.record(changes, vec![(by, fact(&account.id, change))])
            .await?;
        let mut held = self.held();
        held.forget(&ended);
        let expires = link.expires;
        held.links.insert(key, link);
        held.accounts.insert(account.id.clone(), account.clone());
        Ok(Linked {
            account: held.row(&account, now, self.0.terms.idle),
            secret,
            expires,
        })
    }

    fn linked(&self, token: &str) -> Option<(Digest, Account)> {
        let key = Digest::of(token.as_bytes());
        let held = self.held();
        let link = held.links.get(&key)?;
        let account = held.accounts.get(&link.account)?;
        let good = link.expires > self.0.clock.now() && !account.disabled;
        good.then(|| (key, account.clone()))
    }

    /// Whom a link is for.
    pub fn invited(&self, token: &str) -> Option<Invited> {
        let (_, account) = self.linked(token)?;
        Some(Invited {
            is_reset: account.password.is_some(),
            id: account.id,
            name: account.name,
        })
    }

    /// Spends a link: sets the password and signs in.
    pub async fn accept(
        &self,
        token: &str,
        password: &str,
        from: Visitor,
    ) -> Result<NewSession, DeskError> {
        let Some((key, account)) = self.linked(token) else {
            return Err(DeskError::NotFound("this link".to_owned()));
        };
        let hash = self.new_hash(&account, password).await?;
        let with = (Some(hash), Some(key));
        self.begin(&account.id, Begin::Invitation, from, with).await
    }
}

impl super::Held {
    /// What ends the links of the account `id`.
    fn links_of(&self, id: &str) -> Vec<super::Change> {
        let all = self.of(id).into_iter();
        all.filter(|(space, ..)| *space == crate::store::Space::Invitation)
            .collect()
    }
}
