//! Who can sign in, and who is signed in: accounts, sessions, and links that work once.
//!
//! All of it are values of the store beside the chain, since a fact is never forgotten and a password must be.
//! Of secrets only digests are kept, of passwords only argon2id. What happened to an account is a fact
//! ([`AccountChange`]) without any of that.

mod links;
mod outsiders;
mod passkeys;
mod password;
mod provider;
mod record;
mod sessions;
#[cfg(test)]
mod tests;
mod tokens;

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use countersign_protocol::{
    Digest,
    event::{AccountChange, Event},
    principal::Actor,
};
use countersign_web::desk::{
    DeskError, NewSession,
    access::{AccountRow, SignInError, Visitor},
};
use jiff::Timestamp;

pub use links::Linked;
pub use outsiders::Outsider;
use passkeys::Passkey;
pub use password::Passwords;
use record::{Account, Begin, Change, Link, Session};
use ring::{hmac, rand::SystemRandom};
pub use sessions::Signed;
use tokens::Token;

use crate::{
    clock::SharedClock,
    fault,
    ledger::{Draft, Ledger},
    store::{Space, StoreError},
};

/// How long sessions last.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// At the most.
    pub session: Duration,
    /// Without a request.
    pub idle: Duration,
    /// How long an invitation from outside is good, where nothing is said.
    pub invitation: Duration,
}

/// What is in memory: the same as in the store, but for the last minute of requests.
#[derive(Debug, Default)]
struct Held {
    accounts: BTreeMap<String, Account>,
    sessions: HashMap<Digest, Session>,
    links: HashMap<Digest, Link>,
    tokens: HashMap<Digest, Token>,
    passkeys: HashMap<Digest, Passkey>,
    outsiders: HashMap<Digest, Outsider>,
    /// Questions to passkeys that were answered, and until when they would be good, in seconds since 1970.
    answered: HashMap<String, i64>,
    /// Links that sign in the person of this machine; they do not outlive the daemon.
    starts: HashMap<Digest, Timestamp>,
}

/// Everybody who can sign in. Clones share it.
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

struct Inner {
    ledger: Ledger,
    clock: SharedClock,
    passwords: Passwords,
    terms: Terms,
    /// Makes a question to a passkey one of ours. It does not outlive the daemon.
    seal: hmac::Key,
    held: Mutex<Held>,
    /// Held from looking at an account until its change is on the disk, so that no two changes cross.
    changing: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}

/// 256 bits for a URL or a header.
pub fn secret() -> Result<String, DeskError> {
    use base64::Engine as _;
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        DeskError::Unavailable(format!("the system gives no randomness: {error}"))
    })?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

fn invalid(field: &str, message: impl Into<String>) -> DeskError {
    DeskError::Invalid {
        field: field.to_owned(),
        message: message.into(),
    }
}

impl Accounts {
    /// Those that outlived the last run.
    pub async fn load(
        ledger: Ledger,
        clock: SharedClock,
        passwords: Passwords,
        terms: Terms,
    ) -> Result<Self, StoreError> {
        let read = |space| ledger.read(move |store| store.values(space));
        let seal = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| StoreError::Failed("the system gives no randomness".to_owned()))?;
        let now = clock.now();
        let accounts = read(Space::Account).await?.into_iter();
        let accounts =
            accounts.filter_map(|(key, text)| Some((key, serde_json::from_str(&text).ok()?)));
        let sessions = read(Space::Session).await?.into_iter();
        let sessions = sessions.filter_map(|(key, text)| {
            let session: Session = serde_json::from_str(&text).ok()?;
            (session.expires > now).then_some((key.parse().ok()?, session))
        });
        let links = read(Space::Invitation).await?.into_iter();
        let links = links
            .filter_map(|(key, text)| Some((key.parse().ok()?, serde_json::from_str(&text).ok()?)));
        let tokens = read(Space::PersonToken).await?.into_iter();
        let tokens = tokens
            .filter_map(|(key, text)| Some((key.parse().ok()?, serde_json::from_str(&text).ok()?)));
        let passkeys = read(Space::Passkey).await?.into_iter();
        let passkeys = passkeys
            .filter_map(|(key, text)| Some((key.parse().ok()?, serde_json::from_str(&text).ok()?)));
        let outsiders = read(Space::Outsider).await?.into_iter();
        let outsiders = outsiders
            .filter_map(|(key, text)| Some((key.parse().ok()?, serde_json::from_str(&text).ok()?)));
        let held = Held {
            passkeys: passkeys.collect(),
            outsiders: outsiders.collect(),
            answered: HashMap::new(),
            tokens: tokens.collect(),
            accounts: accounts.collect(),
            sessions: sessions.collect(),
            links: links.collect(),
            starts: HashMap::new(),
        };
        Ok(Self(Arc::new(Inner {
            ledger,
            clock,
            passwords,
            terms,
            seal,
            held: Mutex::new(held),
            changing: tokio::sync::Mutex::default(),
        })))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody can sign in with a password, or has a link to set one.
    pub fn any(&self) -> bool {
        let held = self.held();
        let mut all = held.accounts.values();
        all.any(|one| one.password.is_some() || one.sso.is_none())
    }

