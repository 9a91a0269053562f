//! Who there is to ask: people, groups, queues, on-call calendars and agents, at a moment.
//!
//! Pure: the configuration and a moment in, names out. Who is away is replaced by who stands in, who
//! is on call depends on the moment, and somebody who was named is never lost: where nobody can
//! stand in, the person stays asked.

mod calendar;
mod hours;
mod roster;
mod stand_in;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use countersign_protocol::{routing::Asked, sign_off::role_key};
use jiff::Timestamp;

pub use calendar::Turn;
pub use hours::{business_time_after, is_within};
pub use roster::Roster;

use crate::config::{Agent, Members, OnCall, Person, Policy, Target};

/// Everybody who can be asked. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    policy: Arc<Policy>,
}

impl Catalog {
    /// The people of a checked configuration.
    pub fn new(policy: &Policy) -> Self {
        Self {
            policy: Arc::new(policy.clone()),
        }
    }

    /// Whether nobody is configured, so that the reviewer of this machine answers for everything.
    pub fn is_empty(&self) -> bool {
        self.policy.people.is_empty()
    }

    /// Everybody.
    pub fn people(&self) -> &[Person] {
        &self.policy.people
    }

    /// All groups.
    pub fn groups(&self) -> &[Members] {
        &self.policy.groups
    }

    /// All queues.
    pub fn queues(&self) -> &[Members] {
        &self.policy.queues
    }

    /// All calendars.
    pub fn calendars(&self) -> &[OnCall] {
        &self.policy.calendars
    }

    /// Whoever is on call, by the first calendar.
    pub fn first_on_call(&self) -> Option<Target> {
        let first = self.policy.calendars.first();
        first.map(|one| Target::OnCall(one.id.value.clone()))
    }

    /// The rules that go with them.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The person of that id.
    pub fn person(&self, id: &str) -> Option<&Person> {
        self.policy.people.iter().find(|one| one.id.as_str() == id)
    }

    /// The person whom `text` means: an id, a name or an e-mail address.
    pub fn find(&self, text: &str) -> Option<&Person> {
        let mail = |one: &Person| {
            let mail = one.email.as_ref();
            mail.is_some_and(|mail| mail.as_str().eq_ignore_ascii_case(text))
        };
        self.person(text).or_else(|| {
            let mut people = self.policy.people.iter();
            people.find(|one| *one.name.value == *text || mail(one))
        })
    }

    /// The agent of that name.
    pub fn agent(&self, id: &str) -> Option<&Agent> {
        self.policy.agents.iter().find(|one| one.id.as_str() == id)
    }

    /// The calendar of that name.
    pub fn calendar(&self, id: &str) -> Option<&OnCall> {
        self.policy
            .calendars
            .iter()
            .find(|one| one.id.as_str() == id)
    }

    /// Returns the group, queue or calendar whose id or name is that of the role `text`; see
    /// [`role_key`] for how they are compared.
    pub fn role(&self, text: &str) -> Option<Target> {
        let key = role_key(text);
        let is_named =
            |one: &&Members| role_key(one.id.as_str()) == key || role_key(&one.name.value) == key;
        let id = |one: &Members| one.id.value.clone();
        let group = self.policy.groups.iter().find(is_named).map(id);
        let queue = || self.policy.queues.iter().find(is_named).map(id);
        let calendars = self.policy.calendars.iter();
        let mut calendars = calendars.filter(|one| role_key(one.id.as_str()) == key);
        group
            .map(Target::Group)
            .or_else(|| queue().map(Target::Queue))
            .or_else(|| Some(Target::OnCall(calendars.next()?.id.value.clone())))
    }

    /// Returns each role that somebody holds, by its key, with the ids of the people who hold it.
    pub fn roles(&self) -> BTreeMap<String, BTreeSet<String>> {
        let named = |one: &Members| [role_key(one.id.as_str()), role_key(&one.name.value)];
        let groups = self.policy.groups.iter().flat_map(named);
        let queues = self.policy.queues.iter().flat_map(named);
        let calendars = self.policy.calendars.iter();
        let calendars = calendars.map(|one| role_key(one.id.as_str()));
        let keys: BTreeSet<String> = groups.chain(queues).chain(calendars).collect();
        let holders = |key: String| {
            let target = self.role(&key)?;
            let people: BTreeSet<String> = self.named(&target).into_iter().collect();
            (!people.is_empty()).then_some((key, people))
        };
        keys.into_iter().filter_map(holders).collect()
    }

