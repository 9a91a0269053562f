//! `[[trigger]]` and `[[route]]`: why a person is needed, and who is asked.

use std::{fmt, ops::Range, str::FromStr, time::Duration};

use super::{
    Approvals, Class, Entry,
    error::ConfigError,
    expression::{Expression, Pattern},
    hours::{Hours, Zone},
    names::{Id, Target},
    origin::{Origin, Setting},
    quantity::{Size, Span},
    section::Section,
};

/// How careful to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing speaks against it.
    Low,
    /// Look closely.
    Medium,
    /// It cannot be undone, or nobody vouches for it.
    High,
}

impl Level {
    /// The level of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High]
            .into_iter()
            .find(|level| level.name() == name)
    }

    /// The name in files and facts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Why a person is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TriggerKind {
    /// Stated confidence is under the floor of the use case.
    Confidence,
    /// The next step cannot be undone; it is held.
    CriticalAction,
    /// The agent cannot go on.
    Error,
    /// The work is done.
    Completion,
    /// The topic is sensitive, as stated or by what the sealed text says.
    Sensitive,
    /// A named step of a workflow.
    Step,
    /// The session is over.
    SessionEnd,
    /// The agent fell silent.
    Stalled,
    /// A named file is new or has other bytes.
    FileChanged,
    /// Drawn by lot.
    Sample,
}

/// What a change of a watched file raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raise {
    /// A fact: in the list of events, the stream and webhooks.
    Event,
    /// A card for people, too.
    Card,
}

/// What happens at the end of a ladder. There is no approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It is rejected.
    Reject,
    /// It is closed as expired.
    Expire,
    /// It goes to the dead letters and stays open.
    DeadLetter,
}

impl FromStr for Expiry {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "reject" => Ok(Self::Reject),
            "expire" => Ok(Self::Expire),
            "dead_letter" => Ok(Self::DeadLetter),
            "approve" | "approved" => Err(
                "cannot be `approve`: nothing is ever approved by a timeout. It must be \
                     `dead_letter`, `expire` or `reject`",
            ),
            _ => Err(
                "must be `dead_letter`, `expire` or `reject`; who else is asked stands in `then`",
            ),
        }
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reject => "reject",
            Self::Expire => "expire",
            Self::DeadLetter => "dead_letter",
        })
    }
}

/// What a rule is about. Patterns are those of `.gitignore`; within a list one must match, and every
/// list that is there must have one that does.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Names of workspaces.
    pub workspace: Vec<String>,
    /// Names of agents.
    pub agent: Vec<String>,
    /// Labels of the handoff or of the agent.
    pub label: Vec<String>,
    /// Types of work.
    pub kind: Vec<String>,
    /// Paths of files.
    pub path: Vec<String>,
    /// Data classes.
    pub class: Vec<Class>,
}

impl Scope {
    fn read(section: &Section<'_>) -> Self {
        fn list<T: super::value::Value>(section: &Section<'_>, key: &'static str) -> Vec<T> {
            section
                .take(key)
                .map(|list: Setting<Vec<T>>| list.value)
                .unwrap_or_default()
        }
        Self {
            workspace: list(section, "workspace"),
            agent: list(section, "agent"),
            label: list(section, "label"),
            kind: list(section, "type"),
            path: list(section, "path"),
            class: list(section, "class"),
        }
    }

    fn entries(&self, key: &dyn Fn(&str) -> String, origin: &Origin) -> Vec<Entry> {
        let words = [
            ("workspace", &self.workspace),
            ("agent", &self.agent),
            ("label", &self.label),
            ("type", &self.kind),
            ("path", &self.path),
        ];
        let mut entries: Vec<Entry> = words
            .into_iter()
            .filter(|(_, list)| !list.is_empty())
            .map(|(name, list)| Entry::plain(key(name), list, origin))
            .collect();
        if !self.class.is_empty() {
            entries.push(Entry::plain(key("class"), &self.class, origin));
        }
        entries
    }
}

