//! Questions in words, read by ordered rules and without a model.
//!
//! Names, ids, paths, times and points in the history are found first. Then each rule that matches
//! takes its words away and says what they mean as a piece of a query. What is left over ranks and does
//! not filter, so that a word nobody foresaw never hides an answer. The result is shown as a query
//! ("Read as …"); read again, it is itself.

mod forms;
mod rules;
mod slots;
#[cfg(test)]
mod tests;
mod tokens;

use super::{
    Filter, Note, Now, Operator, Query, QueryError, Value, What,
    parse::{self, parse},
};
use tokens::{Token, Tokens};

/// The names that questions are likely to hold, as far as the asker may know them.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// Agents.
    pub agents: Vec<String>,
    /// Workspaces.
    pub workspaces: Vec<String>,
    /// People, by the name shown to others.
    pub people: Vec<String>,
    /// Paths of files, and folders.
    pub paths: Vec<String>,
}

/// How a text was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The query.
    pub query: Query,
    /// What was left out or read otherwise than it looks.
    pub notes: Vec<Note>,
    /// True when rules read it.
    pub question: bool,
    /// Words that no rule understood. They rank and do not filter.
    pub left_over: Vec<String>,
    /// True for a question of which no rule understood anything.
    pub unmatched: bool,
}

/// First words of a question.
const LEADS: &[&str] = &[
    "what",
    "whats",
    "which",
    "who",
    "whos",
    "whose",
    "when",
    "where",
    "why",
    "how",
    "show",
    "list",
    "find",
    "give",
    "tell",
    "is",
    "are",
    "was",
    "were",
    "did",
    "does",
    "do",
    "has",
    "have",
    "any",
    "count",
    "search",
    "look",
    "everything",
    "anything",
    "anybody",
    "anyone",
    "compare",
    "rank",
    "latest",
];

/// Further words that carry nothing a query could say.
const FILLERS: &[&str] = &[
    "had",
    "me",
    "us",
    "i",
    "we",
    "you",
    "it",
    "its",
    "they",
    "them",
    "their",
    "there",
    "that",
    "this",
    "these",
    "those",
    "and",
    "or",
    "of",
    "for",
    "to",
    "in",
    "on",
    "at",
    "by",
    "from",
    "with",
    "please",
    "all",
    "some",
    "been",
    "be",
    "being",
    "my",
    "our",
    "your",
    "still",
    "now",
    "currently",
    "right",
    "so",
    "far",
    "get",
    "got",
    "see",
    "can",
    "could",
    "would",
    "should",
    "about",
    "most",
    "more",
    "than",
    "then",
    "just",
    "also",
    "every",
    "each",
    "one",
    "ones",
    "thing",
    "things",
    "something",
    "stuff",
    "work",
    "will",
    "while",
    "because",
    "during",
    "came",
    "come",
    "delivered",
    "arrived",
    "received",
    "submitted",
    "produced",
    "written",
    "handed",
    "deliveries",
    "say",
    "as",
    "not",
    "no",
    "only",
    "into",
    "if",
    "ever",
    "yet",
    "up",
    "out",
    "s",
    "per",
    "like",
];

/// Whether a word says nothing that rules left over: of those that lead a question only `count` asks for something.
fn is_empty(word: &str) -> bool {
    FILLERS.contains(&word) || (word != "count" && LEADS.contains(&word))
}

/// Reads a query or a question.
pub fn read(text: &str, vocabulary: &Vocabulary, now: &Now) -> Result<Reading, QueryError> {
    let parsed = parse(text)?;
    let verbatim = Reading {
        query: parsed.query,
        notes: parsed.notes,
        ..Reading::default()
    };
    let Some((words, rest)) = words(&verbatim.query.filter) else {
        return Ok(verbatim);
    };
    let asks = is_question(&words);
    if words.is_empty() || (words.len() < 2 && !asks) {
        return Ok(verbatim);
    }
    // What stands in quotes or in the language is understood.
    let is_said = !rest.is_empty();
    let mut tokens = Tokens::new(&words);
    slots::fill(&mut tokens, vocabulary, now);
    let mut pieces = Pieces {
        query: Query {
            filter: Filter::all(rest),
            ..verbatim.query.clone()
        },
        fired: 0,
        strong: 0,
    };
    rules::apply(&mut tokens, &mut pieces, now);
    let left_over = tokens.left_over(is_empty);
    // A plain phrase is a question only where that explains it; else its words are words.
    let explained = pieces.strong > 0 || (pieces.fired > 0 && left_over.is_empty());
    if !asks && !explained {
        return Ok(verbatim);
    }
    let mut query = pieces.query;
    for word in &left_over {
        if !query.about.contains(word) {
            query.about.push(word.clone());
        }
    }
    Ok(Reading {
        query,
        notes: verbatim.notes,
        question: true,
        unmatched: asks && pieces.fired == 0 && !is_said,
        left_over,
    })
}

