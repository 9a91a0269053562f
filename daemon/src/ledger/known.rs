//! What the state knows of each thing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use countersign_protocol::{
    Digest, HandoffId,
    approval::Voted,
    check::Checked,
    event::{Accepted, CheckpointSaved, Decided, Location, Marked},
    principal::Actor,
    problem::{self, ProblemKind},
    release::{Restored, Violated},
    state::HandoffState,
    terms::Use,
    transfer::Link,
};
use jiff::{SignedDuration, Timestamp};

use super::{
    delivery::{Delivery, Undelivered},
    routing::{Claim, Move, Routing, Service, Snooze},
    threads::Thread,
    transfer::{Hop, HopStage, Stop},
    undo::{CameBack, HeldAnswer},
};

/// A revision of a handoff, with the entry that recorded it.
#[derive(Clone, Debug)]
pub struct Revision {
    /// Its entry.
    pub seq: u64,
    /// When it was accepted.
    pub at: Timestamp,
    /// What was accepted; shared, since it can name thousands of files.
    pub accepted: Arc<Accepted>,
    /// Whether its bytes are no longer kept, since nobody decided about it in time.
    pub is_forgotten: bool,
}

/// A decision, with the entry that recorded it.
#[derive(Clone, Debug)]
pub struct CardDecision {
    /// Its entry.
    pub seq: u64,
    /// Hash of the entry.
    pub hash: Digest,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub decided: Decided,
    /// The delivery to the agent's folder.
    pub delivered: Option<Delivery>,
}

/// A vote, with the entry that recorded it.
#[derive(Clone, Debug)]
pub struct CardVote {
    /// Its entry.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Id of the person.
    pub person: String,
    /// The name for others.
    pub display: String,
    /// What.
    pub voted: Voted,
}

/// That a handoff was taken back, with the entry that recorded it.
#[derive(Clone, Debug)]
pub struct Withdrawal {
    /// Its entry.
    pub seq: u64,
    /// Hash of the entry.
    pub hash: Digest,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// The revision that was pending.
    pub revision: u32,
    /// Why.
    pub reason: Option<String>,
}

/// That the time an agent gave for an answer passed, with the entry that recorded it.
#[derive(Clone, Copy, Debug)]
pub struct TimedOut {
    /// Its entry.
    pub seq: u64,
    /// When it was noticed.
    pub at: Timestamp,
    /// The revision.
    pub revision: u32,
    /// When the time was over.
    pub over: Timestamp,
}

/// That a person opened the newest revision.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The person, by id.
    pub person: String,
    /// When somebody last did so for the first time.
    pub at: Timestamp,
    /// The name of the person.
    pub display: String,
}

/// One handoff, from its first revision to its last word.
#[derive(Clone, Debug)]
pub struct Card {
    /// Its number.
    pub id: HandoffId,
    /// Its workspace.
    pub workspace: String,
    /// What its revisions have in common.
    pub subject: String,
    /// Where it stands.
    pub state: HandoffState,
    /// All revisions; the first is number 1.
    pub revisions: Vec<Arc<Revision>>,
    /// All decisions, oldest first.
    pub decisions: Vec<CardDecision>,
    /// What the checks of each revision found, of those whose checks are over.
    pub checks: BTreeMap<u32, CardChecks>,
    /// Answers that can still be taken back, at most one of each person.
    pub held: Vec<HeldAnswer>,
    /// Answers that were not given, the last of each person who did not answer since.
    pub came_back: Vec<CameBack>,
    /// Votes about the newest revision, oldest first.
    pub votes: Vec<CardVote>,
    /// What was said about the work; the first is number 1.
    pub threads: Vec<Thread>,
    /// Who opened which revision, by id of the person.
    pub viewed: BTreeSet<(String, u32)>,
    /// Who last opened the newest revision.
    pub opened: Option<Opened>,
    /// Where approved files were released, and by which entry.
    pub released: Option<(u64, Timestamp, String)>,
    /// The use of an approval that is good for one.
    pub used: Option<Use>,
    /// That it was taken back.
    pub withdrawn: Option<Withdrawal>,
    /// The places where the document of the newest revision was found after it was accepted, the last one at the
    /// end.
    pub found: Vec<Location>,
    /// The answer about the newest revision that could not be delivered.
    pub undelivered: Option<Undelivered>,
    /// The last revision whose time for an answer passed, and by which entry.
    pub timed_out: Option<TimedOut>,
    /// Who is asked about the newest revision; `None` until policy has looked at it.
    pub routing: Option<Routing>,
    /// Who took it.
    pub claim: Option<Claim>,
    /// Until when it is put off.
    pub snoozed: Option<Snooze>,
    /// What was asked of whom, oldest first.
    pub moves: Vec<Move>,
    /// How long each revision took; the first is that of revision 1.
    pub service: Vec<Service>,
    /// The hops from agent to agent; the first is number 1.
    pub hops: Vec<Hop>,
    /// Where a person was asked instead of an agent, oldest first.
    pub stops: Vec<Stop>,
    /// Through whom the task came to the agent that holds it, that agent last; `None` before any hop.
    pub holding: Option<Vec<Link>>,
}

/// That the checks of a revision are over.
#[derive(Clone, Debug)]
pub struct CardChecks {
    /// The entry.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What they found.
    pub checked: Checked,
}

impl Card {
    /// What the checks of `revision` found; `None` without any, and before they are over.
    pub fn checked(&self, revision: u32) -> Option<&Checked> {
        self.checks.get(&revision).map(|known| &known.checked)
    }

