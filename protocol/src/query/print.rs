//! Query to canonical text. Read again, the text gives the same query.

use std::fmt::{self, Display, Write};

use super::{
    Atom, Filter, Group, HitKind, Kind, Operator, Query, Sort, Term, Value, What,
    moment::print_length, value::print_bytes,
};

const SHOW: &[(HitKind, &str)] = &[
    (HitKind::File, "files"),
    (HitKind::Handoff, "handoffs"),
    (HitKind::Decision, "decisions"),
    (HitKind::Comment, "comments"),
    (HitKind::Refused, "refused"),
    (HitKind::Checkpoint, "checkpoints"),
    (HitKind::Event, "events"),
];

const GROUP: &[(Group, &str)] = &[
    (Group::Agent, "agent"),
    (Group::Workspace, "ws"),
    (Group::By, "by"),
    (Group::Type, "type"),
    (Group::Decision, "decision"),
    (Group::Risk, "risk"),
    (Group::Trigger, "trigger"),
    (Group::Folder, "folder"),
    (Group::Handoff, "handoff"),
    (Group::Day, "day"),
];

const SORT: &[(Sort, &str)] = &[
    (Sort::Relevance, "relevance"),
    (Sort::Newest, "newest"),
    (Sort::Oldest, "oldest"),
    (Sort::Largest, "largest"),
    (Sort::Smallest, "smallest"),
    (Sort::Path, "path"),
    (Sort::Risk, "risk"),
    (Sort::Due, "due"),
    (Sort::Confidence, "confidence"),
];

macro_rules! named {
    ($type:ty, $table:ident) => {
        impl $type {
            /// All of them, with the word behind the operator.
            pub fn all() -> impl Iterator<Item = (Self, &'static str)> {
                $table.iter().copied()
            }

            /// The word behind the operator.
            pub fn word(self) -> &'static str {
                let known = $table.iter().find(|(one, _)| *one == self);
                known.map_or("", |(_, word)| word)
            }

            /// The one with that word.
            pub fn read(word: &str) -> Option<Self> {
                let known = $table.iter().find(|(_, one)| *one == word);
                known.map(|(one, _)| *one)
            }
        }
    };
}

named!(HitKind, SHOW);
named!(Group, GROUP);
named!(Sort, SORT);

impl Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        match &self.filter {
            Filter::All => {}
            filter => parts.push(filter.to_string()),
        }
        // An `OR` reaches to both ends of the text, so it is held together when something follows.
        let more = self.parts();
        if let (Filter::Or(_), false, Some(first)) =
            (&self.filter, more.is_empty(), parts.first_mut())
        {
            *first = format!("({first})");
        }
        parts.extend(more);
        f.write_str(&parts.join(" "))
    }
}

impl Query {
    /// What is said about the answer, as terms.
    fn parts(&self) -> Vec<String> {
        let mut parts = Vec::new();
        match self.about.as_slice() {
            [] => {}
            [word] => parts.push(field(Operator::About, &Value::Is(Atom::Text(word.clone())))),
            words => {
                let atoms = words.iter().cloned().map(Atom::Text).collect();
                parts.push(field(Operator::About, &Value::Any(atoms)));
            }
        }
        parts.extend(self.show.map(|show| format!("show:{}", show.word())));
        parts.extend(self.count.then(|| "show:count".to_owned()));
        parts.extend(self.group.map(|group| format!("group:{}", group.word())));
        parts.extend(self.sort.map(|sort| format!("sort:{}", sort.word())));
        parts
    }
}

impl Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => Ok(()),
            Self::Term(term) => term.fmt(f),
            Self::Not(inner) => match &**inner {
                inner @ (Self::And(_) | Self::Or(_)) => write!(f, "-({inner})"),
                inner => write!(f, "-{inner}"),
            },
            Self::And(parts) => {
                for (at, part) in parts.iter().enumerate() {
                    let space = if at == 0 { "" } else { " " };
                    match part {
                        part @ Self::Or(_) => write!(f, "{space}({part})")?,
                        part => write!(f, "{space}{part}")?,
                    }
                }
                Ok(())
            }
            Self::Or(parts) => {
                for (at, part) in parts.iter().enumerate() {
                    let or = if at == 0 { "" } else { " OR " };
                    write!(f, "{or}{part}")?;
                }
                Ok(())
            }
        }
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Word(word) => f.write_str(word),
            What::Phrase(phrase) => f.write_str(&quoted(phrase)),
            What::Regex(regex) => write!(f, "/{}/", regex.replace('/', "\\/")),
            What::Field(operator, value) => f.write_str(&field(*operator, value)),
        }
    }
}

fn field(operator: Operator, value: &Value) -> String {
    let kind = operator.kind();
    let mut text = format!("{}:", operator.name());
    // Writing to a string does not fail.
    let _ = match value {
        Value::Is(atom) => write!(text, "{}", printed(atom, kind)),
        Value::Compared(comparison, atom) => {
            write!(text, "{}{}", comparison.sign(), printed(atom, kind))
        }
        Value::Between(from, to) => {
            write!(text, "{}..{}", printed(from, kind), printed(to, kind))
        }
        Value::Any(atoms) => {
            let atoms: Vec<_> = atoms.iter().map(|atom| printed(atom, kind)).collect();
            write!(text, "({})", atoms.join(","))
        }
    };
    text
}

fn printed(atom: &Atom, kind: Kind) -> String {
    match atom {
        Atom::Text(text) if matches!(kind, Kind::OneOf(_)) || plain(text) => text.clone(),
        Atom::Text(text) => quoted(text),
        Atom::Number(number) => number.to_string(),
        Atom::Floor => "floor".to_owned(),
        Atom::Bytes(bytes) => print_bytes(*bytes),
        Atom::Length(seconds) => print_length(*seconds),
        Atom::Moment(moment) => moment.to_string(),
        Atom::Anchor(anchor) => anchor.to_string(),
    }
}

/// Whether a text can stand as a value without quotes.
fn plain(text: &str) -> bool {
    let special = |c: char| {
        c.is_whitespace() || c.is_control() || matches!(c, '(' | ')' | ',' | '"' | '“' | '”' | '„')
    };
    // `//`, `\` and a second colon right behind the first make it a word of code or an address.
    let other = [":", "//", "\\"];
    !text.is_empty()
        && text != "OR"
        && !text.contains(special)
        && !other.iter().any(|start| text.starts_with(start))
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}
