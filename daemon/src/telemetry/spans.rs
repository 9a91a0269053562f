//! Which spans end with an entry. Pure: the state and an entry in, whole spans out.

use countersign_protocol::{
    HandoffId,
    chain::Body,
    event::{Accepted, Event},
    principal::Actor,
    state::HandoffState,
    trace::{SpanId, TraceContext, TraceId},
    transfer::{AnswerKind, Phase},
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    ledger::{Card, CardDecision, Hop, HopStage, State},
    message::Ended,
};

/// What part a span plays, as OpenTelemetry says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A step of ours.
    Internal,
    /// Work that somebody handed to us, or that somebody else does.
    Consumer,
    /// Something we send.
    Producer,
}

/// A step that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Which step.
    pub name: &'static str,
    /// What part it plays.
    pub kind: Kind,
    /// Its trace.
    pub trace: TraceId,
    /// Its id, which follows from the facts.
    pub id: SpanId,
    /// The span that it is a part of.
    pub parent: Option<SpanId>,
    /// When it began.
    pub start: Timestamp,
    /// When it was over.
    pub end: Timestamp,
    /// Names, numbers and codes; never words of an agent or a person.
    pub attributes: Vec<(&'static str, String)>,
    /// Why it came to nothing.
    pub failed: Option<String>,
}

/// The spans that end with an entry.
pub fn ended(state: &State, body: &Body) -> Vec<Span> {
    let card = body.event.handoff().and_then(|id| state.card(id));
    let Some(card) = card else {
        return Vec::new();
    };
    let mut story = Story {
        card,
        body,
        spans: Vec::new(),
    };
    story.tell();
    story.spans
}

/// The span of a message that is no longer tried.
pub fn notified(state: &State, message: &Ended) -> Option<Span> {
    let card = state.card(message.handoff?)?;
    let accepted = &card.revision(message.revision)?.accepted;
    let trace = accepted.trace?;
    Some(Span {
        name: "notify",
        kind: Kind::Producer,
        trace: trace.trace,
        id: message.span(trace),
        parent: Some(trace.revision(card.id, message.revision)),
        start: message.since,
        end: message.at,
        attributes: vec![
            ("countersign.handoff", card.id.to_string()),
            ("countersign.revision", message.revision.to_string()),
            ("countersign.workspace", card.workspace.clone()),
            ("countersign.receiver", message.receiver.clone()),
            ("countersign.kind", message.kind.clone()),
            ("countersign.attempts", message.tried.to_string()),
        ],
        failed: message.failed.clone(),
    })
}

/// An entry and the card that it is about.
struct Story<'a> {
    card: &'a Card,
    body: &'a Body,
    spans: Vec<Span>,
}

/// Where a span hangs.
#[derive(Clone, Copy)]
struct Place {
    trace: TraceContext,
    id: HandoffId,
    parent: Option<SpanId>,
}

impl Place {
    fn span(self, name: &'static str, number: u64, (start, end): (Timestamp, Timestamp)) -> Span {
        Span {
            name,
            kind: Kind::Internal,
            trace: self.trace.trace,
            id: self.trace.span(name, self.id, number),
            parent: self.parent,
            start: start.min(end),
            end,
            attributes: Vec::new(),
            failed: None,
        }
    }
}

impl Span {
    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    fn failing(self, failed: Option<String>) -> Self {
        Self { failed, ..self }
    }
}

