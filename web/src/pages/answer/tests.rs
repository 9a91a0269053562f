//! What a form needs before it is an answer.

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
        .check(
            (Outcome::Approved, Vec::new()),
            0,
            &[],
            Timestamp::UNIX_EPOCH,
        )
        .unwrap();
    assert_eq!(answer.comment.as_deref(), Some("well done\nthanks"));
    assert_eq!(answer.revision, 3);
    let silent = draft(&[])
        .check(
            (Outcome::Approved, Vec::new()),
            0,
            &[],
            Timestamp::UNIX_EPOCH,
        )
        .unwrap();
    assert!(silent.comment.is_none());
}

#[test]
fn the_other_answers_need_words() {
    for outcome in [
        Outcome::ChangesRequested,
        Outcome::Rejected,
        Outcome::Responded,
    ] {
        let errors = draft(&[("note", " \r\n ")])
            .check((outcome, Vec::new()), 0, &[], Timestamp::UNIX_EPOCH)
            .unwrap_err();
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].field, "note");
        draft(&[("note", "because")])
            .check((outcome, Vec::new()), 0, &[], Timestamp::UNIX_EPOCH)
            .unwrap();
        // Comments at places say what should change, and not why it is rejected.
        let with_comments = draft(&[]).check((outcome, Vec::new()), 2, &[], Timestamp::UNIX_EPOCH);
        assert_eq!(with_comments.is_ok(), outcome == Outcome::ChangesRequested);
    }
}

#[test]
fn a_form_that_no_page_of_ours_made_is_refused() {
    for (name, value) in [
        ("answer", "delete"),
        ("revision", "-1"),
        ("manifest_sha256", "x"),
    ] {
        let fields = vec![(name.to_owned(), value.to_owned())];
        assert!(Draft::read(fields).is_err(), "{name}");
    }
    assert!(
        Draft::default()
            .check(
                (Outcome::Approved, Vec::new()),
                0,
                &[],
                Timestamp::UNIX_EPOCH
            )
            .is_err()
    );
}

#[test]
fn what_was_chosen_for_one_request_is_not_dropped_by_an_answer_to_all() {
    let typed = draft(&[("answer", "reject"), ("each.0.words", "Keep it")]);
    assert_eq!(typed.whole(&[]).unwrap_err().field, "each");
    let untouched = draft(&[
        ("answer", "reject"),
        ("each.0.arguments", "{}"),
        ("each.0.answer", ""),
    ]);
    let (outcome, answers) = untouched.whole(&[]).unwrap().unwrap();
    assert_eq!((outcome, answers.len()), (Outcome::Rejected, 0));
    let each = draft(&[("answer", "each")]);
    assert_eq!(
        each.whole(&[]).unwrap_err().field,
        "each",
        "nothing is no approval"
    );
}
