//! What follows when a receiver does not take a task, does not bring it to an end, or says nothing: the
//! fallback of the handoff, else its sender or a person. And what a person approved is carried out.

use std::{convert::Infallible, sync::Arc};

use countersign_protocol::{
    decision::Outcome,
    event::Event,
    fallback::{Action, Fallback},
    principal::Actor,
    transfer::{
        Mesh, Mode, Overdue, Phase, Proposal, Stopped, Verdict, Why, judge, stricter, work_digest,
    },
};
use jiff::Timestamp;
use serde_json::Value;

use super::{
    Stage, StageError,
    line::{Line, PassedOver},
};
use crate::{
    fault,
    ledger::{Card, Draft, Hop, HopStage, State},
    policy::work::Work,
    workspace::Settings,
};

/// Cards that are looked at in one transaction.
const TOGETHER: usize = 64;

/// What a card waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Its last hop came to nothing.
    After,
    /// A person approved that it is carried out.
    Approved,
    /// Its document names an agent, and its checks are over.
    Owed,
    /// A receiver is done, and triggers have not looked at its result.
    Result,
}

impl Stage {
    /// Sees to hops that came to nothing, and carries out those that a person approved.
    pub(super) async fn go_on(&self) -> Result<(), StageError> {
        loop {
            let cards: Vec<(Arc<Card>, Next)> = {
                let state = self.inner.ledger.state();
                let lost = state
                    .lost_hops()
                    .map(|card| (Arc::clone(card), Next::After));
                let approved = state
                    .approved_hops()
                    .filter_map(|id| Some((Arc::clone(state.card(id)?), Next::Approved)));
                let owed = state.owed_hops().map(|card| (Arc::clone(card), Next::Owed));
                let results = state
                    .owed_results()
                    .map(|card| (Arc::clone(card), Next::Result));
                let all = lost.chain(approved).chain(owed).chain(results);
                all.take(TOGETHER).collect()
            };
            if cards.is_empty() {
                return Ok(());
            }
            let now = self.inner.clock.now();
            let (cards, steps): (Vec<Arc<Card>>, Vec<Next>) = cards.into_iter().unzip();
            let mut works = self.works_of(&cards).await?;
            for ((card, next), work) in cards.iter().zip(&steps).zip(&mut works) {
                if *next == Next::Result
                    && let Some(result) = self.result_of(card).await?
                {
                    *work = result;
                }
            }
            let planned = self.plans(&cards, works, now).await?;
            let looked_at: Vec<_> = cards
                .into_iter()
                .zip(steps)
                .zip(planned)
                .map(|((card, next), (plan, work))| {
                    let settings = self.settings_of(&card);
                    let hold = match next {
                        Next::Result => plan.hold_result,
                        _ => plan.hold,
                    };
                    (card.id, next, work, hold, settings)
                })
                .collect();
            let recorded = self.inner.ledger.transact(move |state, _| {
                let events = looked_at
                    .iter()
                    .flat_map(|(id, next, work, hold, settings)| {
                        let scene = |card| Scene {
                            state,
                            card,
                            work,
                            hold: hold.as_deref(),
                            settings,
                            now,
                        };
                        let card = state.card(*id);
                        card.map_or_else(Vec::new, |card| scene(card).follow(*next))
                    });
                let events: Vec<_> = events.collect();
                Ok::<_, Infallible>(Draft::of(events, ()))
            });
            let ((), entries) = recorded.await?;
            fault::step("policy.after_hop");
            if entries.is_empty() {
                return Ok(());
            }
        }
    }

    pub(super) fn settings_of(&self, card: &Card) -> Settings {
        let workspace = self.inner.workspaces.get(&card.workspace);
        workspace.map_or_else(Settings::default, |workspace| workspace.settings.clone())
    }

