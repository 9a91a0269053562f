//! What a template of a message may name. Everything in it has passed the table of `disclose`.

mod ownership;

use countersign_protocol::{decision::Outcome, handoff::Trigger, log::LogLine};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Serialize;

use super::{
    disclose::{self, Field, Medium, trigger_words},
    later,
};
use crate::{
    config::{Disclosure, Kind, Notify},
    message::{Notice, Owed, Risk},
};

/// Rows of a collection that are shown; the rest is counted.
const ROWS: usize = 40;

/// A row of a message: `Risk: High`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Fact {
    label: &'static str,
    value: String,
    /// `mark` for what needs the reader, `risk` for high risk, else empty.
    tone: &'static str,
}

/// A link with its words.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Action {
    pub(super) word: &'static str,
    pub(super) url: String,
}

/// A moment in the forms that channels want.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Moment {
    /// Seconds since 1970, for chats that show it in the reader's zone.
    pub(super) seconds: i64,
    /// For machines.
    pub(super) iso: String,
    /// For people, with the zone.
    pub(super) text: String,
    /// Hours and minutes in UTC.
    pub(super) short: String,
}

/// One handoff in a digest.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    title: String,
    detail: String,
    due: String,
    late: bool,
    high: bool,
    url: String,
}

/// The context of every template of a message.
#[derive(Clone, Debug, Serialize)]
pub(super) struct View {
    pub(super) kind: String,
    /// `full`, `id-and-reason` or `link-only`.
    pub(super) level: &'static str,
    pub(super) subject: String,
    pub(super) heading: String,
    pub(super) intro: Option<String>,
    /// What a list of mails shows behind the subject.
    pub(super) preview: String,
    pub(super) id: Option<String>,
    pub(super) revision: u32,
    pub(super) workspace: String,
    pub(super) class: String,
    pub(super) agent: String,
    pub(super) title: String,
    pub(super) why: String,
    /// `low`, `medium` or `high`; empty when it may not be told.
    pub(super) risk: &'static str,
    /// A rule would have let it pass.
    pub(super) sampled: bool,
    pub(super) counts: String,
    pub(super) due: Option<Moment>,
    pub(super) at: Moment,
    pub(super) due_in: String,
    pub(super) outcome: &'static str,
    pub(super) by: String,
    pub(super) to: String,
    pub(super) was: String,
    pub(super) step: String,
    pub(super) line: String,
    pub(super) facts: Vec<Fact>,
    /// What waits for the reader, the most urgent first.
    pub(super) rows: Vec<Row>,
    /// What else happened.
    pub(super) others: Vec<Row>,
    /// Rows that are not shown.
    pub(super) more: usize,
    pub(super) late: usize,
    pub(super) waiting: usize,
    /// The day, for a collection.
    pub(super) day: String,
    pub(super) link: String,
    pub(super) action: &'static str,
    pub(super) decide: Vec<Action>,
    pub(super) decide_hours: u64,
    pub(super) reason: String,
    pub(super) unsubscribe: Option<String>,
    pub(super) home: String,
    pub(super) topic: String,
}

/// What the builder of a view needs to know beside the message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting<'a> {
    pub(super) level: Disclosure,
    pub(super) fields: &'static [Field],
    pub(super) rules: &'a Notify,
    pub(super) medium: Medium,
    pub(super) home: &'a str,
}

