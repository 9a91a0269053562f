//! Operators that the ledger answers: which handoffs fulfil them.

use std::collections::HashSet;

use countersign_protocol::{
    handoff::Trigger,
    names::joined,
    principal::Actor,
    query::{Atom, Comparison, Now, Operator, Value, glob},
    state::HandoffState,
};
use countersign_web::desk::{Caller, HandoffRow, RiskLevel};

use super::super::{LedgerDesk, row::is_waiting};
use crate::{
    ledger::Card,
    search::{Condition, key_of_file},
};

/// Who asks, and when.
pub(super) struct Asker<'a> {
    pub(super) who: &'a Caller,
    pub(super) now: &'a Now,
}

/// Whether one of the texts of `value` is accepted.
pub(super) fn any_text(value: &Value, accepts: impl Fn(&str) -> bool) -> Option<bool> {
    let text = |atom: &Atom| match atom {
        Atom::Text(text) => Some(accepts(text)),
        _ => None,
    };
    match value {
        Value::Is(atom) => text(atom),
        Value::Any(atoms) => atoms
            .iter()
            .map(text)
            .try_fold(false, |any, one| Some(any || one?)),
        _ => None,
    }
}

/// Whether `number` is what `value` says, where `of` gives the number of an atom.
pub(super) fn compares(
    value: &Value,
    number: f64,
    of: impl Fn(&Atom) -> Option<f64>,
) -> Option<bool> {
    Some(match value {
        Value::Is(atom) => (number - of(atom)?).abs() < 1e-9,
        Value::Compared(comparison, atom) => {
            let other = of(atom)?;
            match comparison {
                Comparison::More => number > other,
                Comparison::AtLeast => number >= other,
                Comparison::Less => number < other,
                Comparison::AtMost => number <= other,
            }
        }
        Value::Between(from, to) => (of(from)?..=of(to)?).contains(&number),
        Value::Any(atoms) => {
            let mut any = false;
            for atom in atoms {
                any |= (number - of(atom)?).abs() < 1e-9;
            }
            any
        }
    })
}

/// Whether `name` is meant by `wanted`, which may have placeholders and is not particular about case.
pub(super) fn is_name(name: &str, wanted: &str) -> bool {
    if !glob::has_placeholders(wanted) {
        return glob::folded(name) == glob::folded(wanted);
    }
    let pattern = regex::Regex::new(&glob::name_pattern(wanted));
    pattern.is_ok_and(|pattern| pattern.is_match(&glob::folded(name)))
}

impl LedgerDesk {
    /// What is about the handoffs that `fits` accepts: their documents, and the files that they name.
    pub(super) fn about(&self, fits: impl Fn(&Card) -> bool) -> Condition {
        let cards: Vec<_> = self.ledger.state().cards().cloned().collect();
        let (mut ids, mut files) = (HashSet::new(), HashSet::new());
        for card in cards.iter().filter(|card| fits(card)) {
            ids.insert(card.id.0);
            let accepted = &card.newest().accepted;
            for entry in &accepted.manifest.entries {
                let path = joined(&accepted.at.folder, &entry.path);
                files.insert(key_of_file(&card.workspace, &path));
            }
        }
        Condition::About { cards: ids, files }
    }

    /// What a lock is held on by an owner that `holds` accepts: files, and the handoffs that name one of them.
    pub(super) fn locked(&self, holds: impl Fn(&Actor) -> bool) -> Condition {
        let state = self.ledger.state();
        let locks = state.locks().all();
        let locks = locks.filter(|lock| lock.held.is_some() && holds(&lock.owner));
        let locks: Vec<_> = locks.cloned().collect();
        drop(state);
        let mut any: Vec<Condition> = locks
            .iter()
            .map(|lock| Condition::Covered(lock.workspace.to_string(), lock.pattern.clone()))
            .collect();
        any.push(self.about_cards(|card| {
            let accepted = &card.newest().accepted;
            let here = locks
                .iter()
                .filter(|lock| *lock.workspace == *card.workspace);
            let here: Vec<_> = here.collect();
            let mut paths = accepted.manifest.entries.iter();
            !here.is_empty()
                && paths.any(|entry| {
                    let path = joined(&accepted.at.folder, &entry.path);
                    here.iter().any(|lock| lock.pattern.covers(&path))
                })
        }));
        Condition::Or(any)
    }

    /// The documents of the handoffs that `fits` accepts.
    fn about_cards(&self, fits: impl Fn(&Card) -> bool) -> Condition {
        let cards: Vec<_> = self.ledger.state().cards().cloned().collect();
        let cards = cards.iter().filter(|card| fits(card));
        Condition::About {
            cards: cards.map(|card| card.id.0).collect(),
            files: HashSet::new(),
        }
    }

