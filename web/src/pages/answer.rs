//! The decision form: what was typed, whether it is enough, and how it is shown again.

use countersign_protocol::{
    Digest,
    decision::{ChangeRequest, Outcome},
};
use serde::Serialize;

use crate::{
    desk::{Answer, Review},
    error::Problem,
};

/// The most rows that a form takes.
const MAX_REQUESTS: usize = 200;

/// With more files their paths are typed and not chosen from a list.
const LISTED: usize = 200;

/// What a person asks with the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Answer.
    Decide(Outcome),
    /// One more row for a request.
    AnotherRow,
}

/// A row of the form, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct RequestRow {
    pub(super) path: String,
    pub(super) line: String,
    pub(super) text: String,
    pub(super) error: Option<String>,
}

impl RequestRow {
    fn is_blank(&self) -> bool {
        self.line.trim().is_empty() && self.text.trim().is_empty()
    }
}

/// The form as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) wish: Option<Wish>,
    pub(super) revision: u32,
    pub(super) manifest: Option<Digest>,
    pub(super) base: Option<u32>,
    pub(super) note: String,
    pub(super) requests: Vec<RequestRow>,
}

/// Something to put right, with the field it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct FieldError {
    /// Id of the field on the page.
    pub(super) field: String,
    /// What to do, one sentence.
    pub(super) message: String,
}

impl Draft {
    /// Reads the fields in the order that the browser sent them. Each `request_path` begins a row.
    pub(super) fn read(fields: Vec<(String, String)>) -> Result<Self, Problem> {
        let mut draft = Self::default();
        for (name, value) in fields {
            // Browsers send CRLF (HTML, section 4.10.22.4).
            let value = value.replace("\r\n", "\n");
            let bad = || Problem::bad_request(format!("The form has a wrong `{name}`."));
            match name.as_str() {
                "answer" => draft.wish = Some(wish(&value).ok_or_else(bad)?),
                "revision" => draft.revision = value.parse().map_err(|_| bad())?,
                "manifest_sha256" => draft.manifest = Some(value.parse().map_err(|_| bad())?),
                "base" if !value.is_empty() => {
                    draft.base = Some(value.parse().map_err(|_| bad())?);
                }
                "note" => draft.note = value,
                "request_path" => {
                    if draft.requests.len() >= MAX_REQUESTS {
                        return Err(Problem::bad_request(format!(
                            "The form has more than {MAX_REQUESTS} requests."
                        )));
                    }
                    draft.requests.push(RequestRow {
                        path: value,
                        ..RequestRow::default()
                    });
                }
                "request_line" => draft.requests.last_mut().ok_or_else(bad)?.line = value,
                "request_text" => draft.requests.last_mut().ok_or_else(bad)?.text = value,
                _ => {}
            }
        }
        draft.requests.retain(|row| !row.is_blank());
        Ok(draft)
    }

    /// The answer, or what is missing. Marks the rows that are wrong.
    pub(super) fn check(&mut self, outcome: Outcome) -> Result<Answer, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut requests = Vec::new();
        for (at, row) in self.requests.iter_mut().enumerate() {
            match row.request(at) {
                Ok(request) => requests.push(request),
                Err(error) => {
                    row.error = Some(error.message.clone());
                    errors.push(error);
                }
            }
        }
        let comment = Some(self.note.trim())
            .filter(|note| !note.is_empty())
            .map(str::to_owned);
        let missing = match outcome {
            Outcome::ChangesRequested if comment.is_none() && self.requests.is_empty() => {
                Some("Say what should change, in the note or at a line")
            }
            Outcome::Rejected if comment.is_none() => Some("Say why it is rejected"),
            Outcome::Responded if comment.is_none() => Some("Write the answer"),
            _ => None,
        };
        if let Some(message) = missing {
            errors.insert(
                0,
                FieldError {
                    field: "note".to_owned(),
                    message: message.to_owned(),
                },
            );
        }
        match self.manifest {
            Some(manifest_sha256) if errors.is_empty() => Ok(Answer {
                revision: self.revision,
                manifest_sha256,
                outcome,
                comment,
                requests,
            }),
            None => Err(vec![FieldError {
                field: "note".to_owned(),
                message: "Open the page again; the form was not complete".to_owned(),
            }]),
            Some(_) => Err(errors),
        }
    }
}

impl RequestRow {
    fn request(&self, at: usize) -> Result<ChangeRequest, FieldError> {
        let error = |part: &str, message: &str| FieldError {
            field: format!("request-{at}-{part}"),
            message: message.to_owned(),
        };
        let line = match self.line.trim() {
            "" => None,
            text => match text.parse::<u32>() {
                Ok(line) if line > 0 => Some(line),
                _ => return Err(error("line", "A line is a whole number from 1")),
            },
        };
        if line.is_some() && self.path.is_empty() {
            return Err(error("path", "Choose the file that the line is in"));
        }
        let text = self.text.trim();
        if text.is_empty() {
            return Err(error("text", "Say what should change at this line"));
        }
        Ok(ChangeRequest {
            id: format!("q{}", at + 1),
            path: Some(self.path.clone()).filter(|path| !path.is_empty()),
            line,
            text: text.to_owned(),
        })
    }
}

fn wish(value: &str) -> Option<Wish> {
    Some(match value {
        "approve" => Wish::Decide(Outcome::Approved),
        "changes" => Wish::Decide(Outcome::ChangesRequested),
        "reject" => Wish::Decide(Outcome::Rejected),
        "respond" => Wish::Decide(Outcome::Responded),
        "add" => Wish::AnotherRow,
        _ => return None,
    })
}

