//! What the agents of the sample work ask, thing by thing.

use jiff::SignedDuration;
use serde_json::json;

use super::sample::{HOSTILE, now};
use crate::desk::{ActionRow, RequestRow};

/// An action that can be changed, and a question.
pub(super) fn two() -> Vec<RequestRow> {
    let apply = RequestRow {
        id: "apply".to_owned(),
        kind: Some("approve_action".to_owned()),
        prompt: Some("Run it against the production ledger".to_owned()),
        action: Some(ActionRow {
            name: "shell.run".to_owned(),
            arguments: json!({ "command": "scripts/apply.sh", "batch_size": 500 }),
            ..ActionRow::default()
        }),
        artifacts: vec!["scripts/apply.sh".to_owned()],
        ..RequestRow::default()
    };
    let notes = RequestRow {
        id: "credit-notes".to_owned(),
        kind: Some("question".to_owned()),
        prompt: Some("Shall credit notes be left out?".to_owned()),
        expires_at: Some(now() + SignedDuration::from_hours(6)),
        ..RequestRow::default()
    };
    vec![apply, notes]
}

/// Text that wants to be more, wherever there can be text.
pub(super) fn hostile() -> Vec<RequestRow> {
    vec![
        RequestRow {
            id: "q1".to_owned(),
            prompt: Some(HOSTILE.to_owned()),
            action: Some(ActionRow {
                name: HOSTILE.to_owned(),
                arguments: json!({ HOSTILE: HOSTILE }),
                ..ActionRow::default()
            }),
            artifacts: vec![HOSTILE.to_owned()],
            response_schema: Some(json!({
                "type": "object",
                "required": [HOSTILE],
                "properties": {
                    HOSTILE: { "type": "string", "title": HOSTILE, "description": HOSTILE },
                    "choice": { "enum": [HOSTILE, true] },
                    "words": { "type": "string", "maxLength": 1000 },
                },
            })),
            other: json!({ HOSTILE: HOSTILE })
                .as_object()
                .cloned()
                .unwrap_or_default(),
            ..RequestRow::default()
        },
        RequestRow {
            id: "q2".to_owned(),
            response_schema: Some(json!({ "anyOf": [{ "const": HOSTILE }, true] })),
            ..RequestRow::default()
        },
    ]
}
