//! What a message may tell, by the class of the work and the channel: one table.
//!
//! Never in any message: contents of files, findings of secrets, prompts, notes of reviewers, the agent's
//! summary. They are not in a [`Notice`], so no row could let them out.

use countersign_protocol::{handoff::Trigger, invisible, log::LogLine};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{config::Disclosure, message::Notice};

/// Where a message goes. What is told to a program may differ from what a person reads on a locked phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Medium {
    /// Mail.
    Mail,
    /// Slack, Teams, Discord, ntfy.
    Chat,
    /// A generic receiver.
    Webhook,
}

/// A fact that may be told. The number of the card and the link to it are in every message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Revision,
    Class,
    Workspace,
    Agent,
    Title,
    /// The reason in the words of policy.
    Why,
    /// The reason as one of a few codes.
    Trigger,
    Risk,
    /// The rules that set the risk.
    Reasons,
    Confidence,
    /// How many files, and how many of them changed.
    Counts,
    /// Names of files.
    Names,
    Digest,
    Due,
    Otherwise,
    Outcome,
    /// Who did it, and to whom a workspace is offered.
    By,
    Assignees,
    /// The rule that sends it, and who was asked before.
    Rule,
    /// How far an agent came that stopped.
    Step,
    /// A line of ours about what has no card.
    Line,
}

use Field as F;

const FULL: &[Field] = &[
    F::Revision,
    F::Class,
    F::Workspace,
    F::Agent,
    F::Title,
    F::Why,
    F::Trigger,
    F::Risk,
    F::Reasons,
    F::Confidence,
    F::Counts,
    F::Names,
    F::Digest,
    F::Due,
    F::Otherwise,
    F::Outcome,
    F::By,
    F::Assignees,
    F::Rule,
    F::Step,
    F::Line,
];

const REASON: &[Field] = &[
    F::Revision,
    F::Class,
    F::Agent,
    F::Trigger,
    F::Risk,
    F::Counts,
    F::Due,
    F::Otherwise,
    F::Outcome,
    F::By,
    F::Rule,
    F::Step,
];

const REASON_FOR_PROGRAMS: &[Field] = &[
    F::Revision,
    F::Class,
    F::Agent,
    F::Trigger,
    F::Risk,
    F::Counts,
    F::Digest,
    F::Due,
    F::Outcome,
    F::Assignees,
    F::Step,
];

const LINK: &[Field] = &[];

const LINK_FOR_PROGRAMS: &[Field] = &[F::Revision, F::Class, F::Due];

/// The table.
pub(super) const TABLE: [(Disclosure, Medium, &[Field]); 9] = [
    (Disclosure::Full, Medium::Mail, FULL),
    (Disclosure::Full, Medium::Chat, FULL),
    (Disclosure::Full, Medium::Webhook, FULL),
    (Disclosure::IdAndReason, Medium::Mail, REASON),
    (Disclosure::IdAndReason, Medium::Chat, REASON),
    (
        Disclosure::IdAndReason,
        Medium::Webhook,
        REASON_FOR_PROGRAMS,
    ),
    (Disclosure::LinkOnly, Medium::Mail, LINK),
    (Disclosure::LinkOnly, Medium::Chat, LINK),
    (Disclosure::LinkOnly, Medium::Webhook, LINK_FOR_PROGRAMS),
];

/// The fields that may be told.
pub(super) fn allowed(disclosure: Disclosure, medium: Medium) -> &'static [Field] {
    TABLE
        .iter()
        .find(|(level, way, _)| *level == disclosure && *way == medium)
        .map_or(LINK, |(_, _, fields)| fields)
}