/// The form on the page.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FormView {
    pub(super) revision: u32,
    pub(super) manifest: String,
    pub(super) base: Option<u32>,
    /// Whether changes can be asked for.
    pub(super) takes_requests: bool,
    pub(super) answers: Vec<AnswerButton>,
    pub(super) note: String,
    pub(super) note_hint: &'static str,
    pub(super) note_error: Option<String>,
    pub(super) requests: Vec<RequestRow>,
    /// The files to choose from; empty when there are too many, and the path is typed.
    pub(super) paths: Vec<String>,
    /// Whether there are too many.
    pub(super) many: bool,
    pub(super) errors: Vec<FieldError>,
}

/// A button of the form.
#[derive(Clone, Debug, Serialize)]
pub(super) struct AnswerButton {
    value: &'static str,
    word: &'static str,
    /// The word where there is little room.
    short: &'static str,
    key: &'static str,
    class: &'static str,
}

const BUTTONS: [AnswerButton; 4] = [
    AnswerButton {
        value: "approve",
        word: "Approve",
        short: "Approve",
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
];

impl FormView {
    /// The form for a review, with what was typed before.
    pub(super) fn new(review: &Review, draft: Draft, errors: Vec<FieldError>) -> Self {
        let answers: Vec<_> = BUTTONS
            .into_iter()
            .filter(|button| review.answers.iter().any(|answer| answer == button.value))
            .collect();
        let mut requests = draft.requests;
        if requests.is_empty() || draft.wish == Some(Wish::AnotherRow) {
            requests.push(RequestRow::default());
        }
        Self {
            revision: review.revision,
            manifest: review.manifest_sha256.to_string(),
            base: review.base.as_ref().map(|base| base.revision),
            note_hint: if answers.iter().any(|button| button.value == "approve") {
                "Note to the agent, needed unless you approve"
            } else {
                "Note to the agent, needed"
            },
            takes_requests: answers.iter().any(|button| button.value == "changes"),
            answers,
            note: draft.note,
            note_error: errors
                .iter()
                .find(|error| error.field == "note")
                .map(|error| error.message.clone()),
            requests,
            many: review.files.len() > LISTED,
            paths: review
                .files
                .iter()
                .take_while(|_| review.files.len() <= LISTED)
                .filter(|file| file.change != crate::desk::Change::Removed)
                .map(|file| file.path.clone())
                .collect(),
            errors,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(fields: &[(&str, &str)]) -> Draft {
        let mut all = vec![
            ("revision".to_owned(), "3".to_owned()),
            ("manifest_sha256".to_owned(), "a".repeat(64)),
        ];
        all.extend(
            fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        Draft::read(all).unwrap()
    }

    #[test]
    fn approving_needs_no_words_and_keeps_them() {
        let answer = draft(&[("note", "  well done\r\nthanks ")])
            .check(Outcome::Approved)
            .unwrap();
        assert_eq!(answer.comment.as_deref(), Some("well done\nthanks"));
        assert_eq!(answer.revision, 3);
        assert!(
            draft(&[])
                .check(Outcome::Approved)
                .unwrap()
                .comment
                .is_none()
        );
    }

    #[test]
    fn the_other_answers_need_words() {
        for outcome in [
            Outcome::ChangesRequested,
            Outcome::Rejected,
            Outcome::Responded,
        ] {
            let errors = draft(&[("note", " \r\n ")]).check(outcome).unwrap_err();
            assert_eq!(errors.len(), 1);
            assert_eq!(errors[0].field, "note");
            draft(&[("note", "because")]).check(outcome).unwrap();
        }
        let rows = [
            ("request_path", "a.md"),
            ("request_line", "18"),
            ("request_text", "Say so here"),
        ];
        let answer = draft(&rows).check(Outcome::ChangesRequested).unwrap();
        assert_eq!(
            answer.requests,
            [ChangeRequest {
                id: "q1".to_owned(),
                path: Some("a.md".to_owned()),
                line: Some(18),
                text: "Say so here".to_owned(),
            }]
        );
        assert!(draft(&rows).check(Outcome::Rejected).is_err());
    }

    #[test]
    fn wrong_rows_are_named_and_blank_ones_left_out() {
        let mut wrong = draft(&[
            ("request_path", "a.md"),
            ("request_line", ""),
            ("request_text", ""),
            ("request_path", "a.md"),
            ("request_line", "zero"),
            ("request_text", "x"),
            ("request_path", ""),
            ("request_line", "4"),
            ("request_text", "x"),
            ("request_path", "a.md"),
            ("request_line", "4"),
            ("request_text", " "),
        ]);
        let errors = wrong.check(Outcome::ChangesRequested).unwrap_err();
        let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(
            fields,
            ["request-0-line", "request-1-path", "request-2-text"]
        );
        assert!(wrong.requests.iter().all(|row| row.error.is_some()));
    }

    #[test]
    fn a_form_that_no_page_of_ours_made_is_refused() {
        for (name, value) in [
            ("answer", "delete"),
            ("revision", "-1"),
            ("manifest_sha256", "x"),
            ("request_text", "before any path"),
        ] {
            let fields = vec![(name.to_owned(), value.to_owned())];
            assert!(Draft::read(fields).is_err(), "{name}");
        }
        let rows = (0..=MAX_REQUESTS).map(|_| ("request_path".to_owned(), "a".to_owned()));
        assert!(Draft::read(rows.collect()).is_err());
        assert!(Draft::default().check(Outcome::Approved).is_err());
    }
}
