//! From the words of a query to conditions of the index.

use std::collections::HashSet;

use countersign_protocol::{
    lock::is_same_owner,
    principal::Actor,
    query::{
        Atom, Comparison, Filter, HitKind, Moment, Note, Operator, Query, Span, Term, Value, What,
    },
};
use countersign_web::desk::Caller;
use jiff::Timestamp;

use super::{
    super::LedgerDesk,
    facts::{Asker, any_text, is_name},
};
use crate::search::{Condition, Level, Name, Pattern, Statement, kind};

/// Reads a query, and notes what it had to leave out.
pub(super) struct Reader<'a> {
    pub(super) desk: &'a LedgerDesk,
    pub(super) asker: Asker<'a>,
    pub(super) notes: Vec<Note>,
}

/// Nothing.
fn nothing() -> Condition {
    Condition::Or(Vec::new())
}

impl Reader<'_> {
    pub(super) fn condition(&mut self, filter: &Filter) -> Condition {
        match filter {
            Filter::All => Condition::All,
            Filter::And(parts) => {
                Condition::And(parts.iter().map(|part| self.condition(part)).collect())
            }
            Filter::Or(parts) => {
                Condition::Or(parts.iter().map(|part| self.condition(part)).collect())
            }
            Filter::Not(part) => Condition::Not(Box::new(self.condition(part))),
            Filter::Term(term) => self.term(term),
        }
    }

    fn term(&mut self, term: &Term) -> Condition {
        match &term.what {
            What::Word(word) if word.chars().any(char::is_alphanumeric) && word.len() < 100 => {
                Condition::Word(word.clone())
            }
            What::Word(text) | What::Phrase(text) => match Pattern::phrase(text) {
                Ok(pattern) => Condition::Pattern(pattern, Some(text.clone())),
                Err(error) => self.left_out(term, &error.to_string()),
            },
            What::Regex(pattern) => match Pattern::regex(pattern) {
                Ok(pattern) => Condition::Pattern(pattern, None),
                Err(error) => {
                    let text = error.to_string();
                    let last = text.lines().last().unwrap_or_default();
                    self.note(
                        term,
                        format!("this pattern cannot be read and finds nothing: {last}"),
                    );
                    nothing()
                }
            },
            What::Field(operator, value) => self
                .field(*operator, value)
                .unwrap_or_else(|| self.left_out(term, "nothing is known of that")),
        }
    }

    fn left_out(&mut self, term: &Term, why: &str) -> Condition {
        self.note(term, format!("`{term}` was left out: {why}"));
        Condition::All
    }

    fn note(&mut self, term: &Term, message: String) {
        let note = Note {
            message,
            place: term.place,
            instead: None,
        };
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    fn field(&self, operator: Operator, value: &Value) -> Option<Condition> {
        let texts = |of: &dyn Fn(String) -> Condition| any(value, of);
        let ledger = || {
            let desk = self.desk;
            let is_known = |card: &_| desk.fulfils(card, operator, value, &self.asker);
            let about = desk.about(|card| is_known(card).unwrap_or(false));
            Some(about)
        };
        match operator {
            Operator::Ws => texts(&|name| Condition::Workspace(Name(name))),
            Operator::Agent => {
                let by = texts(&|name| Condition::By(Name(name)))?;
                let checkpoint = Condition::And(vec![Condition::Kind(kind::CHECKPOINT), by]);
                Some(Condition::Or(vec![ledger()?, checkpoint]))
            }
            Operator::By => texts(&|name| {
                let name = match (name.as_str(), self.asker.who) {
                    ("me", Caller::Person(me)) => me.display.clone(),
                    ("me", Caller::Agent(me)) => me.agent.clone(),
                    _ => name,
                };
                Condition::By(Name(name))
            }),
            Operator::Path => texts(&Condition::Path),
            Operator::Ext => {
                texts(&|ending| Condition::Ending(Name(ending.trim_start_matches('.').to_owned())))
            }
            Operator::Type => texts(&|name| Condition::Type(Name(name))),
            Operator::Size => size(value),
            Operator::Level => texts(&level),
            Operator::Content => texts(&|words| Condition::Inside(kind::FILE, words)),
            Operator::Reason => texts(&|words| Condition::Inside(kind::DECISION, words)),
            Operator::Is if any_is(value, "locked") => {
                Some(Condition::Or(vec![self.desk.locked(|_| true), ledger()?]))
            }
            Operator::Lock => self.locked_by(value),
            Operator::Has if any_is(value, "secret") => Some(Condition::Secret),
            Operator::Is if any_is(value, "dead-letter") => Some(Condition::Or(vec![
                Condition::Kind(kind::REFUSED),
                ledger()?,
            ])),
            Operator::Has if any_is(value, "validation-error") => Some(Condition::Invalid),
            Operator::Has if any_is(value, "unsearched") => Some(Condition::Unsearched),
            Operator::Has if any_is(value, "question") || any_is(value, "checklist") => {
                self.stating(Statement::Has, value)
            }
            Operator::Model => self.stating(Statement::Model, value),
            Operator::Tool => self.stating(Statement::Tool, value),
            Operator::Event => {
                let recorded = |name: &'static str, kind| {
                    let is_meant = any_text(value, |wanted| is_name(name, wanted));
                    (is_meant == Some(true)).then_some(Condition::Kind(kind))
                };
                let mut any = vec![ledger()?];
                any.extend(recorded("handoff.refused", kind::REFUSED));
                any.extend(recorded("checkpoint.saved", kind::CHECKPOINT));
                Some(Condition::Or(any))
            }
            Operator::Has if any_is(value, "error") => {
                let levels = [Level::Error, Level::Fatal].map(Condition::Level);
                Some(Condition::Or(levels.into()))
            }
            Operator::Has if any_is(value, "warning") => Some(Condition::Or(vec![
                Condition::Level(Level::Warning),
                ledger()?,
            ])),
            Operator::Has
                if ["comment", "open-thread", "files"]
                    .iter()
                    .any(|word| any_is(value, word)) =>
            {
                ledger()
            }
            Operator::Age => self.age(value),
            Operator::Before | Operator::After | Operator::Changed | Operator::Added => {
                self.when(operator, value)
            }
            Operator::Due => {
                let now = self.asker.now;
                let span = span(value, &|moment| moment.span_ahead(now))?;
                let is_due = |due: Timestamp| span.contains(&due.as_microsecond());
                let desk = self.desk;
                Some(desk.about(|card| card.newest().accepted.due.is_some_and(is_due)))
            }
            // A decision is found by its own outcome, what else there is of a card by the last one.
            Operator::Decision => {
                let decision = || Condition::Kind(kind::DECISION);
                let own = any(value, &Condition::Outcome)?;
                let others = Condition::Not(Box::new(decision()));
                Some(Condition::Or(vec![
                    Condition::And(vec![decision(), own]),
                    Condition::And(vec![others, ledger()?]),
                ]))
            }
            Operator::Id
            | Operator::Risk
            | Operator::Class
            | Operator::Trigger
            | Operator::Confidence
            | Operator::Rev
            | Operator::Is
            | Operator::Viewed => ledger(),
            _ => None,
        }
    }

    /// What somebody of that name holds a lock on.
    fn locked_by(&self, value: &Value) -> Option<Condition> {
        let me = super::super::access::actor(self.asker.who);
        let is_meant = |owner: &Actor| {
            any_text(value, |name| match name {
                "me" => is_same_owner(owner, &me),
                name => is_name(owner.name(), name),
            })
        };
        // It is asked first whether the value is one that names anybody.
        is_meant(&me)?;
        Some(self.desk.locked(|owner| is_meant(owner) == Some(true)))
    }

    /// What is about the handoffs whose documents state that.
    fn stating(&self, statement: Statement, value: &Value) -> Option<Condition> {
        let mut cards = HashSet::new();
        for atom in value.atoms() {
            let Atom::Text(text) = atom else { return None };
            let name = Name(text.clone());
            cards.extend(self.desk.search.cards_stating(statement, &name));
        }
        Some(self.desk.about(|card| cards.contains(&card.id.0)))
    }

    /// The time since it was handed over, counted back from now.
    fn age(&self, value: &Value) -> Option<Condition> {
        let now = self.asker.now.at.as_microsecond();
        let ago = |atom: &Atom| match atom {
            Atom::Length(seconds) => {
                let micros = i64::try_from(*seconds).ok()?.checked_mul(1_000_000)?;
                Some(now.saturating_sub(micros))
            }
            _ => None,
        };
        let range = match value {
            Value::Compared(Comparison::More | Comparison::AtLeast, atom) => i64::MIN..ago(atom)?,
            Value::Compared(Comparison::Less | Comparison::AtMost, atom) | Value::Is(atom) => {
                ago(atom)?..i64::MAX
            }
            Value::Between(from, to) => ago(to)?..ago(from)?,
            Value::Any(_) => return None,
        };
        Some(Condition::At(range))
    }

    fn when(&self, operator: Operator, value: &Value) -> Option<Condition> {
        let now = self.asker.now;
        let span = span(value, &|moment| moment.span(now))?;
        let at = match (operator, value) {
            (Operator::Before, Value::Is(_)) => i64::MIN..span.start,
            (Operator::After, Value::Is(_)) => span.start..i64::MAX,
            _ => span,
        };
        Some(match operator {
            Operator::Before | Operator::After => Condition::At(at),
            _ => Condition::And(vec![Condition::Kind(kind::FILE), Condition::At(at)]),
        })
    }
}

