//! Questions with the query that they are read as.

use jiff::tz::TimeZone;

use super::*;

fn now() -> Now {
    Now {
        // A Wednesday.
        at: "2026-11-18T14:00:00Z".parse().unwrap(),
        zone: TimeZone::UTC,
    }
}

fn vocabulary() -> Vocabulary {
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Vocabulary {
        agents: list(&["hermes", "ledger-migrator", "report-writer", "patch-runner"]),
        workspaces: list(&["billing-backfill", "reports"]),
        people: list(&["Maya Okafor", "Sam Ito"]),
        paths: list(&["docs/runbook.md", "migrations"]),
    }
}

fn asked(text: &str) -> Reading {
    read(text, &vocabulary(), &now()).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

#[test]
fn questions_become_queries() {
    let mut wrong = Vec::new();
    for (text, expected) in include_str!("../../../testdata/questions.tsv")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once('\t').unwrap_or((line, "")))
    {
        let reading = asked(text);
        let query = reading.query.to_string();
        if query != expected || !reading.question || reading.unmatched {
            wrong.push(format!("{text}\t{query}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn words_that_nobody_foresaw_rank_and_do_not_filter() {
    let reading = asked("Which handoffs by hermes concern the Croatian ledger?");
    assert_eq!(reading.left_over, ["concern", "Croatian", "ledger"]);
    assert_eq!(
        reading.query.to_string(),
        "agent:hermes about:(concern,Croatian,ledger) show:handoffs"
    );
    let lost = asked("What is the meaning of life?");
    assert!(lost.unmatched);
    assert_eq!(lost.query.to_string(), "about:(meaning,life)");
}

#[test]
fn what_is_no_question_stays_as_it_is() {
    for text in [
        "timeout",
        "connection timeout",
        "yesterday",
        "error budget timeout",
        "\"what changed\"",
        "a OR what",
        "/how many/",
        "approved-by-legal",
        "risk:high agent:hermes",
    ] {
        let reading = asked(text);
        assert!(!reading.question, "{text}: {}", reading.query);
        assert_eq!(reading.query.to_string(), text);
    }
}

#[test]
fn operators_stand_beside_questions() {
    let reading = asked("What changed since the last build? ws:reports -ext:md");
    assert_eq!(
        reading.query.to_string(),
        "ws:reports -ext:md changed:>@last-build"
    );
}

#[test]
fn what_is_shown_back_is_read_as_itself() {
    let tuned = include_str!("../../../testdata/questions.tsv").lines();
    for line in tuned.filter(|line| !line.starts_with('#')) {
        let once = asked(line.split('\t').next().unwrap_or(line)).query;
        let twice = asked(&once.to_string()).query;
        assert_eq!(once, twice, "{line}");
    }
}

/// The rules are data: each of them must say something that can be read, whatever stands in it.
#[test]
fn every_rule_can_be_read() {
    for (parts, means) in rules::templates() {
        let text = means
            .replace("$since1", ">@last-build")
            .replace("$within1", "after:yesterday")
            .replace("$before1", "1");
        let value = |operator: &str| match operator {
            "changed" | "added" | "removed" | "after" | "before" | "due" => "yesterday",
            "size" => "5mb",
            "age" => "2h",
            _ => "3",
        };
        for piece in text.split(' ') {
            let (operator, rest) = piece.split_once(':').unwrap();
            let rest = if operator == "due" && rest == "<$1" {
                "<2h".to_owned()
            } else {
                rest.to_owned()
            };
            let rest = if rest.contains("@rev") {
                rest.replace("$1", "2").replace("$2", "3")
            } else {
                rest.replace("$1", value(operator))
                    .replace("$2", value(operator))
            };
            let parsed = parse(&format!("{operator}:{rest}")).unwrap();
            assert_eq!(parsed.notes, [], "{parts:?}: {operator}:{rest}");
        }
    }
}

/// How many questions are read as they were meant is told and not asserted; that all can be read, and that what
/// their author meant is a query, is.
#[test]
fn the_score_of_fresh_questions_is_told() {
    for (name, set) in [
        (
            "fresh",
            include_str!("../../../testdata/questions-fresh.tsv"),
        ),
        (
            "unseen",
            include_str!("../../../testdata/questions-unseen.tsv"),
        ),
    ] {
        score(name, set);
    }
}

fn score(name: &str, set: &str) {
    let terms = |query: &Query| {
        let mut terms: Vec<String> = query.pills().into_iter().map(|pill| pill.text).collect();
        terms.sort();
        terms
    };
    let (mut all, mut right, mut partly) = (0, 0, 0);
    for line in set.lines().filter(|line| !line.starts_with('#')) {
        let (text, meant) = line.split_once('\t').expect("a question and a query");
        let parsed = parse(meant).expect("a query");
        assert_eq!(parsed.notes, [], "{meant}");
        let (read, meant) = (terms(&asked(text).query), terms(&parsed.query));
        let filters = |terms: &[String]| -> Vec<String> {
            let ranks = |term: &&String| !term.starts_with("about:");
            terms.iter().filter(ranks).cloned().collect()
        };
        all += 1;
        if read == meant {
            right += 1;
        } else if filters(&read) == filters(&meant) && !filters(&read).is_empty() {
            partly += 1;
        } else {
            println!("{name}, other: {text}\n  meant {meant:?}\n  read  {read:?}");
        }
    }
    println!("{name}: {right} of {all} as meant, {partly} with words that rank besides");
}
