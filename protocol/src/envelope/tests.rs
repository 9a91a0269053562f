//! Envelopes as agents state them.

use super::*;

fn expecting(format: &str) -> Envelope {
    Envelope {
        expected_output_format: Some(format.to_owned()),
        ..Envelope::default()
    }
}

#[test]
fn an_answer_in_words_must_be_what_was_expected() {
    for (format, good, bad) in [
        ("application/json", "{\"rate\": 0.4}", "about 40 %"),
        ("application/JSON; charset=utf-8", "[]", "[1,"),
        ("application/vnd.risk+json", "1", "{'a': 1}"),
    ] {
        assert_eq!(expecting(format).check_output(good), Ok(()), "{format}");
        let why = expecting(format).check_output(bad).unwrap_err();
        assert!(why.contains("no JSON"), "{format}: {why}");
    }
    assert_eq!(expecting("text/markdown").check_output("# yes"), Ok(()));
    assert_eq!(Envelope::default().check_output("anything"), Ok(()));
    assert!(expecting("image/png").check_output("a picture").is_err());
}

#[test]
fn the_time_of_an_answer_is_held_against_budget_and_timeout() {
    let envelope = Envelope {
        latency_budget_ms: Some(2_000),
        timeout_ms: Some(5_000),
        ..Envelope::default()
    };
    let accepted: Timestamp = "2026-11-20T22:00:00Z".parse().unwrap();
    let after = |ms: i64| {
        let decided = accepted + jiff::SignedDuration::from_millis(ms);
        let answered = envelope.answered(accepted, decided).unwrap();
        (
            answered.latency_ms,
            answered.within_budget,
            answered.timed_out,
        )
    };
    assert_eq!(after(2_000), (2_000, Some(true), false));
    assert_eq!(after(2_001), (2_001, Some(false), false));
    assert_eq!(after(5_001), (5_001, Some(false), true));
    assert_eq!(Envelope::default().answered(accepted, accepted), None);
}
