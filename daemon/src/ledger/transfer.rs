//! The hops of a card from agent to agent, as the entries tell.

use countersign_protocol::{
    Digest, HandoffId,
    chain::Body,
    decision::Outcome,
    event::Event,
    principal::Actor,
    state::HandoffState,
    transfer::{AnswerKind, Answered, Holding, Link, Offered, Overdue, Past, Stopped},
};
use jiff::Timestamp;

use super::{Card, State};

/// How a hop stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HopStage {
    /// Nobody has answered.
    Offered,
    /// The receiver takes it later.
    Queued,
    /// The receiver has it.
    Accepted,
    /// The receiver handed it on.
    HandedOn,
    /// What the receiver handed on came back past it.
    Returned,
    /// The receiver is done, and a person looks at its result before it goes on.
    InReview,
    /// It came to an end.
    Completed,
    /// The receiver did not take it.
    Declined,
    /// The receiver is at it already, under another handoff.
    Duplicate,
    /// The receiver could not bring it to an end.
    Failed,
    /// The receiver did not answer or finish in time.
    TimedOut,
    /// The sender replaced it or took it back, or a person ended it.
    Withdrawn,
}

impl HopStage {
    /// The name, as API and pages show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Queued => "queued",
            Self::Accepted => "accepted",
            Self::HandedOn => "handed_on",
            Self::Returned => "returned",
            Self::InReview => "in_review",
            Self::Completed => "completed",
            Self::Declined => "declined",
            Self::Duplicate => "duplicate",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Whether the receiver is expected to say something.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Offered | Self::Queued | Self::Accepted)
    }

    /// Whether it came to nothing, so that somebody else is next.
    pub fn is_lost(self) -> bool {
        matches!(
            self,
            Self::Declined | Self::Duplicate | Self::Failed | Self::TimedOut
        )
    }
}

/// Something that a receiver said, with the entry that recorded it.
#[derive(Clone, Debug)]
pub struct HopAnswer {
    /// Its entry.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who said so, and how that is known.
    pub actor: Actor,
    /// What.
    pub answered: Answered,
}

/// One hop of a card.
#[derive(Clone, Debug)]
pub struct Hop {
    /// The entry that offered it.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What was offered to whom.
    pub offered: Offered,
    /// Through whom the task came to the sender, the sender last.
    pub sender_chain: Vec<Link>,
    /// How it stands.
    pub stage: HopStage,
    /// Since when.
    pub since: Timestamp,
    /// The entry that says that the package stands in the folder of the receiver, when, and where.
    pub delivered: Option<(u64, Timestamp, String)>,
    /// When the receiver took it.
    pub taken: Option<Timestamp>,
    /// Until when the receiver asked to wait.
    pub wait_until: Option<Timestamp>,
    /// How often the receiver was reminded.
    pub reminders: u32,
    /// Everything that the receiver said.
    pub answers: Vec<HopAnswer>,
    /// Which time passed.
    pub overdue: Option<Overdue>,
    /// The entry that noted it.
    pub overdue_seq: u64,
    /// The later hop with which it came to an end.
    pub resolved_by: Option<u32>,
}

impl Hop {
    /// The place of the receiver in the chain, from 0.
    pub fn depth(&self) -> usize {
        self.offered.chain.len().saturating_sub(1)
    }

    /// The last thing that the receiver said.
    pub fn last_answer(&self) -> Option<&HopAnswer> {
        self.answers.last()
    }

    /// The answer of these bytes.
    pub fn answer_of(&self, document: Digest) -> Option<&HopAnswer> {
        let same = |one: &&HopAnswer| one.answered.manifest.document == document;
        self.answers.iter().find(same)
    }

