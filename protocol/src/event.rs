//! The facts that the ledger chains. A fact is written once and never changed; state is a fold of them.
//!
//! Old facts must stay readable: a new field gets `#[serde(default)]`, a new fact a new name.

mod about;
mod account;
mod handed;
mod noted;
mod undo;
mod wish;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    approval::Voted,
    check::Checked,
    id::{Digest, HandoffId},
    lock::{LockName, LockRequest},
    ownership::{FilesGiven, OwnershipOffer},
    place::Place,
    problem::{ProblemKind, Violation},
    release::{Restored, Violated},
    routing::{Assigned, Progressed, Routed, Stepped},
    terms::Used,
    transfer::{Answered, Offered, Overdue, Stopped},
    watched::FilesChanged,
};

pub use account::AccountChange;
pub use handed::{Accepted, Decided, Stalled};
pub use noted::{CheckpointSaved, Marked, PartialKept, Process};
pub use undo::Held;
pub use wish::Wish;

/// Where in a workspace a document was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Location {
    /// Name of the workspace.
    pub workspace: String,
    /// Folder relative to the workspace, `/` between parts, empty for the workspace itself.
    pub folder: String,
    /// Name of the document in that folder; empty when it came over HTTP without a file.
    pub file: String,
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// A revision was accepted.
    #[serde(rename = "handoff.accepted")]
    Accepted(Box<Accepted>),
    /// A delivery was refused. It is listed as a dead letter until a good one replaces it.
    #[serde(rename = "handoff.refused")]
    Refused {
        /// Where it is.
        at: Location,
        /// Digest of the refused bytes; they are kept when they could be read and are not too large.
        sha256: Option<Digest>,
        /// Why.
        kind: ProblemKind,
        /// What is wrong in detail.
        violations: Vec<Violation>,
    },
    /// A refused file is gone without a good one in its place.
    #[serde(rename = "handoff.refused_gone")]
    RefusedGone {
        /// Where it was.
        at: Location,
    },
    /// The checks of a revision are over.
    #[serde(rename = "handoff.checked")]
    Checked(Box<Checked>),
    /// A person opened the page of a revision.
    #[serde(rename = "handoff.viewed")]
    Viewed {
        /// The card.
        handoff: HandoffId,
        /// The revision on the page.
        revision: u32,
        /// The manifest digest on the page.
        manifest_sha256: Digest,
    },
    /// A person decided.
    #[serde(rename = "handoff.decided")]
    Decided(Box<Decided>),
    /// A person answered, and can take it back for a while.
    #[serde(rename = "answer.held")]
    AnswerHeld(Box<Held>),
    /// The person took it back.
    #[serde(rename = "answer.undone")]
    AnswerUndone {
        /// The card.
        handoff: HandoffId,
        /// The entry of the answer.
        held: u64,
    },
    /// The answer was not given at the end of its time, since it no longer could be.
    #[serde(rename = "answer.lapsed")]
    AnswerLapsed {
        /// The card.
        handoff: HandoffId,
        /// The entry of the answer.
        held: u64,
        /// Why, in words for the person.
        why: String,
    },
    /// A person voted where it takes more than one. The last word follows as a fact of its own.
    #[serde(rename = "handoff.voted")]
    Voted(Box<Voted>),
    /// The agent, or the operator for it, took the handoff back.
    #[serde(rename = "handoff.withdrawn")]
    Withdrawn {
        /// The card.
        handoff: HandoffId,
        /// The revision that was pending.
        revision: u32,
        /// Why.
        reason: Option<String>,
    },
    /// Words to people and to the agent, outside a decision. They open a thread, or stand in one.
    #[serde(rename = "handoff.commented")]
    Commented {
        /// The card.
        handoff: HandoffId,
        /// The revision on the page.
        revision: u32,
        /// The thread that is gone on with; absent when a new one is opened. Threads of a card are counted from
        /// 1, those that the requests of a decision open among them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thread: Option<u32>,
        /// What a new thread is about; absent for the whole.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<Box<Place>>,
        /// The words.
        text: String,
    },
    /// A person holds a thread for done.
    #[serde(rename = "thread.resolved")]
    ThreadResolved {
        /// The card.
        handoff: HandoffId,
        /// The thread.
        thread: u32,
    },
    /// A person holds a thread for not done after all.
    #[serde(rename = "thread.reopened")]
    ThreadReopened {
        /// The card.
        handoff: HandoffId,
        /// The thread.
        thread: u32,
    },
    /// The answer stands in the agent's folder.
    #[serde(rename = "handoff.delivered")]
    Delivered {
        /// The card.
        handoff: HandoffId,
        /// The decided revision.
        revision: u32,
        /// Entry of the decision.
        decision: u64,
        /// The documents beside which it stands, when they are others than the one that was accepted.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        at: Vec<Location>,
    },
    /// The answer could not be put beside the handoff: its folder is gone, and nobody knows where it went.
    #[serde(rename = "handoff.undelivered")]
    Undelivered {
        /// The card.
        handoff: HandoffId,
        /// The answered revision.
        revision: u32,
        /// Entry of the decision, or of the withdrawal.
        decision: u64,
        /// Where the document was last seen.
        at: Location,
    },
    /// The document of the newest revision was found at another place: it was moved or copied. Also said of the
    /// place where it was before when its answer could not be delivered meanwhile.
    #[serde(rename = "handoff.found")]
    Found {
        /// The card.
        handoff: HandoffId,
        /// The revision.
        revision: u32,
        /// Where it is.
        at: Location,
    },
    /// Approved files were released.
    #[serde(rename = "artifact.approved")]
    Released {
        /// The card.
        handoff: HandoffId,
        /// The approved revision.
        revision: u32,
        /// Folder relative to the workspace.
        folder: String,
        /// The manifest that was released.
        manifest_sha256: Digest,
    },
    /// Approved work was found to be other than approved.
    #[serde(rename = "artifact.violation")]
    Violated(Box<Violated>),
    /// It is as approved again, and what was foreign is kept apart.
    #[serde(rename = "artifact.restored")]
    Restored(Box<Restored>),
    /// An approval that counts its uses was used.
    #[serde(rename = "artifact.used")]
    Used(Box<Used>),
    /// The bytes of a revision that nobody decided about are no longer kept; its digests are.
    #[serde(rename = "revision.forgotten")]
    Forgotten {
        /// The card.
        handoff: HandoffId,
        /// The revision.
        revision: u32,
    },
    /// Policy said who is asked about a revision, by which rule, and what happens when nobody answers.
    #[serde(rename = "handoff.routed")]
    Routed(Box<Routed>),
    /// A rule let a revision pass without a person.
    #[serde(rename = "handoff.progressed")]
    Progressed(Box<Progressed>),
    /// Nobody answered: who is asked is told again.
    #[serde(rename = "handoff.reminded")]
    Reminded(Box<Stepped>),
    /// Nobody answered: others are asked instead.
    #[serde(rename = "handoff.reassigned")]
    Reassigned(Box<Stepped>),
    /// Nobody answered: others are asked as well.
    #[serde(rename = "handoff.escalated")]
    Escalated(Box<Stepped>),
    /// Nobody answered and the rule closes the handoff, never with an approval. What it decides follows
    /// as a fact of its own.
    #[serde(rename = "handoff.expired")]
    Expired(Box<Stepped>),
    /// Nobody answered and nobody is left to ask: an operator finds it among the dead letters.
    #[serde(rename = "handoff.dead_lettered")]
    DeadLettered(Box<Stepped>),
    /// An operator sends a dead letter on its way again.
    #[serde(rename = "handoff.redriven")]
    Redriven {
        /// The card.
        handoff: HandoffId,
        /// The revision.
        revision: u32,
    },
    /// A person took it: others need not look.
    #[serde(rename = "handoff.claimed")]
    Claimed {
        /// The card.
        handoff: HandoffId,
        /// The revision.
        revision: u32,
    },
    /// Who had taken it gave it back to those who are asked.
    #[serde(rename = "handoff.unclaimed")]
    Unclaimed {
        /// The card.
        handoff: HandoffId,
        /// The revision.
        revision: u32,
    },
    /// A person asked others instead.
    #[serde(rename = "handoff.assigned")]
    Assigned(Box<Assigned>),
    /// A person put it off; deadlines go on.
    #[serde(rename = "handoff.snoozed")]
    Snoozed {
        /// The card.
        handoff: HandoffId,
        /// The revision.
        revision: u32,
        /// It comes back then, or with a new revision. In the past, it is back at once.
        until: Timestamp,
    },
    /// The deadlines of a card were set anew, since the clock they were set by was wrong.
    #[serde(rename = "handoff.rescheduled")]
    Rescheduled {
        /// The card.
        handoff: HandoffId,
        /// The revision.
        revision: u32,
        /// The time that they are counted from now.
        since: Timestamp,
        /// When an answer is due.
        due: Option<Timestamp>,
        /// When each step is due, as many as the ladder has.
        steps: Vec<Timestamp>,
    },
    /// Something happened to the way in of a person. Nothing secret is in it.
    #[serde(rename = "account.changed")]
    Account {
        /// The account, or the person of the machine.
        account: String,
        /// What.
        change: AccountChange,
    },
    /// The clock of the machine moved by itself.
    #[serde(rename = "clock.jumped")]
    ClockJumped {
        /// What it would have shown.
        expected: Timestamp,
        /// What it showed.
        found: Timestamp,
    },
    /// The time that the agent gave for an answer passed without one. It still waits for an answer.
    #[serde(rename = "handoff.timed_out")]
    TimedOut {
        /// The card.
        handoff: HandoffId,
        /// The revision.
        revision: u32,
        /// When the time was over.
        over: Timestamp,
    },
    /// A task is offered to an agent.
    #[serde(rename = "transfer.offered")]
    Offered(Box<Offered>),
    /// The package stands in the folder of the receiver.
    #[serde(rename = "transfer.delivered")]
    PackageDelivered {
        /// The card.
        handoff: HandoffId,
        /// The hop.
        hop: u32,
        /// The folder of the package, relative to the workspace.
        folder: String,
    },
    /// A receiver took a task.
    #[serde(rename = "transfer.accepted")]
    TaskAccepted(Box<Answered>),
    /// A receiver does not take a task.
    #[serde(rename = "transfer.declined")]
    TaskDeclined(Box<Answered>),
    /// A receiver takes a task later.
    #[serde(rename = "transfer.queued")]
    TaskQueued(Box<Answered>),
    /// A receiver is at the task already, under another handoff.
    #[serde(rename = "transfer.duplicate")]
    TaskDuplicate(Box<Answered>),
    /// A receiver is at work.
    #[serde(rename = "transfer.progressed")]
    TaskProgressed(Box<Answered>),
    /// A receiver is done, or was before.
    #[serde(rename = "transfer.completed")]
    TaskCompleted(Box<Answered>),
    /// A receiver cannot bring a task to an end.
    #[serde(rename = "transfer.failed")]
    TaskFailed(Box<Answered>),
    /// An earlier hop of the same task came to an end with a later one.
    #[serde(rename = "transfer.resolved")]
    HopResolved {
        /// The card.
        handoff: HandoffId,
        /// The earlier hop.
        hop: u32,
        /// The later hop, which was completed.
        by: u32,
    },
    /// A person let a result through that its receiver was not sure enough of.
    #[serde(rename = "transfer.result_passed")]
    ResultPassed {
        /// The card.
        handoff: HandoffId,
        /// The hop whose result it is.
        hop: u32,
    },
    /// A receiver that did not answer is asked again.
    #[serde(rename = "transfer.reminded")]
    ReceiverReminded {
        /// The card.
        handoff: HandoffId,
        /// The hop.
        hop: u32,
        /// How often by now.
        number: u32,
    },
    /// A receiver did not answer or finish in time.
    #[serde(rename = "transfer.timed_out")]
    HopTimedOut(Box<Overdue>),
    /// The sender has the task again.
    #[serde(rename = "transfer.returned")]
    TaskReturned {
        /// The card.
        handoff: HandoffId,
        /// The hop that came to nothing.
        hop: u32,
        /// The revision.
        revision: u32,
    },
    /// A hop was not carried out, or not brought to an end, and a person is asked.
    #[serde(rename = "transfer.stopped")]
    HopStopped(Box<Stopped>),
    /// A version of `checkpoint.json` was kept.
    #[serde(rename = "checkpoint.saved")]
    CheckpointSaved(Box<CheckpointSaved>),
    /// A chunk of a growing result was kept.
    #[serde(rename = "partial.kept")]
    PartialKept(Box<PartialKept>),
    /// An agent fell silent between checkpoints.
    #[serde(rename = "agent.stalled")]
    AgentStalled {
        /// Where its checkpoint is.
        at: Location,
        /// The agent.
        agent: String,
        /// The last checkpoint.
        checkpoint: Digest,
        /// True when its process is known to be gone.
        process_gone: bool,
    },
    /// Files that a rule watches were changed.
    #[serde(rename = "file.changed")]
    FilesChanged(Box<FilesChanged>),
    /// A moment of a workspace got a name, for example a build.
    #[serde(rename = "workspace.marked")]
    Marked(Box<Marked>),
    /// Somebody waits in line for a lock; the author of the entry is its owner.
    #[serde(rename = "lock.requested")]
    LockRequested {
        /// The lock.
        lock: LockName,
        /// What is asked for.
        request: Box<LockRequest>,
    },
    /// A lock is held from here on. The number of this entry is its fencing token.
    #[serde(rename = "lock.acquired")]
    LockAcquired {
        /// The lock.
        lock: LockName,
        /// What was asked for, when it was to be had at once; the author of the entry is the owner then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<Box<LockRequest>>,
    },
    /// The terms of a lock changed. A mere sign of life is no fact.
    #[serde(rename = "lock.renewed")]
    LockRenewed {
        /// The lock.
        lock: LockName,
        /// After so many seconds without a sign of life it ends.
        ttl_seconds: u32,
        /// The process that needs it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        process: Option<Process>,
    },
    /// Somebody asked the owner of a lock to let go.
    #[serde(rename = "lock.asked")]
    LockAsked {
        /// The lock.
        lock: LockName,
        /// In which words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// The owner let go of a lock, or no longer waits for it.
    #[serde(rename = "lock.released")]
    LockReleased {
        /// The lock.
        lock: LockName,
        /// The handoff by which it did so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        handoff: Option<HandoffId>,
    },
    /// A lock ended, since nothing was heard of its owner or its process is gone.
    #[serde(rename = "lock.expired")]
    LockExpired {
        /// The lock.
        lock: LockName,
        /// True when its process is known to be gone.
        process_gone: bool,
    },
    /// Somebody took a lock away from its owner.
    #[serde(rename = "lock.broken")]
    LockBroken {
        /// The lock.
        lock: LockName,
        /// Why.
        reason: String,
    },
    /// A workspace is offered to a person. The number of this entry is that of the offer.
    #[serde(rename = "ownership.offered")]
    OwnershipOffered(Box<OwnershipOffer>),
    /// The person accepted: the workspace is theirs, and agents may only read it.
    #[serde(rename = "ownership.accepted")]
    OwnershipAccepted {
        /// The workspace.
        workspace: String,
        /// The offer.
        offer: u64,
    },
    /// The person does not want it.
    #[serde(rename = "ownership.declined")]
    OwnershipDeclined {
        /// The workspace.
        workspace: String,
        /// The offer.
        offer: u64,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// An offer was taken back.
    #[serde(rename = "ownership.withdrawn")]
    OwnershipWithdrawn {
        /// The workspace.
        workspace: String,
        /// The offer.
        offer: u64,
    },
    /// Nobody answered an offer in time.
    #[serde(rename = "ownership.expired")]
    OwnershipExpired {
        /// The workspace.
        workspace: String,
        /// The offer.
        offer: u64,
    },
    /// The owner lets agents work in it again.
    #[serde(rename = "ownership.returned")]
    OwnershipReturned {
        /// The workspace.
        workspace: String,
        /// In which words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// Whose the files were is written down, before the first of them changes hands.
    #[serde(rename = "ownership.listed")]
    FilesListed {
        /// The workspace.
        workspace: String,
        /// The entry by which it changed hands.
        turn: u64,
        /// The list; its bytes are kept.
        listing: Digest,
    },
    /// The files have their new owner, as far as that goes.
    #[serde(rename = "ownership.settled")]
    FilesGiven(Box<FilesGiven>),
    /// A bearer token for an agent was made. The secret is not kept.
    #[serde(rename = "token.created")]
    TokenCreated {
        /// Public id.
        id: String,
        /// Digest of the secret.
        secret_sha256: Digest,
        /// The agent it speaks for.
        agent: String,
        /// The workspaces it reaches.
        workspaces: Vec<String>,
        /// After which it is refused.
        expires: Option<Timestamp>,
    },
    /// A bearer token was taken back.
    #[serde(rename = "token.revoked")]
    TokenRevoked {
        /// Public id.
        id: String,
    },
    /// A person keeps a search under a name, in the place of an older one of that name.
    #[serde(rename = "search.saved")]
    SearchSaved {
        /// The name.
        name: String,
        /// The canonical query.
        query: String,
    },
    /// A person keeps a search no longer.
    #[serde(rename = "search.removed")]
    SearchRemoved {
        /// Its name.
        name: String,
    },
    /// A person wants no more mail.
    #[serde(rename = "mail.stopped")]
    MailStopped {
        /// Id of the person.
        person: String,
    },
    /// A person wants mail again.
    #[serde(rename = "mail.resumed")]
    MailResumed {
        /// Id of the person.
        person: String,
    },
    /// A person chose how to be told, in the place of what they chose before.
    #[serde(rename = "messages.wished")]
    MessagesWished {
        /// Id of the person.
        person: String,
        /// By topic; what is not named is told as the configuration says.
        wishes: BTreeMap<String, Wish>,
    },
    /// A receiver of messages is no longer tried, until a person says otherwise.
    #[serde(rename = "receiver.disabled")]
    ReceiverDisabled {
        /// Its name.
        receiver: String,
        /// Why.
        why: String,
    },
    /// A person lets a receiver of messages be tried again.
    #[serde(rename = "receiver.enabled")]
    ReceiverEnabled {
        /// Its name.
        receiver: String,
    },
    /// A message is no longer tried by itself.
    #[serde(rename = "message.failed")]
    MessageFailed {
        /// Its id.
        message: String,
        /// The receiver.
        receiver: String,
        /// The person, by id, when it was for one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        /// The card, when it was about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        handoff: Option<HandoffId>,
        /// What it was about.
        kind: String,
        /// What the receiver said last.
        why: String,
    },
    /// A person lets failed messages be tried again.
    #[serde(rename = "message.redriven")]
    MessagesRedriven {
        /// The receiver.
        receiver: String,
        /// How many.
        count: u64,
    },
}
