//! Tests of `need`.

use super::*;

fn need(pattern: &str) -> Need {
    Need::of_pattern(&regex_syntax::parse(pattern).unwrap())
}

fn piece(text: &str) -> Need {
    Need::Piece(text.to_owned())
}

#[test]
fn what_a_pattern_needs() {
    for (pattern, expected) in [
        ("Foo_bar", piece("foo_bar")),
        ("(?i)Foo", piece("foo")),
        ("^foo$", piece("foo")),
        ("(foo)(bar)", piece("foobar")),
        ("foo.*bar", Need::All(vec![piece("foo"), piece("bar")])),
        ("foo|bar", Need::Any(vec![piece("foo"), piece("bar")])),
        ("foo|b*", Need::Nothing),
        (
            "x(foo)+y",
            Need::All(vec![piece("x"), piece("foo"), piece("y")]),
        ),
        ("colou?r", Need::All(vec![piece("colo"), piece("r")])),
        (r"\d+", Need::Nothing),
        (".*", Need::Nothing),
    ] {
        assert_eq!(need(pattern), expected, "{pattern}");
    }
}
