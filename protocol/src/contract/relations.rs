//! Rules between fields, which no rule on one field can say.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{
    findings::{Findings, Words},
    text,
    walk::whole,
};
use crate::{fallback::Fallback, partial, path, problem::ProblemKind::InvalidContract};

/// Gates beyond the limit are refused as such; looking at their order would only take time.
const MAX_GATES: usize = 16;

/// Checks a handoff.
pub(super) fn check(findings: &mut Findings<'_>, content: &Map<String, Value>) {
    once(findings, content, "artifacts", "path");
    once(findings, content, "requests", "id");
    once(findings, content, "sign_off_gates", "id");
    gates(findings, content);
    envelope(findings, content);
    partials(findings, content);
    fallback(findings, content);
    let time = |name: &str| text::time(content.get(name)?.as_str()?);
    if let (Some(made), Some(due)) = (time("created_at"), time("deadline"))
        && due <= made
    {
        let words = Words::new(
            "deadline",
            "is not after `created_at`, so the handoff is overdue from the start",
            "Give a later deadline.",
        );
        findings.warn("/deadline", words);
    }
}

/// Checks an answer: who declines or fails says why, and who has it twice says where.
pub(super) fn check_answer(findings: &mut Findings<'_>, content: &Map<String, Value>) {
    once(findings, content, "artifacts", "path");
    let mut needs = |name: &'static str, fix: &str| {
        if !content.contains_key(name) {
            let words = Words::new("required", "is missing for this answer", fix);
            findings.missing(InvalidContract, "", &format!("/{name}"), words);
        }
    };
    match content.get("answer").and_then(Value::as_str) {
        Some("decline" | "fail") => {
            needs("reason", "Add for example \"reason\": \"out_of_scope\".");
        }
        Some("duplicate") => needs("original", "Add for example \"original\": \"H-3\"."),
        Some("queue") => {
            needs(
                "retry_after_seconds",
                "Add for example \"retry_after_seconds\": 600.",
            );
        }
        _ => {}
    }
}

/// Two fields that say the same must not say different things: nobody could keep to both.
fn envelope(findings: &mut Findings<'_>, content: &Map<String, Value>) {
    let number = |name: &str| whole(content.get(name)?);
    if let (Some(ms), Some(seconds)) = (number("timeout_ms"), number("timeout_seconds"))
        && seconds.checked_mul(1000) != Some(ms)
    {
        let message = format!("is not the {seconds} s of `timeout_seconds`");
        let words = Words::new("contradiction", message, "State one of the two.");
        findings.wrong(InvalidContract, "/timeout_ms", words);
    }
    let format = content
        .get("expected_output_format")
        .and_then(Value::as_str);
    let media = content
        .get("expected_output")
        .and_then(|output| output.get("media_type"));
    if let (Some(format), Some(media)) = (format, media.and_then(Value::as_str))
        && !format.eq_ignore_ascii_case(media)
    {
        let message = format!(
            "is not the media type of `expected_output`, {}",
            text::quoted(media)
        );
        let words = Words::new("contradiction", message, "State one of the two.");
        findings.wrong(InvalidContract, "/expected_output_format", words);
    }
}

/// Chunks are looked for in a folder `partial`, and in the folders that lie in it.
fn partials(findings: &mut Findings<'_>, content: &Map<String, Value>) {
    let folder = content
        .get("partials")
        .and_then(|stated| stated.get("folder"));
    if let Some(folder) = folder.and_then(Value::as_str)
        && partial::home(folder) != Some("")
    {
        let words = Words::new(
            "path",
            "must be `partial` or a folder in it",
            "Write for example \"partial/draft\".",
        );
        findings.wrong(InvalidContract, "/partials/folder", words);
    }
}

