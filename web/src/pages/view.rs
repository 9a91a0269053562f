//! Small facts in the form that templates show them.

use std::hash::{Hash, Hasher};

use countersign_protocol::{
    decision::{DecisionDocument, Outcome},
    problem::Violation,
};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Serialize, Serializer};

use crate::{
    desk::{DecidedRow, HandoffRow, Person, Review, Risk, RiskLevel},
    render::words,
};

/// When a page is made, and where its reader is: clocks on it show the time there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now<'a> {
    /// The moment.
    pub(crate) at: Timestamp,
    /// The time zone of the reader.
    pub(crate) zone: &'a TimeZone,
}

impl<'a> Now<'a> {
    /// For a reader in `zone`.
    pub(crate) fn new(at: Timestamp, zone: &'a TimeZone) -> Self {
        Self { at, zone }
    }

    /// For a reader whose zone is not known.
    pub(crate) fn utc(at: Timestamp) -> Self {
        static UTC: TimeZone = TimeZone::UTC;
        Self::new(at, &UTC)
    }
}

/// A moment that is written out where it is shown, not where it is made or compared: most rows of a queue are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clock(Timestamp, TimeZone);

impl Hash for Clock {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Zones of one name are equal nearly always; where they are not, equality tells.
        (self.0, self.1.iana_name()).hash(state);
    }
}

impl Serialize for Clock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&words::clock(self.0, &self.1))
    }
}

/// A moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(super) struct When {
    /// For machines.
    pub(super) iso: Timestamp,
    /// For people, absolute.
    pub(super) clock: Clock,
    /// For people, as seen from the time of the page.
    pub(super) ago: String,
}

impl When {
    pub(super) fn new(at: Timestamp, now: Now<'_>) -> Self {
        Self {
            iso: at,
            clock: Clock(at, now.zone.clone()),
            ago: words::ago(at, now.at),
        }
    }

    /// A moment that is planned, and may have come.
    pub(super) fn planned(at: Timestamp, now: Now<'_>) -> Self {
        Self {
            ago: words::planned(at, now.at),
            ..Self::new(at, now)
        }
    }
}

/// A deadline.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(super) struct Due {
    /// For example `due in 42 min`.
    pub(super) words: String,
    /// Whether it has passed.
    pub(super) late: bool,
    /// The moment.
    pub(super) at: When,
}

impl Due {
    pub(super) fn new(at: Timestamp, now: Now<'_>) -> Self {
        Self {
            words: words::due(at, now.at),
            late: at < now.at,
            at: When::new(at, now),
        }
    }
}

/// A person in the corner of the page.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PersonView {
    /// The id, by which a browser keeps the words of different people apart.
    pub(super) id: String,
    /// The name.
    pub(super) display: String,
    /// At most two letters of it.
    pub(super) initials: String,
}

impl PersonView {
    pub(super) fn new(person: &Person) -> Self {
        let initials: String = person
            .display
            .split_whitespace()
            .filter_map(|word| word.chars().find(|c| c.is_alphanumeric()))
            .take(2)
            .flat_map(char::to_uppercase)
            .collect();
        Self {
            id: person.id.clone(),
            display: person.display.clone(),
            initials: if initials.is_empty() {
                "?".to_owned()
            } else {
                initials
            },
        }
    }
}

/// Stated confidence against the floor.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(super) struct Gauge {
    /// With two decimals.
    pub(super) value: String,
    /// With two decimals.
    pub(super) floor: String,
    /// Length of the bar, 0 to 100.
    pub(super) percent: String,
    /// Place of the mark, 0 to 100.
    pub(super) floor_percent: String,
    /// Whether it is under the floor.
    pub(super) below: bool,
}

impl Gauge {
    pub(super) fn new(value: f64, floor: f64) -> Self {
        let percent = |part: f64| format!("{:.0}", part.clamp(0.0, 1.0) * 100.0);
        Self {
            value: format!("{value:.2}"),
            floor: format!("{floor:.2}"),
            percent: percent(value),
            floor_percent: percent(floor),
            below: value < floor,
        }
    }

    pub(super) fn of(row: &HandoffRow) -> Option<Self> {
        row.confidence.map(|value| Self::new(value, row.floor))
    }
}

/// Risk as shape, word and reasons.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(super) struct RiskView {
    /// `low`, `medium` or `high`; names the shape.
    pub(super) level: &'static str,
    /// The word.
    pub(super) word: &'static str,
    /// Why.
    pub(super) reasons: Vec<String>,
}

impl RiskView {
    pub(super) fn new(risk: &Risk) -> Self {
        let (level, word) = match risk.level {
            RiskLevel::Low => ("low", "Low risk"),
            RiskLevel::Medium => ("medium", "Medium risk"),
            RiskLevel::High => ("high", "High risk"),
        };
        Self {
            level,
            word,
            reasons: risk.reasons.clone(),
        }
    }
}

