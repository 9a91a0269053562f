//! Levels of the lines of logs.

/// How bad a line says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every step.
    Trace,
    /// For who looks for a mistake.
    Debug,
    /// What happened.
    Info,
    /// What may become a problem.
    Warning,
    /// A problem.
    Error,
    /// The end.
    Fatal,
}

/// As programs write them. Longer ones come before those they begin with.
const WORDS: &[(&str, Level)] = &[
    ("trace", Level::Trace),
    ("debug", Level::Debug),
    ("information", Level::Info),
    ("info", Level::Info),
    ("notice", Level::Info),
    ("warning", Level::Warning),
    ("warn", Level::Warning),
    ("error", Level::Error),
    ("err", Level::Error),
    ("critical", Level::Fatal),
    ("crit", Level::Fatal),
    ("fatal", Level::Fatal),
    ("panic", Level::Fatal),
    ("alert", Level::Fatal),
    ("emerg", Level::Fatal),
];

/// The level stands within so many bytes of the start of a line.
const WITHIN: usize = 96;
/// Names of values that are levels, as JSON and `key=value` lines have them.
const NAMED: &[&str] = &["level", "lvl", "severity", "levelname"];

impl Level {
    /// All, from harmless to bad.
    pub const ALL: [Self; 6] = [
        Self::Trace,
        Self::Debug,
        Self::Info,
        Self::Warning,
        Self::Error,
        Self::Fatal,
    ];

    /// The name in queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// The mark in the index of a file with such a line.
    pub(super) fn flag(self) -> String {
        format!("level:{}", self.name())
    }

    /// The level that `line` states: a word in capitals near its start, or a named value.
    pub fn of(line: &str) -> Option<Self> {
        let end = line.len().min(WITHIN);
        let start = line.get(..end).or_else(|| {
            let end = (0..end).rev().find(|end| line.is_char_boundary(*end))?;
            line.get(..end)
        })?;
        let mut is_named = false;
        for word in start.split(|letter: char| !letter.is_ascii_alphabetic()) {
            if word.is_empty() {
                continue;
            }
            let lower = word.to_ascii_lowercase();
            let level = WORDS.iter().find(|(known, _)| *known == lower);
            let is_capital = word.bytes().all(|byte| byte.is_ascii_uppercase());
            if let Some((_, level)) = level
                && (is_capital || is_named)
            {
                return Some(*level);
            }
            is_named = NAMED.contains(&lower.as_str());
        }
        // Others begin the line with the word: `error: no such file`, `warning[W1]`, `[error] …`.
        let word = start.trim_start_matches(['[', '<', '(', ' ', '\t']);
        let end = word.find(|letter: char| !letter.is_ascii_alphabetic())?;
        let (word, rest) = word.split_at(end);
        let lower = word.to_ascii_lowercase();
        let is_marked = rest.starts_with([':', ']', '[', '>', ')']);
        let level = WORDS.iter().find(|(known, _)| *known == lower)?;
        is_marked.then_some(level.1)
    }
}

/// Whether a file of this name is a log, whose lines have levels.
pub(super) fn is_log(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let by_ending = ["log", "out", "err", "jsonl", "ndjson"]
        .iter()
        .any(|ending| {
            lower
                .strip_suffix(ending)
                .is_some_and(|rest| rest.ends_with('.'))
        });
    by_ending || lower.contains(".log.") || lower == "stderr" || lower == "stdout"
}

/// The levels in `text`, each once.
pub(super) fn in_text(text: &str) -> Vec<Level> {
    let mut found: Vec<Level> = Vec::new();
    for level in text.lines().filter_map(Level::of) {
        if !found.contains(&level) {
            found.push(level);
        }
        if found.len() == Level::ALL.len() {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests;
