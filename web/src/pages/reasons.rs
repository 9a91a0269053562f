//! Words that are kept ready, in the form of an answer: chosen by a tick, or by filling in a blank of theirs.

use std::collections::{BTreeMap, BTreeSet};

use countersign_protocol::{decision::Outcome, phrase::Part};
use serde::Serialize;

use super::answer::AnswerButton;
use crate::desk::ReasonRow;

/// What the name of the field of a blank begins with; the name of the reason and the place of the blank follow.
pub(super) const FILL: &str = "fill.";
/// The most fields that a form takes.
const MOST: usize = 1_000;

/// What was chosen and filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    ticked: BTreeSet<String>,
    filled: BTreeMap<String, String>,
}

fn field(reason: &str, blank: usize) -> String {
    format!("{FILL}{reason}.{blank}")
}

impl Chosen {
    pub(super) fn choose(&mut self, reason: String) {
        if self.ticked.len() < MOST {
            self.ticked.insert(reason);
        }
    }

    pub(super) fn fill(&mut self, name: &str, value: String) {
        if self.filled.len() < MOST && !value.trim().is_empty() {
            self.filled.insert(name.to_owned(), value);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ticked.is_empty() && self.filled.is_empty()
    }

    fn fills(&self, reason: &ReasonRow) -> Vec<String> {
        let blanks = reason.words.blanks().enumerate();
        let fill = |at: usize| self.filled.get(&field(&reason.name, at)).cloned();
        blanks.map(|(at, _)| fill(at).unwrap_or_default()).collect()
    }

    /// Who fills in a blank means the words around it.
    fn has(&self, reason: &ReasonRow) -> bool {
        let is_filled = |fill: &String| !fill.is_empty();
        self.ticked.contains(&reason.name) || self.fills(reason).iter().any(is_filled)
    }

    /// What goes with an answer, in the order of the configuration.
    pub(super) fn of(&self, known: &[ReasonRow], answer: Outcome) -> Vec<(String, Vec<String>)> {
        let fitting = known.iter().filter(|one| one.answers.contains(&answer));
        let chosen = fitting.filter(|reason| self.has(reason));
        chosen
            .map(|reason| (reason.name.clone(), self.fills(reason)))
            .collect()
    }
}

/// A reason in the form.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ReasonView {
    name: String,
    parts: Vec<PartView>,
    /// The answers it goes with, as their buttons say.
    with: String,
    chosen: bool,
}

#[derive(Clone, Debug, Default, Serialize)]
struct PartView {
    text: Option<String>,
    blank: Option<String>,
    field: String,
    value: String,
}

impl ReasonView {
    /// Those that go with an answer that is offered.
    pub(super) fn all(known: &[ReasonRow], buttons: &[AnswerButton], chosen: &Chosen) -> Vec<Self> {
        let view = |reason: &ReasonRow| {
            let fits = |button: &&AnswerButton| {
                let outcome = Outcome::of_answer(button.value);
                outcome.is_some_and(|outcome| reason.answers.contains(&outcome))
            };
            let with: Vec<&str> = buttons.iter().filter(fits).map(|one| one.word).collect();
            (!with.is_empty()).then(|| Self {
                name: reason.name.clone(),
                parts: parts(reason, chosen),
                with: with.join(", "),
                chosen: chosen.has(reason),
            })
        };
        known.iter().filter_map(view).collect()
    }
}

fn parts(reason: &ReasonRow, chosen: &Chosen) -> Vec<PartView> {
    let mut fills = chosen.fills(reason).into_iter().enumerate();
    let part = |part: &Part| match part {
        Part::Text(text) => PartView {
            text: Some(text.clone()),
            ..PartView::default()
        },
        Part::Blank(name) => {
            let (at, value) = fills.next().unwrap_or_default();
            PartView {
                text: None,
                blank: Some(name.clone()),
                field: field(&reason.name, at),
                value,
            }
        }
    };
    reason.words.parts().iter().map(part).collect()
}

#[cfg(test)]
mod tests;