/// A `[[trigger]]` section.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// Its name; unique among triggers.
    pub name: Setting<Id>,
    /// What it looks at.
    pub kind: Setting<TriggerKind>,
    /// The use case.
    pub scope: Scope,
    /// `confidence`: the floor here, else that of the workspace.
    pub floor: Option<f64>,
    /// `sensitive`: what the text may not say without a person looking.
    pub pattern: Option<Pattern>,
    /// `step`: names of steps; `file_changed`: paths.
    pub names: Vec<String>,
    /// `sample`: the share that is drawn.
    pub share: f64,
    /// At least so careful.
    pub risk: Option<Level>,
    /// `file_changed`: what a change raises that nobody handed over; nothing when left out.
    pub raise: Option<Setting<Raise>>,
    /// `file_changed`: it is told so long after the last change.
    pub quiet: Setting<Span>,
}

/// How long a watched file rests before its change is told.
const QUIET: Span = Span(Duration::from_secs(1));

impl Trigger {
    pub(super) fn read(span: Range<usize>, section: &Section<'_>) -> Option<Self> {
        let name = section.need::<Id>("name", span.clone(), "a name such as `low-confidence`");
        let kind = section.need::<TriggerKind>(
            "on",
            span.clone(),
            "what it looks at, such as `on = \"confidence\"`",
        );
        let scope = Scope::read(section);
        let floor = section.take("floor").map(|floor| floor.value);
        let pattern = section.take("pattern").map(|pattern| pattern.value);
        let names: Option<Setting<Vec<String>>> = section.take("names");
        let share = section.take("share").map(|share| share.value);
        let risk = section.take("risk").map(|risk| risk.value);
        let raise = section.take("raise");
        let quiet = section.take("quiet");
        section.finish(&[]);
        let (name, kind) = (name?, kind?);
        let names = names.map(|names| names.value).unwrap_or_default();
        let missing = match kind.value {
            TriggerKind::Step if names.is_empty() => Some("`names` of steps"),
            TriggerKind::FileChanged if names.is_empty() => Some("`names` of files"),
            TriggerKind::Sample if share.is_none() => Some("a `share`, such as 0.1"),
            TriggerKind::FileChanged => None,
            _ if raise.is_some() || quiet.is_some() => {
                Some("`on = \"file_changed\"` for `raise` and `quiet`")
            }
            _ => None,
        };
        if let Some(missing) = missing {
            let error = ConfigError::new(format!("the trigger `{}` needs {missing}", name.value));
            section.fail(span, error.hint("see docs/policy.md"));
            return None;
        }
        Some(Self {
            name,
            kind,
            scope,
            floor,
            pattern,
            names,
            share: share.unwrap_or_default(),
            risk,
            raise,
            quiet: quiet.unwrap_or_else(|| Setting::default(QUIET)),
        })
    }

    /// Everything that the section says: two that say the same have the same entries.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let key = |name: &str| format!("trigger.\"{}\".{name}", self.name.value);
        let origin = &self.name.origin;
        let mut entries = vec![Entry::new(key("on"), &self.kind)];
        entries.extend(self.scope.entries(&key, origin));
        let floor = self.floor.iter();
        entries.extend(floor.map(|floor| Entry::plain(key("floor"), floor, origin)));
        let pattern = self.pattern.iter();
        entries.extend(pattern.map(|pattern| Entry::plain(key("pattern"), pattern, origin)));
        if !self.names.is_empty() {
            entries.push(Entry::plain(key("names"), &self.names, origin));
        }
        if self.kind.value == TriggerKind::Sample {
            entries.push(Entry::plain(key("share"), &self.share, origin));
        }
        entries.extend(
            self.risk
                .iter()
                .map(|risk| Entry::plain(key("risk"), risk, origin)),
        );
        if let Some(raise) = &self.raise {
            entries.push(Entry::new(key("raise"), raise));
            entries.push(Entry::new(key("quiet"), &self.quiet));
        }
        entries
    }
}

