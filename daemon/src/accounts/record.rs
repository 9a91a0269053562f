//! What is kept of accounts, sessions and links: values of the store, none of them a fact.

use std::net::IpAddr;

use countersign_protocol::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::provider::Bound;
use crate::store::Space;

/// A value to set or forget.
pub(super) type Change = (Space, String, Option<String>);

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) made: Timestamp,
    /// In the PHC format; absent until its owner sets one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) password: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) disabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_sign_in: Option<Timestamp>,
    /// Whom the provider of the house means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sso: Option<Bound>,
}

/// A session, under the digest of its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    /// The person.
    pub(super) id: String,
    pub(super) display: String,
    pub(super) expires: Timestamp,
    /// How it began.
    #[serde(default)]
    pub(super) by: Begin,
    /// Whether a person was there to begin it, and not only a browser that was still known elsewhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) attended: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<Timestamp>,
    /// The last request that was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) seen: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) browser: String,
    /// Digest of the key that pages of the session show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) page_key: Option<Digest>,
}

/// How a session began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Begin {
    /// By a link that the daemon gave the person of its machine.
    #[default]
    StartLink,
    /// By name and password.
    Password,
    /// By a link with which a password was set.
    Invitation,
    /// By the word of a trusted proxy.
    Proxy,
    /// By the provider of the house.
    Sso,
    /// By an invitation to one handoff.
    OutsideLink,
}

impl Begin {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::StartLink => "start_link",
            Self::Password => "password",
            Self::Invitation => "invitation",
            Self::Proxy => "proxy",
            Self::Sso => "sso",
            Self::OutsideLink => "outside_link",
        }
    }
}

/// A link with which the owner of an account sets a password, under the digest of its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    pub(super) account: String,
    pub(super) expires: Timestamp,
}

impl Account {
    /// `invited`, `active` or `disabled`.
    pub(super) fn state(&self) -> &'static str {
        match (self.disabled, &self.password, &self.sso) {
            (true, ..) => "disabled",
            (false, None, None) => "invited",
            (false, ..) => "active",
        }
    }

    pub(super) fn change(&self) -> Change {
        (Space::Account, self.id.clone(), text(self))
    }
}

impl Session {
    pub(super) fn change(&self, key: Digest) -> Change {
        (Space::Session, key.to_string(), text(self))
    }

    /// Whether it still signs in: neither over nor left alone for longer than `idle`.
    pub(super) fn holds(&self, now: Timestamp, idle: std::time::Duration) -> bool {
        let seen = self.seen.or(self.since);
        let awake = seen.is_none_or(|seen| seen.checked_add(idle).is_ok_and(|until| until > now));
        self.expires > now && awake
    }
}

impl Link {
    pub(super) fn change(&self, key: Digest) -> Change {
        (Space::Invitation, key.to_string(), text(self))
    }
}

fn text(value: &impl Serialize) -> Option<String> {
    serde_json::to_string(value).ok()
}