impl View {
    /// The context for a message with something in it.
    pub(super) fn new(owed: &Owed, setting: Setting<'_>) -> Option<Self> {
        let first = still_true(disclose::told(owed.notice()?, setting.fields));
        let zone = zone(owed);
        let kind = first.kind.clone();
        let link = url(setting.home, &first);
        let due = first.due.map(|due| moment(due, &zone));
        let full = setting.level == Disclosure::Full;
        let about_ownership = ownership::heading(&first, owed.to.is_some(), setting.level);
        let why = match first.trigger {
            _ if !first.why.is_empty() => first.why.clone(),
            Some(_) if first.sampled => "A sample of what a rule lets pass".to_owned(),
            Some(trigger) => reason_by_code(trigger, first.risk),
            None => String::new(),
        };
        let risk = first.risk.map_or("", Risk::word);
        let is_digest = kind == Kind::Digest.name();
        let (mut rows, mut others) = rows(owed, setting, &zone);
        let (waiting, happened) = (rows.len(), others.len());
        let late = rows.iter().filter(|row| row.late).count();
        rows.truncate(ROWS);
        others.truncate(ROWS);
        let mut view = Self {
            level: level_word(setting.level),
            subject: String::new(),
            heading: String::new(),
            intro: None,
            preview: String::new(),
            id: first
                .handoff
                .filter(|_| setting.level != Disclosure::LinkOnly)
                .map(|id| id.to_string()),
            revision: first.revision,
            counts: counts(&first),
            facts: facts(&first, &why, due.as_ref(), risk),
            at: moment(first.at, &zone),
            due_in: first
                .due
                .map_or_else(String::new, |due| span(due.duration_since(first.at))),
            outcome: first.outcome.map_or("", outcome_word),
            by: first.by.clone().unwrap_or_default(),
            to: first.to.clone().unwrap_or_default(),
            was: first.was.clone().unwrap_or_default(),
            step: first.step.map_or_else(String::new, step_words),
            line: match &first.event {
                Some(event) => event_words(event),
                None => first.line.clone().unwrap_or_default(),
            },
            action: action(&kind, setting.level),
            reason: reason(&first, &kind),
            workspace: first.workspace,
            class: first.class,
            agent: first.agent,
            title: first.title,
            why,
            risk,
            sampled: first.sampled,
            due,
            waiting,
            late,
            more: waiting + happened - rows.len() - others.len(),
            rows,
            others,
            day: first
                .at
                .to_zoned(zone.clone())
                .strftime("%A %-d %B, %H:%M")
                .to_string(),
            link: if is_digest {
                format!("{}/queue", setting.home)
            } else {
                link
            },
            decide: Vec::new(),
            decide_hours: 0,
            unsubscribe: None,
            home: setting.home.to_owned(),
            topic: String::new(),
            kind,
        };
        view.heading = about_ownership.unwrap_or_else(|| view.heading_words(full));
        view.intro = view.intro_words(setting.level);
        view.preview = view.preview_words();
        Some(view)
    }

    fn heading_words(&self, full: bool) -> String {
        let id = self.id.as_deref();
        match self.kind.as_str() {
            "digest" if self.waiting == 0 => match self.others.len() + self.more {
                1 => "1 thing happened".to_owned(),
                many => format!("{many} things happened, and nothing waits for you"),
            },
            "digest" => format!(
                "{} for you{}",
                if self.waiting == 1 {
                    "1 handoff waits".to_owned()
                } else {
                    format!("{} handoffs wait", self.waiting)
                },
                match self.late {
                    0 => String::new(),
                    1 => ", 1 is late".to_owned(),
                    late => format!(", {late} are late"),
                }
            ),
            "test" => "It works".to_owned(),
            "dead-letter" if !self.title.is_empty() => format!("Nobody answered: {}", self.title),
            "dead-letter" if id.is_some() => {
                format!("Nobody answered {}", id.unwrap_or_default())
            }
            "trouble" | "dead-letter" if !full => "Something needs the operator".to_owned(),
            "trouble" => "Messages do not arrive".to_owned(),
            "file-changed" | "event" if full && !self.line.is_empty() => self.line.clone(),
            "event" => id.map_or_else(
                || "Something happened".to_owned(),
                |id| format!("Something happened to {id}"),
            ),
            "file-changed" => "Watched files changed".to_owned(),
            "dead-letter" => "A delivery cannot be read".to_owned(),
            _ if full && !self.title.is_empty() => self.title.clone(),
            "decided" => id.map_or_else(
                || "A handoff was decided".to_owned(),
                |id| format!("{id} was {}", self.outcome),
            ),
            "withdrawn" => id.map_or_else(
                || "A handoff was withdrawn".to_owned(),
                |id| format!("{id} was withdrawn"),
            ),
            "moved" => id.map_or_else(
                || "A handoff is with others now".to_owned(),
                |id| format!("{id} is with others now"),
            ),
            _ => id.map_or_else(
                || "A handoff needs you".to_owned(),
                |id| format!("{id} needs a decision"),
            ),
        }
    }