/// A further step while nobody answers.
#[derive(Clone, Debug)]
pub struct Then {
    /// After so long.
    pub after: Setting<Span>,
    /// Who is asked then.
    pub to: Setting<Vec<Target>>,
    /// True when they are asked instead of, not beside, those before.
    pub instead: bool,
}

/// A `[[route]]` section. The first that matches wins.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its name; unique among routes.
    pub name: Setting<Id>,
    /// What it is about.
    pub scope: Scope,
    /// Triggers, by name or kind; one must have fired.
    pub triggers: Vec<String>,
    /// A condition over the handoff.
    pub when: Option<Setting<Expression>>,
    /// Stated confidence under this.
    pub confidence_under: Option<f64>,
    /// Stated confidence of at least this.
    pub confidence_from: Option<f64>,
    /// All files together are larger than this.
    pub larger_than: Option<Size>,
    /// How careful to be.
    pub risk: Option<Level>,
    /// Who is asked.
    pub to: Setting<Vec<Target>>,
    /// An answer is due after so long.
    pub due: Option<Setting<Span>>,
    /// Who is asked is told again after so long; else after four fifths of `due`.
    pub remind: Option<Setting<Span>>,
    /// Hours in which time passes for these spans; always when empty.
    pub hours: Vec<Hours>,
    /// Where these hours are.
    pub time_zone: Zone,
    /// Further steps.
    pub then: Vec<Then>,
    /// How it ends.
    pub on_expiry: Setting<Expiry>,
    /// When it ends; else as long after the last step as `due`.
    pub expire_after: Option<Setting<Span>>,
    /// Nobody is told at once.
    pub digest: bool,
    /// An agent may get it without its time limit, where none can keep that.
    pub late: bool,
    /// The work may pass without a person.
    pub progress: bool,
    /// The share of it that people see all the same.
    pub sample: f64,
    /// How many people it takes.
    pub approvals: Approvals,
}

impl Route {
    pub(super) fn read(span: Range<usize>, section: &Section<'_>) -> Option<Self> {
        fn plain<T: super::value::Value>(section: &Section<'_>, key: &'static str) -> Option<T> {
            section.take(key).map(|value: Setting<T>| value.value)
        }
        let name = section.need::<Id>("name", span.clone(), "a name such as `prod-write`");
        let to = section.need::<Vec<Target>>(
            "to",
            span.clone(),
            "who is asked, such as `[\"group:editors\"]`",
        );
        let scope = Scope::read(section);
        let triggers = plain(section, "trigger").unwrap_or_default();
        let when = section.take("when");
        let confidence_under = plain(section, "confidence_under");
        let confidence_from = plain(section, "confidence_from");
        let larger_than = plain(section, "larger_than");
        let risk = plain(section, "risk");
        let due = section.take("due");
        let remind = section.take("remind");
        let hours = plain(section, "hours").unwrap_or_default();
        let time_zone = plain(section, "time_zone").unwrap_or(Zone::UTC);
        let then: Vec<Then> = section
            .tables("then")
            .into_iter()
            .filter_map(|(span, section)| Then::read(span, &section))
            .collect();
        let on_expiry = section
            .take("on_expiry")
            .unwrap_or_else(|| Setting::default(Expiry::DeadLetter));
        let expire_after = section.take("expire_after");
        let digest = plain(section, "digest").unwrap_or_default();
        let late = plain(section, "late").unwrap_or_default();
        let progress = plain(section, "progress").unwrap_or_default();
        let sample: Option<f64> = plain(section, "sample");
        let approvals = Approvals::read(section);
        section.finish(&[]);
        let name = name?;
        let wrong = if progress && approvals.is_special() {
            Some((
                "lets work pass without a person and says how many it takes",
                "leave `progress` out, or what it says about approvals",
            ))
        } else if progress && sample.is_none_or(|sample| sample <= 0.0) {
            Some((
                "lets work pass and shows none of it to people",
                "add `sample = 0.1`, the share that people see all the same",
            ))
        } else if sample.is_some() && !progress {
            Some((
                "has a `sample` of nothing",
                "add `progress = true`, or leave `sample` out",
            ))
        } else {
            None
        };
        if let Some((why, hint)) = wrong {
            let error = ConfigError::new(format!("the route `{}` {why}", name.value)).hint(hint);
            section.fail(span, error);
            return None;
        }
        let to = to?;
        let people = |to: &[Target]| to.iter().any(|one| !matches!(one, Target::Agent(_)));
        if !people(&to.value) && !then.iter().any(|step| people(&step.to.value)) {
            let error = ConfigError::new(format!("the route `{}` never asks a person", name.value))
                .hint("name a person, group, queue or calendar in `to` or in `then`");
            section.fail(span, error);
            return None;
        }
        Some(Self {
            name,
            scope,
            triggers,
            when,
            confidence_under,
            confidence_from,
            larger_than,
            risk,
            to,
            due,
            remind,
            hours,
            time_zone,
            then,
            on_expiry,
            expire_after,
            digest,
            late,
            progress,
            sample: sample.unwrap_or_default(),
            approvals,
        })
    }

