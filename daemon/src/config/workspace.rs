//! One workspace: its section in the configuration file, over the `workspace.toml` in its folder,
//! over the defaults.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use countersign_protocol::handoff::Profile;

use super::{
    Entry,
    mesh::Transfers,
    names::Id,
    origin::Setting,
    quantity::{Size, Span},
    retention::Limit,
    review::Undo,
    rule::Level,
    section::Section,
    service::ServiceTargets,
};

/// The name of a workspace: one part of a URL and of a line of output.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkspaceName(String);

impl WorkspaceName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkspaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for WorkspaceName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let good = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
        let first = text.chars().next().is_some_and(char::is_alphanumeric);
        if first && text.len() <= 64 && text.chars().all(good) && !text.ends_with(' ') {
            Ok(Self(text.to_owned()))
        } else {
            Err(
                "must begin with a letter or digit and hold only letters, digits, spaces, `.`, \
                 `_` and `-`, at most 64 bytes",
            )
        }
    }
}

/// How much harm it does when the content leaves the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// None.
    Public,
    /// A little.
    Internal,
    /// A lot.
    Confidential,
    /// Too much.
    Restricted,
}

impl Class {
    /// The name in files and on pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Confidential => "confidential",
            Self::Restricted => "restricted",
        }
    }

    /// The names of this class and of those that do less harm.
    pub fn and_below(self) -> Vec<&'static str> {
        let all = [
            Self::Public,
            Self::Internal,
            Self::Confidential,
            Self::Restricted,
        ];
        let below = all.into_iter().filter(|one| *one <= self);
        below.map(Self::name).collect()
    }
}

/// How long an agent may be silent after a checkpoint that promises nothing itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heartbeat {
    /// Silence alone makes no card.
    Off,
    /// Longer silence makes a card.
    After(Span),
}

impl FromStr for Heartbeat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" {
            return Ok(Self::Off);
        }
        match text.parse() {
            Ok(span) if span >= Span(Duration::from_secs(1)) => Ok(Self::After(span)),
            _ => Err("must be `off` or a length of time of at least `1s`, such as `5m`"),
        }
    }
}

impl fmt::Display for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::After(span) => span.fmt(f),
        }
    }
}

/// A workspace with every setting filled in.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The real path of its folder.
    pub path: Setting<PathBuf>,
    /// Its name, unique; else that of the folder.
    pub name: Setting<WorkspaceName>,
    /// The class of what is in it, where the handoff states no stricter one.
    pub class: Setting<Class>,
    /// The least strict profile it accepts.
    pub profile: Setting<Profile>,
    /// Stated confidence under which the risk is higher, 0 to 1.
    pub confidence_floor: Setting<f64>,
    /// How long a file must be quiet where the kernel cannot tell that nobody writes.
    pub settle: Setting<Span>,
    /// Larger files are kept by digest only.
    pub keep_up_to: Setting<Size>,
    /// Bytes that are kept of all files, the same bytes once.
    pub quota: Setting<Limit<Size>>,
    /// Files that one handoff may bring.
    pub max_files: Setting<u64>,
    /// Silence that makes a card, where a checkpoint promises nothing itself.
    pub heartbeat: Setting<Heartbeat>,
    /// Whether an approval waits until all threads are resolved.
    pub resolve_threads: Setting<bool>,
    /// The least risk at which who approves must have viewed all changed files.
    pub view_files: Option<Setting<Level>>,
    /// The least risk at which who approves types the number of the handoff.
    pub type_id: Option<Setting<Level>>,
    /// The least risk at which who approves shows once more that it is them.
    pub step_up: Option<Setting<Level>>,
    /// What who approves ticks off, one line each.
    pub checklist: Option<Setting<Vec<String>>>,
    /// How long an answer can be taken back before it is given.
    pub undo: Setting<Undo>,
    /// The checks that every handoff is put through, by name.
    pub checks: Setting<Vec<Id>>,
    /// What is promised to those who hand over.
    pub service: ServiceTargets,
    /// Which agents hand to which, and what holds between them.
    pub transfers: Transfers,
}

impl Workspace {
    /// What `config show` says about it.
    pub fn entries(&self) -> Vec<Entry> {
        let key = |name: &str| format!("workspace.\"{}\".{name}", self.name.value);
        let mut entries = vec![
            Entry::new(key("path"), &self.path),
            Entry::new(key("class"), &self.class),
            Entry::new(key("profile"), &self.profile),
            Entry::new(key("confidence_floor"), &self.confidence_floor),
            Entry::new(key("settle"), &self.settle),
            Entry::new(key("keep_up_to"), &self.keep_up_to),
            Entry::new(key("quota"), &self.quota),
            Entry::new(key("max_files"), &self.max_files),
            Entry::new(key("heartbeat"), &self.heartbeat),
            Entry::new(key("resolve_threads"), &self.resolve_threads),
            Entry::new(key("undo"), &self.undo),
            Entry::new(key("checks"), &self.checks),
        ];
        for (name, setting) in [
            ("view_files", &self.view_files),
            ("type_id", &self.type_id),
            ("step_up", &self.step_up),
        ] {
            entries.extend(setting.iter().map(|one| Entry::new(key(name), one)));
        }
        let checklist = self.checklist.iter();
        entries.extend(checklist.map(|one| Entry::new(key("checklist"), one)));
        let more = self.service.entries().into_iter();
        entries.extend(more.chain(self.transfers.entries()).map(|entry| Entry {
            key: key(&entry.key),
            ..entry
        }));
        entries
    }
}