    fn intro_words(&self, level: Disclosure) -> Option<String> {
        if let Some(text) = ownership::intro(&self.kind).filter(|_| level != Disclosure::LinkOnly) {
            return Some(text.to_owned());
        }
        let text = match (self.kind.as_str(), level) {
            ("digest", _) => return None,
            ("test", _) => "This is a test that somebody asked for. Messages about real work look like this one, \
                            with facts instead of these words."
                .to_owned(),
            ("dead-letter", Disclosure::Full) if self.line.is_empty() => {
                "Everybody who was to be asked was asked, and the time is over. It stays open until somebody sends it on its way again.".to_owned()
            }
            ("trouble" | "dead-letter", Disclosure::Full) => self.line.clone(),
            (_, Disclosure::LinkOnly) => {
                "The work is restricted. Everything about it stays behind the sign-in.".to_owned()
            }
            (_, Disclosure::IdAndReason) => {
                "Confidential work. Titles, file names and contents stay out of messages.".to_owned()
            }
            ("due", _) => format!("An answer is due in {}.", self.due_in),
            ("escalated", _) if !self.was.is_empty() => format!("It was with {} before; now you are asked.", self.was),
            ("escalated", _) => "Nobody answered in time; now you are asked.".to_owned(),
            ("answered", _) => format!("{} came back with what you asked for.", self.agent),
            ("decided", _) => format!("{} by {}. There is nothing left to do for you.", countersign_web::render::words::capital(self.outcome), self.by),
            ("withdrawn", _) => format!("{} took it back. There is nothing left to do for you.", self.by),
            ("moved", _) if self.by.is_empty() => "Nobody answered in time, and others are asked instead. There is nothing left to do for you.".to_owned(),
            ("moved", _) => format!("{} asked others instead. There is nothing left to do for you.", self.by),
            ("stopped", _) => format!("{} stopped {}, without handing over.", self.agent, self.step),
            _ => return None,
        };
        Some(text)
    }

    fn preview_words(&self) -> String {
        let mut parts = Vec::new();
        if let Some(row) = self.rows.first().or(self.others.first()) {
            parts.push(row.title.clone());
        }
        match &self.intro {
            Some(intro) if self.why.is_empty() => parts.push(intro.clone()),
            _ if !self.why.is_empty() => parts.push(self.why.clone()),
            _ => {}
        }
        if !self.counts.is_empty() {
            parts.push(self.counts.clone());
        }
        if let Some(due) = &self.due {
            parts.push(format!("Due {}", due.text));
        }
        let parts: Vec<&str> = parts
            .iter()
            .map(|part| part.trim_end_matches('.'))
            .collect();
        parts.join(". ")
    }
}

/// An entry of the ledger on one line. What may not be told is not in it any more.
fn event_words(event: &LogLine) -> String {
    let about = event.handoff_id.map(|id| id.to_string());
    let parts = [about, event.workspace.clone(), event.file.clone()];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.as_slice() {
        [] => event.event.clone(),
        parts => format!("{}: {}", event.event, parts.join(", ")),
    }
}

/// Without what only counted while it waited: why, until when and how careful to be.
fn still_true(told: Notice) -> Notice {
    let is_over = [Kind::Decided, Kind::Withdrawn, Kind::Moved];
    if !is_over.iter().any(|kind| kind.name() == told.kind) {
        return told;
    }
    Notice {
        why: String::new(),
        trigger: None,
        risk: None,
        due: None,
        ..told
    }
}

fn level_word(level: Disclosure) -> &'static str {
    match level {
        Disclosure::Full => "full",
        Disclosure::IdAndReason => "id-and-reason",
        Disclosure::LinkOnly => "link-only",
    }
}

/// The page a message leads to.
pub(super) fn url(home: &str, notice: &Notice) -> String {
    match (notice.handoff, notice.kind.as_str()) {
        (Some(id), _) => format!("{home}/h/{id}"),
        (None, "dead-letter") => format!("{home}/dead-letters"),
        (None, "trouble") => format!("{home}/messages"),
        (None, "file-changed") => format!("{home}/activity"),
        (None, kind) if kind.starts_with("ownership-") => format!("{home}/workspaces"),
        (None, _) => format!("{home}/queue"),
    }
}

fn zone(owed: &Owed) -> TimeZone {
    let name = owed.to.as_ref().and_then(|to| to.zone.as_deref());
    name.and_then(|name| TimeZone::get(name).ok())
        .unwrap_or(TimeZone::UTC)
}

