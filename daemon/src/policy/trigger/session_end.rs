//! The session of the agent is over and work remains.

use countersign_protocol::handoff::Trigger as Stated;

use super::{Chance, Work};
use crate::config::Trigger;

/// Fires for a stated end of the session.
pub(super) fn fires(_: &Trigger, work: &Work, _: Chance) -> Option<String> {
    (work.accepted.trigger == Stated::SessionEnd)
        .then(|| "Its session is over and work remains".to_owned())
}
