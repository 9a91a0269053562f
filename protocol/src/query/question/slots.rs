//! Finds what has a name or a number: agents, people, paths, ids, sizes, times, points in the history.

use jiff::civil::Date;

use super::{
    super::{Anchor, Atom, Kind, Moment, Now},
    Vocabulary,
    tokens::{Slot, Token, Tokens},
};

/// Words for types of files.
const TYPES: &[(&str, &str)] = &[
    ("image", "image"),
    ("images", "image"),
    ("picture", "image"),
    ("pictures", "image"),
    ("screenshot", "image"),
    ("screenshots", "image"),
    ("chart", "image"),
    ("charts", "image"),
    ("pdf", "pdf"),
    ("pdfs", "pdf"),
    ("csv", "csv"),
    ("csvs", "csv"),
    ("json", "json"),
    ("yaml", "yaml"),
    ("toml", "toml"),
    ("markdown", "markdown"),
    ("spreadsheet", "table"),
    ("spreadsheets", "table"),
    ("table", "table"),
    ("tables", "table"),
    ("notebook", "notebook"),
    ("notebooks", "notebook"),
    ("log", "log"),
    ("logs", "log"),
    ("archive", "archive"),
    ("archives", "archive"),
    ("zip", "archive"),
    ("zips", "archive"),
    ("video", "video"),
    ("videos", "video"),
    ("audio", "audio"),
    ("sql", "sql"),
    ("python", "python"),
    ("rust", "rust"),
    ("html", "html"),
    ("scripts", "shell"),
    ("migrations", "sql"),
    ("presentation", "slides"),
    ("presentations", "slides"),
    ("slides", "slides"),
];

/// Endings of names that people use as words.
const ENDINGS: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "svg", "webp", "docx", "xlsx", "pptx", "txt", "md", "tsv", "xml",
    "mp3", "mp4", "wav", "webm", "tar", "gz", "parquet", "ipynb", "eml",
];

/// Ways to compare; `{}` is what is compared with, and all but ends of a range stand before or behind one value.
const COMPARED: &[(&str, &str)] = &[
    ("between {} and {}", "$1..$2"),
    (
        "{} or|and more|later|higher|above|older|longer|up|greater|bigger|larger",
        ">=$1",
    ),
    (
        "{} or|and less|earlier|lower|below|newer|fewer|smaller|under|shorter",
        "<=$1",
    ),
    ("at least {}", ">=$1"),
    ("not|no less|lower|smaller|older? than {}", ">=$1"),
    ("at most {}", "<=$1"),
    ("not|no more|higher|larger|bigger than {}", "<=$1"),
    ("up to {}", "<=$1"),
    (
        "more|bigger|larger|greater|higher|heavier|older|longer|later than {}",
        ">$1",
    ),
    ("over|above|beyond|exceeding {}", ">$1"),
    (
        "less|smaller|lower|lighter|younger|newer|fresher|fewer|shorter|earlier than {}",
        "<$1",
    ),
    ("under|below {}", "<$1"),
];

/// Words before a length of one: `over an hour`.
const BEFORE_ONE: &[&str] = &[
    "over", "than", "within", "in", "for", "least", "most", "next", "every",
];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const NUMBERS: &[(&str, &str)] = &[
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("ten", "10"),
    ("twelve", "12"),
    ("half", "0.5"),
];

/// Words in front of the name of a workspace.
const PLACES: &[&str] = &["in", "of", "from", "at", "within", "under", "workspace"];

