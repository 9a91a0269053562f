//! What a text must have for a pattern to match, in pieces that the words of the index can answer.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::super::fold::{fold, folded};

/// A condition that every text which matches fulfils. Others may fulfil it too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing is known.
    Nothing,
    /// This stretch of letters, folded.
    Piece(String),
    /// All of these.
    All(Vec<Need>),
    /// One of these.
    Any(Vec<Need>),
}

impl Need {
    /// What a text with `phrase` has, whatever its case.
    pub(super) fn of_phrase(phrase: &str) -> Self {
        Self::piece(folded(phrase))
    }

    /// What a line that the pattern matches has.
    pub(super) fn of_pattern(pattern: &Hir) -> Self {
        match part(pattern) {
            Part::Exact(text) => Self::piece(text),
            Part::Need(need) => need,
        }
    }

    fn piece(text: String) -> Self {
        if text.is_empty() {
            Self::Nothing
        } else {
            Self::Piece(text)
        }
    }

    fn all(needs: Vec<Self>) -> Self {
        let mut needs: Vec<Self> = needs
            .into_iter()
            .filter(|need| *need != Self::Nothing)
            .collect();
        match (needs.len(), needs.pop()) {
            (0, _) | (_, None) => Self::Nothing,
            (1, Some(only)) => only,
            (_, Some(last)) => {
                needs.push(last);
                Self::All(needs)
            }
        }
    }
}

/// A part of a pattern.
enum Part {
    /// It matches this text alone, but for the case of letters.
    Exact(String),
    /// It matches texts that fulfil this.
    Need(Need),
}

fn part(pattern: &Hir) -> Part {
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => Part::Exact(String::new()),
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => Part::Exact(folded(text)),
            Err(_) => Part::Need(Need::Nothing),
        },
        HirKind::Class(class) => one_letter(class).map_or(Part::Need(Need::Nothing), |letter| {
            Part::Exact(letter.to_string())
        }),
        HirKind::Repetition(repeated) if repeated.min >= 1 => {
            Part::Need(Need::of_pattern(&repeated.sub))
        }
        HirKind::Repetition(_) => Part::Need(Need::Nothing),
        HirKind::Capture(capture) => part(&capture.sub),
        HirKind::Concat(parts) => concat(parts),
        HirKind::Alternation(parts) => {
            let needs: Vec<Need> = parts.iter().map(Need::of_pattern).collect();
            if needs.contains(&Need::Nothing) {
                Part::Need(Need::Nothing)
            } else {
                Part::Need(Need::Any(needs))
            }
        }
    }
}

/// The letter that all of the class are, but for their case.
fn one_letter(class: &Class) -> Option<char> {
    let Class::Unicode(class) = class else {
        return None;
    };
    let mut letters = class
        .iter()
        .flat_map(|range| range.start()..=range.end())
        .map(fold);
    let first = letters.next()?;
    letters.all(|other| other == first).then_some(first)
}

fn concat(parts: &[Hir]) -> Part {
    let mut needs = Vec::new();
    let mut run = String::new();
    let mut is_exact = true;
    for one in parts {
        match part(one) {
            Part::Exact(text) => run.push_str(&text),
            Part::Need(need) => {
                is_exact = false;
                needs.push(Need::piece(std::mem::take(&mut run)));
                needs.push(need);
            }
        }
    }
    if is_exact {
        return Part::Exact(run);
    }
    needs.push(Need::piece(run));
    Part::Need(Need::all(needs))
}

#[cfg(test)]
mod tests;