    /// Everything that the section says: two that say the same have the same entries.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let key = |name: &str| format!("route.\"{}\".{name}", self.name.value);
        let origin = &self.name.origin;
        let mut entries = self.scope.entries(&key, origin);
        if !self.triggers.is_empty() {
            entries.push(Entry::plain(key("trigger"), &self.triggers, origin));
        }
        entries.extend(self.when.iter().map(|when| Entry::new(key("when"), when)));
        for (name, limit) in [
            ("confidence_under", &self.confidence_under),
            ("confidence_from", &self.confidence_from),
        ] {
            let limit = limit.iter();
            entries.extend(limit.map(|limit| Entry::plain(key(name), limit, origin)));
        }
        let larger = self.larger_than.iter();
        entries.extend(larger.map(|size| Entry::plain(key("larger_than"), size, origin)));
        let risk = self.risk.iter();
        entries.extend(risk.map(|risk| Entry::plain(key("risk"), risk, origin)));
        entries.push(Entry::new(key("to"), &self.to));
        for (name, span) in [
            ("due", &self.due),
            ("remind", &self.remind),
            ("expire_after", &self.expire_after),
        ] {
            entries.extend(span.iter().map(|span| Entry::new(key(name), span)));
        }
        if !self.hours.is_empty() {
            entries.push(Entry::plain(key("hours"), &self.hours, origin));
            entries.push(Entry::plain(key("time_zone"), &self.time_zone, origin));
        }
        for (then, at) in self.then.iter().zip(1..) {
            let key = |name: &str| key(&format!("then.{at}.{name}"));
            entries.push(Entry::new(key("after"), &then.after));
            entries.push(Entry::new(key("to"), &then.to));
            entries.push(Entry::plain(key("instead"), &then.instead, &then.to.origin));
        }
        entries.push(Entry::new(key("on_expiry"), &self.on_expiry));
        entries.push(Entry::plain(key("digest"), &self.digest, origin));
        entries.push(Entry::plain(key("late"), &self.late, origin));
        entries.push(Entry::plain(key("progress"), &self.progress, origin));
        if self.progress {
            entries.push(Entry::plain(key("sample"), &self.sample, origin));
        }
        entries.extend(self.approvals.entries(&key));
        entries
    }
}

impl Then {
    fn read(span: Range<usize>, section: &Section<'_>) -> Option<Self> {
        let after = section.need("after", span.clone(), "when, such as `after = \"1h\"`");
        let to = section.need("to", span, "who is asked then");
        let instead = section.take("instead").is_some_and(|instead| instead.value);
        section.finish(&[]);
        Some(Self {
            after: after?,
            to: to?,
            instead,
        })
    }
}