    /// Whether `card` fulfils the operator. `None` for one that the ledger does not answer.
    pub(super) fn fulfils(
        &self,
        card: &Card,
        operator: Operator,
        value: &Value,
        asker: &Asker<'_>,
    ) -> Option<bool> {
        let accepted = &card.newest().accepted;
        let row = || self.row_of(card, asker.who);
        match operator {
            Operator::Agent => any_text(value, |name| is_name(&accepted.from_agent, name)),
            Operator::Id => any_text(value, |id| {
                let number = card.id.0.to_string();
                is_name(&card.id.to_string(), id)
                    || number == id
                    || accepted.task_id.as_deref() == Some(id)
                    || accepted.agent_handoff_id.as_deref() == Some(id)
            }),
            Operator::Decision => {
                let last = card.decisions.last().map(|last| last.decided.outcome);
                let word = match (&card.withdrawn, last) {
                    (Some(_), _) => "withdrawn".to_owned(),
                    (None, Some(outcome)) => outcome.word().replace([' ', '_'], "-"),
                    (None, None) => "none".to_owned(),
                };
                any_text(value, |wanted| word == wanted || outcome_is(card, wanted))
            }
            Operator::Risk => any_text(value, |wanted| wanted == risk(&row())),
            Operator::Class => any_text(value, |wanted| wanted == row().class),
            Operator::Check => any_text(value, |wanted| checks(card).contains(&wanted)),
            Operator::Trigger => any_text(value, |wanted| wanted == trigger(accepted.trigger)),
            Operator::Confidence => match accepted.confidence {
                None => Some(false),
                Some(confidence) => compares(value, confidence, |atom| match atom {
                    Atom::Number(number) => Some(*number),
                    Atom::Floor => Some(row().floor),
                    _ => None,
                }),
            },
            Operator::Rev => compares(value, f64::from(accepted.revision), |atom| match atom {
                Atom::Number(number) => Some(*number),
                _ => None,
            }),
            Operator::Is => any_text(value, |word| is(card, word, asker)),
            Operator::Has => any_text(value, |word| match word {
                "comment" => card.comments().next().is_some(),
                "open-thread" => card.open_threads() > 0,
                "files" => !accepted.manifest.entries.is_empty(),
                "warning" => !accepted.warnings.is_empty(),
                _ => false,
            }),
            Operator::Event => any_text(value, |name| has_event(card, name)),
            Operator::Viewed => any_text(value, |name| match name {
                "nobody" => card.viewed.is_empty(),
                "me" => matches!(asker.who, Caller::Person(me)
                    if card.viewed.iter().any(|(id, _)| *id == me.id)),
                name => card.viewed.iter().any(|(id, _)| {
                    is_name(id, name) || is_name(id.rsplit(':').next().unwrap_or(id), name)
                }),
            }),
            _ => None,
        }
    }
}

fn outcome_is(card: &Card, wanted: &str) -> bool {
    let wanted = wanted.replace('-', "_");
    card.state.name() == wanted
}

/// What became of the checks of the newest revision: both words where some passed and some did not.
fn checks(card: &Card) -> Vec<&'static str> {
    let accepted = &card.newest().accepted;
    let Some(checked) = card.checked(accepted.revision) else {
        let is_owed = !accepted.checks.is_empty();
        return is_owed.then_some("unverified").into_iter().collect();
    };
    let word = |passed| if passed { "passed" } else { "failed" };
    let results = checked.results.iter();
    results.map(|result| word(result.passed())).collect()
}

fn is(card: &Card, word: &str, asker: &Asker<'_>) -> bool {
    let due = card.newest().accepted.due;
    match word {
        "my-turn" => is_waiting(card) && matches!(asker.who, Caller::Person(_)),
        "waiting" => is_waiting(card),
        "sent-back" => matches!(card.state, HandoffState::ChangesRequested { .. }),
        "decided" => matches!(card.state, HandoffState::Closed { .. }),
        "overdue" => is_waiting(card) && due.is_some_and(|due| due < asker.now.at),
        "snoozed" => {
            let until = card.snoozed.as_ref().map(|snooze| snooze.until);
            is_waiting(card) && until.is_some_and(|until| until > asker.now.at)
        }
        "claimed" => is_waiting(card) && card.claim.is_some(),
        "dead-letter" => card
            .routing
            .as_ref()
            .is_some_and(|routing| routing.dead.is_some()),
        "stalled" | "stale" => card.newest().accepted.stalled.is_some(),
        // It cannot go on, or its agent fell silent before it was done.
        "failing" => {
            let accepted = &card.newest().accepted;
            accepted.trigger == Trigger::Error || accepted.stalled.is_some()
        }
        _ => false,
    }
}

/// Whether an entry of that name is about the card.
fn has_event(card: &Card, wanted: &str) -> bool {
    let plain = [
        ("handoff.accepted", true),
        ("handoff.decided", !card.decisions.is_empty()),
        ("handoff.commented", card.comments().next().is_some()),
        ("handoff.viewed", !card.viewed.is_empty()),
        ("handoff.withdrawn", card.withdrawn.is_some()),
        ("handoff.timed_out", card.timed_out.is_some()),
        ("handoff.routed", card.routing.is_some()),
        ("handoff.checked", !card.checks.is_empty()),
        ("artifact.approved", card.released.is_some()),
    ];
    let has = |(name, is_so): (&str, bool)| is_so && is_name(name, wanted);
    plain.into_iter().any(has)
        || card
            .moves
            .iter()
            .any(|one| is_name(one.event.name(), wanted))
}

pub(super) fn risk(row: &HandoffRow) -> &'static str {
    match row.risk.level {
        RiskLevel::Low => "low",
        RiskLevel::Medium => "medium",
        RiskLevel::High => "high",
    }
}

pub(super) fn trigger(trigger: Trigger) -> String {
    let name = serde_json::to_value(trigger).unwrap_or_default();
    name.as_str().unwrap_or_default().replace('_', "-")
}
