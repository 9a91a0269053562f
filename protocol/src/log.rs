//! The list of events: one line for each entry of the ledger, for whoever watches from outside.
//!
//! A line says who did what to which handoff and when, in names, numbers and codes. The words of agents and
//! people are not in it, so that everybody who may know that something happened may read it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    chain::Body,
    event::{Event, Location},
    id::{Digest, HandoffId},
    names::joined,
    principal::Actor,
    trace::TraceId,
};

/// One line of `events.jsonl`, one event of the stream, the body of one `event` message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogLine {
    /// Number of the entry; lines come in its order, and not every number is a line.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What, for example `transfer.offered`.
    pub event: String,
    /// The workspace; absent for what belongs to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handoff_id: Option<HandoffId>,
    /// The revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// The hop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop: Option<u32>,
    /// Who caused it: `agent`, `person`, `policy` or `daemon`.
    pub by: String,
    /// The name of who caused it: of the agent, of the person, of the rule.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The agent that it is about: who handed over, or who has the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// To whom it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How it ended, or why, in a word: an outcome, a reason, the kind of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How far the agent is, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// The file that it is about, relative to the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The trace of the revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    /// What the agents call the larger thing that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// Hash of the entry, which holds it to the ledger.
    pub hash: Digest,
}

impl LogLine {
    /// The line for an entry.
    pub fn of(body: &Body, hash: Digest) -> Self {
        let (by, name) = match &body.actor {
            Actor::Agent { name, .. } => ("agent", name.clone()),
            Actor::Person { id, .. } => ("person", id.clone()),
            Actor::Policy { rule } => ("policy", rule.clone()),
            Actor::Daemon => ("daemon", String::new()),
        };
        let line = Self {
            seq: body.seq,
            at: body.at,
            event: body.event.name().to_owned(),
            workspace: None,
            handoff_id: body.event.handoff(),
            revision: None,
            hop: None,
            by: by.to_owned(),
            name,
            agent: None,
            to: None,
            code: None,
            percent: None,
            file: None,
            trace_id: None,
            correlation_id: None,
            hash,
        };
        line.about(&body.event)
    }

    fn at(self, at: &Location) -> Self {
        let file = (!at.file.is_empty()).then(|| joined(&at.folder, &at.file));
        Self {
            workspace: Some(at.workspace.clone()),
            file,
            ..self
        }
    }

    fn revision(self, revision: u32) -> Self {
        Self {
            revision: Some(revision),
            ..self
        }
    }

    fn code(self, code: impl Into<String>) -> Self {
        Self {
            code: Some(code.into()),
            ..self
        }
    }

    fn hop(self, hop: u32) -> Self {
        Self {
            hop: Some(hop),
            ..self
        }
    }