    /// Who is next to speak, and until when; `None` where nobody is expected to.
    pub fn deadline(&self) -> Option<Timestamp> {
        let within = self.offered.progress_within_seconds;
        let patience = within.and_then(|seconds| i64::try_from(seconds).ok());
        match self.stage {
            HopStage::Offered => Some(self.offered.acknowledge_by),
            HopStage::Queued => self
                .wait_until
                .map(|until| until.max(self.offered.acknowledge_by)),
            HopStage::Accepted => {
                let quiet = patience.and_then(|seconds| {
                    let heard = self.last_answer().map_or(self.since, |answer| answer.at);
                    let heard = heard.max(self.since);
                    heard
                        .checked_add(jiff::SignedDuration::from_secs(seconds))
                        .ok()
                });
                [self.offered.due, quiet].into_iter().flatten().min()
            }
            _ => None,
        }
    }
}

/// That a person is asked instead of an agent, with the entry that recorded it.
#[derive(Clone, Debug)]
pub struct Stop {
    /// Its entry.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Why, and who would have been next.
    pub stopped: Stopped,
    /// Whether a person let go on what was stopped.
    pub is_over: bool,
}

impl Card {
    /// The hop of that number.
    pub fn hop(&self, number: u32) -> Option<&Hop> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.hops.get(at)
    }

    fn hop_mut(&mut self, number: u32) -> Option<&mut Hop> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.hops.get_mut(at)
    }

    /// Why a person is asked about the newest revision instead of an agent.
    pub fn stopped(&self) -> Option<&Stop> {
        let newest = self.newest().accepted.revision;
        let last = self.stops.last()?;
        let is_over = last.is_over || self.hops.last().is_some_and(|hop| hop.seq > last.seq);
        (last.stopped.revision == newest && !is_over).then_some(last)
    }

    /// The hop in whose place a person of this card approved that it is carried out.
    pub fn approved_stop(&self) -> Option<&Stop> {
        let stop = self.stopped()?;
        let decision = self.decision(stop.stopped.revision)?;
        let by_person = matches!(decision.actor, Actor::Person { .. });
        (stop.stopped.why.goes_on_when_approved()
            && decision.decided.outcome == Outcome::Approved
            && by_person)
            .then_some(stop)
    }

    /// The last of the links before the receiver of `hop` to which a result goes, by its place.
    pub fn expecting(hop: &Hop) -> Option<usize> {
        let before = hop.offered.chain.split_last()?.1;
        before.iter().rposition(|link| link.expects)
    }

    /// The hops that come to an end with `hop`, since their receivers handed it on and expect nothing.
    pub fn ended_with(&self, hop: &Hop) -> Vec<u32> {
        let from = Self::expecting(hop).map_or(0, |at| at + 1);
        let ends = |one: &&Hop| {
            one.offered.hop != hop.offered.hop
                && one.stage == HopStage::HandedOn
                && one.depth() >= from
                && one.depth() <= hop.depth()
        };
        self.hops
            .iter()
            .filter(ends)
            .map(|one| one.offered.hop)
            .collect()
    }

    fn offered(&mut self, seq: u64, at: Timestamp, offered: &Offered) {
        let depth = offered.chain.len().saturating_sub(1);
        for hop in &mut self.hops {
            let next = match hop.stage {
                // Its receiver is the one who hands on now.
                HopStage::Accepted | HopStage::HandedOn if hop.depth() > depth => {
                    HopStage::Returned
                }
                HopStage::Accepted => HopStage::HandedOn,
                HopStage::Offered | HopStage::Queued | HopStage::InReview => HopStage::Withdrawn,
                other => other,
            };
            if next != hop.stage {
                (hop.stage, hop.since) = (next, at);
            }
        }
        let start = || Link {
            agent: offered.from.clone(),
            returns_within: None,
            expects: false,
        };
        // Until the receiver takes it, the sender holds it.
        let sender_chain = self.holding.clone().unwrap_or_else(|| vec![start()]);
        self.holding = Some(sender_chain.clone());
        if let Ok(state) = self.state.offered(offered.revision, offered.hop, at) {
            self.state = state;
        }
        self.hops.push(Hop {
            seq,
            at,
            offered: offered.clone(),
            sender_chain,
            stage: HopStage::Offered,
            since: at,
            delivered: None,
            taken: None,
            wait_until: None,
            reminders: 0,
            answers: Vec::new(),
            overdue: None,
            overdue_seq: 0,
            resolved_by: None,
        });
    }

    fn answered(&mut self, seq: u64, at: Timestamp, actor: &Actor, answered: &Answered) {
        let Some(hop) = self.hop_mut(answered.hop) else {
            return;
        };
        hop.answers.push(HopAnswer {
            seq,
            at,
            actor: actor.clone(),
            answered: answered.clone(),
        });
        let before = hop.stage;
        hop.stage = match answered.answer {
            AnswerKind::Accept | AnswerKind::Progress => HopStage::Accepted,
            AnswerKind::Queue => HopStage::Queued,
            AnswerKind::Decline => HopStage::Declined,
            AnswerKind::Duplicate => HopStage::Duplicate,
            AnswerKind::Complete | AnswerKind::AlreadyDone if answered.held => HopStage::InReview,
            AnswerKind::Complete | AnswerKind::AlreadyDone => HopStage::Completed,
            AnswerKind::Fail => HopStage::Failed,
        };
        if hop.stage != before {
            hop.since = at;
        }
        hop.wait_until = answered.until;
        match hop.stage {
            HopStage::Accepted => {
                hop.taken.get_or_insert(at);
                let chain = hop.offered.chain.clone();
                self.holding = Some(chain);
            }
            HopStage::Completed => {
                hop.taken.get_or_insert(at);
                let hop = hop.clone();
                self.completed(&hop, at);
            }
            HopStage::InReview => {
                hop.taken.get_or_insert(at);
                self.holding = Some(hop.sender_chain.clone());
            }
            stage if stage.is_lost() => self.holding = Some(hop.sender_chain.clone()),
            _ => {}
        }
    }

    /// A receiver is done: whoever expects a result has the task again, or it is over.
    fn completed(&mut self, hop: &Hop, at: Timestamp) {
        let revision = self.state.revision();
        let over = HandoffState::Closed {
            revision,
            outcome: Outcome::Completed,
            at,
        };
        let waits =
            |one: &&mut Hop, depth: usize| one.stage == HopStage::HandedOn && one.depth() == depth;
        let expecting = Self::expecting(hop);
        let holder = expecting.and_then(|depth| {
            let mut hops = self.hops.iter_mut().rev();
            hops.find(|one| waits(one, depth))
        });
        let next = if let Some(holder) = holder {
            (holder.stage, holder.since) = (HopStage::Accepted, at);
            self.holding = Some(holder.offered.chain.clone());
            HandoffState::WithAgent {
                revision,
                hop: holder.offered.hop,
                at,
            }
        } else {
            self.holding = None;
            over
        };
        if let Ok(state) = self.state.result_passed(next) {
            self.state = state;
        }
    }

    /// Folds in that a person let the result of the hop `number` through.
    fn result_passed(&mut self, number: u32, at: Timestamp) {
        let Some(hop) = self.hop_mut(number) else {
            return;
        };
        (hop.stage, hop.since) = (HopStage::Completed, at);
        let hop = hop.clone();
        if let Some(stop) = self.stops.last_mut() {
            stop.is_over = true;
        }
        self.completed(&hop, at);
    }

    /// A person, or the sender, ended the card: nobody is expected to say anything any more.
    pub(super) fn end_hops(&mut self, at: Timestamp) {
        for hop in &mut self.hops {
            let waits = matches!(hop.stage, HopStage::HandedOn | HopStage::InReview);
            if hop.stage.is_open() || waits {
                (hop.stage, hop.since) = (HopStage::Withdrawn, at);
            }
        }
        self.holding = None;
    }
}

