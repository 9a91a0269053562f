//! Words of text and code.
//!
//! A *run* is a stretch of letters and digits; its *parts* are what a change of case separates: `inputStream` is
//! `input` and `stream`. Each part takes one position. A run that is not just its part is a word as well, at
//! the position of its first part; so every run of a text is a term of the index, folded, and a phrase may name
//! runs or parts. `_` only separates: with `snake_case` as a word of its own beside `snake` and `case` a tree of
//! code had four times as many words, and to make their table was a third of making the index.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use super::fold::{fold, is_word, stands_alone};

/// Name of the tokenizer in the index.
pub(super) const NAME: &str = "code";
/// Longest word of the index, in bytes. What is longer is no word that anybody types.
pub(super) const LONGEST: usize = 128;

/// Splits text into words of code and prose.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    token: Token,
}

/// The words of one text.
pub(super) struct Stream<'a> {
    text: &'a str,
    /// Where the search for the next run begins.
    at: usize,
    /// The run whose parts are being given, and where its next part begins.
    run: std::ops::Range<usize>,
    part: usize,
    /// Whether the run itself was given.
    whole: bool,
    is_ascii: bool,
    /// The position of the next part.
    position: usize,
    token: &'a mut Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = Stream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Stream<'a> {
        self.token.reset();
        Stream {
            text,
            at: 0,
            run: 0..0,
            part: 0,
            whole: true,
            is_ascii: true,
            position: 0,
            token: &mut self.token,
        }
    }
}

impl Stream<'_> {
    /// Finds the next run. `false` at the end of the text.
    fn next_run(&mut self) -> bool {
        let bytes = self.text.as_bytes();
        let mut start = self.at;
        loop {
            match bytes.get(start) {
                None => return false,
                Some(byte) if byte.is_ascii() => {
                    if is_ascii_word(*byte) {
                        break;
                    }
                    start += 1;
                }
                Some(_) => {
                    let Some(letter) = self.text[start..].chars().next() else {
                        return false;
                    };
                    if is_word(letter) {
                        break;
                    }
                    start += letter.len_utf8();
                }
            }
        }
        let (end, is_ascii) = end_of_run(self.text, start);
        self.at = end;
        self.run = start..end;
        self.part = start;
        self.whole = false;
        self.is_ascii = is_ascii;
        true
    }

    fn set(&mut self, start: usize, end: usize, position: usize) {
        let token = &mut *self.token;
        token.text.clear();
        if self.is_ascii {
            token.text.push_str(&self.text[start..end]);
            token.text.make_ascii_lowercase();
        } else {
            token.text.extend(self.text[start..end].chars().map(fold));
        }
        token.offset_from = start;
        token.offset_to = end;
        token.position = position;
    }
}

fn is_ascii_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// The end of the run that begins at `start`, and whether it is ASCII.
fn end_of_run(text: &str, start: usize) -> (usize, bool) {
    let bytes = text.as_bytes();
    let mut end = start;
    let mut is_ascii = true;
    while let Some(byte) = bytes.get(end) {
        if byte.is_ascii() {
            if !is_ascii_word(*byte) {
                break;
            }
            end += 1;
            continue;
        }
        let Some(letter) = text[end..].chars().next() else {
            break;
        };
        if stands_alone(letter) {
            return if end == start {
                (end + letter.len_utf8(), false)
            } else {
                (end, is_ascii)
            };
        }
        if !is_word(letter) {
            break;
        }
        is_ascii = false;
        end += letter.len_utf8();
    }
    (end, is_ascii)
}

/// The end of the part that begins at `start` in the run that ends at `end`.
fn end_of_part(text: &str, start: usize, end: usize, is_ascii: bool) -> usize {
    if is_ascii {
        let bytes = text.as_bytes();
        let mut at = start + 1;
        while at < end {
            let (before, here) = (bytes[at - 1], bytes[at]);
            if here.is_ascii_uppercase() {
                let next_is_lower = at + 1 < end && bytes[at + 1].is_ascii_lowercase();
                if !before.is_ascii_uppercase() || next_is_lower {
                    break;
                }
            }
            at += 1;
        }
        return at;
    }
    let mut letters = text[start..end].char_indices().peekable();
    let mut before = None;
    while let Some((at, here)) = letters.next() {
        if let Some(before) = before {
            let next_is_lower = letters.peek().is_some_and(|(_, next)| next.is_lowercase());
            let rises = here.is_uppercase() && (!char::is_uppercase(before) || next_is_lower);
            if rises {
                return start + at;
            }
        }
        before = Some(here);
    }
    end
}

impl TokenStream for Stream<'_> {
    fn advance(&mut self) -> bool {
        loop {
            if self.part >= self.run.end && !self.next_run() {
                return false;
            }
            let end = end_of_part(self.text, self.part, self.run.end, self.is_ascii);
            let is_all = self.part == self.run.start && end == self.run.end;
            if !self.whole {
                self.whole = true;
                if !is_all && self.run.len() <= LONGEST {
                    self.set(self.run.start, self.run.end, self.position);
                    return true;
                }
            }
            let start = std::mem::replace(&mut self.part, end);
            if end - start > LONGEST {
                // It takes its position, so that phrases around it hold.
                self.position += 1;
                continue;
            }
            self.set(start, end, self.position);
            self.position += 1;
            return true;
        }
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

/// A run of a text, for queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Its place in the text.
    pub(super) place: std::ops::Range<usize>,
    /// The run, folded.
    pub(super) word: String,
    /// Its parts, folded.
    pub(super) parts: Vec<String>,
}

