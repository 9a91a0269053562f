//! What an agent asks of a person, thing by thing, as it stated it.

use countersign_protocol::{decision::Outcome, handoff::RequestTerms};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
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
    /// The only answers that it takes, of `approve`, `edit`, `reject`, `respond` and `ignore`; empty when the agent
    /// did not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
    /// The JSON Schema of the value that the agent wants as the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub response_schema: Option<Value>,
    /// Until when it wants an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The files that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<String>,
    /// What else the agent stated with it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub other: Map<String, Value>,
}

/// An action of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActionRow {
    /// Its name, such as that of a tool.
    pub name: String,
    /// What it is called with.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    #[schema(value_type = Object)]
    pub arguments: Value,
    /// What else the agent stated with the action, such as its `call_id`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub other: Map<String, Value>,
}

impl RequestRow {
    /// Returns whether `outcome` is an answer that this request takes.
    pub fn takes(&self, outcome: Outcome) -> bool {
        let terms = RequestTerms {
            allowed: &self.allowed,
            kind: self.kind.as_deref(),
            has_schema: self.response_schema.is_some(),
        };
        terms.take(outcome)
    }

    /// Returns whether a form offers `outcome` for this request.
    pub fn offers(&self, outcome: Outcome) -> bool {
        let is_question = matches!(self.kind.as_deref(), Some("question" | "input"));
        let makes_sense = match outcome {
            Outcome::Edited => self.action.is_some(),
            Outcome::Responded if self.allowed.is_empty() => {
                is_question || self.response_schema.is_some()
            }
            Outcome::Ignored => !self.allowed.is_empty(),
            _ => true,
        };
        makes_sense && self.takes(outcome)
    }

    /// Returns the words for the answers that it takes.
    pub fn taken(&self) -> String {
        if self.allowed.is_empty() {
            return "a value, or a rejection".to_owned();
        }
        self.allowed.join(", ")
    }
}
