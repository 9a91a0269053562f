//! Where a reader stops, and what tools say about lines.

use super::*;

#[test]
fn what_cannot_be_read_says_at_which_line() {
    for (media, text, place) in [
        (
            "application/json",
            "{\n  \"a\": 1,\n  \"b\": }\n}",
            Some((3, 8)),
        ),
        ("application/json", "{\"a\": 1}", None),
        ("application/json", "", Some((1, 0))),
        ("application/toml", "a = 1\nb = \n", Some((2, 5))),
        ("application/toml", "a = 1\n", None),
        ("application/yaml", "a: 1\nb: [1, 2\nc: 3\n", Some((3, 0))),
        ("application/yaml", "a: &x 1\nb: *x\n", None),
        ("text/plain", "{", None),
    ] {
        let trouble = syntax(media, text);
        let found = trouble.map(|one| (one.line, one.column));
        let line = place.map(|(line, _)| line);
        assert_eq!(found.map(|(line, _)| line), line, "{media} {text:?}");
        if let Some((_, column @ 1..)) = place {
            assert_eq!(
                found.and_then(|(_, column)| column),
                Some(column),
                "{media} {text:?}"
            );
        }
    }
}

#[test]
fn the_output_of_a_linter_is_taken_apart_and_nothing_else_is() {
    let output = "\
src/a b.py:12:5: E501 line too long
./data.json:3: $.price: -1 is less than the minimum of 0
elsewhere.py:1:1: not ours
data.json:0: no such line
data.json: no line at all
data.json:3: $.price: -1 is less than the minimum of 0
12 files looked at
data.json:7:
";
    let paths = BTreeSet::from(["src/a b.py", "data.json"]);
    let found = said([output].into_iter(), &paths);
    let trouble = |line, column, message: &str| Trouble {
        line,
        column,
        message: message.to_owned(),
    };
    assert_eq!(
        found["src/a b.py"],
        [trouble(12, Some(5), "E501 line too long")]
    );
    assert_eq!(
        found["data.json"],
        [trouble(
            3,
            None,
            "$.price: -1 is less than the minimum of 0"
        )]
    );
    let many: Vec<String> = (0..99).map(|at| format!("data.json:1: {at}")).collect();
    let found = said(many.iter().map(String::as_str), &paths);
    assert_eq!(found["data.json"].len(), MOST);
}