/// What one file says about a workspace.
#[derive(Clone, Debug, Default)]
pub(super) struct Stated {
    pub(super) name: Option<Setting<WorkspaceName>>,
    class: Option<Setting<Class>>,
    profile: Option<Setting<Profile>>,
    confidence_floor: Option<Setting<f64>>,
    settle: Option<Setting<Span>>,
    keep_up_to: Option<Setting<Size>>,
    quota: Option<Setting<Limit<Size>>>,
    max_files: Option<Setting<u64>>,
    heartbeat: Option<Setting<Heartbeat>>,
    resolve_threads: Option<Setting<bool>>,
    view_files: Option<Setting<Level>>,
    type_id: Option<Setting<Level>>,
    step_up: Option<Setting<Level>>,
    checklist: Option<Setting<Vec<String>>>,
    undo: Option<Setting<Undo>>,
    checks: Option<Setting<Vec<Id>>>,
    service: ServiceTargets,
    transfers: Transfers,
}

impl Stated {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            name: section.take("name"),
            class: section.take("class"),
            profile: section.take("profile"),
            confidence_floor: section.take("confidence_floor"),
            settle: section.take("settle"),
            keep_up_to: section.take("keep_up_to"),
            quota: section.take("quota"),
            max_files: section.take("max_files"),
            heartbeat: section.take("heartbeat"),
            resolve_threads: section.take("resolve_threads"),
            view_files: section.take("view_files"),
            type_id: section.take("type_id"),
            step_up: section.take("step_up"),
            checklist: section.take("checklist"),
            undo: section.take("undo"),
            checks: section.take("checks"),
            service: ServiceTargets::read(&section.table("service")),
            transfers: Transfers::read(section),
        }
    }

    /// These values where they are stated, else those of `weaker`.
    pub(super) fn over(self, weaker: Self) -> Self {
        Self {
            name: self.name.or(weaker.name),
            class: self.class.or(weaker.class),
            profile: self.profile.or(weaker.profile),
            confidence_floor: self.confidence_floor.or(weaker.confidence_floor),
            settle: self.settle.or(weaker.settle),
            keep_up_to: self.keep_up_to.or(weaker.keep_up_to),
            quota: self.quota.or(weaker.quota),
            max_files: self.max_files.or(weaker.max_files),
            heartbeat: self.heartbeat.or(weaker.heartbeat),
            resolve_threads: self.resolve_threads.or(weaker.resolve_threads),
            view_files: self.view_files.or(weaker.view_files),
            type_id: self.type_id.or(weaker.type_id),
            step_up: self.step_up.or(weaker.step_up),
            checklist: self.checklist.or(weaker.checklist),
            undo: self.undo.or(weaker.undo),
            checks: self.checks.or(weaker.checks),
            service: self.service.over(weaker.service),
            transfers: self.transfers.over(weaker.transfers),
        }
    }

    pub(super) fn complete(
        self,
        path: Setting<PathBuf>,
        name: Setting<WorkspaceName>,
        undo: &Setting<Undo>,
    ) -> Workspace {
        fn or<T>(stated: Option<Setting<T>>, value: T) -> Setting<T> {
            stated.unwrap_or_else(|| Setting::default(value))
        }
        Workspace {
            path,
            name,
            class: or(self.class, Class::Internal),
            profile: or(self.profile, Profile::Minimal),
            confidence_floor: or(self.confidence_floor, 0.8),
            settle: or(self.settle, Span(Duration::from_millis(750))),
            keep_up_to: or(self.keep_up_to, Size(256_000_000)),
            quota: or(self.quota, Limit::Off),
            max_files: or(self.max_files, 10_000),
            heartbeat: or(
                self.heartbeat,
                Heartbeat::After(Span(Duration::from_mins(5))),
            ),
            resolve_threads: or(self.resolve_threads, false),
            view_files: self.view_files,
            type_id: self.type_id,
            step_up: self.step_up,
            checklist: self.checklist,
            undo: self.undo.unwrap_or_else(|| undo.clone()),
            checks: or(self.checks, Vec::new()),
            service: self.service,
            transfers: self.transfers,
        }
    }
}