/// Checks a checkpoint.
pub(super) fn check_checkpoint(findings: &mut Findings<'_>, content: &Map<String, Value>) {
    once(findings, content, "artifacts", "path");
    for (name, why) in [
        (
            "task_id",
            "Without it nobody can tell which task stopped here.",
        ),
        ("at", "Without it the time of arrival counts."),
    ] {
        if !content.contains_key(name) {
            let message = format!("has no `{name}`, which is recommended");
            findings.warn("", Words::new("recommended", message, why));
        }
    }
    let number = |name: &str| whole(content.get(name)?);
    if let (Some(step), Some(steps)) = (number("step"), number("steps"))
        && step > steps
    {
        let message = format!("must be at most `steps`, which is {steps}; {step} here");
        let words = Words::new("range", message, "Raise `steps`, or leave it out.");
        findings.wrong(InvalidContract, "/step", words);
    }
}

/// Refuses a second item of `list` whose `name` was used before. An item may also be that name itself.
fn once(findings: &mut Findings<'_>, content: &Map<String, Value>, list: &str, name: &str) {
    let items = content.get(list).and_then(Value::as_array);
    let Some(items) = items.filter(|items| items.len() > 1) else {
        return;
    };
    let mut seen = HashSet::new();
    for (n, item) in items.iter().enumerate() {
        let (value, at) = match item.get(name) {
            Some(value) => (value.as_str(), format!("/{list}/{n}/{name}")),
            None => (item.as_str(), format!("/{list}/{n}")),
        };
        if let Some(value) = value
            && !seen.insert(match name {
                // Two ways to write one path.
                "path" => path::normal(value),
                _ => value.into(),
            })
        {
            let message = format!("repeats the {name} {}", text::quoted(value));
            let words = Words::new("duplicate", message, "Name each once.");
            findings.wrong(InvalidContract, &at, words);
        }
    }
}

/// A fallback that nobody can read sets no timer.
fn fallback(findings: &mut Findings<'_>, content: &Map<String, Value>) {
    let Some(Value::String(text)) = content.get("fallback") else {
        return;
    };
    if Fallback::parse(text).is_none() {
        let message = "cannot be read as a fallback and has no effect: it keeps waiting";
        let fix = "Write it as `escalate_to_oncall_if_not_progressed_within_300s`, or as an object with `action`, \
                   `to` and `after_seconds`.";
        findings.warn("/fallback", Words::new("no_effect", message, fix));
    }
}

/// A gate that waits for one that never comes would hold the work for ever.
fn gates(findings: &mut Findings<'_>, content: &Map<String, Value>) {
    let Some(Value::Array(gates)) = content.get("sign_off_gates") else {
        return;
    };
    let gates: Vec<_> = gates.iter().take(MAX_GATES).collect();
    let id = |gate: &'_ Value| gate.get("id").and_then(Value::as_str).map(str::to_owned);
    let known: HashSet<_> = gates.iter().filter_map(|gate| id(gate)).collect();
    let after = |gate: &'_ Value| -> Vec<String> {
        let names = gate.get("after").and_then(Value::as_array);
        let names = names.into_iter().flatten();
        names
            .filter_map(|n| n.as_str().map(str::to_owned))
            .collect()
    };
    for (n, gate) in gates.iter().enumerate() {
        for (m, name) in after(gate).iter().enumerate() {
            if !known.contains(name) {
                let message = format!("names no gate of this handoff: {}", text::quoted(name));
                let words = Words::new("reference", message, "Name the id of another gate.");
                findings.wrong(
                    InvalidContract,
                    &format!("/sign_off_gates/{n}/after/{m}"),
                    words,
                );
            }
        }
    }
    // Take away every gate whose predecessors are gone; what stays waits in a circle.
    let mut waiting: Vec<_> = gates.iter().enumerate().collect();
    let mut gone: HashSet<String> = HashSet::new();
    loop {
        let before = waiting.len();
        waiting.retain(|(_, gate)| {
            let free = after(gate)
                .iter()
                .all(|name| gone.contains(name) || !known.contains(name));
            if free {
                gone.extend(id(gate));
            }
            !free
        });
        if waiting.len() == before {
            break;
        }
    }
    if let Some((n, _)) = waiting.first() {
        let words = Words::new(
            "circle",
            "waits for itself, by way of the gates it comes after",
            "Remove one of the `after` entries.",
        );
        findings.wrong(
            InvalidContract,
            &format!("/sign_off_gates/{n}/after"),
            words,
        );
    }
}
