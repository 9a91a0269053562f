//! The operators: one canonical name each, and the spellings that people bring along.

use super::value::Comparison;

/// What is written before a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// Workspace.
    Ws,
    /// The stated agent.
    Agent,
    /// The person who decided or wrote; `me` is the asker.
    By,
    /// The handoff.
    Id,
    /// The model that the agent states.
    Model,
    /// A tool that the agent states.
    Tool,
    /// A path or a glob; one without `/` is the name of the file or of a folder above it.
    Path,
    /// The ending of the name.
    Ext,
    /// The type of file: `image`, `pdf`, `csv`, `rust`, …
    Type,
    /// The size of a file.
    Size,
    /// A state.
    Is,
    /// Something it contains.
    Has,
    /// The last decision.
    Decision,
    /// Risk by policy.
    Risk,
    /// Data class.
    Class,
    /// Why the agent stopped.
    Trigger,
    /// What became of a check.
    Check,
    /// The level of a line of a log.
    Level,
    /// Stated confidence.
    Confidence,
    /// Number of the revision.
    Rev,
    /// Time since it was handed over.
    Age,
    /// When an answer is due.
    Due,
    /// When a file was added, modified, renamed or removed.
    Changed,
    /// When a file was added.
    Added,
    /// When a file was removed.
    Removed,
    /// Files as they stood then.
    At,
    /// Before that time.
    Before,
    /// From that time on.
    After,
    /// Who opened the handoff; `me`, `nobody`.
    Viewed,
    /// Who holds a lock.
    Lock,
    /// Name of a ledger entry.
    Event,
    /// Words of a decision.
    Reason,
    /// Words inside of files.
    Content,
    /// Words that rank and do not filter.
    About,
    /// The kind of thing that is shown, or `count`.
    Show,
    /// By what results are counted.
    Group,
    /// The order of results.
    Sort,
}

/// What stands behind the colon of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name; `*` and `?` are placeholders.
    Name,
    /// A path; `*`, `**` and `?` are placeholders.
    Glob,
    /// Words.
    Text,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A number.
    Number,
    /// A number of bytes with a unit.
    Bytes,
    /// A length of time.
    Length,
    /// A time.
    Moment,
    /// A time or an anchor.
    Point,
}

use Operator as O;

/// Every operator: canonical name, kind of value, and what it finds in a few words.
const TABLE: &[(Operator, &str, Kind, &str)] = &[
    (O::Ws, "ws", Kind::Name, "workspace"),
    (O::Agent, "agent", Kind::Name, "agent"),
    (O::By, "by", Kind::Name, "person who decided or wrote"),
    (O::Id, "id", Kind::Name, "handoff"),
    (O::Model, "model", Kind::Name, "model the agent states"),
    (O::Tool, "tool", Kind::Name, "tool the agent states"),
    (O::Path, "path", Kind::Glob, "path or name of a file"),
    (O::Ext, "ext", Kind::Name, "ending of the name"),
    (O::Type, "type", Kind::Name, "type of file"),
    (O::Size, "size", Kind::Bytes, "size of a file"),
    (O::Is, "is", Kind::OneOf(IS), "state"),
    (O::Has, "has", Kind::OneOf(HAS), "something it contains"),
    (
        O::Decision,
        "decision",
        Kind::OneOf(DECISION),
        "last decision",
    ),
    (O::Risk, "risk", Kind::OneOf(RISK), "risk, set by policy"),
    (O::Class, "class", Kind::OneOf(CLASS), "data class"),
    (
        O::Trigger,
        "trigger",
        Kind::OneOf(TRIGGER),
        "why the agent stopped",
    ),
    (O::Check, "check", Kind::OneOf(CHECK), "outcome of a check"),
    (
        O::Level,
        "level",
        Kind::OneOf(LEVEL),
        "level of a line of a log",
    ),
    (
        O::Confidence,
        "confidence",
        Kind::Number,
        "stated confidence",
    ),
    (O::Rev, "rev", Kind::Number, "revision"),
    (O::Age, "age", Kind::Length, "time since it was handed over"),
    (O::Due, "due", Kind::Moment, "when an answer is due"),
    (
        O::Changed,
        "changed",
        Kind::Point,
        "files changed since or within",
    ),
    (
        O::Added,
        "added",
        Kind::Point,
        "files added since or within",
    ),
    (
        O::Removed,
        "removed",
        Kind::Point,
        "files removed since or within",
    ),
    (O::At, "at", Kind::Point, "files as they stood then"),
    (O::Before, "before", Kind::Point, "before that time"),
    (O::After, "after", Kind::Point, "from that time on"),
    (O::Viewed, "viewed", Kind::Name, "opened by"),
    (O::Lock, "lock", Kind::Name, "locked by"),
    (O::Event, "event", Kind::Name, "ledger entry"),
    (O::Reason, "reason", Kind::Text, "words of a decision"),
    (O::Content, "content", Kind::Text, "words inside of files"),
    (O::About, "about", Kind::Text, "ranks, leaves nothing out"),
    (O::Show, "show", Kind::OneOf(SHOW), "kind of thing to show"),
    (O::Group, "group", Kind::OneOf(GROUP), "counted by"),
    (O::Sort, "sort", Kind::OneOf(SORT), "order"),
];

