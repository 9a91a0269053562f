//! Passkeys of people, and the questions that they answer.
//!
//! A question is not kept: it says until when it is good and carries a seal of this run of the daemon over that, the
//! person, and what it is about. So nobody fills anything by asking, and an answer to it fits nothing else. What was
//! answered is kept until it is over, so that each counts once.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_protocol::{Digest, event::AccountChange, principal::Actor};
use countersign_web::desk::{
    DeskError,
    access::SignInError,
    step_up::{PasskeyRow, Ways},
};
use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use serde::{Deserialize, Serialize};

use super::{Accounts, Change, fact, invalid, password};
use crate::{
    passkey::{PasskeyError, PublicKey, Said, Site},
    store::Space,
};

/// How long a question is good for.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long a sign-in counts as fresh.
const FRESH: SignedDuration = SignedDuration::from_mins(10);
/// Longest name, in characters.
const NAME: usize = 80;
/// Most passkeys of one person.
const MOST: usize = 20;

/// A passkey, under the digest of the credential id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Passkey {
    credential: String,
    pub(super) person: String,
    name: String,
    /// The name of the site that it is bound to.
    site: String,
    key: PublicKey,
    /// How often it had signed when it was last used.
    count: u32,
    made: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used: Option<Timestamp>,
}

impl Passkey {
    fn change(&self, key: Digest) -> Change {
        (
            Space::Passkey,
            key.to_string(),
            serde_json::to_string(self).ok(),
        )
    }
}

/// A name for a passkey that says nothing of it.
fn public_id(key: Digest) -> String {
    key.to_string()[..16].to_owned()
}

fn refused(error: PasskeyError) -> SignInError {
    let mut why = error.to_string();
    if let Some(first) = why.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    SignInError::Desk(invalid("passkey", why))
}

/// What makes a question one for this person and this matter.
fn sealed(about: &str, person: &str, head: &[u8]) -> Vec<u8> {
    let mut text = format!("{about}\0{person}\0").into_bytes();
    text.extend(head);
    text
}

