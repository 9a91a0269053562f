//! `[[role]]` and `[[member]]`: who may do what in which workspace. Only the operator's own file states it.

use std::ops::Range;

use countersign_protocol::access::{Permission, Role};

use super::{
    Entry,
    error::ConfigError,
    names::{Id, Target},
    origin::Setting,
    policy::Policy,
    section::{File, Section},
    workspace::WorkspaceName,
};

/// A `[[role]]` section: a role of the operator's own making.
#[derive(Clone, Debug)]
pub struct OwnRole {
    /// Its name; none of the built-in ones.
    pub id: Setting<Id>,
    /// What it may do.
    pub may: Setting<Vec<Permission>>,
}

/// A `[[member]]` section.
#[derive(Clone, Debug)]
pub struct Member {
    /// The workspace; without it, every one, and what belongs to none.
    pub workspace: Option<Setting<WorkspaceName>>,
    /// The name of the role.
    pub role: Setting<Id>,
    /// Who has it there.
    pub who: Setting<Vec<Target>>,
    /// The groups at the provider of `[sso]` whose people have it, word for word.
    pub sso: Setting<Vec<String>>,
}

/// What people may do by default where no `[[member]]` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsualRole {
    /// Nothing.
    None,
    /// What the role allows.
    Role(Role),
}

impl std::str::FromStr for UsualRole {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            _ => text.parse().map(Self::Role),
        }
    }
}

impl std::fmt::Display for UsualRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Role(role) => role.fmt(f),
        }
    }
}

impl OwnRole {
    pub(super) fn read(span: Range<usize>, section: &Section<'_>) -> Option<Self> {
        let id = section.need::<Id>(
            "id",
            span.clone(),
            "a name for `[[member]]`, such as `releaser`",
        );
        let may = section.need("may", span, "permissions, such as `[\"handoff.read\"]`");
        section.finish(&[]);
        let id = id?;
        if Role::ALL.iter().any(|role| role.name() == id.as_str()) {
            let error = ConfigError::new(format!("`{}` is a built-in role", id.value));
            section.fail_at(&id.origin, error.hint("give yours another name"));
            return None;
        }
        Some(Self { id, may: may? })
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let key = format!("role.\"{}\".may", self.id.value);
        vec![Entry::new(key, &self.may)]
    }
}

impl Member {
    pub(super) fn read(span: Range<usize>, section: &Section<'_>) -> Option<Self> {
        let workspace = section.take("workspace");
        let role = section.need(
            "role",
            span.clone(),
            "a role, such as `role = \"approver\"`",
        );
        let sso = section.take("sso");
        let who = match &sso {
            Some(_) => section
                .take("who")
                .or_else(|| Some(Setting::default(Vec::new()))),
            None => section.need(
                "who",
                span,
                "a list of people, such as `[\"group:editors\"]`",
            ),
        };
        section.finish(&[]);
        Some(Self {
            workspace,
            role: role?,
            who: who?,
            sso: sso.unwrap_or_else(|| Setting::default(Vec::new())),
        })
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let of = self.workspace.as_ref();
        let of = of.map_or_else(|| "*".to_owned(), |name| name.value.to_string());
        let key = format!("member.\"{of}\".{}", self.role.value);
        let mut entries = vec![Entry::new(key.as_str(), &self.who)];
        if !self.sso.value.is_empty() {
            entries.push(Entry::new(format!("{key}.sso"), &self.sso));
        }
        entries
    }
}

/// Complains about roles that are made twice or by nobody, and about groups that are not there. A person need
/// not be in the catalogue: who has an account is in the store.
pub(super) fn check(
    roles: &[OwnRole],
    members: &[Member],
    has_provider: bool,
    policy: &Policy,
    file: &File<'_>,
) {
    let sources = &[file];
    for (at, role) in roles.iter().enumerate() {
        let twin = roles[..at]
            .iter()
            .find(|other| other.id.value == role.id.value);
        if let Some(twin) = twin {
            let error = ConfigError::new(format!("two roles are called `{}`", role.id.value))
                .hint(format!("the other one is at {}", twin.id.origin));
            super::policy::fail(sources, &role.id.origin, error);
        }
    }
    let own = roles.iter().map(|role| role.id.as_str());
    let known: Vec<&str> = Role::ALL
        .iter()
        .map(|role| role.name())
        .chain(own)
        .collect();
    for member in members {
        let role = member.role.as_str();
        if !known.contains(&role) {
            let hint = match super::nearest(role, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known: {}; or make one with `[[role]]`", known.join(", ")),
            };
            let error = ConfigError::new(format!("there is no role `{role}`")).hint(hint);
            super::policy::fail(sources, &member.role.origin, error);
        }
        if !has_provider && !member.sso.value.is_empty() {
            let error =
                ConfigError::new("`sso` names groups of a provider, and there is no `[sso]`");
            let hint = "add the section, or name people in `who`";
            super::policy::fail(sources, &member.sso.origin, error.hint(hint));
        }
        for target in &member.who.value {
            if !matches!(target, Target::Person(_)) {
                let allowed = ["person", "group", "queue", "oncall"];
                let origin = &member.who.origin;
                policy.check_target(target, origin, &allowed, "a member", sources);
            }
        }
    }
}
