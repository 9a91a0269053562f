//! What a fact is about: its name, its card, its lock, its workspace.

use super::Event;
use crate::{
    id::HandoffId,
    lock::LockName,
    transfer::{AnswerKind, Answered},
};

impl Event {
    /// The lock this is about, when it is about one.
    pub fn lock(&self) -> Option<&LockName> {
        match self {
            Self::LockRequested { lock, .. }
            | Self::LockAcquired { lock, .. }
            | Self::LockRenewed { lock, .. }
            | Self::LockAsked { lock, .. }
            | Self::LockReleased { lock, .. }
            | Self::LockExpired { lock, .. }
            | Self::LockBroken { lock, .. } => Some(lock),
            _ => None,
        }
    }

    /// The workspace whose ownership this is about, when it is about one.
    pub fn owned(&self) -> Option<&str> {
        match self {
            Self::OwnershipOffered(offer) => Some(&offer.workspace),
            Self::FilesGiven(given) => Some(&given.workspace),
            Self::OwnershipAccepted { workspace, .. }
            | Self::OwnershipDeclined { workspace, .. }
            | Self::OwnershipWithdrawn { workspace, .. }
            | Self::OwnershipExpired { workspace, .. }
            | Self::OwnershipReturned { workspace, .. }
            | Self::FilesListed { workspace, .. } => Some(workspace),
            _ => None,
        }
    }

    /// The card this is about, when it is about one.
    pub fn handoff(&self) -> Option<HandoffId> {
        match self {
            Self::Accepted(accepted) => Some(accepted.handoff),
            Self::Checked(checked) => Some(checked.handoff),
            Self::Decided(decided) => Some(decided.handoff),
            Self::Voted(voted) => Some(voted.handoff),
            Self::AnswerHeld(held) => Some(held.decided.handoff),
            Self::Routed(routed) => Some(routed.handoff),
            Self::Progressed(passed) => Some(passed.handoff),
            Self::Assigned(assigned) => Some(assigned.handoff),
            Self::Reminded(step)
            | Self::Reassigned(step)
            | Self::Escalated(step)
            | Self::Expired(step)
            | Self::DeadLettered(step) => Some(step.handoff),
            Self::Viewed { handoff, .. }
            | Self::Withdrawn { handoff, .. }
            | Self::Commented { handoff, .. }
            | Self::ThreadResolved { handoff, .. }
            | Self::ThreadReopened { handoff, .. }
            | Self::AnswerUndone { handoff, .. }
            | Self::AnswerLapsed { handoff, .. }
            | Self::Delivered { handoff, .. }
            | Self::Undelivered { handoff, .. }
            | Self::Found { handoff, .. }
            | Self::Forgotten { handoff, .. }
            | Self::Redriven { handoff, .. }
            | Self::Claimed { handoff, .. }
            | Self::Unclaimed { handoff, .. }
            | Self::Snoozed { handoff, .. }
            | Self::Rescheduled { handoff, .. }
            | Self::TimedOut { handoff, .. }
            | Self::PackageDelivered { handoff, .. }
            | Self::HopResolved { handoff, .. }
            | Self::ResultPassed { handoff, .. }
            | Self::ReceiverReminded { handoff, .. }
            | Self::TaskReturned { handoff, .. }
            | Self::Released { handoff, .. } => Some(*handoff),
            Self::Offered(offered) => Some(offered.handoff),
            Self::HopTimedOut(overdue) => Some(overdue.handoff),
            Self::HopStopped(stopped) => Some(stopped.handoff),
            Self::MessageFailed { handoff, .. } | Self::LockReleased { handoff, .. } => *handoff,
            Self::Violated(violated) => violated.handoff,
            Self::Restored(restored) => restored.handoff,
            Self::Used(used) => Some(used.handoff),
            other => other.answered().map(|answered| answered.handoff),
        }
    }

    /// Whether only the people at the desk may know of it: what a person may still take back was never said to
    /// anybody else.
    pub fn stays_at_desk(&self) -> bool {
        matches!(
            self,
            Self::AnswerHeld(_) | Self::AnswerUndone { .. } | Self::AnswerLapsed { .. }
        )
    }

    /// What a receiver said, when it is that.
    pub fn answered(&self) -> Option<&Answered> {
        match self {
            Self::TaskAccepted(answered)
            | Self::TaskDeclined(answered)
            | Self::TaskQueued(answered)
            | Self::TaskDuplicate(answered)
            | Self::TaskProgressed(answered)
            | Self::TaskCompleted(answered)
            | Self::TaskFailed(answered) => Some(answered),
            _ => None,
        }
    }

    /// The fact that a receiver said so.
    pub fn of_answer(answered: Answered) -> Self {
        let answered = Box::new(answered);
        match answered.answer {
            AnswerKind::Accept => Self::TaskAccepted(answered),
            AnswerKind::Decline => Self::TaskDeclined(answered),
            AnswerKind::Queue => Self::TaskQueued(answered),
            AnswerKind::Duplicate => Self::TaskDuplicate(answered),
            AnswerKind::Progress => Self::TaskProgressed(answered),
            AnswerKind::Complete | AnswerKind::AlreadyDone => Self::TaskCompleted(answered),
            AnswerKind::Fail => Self::TaskFailed(answered),
        }
    }

