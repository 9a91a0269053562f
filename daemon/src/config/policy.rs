//! Who there is to ask: the sections that stand in the configuration file, in a `policy.toml` beside
//! it, or in both.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use countersign_protocol::Digest;

use super::{
    Entry,
    agent::Agent,
    error::ConfigError,
    group::Members,
    names::Target,
    oncall::OnCall,
    origin::{Origin, Setting},
    person::Person,
    reason::Reason,
    rule::{Route, Trigger},
    section::{File, Section},
};

/// The name of the file beside the configuration file.
pub const POLICY_FILE: &str = "policy.toml";

/// Everything that says who is asked. What it names exists, and every name is used once.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// The `policy.toml` that was read.
    pub file: Option<PathBuf>,
    /// `[[person]]`.
    pub people: Vec<Person>,
    /// `[[group]]`.
    pub groups: Vec<Members>,
    /// `[[queue]]`.
    pub queues: Vec<Members>,
    /// `[[oncall]]`.
    pub calendars: Vec<OnCall>,
    /// `[[agent]]`.
    pub agents: Vec<Agent>,
    /// `[[trigger]]`.
    pub triggers: Vec<Trigger>,
    /// `[[route]]`, in the order in which they are asked: those of the configuration file first.
    pub routes: Vec<Route>,
    /// `[[reason]]`.
    pub reasons: Vec<Reason>,
}

impl Policy {
    /// Whether a trigger may want a person to look at the result of an agent.
    pub fn watches_results(&self) -> bool {
        self.triggers.iter().any(|trigger| {
            matches!(
                trigger.kind.value,
                super::TriggerKind::Confidence
                    | super::TriggerKind::Sensitive
                    | super::TriggerKind::Sample
            )
        })
    }