    /// Whether checks of the revision that waits are not over.
    pub fn is_unchecked(&self) -> bool {
        let accepted = &self.newest().accepted;
        matches!(self.state, HandoffState::Waiting { .. })
            && !accepted.checks.is_empty()
            && !self.checks.contains_key(&accepted.revision)
    }

    /// Whether one of these checks has to pass first.
    pub fn must_pass_first(&self) -> bool {
        let owed = &self.newest().accepted.checks;
        self.is_unchecked() && owed.iter().any(|one| one.on_failure.is_required())
    }

    /// The agent that the revision which waits was addressed to and was not offered to, since its checks came
    /// first.
    pub fn owed_hop(&self) -> Option<&str> {
        let accepted = &self.newest().accepted;
        let HandoffState::Waiting { revision } = self.state else {
            return None;
        };
        let is_seen_to = self.hops.iter().any(|hop| hop.offered.revision == revision)
            || self
                .stops
                .iter()
                .any(|stop| stop.stopped.revision == revision);
        let to = accepted.to_agent.as_deref()?;
        (accepted.is_hop_owed && !is_seen_to).then_some(to)
    }

    /// The hop whose result waits for policy: its receiver is done, and nothing says yet whether a person looks first.
    pub fn owed_result(&self) -> Option<&Hop> {
        let is_with_agent = matches!(self.state, HandoffState::WithAgent { .. });
        let in_review = self
            .hops
            .iter()
            .rfind(|hop| hop.stage == HopStage::InReview);
        in_review.filter(|_| is_with_agent)
    }

    /// When the time for an answer to `revision` was over, if that was noticed.
    pub fn timed_out_at(&self, revision: u32) -> Option<Timestamp> {
        let noticed = self
            .timed_out
            .filter(|noticed| noticed.revision == revision);
        noticed.map(|noticed| noticed.over)
    }

    /// The newest revision. A card is made by its first one, so there always is one.
    pub fn newest(&self) -> &Arc<Revision> {
        &self.revisions[self.revisions.len() - 1]
    }

    /// The revision of that number.
    pub fn revision(&self, number: u32) -> Option<&Arc<Revision>> {
        self.revisions
            .get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// The decision about the revision of that number.
    pub fn decision(&self, revision: u32) -> Option<&CardDecision> {
        self.decisions
            .iter()
            .rfind(|decision| decision.decided.revision == revision)
    }
}

/// That approved work was found to be other than approved.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Its entry.
    pub seq: u64,
    /// When it was found.
    pub at: Timestamp,
    /// What was found.
    pub violated: Violated,
    /// The entry that says that it was put right, when it was.
    pub restored: Option<(u64, Timestamp, Restored)>,
}

/// A delivery that was refused.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Its entry.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Where it lies.
    pub location: Location,
    /// Digest of the refused bytes, when they could be read.
    pub sha256: Option<Digest>,
    /// Why.
    pub kind: ProblemKind,
    /// In detail.
    pub violations: Vec<problem::Violation>,
}

/// A version of a checkpoint that is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its entry.
    pub seq: u64,
    /// When it was kept.
    pub at: Timestamp,
    /// What it says.
    pub saved: CheckpointSaved,
}

/// An agent at work, as its checkpoints tell.
#[derive(Clone, Debug)]
pub struct Track {
    /// All versions, oldest first; never empty.
    pub versions: Vec<Arc<Kept>>,
    /// The silences that were noticed: entry, time, and whether the process was gone.
    pub silences: Vec<(u64, Timestamp, bool)>,
    /// Whether nothing more is expected: it said so, it handed over, or its silence became a card.
    pub over: bool,
}

impl Track {
    /// The newest version.
    pub fn last(&self) -> &Arc<Kept> {
        &self.versions[self.versions.len() - 1]
    }
}

/// The delivery that a key was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// The card.
    pub handoff: HandoffId,
    /// The revision.
    pub revision: u32,
    /// The bytes.
    pub manifest_sha256: Digest,
}

/// A moment that got a name.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Its entry.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who set it.
    pub actor: Actor,
    /// What it says.
    pub marked: Marked,
}

/// Most marks that agents set in a workspace within 24 hours.
pub const MAX_AGENT_MARKS: usize = 500;
/// Time for which a mark counts.
pub(super) const MARKS_WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// When a person was last at work. Things done within half an hour of each other are one sitting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sittings {
    /// The last entry of the sitting before the newest one.
    pub earlier: Option<u64>,
    /// The last entry of the newest one.
    pub newest: u64,
    /// Its time.
    pub newest_at: Timestamp,
}

/// The pause that ends a sitting.
const SITTING: jiff::SignedDuration = jiff::SignedDuration::from_mins(30);

impl Sittings {
    /// The end of the last sitting before the one of `now`.
    pub fn last_visit(&self, now: Timestamp) -> Option<u64> {
        if now.duration_since(self.newest_at) > SITTING {
            Some(self.newest)
        } else {
            self.earlier
        }
    }

    pub(super) fn step(&mut self, seq: u64, at: Timestamp) {
        if at.duration_since(self.newest_at) > SITTING {
            self.earlier = Some(self.newest);
        }
        (self.newest, self.newest_at) = (seq, at);
    }
}

/// A bearer token of an agent.
#[derive(Clone, Debug)]
pub struct Token {
    /// Its public id.
    pub id: String,
    /// Digest of its secret.
    pub secret_sha256: Digest,
    /// The agent.
    pub agent: String,
    /// The workspaces it reaches.
    pub workspaces: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// After which it is refused.
    pub expires: Option<Timestamp>,
    /// Whether it was taken back.
    pub revoked: bool,
}

/// A search that a person keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSearch {
    /// When it was kept.
    pub at: Timestamp,
    /// Its canonical query.
    pub query: String,
}