/// The stamp on decided work.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(super) struct Stamp {
    /// What was decided.
    pub(super) word: &'static str,
    /// `ok`, `warn` or `bad`.
    pub(super) tone: &'static str,
    /// When.
    pub(super) at: When,
    /// By whom.
    pub(super) by: String,
    /// About which revision.
    pub(super) revision: u32,
}

impl Stamp {
    pub(super) fn of_row(row: &DecidedRow, now: Now<'_>) -> Self {
        Self {
            word: stamp_word(row.outcome),
            tone: tone(row.outcome),
            at: When::new(row.at, now),
            by: row.by.clone(),
            revision: row.revision,
        }
    }

    pub(super) fn of_document(document: &DecisionDocument, now: Now<'_>) -> Self {
        Self {
            word: stamp_word(document.outcome),
            tone: tone(document.outcome),
            at: When::new(document.decided_at, now),
            by: document.decided_by.display.clone(),
            revision: document.revision,
        }
    }
}

pub(super) fn stamp_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Approved => "Approved",
        Outcome::ChangesRequested => "Changes requested",
        Outcome::Rejected => "Rejected",
        Outcome::Responded => "Answered",
        Outcome::Edited => "Edited and approved",
        Outcome::Ignored => "Set aside",
        Outcome::Rerouted => "Handed on",
        Outcome::Expired => "Expired",
        Outcome::Cancelled => "Withdrawn",
        Outcome::Completed => "Completed",
        Outcome::Abstained => "Abstained",
    }
}

pub(super) fn tone(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Approved | Outcome::Responded | Outcome::Edited => "ok",
        Outcome::Rejected => "bad",
        _ => "warn",
    }
}

/// The most characters of a source line that are shown.
const SOURCE: usize = 400;

/// A line of a refused file, marked from the place of the mistake on.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SourceLine {
    pub(super) number: u32,
    pub(super) before: String,
    pub(super) marked: String,
}

/// A broken rule with its line of the file.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ViolationView {
    /// JSON pointer; empty for the whole document.
    pub(super) pointer: String,
    /// `line 7, column 3`, or empty.
    pub(super) place: String,
    /// What is wrong.
    pub(super) message: String,
    /// What to do.
    pub(super) fix: Option<String>,
    /// The line that it is about.
    pub(super) source: Option<SourceLine>,
}

impl ViolationView {
    /// `text` is the file that the violation points into.
    pub(super) fn new(violation: &Violation, text: Option<&str>) -> Self {
        let place = match (violation.line, violation.column) {
            (0, _) => String::new(),
            (line, 0) => format!("line {line}"),
            (line, column) => format!("line {line}, column {column}"),
        };
        let source = (violation.line > 0)
            .then(|| text?.lines().nth(violation.line as usize - 1))
            .flatten()
            .map(|line| {
                let start = violation.column.saturating_sub(1) as usize;
                let mut shown = line.chars().take(SOURCE);
                SourceLine {
                    number: violation.line,
                    before: shown.by_ref().take(start).collect(),
                    marked: shown.collect(),
                }
            });
        Self {
            pointer: violation.pointer.clone(),
            place,
            message: violation.message.clone(),
            fix: violation.fix.clone(),
            source,
        }
    }
}

/// How folders are named: the workspace, then the folder in it.
pub(super) fn place(row: &HandoffRow) -> String {
    if row.folder.is_empty() {
        row.workspace.clone()
    } else {
        format!("{}/{}", row.workspace, row.folder)
    }
}

/// Returns the folders that hold the answer, or that were to hold it.
pub(super) fn delivered_to(review: &Review) -> String {
    review
        .delivery
        .as_ref()
        .map_or_else(|| place(&review.row), |known| known.folders.join(", "))
}

/// Returns when the answer was put there, as seen from the time of the page.
pub(super) fn delivered_when(review: &Review, now: Now<'_>) -> String {
    let known = review.delivery.as_ref();
    known.map_or_else(String::new, |known| words::ago(known.at, now.at))
}

/// Returns when the answer could not be put there, as seen from the time of the page.
pub(super) fn undelivered(review: &Review, now: Now<'_>) -> Option<String> {
    let failed = review.delivery.as_ref().filter(|known| !known.delivered);
    failed.map(|failed| words::ago(failed.at, now.at))
}

/// The state of a closed handoff as a heading says it.
pub(super) fn state_word(state: &str) -> &'static str {
    match state {
        "waiting" => "Your turn",
        "changes_requested" => "Waiting for the agent",
        "approved" => "Approved",
        "rejected" => "Rejected",
        "responded" => "Answered",
        "ignored" => "Set aside",
        "withdrawn" => "Withdrawn by the agent",
        "with_agent" => "With an agent",
        "returned" => "Back at its sender",
        "completed" => "Completed by an agent",
        _ => "Closed",
    }
}
