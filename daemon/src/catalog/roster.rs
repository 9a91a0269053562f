//! Who has which role in which workspace, as `[[member]]`, `[[role]]` and `people` of `[[boundary]]` say.

use std::collections::{BTreeMap, BTreeSet};

use countersign_protocol::access::{Access, Grant, Permission, Permissions, Role};
use jiff::Timestamp;

use super::Catalog;
use crate::config::{Config, Target, UsualRole};

/// The roles of everybody. Pure: the configuration and a moment in, grants out.
#[derive(Clone, Debug)]
pub struct Roster {
    catalog: Catalog,
    /// Id of the person of this machine.
    local: String,
    usual: UsualRole,
    own: BTreeMap<String, Permissions>,
    members: Vec<Members>,
    /// Who answers, by workspace; `None` stands for those without a list of their own.
    answering: BTreeMap<Option<String>, Option<Vec<Target>>>,
    /// Where nobody is listed: what the person of this machine may do, and everybody else. Each request asks.
    unlisted: Option<[Access; 2]>,
}

#[derive(Clone, Debug)]
struct Members {
    workspace: Option<String>,
    role: String,
    who: Vec<Target>,
    /// Groups at the provider.
    sso: Vec<String>,
}

/// Somebody, with the groups that a provider says.
#[derive(Clone, Copy)]
struct Somebody<'a> {
    id: &'a str,
    groups: &'a [String],
}

impl Roster {
    /// The roles that `config` gives.
    pub fn new(config: &Config, catalog: Catalog, local: &str) -> Self {
        let own = config.roles.iter().map(|role| {
            let may = role.may.value.iter().copied().collect();
            (role.id.to_string(), may)
        });
        let members = config.members.iter().map(|member| Members {
            workspace: member.workspace.as_ref().map(|name| name.to_string()),
            role: member.role.to_string(),
            who: member.who.value.clone(),
            sso: member.sso.value.clone(),
        });
        // The first section of a workspace is the one that holds.
        let answering = config.boundaries.iter().rev().map(|boundary| {
            let workspace = boundary.workspace.as_ref().map(|name| name.to_string());
            (
                workspace,
                boundary.people.as_ref().map(|people| people.value.clone()),
            )
        });
        let roster = Self {
            catalog,
            local: local.to_owned(),
            usual: config.auth.role.value,
            own: own.collect(),
            members: members.collect(),
            answering: answering.collect(),
            unlisted: None,
        };
        let is_listed = !roster.members.is_empty() || !roster.answering.is_empty();
        let somebody_else = format!("not {local}");
        let each = [local, &somebody_else];
        let unlisted = each.map(|id| roster.access(id, &[], Timestamp::MIN));
        Self {
            unlisted: (!is_listed).then_some(unlisted),
            ..roster
        }
    }

    /// A roster in which nothing is configured.
    #[cfg(test)]
    pub(crate) fn of_nobody(catalog: Catalog, local: &str) -> Self {
        Self {
            catalog,
            local: local.to_owned(),
            usual: UsualRole::Role(Role::Approver),
            own: BTreeMap::new(),
            members: Vec::new(),
            answering: BTreeMap::new(),
            unlisted: None,
        }
    }

    /// What the person `id`, whom the provider puts into `groups`, may do at `now`.
    pub fn access(&self, id: &str, groups: &[String], now: Timestamp) -> Access {
        if let Some([of_local, of_others]) = &self.unlisted {
            return Access::clone(if id == self.local {
                of_local
            } else {
                of_others
            });
        }
        let who = Somebody { id, groups };
        let named = self.workspaces().into_iter().map(|name| {
            let grant = self.grant(who, Some(name), now);
            (name.to_owned(), grant)
        });
        Access::new(self.grant(who, None, now), named.collect())
    }

    /// Returns whether the person `id` has, or by a group at the provider may have, a role that lets them read
    /// `workspace`.
    pub fn may_enter(&self, id: &str, workspace: &str, now: Timestamp) -> bool {
        let access = self.access(id, &[], now);
        let by_provider = self.members.iter().any(|member| {
            let is_here = member
                .workspace
                .as_deref()
                .is_none_or(|name| name == workspace);
            is_here && !member.sso.is_empty()
        });
        by_provider || access.grant(Some(workspace)).may.contains(Permission::Read)
    }

    /// Whether any role is for one of these groups at the provider.
    pub fn welcomes(&self, groups: &[String]) -> bool {
        let mut named = self.members.iter().flat_map(|one| &one.sso);
        named.any(|group| groups.contains(group))
    }

    /// Every workspace of which something is said.
    fn workspaces(&self) -> BTreeSet<&str> {
        let members = self
            .members
            .iter()
            .filter_map(|one| one.workspace.as_deref());
        let answering = self.answering.keys().filter_map(Option::as_deref);
        members.chain(answering).collect()
    }

    /// The roles of `id` in one workspace, or for what belongs to none.
    fn grant(&self, somebody: Somebody<'_>, workspace: Option<&str>, now: Timestamp) -> Grant {
        let Somebody { id, groups } = somebody;
        let mut grant = Grant::default();
        let is_one = |who: &[Target]| who.iter().any(|target| self.is_one(id, target, now));
        let here =
            |one: &&Members| one.workspace.is_none() || one.workspace.as_deref() == workspace;
        let members: Vec<_> = self.members.iter().filter(here).collect();
        let by_group = |one: &Members| one.sso.iter().any(|group| groups.contains(group));
        for member in members
            .iter()
            .filter(|one| is_one(&one.who) || by_group(one))
        {
            self.add(&mut grant, &member.role);
        }
        let own_list = workspace.and_then(|name| self.answering.get(&Some(name.to_owned())));
        let answering = match own_list.or_else(|| self.answering.get(&None)) {
            Some(Some(people)) => Some(people),
            Some(None) | None => None,
        };
        match answering {
            Some(people) if is_one(people) => self.add(&mut grant, Role::Approver.name()),
            // They were always let in to look.
            Some(_) if members.is_empty() => self.add(&mut grant, Role::Viewer.name()),
            None if members.is_empty() => {
                if let UsualRole::Role(role) = self.usual {
                    self.add(&mut grant, role.name());
                }
                if id == self.local {
                    self.add(&mut grant, Role::Approver.name());
                }
            }
            Some(_) | None => {}
        }
        // Who can read the state folder is the operator whatever a file says.
        if id == self.local {
            self.add(&mut grant, Role::Operator.name());
        }
        grant
    }

    fn add(&self, grant: &mut Grant, role: &str) {
        let built_in = role.parse::<Role>().map(Role::permissions);
        let own = || self.own.get(role).copied();
        if let Some(may) = built_in.ok().or_else(own) {
            grant.add(role, may);
        }
    }

    /// Whether `target` means the person `id`, who need not be in the catalogue.
    fn is_one(&self, id: &str, target: &Target, now: Timestamp) -> bool {
        matches!(target, Target::Person(person) if person.as_str() == id)
            || self.catalog.belongs(id, &target.to_string(), now)
    }

    /// Every role there is, with what it may do.
    pub fn roles(&self) -> Vec<(String, bool, Vec<Permission>)> {
        let built_in = Role::ALL.into_iter().map(|role| {
            let may = role.permissions().iter().collect();
            (role.name().to_owned(), true, may)
        });
        let own = self.own.iter();
        let own = own.map(|(name, may)| (name.clone(), false, may.iter().collect()));
        built_in.chain(own).collect()
    }

    /// Whether `id` is the person of this machine.
    pub fn is_local(&self, id: &str) -> bool {
        id == self.local
    }
}
