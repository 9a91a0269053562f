//! Which entry of the ledger an anchor stands for.

use std::sync::Arc;

use countersign_protocol::{anchor::Anchor, event::Location, principal::Actor};
use jiff::Timestamp;

use crate::ledger::{Card, CardDecision, State, Track};

/// What a question is about.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The workspace.
    pub workspace: &'a str,
    /// One card of it, or all of them.
    pub card: Option<&'a Card>,
}

/// Who asks, and when.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The id of the person; agents have no last review.
    pub person: Option<&'a str>,
    /// The time.
    pub now: Timestamp,
}

/// A moment of the ledger: after that entry, before the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The entry; 0 for before the first.
    pub seq: u64,
    /// Its time, where the state knows it.
    pub at: Option<Timestamp>,
    /// What it is, for people.
    pub label: String,
}

/// The anchor names nothing here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unresolved(pub String);

/// The entry that `anchor` stands for.
pub fn resolve(
    state: &State,
    scope: Scope<'_>,
    asker: Asker<'_>,
    anchor: &Anchor,
) -> Result<Point, Unresolved> {
    let missing = |what: &str| match scope.card {
        Some(card) => Unresolved(format!("{} has {what}", card.id)),
        None => Unresolved(format!("the workspace `{}` has {what}", scope.workspace)),
    };
    match anchor {
        Anchor::Start => Ok(Point {
            seq: 0,
            at: None,
            label: "the start".to_owned(),
        }),
        Anchor::Now => Ok(Point {
            seq: state.head.seq,
            at: state.last_time,
            label: "now".to_owned(),
        }),
        Anchor::Entry(seq) if *seq <= state.head.seq => Ok(Point {
            seq: *seq,
            at: None,
            label: format!("entry {seq}"),
        }),
        Anchor::Entry(seq) => Err(Unresolved(format!(
            "there is no entry {seq}; the newest one is {}",
            state.head.seq
        ))),
        Anchor::Revision(number) => {
            let card = scope.card.ok_or_else(|| {
                Unresolved("a revision is one of a handoff; name the handoff too".to_owned())
            })?;
            let revision = card
                .revision(*number)
                .ok_or_else(|| Unresolved(format!("{} has no revision {number}", card.id)))?;
            Ok(Point {
                seq: revision.seq,
                at: Some(revision.at),
                label: format!("revision {number}"),
            })
        }
        Anchor::LastRevision => {
            let (seq, at, label) = before_last(state, scope)
                .ok_or_else(|| missing("no revision before the newest one"))?;
            Ok(Point {
                seq,
                at: Some(at),
                label,
            })
        }
        Anchor::LastCheckpoint => {
            checkpoint(state, scope, None).ok_or_else(|| missing("no checkpoint"))
        }
        Anchor::Checkpoint(step) => checkpoint(state, scope, Some(*step))
            .ok_or_else(|| missing(&format!("no checkpoint with step {step}"))),
        Anchor::LastDecision => {
            decision(state, scope, |_| true).ok_or_else(|| missing("no decision"))
        }
        Anchor::LastApproval => decision(state, scope, |one| one.decided.outcome.is_approval())
            .ok_or_else(|| missing("no approval")),
        Anchor::MyLastReview => {
            let person = person(asker)?;
            let is_mine = |actor: &Actor| matches!(actor, Actor::Person { id, .. } if id == person);
            decision(state, scope, |one| is_mine(&one.actor))
                .map(|point| Point {
                    label: format!("your last decision ({})", point.label),
                    ..point
                })
                .ok_or_else(|| missing("no decision of yours"))
        }
        Anchor::MyLastVisit => {
            let person = person(asker)?;
            let seq = state
                .sittings(person)
                .and_then(|sittings| sittings.last_visit(asker.now))
                .ok_or_else(|| Unresolved("this is your first visit".to_owned()))?;
            Ok(Point {
                seq,
                at: None,
                label: "your last visit".to_owned(),
            })
        }
        Anchor::Mark { kind, value } => {
            let fits = |mark: &&Arc<crate::ledger::Mark>| {
                mark.marked.kind == *kind
                    && value
                        .as_ref()
                        .is_none_or(|value| mark.marked.value.as_ref() == Some(value))
            };
            let mark = state.marks(scope.workspace).iter().rfind(fits);
            let mark = mark.ok_or_else(|| {
                let name = value.as_ref().map_or(kind.clone(), |value| format!("{kind} {value}"));
                Unresolved(format!(
                    "no {name} is marked in the workspace `{}`; `countersign mark {name}` marks one",
                    scope.workspace
                ))
            })?;
            let value = mark.marked.value.as_deref().unwrap_or_default();
            Ok(Point {
                seq: mark.seq,
                at: Some(mark.at),
                label: format!(
                    "{} {value}, marked by {}",
                    mark.marked.kind,
                    mark.actor.name()
                )
                .replace(" ,", ","),
            })
        }
        Anchor::At(moment) => Ok(at(state, scope, *moment)),
    }
}