    /// Reminds receivers, and notes whose time is over.
    pub(super) async fn look_at_hops(&self) -> Result<(), StageError> {
        let now = self.inner.clock.now();
        let events: Vec<(Actor, Event)> = {
            let state = self.inner.ledger.state();
            state
                .hops_due(now)
                .filter_map(|card| card.open_hop())
                .filter_map(|hop| due(hop, now))
                .map(|event| (Actor::Daemon, event))
                .collect()
        };
        if events.is_empty() {
            return Ok(());
        }
        let recorded = self.inner.ledger.transact(move |state, _| {
            // Somebody may have answered meanwhile.
            let still = events.into_iter().filter(|(_, event)| {
                let hop = match event {
                    Event::HopTimedOut(overdue) => overdue.hop,
                    Event::ReceiverReminded { hop, .. } => *hop,
                    _ => return false,
                };
                let card = event.handoff().and_then(|id| state.card(id));
                let hop = card.and_then(|card| card.hop(hop));
                hop.and_then(|hop| due(hop, now)).as_ref() == Some(event)
            });
            Ok::<_, Infallible>(Draft::of(still.collect(), ()))
        });
        recorded.await?;
        self.go_on().await
    }
}

/// What is due for an open hop at `now`.
fn due(hop: &Hop, now: Timestamp) -> Option<Event> {
    let offered = &hop.offered;
    if let Some(over) = hop.deadline().filter(|over| *over <= now) {
        let phase = match hop.stage {
            HopStage::Accepted => Phase::Complete,
            _ => Phase::Acknowledge,
        };
        return Some(Event::HopTimedOut(Box::new(Overdue {
            handoff: offered.handoff,
            hop: offered.hop,
            phase,
            over,
        })));
    }
    let sent = usize::try_from(hop.reminders).unwrap_or(usize::MAX);
    let next = offered.remind_at.get(sent)?;
    (hop.stage == HopStage::Offered && *next <= now).then(|| Event::ReceiverReminded {
        handoff: offered.handoff,
        hop: offered.hop,
        number: hop.reminders + 1,
    })
}

/// A card with everything that is asked of it.
pub(super) struct Scene<'a> {
    pub(super) state: &'a State,
    pub(super) card: &'a Card,
    pub(super) work: &'a Work,
    /// Why a person decides before an agent gets the work.
    pub(super) hold: Option<&'a str>,
    pub(super) settings: &'a Settings,
    pub(super) now: Timestamp,
}

