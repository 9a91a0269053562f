//! The list of events, as the state completes it.

use countersign_protocol::{Digest, chain::Body, log::LogLine};

use super::State;

impl State {
    /// The line for an entry, with what the card that it is about says.
    pub fn log_line(&self, body: &Body, hash: Digest) -> LogLine {
        let mut line = LogLine::of(body, hash);
        if let Some(card) = line.handoff_id.and_then(|id| self.card(id)) {
            line.workspace.get_or_insert_with(|| card.workspace.clone());
            let revision = line
                .revision
                .unwrap_or_else(|| card.newest().accepted.revision);
            let hop = line.hop.and_then(|hop| card.hop(hop));
            if let Some(hop) = hop {
                let offered = &hop.offered;
                // An answer goes back to who handed on.
                let is_answer = body.event.answered().is_some();
                let to = if is_answer {
                    &offered.from
                } else {
                    &offered.to
                };
                line.to.get_or_insert_with(|| to.clone());
            }
            if let Some(revision) = card.revision(revision) {
                let accepted = &revision.accepted;
                line.agent
                    .get_or_insert_with(|| accepted.from_agent.clone());
                line.correlation_id.clone_from(&accepted.correlation_id);
                line.trace_id = line.trace_id.or(accepted.trace.map(|trace| trace.trace));
            }
        }
        line
    }
}