fn person(asker: Asker<'_>) -> Result<&str, Unresolved> {
    asker
        .person
        .ok_or_else(|| Unresolved("only a person has a last review or visit".to_owned()))
}

/// The cards that the question is about.
fn cards<'a>(state: &'a State, scope: Scope<'a>) -> impl Iterator<Item = &'a Card> {
    let all = scope.card.is_none();
    let others = state
        .cards()
        .map(AsRef::as_ref)
        .filter(move |card: &&Card| all && card.workspace == scope.workspace);
    scope.card.into_iter().chain(others)
}

fn decision(
    state: &State,
    scope: Scope<'_>,
    fits: impl Fn(&CardDecision) -> bool,
) -> Option<Point> {
    let newest = |card| {
        decisions(card)
            .filter(|one| fits(one))
            .max_by_key(|one| one.seq)
    };
    let found = cards(state, scope)
        .filter_map(newest)
        .max_by_key(|one| one.seq)?;
    Some(Point {
        seq: found.seq,
        at: Some(found.at),
        label: format!(
            "{} revision {}, {} by {}",
            found.decided.handoff,
            found.decided.revision,
            found.decided.outcome.word(),
            found.actor.name()
        ),
    })
}

fn decisions(card: &Card) -> impl Iterator<Item = &CardDecision> {
    card.decisions.iter()
}

/// The last but one of the accepted revisions.
fn before_last(state: &State, scope: Scope<'_>) -> Option<(u64, Timestamp, String)> {
    let mut accepted: Vec<_> = cards(state, scope)
        .flat_map(|card| card.revisions.iter().rev().take(2))
        .map(|one| {
            let name = format!(
                "{} revision {}",
                one.accepted.handoff, one.accepted.revision
            );
            (one.seq, one.at, name)
        })
        .collect();
    accepted.sort_unstable_by_key(|(seq, ..)| std::cmp::Reverse(*seq));
    accepted.into_iter().nth(1)
}

/// The newest checkpoint: in the folder of the card, or anywhere in the workspace.
fn checkpoint(state: &State, scope: Scope<'_>, step: Option<u64>) -> Option<Point> {
    let is_here = |at: &Location| match scope.card {
        Some(card) => {
            let card = &card.newest().accepted.at;
            at.workspace == card.workspace && at.folder == card.folder
        }
        None => at.workspace == scope.workspace,
    };
    let versions = |track: &Arc<Track>| track.versions.clone();
    let found = state
        .tracks()
        .filter(|(at, _)| is_here(at))
        .flat_map(|(_, track)| versions(track))
        .filter(|one| step.is_none_or(|step| one.saved.step == step))
        .max_by_key(|one| one.seq)?;
    let title = found.saved.title.as_ref().map(|title| format!(", {title}"));
    Some(Point {
        seq: found.seq,
        at: Some(found.at),
        label: format!(
            "checkpoint {}{}",
            found.saved.step,
            title.unwrap_or_default()
        ),
    })
}

/// The last accepted revision that is not younger than `moment`: between two of them no file changes.
fn at(state: &State, scope: Scope<'_>, moment: Timestamp) -> Point {
    let last = cards(state, scope)
        .filter_map(|card| {
            let until = card.revisions.partition_point(|one| one.at <= moment);
            card.revisions[..until].last()
        })
        .map(|one| one.seq)
        .max();
    Point {
        seq: last.unwrap_or_default(),
        at: Some(moment),
        label: moment.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    }
}
