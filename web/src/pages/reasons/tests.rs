//! Reasons in the form, chosen, filled in and shown again.

use super::*;
use crate::{desk::worded, pages::answer::Draft};

fn known() -> Vec<ReasonRow> {
    let reason = |name: &str, words: &str, answers: &[Outcome]| ReasonRow {
        name: name.to_owned(),
        words: words.parse().unwrap(),
        answers: answers.to_vec(),
    };
    let no = [Outcome::ChangesRequested, Outcome::Rejected];
    vec![
        reason("no-source", "{which figure} in {where} has no source.", &no),
        reason("late", "Too late.", &[Outcome::Rejected]),
    ]
}

fn draft(fields: &[(&str, &str)]) -> Draft {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let manifest = "a".repeat(64);
    let mut all = vec![("manifest_sha256".to_owned(), manifest)];
    all.extend(fields.iter().map(own));
    Draft::read(all).unwrap()
}

#[test]
fn a_blank_that_is_filled_in_chooses_its_words() {
    let draft = draft(&[
        ("fill.no-source.0", "9 %"),
        ("fill.no-source.1", "2.1"),
        ("note", "Thanks"),
    ]);
    let answer = draft
        .check(
            (Outcome::Rejected, Vec::new()),
            0,
            &known(),
            jiff::Timestamp::UNIX_EPOCH,
        )
        .unwrap();
    assert_eq!(answer.reasons, ["no-source"]);
    assert_eq!(
        answer.comment.as_deref(),
        Some("9 % in 2.1 has no source.\n\nThanks")
    );
}

#[test]
fn a_ticked_reason_says_enough_and_its_blanks_are_asked_for() {
    let ticked = draft(&[("reason", "late")]);
    let answer = ticked
        .check(
            (Outcome::Rejected, Vec::new()),
            0,
            &known(),
            jiff::Timestamp::UNIX_EPOCH,
        )
        .unwrap();
    assert_eq!(answer.comment.as_deref(), Some("Too late."));
    // It does not go with this answer, which then says nothing.
    assert!(
        ticked
            .check(
                (Outcome::ChangesRequested, Vec::new()),
                0,
                &known(),
                jiff::Timestamp::UNIX_EPOCH
            )
            .is_err()
    );
    let half = draft(&[("reason", "no-source"), ("fill.no-source.0", "9 %")]);
    let errors = half
        .check(
            (Outcome::Rejected, Vec::new()),
            0,
            &known(),
            jiff::Timestamp::UNIX_EPOCH,
        )
        .unwrap_err();
    assert_eq!(
        (errors[0].field.as_str(), errors[0].message.as_str()),
        ("reasons", "Fill in “where”")
    );
    // An approval takes none of it.
    let answer = half
        .check(
            (Outcome::Approved, Vec::new()),
            0,
            &known(),
            jiff::Timestamp::UNIX_EPOCH,
        )
        .unwrap();
    assert!(answer.reasons.is_empty() && answer.comment.is_none());
}

#[test]
fn what_is_no_reason_here_is_refused() {
    let chosen = [("other".to_owned(), Vec::new())];
    let told = worded(&known(), &chosen, None);
    assert_eq!(told, Err("There is no reason `other` here".to_owned()));
}
