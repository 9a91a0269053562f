//! The ways in of people.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::HandoffId;

/// What happened to the way in of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum AccountChange {
    /// It was made; its owner gets a link to set a password.
    Made,
    /// Its owner gets a link to set another password.
    Reset,
    /// Its owner set a password. Sessions from before ended.
    PasswordSet,
    /// Nobody signs in with it any more. Its sessions ended.
    Disabled,
    /// It can be used again.
    Enabled,
    /// The provider of the house signs its owner in from now on.
    Bound {
        /// The provider.
        issuer: String,
    },
    /// Its owner came in.
    SignedIn {
        /// How: `start_link`, `password`, `invitation`, `proxy`, `sso`.
        by: String,
    },
    /// Somebody from outside was invited to one handoff, under this id.
    Invited {
        /// The handoff.
        handoff: HandoffId,
        /// What they are called.
        name: String,
        /// The names of what they may do about it.
        may: Vec<String>,
        /// After which it is over.
        expires: Timestamp,
    },
    /// The invitation was taken back. Its sessions ended.
    Uninvited,
    /// A session of it was ended from elsewhere.
    SessionEnded,
    /// Its owner keeps a passkey to show that it is them.
    PasskeyAdded {
        /// The public id.
        passkey: String,
    },
    /// A passkey of it counts no more.
    PasskeyRemoved {
        /// The public id.
        passkey: String,
    },
    /// Its owner made a token for a program that works in their name.
    TokenMade {
        /// The public id.
        token: String,
        /// The workspaces it reaches; absent for all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workspaces: Option<Vec<String>>,
        /// The names of what it allows.
        may: Vec<String>,
        /// After which it is refused.
        expires: Timestamp,
    },
    /// A token of it was taken back.
    TokenRevoked {
        /// The public id.
        token: String,
    },
}
