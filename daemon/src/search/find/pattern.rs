//! Phrases and patterns: what confirms an answer by looking at the text itself.

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Hir, HirKind};

use super::need::Need;

/// Most memory that a pattern may take, in bytes.
const MOST: usize = 2 * 1024 * 1024;
/// Most letters that a pattern can ask for one after the other, repetitions written out. In the worst case each letter of a
/// text is compared with each of them.
const MAX_LENGTH: usize = 500;
/// Most bytes of whole lines between two looks at the clock.
const STRIDE: usize = 256 * 1024;

/// Something that is looked for in each line of a text.
#[derive(Clone, Debug)]
pub struct Pattern {
    need: Need,
    /// For a line.
    line: Regex,
    /// For a whole text: finds one wherever `line` does, and may find more.
    text: Option<Regex>,
}

impl Pattern {
    /// These very characters, whatever their case.
    pub fn phrase(phrase: &str) -> Result<Self, regex::Error> {
        if phrase.chars().count() > MAX_LENGTH {
            return Err(too_long());
        }
        let pattern = regex::escape(phrase);
        let build = RegexBuilder::new(&pattern).case_insensitive(true).build()?;
        Ok(Self {
            need: Need::of_phrase(phrase),
            text: Some(build.clone()),
            line: build,
        })
    }

    /// A regular expression.
    pub fn regex(pattern: &str) -> Result<Self, regex::Error> {
        let line = RegexBuilder::new(pattern).size_limit(MOST).build()?;
        let hir = regex_syntax::parse(pattern);
        let hir = hir.map_err(|error| regex::Error::Syntax(error.to_string()))?;
        if length(&hir) > MAX_LENGTH {
            return Err(too_long());
        }
        let looks = hir.properties().look_set();
        // The start and the end of a line are not those of the text.
        let is_bound = looks.contains(regex_syntax::hir::Look::Start)
            || looks.contains(regex_syntax::hir::Look::End);
        let text = if is_bound {
            None
        } else {
            let mut whole = RegexBuilder::new(pattern);
            Some(whole.size_limit(MOST).multi_line(true).crlf(true).build()?)
        };
        Ok(Self {
            need: Need::of_pattern(&hir),
            line,
            text,
        })
    }

    pub(super) fn need(&self) -> &Need {
        &self.need
    }

    pub(super) fn line(&self) -> &Regex {
        &self.line
    }

    /// Whether a line of `text` matches; `None` when `is_over` says so first.
    pub(super) fn is_in(&self, text: &str, is_over: &dyn Fn() -> bool) -> Option<bool> {
        let mut rest = text;
        while !rest.is_empty() {
            if is_over() {
                return None;
            }
            let (lines, behind) = rest.split_at(stride(rest));
            if self.is_in_lines(lines) {
                return Some(true);
            }
            rest = behind;
        }
        Some(text.is_empty() && self.is_in_lines(text))
    }

    fn is_in_lines(&self, text: &str) -> bool {
        if let Some(whole) = &self.text {
            match whole.find(text) {
                None => return false,
                // The end of the text is in no line.
                Some(found)
                    if found.start() < text.len() && !found.as_str().contains(['\n', '\r']) =>
                {
                    return true;
                }
                Some(_) => {}
            }
        }
        text.lines().any(|line| self.line.is_match(line))
    }
}

/// Returns the end of whole lines of `text`, some [`STRIDE`] on.
fn stride(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes.get(STRIDE..) {
        None => bytes.len(),
        Some(behind) => memchr::memchr(b'\n', behind).map_or(bytes.len(), |end| STRIDE + end + 1),
    }
}

fn too_long() -> regex::Error {
    regex::Error::Syntax(format!(
        "it asks for more than {MAX_LENGTH} letters, repetitions written out"
    ))
}

/// Returns the letters of `pattern`, repetitions written out.
fn length(pattern: &Hir) -> usize {
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Class(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Capture(capture) => length(&capture.sub),
        HirKind::Repetition(repeated) => {
            let times = repeated
                .max
                .unwrap_or(repeated.min.saturating_add(1))
                .max(1);
            let times = usize::try_from(times).unwrap_or(usize::MAX);
            length(&repeated.sub).saturating_mul(times)
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(length).fold(0, usize::saturating_add)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_is_refused_or_given_up() {
        for (pattern, fits) in [
            ("(?i)aaaa", true),
            ("a{500}", true),
            ("a{501}", false),
            ("(a{1,30}){1,30}", false),
            ("[ab]*a[ab]{450}", true),
            ("(((a{9}){9}){9}){9}", false),
        ] {
            assert_eq!(Pattern::regex(pattern).is_ok(), fits, "{pattern}");
        }
        assert!(Pattern::phrase(&"a".repeat(500)).is_ok());
        assert!(Pattern::phrase(&"a".repeat(501)).is_err());
        // Three strides and a bit, all of one length.
        let text = "abab\n".repeat(STRIDE * 3 / 5 + 9);
        let looks = std::cell::Cell::new(0);
        let count = || {
            looks.set(looks.get() + 1);
            looks.get() > 2
        };
        let pattern = Pattern::regex("c$").unwrap();
        assert_eq!(pattern.is_in(&text, &count), None);
        assert_eq!(pattern.is_in(&text, &|| false), Some(false));
        assert_eq!(looks.get(), 3);
    }

    #[test]
    fn a_pattern_matches_within_one_line() {
        for (pattern, text, is_in) in [
            ("a.c", "x\nabc\n", true),
            (r"a\s+c", "a\nc\n", false),
            (r"a\s+c", "a\nc\na c", true),
            ("^b$", "a\r\nb\r\nc", true),
            ("^ab", "x\nab", true),
            (r"\Ab", "a\nb", true),
            ("[^x]b", "a\nb", false),
            ("", "", false),
            ("", "x", true),
        ] {
            let found = Pattern::regex(pattern).unwrap();
            let found = found.is_in(text, &|| false);
            assert_eq!(found, Some(is_in), "{pattern:?} in {text:?}");
        }
        for (phrase, text, is_in) in [("A.c", "xa.Cx", true), ("a.c", "abc", false)] {
            let found = Pattern::phrase(phrase).unwrap().is_in(text, &|| false);
            assert_eq!(found, Some(is_in));
        }
        assert!(Pattern::regex("(").is_err());
    }
}