const IS: &[&str] = &[
    "my-turn",
    "waiting",
    "sent-back",
    "decided",
    "overdue",
    "snoozed",
    "locked",
    "claimed",
    "dead-letter",
    "stale",
    "failing",
    "stalled",
];
const HAS: &[&str] = &[
    "validation-error",
    "error",
    "warning",
    "secret",
    "comment",
    "open-thread",
    "checklist",
    "files",
    "question",
    "unsearched",
];
const DECISION: &[&str] = &[
    "approved",
    "changes-requested",
    "rejected",
    "responded",
    "ignored",
    "withdrawn",
    "none",
];
const RISK: &[&str] = &["low", "medium", "high"];
const CLASS: &[&str] = &["public", "internal", "confidential", "restricted"];
const TRIGGER: &[&str] = &[
    "completion",
    "confidence",
    "critical-action",
    "error",
    "sensitive",
    "policy",
    "session-end",
    "manual",
];
const CHECK: &[&str] = &["passed", "failed", "unverified"];
const LEVEL: &[&str] = &["trace", "debug", "info", "warning", "error", "fatal"];
const SHOW: &[&str] = &[
    "files",
    "handoffs",
    "decisions",
    "comments",
    "refused",
    "checkpoints",
    "events",
    "count",
];
const GROUP: &[&str] = &[
    "agent", "ws", "by", "type", "decision", "risk", "trigger", "folder", "handoff", "day",
];
const SORT: &[&str] = &[
    "relevance",
    "newest",
    "oldest",
    "largest",
    "smallest",
    "path",
    "risk",
    "due",
    "confidence",
];

/// Other spellings, with the comparison they imply.
const ALIASES: &[(&str, Operator, Option<Comparison>)] = &[
    ("repo", O::Ws, None),
    ("workspace", O::Ws, None),
    ("from", O::Agent, None),
    ("author", O::Agent, None),
    ("user", O::By, None),
    ("person", O::By, None),
    ("reviewer", O::By, None),
    ("handoff", O::Id, None),
    ("filename", O::Path, None),
    ("file", O::Path, None),
    ("in", O::Path, None),
    ("extension", O::Ext, None),
    ("language", O::Type, None),
    ("lang", O::Type, None),
    ("larger", O::Size, Some(Comparison::More)),
    ("smaller", O::Size, Some(Comparison::Less)),
    ("state", O::Is, None),
    ("status", O::Decision, None),
    ("outcome", O::Decision, None),
    ("revision", O::Rev, None),
    ("older_than", O::Age, Some(Comparison::More)),
    ("newer_than", O::Age, Some(Comparison::Less)),
    ("since", O::Changed, Some(Comparison::AtLeast)),
    ("modified", O::Changed, None),
    ("created", O::Added, None),
    ("deleted", O::Removed, None),
    ("as_of", O::At, None),
    ("until", O::Before, None),
    ("why", O::Reason, None),
    ("text", O::Content, None),
    ("order", O::Sort, None),
];

impl Operator {
    /// All of them, in the order of the documentation.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|(operator, ..)| *operator)
    }

    fn row(self) -> &'static (Operator, &'static str, Kind, &'static str) {
        // The variants stand in the order of the table; a test holds them to it.
        &TABLE[self as usize]
    }

    /// The canonical name.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// What stands behind the colon.
    pub fn kind(self) -> Kind {
        self.row().2
    }

    /// What it finds, in a few words.
    pub fn help(self) -> &'static str {
        self.row().3
    }

    /// The operator of that spelling, with the comparison it implies.
    pub fn read(spelling: &str) -> Option<(Self, Option<Comparison>)> {
        let lower = spelling.to_ascii_lowercase().replace('-', "_");
        let canonical = TABLE.iter().find(|row| row.1 == lower);
        if let Some((operator, ..)) = canonical {
            return Some((*operator, None));
        }
        let alias = ALIASES.iter().find(|(name, ..)| *name == lower);
        alias.map(|(_, operator, comparison)| (*operator, *comparison))
    }

    /// The spelling, canonical or not, that comes next to `text`, when one is near.
    pub fn nearest(text: &str) -> Option<&'static str> {
        let lower = text.to_ascii_lowercase();
        let names = TABLE.iter().map(|row| row.1);
        let all = names.chain(ALIASES.iter().map(|(name, ..)| *name));
        nearest(&lower, all)
    }
}

/// The candidate at the smallest distance: one edit for short words, two for longer ones.
pub(super) fn nearest<'a>(
    text: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = match text.chars().count() {
        0..=2 => return None,
        3..=4 => 1,
        _ => 2,
    };
    candidates
        .map(|candidate| (strsim::osa_distance(text, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
