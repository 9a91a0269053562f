//! The decision form: what was typed, whether it is enough, and how it is shown again.

use countersign_protocol::{
    Digest,
    decision::{Outcome, RequestAnswer},
    dialect::answers::together,
    terms::Terms,
};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    each,
    reasons::{Chosen, FILL, ReasonView},
    terms::{self, TermsView},
};
use crate::{
    desk::{Answer, Care, ReasonRow, RequestRow, Review, worded},
    error::Problem,
};

/// The value of the button that Enter presses.
pub(super) const NO_ANSWER: &str = "none";

/// The most lines of a checklist that a form takes.
const MOST_CHECKED: usize = 100;

/// The form as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) outcome: Option<Outcome>,
    /// Whether the form was sent by Enter, which decides nothing.
    pub(super) by_enter: bool,
    /// Whether the requests are answered one by one.
    pub(super) one_by_one: bool,
    pub(super) each: each::Chosen,
    pub(super) revision: u32,
    pub(super) manifest: Option<Digest>,
    pub(super) base: Option<u32>,
    pub(super) note: String,
    pub(super) care: Care,
    pub(super) partial: Option<u32>,
    pub(super) reasons: Chosen,
    pub(super) terms: terms::Chosen,
}

/// What was answered to the whole, and to each request.
pub(super) type Whole = (Outcome, Vec<RequestAnswer>);

/// Something to put right, with the field it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct FieldError {
    /// Id of the field on the page.
    pub(super) field: String,
    /// What to do, one sentence.
    pub(super) message: String,
}

impl Draft {
    /// Reads the fields that the browser sent.
    pub(super) fn read(fields: Vec<(String, String)>) -> Result<Self, Problem> {
        let mut draft = Self::default();
        for (name, value) in fields {
            // Browsers send CRLF (HTML, section 4.10.22.4).
            let value = value.replace("\r\n", "\n");
            let bad = || Problem::bad_request(format!("The form has a wrong `{name}`."));
            match name.as_str() {
                "answer" if value == NO_ANSWER => draft.by_enter = true,
                "answer" if value == each::EACH => draft.one_by_one = true,
                "answer" => draft.outcome = Some(Outcome::of_answer(&value).ok_or_else(bad)?),
                "revision" => draft.revision = value.parse().map_err(|_| bad())?,
                "manifest_sha256" => draft.manifest = Some(value.parse().map_err(|_| bad())?),
                "base" if !value.is_empty() => {
                    draft.base = Some(value.parse().map_err(|_| bad())?);
                }
                "partial" => draft.partial = Some(value.parse().map_err(|_| bad())?),
                "note" => draft.note = value,
                "reason" => draft.reasons.choose(value),
                _ if name.starts_with(FILL) => draft.reasons.fill(&name, value),
                _ if name.starts_with(each::FIELD) => {
                    draft.each.take(&name, value).ok_or_else(bad)?;
                }
                "valid_for" => draft.terms.valid_for(&value).ok_or_else(bad)?,
                "once" => draft.terms.once(),
                "typed" => draft.care.typed = Some(value).filter(|typed| !typed.is_empty()),
                "checked" if draft.care.checked.len() < MOST_CHECKED => {
                    draft.care.checked.push(value);
                }
                _ => {}
            }
        }
        Ok(draft)
    }

    /// What was answered to the whole, and to each of `requests` where they are answered one by one; `None` when
    /// nothing was.
    pub(super) fn whole(&self, requests: &[RequestRow]) -> Result<Option<Whole>, FieldError> {
        let wrong = |message| FieldError {
            field: each::EACH.to_owned(),
            message,
        };
        if !self.one_by_one {
            if self.each.is_begun() {
                let message = "Send the answers that you chose here, or clear them to answer all of it at once";
                return Err(wrong(message.to_owned()));
            }
            return Ok(self.outcome.map(|outcome| (outcome, Vec::new())));
        }
        let answers = self.each.answers(requests).map_err(wrong)?;
        if answers.is_empty() {
            return Err(wrong("Nothing here is asked one by one".to_owned()));
        }
        Ok(Some((together(&answers), answers)))
    }

    /// The answer, or what is missing. With it go as many comments as are `unsent`, and words of the `known` reasons.
    pub(super) fn check(
        &self,
        (outcome, answers): Whole,
        unsent: usize,
        known: &[ReasonRow],
        now: Timestamp,
    ) -> Result<Answer, Vec<FieldError>> {
        let chosen = self.reasons.of(known, outcome);
        let said = answers.iter().find_map(|one| one.comment.as_deref());
        // Who says why at a request need not say it again.
        let note = match said {
            Some(words) if self.note.trim().is_empty() => words,
            _ => &self.note,
        };
        let comment = worded(known, &chosen, Some(note)).map_err(|message| {
            vec![FieldError {
                field: "reasons".to_owned(),
                message,
            }]
        })?;
        let has_value = answers.iter().any(|one| one.value.is_some());
        let missing = match outcome {
            Outcome::ChangesRequested if comment.is_none() && unsent == 0 => {
                Some("Say what should change, in the note or at a line")
            }
            Outcome::Rejected if comment.is_none() => Some("Say why it is rejected"),
            Outcome::Responded if comment.is_none() && !has_value => Some("Write the answer"),
            _ => None,
        };
        let error = |message: &str| {
            vec![FieldError {
                field: "note".to_owned(),
                message: message.to_owned(),
            }]
        };
        if let Some(message) = missing {
            return Err(error(message));
        }
        let Some(manifest_sha256) = self.manifest else {
            return Err(error("Open the page again; the form was not complete"));
        };
        Ok(Answer {
            revision: self.revision,
            manifest_sha256,
            outcome,
            comment,
            answers,
            reasons: chosen.into_iter().map(|(name, _)| name).collect(),
            requests: Vec::new(),
            edits: Vec::new(),
            terms: if outcome.is_approval() {
                self.terms.at(now)
            } else {
                Terms::default()
            },
            care: self.care.clone(),
            partial: self.partial,
        })
    }
}

