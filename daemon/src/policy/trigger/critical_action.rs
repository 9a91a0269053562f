//! A step that cannot be undone. The agent is held until somebody decides.

use countersign_protocol::handoff::Trigger as Stated;
use serde_json::Value;

use super::{Chance, Work};
use crate::config::Trigger;

/// Fires when the agent says so, or asks to approve an action.
pub(super) fn fires(_: &Trigger, work: &Work, _: Chance) -> Option<String> {
    if work.accepted.trigger == Stated::CriticalAction {
        return Some("The next step is named as one that cannot be undone".to_owned());
    }
    let requests = work.document.get("requests")?.as_array()?;
    let asks = requests
        .iter()
        .find(|one| one.get("kind").and_then(Value::as_str) == Some("approve_action"))?;
    let name = asks.pointer("/action/name").and_then(Value::as_str);
    Some(match name {
        Some(name) => format!("It asks to be allowed `{name}`"),
        None => "It asks to be allowed an action".to_owned(),
    })
}
