//! Who is asked about a card, as the entries tell.

use countersign_protocol::{
    chain::Body,
    event::Event,
    principal::Actor,
    routing::{Asked, Routed, Step, Stepped},
};
use jiff::Timestamp;

use super::{Card, State};

/// Who is asked about the newest revision, and how far its ladder was climbed.
#[derive(Clone, Debug)]
pub struct Routing {
    /// The entry of the routing.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What was found.
    pub routed: Routed,
    /// Who is asked now, after steps and people moved it on.
    pub asked: Vec<Asked>,
    /// Steps that were taken: entry and time, in order.
    pub taken: Vec<(u64, Timestamp)>,
    /// The entry that put it among the dead letters, and when.
    pub dead: Option<(u64, Timestamp)>,
}

impl Routing {
    /// The next step that nobody has taken, with its place.
    pub fn next_step(&self) -> Option<(u32, &Step)> {
        let at = self.taken.len();
        let step = self.routed.ladder.get(at)?;
        Some((u32::try_from(at).ok()?, step))
    }

    /// Whether `target` is asked.
    pub fn asks(&self, target: &str) -> bool {
        self.asked.iter().any(|one| one.target == target)
    }

    fn ask_as_well(&mut self, more: &[Asked]) {
        for one in more {
            if !self.asked.contains(one) {
                self.asked.push(one.clone());
            }
        }
    }
}

/// Who took a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The entry.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Id of the person.
    pub person: String,
    /// The name for others.
    pub display: String,
}

/// Until when a card is put off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snooze {
    /// The entry.
    pub seq: u64,
    /// It comes back then.
    pub until: Timestamp,
    /// Id of the person who put it off.
    pub person: String,
    /// The name for others.
    pub display: String,
}

/// Something that changed who is asked.
#[derive(Clone, Debug)]
pub struct Move {
    /// The entry.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub event: Event,
}

/// How long the answer to one revision took, for reports on what was promised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// When it was handed over.
    pub handed_over: Timestamp,
    /// When it was known who is asked.
    pub routed: Option<Timestamp>,
    /// When an answer was due.
    pub due: Option<Timestamp>,
    /// When a person first opened it.
    pub seen: Option<Timestamp>,
    /// When a person first took it.
    pub claimed: Option<Timestamp>,
    /// When it was decided.
    pub decided: Option<Timestamp>,
    /// Steps of the ladder that were taken.
    pub steps: u32,
}

impl Service {
    /// Whether the answer came late, or is late at `now`.
    pub fn is_late(&self, now: Timestamp) -> bool {
        self.due
            .is_some_and(|due| self.decided.unwrap_or(now) > due)
    }
}

impl Card {
    /// What is measured of the newest revision.
    fn service_mut(&mut self) -> Option<&mut Service> {
        self.service.last_mut()
    }

    /// A person opened it.
    pub(super) fn was_seen(&mut self, at: Timestamp) {
        if let Some(service) = self.service_mut() {
            service.seen.get_or_insert(at);
        }
    }

    /// It was decided.
    pub(super) fn was_decided(&mut self, at: Timestamp) {
        if let Some(service) = self.service_mut() {
            service.decided.get_or_insert(at);
        }
    }

    /// A revision came: nobody is asked about it yet, and what was put off is back. Who took the card
    /// keeps it.
    pub(super) fn was_handed_over(&mut self, at: Timestamp, due: Option<Timestamp>) {
        self.routing = None;
        // They were about the bytes from before.
        self.votes.clear();
        self.came_back.clear();
        self.snoozed = None;
        self.service.push(Service {
            handed_over: at,
            due,
            ..Service::default()
        });
    }
}

impl State {
    /// Folds in an entry about who is asked.
    pub(super) fn asked(&mut self, body: &Body) {
        let Some(id) = body.event.handoff() else {
            return;
        };
        let (seq, at) = (body.seq, body.at);
        self.change(id, |card| {
            match &body.event {
                Event::Routed(routed) => card.routed(seq, at, routed),
                Event::Reminded(step) => card.stepped(seq, at, step, |_| {}),
                Event::Reassigned(step) => card.stepped(seq, at, step, |routing| {
                    routing.asked.clone_from(&step.asked);
                }),
                Event::Escalated(step) => card.stepped(seq, at, step, |routing| {
                    routing.ask_as_well(&step.asked);
                }),
                Event::Expired(step) => card.stepped(seq, at, step, |_| {}),
                Event::DeadLettered(step) => card.stepped(seq, at, step, |routing| {
                    routing.dead = Some((seq, at));
                }),
                Event::Redriven { .. } => card.routing = None,
                Event::Assigned(assigned) => {
                    if let Some(routing) = &mut card.routing {
                        if assigned.beside {
                            routing.ask_as_well(&assigned.asked);
                        } else {
                            routing.asked.clone_from(&assigned.asked);
                        }
                    }
                    card.claim = None;
                    card.snoozed = None;
                }
                Event::Rescheduled {
                    since, due, steps, ..
                } => card.rescheduled(*since, *due, steps),
                Event::Claimed { .. } => {
                    if let Actor::Person { id, display, .. } = &body.actor {
                        card.claim = Some(Claim {
                            seq,
                            at,
                            person: id.clone(),
                            display: display.clone(),
                        });
                        card.snoozed = None;
                    }
                    if let Some(service) = card.service_mut() {
                        service.claimed.get_or_insert(at);
                    }
                }
                Event::Unclaimed { .. } => card.claim = None,
                Event::Snoozed { until, .. } => {
                    if let Actor::Person { id, display, .. } = &body.actor {
                        card.snoozed = Some(Snooze {
                            seq,
                            until: *until,
                            person: id.clone(),
                            display: display.clone(),
                        });
                    }
                }
                _ => {}
            }
            card.moves.push(Move {
                seq,
                at,
                actor: body.actor.clone(),
                event: body.event.clone(),
            });
        });
    }
}

impl Card {
    fn routed(&mut self, seq: u64, at: Timestamp, routed: &Routed) {
        if let Some(service) = self.service_mut() {
            service.routed.get_or_insert(at);
            service.due = routed.due;
        }
        self.routing = Some(Routing {
            seq,
            at,
            routed: routed.clone(),
            asked: routed.asked.clone(),
            taken: Vec::new(),
            dead: None,
        });
    }

    /// A step counts only when it is the next one of the ladder that it belongs to.
    fn stepped(
        &mut self,
        seq: u64,
        at: Timestamp,
        step: &Stepped,
        change: impl FnOnce(&mut Routing),
    ) {
        let Some(routing) = &mut self.routing else {
            return;
        };
        if routing.routed.revision != step.revision
            || usize::try_from(step.step) != Ok(routing.taken.len())
        {
            return;
        }
        routing.taken.push((seq, at));
        change(routing);
        if let Some(service) = self.service_mut() {
            service.steps += 1;
        }
    }

    fn rescheduled(&mut self, since: Timestamp, due: Option<Timestamp>, steps: &[Timestamp]) {
        let Some(routing) = &mut self.routing else {
            return;
        };
        routing.routed.since = since;
        routing.routed.due = due;
        for (step, at) in routing.routed.ladder.iter_mut().zip(steps) {
            step.at = *at;
        }
        if let Some(service) = self.service_mut() {
            service.due = due;
        }
    }
}
