//! Phrases and patterns: what confirms an answer by looking at the text itself.

use regex::{Regex, RegexBuilder};

use super::need::Need;

/// Most memory that a pattern may take, in bytes.
const MOST: usize = 2 * 1024 * 1024;

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

    /// Whether a line of `text` matches.
    pub(super) fn is_in(&self, text: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(found.is_in(text), is_in, "{pattern:?} in {text:?}");
        }
        assert!(Pattern::phrase("A.c").unwrap().is_in("xa.Cx"));
        assert!(!Pattern::phrase("a.c").unwrap().is_in("abc"));
        assert!(Pattern::regex("(").is_err());
    }
}