    /// The name that others see of the account `id`.
    pub fn name(&self, id: &str) -> Option<String> {
        self.held()
            .accounts
            .get(id)
            .map(|account| account.name.clone())
    }

    /// Whether there is an account `id` that was not disabled.
    pub fn is_usable(&self, id: &str) -> bool {
        let held = self.held();
        held.accounts.get(id).is_some_and(|one| !one.disabled)
    }

    /// All accounts, by id.
    pub fn rows(&self) -> Vec<AccountRow> {
        let now = self.0.clock.now();
        let held = self.held();
        let row = |account: &Account| held.row(account, now, self.0.terms.idle);
        held.accounts.values().map(row).collect()
    }

    /// Makes an account without a password.
    pub async fn add(&self, id: &str, name: &str, by: Actor) -> Result<Linked, DeskError> {
        let _changing = self.0.changing.lock().await;
        if self.held().accounts.contains_key(id) {
            return Err(invalid("id", format!("there is an account `{id}` already")));
        }
        let account = Account {
            id: id.to_owned(),
            name: name.to_owned(),
            made: self.0.clock.now(),
            password: None,
            disabled: false,
            last_sign_in: None,
            sso: None,
        };
        self.link(account, AccountChange::Made, by).await
    }

    /// A link with which the owner sets another password. The password from before holds until then.
    pub async fn reset(&self, id: &str, by: Actor) -> Result<Linked, DeskError> {
        let _changing = self.0.changing.lock().await;
        let account = self.account(id)?;
        self.link(account, AccountChange::Reset, by).await
    }

    /// Disables an account, which ends its sessions, links and tokens, or enables it again.
    pub async fn disable(&self, id: &str, off: bool, by: Actor) -> Result<(), DeskError> {
        let _changing = self.0.changing.lock().await;
        let account = self.account(id)?;
        if account.disabled == off {
            return Ok(());
        }
        let (change, ended) = if off {
            (AccountChange::Disabled, self.held().of(id))
        } else {
            (AccountChange::Enabled, Vec::new())
        };
        let account = Account {
            disabled: off,
            ..account
        };
        let mut changes: Vec<Change> = ended.clone();
        changes.push(account.change());
        self.record(changes, vec![(by, fact(id, change))]).await?;
        let mut held = self.held();
        held.forget(&ended);
        held.accounts.insert(account.id.clone(), account);
        Ok(())
    }

    fn account(&self, id: &str) -> Result<Account, DeskError> {
        let found = self.held().accounts.get(id).cloned();
        found.ok_or_else(|| DeskError::NotFound(format!("the account `{id}`")))
    }

    /// Signs in with name and password.
    pub async fn sign_in(
        &self,
        id: &str,
        password: &str,
        from: Visitor,
    ) -> Result<NewSession, SignInError> {
        let known = self.held().accounts.get(id).cloned();
        let usable = known.filter(|account| !account.disabled);
        let stored = usable
            .as_ref()
            .and_then(|account| account.password.as_deref());
        let good = self.0.passwords.verify(password, stored).await;
        match (good, usable) {
            (Ok(true), Some(account)) => {
                let with = (None, None);
                Ok(self.begin(&account.id, Begin::Password, from, with).await?)
            }
            (Ok(_), _) => Err(SignInError::Refused),
            (Err(password::Busy), _) => Err(SignInError::Busy),
        }
    }

