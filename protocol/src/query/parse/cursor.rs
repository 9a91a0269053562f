//! The text of a query, read from left to right.

use super::{
    super::{Place, QueryError},
    error,
};

pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

/// Marks that phones put in the place of `"`.
const QUOTES: [char; 4] = ['"', '“', '”', '„'];

fn ends_word(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '(' | ')') || QUOTES.contains(&c)
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        let space = |c: char| c.is_whitespace() || c.is_control();
        self.at += rest.len() - rest.trim_start_matches(space).len();
    }

    fn take(&mut self, bytes: usize) -> Place {
        let start = self.at;
        self.at += bytes;
        Place {
            start,
            end: self.at,
        }
    }

    /// Whether nothing was read since `start`.
    pub(super) fn only_space_since(&self, start: usize) -> bool {
        self.text[start..self.at].trim().is_empty()
    }

    /// Whether the text or a group ends here.
    pub(super) fn ends_group(&mut self) -> bool {
        self.skip_space();
        self.rest().is_empty() || self.rest().starts_with(')')
    }

    pub(super) fn take_sign(&mut self, sign: char) -> Option<Place> {
        self.skip_space();
        self.rest().starts_with(sign).then(|| self.take(1))
    }

    pub(super) fn at_keyword(&mut self, keyword: &str) -> bool {
        self.skip_space();
        let behind = self.rest().strip_prefix(keyword);
        behind.is_some_and(|behind| behind.chars().next().is_none_or(ends_word))
    }

    pub(super) fn take_keyword(&mut self, keyword: &str) -> Option<Place> {
        self.at_keyword(keyword).then(|| self.take(keyword.len()))
    }

    /// A `-` with something to negate right behind it. Two of them are part of an option's name.
    pub(super) fn take_minus(&mut self) -> bool {
        self.skip_space();
        let mut next = self.rest().chars();
        let minus = next.next() == Some('-')
            && next
                .next()
                .is_some_and(|c| c != '-' && c != ')' && !c.is_whitespace() && !c.is_control());
        if minus {
            self.at += 1;
        }
        minus
    }

    /// Reads text in quotes; `\"` and `\\` stand for themselves. A straight mark is closed by a straight one, so
    /// that a phrase may hold curly ones.
    pub(super) fn take_quoted(&mut self) -> Result<Option<String>, QueryError> {
        let mut chars = self.rest().char_indices();
        let Some((_, open)) = chars.next().filter(|(_, c)| QUOTES.contains(c)) else {
            return Ok(None);
        };
        let closes = |c: char| match open {
            '"' => c == '"',
            _ => QUOTES.contains(&c),
        };
        let mut text = String::new();
        let mut escaped = false;
        for (at, c) in chars {
            if escaped || !(closes(c) || c == '\\') {
                if escaped && c != '"' && c != '\\' {
                    text.push('\\');
                }
                text.push(c);
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else {
                self.at += at + c.len_utf8();
                return Ok(Some(text));
            }
        }
        let place = Place {
            start: self.at,
            end: self.at + open.len_utf8(),
        };
        Err(error(
            "this quotation mark is not closed",
            place,
            "add another one where the phrase ends",
        ))
    }

    /// `/…/` with the end of a term behind it; `\/` stands for a slash.
    pub(super) fn take_regex(&mut self) -> Option<String> {
        let body = self.rest().strip_prefix('/')?;
        let mut escaped = false;
        let mut end = None;
        for (at, c) in body.char_indices() {
            if c == '\n' {
                break;
            }
            if c == '/' && !escaped {
                let behind = body[at + 1..].chars().next();
                if at > 0 && behind.is_none_or(|c| c.is_whitespace() || c == ')') {
                    end = Some(at);
                    break;
                }
            }
            escaped = c == '\\' && !escaped;
        }
        let end = end?;
        self.at += end + 2;
        Some(body[..end].replace("\\/", "/"))
    }

    /// The name of an operator, with its colon. What follows tells it from a URL or a path in code.
    pub(super) fn take_name(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '-';
        let end = rest.find(|c: char| !letter(c)).filter(|end| *end > 0)?;
        let behind = rest[end..].strip_prefix(':')?;
        let other = [":", "//", "\\"];
        if other.iter().any(|start| behind.starts_with(start)) {
            return None;
        }
        self.at += end + 1;
        Some(&rest[..end])
    }

    /// A word. It is never empty, so that every term moves the cursor on.
    pub(super) fn take_word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(ends_word).unwrap_or(rest.len());
        let end = end.max(rest.chars().next().map_or(0, char::len_utf8));
        self.at += end;
        &rest[..end]
    }

    /// A value without quotes; may be empty.
    pub(super) fn take_value(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(ends_word).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// The values in parentheses, when there are any: separated by commas, spaces or `OR`.
    pub(super) fn take_list(&mut self) -> Result<Option<Vec<String>>, QueryError> {
        if !self.rest().starts_with('(') {
            return Ok(None);
        }
        let open = self.take(1);
        let mut list = Vec::new();
        loop {
            self.skip_space();
            if self.rest().starts_with(',') {
                self.at += 1;
            } else if self.rest().starts_with(')') {
                self.at += 1;
                return Ok(Some(list));
            } else if self.take_keyword("OR").is_some() {
                // Only words in between.
            } else if let Some(quoted) = self.take_quoted()? {
                list.push(quoted);
            } else {
                let rest = self.rest();
                let end = rest
                    .find(|c| ends_word(c) || c == ',')
                    .unwrap_or(rest.len());
                if end == 0 {
                    return Err(error(
                        "this list is not closed",
                        open,
                        "add a `)`, and put quotes around a value with parentheses",
                    ));
                }
                self.at += end;
                list.push(rest[..end].to_owned());
            }
        }
    }
}