/// The runs of `text`, however long.
pub(super) fn runs(text: &str) -> Vec<Run> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(skipped) = text[at..].find(is_word) {
        let start = at + skipped;
        let (end, is_ascii) = end_of_run(text, start);
        let mut parts = Vec::new();
        let mut part = start;
        while part < end {
            let part_end = end_of_part(text, part, end, is_ascii);
            parts.push(text[part..part_end].chars().map(fold).collect());
            part = part_end;
        }
        found.push(Run {
            place: start..end,
            word: text[start..end].chars().map(fold).collect(),
            parts,
        });
        at = end;
    }
    found
}

/// Whether `text` has a run that is too long to be a word of the index.
pub(super) fn has_long_run(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_inside = |byte: u8| is_ascii_word(byte) || !byte.is_ascii();
    // Such a run covers one of these places, so most of the text need not be looked at.
    let places = (LONGEST..bytes.len()).step_by(LONGEST + 1);
    places.filter(|at| is_inside(bytes[*at])).any(|at| {
        let before = bytes[..at].iter().rev().take(LONGEST);
        let behind = bytes[at..].iter().take(LONGEST + 1);
        let before = before.take_while(|byte| is_inside(**byte)).count();
        before + behind.take_while(|byte| is_inside(**byte)).count() > LONGEST
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(String, usize)> {
        let mut words = Words::default();
        let mut stream = words.token_stream(text);
        let mut found = Vec::new();
        while stream.advance() {
            let token = stream.token();
            assert!(token.offset_to <= text.len());
            found.push((token.text.clone(), token.position));
        }
        found
    }

    #[test]
    fn words_of_code_and_prose() {
        let table: &[(&str, &[(&str, usize)])] = &[
            ("", &[]),
            ("Hello, world", &[("hello", 0), ("world", 1)]),
            (
                "inputStream x",
                &[("inputstream", 0), ("input", 0), ("stream", 1), ("x", 2)],
            ),
            ("snake_case", &[("snake", 0), ("case", 1)]),
            (
                "a_fooBar_b",
                &[("a", 0), ("foobar", 1), ("foo", 1), ("bar", 2), ("b", 3)],
            ),
            (
                "HTTPServer",
                &[("httpserver", 0), ("http", 0), ("server", 1)],
            ),
            (
                "sha256 0x1F",
                &[("sha256", 0), ("0x1f", 1), ("0x1", 1), ("f", 2)],
            ),
            ("__init__", &[("init", 0)]),
            ("a ___ b", &[("a", 0), ("b", 1)]),
            ("src/lib.rs", &[("src", 0), ("lib", 1), ("rs", 2)]),
            ("1,234.56", &[("1", 0), ("234", 1), ("56", 2)]),
            ("Übergröße", &[("übergröße", 0)]),
            (
                "übergrößeNeu",
                &[("übergrößeneu", 0), ("übergröße", 0), ("neu", 1)],
            ),
            ("東京x", &[("東", 0), ("京", 1), ("x", 2)]),
            ("x東", &[("x", 0), ("東", 1)]),
            ("ที่x", &[("ท", 0), ("ี", 1), ("่", 2), ("x", 3)]),
            ("データ", &[("デ", 0), ("ー", 1), ("タ", 2)]),
            ("sınır", &[("sınır", 0)]),
        ];
        for (text, expected) in table {
            let expected: Vec<_> = expected
                .iter()
                .map(|(word, position)| ((*word).to_owned(), *position))
                .collect();
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_too_long_keeps_its_place_only() {
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(
            words(&format!("a {long} b")),
            [("a".to_owned(), 0), ("b".to_owned(), 2)]
        );
        assert!(!has_long_run(&"x ".repeat(LONGEST)));
        let fits = "x".repeat(LONGEST);
        for before in 0..2 * LONGEST {
            let before = " ".repeat(before);
            assert!(has_long_run(&format!("{before}{long} y")), "{before:?}");
            assert!(!has_long_run(&format!("{before}{fits} y")), "{before:?}");
        }
        assert_eq!(words(&fits), [(fits.clone(), 0)]);
    }

    #[test]
    fn every_run_of_a_text_is_a_word_at_the_position_of_its_first_part() {
        let text = "fooBar _x_y ___ HTTPServer2 über_Größe 東京 é";
        let found = words(text);
        let mut position = 0;
        for run in runs(text) {
            assert!(found.contains(&(run.word.clone(), position)), "{run:?}");
            for (offset, part) in run.parts.iter().enumerate() {
                assert!(found.contains(&(part.clone(), position + offset)), "{part}");
            }
            position += run.parts.len();
        }
    }
}
