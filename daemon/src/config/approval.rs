//! `approvals`, `veto`, `self_approval` and `[[route.stage]]`: how many people it takes.

use std::ops::Range;

use countersign_protocol::terms::RuleTerms;

use super::{
    Entry,
    error::ConfigError,
    names::Target,
    origin::{Origin, Setting},
    policy::Policy,
    quantity::Span,
    section::{File, Section},
};

/// What a `[[route]]` says about it.
#[derive(Clone, Debug)]
pub struct Approvals {
    /// So many different people of those who are asked; without stages.
    pub needed: Option<Setting<u64>>,
    /// One after the other.
    pub stages: Vec<Stage>,
    /// Whose rejection alone ends it.
    pub veto: Option<Setting<Vec<Target>>>,
    /// Whether who ran the agent or answers for it may approve.
    pub own: Setting<bool>,
    /// An approval holds for so long.
    pub valid_for: Option<Setting<Span>>,
    /// An approval is good for one use.
    pub single_use: Setting<bool>,
}

/// A `[[route.stage]]` section.
#[derive(Clone, Debug)]
pub struct Stage {
    /// What people call it.
    pub name: Setting<String>,
    /// Who votes in it.
    pub of: Setting<Vec<Target>>,
    /// So many of them.
    pub needed: Setting<u64>,
}

impl Approvals {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let needed: Option<Setting<u64>> = section.take("approvals");
        let stages = section.tables("stage").into_iter();
        let stages: Vec<Stage> = stages
            .filter_map(|(span, section)| Stage::read(span, &section))
            .collect();
        if let Some(both) = needed.as_ref().filter(|_| !stages.is_empty()) {
            let error = ConfigError::new("a route with stages has no `approvals` of its own");
            section.fail_at(
                &both.origin,
                error.hint("write it into each `[[route.stage]]`"),
            );
        }
        let valid_for: Option<Setting<Span>> = section.take("valid_for");
        if let Some(none) = valid_for.as_ref().filter(|span| span.value.0.is_zero()) {
            let error = ConfigError::new("an approval that is never valid");
            section.fail_at(
                &none.origin,
                error.hint("leave `valid_for` out, or write how long, such as `24h`"),
            );
        }
        Self {
            needed,
            stages,
            veto: section.take("veto"),
            own: section
                .take("self_approval")
                .unwrap_or_else(|| Setting::default(true)),
            valid_for,
            single_use: section
                .take("single_use")
                .unwrap_or_else(|| Setting::default(false)),
        }
    }

    /// On what terms every approval holds.
    pub fn terms(&self) -> RuleTerms {
        let valid_for = self.valid_for.as_ref();
        RuleTerms {
            valid_for_seconds: valid_for.map(|span| span.value.0.as_secs()),
            single_use: self.single_use.value,
        }
    }

    /// Whether one answer of anybody is not enough.
    pub fn is_special(&self) -> bool {
        self.needed.is_some() || !self.stages.is_empty() || self.veto.is_some() || !self.own.value
    }

    pub(super) fn entries(&self, key: &dyn Fn(&str) -> String) -> Vec<Entry> {
        let mut entries = vec![Entry::new(key("self_approval"), &self.own)];
        if self.single_use.value {
            entries.push(Entry::new(key("single_use"), &self.single_use));
        }
        let valid_for = self.valid_for.iter();
        entries.extend(valid_for.map(|one| Entry::new(key("valid_for"), one)));
        let needed = self.needed.iter();
        entries.extend(needed.map(|one| Entry::new(key("approvals"), one)));
        entries.extend(self.veto.iter().map(|one| Entry::new(key("veto"), one)));
        for (stage, at) in self.stages.iter().zip(1..) {
            let key = |name: &str| key(&format!("stage.{at}.{name}"));
            entries.push(Entry::new(key("name"), &stage.name));
            entries.push(Entry::new(key("of"), &stage.of));
            entries.push(Entry::new(key("approvals"), &stage.needed));
        }
        entries
    }

    /// Complains about people who are not there, and about more approvals than people.
    pub(super) fn check(&self, to: &Setting<Vec<Target>>, policy: &Policy, sources: &[&File<'_>]) {
        let voters = ["person", "group", "queue", "oncall"];
        for target in self.veto.iter().flat_map(|veto| &veto.value) {
            let origin = self
                .veto
                .as_ref()
                .map_or(&Origin::Default, |veto| &veto.origin);
            policy.check_target(target, origin, &voters, "who has a veto", sources);
        }
        for stage in &self.stages {
            for target in &stage.of.value {
                let origin = &stage.of.origin;
                policy.check_target(target, origin, &voters, "who votes", sources);
            }
            enough(&stage.needed, &stage.of.value, policy, sources);
        }
        if let Some(needed) = &self.needed {
            enough(needed, &to.value, policy, sources);
        }
    }
}

fn enough(stated: &Setting<u64>, of: &[Target], policy: &Policy, sources: &[&File<'_>]) {
    let Some(people) = policy.people_behind(of) else {
        return;
    };
    if stated.value > people {
        let there = match people {
            1 => "there is one person to give them".to_owned(),
            people => format!("there are {people} people to give them"),
        };
        let needed = stated.value;
        let error = ConfigError::new(format!("it takes {needed} approvals, and {there}"))
            .hint("ask more people, or take fewer approvals");
        super::policy::fail(sources, &stated.origin, error);
    }
}

impl Stage {
    fn read(span: Range<usize>, section: &Section<'_>) -> Option<Self> {
        let name = section.need("name", span.clone(), "a name, such as `name = \"finance\"`");
        let of = section.need("of", span, "who votes, such as `[\"group:finance\"]`");
        let needed = section.take("approvals");
        section.finish(&[]);
        Some(Self {
            name: name?,
            of: of?,
            needed: needed.unwrap_or_else(|| Setting::default(1)),
        })
    }
}
