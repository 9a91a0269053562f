//! What a handoff carries that nobody reads: a document is as small as its contract lets it be.

use countersign_protocol::problem::Violation;
use serde_json::Value;

use super::Contract;

/// Fields of every handoff; a contract need not name them.
const ENVELOPE: &[&str] = &[
    "$schema",
    "handoff_version",
    "profile",
    "contract",
    "handoff_id",
    "idempotency_key",
    "revision",
    "supersedes",
    "created_at",
    "from_agent",
    "to_agent",
    "task",
    "task_id",
    "title",
    "session_id",
    "parent_handoff_id",
    "status",
    "trigger",
    "trace",
    "hops",
    "deadline",
    "timeout_seconds",
    "fallback",
    "return_contract",
    "expected_output",
    "classification",
    "artifacts",
    "capabilities_required",
    "scope",
    "provenance",
    "confidence",
    "reason",
    "summary",
];

/// What is worth knowing about a document that keeps its contract: fields that the contract does not
/// name, fields that the receiver does not read, and its size.
pub(super) fn lint(contract: &Contract, document: &Value) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut warn = |pointer: String, message: String, fix: &str| {
        found.push(Violation {
            code: "over_packed".to_owned(),
            pointer,
            line: 0,
            column: 0,
            message,
            fix: Some(fix.to_owned()),
        });
    };
    let id = contract.id();
    let named = contract.schema.get("properties").and_then(Value::as_object);
    let fields = document.as_object();
    for name in fields.into_iter().flat_map(|fields| fields.keys()) {
        let is_free = name.starts_with("x-") || name.starts_with("x_");
        if is_free || ENVELOPE.contains(&name.as_str()) {
            continue;
        }
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        if named.is_some_and(|named| !named.contains_key(name)) {
            let message = format!("is no field of {id}");
            warn(
                pointer,
                message,
                "leave it out, or add it to a new version of the contract",
            );
        } else if !contract.reads.is_empty() && !contract.reads.contains(name) {
            let message = format!("is never read by the receiver of {id}");
            warn(pointer, message, "leave it out");
        }
    }
    let size = document.to_string().len() as u64;
    if let Some(limit) = contract.max_bytes.filter(|limit| size > *limit) {
        let message = format!("has {size} bytes; {id} needs at most {limit}");
        warn(
            String::new(),
            message,
            "hand over what the receiver needs, and files for the rest",
        );
    }
    found
}
