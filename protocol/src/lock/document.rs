//! Locks by file, for agents that can do no more than read, write and rename: a request in `locks/`, and its answer.
//!
//! `locks/NAME.request.json` asks, and `locks/NAME.answer.json` says how it stands. While the request is there the lock is
//! wanted; touching it is a sign of life, removing it lets go.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kind, LONGEST, LockId, MAX_REASON, Mode, Pattern, SHORTEST, USUAL};
use crate::{
    dialect::{self, Document, Format},
    names,
    problem::{ProblemKind, Refusal, Violation},
};

/// The version of the answer.
pub const ANSWER_VERSION: &str = "1.0";

const REQUEST: &str = ".request.json";
const ANSWER: &str = ".answer.json";
const FIELDS: [&str; 9] = [
    "lock_version",
    "from_agent",
    "path",
    "kind",
    "mode",
    "ttl_seconds",
    "reason",
    "wait",
    "pid",
];

/// What a file asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRequest {
    /// The stated agent.
    pub from_agent: String,
    /// What the lock is to be on.
    pub pattern: Pattern,
    /// Alone or with others.
    pub mode: Mode,
    /// After so many seconds without a sign of life it ends.
    pub ttl_seconds: u32,
    /// Why.
    pub reason: Option<String>,
    /// Whether it waits in line.
    pub wait: bool,
    /// The process that needs it.
    pub pid: Option<u32>,
}

/// How a lock that was asked for by file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockStatus {
    /// It is yours.
    Held,
    /// It is somebody else's, and yours as soon as it is free.
    Waiting,
    /// It was not given, and nobody waits for it.
    Refused,
    /// It was yours, or you waited for it; that is over.
    Ended,
}

/// `NAME.answer.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockAnswer {
    /// See [`ANSWER_VERSION`].
    pub answer_version: String,
    /// How it stands.
    pub status: LockStatus,
    /// Its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<LockId>,
    /// What it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Alone or with others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The fencing token, when it is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<u64>,
    /// Since when it is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_since: Option<Timestamp>,
    /// Touch the request at least that often, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u32>,
    /// What it waits for, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<String>,
    /// Who asks you to let go, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_to_release: Option<String>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// Why the request was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Violation>,
    /// What to do now.
    pub next: String,
}

impl LockAnswer {
    /// One that says no more than how it stands.
    pub fn new(status: LockStatus, next: impl Into<String>) -> Self {
        Self {
            answer_version: ANSWER_VERSION.to_owned(),
            status,
            lock: None,
            path: None,
            mode: None,
            fence: None,
            held_since: None,
            ttl_seconds: None,
            waits_for: Vec::new(),
            asked_to_release: None,
            ended: None,
            errors: Vec::new(),
            next: next.into(),
        }
    }

    /// One for a request that breaks a rule.
    pub fn refused(refusal: Refusal) -> Self {
        Self {
            errors: refusal.violations,
            ..Self::new(LockStatus::Refused, "Mend the request and write it again.")
        }
    }
}

/// Whether a file of this name in `locks/` asks for a lock. Hidden and temporary names do not.
pub fn is_request(name: &str) -> bool {
    let stem = name.strip_suffix(REQUEST).unwrap_or_default();
    !stem.is_empty()
        && !stem.starts_with(['.', '~', '#'])
        && name.len() <= names::MAX_NAME
        && !name.chars().any(char::is_control)
}

/// The name of the answer to the request `name`.
pub fn answer_name(name: &str) -> String {
    format!("{}{ANSWER}", name.strip_suffix(REQUEST).unwrap_or(name))
}

/// Reads a request.
pub fn read(bytes: &[u8]) -> Result<FileRequest, Refusal> {
    let document = dialect::read(bytes, Format::Json)?;
    let fields = document.fields();
    let version = fields.get("lock_version").and_then(Value::as_str);
    if !version.is_some_and(|text| text == "1" || text.starts_with("1.")) {
        let message = "must be a version that is spoken here";
        return Err(broken(&document, "lock_version", message, "write \"1.0\""));
    }
    if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        let fix = format!("a request has {}", FIELDS.join(", "));
        return Err(broken(&document, unknown, "is not a known field", &fix));
    }
    let text = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(broken(&document, name, "must be text", "put it in quotes")),
    };
    let whole = |name: &str, least: u32, most: u32| match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| (least..=most).contains(number))
            .map(Some)
            .ok_or_else(|| {
                let message = format!("must be a whole number from {least} to {most}");
                broken(
                    &document,
                    name,
                    &message,
                    &format!("write for example {least}"),
                )
            }),
    };
    let from_agent = text("from_agent")?.filter(|name| !name.trim().is_empty());
    let Some(from_agent) = from_agent.filter(|name| name.len() <= 128) else {
        let message = "must name the agent that asks, in at most 128 bytes";
        return Err(broken(
            &document,
            "from_agent",
            message,
            "write for example \"report-writer\"",
        ));
    };
    let word = |name: &str, known: &str| {
        let message = format!("must be {known}");
        broken(&document, name, &message, "leave it out for the usual one")
    };
    let kind = match text("kind")?.as_deref() {
        None => None,
        Some("file") => Some(Kind::File),
        Some("folder") => Some(Kind::Folder),
        Some("glob") => Some(Kind::Glob),
        Some(_) => return Err(word("kind", "file, folder or glob")),
    };
    let mode = match text("mode")?.as_deref() {
        None | Some("exclusive") => Mode::Exclusive,
        Some("shared") => Mode::Shared,
        Some(_) => return Err(word("mode", "exclusive or shared")),
    };
    let wait = match fields.get("wait") {
        None | Some(Value::Null) => true,
        Some(Value::Bool(wait)) => *wait,
        Some(_) => return Err(word("wait", "true or false")),
    };
    let path = text("path")?.unwrap_or_default();
    let pattern = Pattern::read(&path, kind)
        .map_err(|problem| broken(&document, "path", &problem.to_string(), problem.fix()))?;
    let reason = text("reason")?;
    if reason
        .as_ref()
        .is_some_and(|reason| reason.chars().count() > MAX_REASON)
    {
        let message = "must have at most 500 characters";
        return Err(broken(&document, "reason", message, "make it shorter"));
    }
    Ok(FileRequest {
        from_agent,
        pattern,
        mode,
        ttl_seconds: whole("ttl_seconds", SHORTEST, LONGEST)?.unwrap_or(USUAL),
        reason,
        wait,
        pid: whole("pid", 1, u32::MAX)?,
    })
}

fn broken(document: &Document, field: &str, message: &str, fix: &str) -> Refusal {
    let pointer = format!("/{}", field.replace('~', "~0").replace('/', "~1"));
    let place = document.place(&pointer);
    Refusal::new(ProblemKind::InvalidContract, "lock", message, fix)
        .at(pointer)
        .in_file(place)
}