fn level(word: String) -> Condition {
    let level = Level::ALL.into_iter().find(|level| level.name() == word);
    level.map_or_else(nothing, Condition::Level)
}

fn any(value: &Value, of: &dyn Fn(String) -> Condition) -> Option<Condition> {
    let one = |atom: &Atom| match atom {
        Atom::Text(text) => Some(of(text.clone())),
        _ => None,
    };
    match value {
        Value::Is(atom) => one(atom),
        Value::Any(atoms) => {
            let all: Option<Vec<_>> = atoms.iter().map(one).collect();
            all.map(Condition::Or)
        }
        _ => None,
    }
}

fn any_is(value: &Value, word: &str) -> bool {
    any_text(value, |text| text == word) == Some(true)
}

/// The kind of document that is shown.
pub(super) fn kind_of(show: Option<HitKind>) -> Option<&'static str> {
    Some(match show? {
        HitKind::File => kind::FILE,
        HitKind::Handoff => kind::HANDOFF,
        HitKind::Decision => kind::DECISION,
        HitKind::Comment => kind::COMMENT,
        HitKind::Refused => kind::REFUSED,
        HitKind::Checkpoint => kind::CHECKPOINT,
        // No document; it is said in a note.
        HitKind::Event => "event",
    })
}

/// Whether there is something to be relevant to.
pub(super) fn has_words(query: &Query) -> bool {
    fn has(filter: &Filter) -> bool {
        match filter {
            Filter::And(parts) | Filter::Or(parts) => parts.iter().any(has),
            Filter::Term(term) => !matches!(term.what, What::Field(..) | What::Regex(_)),
            Filter::All | Filter::Not(_) => false,
        }
    }
    !query.about.is_empty() || has(&query.filter)
}

