//! What can be typed next: operators, and values from what the asker may see.

use countersign_protocol::query::{Anchor, Kind, Moment, Operator, question::Vocabulary};
use countersign_web::desk::Completion;

/// Completions of the last word of `text`, at most `limit`.
pub(super) fn next(text: &str, known: &Vocabulary, limit: usize) -> Vec<Completion> {
    let start = text
        .rfind(|c: char| c.is_whitespace() || c == '(')
        .map_or(0, |at| at + 1);
    let (before, word) = text.split_at(start);
    let (sign, word) = match word.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", word),
    };
    let complete = |value: String, help: &str| Completion {
        text: format!("{before}{sign}{value}"),
        value,
        help: help.to_owned(),
    };
    let Some((name, typed)) = word.split_once(':') else {
        let operators = Operator::all().filter(|it| it.name().starts_with(word));
        return operators
            .take(limit)
            .map(|operator| complete(format!("{}:", operator.name()), operator.help()))
            .collect();
    };
    let Some((operator, _)) = Operator::read(name) else {
        return Vec::new();
    };
    let signs = typed.trim_start_matches(['>', '<', '=']);
    let comparison = &typed[..typed.len() - signs.len()];
    let lower = signs.to_lowercase();
    values(operator, known)
        .into_iter()
        .filter(|value| value.to_lowercase().starts_with(&lower))
        .take(limit)
        .map(|value| {
            let value = if value.contains(char::is_whitespace) {
                format!("\"{value}\"")
            } else {
                value
            };
            complete(
                format!("{}:{comparison}{value}", operator.name()),
                operator.help(),
            )
        })
        .collect()
}

fn values(operator: Operator, known: &Vocabulary) -> Vec<String> {
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    match (operator, operator.kind()) {
        (Operator::Agent, _) => known.agents.clone(),
        (Operator::Ws, _) => known.workspaces.clone(),
        (Operator::Path, _) => known.paths.clone(),
        (Operator::By | Operator::Viewed, _) => {
            let me = std::iter::once("me".to_owned());
            me.chain(known.people.iter().cloned()).collect()
        }
        (_, Kind::OneOf(list)) => own(list),
        (_, Kind::Point) => Anchor::names()
            .map(|name| format!("@{name}"))
            .chain(Moment::names().map(str::to_owned))
            .collect(),
        (_, Kind::Moment) => Moment::names().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_and_values_are_completed_where_they_stand() {
        let known = Vocabulary {
            agents: vec!["hermes".to_owned(), "report writer".to_owned()],
            ..Vocabulary::default()
        };
        let texts = |text: &str| -> Vec<String> {
            let found = next(text, &known, 3).into_iter();
            found.map(|completion| completion.text).collect()
        };
        assert_eq!(texts("timeout -ag"), ["timeout -agent:", "timeout -age:"]);
        assert_eq!(texts("from:he"), ["agent:hermes"]);
        assert_eq!(texts("(agent:Rep"), ["(agent:\"report writer\""]);
        assert_eq!(texts("risk:h"), ["risk:high"]);
        assert_eq!(
            texts("changed:>@my"),
            ["changed:>@my-last-review", "changed:>@my-last-visit"].map(|it| it)
        );
        assert_eq!(texts("zebra:x"), Vec::<String>::new());
    }
}
