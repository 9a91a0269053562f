//! What the daemon tells those who watch over it.

use async_trait::async_trait;
use countersign_protocol::{HandoffId, log::LogLine};

use super::{Caller, DeskError, Person};

/// Which events are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Those of this workspace.
    pub workspace: Option<String>,
    /// Those about this card.
    pub handoff: Option<HandoffId>,
    /// Those about this agent, whether it does something or something is done to it.
    pub agent: Option<String>,
}

impl LogQuery {
    /// Whether `line` is wanted.
    pub fn wants(&self, line: &LogLine) -> bool {
        let is = |wanted: &Option<String>, found: &[Option<&str>]| {
            let wanted = wanted.as_deref();
            wanted.is_none() || found.contains(&wanted)
        };
        let name = (line.by == "agent").then_some(line.name.as_str());
        let about = [line.agent.as_deref(), line.to.as_deref(), name];
        is(&self.workspace, &[line.workspace.as_deref()])
            && self.handoff.is_none_or(|id| line.handoff_id == Some(id))
            && is(&self.agent, &about)
    }
}

/// Events and numbers.
#[async_trait]
pub trait ObserveDesk: Send + Sync + 'static {
    /// The events after entry `after` that `who` may know of and that are wanted, oldest first; and the last
    /// entry that was looked at, after which to go on.
    async fn log(
        &self,
        who: &Caller,
        query: &LogQuery,
        after: u64,
        limit: usize,
    ) -> Result<(Vec<LogLine>, u64), DeskError>;
    /// The numbers, in the text format 0.0.4 of Prometheus: all of them for a program that the operator lets read them,
    /// for a person those of the workspaces whose activity they may read.
    async fn metrics(&self, who: Option<&Person>) -> Result<String, DeskError>;
}