impl Story<'_> {
    fn tell(&mut self) {
        let at = self.body.at;
        match &self.body.event {
            Event::Accepted(accepted) => {
                self.way(accepted);
                self.revision_over(accepted.revision - 1, "superseded");
            }
            Event::Routed(routed) => {
                if let Some((place, accepted_at)) = self.revision(routed.revision) {
                    let span = place.span("route", self.body.seq, (accepted_at, at));
                    self.add(span.with("countersign.rule", &routed.rule));
                }
            }
            Event::Decided(decided) => {
                self.answered_by_person(decided.revision);
                self.revision_over(decided.revision, decided.outcome.word());
                self.hops_over(u32::MAX);
            }
            Event::Withdrawn { revision, .. } => {
                self.revision_over(*revision, "withdrawn");
                self.hops_over(u32::MAX);
            }
            Event::Delivered {
                revision, decision, ..
            } => {
                let mut decisions = self.card.decisions.iter();
                let decided = decisions.find(|one| one.seq == *decision);
                // Copies of the handoff get the answer again; the step ends with the first.
                let is_first = |one: &&CardDecision| {
                    one.delivered
                        .as_ref()
                        .is_none_or(|known| known.seq == self.body.seq)
                };
                let decided = decided.filter(is_first);
                if let (Some((place, _)), Some(decided)) = (self.revision(*revision), decided) {
                    self.add(place.span("deliver", *decision, (decided.at, at)));
                }
            }
            Event::Offered(offered) => self.hops_over(offered.hop),
            Event::PackageDelivered { hop, .. } => {
                if let Some((place, hop)) = self.in_hop(*hop) {
                    self.add(place.span("deliver", hop.seq, (hop.at, at)));
                }
            }
            Event::HopResolved { hop, .. } => self.hop_over(*hop, "completed", None),
            Event::HopTimedOut(overdue) => {
                if overdue.phase == Phase::Acknowledge {
                    self.acknowledged(overdue.hop, "timed_out");
                }
                let failed = Some("it did not answer in time".to_owned());
                self.hop_over(overdue.hop, "timed_out", failed);
            }
            _ => self.receiver_said(),
        }
    }

    /// What a receiver says ends the time it had for that; some answers end the hop.
    fn receiver_said(&mut self) {
        let Some(answered) = self.body.event.answered() else {
            return;
        };
        let word = answered.answer.name();
        let Some(hop) = self.card.hop(answered.hop) else {
            return;
        };
        let mut answers = hop.answers.iter();
        let first = answers.find(|one| one.answered.answer != AnswerKind::Queue);
        if first.is_some_and(|first| first.seq == self.body.seq) {
            self.acknowledged(answered.hop, word);
        }
        let reason = || {
            let reason = answered
                .reason
                .map(countersign_protocol::transfer::Reason::name);
            Some(reason.unwrap_or(word).to_owned())
        };
        match answered.answer {
            AnswerKind::Accept | AnswerKind::Queue | AnswerKind::Progress => return,
            AnswerKind::Complete | AnswerKind::AlreadyDone => {
                self.hop_over(answered.hop, word, None);
            }
            AnswerKind::Decline | AnswerKind::Duplicate | AnswerKind::Fail => {
                self.hop_over(answered.hop, word, reason());
            }
        }
        // The last receiver is done, and with it the whole task.
        if matches!(self.card.state, HandoffState::Closed { at, .. } if at == self.body.at) {
            self.revision_over(self.card.newest().accepted.revision, "completed");
        }
    }

    /// A revision with its span as parent, and when it was accepted.
    fn revision(&self, revision: u32) -> Option<(Place, Timestamp)> {
        let found = self.card.revision(revision)?;
        let trace = found.accepted.trace?;
        let id = self.card.id;
        let parent = Some(trace.revision(id, revision));
        Some((Place { trace, id, parent }, found.at))
    }

    /// The steps of a file to the ledger.
    fn way(&mut self, accepted: &Accepted) {
        let (Some((place, at)), Some(steps)) = (self.revision(accepted.revision), accepted.steps)
        else {
            return;
        };
        let after = |micros: u64| {
            let span = SignedDuration::from_micros(i64::try_from(micros).unwrap_or(i64::MAX));
            let reached = steps.heard.checked_add(span);
            reached.unwrap_or(at).min(at)
        };
        let mut from = steps.heard.min(at);
        for (name, until) in [
            ("watch", after(steps.looked)),
            ("settle", after(steps.settled)),
            ("validate", after(steps.validated)),
            ("seal", after(steps.sealed)),
            ("record", at),
        ] {
            let span = place.span(name, u64::from(accepted.revision), (from, until));
            let span = match name {
                "seal" => span.with("countersign.files", accepted.manifest.entries.len()),
                "validate" => match &accepted.contract {
                    Some(contract) => span.with("countersign.contract", contract),
                    None => span,
                },
                _ => span,
            };
            self.add(span);
            from = until;
        }
    }

    /// A decision: how long a person was waited for, and how long they had it open.
    fn answered_by_person(&mut self, revision: u32) {
        let Some((place, accepted_at)) = self.revision(revision) else {
            return;
        };
        let at = self.body.at;
        let service = usize::try_from(revision).ok().and_then(|number| {
            let at = number.checked_sub(1)?;
            self.card.service.get(at)
        });
        let is_person = matches!(self.body.actor, Actor::Person { .. });
        let number = self.body.seq;
        if let Some(seen) = service.and_then(|service| service.seen)
            && is_person
            && seen <= at
        {
            self.add(place.span("review", number, (seen, at)));
        }
        let asked = service.and_then(|service| service.routed);
        let by = match &self.body.actor {
            Actor::Person { .. } => "person",
            Actor::Policy { .. } => "policy",
            Actor::Agent { .. } => "agent",
            Actor::Daemon => "daemon",
        };
        let span = place.span("decide", number, (asked.unwrap_or(accepted_at), at));
        self.add(span.with("countersign.by", by));
    }

    /// The span of a whole revision, from the news of it to its end. It ends once: later entries about it
    /// find it decided.
    fn revision_over(&mut self, revision: u32, outcome: &str) {
        let Some((place, accepted_at)) = self.revision(revision) else {
            return;
        };
        let seq = self.body.seq;
        let decided = self.card.decisions.iter();
        let is_over = decided
            .filter(|one| one.decided.revision == revision)
            .any(|one| one.seq < seq);
        if is_over {
            return;
        }
        let Some(found) = self.card.revision(revision) else {
            return;
        };
        let accepted = &found.accepted;
        let start = accepted.steps.map_or(accepted_at, |steps| steps.heard);
        let span = Span {
            name: "handoff",
            kind: Kind::Consumer,
            trace: place.trace.trace,
            id: place.trace.revision(place.id, revision),
            parent: place.trace.parent,
            start: start.min(accepted_at),
            end: self.body.at,
            attributes: vec![("countersign.agent", accepted.from_agent.clone())],
            failed: None,
        };
        self.add(span.with("countersign.outcome", outcome));
    }

    /// A hop with its span as parent.
    fn in_hop(&self, number: u32) -> Option<(Place, &Hop)> {
        let hop = self.card.hop(number)?;
        let (place, _) = self.revision(hop.offered.revision)?;
        let parent = Some(place.trace.hop(place.id, number));
        Some((Place { parent, ..place }, hop))
    }

    /// The receiver said whether it takes the task, or did not in time.
    fn acknowledged(&mut self, number: u32, word: &str) {
        if let Some((place, hop)) = self.in_hop(number) {
            let start = hop.delivered.as_ref().map_or(hop.at, |(_, at, _)| *at);
            let span = place.span("acknowledge", hop.seq, (start, self.body.at));
            self.add(span.with("countersign.answer", word));
        }
    }

    /// A hop came to an end, and with it the work of its receiver.
    fn hop_over(&mut self, number: u32, outcome: &str, failed: Option<String>) {
        let Some((place, hop)) = self.in_hop(number) else {
            return;
        };
        let (at, offered) = (self.body.at, &hop.offered);
        let taken = hop.taken.filter(|taken| *taken < at);
        let work = taken.map(|taken| {
            let span = place.span("work", hop.seq, (taken, at));
            let span = span.with("countersign.agent", &offered.to);
            span.failing(failed.clone())
        });
        let span = Span {
            name: "hop",
            kind: Kind::Producer,
            trace: place.trace.trace,
            id: place.trace.hop(place.id, number),
            parent: Some(place.trace.revision(place.id, offered.revision)),
            start: hop.at.min(at),
            end: at,
            attributes: vec![
                ("countersign.hop", number.to_string()),
                ("countersign.from", offered.from.clone()),
                ("countersign.to", offered.to.clone()),
                ("countersign.outcome", outcome.to_owned()),
            ],
            failed,
        };
        self.spans.extend(work.map(|work| self.labelled(work)));
        self.add(span);
    }

    /// The hops before `number` that nobody is expected to say anything about any more.
    fn hops_over(&mut self, number: u32) {
        let at = self.body.at;
        let over = |hop: &&Hop| {
            let ended = matches!(hop.stage, HopStage::Withdrawn | HopStage::Returned);
            ended && hop.since == at && hop.offered.hop < number
        };
        let over: Vec<(u32, HopStage)> = self
            .card
            .hops
            .iter()
            .filter(over)
            .map(|hop| (hop.offered.hop, hop.stage))
            .collect();
        for (hop, stage) in over {
            let word = match stage {
                HopStage::Returned => "returned",
                _ => "withdrawn",
            };
            self.hop_over(hop, word, None);
        }
    }

    fn labelled(&self, span: Span) -> Span {
        let span = span
            .with("countersign.handoff", self.card.id)
            .with("countersign.workspace", &self.card.workspace);
        match &self.card.newest().accepted.correlation_id {
            Some(id) => span.with("countersign.correlation_id", id),
            None => span,
        }
    }

    fn add(&mut self, span: Span) {
        let span = self.labelled(span);
        self.spans.push(span);
    }
}
