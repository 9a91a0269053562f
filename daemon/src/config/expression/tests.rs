//! Tests of `expression`.

use super::*;

#[test]
fn what_cannot_be_compiled_or_could_run_for_long_is_refused() {
    let good = "handoff.context.foreign_revenue > 0.3 && 'tax' in labels";
    assert_eq!(good.parse::<Expression>().unwrap().to_string(), good);
    let nested = format!("{}1{}", "(".repeat(25), ")".repeat(25));
    let loops = "files.all(f, files.all(g, files.all(h, h == g)))";
    let long = "1+".repeat(600) + "1";
    for (bad, why) in [
        ("confidence >", "is no expression"),
        (nested.as_str(), "deeper than 24"),
        (loops, "more than 2 times"),
        (long.as_str(), "two rules"),
    ] {
        let error = bad.parse::<Expression>().unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    assert!(
        "(".parse::<Pattern>()
            .unwrap_err()
            .starts_with("is no pattern")
    );
    assert!(
        "pass(word|phrase)"
            .parse::<Pattern>()
            .unwrap()
            .regex()
            .is_match("PASSWORD")
    );
}