impl State {
    /// Folds in an entry about a hop.
    pub(super) fn transferred(&mut self, body: &Body) {
        let Some(id) = body.event.handoff() else {
            return;
        };
        let (seq, at) = (body.seq, body.at);
        if let Some(answered) = body.event.answered()
            && let Some(workspace) = self.card(id).map(|card| card.workspace.clone())
        {
            self.holds(&workspace, &answered.manifest);
        }
        self.change(id, |card| match &body.event {
            Event::Offered(offered) => card.offered(seq, at, offered),
            Event::PackageDelivered { hop, folder, .. } => {
                if let Some(hop) = card.hop_mut(*hop) {
                    hop.delivered = Some((seq, at, folder.clone()));
                }
            }
            Event::HopResolved { hop, by, .. } => {
                if let Some(hop) = card.hop_mut(*hop) {
                    (hop.stage, hop.since) = (HopStage::Completed, at);
                    hop.resolved_by = Some(*by);
                }
            }
            Event::ResultPassed { hop, .. } => card.result_passed(*hop, at),
            Event::ReceiverReminded { hop, number, .. } => {
                if let Some(hop) = card.hop_mut(*hop) {
                    hop.reminders = *number;
                }
            }
            Event::HopTimedOut(overdue) => {
                if let Some(hop) = card.hop_mut(overdue.hop) {
                    (hop.stage, hop.since) = (HopStage::TimedOut, at);
                    hop.overdue = Some((**overdue).clone());
                    hop.overdue_seq = seq;
                    let chain = hop.sender_chain.clone();
                    card.holding = Some(chain);
                }
            }
            Event::TaskReturned { revision, .. } => {
                let revision = *revision;
                let next = HandoffState::Returned { revision, at };
                if let Ok(state) = card.state.left_agent(next) {
                    card.state = state;
                }
            }
            Event::HopStopped(stopped) => {
                let revision = stopped.revision;
                if let Ok(state) = card.state.left_agent(HandoffState::Waiting { revision }) {
                    card.state = state;
                    card.routing = None;
                }
                card.stops.push(Stop {
                    seq,
                    at,
                    stopped: (**stopped).clone(),
                    is_over: false,
                });
            }
            event => {
                if let Some(answered) = event.answered() {
                    card.answered(seq, at, &body.actor, answered);
                }
            }
        });
    }