    /// The name, as it stands in the ledger.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "handoff.accepted",
            Self::Refused { .. } => "handoff.refused",
            Self::RefusedGone { .. } => "handoff.refused_gone",
            Self::Checked(_) => "handoff.checked",
            Self::Viewed { .. } => "handoff.viewed",
            Self::Voted(_) => "handoff.voted",
            Self::Decided(_) => "handoff.decided",
            Self::AnswerHeld(_) => "answer.held",
            Self::AnswerUndone { .. } => "answer.undone",
            Self::AnswerLapsed { .. } => "answer.lapsed",
            Self::Withdrawn { .. } => "handoff.withdrawn",
            Self::Commented { .. } => "handoff.commented",
            Self::ThreadResolved { .. } => "thread.resolved",
            Self::ThreadReopened { .. } => "thread.reopened",
            Self::Delivered { .. } => "handoff.delivered",
            Self::Undelivered { .. } => "handoff.undelivered",
            Self::Found { .. } => "handoff.found",
            Self::Released { .. } => "artifact.approved",
            Self::Violated(_) => "artifact.violation",
            Self::Restored(_) => "artifact.restored",
            Self::Used(_) => "artifact.used",
            Self::Routed(_) => "handoff.routed",
            Self::Progressed(_) => "handoff.progressed",
            Self::Reminded(_) => "handoff.reminded",
            Self::Reassigned(_) => "handoff.reassigned",
            Self::Escalated(_) => "handoff.escalated",
            Self::Expired(_) => "handoff.expired",
            Self::DeadLettered(_) => "handoff.dead_lettered",
            Self::Redriven { .. } => "handoff.redriven",
            Self::Claimed { .. } => "handoff.claimed",
            Self::Unclaimed { .. } => "handoff.unclaimed",
            Self::Assigned(_) => "handoff.assigned",
            Self::Snoozed { .. } => "handoff.snoozed",
            Self::Rescheduled { .. } => "handoff.rescheduled",
            Self::Account { .. } => "account.changed",
            Self::ClockJumped { .. } => "clock.jumped",
            Self::Forgotten { .. } => "revision.forgotten",
            Self::TimedOut { .. } => "handoff.timed_out",
            Self::Offered(_) => "transfer.offered",
            Self::PackageDelivered { .. } => "transfer.delivered",
            Self::TaskAccepted(_) => "transfer.accepted",
            Self::TaskDeclined(_) => "transfer.declined",
            Self::TaskQueued(_) => "transfer.queued",
            Self::TaskDuplicate(_) => "transfer.duplicate",
            Self::TaskProgressed(_) => "transfer.progressed",
            Self::TaskCompleted(_) => "transfer.completed",
            Self::TaskFailed(_) => "transfer.failed",
            Self::HopResolved { .. } => "transfer.resolved",
            Self::ResultPassed { .. } => "transfer.result_passed",
            Self::ReceiverReminded { .. } => "transfer.reminded",
            Self::HopTimedOut(_) => "transfer.timed_out",
            Self::TaskReturned { .. } => "transfer.returned",
            Self::HopStopped(_) => "transfer.stopped",
            Self::CheckpointSaved(_) => "checkpoint.saved",
            Self::PartialKept(_) => "partial.kept",
            Self::AgentStalled { .. } => "agent.stalled",
            Self::FilesChanged(_) => "file.changed",
            Self::Marked(_) => "workspace.marked",
            Self::LockRequested { .. } => "lock.requested",
            Self::LockAcquired { .. } => "lock.acquired",
            Self::LockRenewed { .. } => "lock.renewed",
            Self::LockAsked { .. } => "lock.asked",
            Self::LockReleased { .. } => "lock.released",
            Self::LockExpired { .. } => "lock.expired",
            Self::LockBroken { .. } => "lock.broken",
            Self::OwnershipOffered(_) => "ownership.offered",
            Self::OwnershipAccepted { .. } => "ownership.accepted",
            Self::OwnershipDeclined { .. } => "ownership.declined",
            Self::OwnershipWithdrawn { .. } => "ownership.withdrawn",
            Self::OwnershipExpired { .. } => "ownership.expired",
            Self::OwnershipReturned { .. } => "ownership.returned",
            Self::FilesListed { .. } => "ownership.listed",
            Self::FilesGiven(_) => "ownership.settled",
            Self::TokenCreated { .. } => "token.created",
            Self::TokenRevoked { .. } => "token.revoked",
            Self::SearchSaved { .. } => "search.saved",
            Self::SearchRemoved { .. } => "search.removed",
            Self::MailStopped { .. } => "mail.stopped",
            Self::MailResumed { .. } => "mail.resumed",
            Self::MessagesWished { .. } => "messages.wished",
            Self::ReceiverDisabled { .. } => "receiver.disabled",
            Self::ReceiverEnabled { .. } => "receiver.enabled",
            Self::MessageFailed { .. } => "message.failed",
            Self::MessagesRedriven { .. } => "message.redriven",
        }
    }
}
