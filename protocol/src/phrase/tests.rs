//! Blanks, filled and not.

use super::*;

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|one| (*one).to_owned()).collect()
}

#[test]
fn blanks_are_filled_in_order_and_none_stays_empty() {
    let phrase: Phrase = "{which figure} in {section} has no source."
        .parse()
        .unwrap();
    let names: Vec<_> = phrase.blanks().collect();
    assert_eq!(names, ["which figure", "section"]);
    let words = phrase.filled(&owned(&["9 %", " 2.1 "])).unwrap();
    assert_eq!(words, "9 % in 2.1 has no source.");
    assert_eq!(phrase.filled(&owned(&["9 %", " "])), Err("section"));
    assert_eq!(phrase.filled(&[]), Err("which figure"));
    // What is filled in is never read as a phrase.
    let words = phrase.filled(&owned(&["{section}", "x"])).unwrap();
    assert_eq!(words, "{section} in x has no source.");
}

#[test]
fn what_is_no_phrase_says_why() {
    let many = "{a}".repeat(9);
    let long = "x".repeat(2_001);
    for text in [
        "", "  ", "a { b", "a } b", "{}", "{ }", "{a{b}}", &many, &long,
    ] {
        assert!(text.parse::<Phrase>().is_err(), "{text}");
    }
    assert_eq!(
        "Shorter, please"
            .parse::<Phrase>()
            .unwrap()
            .blanks()
            .count(),
        0
    );
}

#[test]
fn a_phrase_is_written_as_it_is_read() {
    for text in ["{a}", "a{b}c{ d }", "{a}{b}", " so ", "a {b} c."] {
        let phrase: Phrase = text.parse().unwrap();
        let written = serde_json::to_string(&phrase).unwrap();
        assert_eq!(serde_json::from_str::<Phrase>(&written).unwrap(), phrase);
    }
    assert!(serde_json::from_str::<Phrase>("\"{\"").is_err());
}