fn moment(at: Timestamp, zone: &TimeZone) -> Moment {
    let there = at.to_zoned(zone.clone());
    let name = zone.iana_name().unwrap_or("UTC");
    Moment {
        seconds: at.as_second(),
        iso: at.to_string(),
        text: format!("{} {name}", there.strftime("%-d %b %H:%M")),
        short: at.strftime("%H:%M UTC").to_string(),
    }
}

fn span(length: SignedDuration) -> String {
    countersign_web::render::words::span(length)
}

fn counts(notice: &Notice) -> String {
    match (notice.files, notice.changed) {
        (0, _) => String::new(),
        (files, None) => countersign_web::render::words::count(files, "file"),
        (files, Some(changed)) => format!(
            "{}, {changed} changed since the revision before",
            countersign_web::render::words::count(files, "file")
        ),
    }
}

fn step_words((step, steps): (u64, Option<u64>)) -> String {
    match steps {
        Some(steps) => format!("at checkpoint {step} of {steps}"),
        None => format!("at checkpoint {step}"),
    }
}

fn outcome_word(outcome: Outcome) -> &'static str {
    outcome.word()
}

fn reason_by_code(trigger: Trigger, risk: Option<Risk>) -> String {
    match risk {
        Some(Risk::High) => format!("{}, high risk", trigger_words(trigger)),
        Some(Risk::Low | Risk::Medium) | None => trigger_words(trigger).to_owned(),
    }
}

fn action(kind: &str, level: Disclosure) -> &'static str {
    match (kind, level) {
        ("digest", _) => "Open the queue",
        ("trouble" | "dead-letter" | "test" | "file-changed" | "event", _) => "Have a look",
        ("decided" | "withdrawn" | "moved", _) => "Open the record",
        ("ownership-offered", Disclosure::Full) => "Answer the offer",
        ("ownership-offered", _) => "Sign in to answer",
        (kind, _) if kind.starts_with("ownership-") => "Open the workspaces",
        (_, Disclosure::Full) => "Review",
        (_, Disclosure::IdAndReason | Disclosure::LinkOnly) => "Sign in to review",
    }
}

fn reason(notice: &Notice, kind: &str) -> String {
    let because = match kind {
        "turn" if notice.sampled => "it was drawn as a sample of what a rule lets pass",
        "turn" => "it became your turn",
        "accepted" => "it was handed over",
        "due" => "an answer is due soon",
        "escalated" => "it was handed to you",
        "answered" => "you asked for it",
        "decided" | "withdrawn" => "you were asked too",
        "moved" => "you were asked before",
        "stopped" => "you look after this workspace",
        "file-changed" => "a rule watches these files",
        "ownership-offered" | "ownership-withdrawn" => "the workspace was offered to you",
        "ownership-accepted" | "ownership-declined" | "ownership-expired" => {
            "the workspace was offered"
        }
        "dead-letter" | "trouble" => "you run this server",
        "digest" => {
            "it could wait, or came together with more; there is no message when there is nothing to say"
        }
        _ => "somebody sent a test",
    };
    match &notice.rule {
        Some(rule) => format!("You get this because {because} (rule {rule})."),
        None => format!("You get this because {because}."),
    }
}

