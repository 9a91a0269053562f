//! The states of a handoff and the ways between them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decision::Outcome;

/// Where a handoff stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum HandoffState {
    /// A person is asked about `revision`.
    Waiting {
        /// The pending revision.
        revision: u32,
    },
    /// The agent is asked for another revision.
    ChangesRequested {
        /// The revision that was sent back.
        revision: u32,
        /// When.
        at: Timestamp,
    },
    /// An agent was asked to take it, or took it.
    WithAgent {
        /// The revision that was handed on.
        revision: u32,
        /// The hop.
        hop: u32,
        /// Since when.
        at: Timestamp,
    },
    /// The receiver did not take it, and its sender has it again.
    Returned {
        /// The revision that came back.
        revision: u32,
        /// When.
        at: Timestamp,
    },
    /// Over: decided for good.
    Closed {
        /// The revision that was decided.
        revision: u32,
        /// How.
        outcome: Outcome,
        /// When.
        at: Timestamp,
    },
}

/// A transition that the state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// Nobody is asked at the moment.
    #[error("it waits for the agent")]
    WaitsForAgent,
    /// The last word is spoken.
    #[error("it is already {}", .0.word())]
    Closed(Outcome),
    /// Another revision is pending.
    #[error("revision {0} is pending")]
    OtherRevision(u32),
}

impl HandoffState {
    /// The name of the state.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::ChangesRequested { .. } => "changes_requested",
            Self::WithAgent { .. } => "with_agent",
            Self::Returned { .. } => "returned",
            Self::Closed {
                outcome: Outcome::Approved | Outcome::Edited,
                ..
            } => "approved",
            Self::Closed {
                outcome: Outcome::Rejected,
                ..
            } => "rejected",
            Self::Closed {
                outcome: Outcome::Cancelled,
                ..
            } => "withdrawn",
            Self::Closed {
                outcome: Outcome::Responded,
                ..
            } => "responded",
            Self::Closed {
                outcome: Outcome::Ignored,
                ..
            } => "ignored",
            Self::Closed {
                outcome: Outcome::Completed,
                ..
            } => "completed",
            Self::Closed { .. } => "closed",
        }
    }

    /// The revision this state is about.
    pub fn revision(&self) -> u32 {
        match self {
            Self::Waiting { revision }
            | Self::ChangesRequested { revision, .. }
            | Self::WithAgent { revision, .. }
            | Self::Returned { revision, .. }
            | Self::Closed { revision, .. } => *revision,
        }
    }

    /// Whether a new revision of the subject goes on this card.
    pub fn takes_revisions(&self) -> bool {
        !matches!(self, Self::Closed { .. })
    }

    /// A new revision arrived.
    pub fn revised(&self, revision: u32) -> Result<Self, NotAllowed> {
        match self {
            Self::Closed { outcome, .. } => Err(NotAllowed::Closed(*outcome)),
            Self::Waiting { .. }
            | Self::ChangesRequested { .. }
            | Self::WithAgent { .. }
            | Self::Returned { .. } => Ok(Self::Waiting { revision }),
        }
    }

    /// It is offered to an agent. Also what a person approved, where a person approves each hop.
    pub fn offered(&self, revision: u32, hop: u32, at: Timestamp) -> Result<Self, NotAllowed> {
        match self {
            Self::Closed { outcome, .. } if *outcome != Outcome::Approved => {
                Err(NotAllowed::Closed(*outcome))
            }
            other if other.revision() != revision => {
                Err(NotAllowed::OtherRevision(other.revision()))
            }
            _ => Ok(Self::WithAgent { revision, hop, at }),
        }
    }

    /// No agent has it any more: its sender, a person, or nobody, as `next` says.
    pub fn left_agent(&self, next: Self) -> Result<Self, NotAllowed> {
        match self {
            Self::WithAgent { .. } => Ok(next),
            Self::Closed { outcome, .. } => Err(NotAllowed::Closed(*outcome)),
            _ => Err(NotAllowed::WaitsForAgent),
        }
    }

    /// A person approved the result of an agent, and `next` has the task.
    pub fn result_passed(&self, next: Self) -> Result<Self, NotAllowed> {
        match self {
            Self::WithAgent { .. }
            | Self::Closed {
                outcome: Outcome::Approved,
                ..
            } => Ok(next),
            Self::Closed { outcome, .. } => Err(NotAllowed::Closed(*outcome)),
            _ => Err(NotAllowed::WaitsForAgent),
        }
    }

    /// A person answered about `revision`, or the agent took it back.
    pub fn decided(
        &self,
        revision: u32,
        outcome: Outcome,
        at: Timestamp,
    ) -> Result<Self, NotAllowed> {
        match self {
            Self::Waiting { revision: pending } if *pending != revision => {
                Err(NotAllowed::OtherRevision(*pending))
            }
            Self::Waiting { .. } if outcome == Outcome::ChangesRequested => {
                Ok(Self::ChangesRequested { revision, at })
            }
            Self::Waiting { .. } => Ok(Self::Closed {
                revision,
                outcome,
                at,
            }),
            // Only taking back, and the end of its time, need no open question.
            Self::ChangesRequested { .. } | Self::WithAgent { .. } | Self::Returned { .. }
                if matches!(outcome, Outcome::Cancelled | Outcome::Expired) =>
            {
                Ok(Self::Closed {
                    revision,
                    outcome,
                    at,
                })
            }
            Self::ChangesRequested { .. } | Self::WithAgent { .. } | Self::Returned { .. } => {
                Err(NotAllowed::WaitsForAgent)
            }
            Self::Closed { outcome, .. } => Err(NotAllowed::Closed(*outcome)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_round_of_changes_ends_in_an_approval() {
        let state = HandoffState::Waiting { revision: 1 };
        let state = state.decided(1, Outcome::ChangesRequested, AT).unwrap();
        assert_eq!(state.name(), "changes_requested");
        assert_eq!(
            state.decided(1, Outcome::Approved, AT),
            Err(NotAllowed::WaitsForAgent)
        );
        let state = state.revised(2).unwrap();
        assert_eq!(
            state.decided(1, Outcome::Approved, AT),
            Err(NotAllowed::OtherRevision(2))
        );
        let state = state.decided(2, Outcome::Approved, AT).unwrap();
        assert_eq!(state.name(), "approved");
        assert!(!state.takes_revisions());
        assert_eq!(state.revised(3), Err(NotAllowed::Closed(Outcome::Approved)));
        assert_eq!(
            state.decided(2, Outcome::Rejected, AT),
            Err(NotAllowed::Closed(Outcome::Approved))
        );
    }

    #[test]
    fn an_agent_may_take_back_what_is_not_closed() {
        let waiting = HandoffState::Waiting { revision: 1 };
        let sent_back = waiting.decided(1, Outcome::ChangesRequested, AT).unwrap();
        for state in [waiting, sent_back] {
            assert_eq!(
                state.decided(1, Outcome::Cancelled, AT).unwrap().name(),
                "withdrawn"
            );
        }
    }
}
