//! Start links and sessions. Secrets are kept as digests only.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use countersign_protocol::{Digest, principal::Method};
use countersign_web::desk::{DeskError, NewSession, Person};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{LedgerDesk, Local};
use crate::{
    ledger::{Draft, Ledger},
    store::{Space, StoreError},
};

/// How long a start link is good for.
const START: Duration = Duration::from_mins(15);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Session {
    id: String,
    display: String,
    expires: Timestamp,
}

#[derive(Debug, Default)]
pub(super) struct Sessions {
    starts: Mutex<HashMap<Digest, Timestamp>>,
    sessions: Mutex<HashMap<Digest, Session>>,
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// 256 bits for a URL or a header.
pub(super) fn secret() -> Result<String, DeskError> {
    use base64::Engine as _;
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        DeskError::Unavailable(format!("the system gives no randomness: {error}"))
    })?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

impl Sessions {
    /// The sessions that outlived the last run.
    pub(super) async fn load(ledger: &Ledger, now: Timestamp) -> Result<Self, StoreError> {
        let values = ledger.read(|store| store.values(Space::Session)).await?;
        let sessions = values.into_iter().filter_map(|(key, value)| {
            let session: Session = serde_json::from_str(&value).ok()?;
            (session.expires > now).then_some((key.parse().ok()?, session))
        });
        Ok(Self {
            starts: Mutex::default(),
            sessions: Mutex::new(sessions.collect()),
        })
    }

    /// Spends a start token. Of two who try, one gets in.
    pub(super) async fn redeem(
        &self,
        ledger: &Ledger,
        local: &Local,
        token: &str,
        now: Timestamp,
    ) -> Option<NewSession> {
        let good_until = held(&self.starts).remove(&Digest::of(token.as_bytes()))?;
        if good_until <= now {
            return None;
        }
        let secret = secret().ok()?;
        let key = Digest::of(secret.as_bytes());
        let expires = now.checked_add(local.session).ok()?;
        let session = Session {
            id: local.id.clone(),
            display: local.display.clone(),
            expires,
        };
        let text = serde_json::to_string(&session).ok()?;
        let value = (Space::Session, key.to_string(), Some(text));
        let draft = Draft {
            values: vec![value],
            ..Draft::nothing(())
        };
        ledger
            .transact(move |_, _| Ok::<_, Infallible>(draft))
            .await
            .ok()?;
        held(&self.sessions).insert(key, session);
        Some(NewSession {
            secret,
            lifetime: local.session,
        })
    }

    pub(super) fn person(&self, secret: &str, now: Timestamp) -> Option<Person> {
        let sessions = held(&self.sessions);
        let session = sessions
            .get(&Digest::of(secret.as_bytes()))
            .filter(|session| session.expires > now)?;
        Some(Person {
            id: session.id.clone(),
            display: session.display.clone(),
            method: Method::Web,
        })
    }

    pub(super) async fn end(&self, ledger: &Ledger, secret: &str) {
        let key = Digest::of(secret.as_bytes());
        held(&self.sessions).remove(&key);
        let draft = Draft {
            values: vec![(Space::Session, key.to_string(), None)],
            ..Draft::nothing(())
        };
        if let Err(error) = ledger
            .transact(move |_, _| Ok::<_, Infallible>(draft))
            .await
        {
            tracing::warn!(%error, "an ended session could not be forgotten on disk");
        }
    }
}

impl LedgerDesk {
    /// A link that signs in once.
    pub fn new_start_link(&self) -> Result<String, DeskError> {
        let secret = secret()?;
        let now = self.clock.now();
        let until = now.checked_add(START).unwrap_or(Timestamp::MAX);
        let mut starts = held(&self.sessions.starts);
        starts.retain(|_, good_until| *good_until > now);
        starts.insert(Digest::of(secret.as_bytes()), until);
        Ok(format!("{}/start?t={secret}", self.local.public_url))
    }
}
