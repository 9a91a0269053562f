//! Who did something, and how that is known.

use serde::{Deserialize, Serialize};

/// Who delivered a document, as the daemon found out by itself. `from_agent` in the document is a
/// claim; this is what stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Principal {
    /// The owner of the file, by user id of the operating system.
    FileOwner {
        /// Numeric user id.
        uid: u32,
    },
    /// A bearer token of the HTTP API.
    Token {
        /// The public id of the token, never the secret.
        id: String,
        /// The agent the token was made for.
        agent: String,
    },
    /// A person who is signed in, or a token of theirs.
    Person {
        /// Stable id of the person.
        id: String,
    },
    /// The person at this machine who can read the daemon's own state.
    Operator,
    /// The daemon itself, for an agent that fell silent.
    Daemon,
}

impl Principal {
    /// Whether both say that the same one came; a new token of an agent is still that agent.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Token { agent, .. }, Self::Token { agent: other, .. }) => agent == other,
            _ => self == other,
        }
    }
}

/// Who caused a ledger entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// The daemon itself.
    Daemon,
    /// A rule of policy.
    Policy {
        /// The rule.
        rule: String,
    },
    /// An agent, by the name it states, with what is known about it.
    Agent {
        /// The name in `from_agent`.
        name: String,
        /// Who delivered it.
        principal: Principal,
    },
    /// A person.
    Person {
        /// Stable id, for example `local:maya`.
        id: String,
        /// The name shown to others.
        display: String,
        /// The way the person came in.
        method: Method,
    },
}

/// The way a person answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The pages, with a session.
    Web,
    /// The command line on this machine.
    Cli,
    /// The HTTP API.
    Api,
    /// A link in a message.
    EmailLink,
    /// A rule.
    Policy,
}

/// How somebody showed once more, for one answer, that it is them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Verified {
    /// An authenticator of theirs signed exactly this answer, after it had verified the person.
    Passkey {
        /// The public id of the passkey.
        passkey: String,
    },
    /// They typed their password with the answer.
    Password,
    /// They had signed in just before: at the provider of the house, or by a start link.
    FreshSignIn,
}

impl Actor {
    /// One short name for lists and logs.
    pub fn name(&self) -> &str {
        match self {
            Self::Daemon => "countersign",
            Self::Policy { .. } => "policy",
            Self::Agent { name, .. } => name,
            Self::Person { display, .. } => display,
        }
    }
}
