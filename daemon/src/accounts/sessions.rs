//! Who is signed in. A session begins with a secret of its own, so that none that was known before is worth
//! anything, and ends by its owner, by time, or with its account.

use std::convert::Infallible;

use countersign_protocol::{
    Digest,
    event::{AccountChange, Event},
    principal::{Actor, Method},
};
use countersign_web::desk::{
    DeskError, NewSession,
    access::{SessionRow, Visitor},
};
use jiff::{SignedDuration, Timestamp};

use super::{Account, Accounts, Begin, Change, Held, Session, fact, secret};
use crate::{ledger::Draft, store::Space};

/// A request is noted when the last one that was is so long ago.
pub(super) const NOTED: SignedDuration = SignedDuration::from_secs(60);
/// Longest name of a browser that is kept, in characters.
const BROWSER: usize = 200;
/// Time after the sign-in in which a page can show the key of the session.
const KEY_WINDOW: SignedDuration = SignedDuration::from_mins(2);
/// Most open sessions of one person; the one that was used longest ago gives way.
const MOST: usize = 20;

/// Whose session it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Id of the person.
    pub id: String,
    /// The name for others.
    pub display: String,
}

/// What goes with a new session, in the same transaction.
#[derive(Default)]
pub(super) struct With {
    /// The account as it is from then on.
    pub(super) account: Option<Account>,
    /// Sessions and links that end.
    pub(super) ended: Vec<Change>,
    /// What else happened.
    pub(super) fact: Option<AccountChange>,
    /// Whether the provider says that the person signed in there for it.
    pub(super) attended: bool,
    /// When it ends, where that is sooner than usual.
    pub(super) until: Option<Timestamp>,
}

impl Accounts {
    /// A session for the account `id`. With another password, all from before ends; a link that was `spent` must
    /// still be there.
    pub(super) async fn begin(
        &self,
        id: &str,
        by: Begin,
        from: Visitor,
        (password, spent): (Option<String>, Option<Digest>),
    ) -> Result<NewSession, DeskError> {
        let _changing = self.0.changing.lock().await;
        let account = self.account(id)?;
        let gone = spent.is_some_and(|key| !self.held().links.contains_key(&key));
        if gone || account.disabled {
            return Err(DeskError::NotFound("this link".to_owned()));
        }
        let is_new = password.is_some();
        let mut ended = Vec::new();
        if is_new {
            ended.extend(self.held().of(id));
        }
        // Whoever needs a link may have lost their passkeys, too.
        if spent.is_some() {
            ended.extend(self.without_passkeys(id));
        }
        let with = With {
            ended,
            attended: false,
            until: None,
            fact: is_new.then_some(AccountChange::PasswordSet),
            account: Some(Account {
                password: password.or_else(|| account.password.clone()),
                last_sign_in: Some(self.0.clock.now()),
                ..account.clone()
            }),
        };
        self.open((&account.id, &account.name), by, from, with)
            .await
    }

    /// A session, recorded.
    pub(super) async fn open(
        &self,
        (id, display): (&str, &str),
        by: Begin,
        from: Visitor,
        with: With,
    ) -> Result<NewSession, DeskError> {
        let secret = secret()?;
        let key = Digest::of(secret.as_bytes());
        let now = self.0.clock.now();
        let session = Session {
            id: id.to_owned(),
            display: display.to_owned(),
            expires: now
                .checked_add(self.0.terms.session)
                .unwrap_or(Timestamp::MAX)
                .min(with.until.unwrap_or(Timestamp::MAX)),
            by,
            attended: with.attended
                || !matches!(by, Begin::Proxy | Begin::Sso | Begin::OutsideLink),
            since: Some(now),
            seen: Some(now),
            address: from.address,
            browser: from.browser.chars().take(BROWSER).collect(),
            page_key: None,
        };
        let mut ended = with.ended;
        ended.extend(self.held().in_the_way(id, now));
        let shown = from.shown.map(|shown| Digest::of(shown.as_bytes()));
        ended.extend(shown.map(|key| (Space::Session, key.to_string(), None)));
        let mut changes = ended.clone();
        changes.extend(with.account.iter().map(Account::change));
        changes.push(session.change(key));
        let actor = Actor::Person {
            id: id.to_owned(),
            display: display.to_owned(),
            method: Method::Web,
        };
        let signed_in = AccountChange::SignedIn {
            by: by.name().to_owned(),
        };
        let facts = with.fact.into_iter().chain([signed_in]);
        let facts = facts.map(|change| (actor.clone(), fact(id, change)));
        self.record(changes, facts.collect()).await?;
        let mut held = self.held();
        held.forget(&ended);
        held.sessions.insert(key, session);
        if let Some(account) = with.account {
            held.accounts.insert(account.id.clone(), account);
        }
        Ok(NewSession {
            secret,
            lifetime: self.0.terms.session,
        })
    }

