//! What must hold after anything that happened, each rule a function that names what breaks it.
//!
//! The rules are those of docs/testing.md. They are read from the disk and from the harness's own
//! history, never from what the daemon says about itself.

mod chain;
mod decisions;
mod intake;
mod release;

use std::{collections::BTreeSet, path::Path};

use crate::{evidence::Evidence, history::History, reviewer::Reviewer};

/// What is checked.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What the daemon left.
    pub evidence: &'a Evidence,
    /// What was seen from outside.
    pub history: &'a History,
    /// The folder in which agents work.
    pub workspace: &'a Path,
}

/// A rule: its name, and what breaks it.
type Rule = (&'static str, fn(Case<'_>) -> Vec<String>);

/// Everything that does not hold, one line each; empty when all is well.
pub fn broken(case: Case<'_>) -> Vec<String> {
    let rules: [Rule; 13] = [
        ("INV-01 no acknowledged loss", intake::no_acknowledged_loss),
        ("INV-02 exactly one place", intake::exactly_one_place),
        ("INV-03 no ghosts", intake::no_ghosts),
        ("INV-04 objects real", intake::objects_real),
        ("INV-05 idempotent", intake::idempotent),
        ("INV-06 nothing half", intake::nothing_half),
        ("INV-10 bound to digest", decisions::bound_to_digest),
        ("INV-11 one winner", decisions::one_winner),
        (
            "INV-12 stale is refused",
            decisions::refused_is_not_recorded,
        ),
        ("INV-14 published is sealed", release::published_is_sealed),
        (
            "INV-07 every acceptance is answered",
            release::every_acceptance_is_answered,
        ),
        (
            "INV-21 every decision is delivered",
            release::every_decision_is_delivered,
        ),
        ("INV-22 chain", chain::holds),
    ];
    rules
        .iter()
        .flat_map(|(name, rule)| {
            rule(case)
                .into_iter()
                .map(move |what| format!("{name}: {what}"))
        })
        .collect()
}

/// INV-23: the daemon tells of every card the state that its ledger folds to, and of no other card.
pub fn told_otherwise(evidence: &Evidence, reviewer: &Reviewer) -> Vec<String> {
    let (states, _) = decisions::fold(evidence);
    let expected: BTreeSet<String> = states
        .iter()
        .map(|(id, state)| format!("{id} revision {} {}", state.revision(), state.name()))
        .collect();
    let told = reviewer.everything();
    expected
        .symmetric_difference(&told)
        .map(|card| format!("INV-23 replay: {card} is only told or only folded"))
        .collect()
}