/// The notice without what may not be told, and with the agent's words on one line each and nothing hidden
/// in them.
pub(super) fn told(notice: &Notice, fields: &[Field]) -> Notice {
    let has = |field| fields.contains(&field);
    let text = |field, text: &str| {
        if has(field) {
            line(text, 200)
        } else {
            String::new()
        }
    };
    Notice {
        kind: notice.kind.clone(),
        seq: notice.seq,
        at: notice.at,
        handoff: notice.handoff,
        revision: if has(F::Revision) { notice.revision } else { 0 },
        digest: notice.digest.filter(|_| has(F::Digest)),
        class: text(F::Class, &notice.class),
        workspace: text(F::Workspace, &notice.workspace),
        agent: text(F::Agent, &notice.agent),
        title: text(F::Title, &notice.title),
        why: text(F::Why, &notice.why),
        trigger: notice.trigger.filter(|_| has(F::Trigger)),
        risk: notice.risk.filter(|_| has(F::Risk)),
        reasons: if has(F::Reasons) {
            notice
                .reasons
                .iter()
                .map(|reason| line(reason, 200))
                .collect()
        } else {
            Vec::new()
        },
        confidence: notice.confidence.filter(|_| has(F::Confidence)),
        files: if has(F::Counts) { notice.files } else { 0 },
        changed: notice.changed.filter(|_| has(F::Counts)),
        names: if has(F::Names) {
            notice.names.iter().map(|name| line(name, 120)).collect()
        } else {
            Vec::new()
        },
        due: notice.due.filter(|_| has(F::Due)),
        otherwise: notice.otherwise.clone().filter(|_| has(F::Otherwise)),
        outcome: notice.outcome.filter(|_| has(F::Outcome)),
        by: notice
            .by
            .as_ref()
            .filter(|_| has(F::By))
            .map(|by| line(by, 80)),
        to: notice
            .to
            .as_ref()
            .filter(|_| has(F::By))
            .map(|to| line(to, 80)),
        offer: notice.offer,
        assignees: if has(F::Assignees) {
            notice.assignees.clone()
        } else {
            Vec::new()
        },
        was: notice
            .was
            .as_ref()
            .filter(|_| has(F::Rule))
            .map(|was| line(was, 80)),
        rule: notice
            .rule
            .as_ref()
            .filter(|_| has(F::Rule))
            .map(|rule| line(rule, 80)),
        step: notice.step.filter(|_| has(F::Step)),
        sampled: notice.sampled && has(F::Trigger),
        held: notice.held && has(F::Trigger),
        line: notice
            .line
            .as_ref()
            .filter(|_| has(F::Line))
            .map(|text| line(text, 300)),
        trace: notice.trace,
        event: notice
            .event
            .as_ref()
            .map(|line| Box::new(line_told(line, &has))),
        work: notice
            .work
            .as_ref()
            .filter(|_| has(F::Title) && has(F::Names))
            .cloned(),
    }
}

/// A line of the list of events without what may not be told.
fn line_told(event: &LogLine, has: &dyn Fn(Field) -> bool) -> LogLine {
    let only = |field, text: &Option<String>| text.clone().filter(|_| has(field));
    LogLine {
        workspace: only(F::Workspace, &event.workspace),
        name: if has(F::By) {
            event.name.clone()
        } else {
            String::new()
        },
        agent: only(F::Agent, &event.agent),
        to: only(F::Agent, &event.to),
        file: only(F::Names, &event.file),
        correlation_id: only(F::Title, &event.correlation_id),
        ..event.clone()
    }
}

/// `text` on one line, at most `most` characters, with what cannot be seen or turns other text around taken out.
/// It may then stand in a subject or a header.
pub(super) fn line(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut count = 0;
    let mut space = false;
    for (c, is_hidden) in invisible::marked(text) {
        if c.is_whitespace() || c.is_control() {
            space = count > 0;
            continue;
        }
        if is_hidden {
            continue;
        }
        if count + usize::from(space) >= most {
            out.push('…');
            return out;
        }
        if space {
            out.push(' ');
            count += 1;
            space = false;
        }
        out.push(c);
        count += 1;
    }
    out
}

/// The reason in words of ours, where those of the agent and of policy may not be told.
pub(super) fn trigger_words(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Completion => "Finished",
        Trigger::Confidence => "Not sure enough",
        Trigger::CriticalAction => "Before a step that cannot be undone",
        Trigger::Error => "Stopped with an error",
        Trigger::Sensitive => "A sensitive topic",
        Trigger::Policy => "A rule asks for a person",
        Trigger::SessionEnd => "Its session is over",
        Trigger::Manual => "Somebody asked for a look",
    }
}