    /// Whose session `secret` is; `counts` says that the request is a sign of life.
    pub fn signed(&self, secret: &str, counts: bool) -> Option<Signed> {
        let key = Digest::of(secret.as_bytes());
        let now = self.0.clock.now();
        let mut guard = self.held();
        let held = &mut *guard;
        let session = held.sessions.get_mut(&key)?;
        let invited = super::outsiders::still_invited(&session.id, &held.outsiders, now);
        if !invited || !session.holds(now, self.0.terms.idle) {
            drop(held.sessions.remove(&key));
            drop(guard);
            self.note((Space::Session, key.to_string(), None));
            return None;
        }
        let noted = session
            .seen
            .is_some_and(|seen| now.duration_since(seen) < NOTED);
        let change = (counts && !noted).then(|| {
            session.seen = Some(now);
            session.change(key)
        });
        let signed = Signed {
            id: session.id.clone(),
            display: session.display.clone(),
        };
        let name = held.accounts.get(&signed.id);
        let display = name.map_or(signed.display, |account| account.name.clone());
        drop(guard);
        if let Some(change) = change {
            self.note(change);
        }
        Some(Signed { display, ..signed })
    }

    /// Checks the key that a page of the session `secret` shows; the first one soon after the sign-in is kept.
    pub fn holds_page_key(&self, secret: &str, shown: Option<Digest>) -> bool {
        let key = Digest::of(secret.as_bytes());
        let now = self.0.clock.now();
        let mut held = self.held();
        let Some(session) = held.sessions.get_mut(&key) else {
            return false;
        };
        if session.page_key.is_some() {
            return session.page_key == shown;
        }
        let is_new = |since| now.duration_since(since) < KEY_WINDOW;
        if shown.is_some() && session.since.is_some_and(is_new) {
            session.page_key = shown;
            let change = session.change(key);
            drop(held);
            self.note(change);
        }
        true
    }

    /// Writes a value that nobody waits for.
    pub(super) fn note(&self, change: Change) {
        let draft = Draft {
            values: vec![change],
            ..Draft::nothing(())
        };
        let job = move |_: &_, _| Ok::<_, Infallible>(draft);
        self.0.ledger.submit(job, |done| {
            if let Err(error) = done {
                tracing::warn!(%error, "what a session did last is not on the disk");
            }
        });
    }

    /// Ends the session of `secret`. In memory it ends in any case.
    pub async fn end(&self, secret: &str) {
        let key = Digest::of(secret.as_bytes());
        drop(self.held().sessions.remove(&key));
        let ended = vec![(Space::Session, key.to_string(), None)];
        if let Err(error) = self.record(ended, Vec::new()).await {
            tracing::warn!(%error, "an ended session could not be forgotten on disk");
        }
    }

    /// Ends the session of that public id when it is one of `of`, or, without a name, anybody's.
    pub async fn end_one(&self, id: &str, of: Option<&str>, by: Actor) -> Result<(), DeskError> {
        let found = self.held().sessions.iter().find_map(|(key, session)| {
            let is_one = public_id(*key) == id && of.is_none_or(|of| of == session.id);
            is_one.then(|| (*key, session.id.clone()))
        });
        let Some((key, person)) = found else {
            return Err(DeskError::NotFound(format!("the session `{id}`")));
        };
        let ended = vec![(Space::Session, key.to_string(), None)];
        let event: Event = fact(&person, AccountChange::SessionEnded);
        self.record(ended.clone(), vec![(by, event)]).await?;
        self.held().forget(&ended);
        Ok(())
    }

    /// The open sessions of one person, or of everybody, the newest first.
    pub fn list(&self, of: Option<&str>, current: Option<&str>) -> Vec<SessionRow> {
        let now = self.0.clock.now();
        let current = current.map(|secret| Digest::of(secret.as_bytes()));
        let held = self.held();
        let open = held.sessions.iter().filter(|(_, session)| {
            of.is_none_or(|of| of == session.id) && session.holds(now, self.0.terms.idle)
        });
        let mut rows: Vec<SessionRow> = open
            .map(|(key, session)| SessionRow {
                id: public_id(*key),
                person: session.id.clone(),
                name: session.display.clone(),
                by: session.by.name().to_owned(),
                address: session.address.map(|address| address.to_string()),
                browser: session.browser.clone(),
                since: session.since.unwrap_or(Timestamp::UNIX_EPOCH),
                seen_at: session.seen.unwrap_or(Timestamp::UNIX_EPOCH),
                expires_at: session.expires,
                current: current == Some(*key),
            })
            .collect();
        rows.sort_by(|a, b| (b.since, &b.id).cmp(&(a.since, &a.id)));
        rows
    }
}

impl Held {
    /// The sessions that are over, and those of `id` that must give way to another one.
    fn in_the_way(&self, id: &str, now: Timestamp) -> Vec<Change> {
        let over = self.sessions.iter().filter(|(_, one)| one.expires <= now);
        let mut ended: Vec<Digest> = over.map(|(key, _)| *key).collect();
        let open = self
            .sessions
            .iter()
            .filter(|(_, one)| one.id == id && one.expires > now);
        let mut open: Vec<_> = open.map(|(key, one)| (one.seen, *key)).collect();
        open.sort_unstable();
        let more = (open.len() + 1).saturating_sub(MOST);
        ended.extend(open.into_iter().take(more).map(|(_, key)| key));
        let change = |key: Digest| (Space::Session, key.to_string(), None);
        ended.into_iter().map(change).collect()
    }
}

/// A name for a session that signs nobody in: a part of the digest of its secret.
fn public_id(key: Digest) -> String {
    key.to_string()[..16].to_owned()
}