/// Stretches of words that are a length, a time or a point. `$1` is the first known thing in it.
const PHRASES: &[(&str, Slot, &str)] = &[
    ("half hour", Slot::Length, "30m"),
    ("{number} second|seconds|secs", Slot::Length, "$1s"),
    ("{number} minute|minutes|min|mins", Slot::Length, "$1m"),
    ("{number} hour|hours|hrs", Slot::Length, "$1h"),
    ("{number} day|days", Slot::Length, "$1d"),
    ("{number} week|weeks", Slot::Length, "$1w"),
    ("{number} month|months", Slot::Length, "$1mo"),
    ("{length} ago", Slot::Moment, "$1"),
    ("last|past|previous|recent {length}", Slot::Moment, "$1"),
    ("last|past|previous hour", Slot::Moment, "1h"),
    ("last|past|previous day", Slot::Moment, "1d"),
    ("hour ago", Slot::Moment, "1h"),
    ("week ago", Slot::Moment, "7d"),
    ("month ago", Slot::Moment, "30d"),
    ("past week", Slot::Moment, "7d"),
    ("past month", Slot::Moment, "30d"),
    ("last|previous week", Slot::Moment, "last-week"),
    ("last|previous month", Slot::Moment, "last-month"),
    ("this week", Slot::Moment, "this-week"),
    ("this month", Slot::Moment, "this-month"),
    ("this morning|afternoon|evening", Slot::Moment, "today"),
    ("last night", Slot::Moment, "yesterday"),
    ("today|tonight|todays", Slot::Moment, "today"),
    ("yesterday|yesterdays", Slot::Moment, "yesterday"),
    ("tomorrow", Slot::Moment, "tomorrow"),
    (
        "last|latest|previous {number} revisions|versions|rounds",
        Slot::Anchor,
        "@last-revision",
    ),
    ("~revision|rev|version|round {number}", Slot::Revision, "$1"),
    ("build number? {number}", Slot::Anchor, "@build:$1"),
    (
        "last|latest|newest|previous|recent successful? build",
        Slot::Anchor,
        "@last-build",
    ),
    ("most recent build", Slot::Anchor, "@last-build"),
    (
        "last|latest|previous release|deploy|deployment",
        Slot::Anchor,
        "@last-release",
    ),
    ("last|previous checkpoint", Slot::Anchor, "@last-checkpoint"),
    (
        "my last|previous review|decision|answer|approval|verdict",
        Slot::Anchor,
        "@my-last-review",
    ),
    (
        "i last reviewed|decided|answered|approved|rejected",
        Slot::Anchor,
        "@my-last-review",
    ),
    (
        "i reviewed|decided|answered it? last",
        Slot::Anchor,
        "@my-last-review",
    ),
    (
        "my last|previous visit|look|session",
        Slot::Anchor,
        "@my-last-visit",
    ),
    (
        "i last looked|visited|opened|checked|saw at? it?",
        Slot::Anchor,
        "@my-last-visit",
    ),
    ("i was last here", Slot::Anchor, "@my-last-visit"),
    ("i looked|checked last", Slot::Anchor, "@my-last-visit"),
    (
        "last|latest|previous approval",
        Slot::Anchor,
        "@last-approval",
    ),
    (
        "last approved version|revision|state",
        Slot::Anchor,
        "@last-approval",
    ),
    ("we last approved it?", Slot::Anchor, "@last-approval"),
    ("it was last approved", Slot::Anchor, "@last-approval"),
    (
        "last|previous revision|version",
        Slot::Anchor,
        "@last-revision",
    ),
    ("entry {number}", Slot::Anchor, "@entry:$1"),
];

/// Replaces words by what they are known to be.
pub(super) fn fill(tokens: &mut Tokens, vocabulary: &Vocabulary, now: &Now) {
    names(tokens, vocabulary);
    singles(tokens);
    dates(tokens, now);
    lengths_of_one(tokens);
    for (pattern, slot, template) in PHRASES {
        while let Some((at, count, taken)) = tokens.find(pattern) {
            let text = fill_in(template, &taken);
            tokens.put(at, count, *slot, text);
        }
    }
    series(tokens);
    comparisons(tokens);
}

/// `over an hour`: the article is gone by now.
fn lengths_of_one(tokens: &mut Tokens) {
    for (word, length) in [
        ("minute", "1m"),
        ("hour", "1h"),
        ("day", "1d"),
        ("week", "7d"),
    ] {
        for before in BEFORE_ONE {
            while let Some((at, ..)) = tokens.find(&format!("{before} {word}")) {
                tokens.put(at + 1, 1, Slot::Length, length.to_owned());
            }
        }
    }
}

/// `revisions 1 and 2`, `builds 317 and 318`: what is said once holds for both.
fn series(tokens: &mut Tokens) {
    while let Some((at, count, taken)) = tokens.find("{revision} and|to|with|or {number}") {
        let text = fill_in("$2", &taken);
        tokens.put(at + count - 1, 1, Slot::Revision, text);
    }
    while let Some((at, count, taken)) = tokens.find("builds {number} and|to {number}") {
        let text = fill_in("@build:$2", &taken);
        tokens.put(at + count - 1, 1, Slot::Anchor, text);
        let text = fill_in("@build:$1", &taken);
        tokens.put(at, 2, Slot::Anchor, text);
    }
}

