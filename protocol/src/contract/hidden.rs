//! Warns about what a reader of the document would not see.

use serde_json::Value;

use super::findings::{Findings, Words, pointer};
use crate::invisible;

/// A step on the way to a value. Pointers are only built where something is found, since an agent may
/// hang many values on one long key.
enum Step<'a> {
    Key(&'a str),
    Item(usize),
}

/// Looks at every string of the document, keys included.
pub(super) fn check(findings: &mut Findings<'_>, value: &Value) {
    visit(findings, value, &mut Vec::new());
}

fn visit<'a>(findings: &mut Findings<'_>, value: &'a Value, way: &mut Vec<Step<'a>>) {
    match value {
        Value::String(said) => report(findings, said, way),
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                way.push(Step::Item(n));
                visit(findings, item, way);
                way.pop();
            }
        }
        Value::Object(content) => {
            for (key, item) in content {
                way.push(Step::Key(key));
                report(findings, key, way);
                visit(findings, item, way);
                way.pop();
            }
        }
        _ => {}
    }
}

fn report(findings: &mut Findings<'_>, said: &str, way: &[Step<'_>]) {
    let seen = invisible::in_text(said);
    if seen.is_empty() || findings.warned_enough() {
        return;
    }
    let names: Vec<_> = seen
        .iter()
        .take(8)
        .map(|c| format!("U+{:04X}", u32::from(*c)))
        .collect();
    let message = format!(
        "has characters that a reader does not see: {}",
        names.join(", ")
    );
    let at = way.iter().fold(String::new(), |at, step| match step {
        Step::Key(key) => pointer(&at, key),
        Step::Item(n) => format!("{at}/{n}"),
    });
    let words = Words::new(
        "invisible_characters",
        message,
        "Remove them. Reviewers see them marked.",
    );
    findings.warn(&at, words);
}
