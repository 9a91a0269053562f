//! The words of a question, and patterns over them.

use super::forms;

/// What a stretch of words was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Agent,
    Ws,
    Person,
    Id,
    Path,
    Type,
    Size,
    Number,
    Length,
    Moment,
    Anchor,
    Revision,
    /// The ending of a name.
    Ext,
    /// Compared numbers, sizes, lengths of time and revisions: `>2`, `<=5mb`, `1h..2h`.
    Numbers,
    Sizes,
    Lengths,
    Revisions,
}

impl Slot {
    /// The name in patterns.
    fn read(name: &str) -> Option<Self> {
        Some(match name {
            "agent" => Self::Agent,
            "ws" => Self::Ws,
            "person" => Self::Person,
            "id" => Self::Id,
            "path" => Self::Path,
            "type" => Self::Type,
            "size" => Self::Size,
            "number" => Self::Number,
            "length" => Self::Length,
            "moment" => Self::Moment,
            "anchor" => Self::Anchor,
            "revision" => Self::Revision,
            "ext" => Self::Ext,
            "numbers" => Self::Numbers,
            "sizes" => Self::Sizes,
            "lengths" => Self::Lengths,
            "revisions" => Self::Revisions,
            _ => return None,
        })
    }
}

/// One word, or what stands in the place of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word: in small letters, and as it was written.
    Word(String, String),
    /// Something known, as a query names it.
    Known(Slot, String),
    /// Taken by a rule.
    Gone,
}

/// A word in small letters, without the punctuation around it and without a genitive.
pub(super) fn normal(word: &str) -> String {
    let lower = word.to_lowercase().replace('’', "'");
    let trimmed = lower.trim_matches(|c: char| {
        matches!(
            c,
            '?' | '!' | '.' | ',' | ';' | ':' | '\'' | '`' | '<' | '>' | '[' | ']' | '…'
        )
    });
    let base = trimmed.strip_suffix("'s").unwrap_or(trimmed);
    base.replace('\'', "")
}

/// The tokens of a question.
pub(super) struct Tokens(pub(super) Vec<Token>);

impl Tokens {
    pub(super) fn new(words: &[String]) -> Self {
        let articles = ["the", "a", "an"];
        let edge = |c: char| matches!(c, '?' | '!' | ',' | ';' | '`' | '\'' | '’');
        let tokens = words.iter().filter_map(|word| {
            let lower = normal(word);
            let plain = word.trim_matches(edge).trim_end_matches(['.', ':']);
            let empty = lower.is_empty() || articles.contains(&lower.as_str());
            (!empty).then(|| Token::Word(lower, plain.to_owned()))
        });
        Self(tokens.collect())
    }

    /// Puts what is known in the place of `count` words.
    pub(super) fn put(&mut self, at: usize, count: usize, slot: Slot, text: String) {
        self.0.splice(at..at + count, [Token::Known(slot, text)]);
    }

    /// Where `pattern` first matches: first token, number of tokens, and the known things in it.
    ///
    /// A pattern is a list of `word`, `one|other`, `{slot}` and `{slot|slot}`, each optional with a `?` behind.
    /// With `~` before it a word stands for all of its forms.
    pub(super) fn find(&self, pattern: &str) -> Option<(usize, usize, Vec<Token>)> {
        let elements: Vec<&str> = pattern.split_whitespace().collect();
        (0..self.0.len()).find_map(|at| {
            let mut taken = Vec::new();
            let end = matched(&self.0[at..], &elements, &mut taken)?;
            (end > 0).then_some((at, end, taken))
        })
    }

    pub(super) fn take(&mut self, at: usize, count: usize) {
        for token in &mut self.0[at..at + count] {
            *token = Token::Gone;
        }
    }

    /// Words that nobody took and that carry something, as they were written.
    pub(super) fn left_over(&self, is_empty: fn(&str) -> bool) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for token in &self.0 {
            let word = match token {
                Token::Word(lower, _) if is_empty(lower) => continue,
                Token::Word(lower, _) if !lower.contains(char::is_alphanumeric) => continue,
                Token::Word(_, written) | Token::Known(_, written) => written,
                Token::Gone => continue,
            };
            if !words.contains(word) {
                words.push(word.clone());
            }
        }
        words
    }
}

/// How many tokens the elements take from the start.
fn matched(tokens: &[Token], elements: &[&str], taken: &mut Vec<Token>) -> Option<usize> {
    let Some((element, rest)) = elements.split_first() else {
        return Some(0);
    };
    let (element, optional) = match element.strip_suffix('?') {
        Some(element) => (element, true),
        None => (*element, false),
    };
    if let Some(first) = tokens.first()
        && fits(first, element)
    {
        let known = matches!(first, Token::Known(..));
        if known {
            taken.push(first.clone());
        }
        if let Some(more) = matched(&tokens[1..], rest, taken) {
            return Some(more + 1);
        }
        if known {
            taken.pop();
        }
    }
    if optional {
        return matched(tokens, rest, taken);
    }
    None
}

fn fits(token: &Token, element: &str) -> bool {
    match (
        token,
        element
            .strip_prefix('{')
            .and_then(|it| it.strip_suffix('}')),
    ) {
        (Token::Known(slot, _), Some(slots)) => {
            slots.split('|').any(|name| Slot::read(name) == Some(*slot))
        }
        (Token::Word(lower, _), None) => match element.strip_prefix('~') {
            Some(words) => words.split('|').any(|word| forms::is_form(lower, word)),
            None => element.split('|').any(|word| word == lower),
        },
        _ => false,
    }
}
