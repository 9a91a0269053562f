//! Who may do what: permissions, the roles that hold them, and what one person holds where.
//!
//! [`TABLE`] is the only place that says which role may do what. Refusals, buttons, and what is told about a
//! role all follow from it.

mod outside;
mod scope;

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::id::HandoffId;

pub use scope::Scope;

/// Something that can be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Permission {
    /// To see handoffs, their files and answers, locks, and what a search finds.
    #[serde(rename = "handoff.read")]
    Read,
    /// To write to people and to the agent outside of a decision.
    #[serde(rename = "handoff.comment")]
    Comment,
    /// To take a handoff, give it back, and put it off.
    #[serde(rename = "handoff.claim")]
    Claim,
    /// To ask others instead.
    #[serde(rename = "handoff.assign")]
    Assign,
    /// To let somebody without an account look at one handoff.
    #[serde(rename = "handoff.invite")]
    Invite,
    /// To send work back.
    #[serde(rename = "handoff.request_changes")]
    RequestChanges,
    /// To approve, reject and answer.
    #[serde(rename = "handoff.decide")]
    Decide,
    /// To hand over, keep checkpoints, and answer hops.
    #[serde(rename = "handoff.submit")]
    Submit,
    /// To take a handoff back.
    #[serde(rename = "handoff.withdraw")]
    Withdraw,
    /// To ask for locks, and let go of one's own.
    #[serde(rename = "lock.use")]
    Lock,
    /// To break the locks of others.
    #[serde(rename = "lock.break")]
    BreakLock,
    /// To name a moment, such as a build.
    #[serde(rename = "version.mark")]
    Mark,
    /// To see what happened, and how fast people answer.
    #[serde(rename = "activity.read")]
    Activity,
    /// To have the whole chain checked.
    #[serde(rename = "chain.verify")]
    Verify,
    /// To send dead letters on their way again.
    #[serde(rename = "dead_letter.redrive")]
    Redrive,
    /// To see receivers of messages, test them, and enable them again.
    #[serde(rename = "message.manage")]
    Messages,
    /// To make tokens of agents and take them back.
    #[serde(rename = "token.manage")]
    Tokens,
    /// To see accounts, roles and sessions of others.
    #[serde(rename = "people.read")]
    People,
    /// To make accounts, reset and disable them, and end sessions of others.
    #[serde(rename = "people.manage")]
    ManagePeople,
    /// To collect bytes that nothing needs, and make the index anew.
    #[serde(rename = "daemon.maintain")]
    Maintain,
}

/// A set of permissions that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Looks closely, comments, sends back.
    Reviewer,
    /// Decides.
    Approver,
    /// Keeps the daemon running. Decides nothing.
    Operator,
    /// Looks at everything that was done. Changes nothing.
    Auditor,
}

use Role::{Approver as A, Auditor as U, Operator as O, Reviewer as R, Viewer as V};

/// Who else than people is allowed it.
const AGENT: bool = true;
const PEOPLE: bool = false;

/// Every permission, its words, who holds it, and whether the token of an agent does in its workspaces.
pub const TABLE: [(Permission, &str, &[Role], bool); 20] = [
    (
        Permission::Read,
        "see handoffs and files",
        &[V, R, A, O, U],
        AGENT,
    ),
    (Permission::Comment, "comment", &[R, A, O], AGENT),
    (
        Permission::Claim,
        "take, give back and put off",
        &[R, A, O],
        PEOPLE,
    ),
    (Permission::Assign, "ask others instead", &[R, A, O], PEOPLE),
    (
        Permission::Invite,
        "invite outside reviewers",
        &[A, O],
        PEOPLE,
    ),
    (
        Permission::RequestChanges,
        "request changes",
        &[R, A],
        PEOPLE,
    ),
    (
        Permission::Decide,
        "approve, reject and answer",
        &[A],
        PEOPLE,
    ),
    (Permission::Submit, "hand over", &[O], AGENT),
    (Permission::Withdraw, "take a handoff back", &[O], AGENT),
    (Permission::Lock, "ask for locks", &[R, A, O], AGENT),
    (
        Permission::BreakLock,
        "break locks of others",
        &[A, O],
        PEOPLE,
    ),
    (Permission::Mark, "mark a build or release", &[A, O], AGENT),
    (
        Permission::Activity,
        "see what happened",
        &[R, A, O, U],
        AGENT,
    ),
    (
        Permission::Verify,
        "have the chain checked",
        &[O, U],
        PEOPLE,
    ),
    (Permission::Redrive, "send dead letters on", &[O], PEOPLE),
    (
        Permission::Messages,
        "manage receivers of messages",
        &[O],
        PEOPLE,
    ),
    (Permission::Tokens, "make tokens of agents", &[O], PEOPLE),
    (Permission::People, "see people and roles", &[O, U], PEOPLE),
    (
        Permission::ManagePeople,
        "make accounts and end sessions",
        &[O],
        PEOPLE,
    ),
    (Permission::Maintain, "maintain the daemon", &[O], PEOPLE),
];