impl Accounts {
    /// A question to `person` about something, good for a while.
    fn question(&self, person: &str, about: &str) -> Result<String, DeskError> {
        let until = self.0.clock.now().checked_add(PATIENCE);
        let until = until.unwrap_or(Timestamp::MAX).as_second();
        let mut asked = until.to_be_bytes().to_vec();
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| {
            DeskError::Unavailable(format!("the system gives no randomness: {error}"))
        })?;
        asked.extend(random);
        let seal = hmac::sign(&self.0.seal, &sealed(about, person, &asked));
        asked.extend(seal.as_ref());
        Ok(URL_SAFE_NO_PAD.encode(asked))
    }

    /// Whether `challenge` is a question of ours to `person` about that; it is answered from then on.
    fn spend(&self, challenge: &str, person: &str, about: &str) -> Result<(), PasskeyError> {
        let asked = URL_SAFE_NO_PAD.decode(challenge);
        let asked = asked.map_err(|_| PasskeyError::OtherQuestion)?;
        let Some((head, seal)) = asked.split_at_checked(24) else {
            return Err(PasskeyError::OtherQuestion);
        };
        hmac::verify(&self.0.seal, &sealed(about, person, head), seal)
            .map_err(|_| PasskeyError::OtherQuestion)?;
        let until = head
            .first_chunk()
            .map_or(0, |head| i64::from_be_bytes(*head));
        let now = self.0.clock.now().as_second();
        let mut held = self.held();
        held.answered.retain(|_, until| *until > now);
        let is_new = held.answered.insert(challenge.to_owned(), until).is_none();
        if until > now && is_new {
            Ok(())
        } else {
            Err(PasskeyError::OtherQuestion)
        }
    }

    /// What forgets the passkeys of `person`.
    pub(super) fn without_passkeys(&self, person: &str) -> Vec<Change> {
        let own = self.own(person, None).into_iter();
        own.map(|(key, _)| (Space::Passkey, key.to_string(), None))
            .collect()
    }

    fn own(&self, person: &str, site: Option<&Site>) -> Vec<(Digest, Passkey)> {
        let held = self.held();
        let own = held.passkeys.iter().filter(|(_, one)| {
            one.person == person && site.is_none_or(|site| one.site == site.name())
        });
        let mut own: Vec<_> = own.map(|(key, one)| (*key, one.clone())).collect();
        own.sort_by_key(|(key, one)| (std::cmp::Reverse(one.made), *key));
        own
    }

    /// The passkeys of a person, the newest first.
    pub fn passkeys(&self, person: &str) -> Vec<PasskeyRow> {
        let row = |(key, one): (Digest, Passkey)| PasskeyRow {
            id: public_id(key),
            name: one.name,
            site: one.site,
            made_at: one.made,
            used_at: one.used,
        };
        self.own(person, None).into_iter().map(row).collect()
    }

    /// What a browser is asked to make a passkey with.
    pub fn passkey_to_make(
        &self,
        (person, display): (&str, &str),
        site: &Site,
    ) -> Result<String, DeskError> {
        let known = self.credentials(person, site);
        let user = Digest::of(format!("countersign-user\0{person}").as_bytes());
        let user = URL_SAFE_NO_PAD.encode(user.to_string());
        let question = self.question(person, "make")?;
        Ok(site
            .to_make(&question, (&user, display), &known)
            .to_string())
    }

    fn credentials(&self, person: &str, site: &Site) -> Vec<String> {
        let own = self.own(person, Some(site)).into_iter();
        own.map(|(_, one)| one.credential).collect()
    }

    /// What `person` can show about something; `site` is where the page is.
    pub fn ways(&self, person: &str, about: &str, site: Option<&Site>) -> Result<Ways, DeskError> {
        let known = site.map(|site| (site, self.credentials(person, site)));
        let known = known.filter(|(_, known)| !known.is_empty());
        let asked = |(site, known): (&Site, Vec<String>)| {
            let question = self.question(person, about)?;
            Ok::<_, DeskError>(site.to_sign(&question, &known).to_string())
        };
        let passkey = known.map(asked).transpose()?;
        let held = self.held();
        let account = held.accounts.get(person);
        Ok(Ways {
            passkey,
            password: account.is_some_and(|one| one.password.is_some()),
            provider: account.is_some_and(|one| one.sso.is_some()),
            start_link: false,
        })
    }

    /// Keeps the passkey of which a browser says `said`. That it is the person was asked before.
    pub async fn add_passkey(
        &self,
        person: &str,
        name: &str,
        (said, site): (&str, &Site),
        by: Actor,
    ) -> Result<(), SignInError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME || name.chars().any(char::is_control) {
            let why = format!("Give it a name of one line and at most {NAME} characters");
            return Err(invalid("passkey-name", why).into());
        }
        let said = Said::read(said).map_err(refused)?;
        let (public, count) = said.made(site).map_err(refused)?;
        self.spend(said.challenge(), person, "make")
            .map_err(refused)?;
        let _changing = self.0.changing.lock().await;
        let key = Digest::of(said.credential().as_bytes());
        let is_known = self.held().passkeys.contains_key(&key);
        if is_known || self.own(person, None).len() >= MOST {
            let why = if is_known {
                "This passkey is known already".to_owned()
            } else {
                format!("There are {MOST} passkeys already; remove one first")
            };
            return Err(invalid("passkey", why).into());
        }
        let passkey = Passkey {
            credential: said.credential(),
            person: person.to_owned(),
            name: name.to_owned(),
            site: site.name().to_owned(),
            key: public,
            count,
            made: self.0.clock.now(),
            used: None,
        };
        let added = AccountChange::PasskeyAdded {
            passkey: public_id(key),
        };
        let facts = vec![(by, fact(person, added))];
        self.record(vec![passkey.change(key)], facts).await?;
        self.held().passkeys.insert(key, passkey);
        Ok(())
    }

    /// Forgets a passkey of `person`.
    pub async fn remove_passkey(&self, person: &str, id: &str, by: Actor) -> Result<(), DeskError> {
        let _changing = self.0.changing.lock().await;
        let own = self.own(person, None).into_iter();
        let mut found = own.map(|(key, _)| key).filter(|key| public_id(*key) == id);
        let key = found
            .next()
            .ok_or_else(|| DeskError::NotFound(format!("the passkey `{id}`")))?;
        let removed = AccountChange::PasskeyRemoved {
            passkey: id.to_owned(),
        };
        let gone = vec![(Space::Passkey, key.to_string(), None)];
        self.record(gone.clone(), vec![(by, fact(person, removed))])
            .await?;
        self.held().forget(&gone);
        Ok(())
    }

    /// The public id of the passkey of `person` that signed a question about that.
    pub fn check_passkey(
        &self,
        person: &str,
        about: &str,
        (said, site): (&str, &Site),
    ) -> Result<String, SignInError> {
        let said = Said::read(said).map_err(refused)?;
        let key = Digest::of(said.credential().as_bytes());
        let known = self.held().passkeys.get(&key).cloned();
        let known = known.filter(|one| one.person == person && one.site == site.name());
        let passkey = known.ok_or_else(|| refused(PasskeyError::NotSigned))?;
        let count = said
            .signed(site, &passkey.key, passkey.count)
            .map_err(refused)?;
        self.spend(said.challenge(), person, about)
            .map_err(refused)?;
        let used = Passkey {
            count,
            used: Some(self.0.clock.now()),
            ..passkey
        };
        let change = used.change(key);
        self.held().passkeys.insert(key, used);
        self.note(change);
        Ok(public_id(key))
    }

    /// Whether that is the password of `person`.
    pub async fn check_password(&self, person: &str, typed: &str) -> Result<(), SignInError> {
        let account = self.held().accounts.get(person).cloned();
        let usable = account.filter(|account| !account.disabled);
        let stored = usable.as_ref().and_then(|one| one.password.as_deref());
        match self.0.passwords.verify(typed, stored).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(SignInError::Refused),
            Err(password::Busy) => Err(SignInError::Busy),
        }
    }

    /// Whether `secret` is a session of `person` that began just now, by somebody who was there. Who has a password
    /// types that instead.
    pub fn is_fresh(&self, person: &str, secret: &str) -> bool {
        let now = self.0.clock.now();
        let held = self.held();
        let account = held.accounts.get(person);
        let session = held.sessions.get(&Digest::of(secret.as_bytes()));
        account.is_none_or(|one| one.password.is_none())
            && session.is_some_and(|one| {
                let since = one
                    .since
                    .filter(|since| now.duration_since(*since) <= FRESH);
                one.id == person && one.attended && since.is_some()
            })
    }
}