    fn about(self, event: &Event) -> Self {
        match event {
            Event::Accepted(accepted) => Self {
                agent: Some(accepted.from_agent.clone()),
                to: accepted.to_agent.clone(),
                trace_id: accepted.trace.map(|trace| trace.trace),
                ..self.at(&accepted.at)
            }
            .revision(accepted.revision),
            Event::Refused { at, kind, .. } => self.at(at).code(kind.name()),
            Event::RefusedGone { at } => self.at(at),
            Event::Checked(checked) => {
                let failed = checked.results.iter().any(|one| !one.passed());
                self.revision(checked.revision)
                    .code(if failed { "failed" } else { "passed" })
            }
            Event::Used(used) => self.revision(used.revision),
            Event::Decided(decided) => self.revision(decided.revision).code(decided.outcome.word()),
            Event::Offered(offered) => Self {
                agent: Some(offered.from.clone()),
                to: Some(offered.to.clone()),
                trace_id: offered.traceparent.map(|parent| parent.trace),
                ..self.revision(offered.revision).hop(offered.hop)
            },
            Event::PackageDelivered { hop, folder, .. } => Self {
                file: Some(folder.clone()),
                ..self.hop(*hop)
            },
            Event::HopResolved { hop, .. }
            | Event::ResultPassed { hop, .. }
            | Event::ReceiverReminded { hop, .. } => self.hop(*hop),
            Event::HopTimedOut(overdue) => {
                let phase = match overdue.phase {
                    crate::transfer::Phase::Acknowledge => "acknowledge",
                    crate::transfer::Phase::Complete => "complete",
                };
                self.hop(overdue.hop).code(phase)
            }
            Event::TaskReturned { hop, revision, .. } => self.revision(*revision).hop(*hop),
            Event::HopStopped(stopped) => Self {
                to: Some(stopped.to.clone()),
                ..self.revision(stopped.revision).code(stopped.why.name())
            },
            Event::Routed(routed) => self.revision(routed.revision).code(&routed.rule),
            Event::Progressed(passed) => self.revision(passed.revision).code(&passed.rule),
            Event::Assigned(assigned) => self.revision(assigned.revision),
            Event::Reminded(step)
            | Event::Reassigned(step)
            | Event::Escalated(step)
            | Event::Expired(step)
            | Event::DeadLettered(step) => self.revision(step.revision).code(&step.rule),
            Event::Viewed { revision, .. }
            | Event::Withdrawn { revision, .. }
            | Event::Commented { revision, .. }
            | Event::Delivered { revision, .. }
            | Event::Forgotten { revision, .. }
            | Event::Redriven { revision, .. }
            | Event::Claimed { revision, .. }
            | Event::Unclaimed { revision, .. }
            | Event::Snoozed { revision, .. }
            | Event::Rescheduled { revision, .. }
            | Event::TimedOut { revision, .. } => self.revision(*revision),
            Event::Undelivered { revision, at, .. } | Event::Found { revision, at, .. } => {
                self.at(at).revision(*revision)
            }
            Event::Released {
                revision, folder, ..
            } => Self {
                file: Some(folder.clone()),
                ..self.revision(*revision)
            },
            Event::Violated(violated) => Self {
                workspace: Some(violated.workspace.clone()),
                file: Some(violated.folder.clone()),
                ..self
            },
            Event::Restored(restored) => Self {
                workspace: Some(restored.workspace.clone()),
                ..self
            },
            Event::CheckpointSaved(saved) => Self {
                agent: Some(saved.agent.clone()),
                ..self.at(&saved.at)
            },
            Event::PartialKept(kept) => self.at(&kept.at),
            Event::AgentStalled {
                at,
                agent,
                process_gone,
                ..
            } => Self {
                agent: Some(agent.clone()),
                ..self.at(at)
            }
            .code(if *process_gone {
                "process_gone"
            } else {
                "silent"
            }),
            Event::FilesChanged(changed) => Self {
                workspace: Some(changed.workspace.clone()),
                file: changed.files.first().map(|one| one.path.clone()),
                ..self.code(&changed.rule)
            },
            Event::Marked(marked) => Self {
                workspace: Some(marked.workspace.clone()),
                ..self.code(&marked.kind)
            },
            Event::MessageFailed { receiver, kind, .. } => Self {
                to: Some(receiver.clone()),
                ..self.code(kind)
            },
            Event::ReceiverDisabled { receiver, .. }
            | Event::ReceiverEnabled { receiver }
            | Event::MessagesRedriven { receiver, .. } => Self {
                to: Some(receiver.clone()),
                ..self
            },
            other if other.owned().is_some() => Self {
                workspace: other.owned().map(str::to_owned),
                ..self
            },
            other => match (other.answered(), other.lock()) {
                (Some(answered), _) => Self {
                    agent: Some(answered.agent.clone()),
                    percent: answered.percent,
                    code: answered.reason.map(|reason| reason.name().to_owned()),
                    ..self.hop(answered.hop)
                },
                (None, Some(lock)) => Self {
                    workspace: Some(lock.workspace.clone()),
                    file: Some(lock.path.clone()),
                    ..self
                },
                (None, None) => self,
            },
        }
    }
}

#[cfg(test)]
mod tests;