fn facts(notice: &Notice, why: &str, due: Option<&Moment>, risk: &'static str) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |label, value: String, tone| {
        if !value.is_empty() {
            facts.push(Fact { label, value, tone });
        }
    };
    if notice.title.is_empty() {
        add("From", notice.agent.clone(), "");
    }
    if matches!(
        notice.kind.as_str(),
        "decided"
            | "withdrawn"
            | "moved"
            | "dead-letter"
            | "trouble"
            | "digest"
            | "test"
            | "file-changed"
            | "event"
    ) || (notice.offer.is_some() && notice.kind != "ownership-offered")
    {
        add("Size", counts(notice), "");
        return facts;
    }
    if notice.offer.is_some() {
        let by = notice.by.clone().unwrap_or_default();
        add("Offered by", by, "");
        add("Workspace", notice.workspace.clone(), "");
        let until = due.map_or_else(String::new, |due| due.text.clone());
        add("Answer by", until, "mark");
        if due.is_some() {
            let nothing = "The offer is over, and nothing changes.";
            add("If nobody does", nothing.to_owned(), "");
        }
        return facts;
    }
    add("Why now", why.to_owned(), "mark");
    let reasons = notice.reasons.join("; ");
    let risk_words = match (risk, reasons.as_str()) {
        ("", _) => String::new(),
        (word, "") | (word @ "low", _) => countersign_web::render::words::capital(word),
        (word, reasons) => format!(
            "{}: {reasons}",
            countersign_web::render::words::capital(word)
        ),
    };
    add("Risk", risk_words, if risk == "high" { "risk" } else { "" });
    add("Size", counts(notice), "");
    let mut names = notice.names.join(", ");
    if notice.files > notice.names.len() && !names.is_empty() {
        names.push_str(", …");
    }
    add("Files", names, "");
    add(
        "Answer by",
        due.map_or_else(String::new, |due| due.text.clone()),
        "",
    );
    add(
        "If nobody does",
        notice.otherwise.clone().unwrap_or_default(),
        "",
    );
    facts
}

/// What a collection holds, each by the class of its own: what waits for the reader, and what else happened.
fn rows(owed: &Owed, setting: Setting<'_>, zone: &TimeZone) -> (Vec<Row>, Vec<Row>) {
    let mut notices: Vec<&Notice> = owed.notices.iter().skip(1).collect();
    notices.sort_by_key(|notice| {
        let due = notice.due.unwrap_or(Timestamp::MAX);
        (due >= owed.since, std::cmp::Reverse(notice.risk), due)
    });
    let (waiting, others): (Vec<&Notice>, Vec<&Notice>) =
        notices.into_iter().partition(|notice| later::asks(notice));
    let all = |list: Vec<&Notice>| {
        let rows = list
            .into_iter()
            .map(|notice| row(notice, owed, setting, zone));
        rows.collect()
    };
    (all(waiting), all(others))
}

fn row(notice: &Notice, owed: &Owed, setting: Setting<'_>, zone: &TimeZone) -> Row {
    let level = setting.rules.disclosure(&notice.class);
    let level = if notice.class.is_empty() {
        Disclosure::Full
    } else {
        level
    };
    let told = disclose::told(notice, disclose::allowed(level, setting.medium));
    let id = notice.handoff.map_or_else(String::new, |id| id.to_string());
    let late = told
        .due
        .filter(|due| *due < owed.since && later::asks(notice));
    let due = match (told.due, late) {
        _ if !later::asks(notice) => String::new(),
        (_, Some(due)) => format!("{} late", span(owed.since.duration_since(due))),
        (Some(due), None) => format!("due {}", nearby(due, owed.since, zone)),
        (None, None) => String::new(),
    };
    let risk = told.risk.map(|risk| {
        format!(
            "{} risk",
            countersign_web::render::words::capital(risk.word())
        )
    });
    let outcome = told.outcome.map(|outcome| match &told.by {
        Some(by) => format!(
            "{} by {by}",
            countersign_web::render::words::capital(outcome.word())
        ),
        None => countersign_web::render::words::capital(outcome.word()),
    });
    let detail = [outcome.or(risk), some(&told.agent), told.line.clone()];
    let about_ownership = ownership::heading(&told, owed.to.is_some(), level);
    Row {
        title: about_ownership.unwrap_or_else(|| {
            match (told.title.as_str(), notice.kind.as_str()) {
                _ if level == Disclosure::LinkOnly => "A handoff".to_owned(),
                ("", "trouble") => "Messages do not arrive".to_owned(),
                ("", "dead-letter") if notice.handoff.is_none() => {
                    "A delivery cannot be read".to_owned()
                }
                ("", _) => format!("Handoff {id}"),
                (title, "dead-letter") => format!("Nobody answered: {title}"),
                (title, _) => title.to_owned(),
            }
        }),
        detail: detail.into_iter().flatten().collect::<Vec<_>>().join(", "),
        due,
        late: late.is_some(),
        high: told.risk == Some(Risk::High),
        url: url(setting.home, notice),
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// A time of the day, with the day when it is another one.
fn nearby(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (there, today) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let form = if there.date() == today.date() {
        "%H:%M"
    } else {
        "%-d %b %H:%M"
    };
    there.strftime(form).to_string()
}
