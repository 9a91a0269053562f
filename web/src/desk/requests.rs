//! What an agent asks of a person, thing by thing, as it stated it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One request of a handoff.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequestRow {
    /// The id that an answer to it names.
    pub id: String,
    /// `review`, `approve_action`, `question` or `input`, where the agent said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// What the agent would do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionRow>,
    /// The answers that make sense to the agent, of `approve`, `edit`, `reject`, `respond` and `ignore`; empty
    /// when it did not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
    /// Until when it wants an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The files that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<String>,
}

/// An action of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActionRow {
    /// Its name, such as that of a tool.
    pub name: String,
    /// What it is called with.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    #[schema(value_type = Object)]
    pub arguments: serde_json::Value,
}