fn size(value: &Value) -> Option<Condition> {
    let bytes = |atom: &Atom| match atom {
        Atom::Bytes(bytes) => Some(*bytes),
        _ => None,
    };
    let range = match value {
        Value::Is(atom) => bytes(atom)?..bytes(atom)?.saturating_add(1),
        Value::Compared(comparison, atom) => {
            let bytes = bytes(atom)?;
            match comparison {
                Comparison::More => bytes.saturating_add(1)..u64::MAX,
                Comparison::AtLeast => bytes..u64::MAX,
                Comparison::Less => 0..bytes,
                Comparison::AtMost => 0..bytes.saturating_add(1),
            }
        }
        Value::Between(from, to) => bytes(from)?..bytes(to)?.saturating_add(1),
        Value::Any(_) => return None,
    };
    Some(Condition::Size(range))
}

/// The time that is meant, in microseconds since 1970. `None` for an anchor.
fn span(value: &Value, of: &dyn Fn(&Moment) -> Span) -> Option<std::ops::Range<i64>> {
    let span = |atom: &Atom| match atom {
        Atom::Moment(moment) => {
            let span = of(moment);
            Some((span.start.as_microsecond(), span.end.as_microsecond()))
        }
        _ => None,
    };
    Some(match value {
        Value::Is(atom) => {
            let (start, end) = span(atom)?;
            start..end.max(start + 1)
        }
        Value::Compared(comparison, atom) => {
            let (start, end) = span(atom)?;
            match comparison {
                Comparison::More => end..i64::MAX,
                Comparison::AtLeast => start..i64::MAX,
                Comparison::Less => i64::MIN..start,
                Comparison::AtMost => i64::MIN..end,
            }
        }
        Value::Between(from, to) => span(from)?.0..span(to)?.1,
        Value::Any(_) => return None,
    })
}