    /// What happened to the task of `card` before, for those who judge its next hop.
    pub fn past(&self, card: Option<&Card>) -> Past {
        let mut past = Past::default();
        let Some(card) = card else { return past };
        let is_open = card.state.takes_revisions() || card.approved_stop().is_some();
        past.holder = card
            .holding
            .clone()
            .filter(|_| is_open)
            .map(|chain| Holding { chain });
        let mut next = Some(card);
        while let Some(card) = next {
            let by_person = card
                .decisions
                .iter()
                .rfind(|decision| matches!(decision.actor, Actor::Person { .. }));
            let since = by_person.map_or(0, |decision| decision.seq);
            for hop in card.hops.iter().filter(|hop| hop.seq > since) {
                let Offered {
                    from,
                    to,
                    work_sha256,
                    handoff,
                    ..
                } = &hop.offered;
                past.visits.push((from.clone(), *work_sha256));
                past.visits.push((to.clone(), *work_sha256));
                past.turns += 1;
                if hop.stage == HopStage::Completed {
                    past.done.push((to.clone(), *work_sha256, *handoff));
                }
            }
            if by_person.is_some() {
                break;
            }
            let before = card
                .revisions
                .first()
                .and_then(|first| first.accepted.follows);
            next = before.and_then(|id| self.card(id)).map(|card| &**card);
        }
        past
    }

    /// The cards that are with an agent, oldest first.
    pub fn with_agents(&self) -> impl Iterator<Item = &std::sync::Arc<Card>> {
        self.with_agents.iter().filter_map(|id| self.card(*id))
    }

    /// The cards of which a person approved that a hop is carried out.
    pub fn approved_hops(&self) -> impl Iterator<Item = HandoffId> {
        self.approved_hops.iter().copied()
    }
}