    /// Signs in somebody of whom a proxy says who they are; `named` is their name where the configuration knows
    /// them. A disabled account stays out.
    pub async fn enter_by_proxy(
        &self,
        id: &str,
        named: Option<&str>,
        from: Visitor,
    ) -> Result<NewSession, DeskError> {
        if self.name(id).is_some() {
            return self.begin(id, Begin::Proxy, from, (None, None)).await;
        }
        let unknown = || DeskError::NotFound(format!("the account `{id}`"));
        let person = (id, named.ok_or_else(unknown)?);
        self.open(person, Begin::Proxy, from, sessions::With::default())
            .await
    }

    /// Sets another password. Who has only the session does not know the old one.
    pub async fn change_password(
        &self,
        id: &str,
        old: &str,
        new: &str,
        from: Visitor,
    ) -> Result<NewSession, SignInError> {
        let account = self.account(id)?;
        let stored = account.password.as_deref();
        match self.0.passwords.verify(old, stored).await {
            Ok(true) => {}
            Ok(false) => return Err(SignInError::Refused),
            Err(password::Busy) => return Err(SignInError::Busy),
        }
        let hash = self.new_hash(&account, new).await?;
        let with = (Some(hash), None);
        Ok(self.begin(id, Begin::Password, from, with).await?)
    }

    async fn new_hash(&self, account: &Account, password: &str) -> Result<String, DeskError> {
        if let Some(why) = password::fault_of(password, &account.id, &account.name) {
            return Err(invalid("password", why));
        }
        match self.0.passwords.hash(password).await {
            Ok(Some(hash)) => Ok(hash),
            _ => Err(DeskError::Unavailable(
                "too many passwords are being checked; try again in a moment".to_owned(),
            )),
        }
    }

    /// Writes what is to be written, together.
    async fn record(
        &self,
        values: Vec<Change>,
        events: Vec<(Actor, Event)>,
    ) -> Result<(), DeskError> {
        let draft = Draft {
            values,
            ..Draft::of(events, ())
        };
        fault::step("accounts.before_record");
        let recorded = self
            .0
            .ledger
            .transact(move |_, _| Ok::<_, Infallible>(draft));
        recorded.await.map_err(|error| {
            DeskError::Unavailable(format!("not recorded, nothing was changed: {error}"))
        })?;
        fault::step("accounts.recorded");
        Ok(())
    }
}

impl Held {
    fn row(&self, account: &Account, now: Timestamp, idle: Duration) -> AccountRow {
        let open = |one: &&Session| one.id == account.id && one.holds(now, idle);
        AccountRow {
            id: account.id.clone(),
            name: account.name.clone(),
            state: account.state().to_owned(),
            made_at: account.made,
            last_sign_in: account.last_sign_in,
            sessions: self.sessions.values().filter(open).count(),
        }
    }

    /// What ends all sessions, links and tokens of the account `id`.
    fn of(&self, id: &str) -> Vec<Change> {
        let sessions = self.sessions.iter().filter(|(_, one)| one.id == id);
        let sessions = sessions.map(|(key, _)| (Space::Session, key.to_string(), None));
        let links = self.links.iter().filter(|(_, one)| one.account == id);
        let links = links.map(|(key, _)| (Space::Invitation, key.to_string(), None));
        let tokens = self.tokens.iter().filter(|(_, one)| one.person == id);
        let tokens = tokens.map(|(key, _)| (Space::PersonToken, key.to_string(), None));
        sessions.chain(links).chain(tokens).collect()
    }

    /// The same in memory.
    fn forget(&mut self, changes: &[Change]) {
        for (space, key, _) in changes.iter().filter(|(.., value)| value.is_none()) {
            let Ok(key) = key.parse::<Digest>() else {
                continue;
            };
            match space {
                Space::Session => drop(self.sessions.remove(&key)),
                Space::Invitation => drop(self.links.remove(&key)),
                Space::PersonToken => drop(self.tokens.remove(&key)),
                Space::Passkey => drop(self.passkeys.remove(&key)),
                _ => {}
            }
        }
    }
}

fn fact(account: &str, change: AccountChange) -> Event {
    Event::Account {
        account: account.to_owned(),
        change,
    }
}