/// The form on the page.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FormView {
    pub(super) revision: u32,
    pub(super) manifest: String,
    pub(super) base: Option<u32>,
    /// The last chunk on the page, of a result that still grows.
    pub(super) partial: Option<u32>,
    pub(super) answers: Vec<AnswerButton>,
    /// What an approval may be narrowed to, where one can be given.
    pub(super) terms: Option<TermsView>,
    pub(super) note: String,
    pub(super) note_hint: &'static str,
    pub(super) note_error: Option<String>,
    /// What is ticked off: the line, and whether it was.
    pub(super) checklist: Vec<(String, bool)>,
    /// Whether the number is typed, and what was typed before.
    pub(super) typed: Option<String>,
    pub(super) care_error: Option<String>,
    /// Words that are kept ready.
    pub(super) reasons: Vec<ReasonView>,
    pub(super) reasons_error: Option<String>,
    /// What an approval waits for, in words.
    pub(super) waits_for: Vec<String>,
    pub(super) errors: Vec<FieldError>,
}

/// A button of the form.
#[derive(Clone, Debug, Serialize)]
pub(super) struct AnswerButton {
    pub(super) value: &'static str,
    pub(super) word: &'static str,
    /// The word where there is little room.
    short: &'static str,
    key: &'static str,
    class: &'static str,
}

const BUTTONS: [AnswerButton; 7] = [
    AnswerButton {
        value: "approve",
        word: "Approve",
        short: "Approve",
        key: "a",
        class: "go",
    },
    AnswerButton {
        value: "edit",
        word: "Approve my edit",
        short: "My edit",
        key: "a",
        class: "go",
    },
    AnswerButton {
        value: "respond",
        word: "Answer",
        short: "Answer",
        key: "",
        class: "main",
    },
    AnswerButton {
        value: "changes",
        word: "Request changes",
        short: "Changes",
        key: "r",
        class: "",
    },
    AnswerButton {
        value: "reject",
        word: "Reject",
        short: "Reject",
        key: "d",
        class: "no",
    },
    AnswerButton {
        value: "ignore",
        word: "Set aside",
        short: "Set aside",
        key: "i",
        class: "",
    },
    AnswerButton {
        value: "abstain",
        word: "Abstain",
        short: "Abstain",
        key: "l",
        class: "",
    },
];

impl FormView {
    /// The form for a review, with what was typed before.
    pub(super) fn new(review: &Review, draft: Draft, errors: Vec<FieldError>) -> Self {
        // Who edited a file approves that, or throws it away; there is no third meaning of the word.
        let has_edits = review.edits.iter().any(|edit| edit.current);
        let hidden = if has_edits { "approve" } else { "edit" };
        let answers: Vec<_> = BUTTONS
            .into_iter()
            .filter(|button| button.value != hidden)
            .filter(|button| review.answers.iter().any(|answer| answer == button.value))
            .collect();
        Self {
            revision: review.revision,
            manifest: review.manifest_sha256.to_string(),
            base: review.base.as_ref().map(|base| base.revision),
            partial: review.row.partial.as_ref().map(|one| one.seen.through),
            note_hint: if answers.iter().any(|button| button.class == "go") {
                "Note to the agent, needed unless you approve"
            } else {
                "Note to the agent, needed"
            },
            terms: answers
                .iter()
                .any(|button| ["approve", "edit"].contains(&button.value))
                .then(|| TermsView::new(review.terms, draft.terms)),
            reasons: ReasonView::all(&review.reasons, &answers, &draft.reasons),
            reasons_error: errors
                .iter()
                .find(|error| error.field == "reasons")
                .map(|error| error.message.clone()),
            answers,
            checklist: review
                .care
                .checklist
                .iter()
                .map(|line| (line.clone(), draft.care.checked.contains(line)))
                .collect(),
            typed: review
                .care
                .type_id
                .then(|| draft.care.typed.unwrap_or_default()),
            care_error: errors
                .iter()
                .find(|error| error.field == "care")
                .map(|error| error.message.clone()),
            waits_for: [
                (
                    review.care.resolve_threads,
                    "An approval waits until all threads are resolved",
                ),
                (
                    review.care.view_files,
                    "An approval waits until all changed files are viewed",
                ),
                (
                    review.care.step_up,
                    "An approval asks you to show once more that it is you",
                ),
            ]
            .into_iter()
            .filter(|(holds, _)| *holds)
            .map(|(_, words)| words.to_owned())
            .chain(terms::of_rule(review.terms))
            .collect(),
            note: draft.note,
            note_error: errors
                .iter()
                .find(|error| error.field == "note")
                .map(|error| error.message.clone()),
            errors,
        }
    }
}

#[cfg(test)]
mod tests;
