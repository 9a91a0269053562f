//! Tokens of people: a secret of which only the digest is kept, with the part of its owner's permissions that it
//! reaches. How much of that they still hold is asked at each request.

use std::{collections::BTreeSet, time::Duration};

use countersign_protocol::{
    Digest,
    access::{Permission, Permissions, Scope},
    event::AccountChange,
    principal::Actor,
};
use countersign_web::desk::{
    DeskError,
    person_tokens::{NewPersonToken, PersonTokenRow},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Accounts, Change, Signed, fact, invalid, secret, sessions::NOTED};
use crate::store::Space;

const DAY: Duration = Duration::from_hours(24);
/// Days that a token is good for where nothing is said.
const USUAL: u32 = 30;
/// Longest life of a token, in days.
const LONGEST: u32 = 365;
/// Longest name, in characters.
const NAME: usize = 80;
/// Most tokens of one person.
const MOST: usize = 50;

/// A token of a person, under the digest of its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Token {
    /// The public id.
    pub(super) id: String,
    pub(super) person: String,
    pub(super) display: String,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workspaces: Option<BTreeSet<String>>,
    may: Vec<Permission>,
    made: Timestamp,
    expires: Timestamp,
    /// The last request that was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used: Option<Timestamp>,
}

impl Token {
    fn change(&self, key: Digest) -> Change {
        let text = serde_json::to_string(self).ok();
        (Space::PersonToken, key.to_string(), text)
    }

    fn row(&self) -> PersonTokenRow {
        PersonTokenRow {
            id: self.id.clone(),
            person: self.person.clone(),
            name: self.name.clone(),
            workspaces: self
                .workspaces
                .as_ref()
                .map(|names| names.iter().cloned().collect()),
            may: self.may.clone(),
            made_at: self.made,
            used_at: self.used,
            expires_at: self.expires,
        }
    }

    /// What it reaches at the most.
    fn scope(&self) -> Scope {
        Scope {
            workspaces: self.workspaces.clone(),
            may: self.may.iter().copied().collect::<Permissions>(),
        }
    }
}

impl Accounts {
    /// Makes a token for the person `id`. Whether they hold what it allows was checked before.
    pub async fn make_token(
        &self,
        (id, display): (&str, &str),
        new: NewPersonToken,
        by: Actor,
    ) -> Result<(PersonTokenRow, String), DeskError> {
        let name = new.name.trim();
        if name.is_empty() || name.chars().count() > NAME || name.chars().any(char::is_control) {
            let why = format!("say in one line of at most {NAME} characters what it is for");
            return Err(invalid("name", why));
        }
        let days = new.days.unwrap_or(USUAL);
        if !(1..=LONGEST).contains(&days) {
            let why = format!("a token is good for 1 to {LONGEST} days");
            return Err(invalid("days", why));
        }
        let may: Permissions = new.may.iter().copied().collect();
        if may.is_empty() {
            return Err(invalid("may", "say what it is to allow"));
        }
        let now = self.0.clock.now();
        let random = secret()?;
        let public = Digest::of(random.as_bytes()).to_string()[..8].to_owned();
        let secret = format!("csp_{public}_{random}");
        let key = Digest::of(secret.as_bytes());
        let token = Token {
            id: public,
            person: id.to_owned(),
            display: display.to_owned(),
            name: name.to_owned(),
            workspaces: new
                .workspaces
                .map(|names| names.into_iter().collect::<BTreeSet<_>>()),
            may: may.iter().collect(),
            made: now,
            expires: now.checked_add(DAY * days).unwrap_or(Timestamp::MAX),
            used: None,
        };
        let made = AccountChange::TokenMade {
            token: token.id.clone(),
            workspaces: token.row().workspaces,
            may: may.iter().map(|one| one.name().to_owned()).collect(),
            expires: token.expires,
        };
        let _changing = self.0.changing.lock().await;
        let (over, held) = {
            let held = self.held();
            let over = held.tokens.iter().filter(|(_, one)| one.expires <= now);
            let over: Vec<Change> = over
                .map(|(key, _)| (Space::PersonToken, key.to_string(), None))
                .collect();
            let own = held
                .tokens
                .values()
                .filter(|one| one.person == id && one.expires > now);
            (over, own.count())
        };
        if held >= MOST {
            let why = format!("there are {MOST} tokens already; take one back first");
            return Err(invalid("name", why));
        }
        let mut changes = over.clone();
        changes.push(token.change(key));
        self.record(changes, vec![(by, fact(id, made))]).await?;
        let row = token.row();
        let mut held = self.held();
        held.forget(&over);
        held.tokens.insert(key, token);
        Ok((row, secret))
    }

    /// Whose token `secret` is, and what it reaches at the most. The request counts as a use.
    pub fn by_token(&self, secret: &str) -> Option<(Signed, Scope)> {
        let key = Digest::of(secret.as_bytes());
        let now = self.0.clock.now();
        let mut held = self.held();
        let token = held.tokens.get_mut(&key)?;
        if token.expires <= now {
            return None;
        }
        let noted = token
            .used
            .is_some_and(|used| now.duration_since(used) < NOTED);
        let change = (!noted).then(|| {
            token.used = Some(now);
            token.change(key)
        });
        let scope = token.scope();
        let (id, display) = (token.person.clone(), token.display.clone());
        let name = held.accounts.get(&id).map(|account| account.name.clone());
        drop(held);
        if let Some(change) = change {
            self.note(change);
        }
        let display = name.unwrap_or(display);
        Some((Signed { id, display }, scope))
    }

    /// The good tokens of one person, or of everybody, the newest first.
    pub fn tokens(&self, of: Option<&str>) -> Vec<PersonTokenRow> {
        let now = self.0.clock.now();
        let held = self.held();
        let good = held
            .tokens
            .values()
            .filter(|one| one.expires > now && of.is_none_or(|of| of == one.person));
        let mut rows: Vec<_> = good.map(Token::row).collect();
        rows.sort_by(|a, b| (b.made_at, &b.id).cmp(&(a.made_at, &a.id)));
        rows
    }

    /// Takes back the token of that public id when it is one of `of`, or, without a name, anybody's.
    pub async fn revoke_token(
        &self,
        id: &str,
        of: Option<&str>,
        by: Actor,
    ) -> Result<(), DeskError> {
        let found = self.held().tokens.iter().find_map(|(key, token)| {
            let is_one = token.id == id && of.is_none_or(|of| of == token.person);
            is_one.then(|| (*key, token.person.clone()))
        });
        let Some((key, person)) = found else {
            return Err(DeskError::NotFound(format!("the token `{id}`")));
        };
        let ended = vec![(Space::PersonToken, key.to_string(), None)];
        let revoked = AccountChange::TokenRevoked {
            token: id.to_owned(),
        };
        self.record(ended.clone(), vec![(by, fact(&person, revoked))])
            .await?;
        self.held().forget(&ended);
        Ok(())
    }
}