/// The data of an event for programs: what may be told, and the names of what may not.
pub(super) fn data(notice: &Notice, fields: &[Field], url: &str) -> Value {
    let told = told(notice, fields);
    let mut handoff = Map::new();
    if let Some(id) = told.handoff {
        handoff.insert("id".to_owned(), json!(id.to_string()));
    }
    let mut data = Map::new();
    let mut redacted = Vec::new();
    // A name in the document, the field it belongs to, and its value where there is one.
    let facts: [(&str, Field, Option<Value>); 21] = [
        ("workspace", F::Workspace, some(&told.workspace)),
        ("agent", F::Agent, some(&told.agent)),
        (
            "trigger",
            F::Trigger,
            told.trigger.map(|trigger| json!(trigger)),
        ),
        ("classification", F::Class, some(&told.class)),
        ("sample", F::Trigger, told.sampled.then(|| json!(true))),
        ("title", F::Title, some(&told.title)),
        ("why", F::Why, some(&told.why)),
        ("risk", F::Risk, told.risk.map(|risk| json!(risk.word()))),
        ("reasons", F::Reasons, list(&told.reasons)),
        (
            "confidence",
            F::Confidence,
            told.confidence.map(|number| json!(number)),
        ),
        (
            "files",
            F::Counts,
            (told.files > 0).then(|| json!(told.files)),
        ),
        (
            "changed_files",
            F::Counts,
            told.changed.map(|count| json!(count)),
        ),
        ("file_names", F::Names, list(&told.names)),
        ("assignees", F::Assignees, list(&told.assignees)),
        ("rule", F::Rule, told.rule.as_ref().map(|rule| json!(rule))),
        ("due_at", F::Due, told.due.map(|due| json!(due))),
        (
            "outcome",
            F::Outcome,
            told.outcome.map(|outcome| json!(outcome)),
        ),
        ("by", F::By, told.by.as_ref().map(|by| json!(by))),
        ("to", F::By, told.to.as_ref().map(|to| json!(to))),
        ("step", F::Step, told.step.map(|(step, _)| json!(step))),
        ("line", F::Line, told.line.as_ref().map(|line| json!(line))),
    ];
    for (name, field, value) in facts {
        if !fields.contains(&field) {
            redacted.push(name);
        } else if let Some(value) = value {
            data.insert(name.to_owned(), value);
        }
    }
    if told.revision > 0 {
        handoff.insert("revision".to_owned(), json!(told.revision));
    }
    match told.digest {
        Some(digest) => {
            handoff.insert("digest".to_owned(), json!(format!("sha256:{digest}")));
        }
        None if !fields.contains(&F::Digest) => redacted.push("digest"),
        None => {}
    }
    handoff.insert("url".to_owned(), json!(url));
    if let Some(offer) = told.offer {
        data.insert("offer".to_owned(), json!(offer));
    }
    if let Some(event) = &told.event {
        data.insert("event".to_owned(), json!(event));
    }
    match (&notice.work, &told.work) {
        (_, Some(work)) => drop(data.insert("transfer".to_owned(), json!(work))),
        // Its receiver finds the rest in its folder, or asks for it with its token.
        (Some(work), None) => {
            let place =
                json!({"handoff_id": work.handoff_id, "hop": work.hop, "to_agent": work.to_agent});
            data.insert("transfer".to_owned(), place);
            redacted.push("transfer");
        }
        (None, None) => {}
    }
    let mut all = Map::new();
    all.insert("handoff".to_owned(), Value::Object(handoff));
    all.append(&mut data);
    if !redacted.is_empty() {
        all.insert("redacted".to_owned(), json!(redacted));
    }
    Value::Object(all)
}

fn some(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| json!(text))
}

fn list<T: Serialize>(list: &[T]) -> Option<Value> {
    (!list.is_empty()).then(|| json!(list))
}
