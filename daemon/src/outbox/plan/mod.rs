//! Which fact is told, what there is to tell about it, and to whom. Pure: an entry and the state in, notices out.

mod ownership;

use std::{collections::BTreeSet, sync::Arc};

use countersign_protocol::{
    HandoffId,
    chain::Body,
    decision::Outcome,
    event::{Accepted, Event},
    principal::Actor,
    routing::{Asked, Routed, Stepped},
    transfer::transfer_document,
};

use super::Around;
use crate::{
    config::Kind,
    ledger::{Card, Recorded, State},
    message::{Notice, Risk},
    policy::{self, Rules, words},
    workspace::Settings,
};
pub(super) use ownership::{Offered, ends};

/// The kind of a message that hands work to an agent.
pub(super) const WORK: &str = "work";
/// Names of files in a message.
const NAMES: usize = 8;

/// How soon a person hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// At once; several within a minute are one message.
    Turn,
    /// At once.
    Step,
    /// With the collected messages.
    Later,
    /// At once, then at most once an hour.
    Trouble,
}

/// A notice, and who hears of it.
pub(super) struct Told {
    pub(super) notice: Notice,
    /// The receiver that must not get it, since it is about that one.
    pub(super) not_to: Option<String>,
    /// A kind that says the same to people, only more of it: who wants both gets that one alone.
    pub(super) instead: Option<Kind>,
    /// Ids of the people who are told in person.
    pub(super) people: BTreeSet<String>,
    pub(super) pace: Pace,
    /// The one receiver that gets it, whatever it wants else.
    pub(super) only: Option<String>,
}

impl Told {
    fn new(kind: Kind, notice: Notice) -> Self {
        Self {
            notice: Notice {
                kind: kind.name().to_owned(),
                ..notice
            },
            not_to: None,
            instead: None,
            people: BTreeSet::new(),
            pace: Pace::Step,
            only: None,
        }
    }

    fn to(self, people: BTreeSet<String>, pace: Pace) -> Self {
        Self {
            people,
            pace,
            ..self
        }
    }
}

/// What there is to tell about an entry.
/// `ended` is the offer of a workspace that it ends; `each` says that somebody wants the line of every entry.
pub(super) fn told(
    around: &Around,
    state: &State,
    entry: &Recorded,
    ended: Option<&Offered>,
    each: bool,
) -> Vec<Told> {
    let body = &entry.body;
    let story = Story {
        around,
        state,
        seq: body.seq,
    };
    let mut told = story.of(&body.event);
    told.extend(story.work(&body.event));
    told.extend(story.changes_hands(&body.event, ended));
    if each && !body.event.stays_at_desk() {
        told.push(story.event(entry));
    }
    let me = match &body.actor {
        Actor::Person { id, .. } => Some(id),
        Actor::Daemon | Actor::Agent { .. } | Actor::Policy { .. } => None,
    };
    for one in &mut told {
        one.notice.seq = body.seq;
        one.notice.at = body.at;
        one.notice.by = by(around, body);
        // Nobody is told what they did themselves.
        one.people.retain(|person| Some(person) != me);
        one.notice.assignees = one.people.iter().cloned().collect();
    }
    told
}

/// Who answered or took back. Who handed over is the agent, which has a place of its own; rules have theirs.
fn by(around: &Around, body: &Body) -> Option<String> {
    match (&body.event, &body.actor) {
        (Event::Accepted(_) | Event::Routed(_), _) | (_, Actor::Daemon) => None,
        (_, Actor::Person { id, display, .. }) => {
            let known = around.catalog.person(id);
            Some(known.map_or_else(|| display.clone(), |person| person.name.value.clone()))
        }
        (_, actor) => Some(actor.name().to_owned()),
    }
}

/// The state, read at the place of one entry.
struct Story<'a> {
    around: &'a Around,
    state: &'a State,
    seq: u64,
}