    /// Returns every name by which a fallback can mean somebody: people by id, name and e-mail address, groups, queues
    /// and calendars by id, and `oncall` and `queue` where there is one. Addresses are in lower case.
    pub fn fallback_names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for one in &self.policy.people {
            let mail = one.email.as_ref();
            let mail = mail.map(|mail| mail.as_str().to_ascii_lowercase());
            for id in mail.into_iter().chain([one.id.to_string()]) {
                names.extend([format!("person:{id}"), id]);
            }
            names.insert(one.name.value.clone());
        }
        let ids = |list: &[Members]| -> Vec<String> {
            list.iter().map(|one| one.id.to_string()).collect()
        };
        let calendars = self.policy.calendars.iter();
        let calendars = calendars.map(|one| one.id.to_string()).collect();
        let kinds: [(&str, Vec<String>, &[&str]); 3] = [
            ("group", ids(&self.policy.groups), &[]),
            ("queue", ids(&self.policy.queues), &["queue", "human_queue"]),
            ("oncall", calendars, &["oncall"]),
        ];
        for (kind, ids, first) in kinds {
            if !ids.is_empty() {
                names.extend(first.iter().map(|name| (*name).to_owned()));
            }
            names.extend(ids.into_iter().flat_map(|id| [format!("{kind}:{id}"), id]));
        }
        names
    }

    /// The name that others see: of a person, a group or a queue; else the text itself.
    pub fn display(&self, target: &str) -> String {
        let (kind, id) = target.split_once(':').unwrap_or(("person", target));
        let named = |list: &[Members]| {
            let found = list.iter().find(|one| one.id.as_str() == id);
            found.map(|one| one.name.value.clone())
        };
        let name = match kind {
            "person" => self.person(id).map(|one| one.name.value.clone()),
            "group" => named(&self.policy.groups),
            "queue" => named(&self.policy.queues),
            "oncall" => Some(format!("on call for {id}")),
            _ => None,
        };
        name.unwrap_or_else(|| id.to_owned())
    }

    /// Returns the people whom `target` means at `now`, with those who stand in for people who are away. People whose
    /// account is `disabled` are left out, with a note.
    pub fn resolve(&self, target: &Target, now: Timestamp, disabled: &BTreeSet<String>) -> Asked {
        let mut asked = Asked {
            target: self.name_of(target),
            people: Vec::new(),
            notes: Vec::new(),
        };
        for person in self.members(target, now, &mut asked.notes) {
            let (id, note) = self.present(&person, now, disabled);
            asked.notes.extend(note);
            if disabled.contains(&id) {
                let name = self.display(&format!("person:{id}"));
                asked
                    .notes
                    .push(format!("the account of {name} is disabled"));
                continue;
            }
            if !asked.people.contains(&id) {
                asked.people.push(id);
            }
        }
        asked
    }

    /// How facts name a target: a person always by id.
    fn name_of(&self, target: &Target) -> String {
        match self.policy.person(target) {
            Some(person) => format!("person:{}", person.id.value),
            None => target.to_string(),
        }
    }

    /// Whether `target` is configured.
    pub fn knows(&self, target: &Target) -> bool {
        let of = |list: &[Members], id: &str| list.iter().any(|one| one.id.as_str() == id);
        match target {
            Target::Person(_) => self.policy.person(target).is_some(),
            Target::Group(id) => of(&self.policy.groups, id.as_str()),
            Target::Queue(id) => of(&self.policy.queues, id.as_str()),
            Target::OnCall(id) => self.calendar(id.as_str()).is_some(),
            Target::Agent(id) => self.agent(id.as_str()).is_some(),
            Target::Owners => true,
        }
    }

    /// Whether the person `id` belongs to `target` at `now`, also when somebody stands in for them.
    pub fn belongs(&self, id: &str, target: &str, now: Timestamp) -> bool {
        let Ok(target) = target.parse::<Target>() else {
            return false;
        };
        let members = self.members(&target, now, &mut Vec::new());
        members
            .iter()
            .any(|member| member == id || self.present(member, now, &BTreeSet::new()).0 == id)
    }

    /// The ids of the people behind `target`, as configured, whoever stands in for them.
    pub fn named(&self, target: &Target) -> Vec<String> {
        self.members(target, Timestamp::UNIX_EPOCH, &mut Vec::new())
    }

    /// The ids of the people behind `target`, as configured.
    fn members(&self, target: &Target, now: Timestamp, notes: &mut Vec<String>) -> Vec<String> {
        let of = |list: &[Members], id: &str| -> Vec<Target> {
            let found = list.iter().find(|one| one.id.as_str() == id);
            found
                .map(|one| one.members.value.clone())
                .unwrap_or_default()
        };
        let people = |targets: Vec<Target>| -> Vec<String> {
            let mut people = Vec::new();
            for target in targets {
                let inner = match &target {
                    Target::Group(id) => of(&self.policy.groups, id.as_str()),
                    other => vec![other.clone()],
                };
                for member in &inner {
                    let id = self.policy.person(member).map(|one| one.id.to_string());
                    people.extend(id.filter(|id| !people.contains(id)));
                }
            }
            people
        };
        match target {
            Target::Person(_) | Target::Group(_) => people(vec![target.clone()]),
            Target::Queue(id) => people(of(&self.policy.queues, id.as_str())),
            Target::OnCall(id) => {
                let Some(calendar) = self.calendar(id.as_str()) else {
                    return Vec::new();
                };
                let turn = calendar::turn(calendar, now);
                if turn.is_none() {
                    notes.push(format!("nobody is on call for {id} at this hour"));
                }
                people(turn.into_iter().map(|turn| turn.person).collect())
            }
            Target::Agent(_) | Target::Owners => Vec::new(),
        }
    }

    /// Whose turn it is at `now`, and until when.
    pub fn on_call(&self, calendar: &str, now: Timestamp) -> Option<Turn> {
        calendar::turn(self.calendar(calendar)?, now)
    }
}
