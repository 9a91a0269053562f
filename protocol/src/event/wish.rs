//! How people want to be told.

use serde::{Deserialize, Serialize};

/// How a person wants to hear of one kind of thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The ways that may be used, of those that the configuration has for this person. With none, and not collected, the
    /// person hears nothing of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<String>,
    /// Whether it waits for the collected messages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub collected: bool,
}
