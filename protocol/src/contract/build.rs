//! From a document that keeps the rules to the types that the rest of the program speaks.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{text, walk::whole};
use crate::{
    checkpoint::Checkpoint,
    envelope::Envelope,
    handoff::{Artifact, Confidence, Handoff, Party, Profile, Request},
    partial::{FOLDER, Partials},
    path,
    transfer::Answer,
};

/// A document whose fields were checked; everything that does not fit is read as absent.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name)
    }

    fn text(self, name: &str) -> Option<String> {
        self.get(name)?.as_str().map(str::to_owned)
    }

    fn time(self, name: &str) -> Option<Timestamp> {
        text::time(self.get(name)?.as_str()?)
    }

    fn number<T: TryFrom<u64>>(self, name: &str) -> Option<T> {
        T::try_from(whole(self.get(name)?)?).ok()
    }

    fn word<T: DeserializeOwned>(self, name: &str) -> Option<T> {
        T::deserialize(self.get(name)?).ok()
    }

    fn lines(self, name: &str) -> Option<Vec<String>> {
        lines(self.get(name)?)
    }

    fn list<T>(self, name: &str, item: fn(&Value) -> Option<T>) -> Vec<T> {
        let items = self.get(name).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(item).collect()
    }

    fn party(self, name: &str) -> Option<Party> {
        match self.get(name)? {
            Value::String(id) => Some(Party {
                id: id.clone(),
                stated: Map::new(),
            }),
            Value::Object(stated) => {
                let mut stated = stated.clone();
                match stated.shift_remove("id") {
                    Some(Value::String(id)) => Some(Party { id, stated }),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// The handoff that `content` states.
pub(super) fn handoff(content: &Map<String, Value>, version: String, profile: Profile) -> Handoff {
    let fields = Fields(content);
    let context = match content.get("context") {
        Some(Value::Object(context)) => context.clone(),
        _ => Map::new(),
    };
    // The baseline document is also read with these two inside `context`.
    let also_in_context = |name: &str| {
        fields
            .lines(name)
            .or_else(|| lines(context.get(name)?))
            .unwrap_or_default()
    };
    Handoff {
        version,
        profile,
        from_agent: fields.party("from_agent").unwrap_or_default(),
        to_agent: fields.party("to_agent"),
        handoff_id: fields.text("handoff_id"),
        idempotency_key: fields.text("idempotency_key"),
        revision: fields.number("revision"),
        created_at: fields.time("created_at"),
        session_id: fields.text("session_id"),
        task_id: fields.text("task_id"),
        task: fields.text("task"),
        title: fields.text("title"),
        status: fields.word("status"),
        trigger: fields.word("trigger"),
        reason: fields.text("reason"),
        summary: fields.text("summary"),
        completed: fields.lines("completed").unwrap_or_default(),
        remaining: fields.lines("remaining").unwrap_or_default(),
        decisions: also_in_context("decisions"),
        pitfalls_hit: also_in_context("pitfalls_hit"),
        questions: fields.lines("questions").unwrap_or_default(),
        confidence: fields.get("confidence").and_then(confidence),
        deadline: fields.time("deadline"),
        timeout_seconds: fields.number("timeout_seconds"),
        envelope: envelope(fields),
        partials: fields.get("partials").and_then(partials),
        artifacts: fields.list("artifacts", artifact),
        checkpoint: fields.text("checkpoint"),
        requests: fields.list("requests", request),
        classification: fields.text("classification"),
        context,
        document: Value::Object(content.clone()),
    }
}

/// The checkpoint that `content` states.
pub(super) fn checkpoint(content: &Map<String, Value>) -> Checkpoint {
    let fields = Fields(content);
    Checkpoint {
        task_id: fields.text("task_id"),
        from_agent: fields.party("from_agent").unwrap_or_default().id,
        step: fields.number("step").unwrap_or_default(),
        steps: fields.number("steps"),
        at: fields.time("at"),
        title: fields.text("title"),
        status: fields.word("status"),
        completed: fields.lines("completed").unwrap_or_default(),
        remaining: fields.lines("remaining").unwrap_or_default(),
        session_id: fields.text("session_id"),
        heartbeat_seconds: fields.number("heartbeat_seconds"),
        pid: fields.number("pid"),
    }
}

/// The answer that `content` states; `None` without a word that is known.
pub(super) fn answer(content: &Map<String, Value>) -> Option<Answer> {
    let fields = Fields(content);
    Some(Answer {
        answer: fields.word("answer")?,
        handoff_id: fields.text("handoff_id"),
        hop: fields.number("hop"),
        agent: fields.text("agent"),
        reason: fields.word("reason"),
        note: fields.text("note"),
        retry_after_seconds: fields.number("retry_after_seconds"),
        original: fields.text("original"),
        percent: fields.number("percent"),
        confidence: fields.get("confidence").and_then(confidence),
        result: fields.get("result").cloned(),
        artifacts: fields.list("artifacts", artifact),
    })
}

/// The format of `expected_output` counts where the envelope itself names none.
fn envelope(fields: Fields<'_>) -> Envelope {
    let expected = fields.get("expected_output").and_then(Value::as_object);
    Envelope {
        provider_id: fields.text("provider_id"),
        adapter_version: fields.text("adapter_version"),
        latency_budget_ms: fields.number("latency_budget_ms"),
        timeout_ms: fields.number("timeout_ms"),
        expected_output_format: fields
            .text("expected_output_format")
            .or_else(|| Fields(expected?).text("media_type")),
    }
}

fn partials(value: &Value) -> Option<Partials> {
    let fields = Fields(value.as_object()?);
    Some(Partials {
        folder: fields.text("folder").unwrap_or_else(|| FOLDER.to_owned()),
        decide: fields.word("decide").unwrap_or_default(),
        chunks: fields.number("chunks"),
    })
}

fn lines(value: &Value) -> Option<Vec<String>> {
    let items = value.as_array()?;
    items
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect()
}

fn confidence(value: &Value) -> Option<Confidence> {
    match value {
        Value::Object(content) => Some(Confidence {
            value: content.get("value")?.as_f64()?,
            basis: Fields(content).text("basis"),
            threshold: content.get("threshold").and_then(Value::as_f64),
        }),
        other => Some(Confidence {
            value: other.as_f64()?,
            basis: None,
            threshold: None,
        }),
    }
}

fn artifact(value: &Value) -> Option<Artifact> {
    match value {
        Value::Object(content) => {
            let fields = Fields(content);
            Some(Artifact {
                path: path::normal(&fields.text("path")?).into_owned(),
                role: fields.text("role"),
                media_type: fields.text("media_type"),
                sha256: fields.word("sha256"),
                size: fields.number("size"),
                title: fields.text("title"),
            })
        }
        other => Some(Artifact {
            path: path::normal(other.as_str()?).into_owned(),
            role: None,
            media_type: None,
            sha256: None,
            size: None,
            title: None,
        }),
    }
}

fn request(value: &Value) -> Option<Request> {
    let mut stated = value.as_object()?.clone();
    let fields = Fields(value.as_object()?);
    for name in ["id", "kind", "prompt", "allowed"] {
        stated.shift_remove(name);
    }
    Some(Request {
        id: fields.text("id")?,
        kind: fields.text("kind"),
        prompt: fields.text("prompt"),
        allowed: fields.lines("allowed").unwrap_or_default(),
        stated,
    })
}
