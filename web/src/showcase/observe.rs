//! Events and numbers of the desk in memory: two events, one number.

use async_trait::async_trait;
use countersign_protocol::{
    Digest, HandoffId,
    log::LogLine,
    trace::{TraceContext, TraceId},
};

use super::{Showcase, sample};
use crate::desk::{Caller, DeskError, ObserveDesk, Person, observe::LogQuery};

/// What happened in the workspace of the sample work.
pub fn lines() -> Vec<LogLine> {
    let trace = TraceContext::begun(HandoffId(1), Digest::ZERO, sample::now());
    let line = |seq: u64, event: &str, trace_id: TraceId| LogLine {
        seq,
        at: sample::now(),
        event: event.to_owned(),
        workspace: Some("docs".to_owned()),
        handoff_id: Some(HandoffId(1)),
        revision: Some(1),
        hop: None,
        by: "agent".to_owned(),
        name: "hermes-main".to_owned(),
        agent: Some("hermes-main".to_owned()),
        to: None,
        code: None,
        percent: None,
        file: Some("reports/handoff.json".to_owned()),
        trace_id: Some(trace_id),
        correlation_id: None,
        hash: Digest::of(&seq.to_be_bytes()),
    };
    vec![
        line(1, "handoff.accepted", trace.trace),
        line(2, "handoff.routed", trace.trace),
    ]
}

#[async_trait]
impl ObserveDesk for Showcase {
    async fn log(
        &self,
        who: &Caller,
        query: &LogQuery,
        after: u64,
        limit: usize,
    ) -> Result<(Vec<LogLine>, u64), DeskError> {
        let may_know = |line: &LogLine| match who {
            Caller::Person(_) => true,
            Caller::Agent(agent) => {
                let known = |name: &String| agent.workspaces.contains(name);
                line.workspace.as_ref().is_some_and(known)
            }
        };
        let mut found = lines();
        found.retain(|line| line.seq > after && may_know(line) && query.wants(line));
        found.truncate(limit);
        let next = found.last().map_or(after.max(2), |line| line.seq);
        Ok((found, next))
    }

    async fn metrics(&self, _: Option<&Person>) -> Result<String, DeskError> {
        let help =
            "# HELP countersign_ready Whether every workspace of this machine was scanned once.";
        Ok(format!(
            "{help}\n# TYPE countersign_ready gauge\ncountersign_ready 1\n"
        ))
    }
}
