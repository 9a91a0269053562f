//! Events and numbers, for those who watch over the program.

use async_trait::async_trait;
use countersign_protocol::log::LogLine;
use countersign_web::desk::{Caller, DeskError, ObserveDesk, observe::LogQuery};

use super::{LedgerDesk, access::may_know};

/// Entries that are looked at in one go, however few of them are wanted.
const PAGE: usize = 1_000;

#[async_trait]
impl ObserveDesk for LedgerDesk {
    async fn log(
        &self,
        who: &Caller,
        query: &LogQuery,
        after: u64,
        limit: usize,
    ) -> Result<(Vec<LogLine>, u64), DeskError> {
        let mut lines = Vec::new();
        let mut after = after;
        loop {
            let entries = self.ledger.entries(after, PAGE).await;
            let entries = entries.map_err(|error| DeskError::Unavailable(error.to_string()))?;
            let state = self.ledger.state();
            for entry in &entries {
                after = entry.body.seq;
                if matches!(who, Caller::Agent(_)) && entry.body.event.stays_at_desk() {
                    continue;
                }
                let line = state.log_line(&entry.body, entry.hash);
                if may_know(who, line.workspace.as_deref()) && query.wants(&line) {
                    lines.push(line);
                }
                if lines.len() >= limit {
                    return Ok((lines, after));
                }
            }
            if entries.is_empty() {
                return Ok((lines, after));
            }
        }
    }

    async fn metrics(&self) -> Result<String, DeskError> {
        self.gauges.read().await.map_err(DeskError::Unavailable)
    }
}