    /// Adds what a file says.
    pub(super) fn read(&mut self, top: &Section<'_>) {
        fn each<T>(
            top: &Section<'_>,
            key: &'static str,
            read: impl Fn(std::ops::Range<usize>, &Section<'_>) -> Option<T>,
        ) -> Vec<T> {
            top.tables(key)
                .into_iter()
                .filter_map(|(span, section)| read(span, &section))
                .collect()
        }
        self.people.extend(each(top, "person", Person::read));
        self.groups.extend(each(top, "group", Members::read));
        self.queues.extend(each(top, "queue", Members::read));
        self.calendars.extend(each(top, "oncall", OnCall::read));
        self.agents.extend(each(top, "agent", Agent::read));
        self.triggers.extend(each(top, "trigger", Trigger::read));
        self.routes.extend(each(top, "route", Route::read));
        self.reasons.extend(each(top, "reason", Reason::read));
    }

    /// Complains about names that are used twice or belong to nobody.
    pub(super) fn check(&self, sources: &[&File<'_>]) {
        fn twice<'a>(
            kind: &str,
            ids: impl Iterator<Item = (String, &'a Origin)>,
            sources: &[&File<'_>],
        ) {
            let mut seen: BTreeMap<String, &Origin> = BTreeMap::new();
            for (id, origin) in ids {
                if let Some(first) = seen.insert(id.clone(), origin) {
                    let error = ConfigError::new(format!("two {kind} are called `{id}`"))
                        .hint(format!("the other one is at {first}"));
                    fail(sources, origin, error);
                }
            }
        }
        let members = |list: &'_ [Members]| -> Vec<(String, Origin)> {
            list.iter()
                .map(|one| (one.id.value.to_string(), one.id.origin.clone()))
                .collect()
        };
        let people = self.people.iter();
        twice(
            "people",
            people.map(|one| (one.id.to_string(), &one.id.origin)),
            sources,
        );
        let mails = self.people.iter().filter_map(|one| one.email.as_ref());
        let mails = mails.map(|one| (one.as_str().to_lowercase(), &one.origin));
        twice("people", mails, sources);
        for (kind, list) in [("groups", &self.groups), ("queues", &self.queues)] {
            let list = members(list);
            twice(
                kind,
                list.iter().map(|(id, origin)| (id.clone(), origin)),
                sources,
            );
        }
        let calendars = self.calendars.iter();
        twice(
            "calendars",
            calendars.map(|one| (one.id.to_string(), &one.id.origin)),
            sources,
        );
        let agents = self.agents.iter();
        twice(
            "agents",
            agents.map(|one| (one.id.to_string(), &one.id.origin)),
            sources,
        );
        let triggers = self.triggers.iter();
        twice(
            "triggers",
            triggers.map(|one| (one.name.to_string(), &one.name.origin)),
            sources,
        );
        let reasons = self.reasons.iter();
        twice(
            "reasons",
            reasons.map(|one| (one.name.to_string(), &one.name.origin)),
            sources,
        );
        let routes = self.routes.iter();
        twice(
            "routes",
            routes.map(|one| (one.name.to_string(), &one.name.origin)),
            sources,
        );
        self.check_names(sources);
    }

    fn check_names(&self, sources: &[&File<'_>]) {
        let one = |setting: &Setting<Target>, allowed: &[&str], what: &str| {
            self.check_target(&setting.value, &setting.origin, allowed, what, sources);
        };
        let all = |setting: &Setting<Vec<Target>>, allowed: &[&str], what: &str| {
            for target in &setting.value {
                self.check_target(target, &setting.origin, allowed, what, sources);
            }
        };
        for person in &self.people {
            for away in &person.away {
                if let Some(delegate) = &away.delegate {
                    one(delegate, &["person", "group", "oncall"], "who stands in");
                    if self
                        .person(&delegate.value)
                        .is_some_and(|one| one.id.value == person.id.value)
                    {
                        let error = ConfigError::new(format!(
                            "`{}` cannot stand in for themselves",
                            person.id.value
                        ))
                        .hint("name somebody else, or leave `delegate` out");
                        fail(sources, &delegate.origin, error);
                    }
                }
            }
        }
        for group in &self.groups {
            all(&group.members, &["person"], "a member of a group");
        }
        for queue in &self.queues {
            all(&queue.members, &["person", "group"], "a member of a queue");
        }
        for calendar in &self.calendars {
            all(&calendar.rotation, &["person"], "who takes turns");
            for exception in &calendar.overrides {
                one(&exception.person, &["person"], "who takes the turn");
            }
        }
        let anybody = ["person", "group", "queue", "oncall", "agent", "owners"];
        for route in &self.routes {
            all(&route.to, &anybody, "asked");
            route.approvals.check(&route.to, self, sources);
            for then in &route.then {
                all(&then.to, &anybody[..4], "asked later");
            }
        }
        for agent in &self.agents {
            if let Some(owner) = &agent.owner {
                one(owner, &["person", "group"], "who answers for an agent");
            }
        }
    }

    /// Complains about ways to people that lead nowhere: `known` are those that do.
    pub(super) fn check_channels(&self, known: &[&str], sources: &[&File<'_>]) {
        for person in &self.people {
            let unknown = |name: &&str| !known.contains(name);
            let channels = person.channels.value.iter().map(|one| one.name.as_str());
            for name in channels.filter(unknown) {
                let hint = match super::nearest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => {
                        format!("add a `[[webhook]]` with `name = \"{name}\"`, or name `email`")
                    }
                };
                let error = ConfigError::new(format!("there is no channel `{name}`")).hint(hint);
                fail(sources, &person.channels.origin, error);
            }
        }
    }

    /// Complains when `target` is of another kind than `allowed` or is not defined.
    pub(super) fn check_target(
        &self,
        target: &Target,
        origin: &Origin,
        allowed: &[&str],
        what: &str,
        sources: &[&File<'_>],
    ) {
        let (kind, id) = target.parts();
        if !allowed.contains(&kind) {
            let error = ConfigError::new(format!("`{target}` cannot be {what}"))
                .hint(format!("it takes: {}", allowed.join(", ")));
            return fail(sources, origin, error);
        }
        let known: Vec<&str> = match target {
            Target::Person(_) if self.person(target).is_some() => return,
            Target::Owners => return,
            Target::Person(_) => self.people.iter().map(|one| one.id.as_str()).collect(),
            Target::Group(_) => self.groups.iter().map(|one| one.id.as_str()).collect(),
            Target::Queue(_) => self.queues.iter().map(|one| one.id.as_str()).collect(),
            Target::OnCall(_) => self.calendars.iter().map(|one| one.id.as_str()).collect(),
            Target::Agent(_) => self.agents.iter().map(|one| one.id.as_str()).collect(),
        };
        if known.contains(&id) {
            return;
        }
        let hint = match super::nearest(id, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => format!("add a `[[{kind}]]` section with `id = \"{id}\"`"),
            None => format!("known: {}", known.join(", ")),
        };
        fail(
            sources,
            origin,
            ConfigError::new(format!("there is no {kind} `{id}`")).hint(hint),
        );
    }

    /// How many people `targets` mean, where that does not depend on the moment or on the work.
    pub(super) fn people_behind(&self, targets: &[Target]) -> Option<u64> {
        let mut people = BTreeSet::new();
        let mut line: Vec<&Target> = targets.iter().collect();
        while let Some(target) = line.pop() {
            let members = match target {
                Target::Person(_) => {
                    people.extend(self.person(target).map(|one| one.id.as_str()));
                    continue;
                }
                Target::Group(id) => self.groups.iter().find(|one| one.id.value == *id)?,
                Target::Queue(id) => self.queues.iter().find(|one| one.id.value == *id)?,
                Target::OnCall(_) | Target::Agent(_) | Target::Owners => return None,
            };
            line.extend(&members.members.value);
        }
        u64::try_from(people.len()).ok()
    }

    /// The person that a target means, by id or by e-mail address.
    pub fn person(&self, target: &Target) -> Option<&Person> {
        let Target::Person(id) = target else {
            return None;
        };
        self.people.iter().find(|one| {
            let mail = one.email.as_ref().map(|mail| mail.as_str());
            one.id.value == *id || mail.is_some_and(|mail| mail.eq_ignore_ascii_case(id.as_str()))
        })
    }

    /// The digest of everything that the rules say, in the order in which they are asked. Where they are
    /// written, in which order their keys stand, and comments make no difference.
    pub fn rules_sha256(&self) -> Digest {
        let triggers = self.triggers.iter().flat_map(Trigger::entries);
        let routes = self.routes.iter().flat_map(Route::entries);
        let said: Vec<(String, serde_json::Value)> = triggers
            .chain(routes)
            .map(|entry| (entry.key, entry.value))
            .collect();
        // Texts, numbers and lists of them have one form each.
        Digest::of(&serde_json::to_vec(&said).unwrap_or_default())
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self.people.iter().flat_map(Person::entries).collect();
        entries.extend(self.groups.iter().flat_map(|one| one.entries("group")));
        entries.extend(self.queues.iter().flat_map(|one| one.entries("queue")));
        entries.extend(self.calendars.iter().flat_map(OnCall::entries));
        entries.extend(self.agents.iter().flat_map(Agent::entries));
        entries.extend(self.triggers.iter().flat_map(Trigger::entries));
        entries.extend(self.routes.iter().flat_map(Route::entries));
        entries.extend(self.reasons.iter().flat_map(Reason::entries));
        entries
    }
}

/// Complains about the line that `origin` names.
pub(super) fn fail(sources: &[&File<'_>], origin: &Origin, error: ConfigError) {
    let place = |path: &Path| sources.iter().find(|source| source.path == path);
    match origin {
        Origin::File { path, line } if place(path).is_some() => {
            if let Some(source) = place(path) {
                source.fail(source.line(*line), error);
            }
        }
        _ => {
            if let Some(source) = sources.first() {
                source.errors.borrow_mut().push(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::catalog;

    fn digest(text: &str) -> String {
        let people = "[[person]]\nid = \"maya\"\n";
        let rules = catalog(&format!("{people}{text}"));
        rules.policy().rules_sha256().to_string()
    }

    const ROUTE: &str = "[[route]]\nname = \"a\"\nto = [\"maya\"]\n";

    #[test]
    fn rules_that_say_the_same_have_the_same_digest() {
        let plain = digest(&format!("{ROUTE}due = \"1h\"\n"));
        for same in [
            "# Why.\n[[route]]\ndue = \"60m\"\nto = [\"person:maya\"]\nname = \"a\"\n",
            "[[route]]\nname = \"a\"\ndigest = false\nto = [\"maya\"]\ndue = \"1h\"\n",
        ] {
            assert_eq!(digest(same), plain, "{same}");
        }
    }

    #[test]
    fn every_key_of_a_rule_changes_the_digest() {
        let mut seen = vec![digest(""), digest(ROUTE)];
        for more in [
            "workspace = [\"w\"]",
            "agent = [\"w\"]",
            "label = [\"w\"]",
            "type = [\"w\"]",
            "path = [\"w\"]",
            "class = [\"restricted\"]",
            "trigger = [\"error\"]",
            "when = \"revision > 1\"",
            "confidence_under = 0.5",
            "confidence_from = 0.5",
            "larger_than = \"1MB\"",
            "risk = \"high\"",
            "due = \"1h\"",
            "remind = \"1h\"",
            "expire_after = \"1h\"",
            "hours = [\"09:00-17:00\"]",
            "hours = [\"09:00-17:00\"]\ntime_zone = \"Europe/Zagreb\"",
            "on_expiry = \"reject\"",
            "digest = true",
            "progress = true\nsample = 0.5",
            "progress = true\nsample = 0.6",
            "[[route.then]]\nafter = \"1h\"\nto = [\"maya\"]",
            "[[route.then]]\nafter = \"1h\"\nto = [\"maya\"]\ninstead = true",
            "[[trigger]]\nname = \"t\"\non = \"confidence\"\nfloor = 0.9",
            "[[trigger]]\nname = \"t\"\non = \"confidence\"\nfloor = 0.9\nrisk = \"low\"",
            "[[trigger]]\nname = \"t\"\non = \"sensitive\"\npattern = \"x\"",
            "[[trigger]]\nname = \"t\"\non = \"step\"\nnames = [\"x\"]",
            "[[trigger]]\nname = \"t\"\non = \"sample\"\nshare = 0.1",
            "[[trigger]]\nname = \"t\"\non = \"sample\"\nshare = 0.2",
        ] {
            let found = digest(&format!("{ROUTE}{more}\n"));
            assert!(!seen.contains(&found), "{more} changes nothing");
            seen.push(found);
        }
    }
}
