//! Conditions in the Common Expression Language, and patterns: compiled when they are read, so that
//! a wrong one is named with its place and nothing starts with it.

use std::{fmt, str::FromStr, sync::Arc};

use cel::Program;
use regex::{Regex, RegexBuilder};

/// Longest expression, in bytes. A condition that needs more is two rules.
const LONGEST: usize = 1_000;
/// The parser goes down once for each nested bracket; a debug build needs much of a stack for that.
const STACK: usize = 32 << 20;
/// Loops in one expression. Each goes over a list once, and inside of another for each of its items.
const MOST_LOOPS: usize = 2;
/// Deepest nesting of brackets.
const DEEPEST: usize = 24;
/// Most memory of a compiled pattern, in bytes.
const PATTERN: usize = 1 << 20;

/// A compiled condition.
#[derive(Clone)]
pub struct Expression {
    text: String,
    program: Arc<Program>,
    loops: usize,
}

impl Expression {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What was compiled.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Loops over lists that it holds.
    pub fn loops(&self) -> usize {
        self.loops
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Expression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > LONGEST {
            return Err(format!(
                "must be at most {LONGEST} bytes; make it two rules"
            ));
        }
        if depth(text) > DEEPEST {
            return Err(format!("must not nest brackets deeper than {DEEPEST}"));
        }
        let loops = [".map(", ".filter(", ".all(", ".exists(", ".exists_one("]
            .iter()
            .map(|word| text.matches(word).count())
            .sum();
        if loops > MOST_LOOPS {
            return Err(format!(
                "must not loop over lists more than {MOST_LOOPS} times"
            ));
        }
        let source = text.to_owned();
        let compiled = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || Program::compile(&source).map_err(|errors| errors.to_string()))
            .map_err(|error| format!("cannot be compiled: {error}"))?
            .join();
        match compiled {
            Ok(Ok(program)) => Ok(Self {
                text: text.to_owned(),
                program: Arc::new(program),
                loops,
            }),
            Ok(Err(why)) => Err(format!("is no expression: {}", one_line(&why))),
            Err(_) => Err("is no expression that can be compiled".to_owned()),
        }
    }
}

fn depth(text: &str) -> usize {
    let mut depth: usize = 0;
    let mut deepest = 0;
    for c in text.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// A regular expression that does not mind upper and lower case.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// The compiled pattern.
    pub fn regex(&self) -> &Regex {
        &self.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > LONGEST {
            return Err(format!("must be a pattern of at most {LONGEST} bytes"));
        }
        RegexBuilder::new(text)
            .case_insensitive(true)
            .size_limit(PATTERN)
            .build()
            .map(Self)
            .map_err(|error| format!("is no pattern: {}", one_line(&error.to_string())))
    }
}

#[cfg(test)]
mod tests;
