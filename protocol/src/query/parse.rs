//! Text to query. What cannot be understood as a whole is an error with a place; a single operator that
//! cannot be understood is left out with a note, and the rest is run.

mod cursor;
mod field;

use cursor::Cursor;
pub(super) use field::any;

use super::{
    Filter, MAX_DEPTH, MAX_LENGTH, MAX_TERMS, Note, Operator, Parsed, Place, Query, QueryError,
    Term, What,
};

/// Reads a query. The grammar is in `docs/search.md`.
pub fn parse(text: &str) -> Result<Parsed, QueryError> {
    if text.len() > MAX_LENGTH {
        return Err(QueryError {
            message: format!("the query is longer than {MAX_LENGTH} bytes"),
            place: Place {
                start: 0,
                end: text.len(),
            },
            hint: "search for less at a time".to_owned(),
        });
    }
    let mut parser = Parser {
        cursor: Cursor::new(text),
        query: Query::default(),
        notes: Vec::new(),
        terms: 0,
    };
    let filter = parser.any(0)?;
    if let Some(place) = parser.cursor.take_sign(')') {
        return Err(error(
            "this `)` closes nothing",
            place,
            "remove it, or put quotes around the text that contains it",
        ));
    }
    parser.query.filter = filter.unwrap_or_default();
    Ok(Parsed {
        query: parser.query,
        notes: parser.notes,
    })
}

fn error(message: &str, place: Place, hint: &str) -> QueryError {
    QueryError {
        message: message.to_owned(),
        place,
        hint: hint.to_owned(),
    }
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    query: Query,
    notes: Vec<Note>,
    terms: usize,
}

impl Parser<'_> {
    /// `a OR b`. Nothing when all of it was left out.
    fn any(&mut self, depth: usize) -> Result<Option<Filter>, QueryError> {
        let mut found = Vec::new();
        loop {
            let before = self.cursor.at();
            let part = self.all(depth)?;
            let empty = self.cursor.only_space_since(before);
            let or = self.cursor.take_keyword("OR");
            let lonely = match or {
                Some(place) if empty => Some(place),
                Some(place) if self.cursor.ends_group() => Some(place),
                _ => None,
            };
            if let Some(place) = lonely {
                return Err(error(
                    "`OR` needs something on both sides",
                    place,
                    "remove it, or write `\"OR\"` to search for the word",
                ));
            }
            found.extend(part);
            if or.is_none() {
                return Ok(joined(found, Filter::Or));
            }
        }
    }

    /// `a b`, `a AND b`.
    fn all(&mut self, depth: usize) -> Result<Option<Filter>, QueryError> {
        let mut found = Vec::new();
        loop {
            while self.cursor.take_keyword("AND").is_some() {}
            if self.cursor.ends_group() || self.cursor.at_keyword("OR") {
                return Ok(joined(found, Filter::And));
            }
            found.extend(self.one(depth)?);
        }
    }

    /// `a`, `-a`, `NOT a`, `(a b)`.
    fn one(&mut self, depth: usize) -> Result<Option<Filter>, QueryError> {
        let mut negated = false;
        loop {
            let not = self.cursor.take_keyword("NOT");
            if let Some(place) = not.filter(|_| self.cursor.ends_group()) {
                return Err(error(
                    "`NOT` needs something behind it",
                    place,
                    "remove it, or write `\"NOT\"` to search for the word",
                ));
            }
            if not.is_none() && !self.cursor.take_minus() {
                break;
            }
            negated = !negated;
        }
        let found = match self.cursor.take_sign('(') {
            Some(open) if depth == MAX_DEPTH => {
                return Err(error(
                    &format!("parentheses are nested more than {MAX_DEPTH} deep"),
                    open,
                    "say it with fewer parentheses",
                ));
            }
            Some(open) => {
                let inner = self.any(depth + 1)?;
                if self.cursor.take_sign(')').is_none() {
                    return Err(error(
                        "this `(` is not closed",
                        open,
                        "add a `)`, or put quotes around the text that contains it",
                    ));
                }
                inner
            }
            None => self.term(negated)?,
        };
        Ok(found.map(|found| match (negated, found) {
            (false, found) => found,
            (true, Filter::Not(inner)) => *inner,
            (true, found) => Filter::Not(Box::new(found)),
        }))
    }

    fn term(&mut self, negated: bool) -> Result<Option<Filter>, QueryError> {
        let start = self.cursor.at();
        let what = if let Some(phrase) = self.cursor.take_quoted()? {
            (!phrase.is_empty()).then_some(What::Phrase(phrase))
        } else if let Some(regex) = self.cursor.take_regex() {
            Some(What::Regex(regex))
        } else if let Some(name) = self.cursor.take_name() {
            self.field(name, start, negated)?
        } else {
            let word = self.cursor.take_word();
            // These would be read as something else if they stood alone in a canonical text.
            let phrase = word.starts_with(['/', '-']) || ["OR", "AND", "NOT"].contains(&word);
            Some(if phrase {
                What::Phrase(word.to_owned())
            } else {
                What::Word(word.to_owned())
            })
        };
        let place = Place {
            start,
            end: self.cursor.at(),
        };
        self.count(1, place)?;
        Ok(what.map(|what| Filter::Term(Term { what, place })))
    }

    /// Holds the query to [`MAX_TERMS`].
    fn count(&mut self, more: usize, place: Place) -> Result<(), QueryError> {
        self.terms += more;
        if self.terms > MAX_TERMS {
            return Err(error(
                &format!("the query has more than {MAX_TERMS} terms"),
                place,
                "search for less at a time",
            ));
        }
        Ok(())
    }

    fn note(&mut self, place: Place, message: String, instead: Option<String>) {
        let message = match &instead {
            Some(instead) => format!("{message}, did you mean `{instead}`?"),
            None => message,
        };
        self.notes.push(Note {
            message,
            place,
            instead,
        });
    }

    /// What a name with a colon means that is no operator: near ones are mistakes, others are text.
    fn unknown(&mut self, name: &str, start: usize) -> Result<Option<What>, QueryError> {
        let near = Operator::nearest(name);
        let value = match self.cursor.take_quoted()? {
            Some(quoted) => quoted,
            None => self.cursor.take_value().to_owned(),
        };
        let place = Place {
            start,
            end: self.cursor.at(),
        };
        if let Some(near) = near {
            self.note(
                place,
                format!("unknown operator `{name}:`"),
                Some(format!("{near}:")),
            );
            return Ok(None);
        }
        if !value.is_empty() {
            self.note(
                place,
                format!("`{name}:` is no operator and was searched as text"),
                None,
            );
        }
        Ok(Some(What::Phrase(format!("{name}:{value}"))))
    }
}

/// One of several is itself, none is nothing, and lists of the same kind are one list.
fn joined(parts: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Option<Filter> {
    let or = matches!(join(Vec::new()), Filter::Or(_));
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Filter::Or(inner) if or => flat.extend(inner),
            Filter::And(inner) if !or => flat.extend(inner),
            other => flat.push(other),
        }
    }
    match flat.len() {
        0 => None,
        1 => flat.pop(),
        _ => Some(join(flat)),
    }
}