impl Story<'_> {
    fn of(&self, event: &Event) -> Vec<Told> {
        match event {
            Event::Accepted(accepted) => {
                let notice = self.about(accepted.handoff, accepted.revision);
                // The rules have not looked yet: how careful to be is told with the turn.
                let plain = |notice| Notice {
                    why: String::new(),
                    risk: None,
                    reasons: Vec::new(),
                    ..notice
                };
                let told = notice.map(|notice| Told::new(Kind::Accepted, plain(notice)));
                told.into_iter().collect()
            }
            Event::Routed(routed) => self.routed(routed),
            Event::Reminded(step) => self.step(Kind::Due, step),
            Event::Reassigned(step) => {
                let mut told = self.step(Kind::Escalated, step);
                told.extend(self.moved(step.handoff, step.revision, &step.asked));
                told
            }
            Event::Escalated(step) => self.step(Kind::Escalated, step),
            Event::Assigned(assigned) => {
                let notice = self.about(assigned.handoff, assigned.revision);
                let told = notice.map(|notice| {
                    let was = self.asked_before(assigned.handoff, assigned.revision);
                    let was = Some(words::names(&was, &|id| self.around.name_of(id)));
                    Told::new(Kind::Escalated, Notice { was, ..notice })
                        .to(people(&assigned.asked), Pace::Step)
                });
                let mut told: Vec<Told> = told.into_iter().collect();
                if !assigned.beside {
                    told.extend(self.moved(assigned.handoff, assigned.revision, &assigned.asked));
                }
                told
            }
            Event::Decided(decided) => self.closed(
                Kind::Decided,
                decided.handoff,
                decided.revision,
                decided.outcome,
            ),
            Event::Withdrawn {
                handoff, revision, ..
            } => self.closed(Kind::Withdrawn, *handoff, *revision, Outcome::Cancelled),
            Event::DeadLettered(step) => {
                let told = self.about(step.handoff, step.revision).map(|notice| {
                    let rule = Some(step.rule.clone());
                    Told::new(Kind::DeadLetter, Notice { rule, ..notice })
                        .to(self.operator(), Pace::Trouble)
                });
                told.into_iter().collect()
            }
            Event::Refused { at, violations, .. } => {
                let first = violations
                    .first()
                    .map_or("it cannot be read", |violation| violation.message.as_str());
                let notice = Notice {
                    class: self.settings(&at.workspace).class,
                    workspace: at.workspace.clone(),
                    line: Some(format!("{}/{}: {first}", at.folder, at.file)),
                    ..Notice::default()
                };
                vec![Told::new(Kind::DeadLetter, notice).to(self.operator(), Pace::Trouble)]
            }
            Event::FilesChanged(changed) => {
                let files = changed.files.len() + changed.more;
                let names = changed.files.iter().map(|one| one.path.clone());
                let notice = Notice {
                    class: self.settings(&changed.workspace).class,
                    workspace: changed.workspace.clone(),
                    line: Some(changed.words()),
                    names: names.take(NAMES).collect(),
                    files,
                    rule: Some(changed.rule.clone()),
                    ..Notice::default()
                };
                vec![Told::new(Kind::FileChanged, notice)]
            }
            Event::ReceiverDisabled { receiver, why } => self.trouble(
                receiver,
                None,
                format!("{receiver} gets no more messages: {why}"),
            ),
            Event::MessageFailed {
                receiver, to, why, ..
            } => {
                let line = format!("a message to {receiver} failed for good: {why}");
                self.trouble(receiver, to.as_deref(), line)
            }
            _ => Vec::new(),
        }
    }

    /// The line of the list of events.
    fn event(&self, entry: &Recorded) -> Told {
        let line = self.state.log_line(&entry.body, entry.hash);
        let about = line.handoff_id.and_then(|id| self.state.card(id));
        let of = about.map(|card| line.revision.unwrap_or(card.newest().accepted.revision));
        let revision = about.zip(of).and_then(|(card, of)| card.revision(of));
        let workspace = line.workspace.clone().unwrap_or_default();
        let settings = self.settings(&workspace);
        let class = revision.map_or(settings.class.as_str(), |revision| {
            policy::class_of(&revision.accepted, &settings.class)
        });
        let notice = Notice {
            class: class.to_owned(),
            handoff: line.handoff_id,
            revision: line.revision.unwrap_or(0),
            trace: revision.and_then(|revision| revision.accepted.trace),
            event: Some(Box::new(line)),
            workspace,
            ..Notice::default()
        };
        Told::new(Kind::Event, notice)
    }

    /// Work that lies ready for an agent which is told by a webhook.
    fn work(&self, event: &Event) -> Option<Told> {
        let Event::PackageDelivered { handoff, hop, .. } = event else {
            return None;
        };
        let card = self.state.card(*handoff)?;
        let offered = &card.hop(*hop)?.offered;
        let settings = self.settings(&card.workspace);
        let receiver = settings.mesh.find(&offered.to)?.webhook.clone()?;
        let accepted = &card.revision(offered.revision)?.accepted;
        let notice = Notice {
            kind: WORK.to_owned(),
            handoff: Some(*handoff),
            revision: offered.revision,
            class: offered.class.clone(),
            workspace: card.workspace.clone(),
            agent: offered.from.clone(),
            trace: accepted.trace,
            due: Some(offered.acknowledge_by),
            work: Some(Box::new(transfer_document(accepted, offered))),
            ..Notice::default()
        };
        Some(Told {
            notice,
            only: Some(receiver),
            ..Told::new(Kind::Event, Notice::default())
        })
    }

    /// Somebody is asked, unless a rule lets it pass; then the decision that follows is told.
    fn routed(&self, routed: &Routed) -> Vec<Told> {
        let (id, revision) = (routed.handoff, routed.revision);
        let Some(card) = self.state.card(id) else {
            return Vec::new();
        };
        let passed = routed.asked.is_empty();
        let Some(notice) = self.about(id, revision).filter(|_| !passed) else {
            return Vec::new();
        };
        let mut asked = people(&routed.asked);
        let stopped = card
            .revision(revision)
            .is_some_and(|revision| revision.accepted.stalled.is_some());
        if stopped {
            return vec![Told::new(Kind::Stopped, notice).to(asked, Pace::Step)];
        }
        let pace = if routed.digest {
            Pace::Later
        } else {
            Pace::Turn
        };
        let asker = asker(card, revision);
        let mut told = Told::new(Kind::Turn, notice.clone());
        let mut all = Vec::new();
        if let Some(asker) = asker {
            told.instead = Some(Kind::Answered);
            asked.remove(asker);
            let answered = Told::new(Kind::Answered, notice);
            all.push(answered.to([asker.to_owned()].into(), pace));
        }
        all.push(told.to(asked, pace));
        all
    }

    fn step(&self, kind: Kind, step: &Stepped) -> Vec<Told> {
        let told = self.about(step.handoff, step.revision).map(|notice| {
            let was = (kind == Kind::Escalated).then(|| {
                let asked = self.asked_before(step.handoff, step.revision);
                words::names(&asked, &|id| self.around.name_of(id))
            });
            let rule = Some(step.rule.clone());
            Told::new(
                kind,
                Notice {
                    was,
                    rule,
                    ..notice
                },
            )
            .to(people(&step.asked), Pace::Step)
        });
        told.into_iter().collect()
    }

    /// Others are asked instead; who was asked before need not look any more.
    fn moved(&self, id: HandoffId, revision: u32, now: &[Asked]) -> Option<Told> {
        let mut before = people(&self.asked_before(id, revision));
        let now = people(now);
        before.retain(|person| !now.contains(person));
        let notice = self.about(id, revision).filter(|_| !before.is_empty())?;
        Some(Told::new(Kind::Moved, notice).to(before, Pace::Step))
    }

    /// It waits no longer; whoever was asked need not look.
    fn closed(&self, kind: Kind, id: HandoffId, revision: u32, outcome: Outcome) -> Vec<Told> {
        let told = self.about(id, revision).map(|notice| {
            let outcome = Some(outcome);
            let asked = people(&self.asked_before(id, revision));
            Told::new(kind, Notice { outcome, ..notice }).to(asked, Pace::Later)
        });
        told.into_iter().collect()
    }

    /// `about` is the person who was not reached; telling them so would not reach them either.
    fn trouble(&self, receiver: &str, about: Option<&str>, line: String) -> Vec<Told> {
        let notice = Notice {
            line: Some(line),
            ..Notice::default()
        };
        let mut people = self.operator();
        people.retain(|person| Some(person.as_str()) != about);
        vec![Told {
            not_to: Some(receiver.to_owned()),
            ..Told::new(Kind::Trouble, notice).to(people, Pace::Trouble)
        }]
    }

    fn operator(&self) -> BTreeSet<String> {
        [self.around.operator.0.clone()].into()
    }

    fn settings(&self, name: &str) -> Settings {
        let found = self.around.workspaces.get(name);
        found.map_or_else(Settings::default, |workspace| workspace.settings.clone())
    }

    /// The moves of a card about one revision, up to the entry.
    fn moves<'c>(&self, card: &'c Card, revision: u32) -> impl Iterator<Item = Moved<'c>> {
        let seq = self.seq;
        let known = card.moves.iter().filter(move |one| one.seq <= seq);
        known.filter_map(move |one| {
            let (of, moved) = match &one.event {
                Event::Routed(routed) => (routed.revision, Moved::Routed(one.seq, routed)),
                Event::Reassigned(step) => (step.revision, Moved::Instead(one.seq, &step.asked)),
                Event::Assigned(assigned) if assigned.beside => {
                    (assigned.revision, Moved::Beside(one.seq, &assigned.asked))
                }
                Event::Assigned(assigned) => {
                    (assigned.revision, Moved::Instead(one.seq, &assigned.asked))
                }
                Event::Escalated(step) => (step.revision, Moved::Beside(one.seq, &step.asked)),
                _ => return None,
            };
            (of == revision).then_some(moved)
        })
    }

    /// What policy had found about a revision.
    fn routing<'c>(&self, card: &'c Card, revision: u32) -> Option<&'c Routed> {
        let found = self.moves(card, revision).filter_map(|one| match one {
            Moved::Routed(_, routed) => Some(routed),
            Moved::Instead(..) | Moved::Beside(..) => None,
        });
        found.last()
    }

    /// Who was asked just before the entry.
    fn asked_before(&self, id: HandoffId, revision: u32) -> Vec<Asked> {
        let Some(card) = self.state.card(id) else {
            return Vec::new();
        };
        let mut asked: Vec<Asked> = Vec::new();
        for moved in self.moves(card, revision) {
            match moved {
                Moved::Routed(seq, routed) if seq < self.seq => asked.clone_from(&routed.asked),
                Moved::Instead(seq, others) if seq < self.seq => asked = others.to_vec(),
                Moved::Beside(seq, more) if seq < self.seq => asked.extend(more.iter().cloned()),
                _ => {}
            }
        }
        asked
    }

    /// What there is to know about a revision.
    fn about(&self, handoff: HandoffId, revision: u32) -> Option<Notice> {
        let card: &Arc<Card> = self.state.card(handoff)?;
        let accepted: &Accepted = &card.revision(revision)?.accepted;
        let settings = self.settings(&card.workspace);
        let class = policy::class_of(accepted, &settings.class).to_owned();
        let rules = Rules {
            confidence_floor: settings.confidence_floor_of(accepted.contract.as_deref()),
            class: &class,
        };
        let revised = asker_of(card, revision).is_some();
        let routed = self.routing(card, revision);
        let mut verdict = policy::assess(accepted, rules, revised);
        if let Some(routed) = routed {
            verdict = verdict.ruled(routed);
        }
        let entries = &accepted.manifest.entries;
        let changed = card.revision(revision.saturating_sub(1)).map(|before| {
            let before = &before.accepted.manifest;
            let is_new =
                |path: &str, sha256| before.get(path).is_none_or(|old| old.sha256 != sha256);
            let new = entries.iter().filter(|one| is_new(&one.path, one.sha256));
            new.count()
        });
        let by_rule =
            routed.and_then(|routed| words::otherwise(routed, &|id| self.around.name_of(id)));
        let by_itself = || {
            let effects = policy::effects(accepted).into_iter();
            let none = effects.rev().find(|effect| effect.answer == "none");
            none.map(|effect| effect.text)
        };
        Some(Notice {
            handoff: Some(handoff),
            revision,
            digest: Some(accepted.manifest_sha256),
            class,
            workspace: card.workspace.clone(),
            agent: accepted.from_agent.clone(),
            title: accepted.title.clone(),
            why: verdict.why,
            trigger: Some(accepted.trigger),
            risk: Risk::of(verdict.level.name()),
            reasons: verdict.reasons,
            confidence: accepted.confidence,
            files: entries.len(),
            changed,
            names: entries
                .iter()
                .take(NAMES)
                .map(|entry| entry.path.clone())
                .collect(),
            due: routed.and_then(|routed| routed.due).or(accepted.due),
            otherwise: by_rule.or_else(by_itself),
            rule: routed.map(|routed| routed.rule.clone()),
            sampled: routed.is_some_and(|routed| routed.sampled),
            held: routed.is_some_and(|routed| routed.held),
            trace: accepted.trace,
            step: accepted
                .stalled
                .as_ref()
                .map(|stalled| (stalled.step, None)),
            ..Notice::default()
        })
    }
}

/// How it changed who is asked, with the number of the entry.
enum Moved<'a> {
    Routed(u64, &'a Routed),
    Instead(u64, &'a [Asked]),
    Beside(u64, &'a [Asked]),
}

fn people(asked: &[Asked]) -> BTreeSet<String> {
    let people = asked.iter().flat_map(|one| one.people.iter());
    people.cloned().collect()
}

/// Who asked for the changes that a revision brings.
fn asker_of(card: &Card, revision: u32) -> Option<&Actor> {
    let last = card
        .decisions
        .iter()
        .rfind(|decision| decision.decided.revision < revision)?;
    (last.decided.outcome == Outcome::ChangesRequested).then_some(&last.actor)
}

fn asker(card: &Card, revision: u32) -> Option<&str> {
    match asker_of(card, revision)? {
        Actor::Person { id, .. } => Some(id),
        Actor::Daemon | Actor::Agent { .. } | Actor::Policy { .. } => None,
    }
}
