//! A part of what a person may do, for a token that stands in for them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Access, Grant, Permission, Permissions};

impl Permission {
    /// Whether a token of a person can hold it. Who makes another way in has more afterwards than the token says, so
    /// these take the person.
    pub fn is_delegable(self) -> bool {
        !matches!(self, Self::Tokens | Self::ManagePeople | Self::Invite)
    }
}

/// What a token of a person reaches at the most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Without a list, every workspace, and what belongs to none.
    pub workspaces: Option<BTreeSet<String>>,
    /// What it allows there.
    pub may: Permissions,
}

impl Access {
    /// What is left of this within `scope`: never more than is held, and never more than the scope says.
    #[must_use]
    pub fn narrowed(&self, scope: &Scope) -> Self {
        let may = scope.may.iter().filter(|one| one.is_delegable()).collect();
        let within = |grant: &Grant| Grant {
            roles: grant.roles.clone(),
            may: grant.may.both(may),
        };
        match &scope.workspaces {
            None => Self::new(
                within(self.grant(None)),
                self.named()
                    .map(|(name, grant)| (name.to_owned(), within(grant)))
                    .collect(),
            ),
            Some(names) => {
                let named = names
                    .iter()
                    .map(|name| (name.clone(), within(self.grant(Some(name)))));
                Self::new(Grant::default(), named.collect::<BTreeMap<_, _>>())
            }
        }
    }
}

impl Permissions {
    /// Those that are among these and among `others`.
    #[must_use]
    pub fn both(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }
}
