//! The digest of the state of work: what has to differ for a hop to be progress.

use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{id::Digest, manifest::ManifestEntry};

/// The fields that say how far the work is. Words from agent to agent, such as `reason` and `summary`, are
/// not among them: two agents that only send each other new words make no progress.
const STATE: &[&str] = &[
    "status",
    "completed",
    "remaining",
    "decisions",
    "pitfalls_hit",
    "context",
    "memory",
];

/// The digest of what `document` says about the state of the work and of the files that go with it. The
/// order of fields does not matter, nor what agents say to each other.
pub fn work_digest(document: &Value, files: &[Arc<ManifestEntry>]) -> Digest {
    let mut hash = Sha256::new();
    hash.update(b"countersign-work-v1\0");
    for name in STATE {
        if let Some(value) = document.get(*name).filter(|value| !is_empty(value)) {
            add_text(&mut hash, name);
            add(&mut hash, value);
        }
    }
    hash.update(b"files\0");
    // Sorted by path, so that the order in which an agent lists them does not matter.
    let mut files: Vec<_> = files.iter().collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    for file in files {
        add_text(&mut hash, &file.path);
        hash.update(file.sha256.0);
    }
    Digest(hash.finalize().into())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

fn add_text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text.as_bytes());
}

/// Each kind of value begins with a letter of its own, and lengths come before what they count.
fn add(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hash.update(b"n"),
        Value::Bool(flag) => hash.update([b'b', u8::from(*flag)]),
        Value::Number(number) => {
            hash.update(b"d");
            add_text(hash, &number.to_string());
        }
        Value::String(text) => {
            hash.update(b"s");
            add_text(hash, text);
        }
        Value::Array(items) => {
            hash.update(b"l");
            hash.update((items.len() as u64).to_be_bytes());
            for item in items {
                add(hash, item);
            }
        }
        Value::Object(fields) => {
            hash.update(b"o");
            hash.update((fields.len() as u64).to_be_bytes());
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            for (name, value) in fields {
                add_text(hash, name);
                add(hash, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_and_the_order_of_fields_are_no_progress() {
        let one = json!({"summary": "mine", "context": {"a": 1, "b": [1, 2]}, "completed": ["x"]});
        let other = json!({
            "completed": ["x"], "reason": "not my domain", "from_agent": "b", "remaining": [],
            "context": {"b": [1, 2], "a": 1},
        });
        assert_eq!(work_digest(&one, &[]), work_digest(&other, &[]));
    }

    #[test]
    fn every_part_of_the_state_counts() {
        let file = |path: &str, bytes: &[u8]| {
            Arc::new(ManifestEntry {
                path: path.to_owned(),
                size: bytes.len() as u64,
                sha256: Digest::of(bytes),
                executable: false,
                declared: true,
                kept: true,
                role: None,
                title: None,
            })
        };
        let base = json!({"completed": ["x"]});
        let mut seen = vec![
            work_digest(&base, &[]),
            work_digest(&base, &[file("a", b"1")]),
            work_digest(&base, &[file("a", b"2")]),
            work_digest(&base, &[file("b", b"1")]),
        ];
        for other in [
            json!({"completed": ["x", "y"]}),
            json!({"completed": ["xy"]}),
            json!({"remaining": ["x"]}),
            json!({"completed": ["x"], "context": {"a": 1}}),
            json!({"completed": ["x"], "context": {"a": "1"}}),
            json!({"completed": ["x"], "context": {"a": [1]}}),
            json!({"completed": ["x"], "context": {"a": true}}),
            json!({"completed": ["x"], "context": {"a": null}}),
        ] {
            seen.push(work_digest(&other, &[]));
        }
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), count);
        let two = [file("a", b"1"), file("b", b"2")];
        let turned = [file("b", b"2"), file("a", b"1")];
        assert_eq!(work_digest(&base, &two), work_digest(&base, &turned));
    }
}
