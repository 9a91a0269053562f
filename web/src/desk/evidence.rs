//! References of an agent to evidence that lies elsewhere.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far a reference to evidence leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// A check of the operator looked for it, and passed.
    Found,
    /// It leads somewhere, and nothing has looked whether it is there.
    Linked,
    /// The check that looks for it has not passed, or is not over.
    Unconfirmed,
    /// Nothing here knows what it means.
    Unresolved,
}

/// A reference of the agent to evidence that lies elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceRef {
    /// As the agent wrote it, such as `trace:4bf9`.
    pub text: String,
    /// The file that it stands in; absent for the document.
    #[serde(default)]
    pub from: Option<String>,
    /// Where it leads, by the operator's template. The daemon does not go there.
    pub url: Option<String>,
    /// How far it leads.
    pub resolution: Resolution,
    /// Why, one line.
    pub why: String,
}