impl Scene<'_> {
    /// Returns the facts that follow for the card as it is now; none where it changed since it was looked at.
    fn follow(&self, next: Next) -> Vec<(Actor, Event)> {
        let card = self.card;
        if next == Next::Result {
            return self.result_looked_at();
        }
        if card.newest().accepted.manifest_sha256 != self.work.accepted.manifest_sha256 {
            return Vec::new();
        }
        match next {
            Next::After => match card.hops.last().filter(|_| card.is_lost()) {
                Some(hop) => self.after(hop),
                None => Vec::new(),
            },
            Next::Approved => match card.approved_stop() {
                Some(stop) if stop.stopped.why == Why::UnsureResult => self.result_passed(),
                Some(stop) => self.approved(&stop.stopped.to),
                None => Vec::new(),
            },
            Next::Owed => match card.owed_hop() {
                Some(to) => vec![(Actor::Daemon, self.stated(to))],
                None => Vec::new(),
            },
            Next::Result => Vec::new(),
        }
    }

    /// Returns the facts that follow on the result that policy looked at.
    fn result_looked_at(&self) -> Vec<(Actor, Event)> {
        let same = |hop: &&Hop| {
            let last = hop
                .last_answer()
                .map(|answer| answer.answered.manifest.document);
            last == Some(self.work.accepted.manifest.document)
        };
        let Some(hop) = self.card.owed_result().filter(same) else {
            return Vec::new();
        };
        let offered = &hop.offered;
        match self.hold {
            None => self.result_passed(),
            Some(why) => {
                let stopped = Stopped {
                    handoff: self.card.id,
                    revision: offered.revision,
                    why: Why::UnsureResult,
                    text: format!("`{}` is done. {why}", offered.to),
                    to: offered.to.clone(),
                    work_sha256: offered.work_sha256,
                };
                vec![(Actor::Daemon, Event::HopStopped(Box::new(stopped)))]
            }
        }
    }

    /// Returns the fact that a person is asked instead of `to`, where policy says so and no person has approved
    /// this revision already.
    fn held(&self, to: &str) -> Option<Event> {
        let hold = self.hold?;
        let revision = self.work.accepted.revision;
        let approved = self.card.decision(revision).is_some_and(|decision| {
            decision.decided.outcome == Outcome::Approved
                && matches!(decision.actor, Actor::Person { .. })
        });
        (!approved).then(|| {
            let files = &self.work.accepted.manifest.entries;
            let work = work_digest(&self.work.document, files);
            self.stop(Why::Policy, hold.to_owned(), to, work)
        })
    }

    /// Returns the fact that follows where a rule hands the card to the agents of `line`.
    pub(super) fn by_rule(&self, line: &Line<'_>) -> Event {
        self.held(line.first_agent())
            .unwrap_or_else(|| self.along(line, Vec::new()))
    }

    /// Returns the facts that let the result of the last hop through.
    fn result_passed(&self) -> Vec<(Actor, Event)> {
        let in_review = |hop: &&Hop| hop.stage == HopStage::InReview;
        let Some(hop) = self.card.hops.iter().rfind(in_review) else {
            return Vec::new();
        };
        let (handoff, number) = (self.card.id, hop.offered.hop);
        let mut events = vec![Event::ResultPassed {
            handoff,
            hop: number,
        }];
        let earlier = self.card.ended_with(hop).into_iter();
        events.extend(earlier.map(|hop| Event::HopResolved {
            handoff,
            hop,
            by: number,
        }));
        events
            .into_iter()
            .map(|event| (Actor::Daemon, event))
            .collect()
    }

    pub(super) fn class(&self) -> &str {
        let stated = self.work.document.get("classification");
        stricter(&self.settings.class, stated.and_then(Value::as_str))
    }

    /// Judges a hop to `to`; gives the fact that offers it, or why not.
    fn offer(
        &self,
        mesh: &Mesh,
        (from, to): (&str, &str),
        by: &str,
        fallback: Option<&Fallback>,
    ) -> Result<Event, (Why, String)> {
        let accepted = &self.work.accepted;
        let class = self.class();
        let proposal = Proposal::of(accepted, &self.work.document, (from, to), class, self.now);
        match judge(mesh, &self.state.past(Some(self.card)), &proposal) {
            Verdict::Go(go) => {
                let number = u32::try_from(self.card.hops.len() + 1).unwrap_or(u32::MAX);
                let offered = proposal.offered(mesh, go, accepted, (number, by), fallback);
                Ok(Event::Offered(Box::new(offered)))
            }
            Verdict::Ask(why, text) => Err((why, text)),
            Verdict::Refuse(refusal) => {
                let first = refusal.violations.first();
                let text = first.map_or_else(|| refusal.to_string(), |one| one.message.clone());
                Err((Why::Declined, text))
            }
        }
    }

    pub(super) fn stop(
        &self,
        why: Why,
        text: String,
        to: &str,
        work: countersign_protocol::Digest,
    ) -> Event {
        Event::HopStopped(Box::new(Stopped {
            handoff: self.card.id,
            revision: self.work.accepted.revision,
            why,
            text,
            to: to.to_owned(),
            work_sha256: work,
        }))
    }

    /// What follows after a hop that came to nothing.
    fn after(&self, hop: &Hop) -> Vec<(Actor, Event)> {
        let offered = &hop.offered;
        let (why, text) = match hop.stage {
            HopStage::TimedOut => {
                let phase = hop.overdue.as_ref().map(|overdue| overdue.phase);
                let what = match phase {
                    Some(Phase::Complete) => "did not finish in time",
                    _ => "did not answer in time",
                };
                (Why::TimedOut, format!("`{}` {what}", offered.to))
            }
            HopStage::Failed => (Why::Failed, said(hop, "gave it up")),
            _ => (Why::Declined, said(hop, "declined it")),
        };
        let fallback = Fallback::of(&self.work.document);
        // Who is at it already needs no help from others.
        let fallback = fallback.filter(|_| hop.stage != HopStage::Duplicate);
        let actor = Actor::Daemon;
        let routed = self.card.routing.as_ref().map(|routing| &routing.routed);
        let line = routed.and_then(Line::of);
        let line = line.filter(|line| {
            hop.stage != HopStage::Duplicate && line.by() == offered.by && line.is_several()
        });
        if let Some(line) = line {
            let rule = line.rule().to_owned();
            let event = self.held(line.first_agent()).unwrap_or_else(|| {
                self.along(&line, vec![PassedOver::new(&offered.to, why, text)])
            });
            return vec![(Actor::Policy { rule }, event)];
        }
        match &fallback {
            None if why == Why::Declined => {
                let returned = Event::TaskReturned {
                    handoff: self.card.id,
                    hop: offered.hop,
                    revision: self.card.state.revision(),
                };
                vec![(actor, returned)]
            }
            Some(fallback) if fallback.action == Action::Reroute => {
                let mesh = &self.settings.mesh;
                let to = fallback.to.as_deref().and_then(|to| mesh.find(to));
                let next = to.filter(|to| mesh.canonical(&offered.to) != to.id);
                let Some(next) = next else {
                    return vec![(
                        actor,
                        self.stop(why, text, &offered.to, offered.work_sha256),
                    )];
                };
                if let Some(stop) = self.held(&next.id) {
                    return vec![(actor, stop)];
                }
                let ends = (offered.from.as_str(), next.id.as_str());
                match self.offer(mesh, ends, "fallback", None) {
                    Ok(event) => vec![(actor, event)],
                    Err((_, refused)) => {
                        let text = format!("{text}, and {refused}");
                        vec![(actor, self.stop(why, text, &next.id, offered.work_sha256))]
                    }
                }
            }
            _ => vec![(
                actor,
                self.stop(why, text, &offered.to, offered.work_sha256),
            )],
        }
    }

    /// A person approved that the task goes to `to`.
    fn approved(&self, to: &str) -> Vec<(Actor, Event)> {
        let mesh = Mesh {
            mode: Mode::Autonomous,
            ..(*self.settings.mesh).clone()
        };
        let fallback = Fallback::of(&self.work.document);
        let from = self.work.accepted.from_agent.as_str();
        let event = match self.offer(&mesh, (from, to), "approved", fallback.as_ref()) {
            Ok(event) => event,
            // The rules of the workspace changed since: it stays approved, and nobody is asked again.
            Err((why, text)) => {
                let work = self
                    .card
                    .stops
                    .last()
                    .map_or(countersign_protocol::Digest::ZERO, |stop| {
                        stop.stopped.work_sha256
                    });
                let why = if why == Why::Reviewed {
                    Why::Declined
                } else {
                    why
                };
                self.stop(why, text, to, work)
            }
        };
        vec![(Actor::Daemon, event)]
    }

    /// The task goes to `to`, as its sender stated: the fact, or why a person is asked all the same.
    fn stated(&self, to: &str) -> Event {
        if let Some(stop) = self.held(to) {
            return stop;
        }
        let from = self.work.accepted.from_agent.as_str();
        let fallback = Fallback::of(&self.work.document);
        match self.offer(
            &self.settings.mesh,
            (from, to),
            "to_agent",
            fallback.as_ref(),
        ) {
            Ok(event) => event,
            Err((why, text)) => {
                let files = &self.work.accepted.manifest.entries;
                let work = work_digest(&self.work.document, files);
                self.stop(why, text, to, work)
            }
        }
    }
}

/// What the receiver said last, one line.
fn said(hop: &Hop, what: &str) -> String {
    let to = &hop.offered.to;
    let Some(last) = hop.last_answer() else {
        return format!("`{to}` {what}");
    };
    let reason = last.answered.reason.map_or("", |reason| reason.name());
    match &last.answered.note {
        Some(note) => format!("`{to}` {what} ({reason}): {note}"),
        None => format!("`{to}` {what} ({reason})"),
    }
}

#[cfg(test)]
mod doors;
#[cfg(test)]
mod tests;