/// The words that stand side by side, and the other terms; nothing when words are held together by
/// signs of the language, so that it is no question.
fn words(filter: &Filter) -> Option<(Vec<String>, Vec<Filter>)> {
    let whole = std::slice::from_ref(filter);
    let parts = match filter {
        Filter::All => &[],
        Filter::And(parts) => parts.as_slice(),
        Filter::Or(_) | Filter::Not(_) => return None,
        Filter::Term(_) => whole,
    };
    let mut words = Vec::new();
    let mut rest = Vec::new();
    for part in parts {
        match part {
            Filter::Term(term) => match &term.what {
                What::Word(word) => words.push(word.clone()),
                // A lone dash or dots between words.
                What::Phrase(text) if !text.contains(char::is_alphanumeric) => {}
                _ => rest.push(part.clone()),
            },
            Filter::Or(_) => return None,
            _ => rest.push(part.clone()),
        }
    }
    Some((words, rest))
}

fn is_question(words: &[String]) -> bool {
    let lead = words.first().map(|word| tokens::normal(word));
    let marked = words.last().is_some_and(|word| word.ends_with('?'));
    let led = lead.is_some_and(|lead| LEADS.contains(&lead.as_str()));
    marked || (led && words.len() > 1)
}

/// The query as far as it is made, and how many rules had a part in it.
struct Pieces {
    query: Query,
    fired: usize,
    strong: usize,
}

impl Pieces {
    /// Adds what a rule says. Values of one operator that exclude each other are any of them.
    fn add(&mut self, text: &str, negated: bool) {
        // Rules are data; a test holds each of them to what can be read.
        let Ok(parsed) = parse(text) else { return };
        let more = parsed.query;
        let query = &mut self.query;
        query.show = query.show.or(more.show);
        query.group = query.group.or(more.group);
        query.sort = query.sort.or(more.sort);
        query.count |= more.count;
        query.about.extend(more.about);
        let mut parts = match std::mem::take(&mut query.filter) {
            Filter::All => Vec::new(),
            Filter::And(parts) => parts,
            other => vec![other],
        };
        let new = match more.filter {
            Filter::All => Vec::new(),
            Filter::And(new) => new,
            other => vec![other],
        };
        for part in new {
            let part = match (negated, part) {
                (true, Filter::Not(inner)) => *inner,
                (true, part) => Filter::Not(Box::new(part)),
                (false, part) => part,
            };
            if !parts.contains(&part) && !parts.iter_mut().any(|known| widen(known, &part)) {
                parts.push(part);
            }
        }
        query.filter = Filter::all(parts);
    }

    /// Whether a term of one of these operators is there.
    fn names(&self, operators: &[Operator]) -> bool {
        fn any(filter: &Filter, operators: &[Operator]) -> bool {
            match filter {
                Filter::All => false,
                Filter::And(parts) | Filter::Or(parts) => {
                    parts.iter().any(|part| any(part, operators))
                }
                Filter::Not(part) => any(part, operators),
                Filter::Term(term) => {
                    matches!(&term.what, What::Field(operator, _) if operators.contains(operator))
                }
            }
        }
        any(&self.query.filter, operators)
    }
}

/// Makes `known` take the values of `part` too, when a thing has only one value of that operator.
fn widen(known: &mut Filter, part: &Filter) -> bool {
    let single = [
        Operator::Ws,
        Operator::Agent,
        Operator::By,
        Operator::Id,
        Operator::Type,
        Operator::Ext,
        Operator::Decision,
        Operator::Risk,
        Operator::Class,
        Operator::Trigger,
    ];
    let (Filter::Term(known), Filter::Term(part)) = (known, part) else {
        return false;
    };
    let (What::Field(operator, value), What::Field(other, more)) = (&mut known.what, &part.what)
    else {
        return false;
    };
    if operator != other || !single.contains(operator) {
        return false;
    }
    let atoms = |value: &Value| match value {
        Value::Is(atom) => Some(vec![atom.clone()]),
        Value::Any(atoms) => Some(atoms.clone()),
        _ => None,
    };
    let (Some(mut all), Some(more)) = (atoms(value), atoms(more)) else {
        return false;
    };
    all.extend(more);
    match parse::any(all) {
        Some(both) => *value = both,
        None => return false,
    }
    true
}

/// What a pattern took, in order.
type Taken = Vec<Token>;