impl Permission {
    /// All of them, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.into_iter().map(|(permission, ..)| permission)
    }

    /// The name in configuration and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "handoff.read",
            Self::Comment => "handoff.comment",
            Self::Claim => "handoff.claim",
            Self::Assign => "handoff.assign",
            Self::Invite => "handoff.invite",
            Self::RequestChanges => "handoff.request_changes",
            Self::Decide => "handoff.decide",
            Self::Submit => "handoff.submit",
            Self::Withdraw => "handoff.withdraw",
            Self::Lock => "lock.use",
            Self::BreakLock => "lock.break",
            Self::Mark => "version.mark",
            Self::Activity => "activity.read",
            Self::Verify => "chain.verify",
            Self::Redrive => "dead_letter.redrive",
            Self::Messages => "message.manage",
            Self::Tokens => "token.manage",
            Self::People => "people.read",
            Self::ManagePeople => "people.manage",
            Self::Maintain => "daemon.maintain",
        }
    }

    /// What it allows, as in "you may …".
    pub fn words(self) -> &'static str {
        row(self).map_or("", |(_, words, ..)| words)
    }

    /// The roles that hold it.
    pub fn roles(self) -> &'static [Role] {
        row(self).map_or(&[], |(_, _, roles, _)| roles)
    }

    fn bit(self) -> u32 {
        1 << self as u32
    }
}

fn row(permission: Permission) -> Option<(Permission, &'static str, &'static [Role], bool)> {
    TABLE.into_iter().find(|(one, ..)| *one == permission)
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Permission {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::all().find(|one| one.name() == text);
        found.ok_or_else(|| unknown("permission", text, Self::all().map(Self::name)))
    }
}

impl Role {
    /// All of them, from the least to the most, the auditor last.
    pub const ALL: [Self; 5] = [V, R, A, O, U];

    /// The name in configuration and on pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Reviewer => "reviewer",
            Self::Approver => "approver",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }

    /// What it may do.
    pub fn permissions(self) -> Permissions {
        let held = TABLE
            .into_iter()
            .filter(|(_, _, roles, _)| roles.contains(&self));
        held.map(|(permission, ..)| permission).collect()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|role| role.name() == text);
        found.ok_or_else(|| unknown("role", text, Self::ALL.into_iter().map(Self::name)))
    }
}

fn unknown(kind: &str, text: &str, names: impl Iterator<Item = &'static str>) -> String {
    let names: Vec<_> = names.collect();
    let near = names
        .iter()
        .map(|name| (strsim::osa_distance(text, name), name))
        .filter(|(distance, name)| *distance <= name.len().max(text.len()).div_ceil(3))
        .min();
    let hint = match near {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None => format!("it knows {}", names.join(", ")),
    };
    format!("holds `{text}`, which is no {kind}; {hint}")
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u32);

impl Permissions {
    /// None.
    pub const NONE: Self = Self(0);

    /// What the token of an agent may do in its workspaces.
    pub fn of_agents() -> Self {
        let held = TABLE.into_iter().filter(|(.., agents)| *agents);
        held.map(|(permission, ..)| permission).collect()
    }

    /// Whether `permission` is among them.
    pub fn contains(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// These and `others`.
    #[must_use]
    pub fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// In the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::all().filter(move |one| self.contains(*one))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(list: I) -> Self {
        Self(list.into_iter().fold(0, |bits, one| bits | one.bit()))
    }
}

/// The roles of a person in one place, and what they allow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Names of the roles, those of the operator's own making among them.
    pub roles: Vec<String>,
    /// What they allow together.
    pub may: Permissions,
}

impl Grant {
    /// A grant of built-in roles.
    pub fn of(roles: &[Role]) -> Self {
        let mut grant = Self::default();
        for role in roles {
            grant.add(role.name(), role.permissions());
        }
        grant
    }

    /// Adds a role.
    pub fn add(&mut self, role: &str, may: Permissions) {
        if !self.roles.iter().any(|known| known == role) {
            self.roles.push(role.to_owned());
        }
        self.may = self.may.with(may);
    }
}

/// What one person may do, by workspace. The default may nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access(Arc<Held>);

#[derive(Debug, Default, PartialEq, Eq)]
struct Held {
    elsewhere: Grant,
    named: BTreeMap<String, Grant>,
    /// The one card that somebody from outside was invited to.
    card: Option<(HandoffId, Grant)>,
}

impl Access {
    /// What is held in each workspace that is `named`, and `elsewhere`: in all others, and for what belongs to
    /// no workspace.
    pub fn new(elsewhere: Grant, named: BTreeMap<String, Grant>) -> Self {
        Self(Arc::new(Held {
            elsewhere,
            named,
            card: None,
        }))
    }

    /// The same roles everywhere.
    pub fn everywhere(roles: &[Role]) -> Self {
        Self::new(Grant::of(roles), BTreeMap::new())
    }

    /// What is held in a workspace; `None` stands for what belongs to no workspace.
    pub fn grant(&self, workspace: Option<&str>) -> &Grant {
        let named = workspace.and_then(|name| self.0.named.get(name));
        named.unwrap_or(&self.0.elsewhere)
    }

    /// The workspaces of which something else holds.
    pub fn named(&self) -> impl Iterator<Item = (&str, &Grant)> {
        self.0
            .named
            .iter()
            .map(|(name, grant)| (name.as_str(), grant))
    }

    /// Whether `permission` is held in `workspace`, or, without one, for what belongs to no workspace.
    pub fn may(&self, permission: Permission, workspace: Option<&str>) -> bool {
        self.grant(workspace).may.contains(permission)
    }

    /// Whether `permission` is held anywhere at all.
    pub fn may_somewhere(&self, permission: Permission) -> bool {
        let mut grants = self.0.named.values();
        self.may(permission, None) || grants.any(|grant| grant.may.contains(permission))
    }
}

#[cfg(test)]
mod tests;