/// What is larger, smaller or between.
fn comparisons(tokens: &mut Tokens) {
    for (slot, compared) in [
        ("{number}", Slot::Numbers),
        ("{size}", Slot::Sizes),
        ("{length}", Slot::Lengths),
        ("{revision}", Slot::Revisions),
    ] {
        for (pattern, template) in COMPARED {
            // Between two revisions is what changed there.
            if compared == Slot::Revisions && template.contains("..") {
                continue;
            }
            let pattern = pattern.replace("{}", slot);
            while let Some((at, count, taken)) = tokens.find(&pattern) {
                tokens.put(at, count, compared, fill_in(template, &taken));
            }
        }
    }
}

/// The template with `$1`, `$2`, … replaced by what was taken.
pub(super) fn fill_in(template: &str, taken: &[Token]) -> String {
    let mut text = template.to_owned();
    for (at, token) in taken.iter().enumerate() {
        if let Token::Known(_, value) = token {
            text = text.replace(&format!("${}", at + 1), value);
        }
    }
    text
}

/// Names of the vocabulary, longer ones first; a person also by the first name, when only one has it.
fn names(tokens: &mut Tokens, vocabulary: &Vocabulary) {
    let mut known: Vec<(Vec<String>, Slot, &str)> = Vec::new();
    let mut add = |name: &str, slot, stands_for| {
        let words: Vec<String> = name.split_whitespace().map(super::tokens::normal).collect();
        if !words.is_empty() {
            known.push((words, slot, stands_for));
        }
    };
    for agent in &vocabulary.agents {
        add(agent, Slot::Agent, agent.as_str());
    }
    for workspace in &vocabulary.workspaces {
        add(workspace, Slot::Ws, workspace);
    }
    for person in &vocabulary.people {
        add(person, Slot::Person, person);
        let first = person.split_whitespace().next().unwrap_or(person);
        let same = |other: &&String| other.split_whitespace().next() == Some(first);
        if vocabulary.people.iter().filter(same).count() == 1 {
            add(first, Slot::Person, person);
        }
    }
    for path in &vocabulary.paths {
        add(path, Slot::Path, path);
    }
    known.sort_by_key(|(words, ..)| std::cmp::Reverse(words.len()));
    for (words, slot, name) in known {
        let same = |tokens: &[Token]| {
            tokens.len() == words.len()
                && tokens
                    .iter()
                    .zip(&words)
                    .all(|(token, word)| matches!(token, Token::Word(lower, _) if lower == word))
        };
        while let Some(at) = tokens.0.windows(words.len()).position(same) {
            // "in billing" is the workspace even where an agent has that name.
            let before = at.checked_sub(1).and_then(|at| tokens.0.get(at));
            let inside =
                matches!(before, Some(Token::Word(lower, _)) if PLACES.contains(&lower.as_str()));
            let workspace = inside && vocabulary.workspaces.iter().any(|other| other == name);
            let slot = if workspace { Slot::Ws } else { slot };
            // "reports" is a workspace only where a place is named; elsewhere it is any word.
            let common = slot == Slot::Ws && !inside && name.chars().all(char::is_alphabetic);
            if common {
                break;
            }
            tokens.put(at, words.len(), slot, name.to_owned());
        }
    }
}

