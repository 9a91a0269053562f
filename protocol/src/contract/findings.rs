//! What was found wrong, in the order of its weight.

use strsim::damerau_levenshtein;

use crate::{
    dialect::Document,
    problem::{ProblemKind, Refusal, Violation},
};

/// Most violations, and most warnings, that one answer lists.
const MAX_LISTED: usize = 100;

/// Longest pointer in an answer, in bytes.
const MAX_POINTER: usize = 1000;

/// Collects violations and warnings of one document.
pub(super) struct Findings<'a> {
    pub(super) document: &'a Document,
    wrong: Vec<(ProblemKind, Violation)>,
    unlisted: usize,
    pub(super) warnings: Vec<Violation>,
}

/// The words of a finding.
pub(super) struct Words {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) fix: Option<String>,
}

impl Words {
    pub(super) fn new(
        code: &'static str,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            code,
            message: message.into(),
            fix: Some(fix.into()),
        }
    }

    fn at(self, pointer: &str, (line, column): (u32, u32)) -> Violation {
        Violation {
            code: self.code.to_owned(),
            pointer: shortened(pointer).to_owned(),
            line,
            column,
            message: self.message,
            fix: self.fix,
        }
    }
}

impl<'a> Findings<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Self {
            document,
            wrong: Vec::new(),
            unlisted: 0,
            warnings: Vec::new(),
        }
    }

    /// The value at `pointer` breaks a rule.
    pub(super) fn wrong(&mut self, kind: ProblemKind, pointer: &str, words: Words) {
        self.add(kind, words, pointer, pointer);
    }

    /// The field at `pointer` is missing from the object at `parent`.
    pub(super) fn missing(&mut self, kind: ProblemKind, parent: &str, pointer: &str, words: Words) {
        self.add(kind, words, pointer, parent);
    }

    fn add(&mut self, kind: ProblemKind, words: Words, pointer: &str, place: &str) {
        if self.wrong.len() == MAX_LISTED {
            self.unlisted += 1;
        } else {
            let place = self.document.place(place);
            self.wrong.push((kind, words.at(pointer, place)));
        }
    }

    /// Whether no more warnings are taken.
    pub(super) fn warned_enough(&self) -> bool {
        self.warnings.len() == MAX_LISTED
    }

    /// Worth knowing about the key at `pointer`.
    pub(super) fn warn(&mut self, pointer: &str, words: Words) {
        if !self.warned_enough() {
            let place = self.document.key_place(pointer);
            self.warnings.push(words.at(pointer, place));
        }
    }

    /// The warnings when nothing is wrong, else the refusal.
    pub(super) fn finish(self) -> Result<Vec<Violation>, Refusal> {
        if self.wrong.is_empty() {
            return Ok(self.warnings);
        }
        Err(self.refusal())
    }

    /// The refusal. Something must have been found wrong.
    pub(super) fn refusal(mut self) -> Refusal {
        self.wrong
            .sort_by_key(|(kind, violation)| (weight(*kind), violation.line, violation.column));
        let kind = self
            .wrong
            .first()
            .map_or(ProblemKind::InvalidContract, |(kind, _)| *kind);
        let mut violations: Vec<_> = self.wrong.into_iter().map(|(_, v)| v).collect();
        if self.unlisted > 0 {
            let words = Words {
                code: "more",
                message: format!("has {} more problems that are not listed", self.unlisted),
                fix: Some("Fix these first.".to_owned()),
            };
            violations.push(words.at("", (0, 0)));
        }
        Refusal { kind, violations }
    }
}

/// The pointer, or that of an ancestor when an agent made the keys too long to be repeated in an answer.
fn shortened(mut pointer: &str) -> &str {
    while pointer.len() > MAX_POINTER {
        pointer = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
    pointer
}

/// A path that leaves its folder weighs most; a profile is a matter of what is asked here.
fn weight(kind: ProblemKind) -> u8 {
    match kind {
        ProblemKind::PathRefused => 0,
        ProblemKind::ProfileRequired => 2,
        _ => 1,
    }
}

/// The pointer of the field `name` in the object at `parent` (RFC 6901, section 4).
pub(super) fn pointer(parent: &str, name: &str) -> String {
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The known name that `typed` most likely means.
pub(super) fn meant<'n>(typed: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    if typed.len() > 64 {
        return None;
    }
    let plain = |name: &str| name.replace(['-', '_', ' '], "").to_ascii_lowercase();
    let typed = plain(typed);
    known
        .map(|name| (damerau_levenshtein(&typed, &plain(name)), name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).min(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