/// What one word tells by its form.
fn singles(tokens: &mut Tokens) {
    for at in 0..tokens.0.len() {
        let Some(Token::Word(lower, written)) = tokens.0.get(at).cloned() else {
            continue;
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let id = lower
            .strip_prefix("h-")
            .or_else(|| lower.strip_prefix('#'))
            .or_else(|| lower.strip_prefix('h'));
        let size = lower.ends_with('b') && Atom::read(&lower, Kind::Bytes).is_ok();
        let starts = lower.starts_with(|c: char| c.is_ascii_digit());
        let word = NUMBERS.iter().find(|(word, _)| *word == lower);
        let kind = TYPES.iter().find(|(word, _)| *word == lower);
        let revision = lower.strip_prefix('r').filter(|rest| digits(rest));
        let found = if let Some(digits) = id.filter(|id| digits(id)) {
            Some((Slot::Id, format!("H-{}", digits.trim_start_matches('0'))))
        } else if size && starts {
            Some((Slot::Size, lower))
        } else if let Some(share) = percent(&lower) {
            Some((Slot::Number, share))
        } else if ENDINGS.contains(&lower.trim_start_matches('.')) {
            Some((Slot::Ext, lower.trim_start_matches('.').to_owned()))
        } else if digits(&lower) || (starts && lower.parse::<f64>().is_ok()) {
            Some((Slot::Number, lower))
        } else if let Some((_, number)) = word {
            Some((Slot::Number, (*number).to_owned()))
        } else if let Some((_, kind)) = kind {
            Some((Slot::Type, (*kind).to_owned()))
        } else if let Some(number) = revision {
            Some((Slot::Revision, number.to_owned()))
        } else if starts && Moment::read(&lower).is_some() {
            let slot = match Moment::read(&lower) {
                Some(Moment::Away(_)) => Slot::Length,
                _ => Slot::Moment,
            };
            Some((slot, written.to_uppercase().to_lowercase()))
        } else if let Some(name) = lower.strip_prefix('@') {
            Anchor::named(name).map(|anchor| (Slot::Anchor, anchor.to_string()))
        } else {
            looks_like_a_path(&written).then_some((Slot::Path, written))
        };
        if let Some((slot, text)) = found {
            tokens.put(at, 1, slot, text);
        }
    }
    for unit in ["kb", "mb", "gb", "tb", "kib", "mib", "gib"] {
        while let Some((at, count, taken)) = tokens.find(&format!("{{number}} {unit}")) {
            tokens.put(at, count, Slot::Size, fill_in(&format!("$1{unit}"), &taken));
        }
    }
    while let Some((at, count, taken)) = tokens.find("handoff|card number? {number}") {
        tokens.put(at, count, Slot::Id, fill_in("H-$1", &taken));
    }
}

/// `80%` as a number from 0 to 1.
fn percent(word: &str) -> Option<String> {
    let number: f64 = word.strip_suffix('%')?.parse().ok()?;
    (0.0..=100.0)
        .contains(&number)
        .then(|| (number / 100.0).to_string())
}

fn looks_like_a_path(word: &str) -> bool {
    let ending = word.rsplit_once('.').is_some_and(|(name, ending)| {
        let letters = ending.bytes().all(|b| b.is_ascii_alphanumeric());
        let length = (1..=5).contains(&ending.len());
        !name.is_empty() && length && letters && ending.bytes().any(|b| b.is_ascii_alphabetic())
    });
    let folder = word.contains('/') && word.chars().any(char::is_alphanumeric);
    (ending || folder || word.contains('*')) && !word.contains("://")
}

/// Days of the week and of the month, as dates that are not after today.
fn dates(tokens: &mut Tokens, now: &Now) {
    let today = now.at.to_zoned(now.zone.clone()).date();
    for name in Moment::names().filter(|name| name.ends_with("day") && name.len() > 5) {
        let Some(day @ Moment::On(_)) = Moment::read(name) else {
            continue;
        };
        let date = day.span(now).start.to_zoned(now.zone.clone()).date();
        while let Some((at, count, _)) = tokens.find(&format!("last|this? {name}")) {
            tokens.put(at, count, Slot::Moment, date.to_string());
        }
    }
    for (month, name) in (1_i8..).zip(MONTHS) {
        let number = |taken: &[Token]| match taken.first() {
            Some(Token::Known(_, text)) => text.parse::<i8>().ok(),
            _ => None,
        };
        let date = |day: i8| {
            let this = Date::new(today.year(), month, day).ok()?;
            if this <= today {
                Some(this)
            } else {
                Date::new(today.year() - 1, month, day).ok()
            }
        };
        for pattern in [
            format!("{name} {{number}}"),
            format!("{{number}} of? {name}"),
        ] {
            if let Some((at, count, taken)) = tokens.find(&pattern)
                && let Some(date) = number(&taken).and_then(date)
            {
                tokens.put(at, count, Slot::Moment, date.to_string());
            }
        }
        if name != "may"
            && name != "march"
            && let Some((at, count, _)) = tokens.find(&format!("in? {name}"))
            && let Some(first) = date(1)
        {
            let text = first.strftime("%Y-%m").to_string();
            tokens.put(at, count, Slot::Moment, text);
        }
    }
}
