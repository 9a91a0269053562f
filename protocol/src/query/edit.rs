//! A query with one term more or less, for links that narrow and widen it.

use super::{Atom, Filter, Group, Query, QueryError, What, parse};

/// One part of a query that can be taken away.
#[derive(Clone, Debug, PartialEq)]
pub struct Pill {
    /// In canonical form, for example `risk:high`.
    pub text: String,
    /// The query without it.
    pub without: Query,
    /// Whether it leaves results out; the others only say how the answer looks.
    pub filters: bool,
}

impl Query {
    /// Whether the answer depends on the zone of the asker: it names a day, or counts by day.
    pub fn depends_on_zone(&self) -> bool {
        fn names_day(filter: &Filter) -> bool {
            match filter {
                Filter::All => false,
                Filter::And(parts) | Filter::Or(parts) => parts.iter().any(names_day),
                Filter::Not(part) => names_day(part),
                Filter::Term(term) => match &term.what {
                    What::Field(_, value) => value.atoms().any(
                        |atom| matches!(atom, Atom::Moment(moment) if moment.depends_on_zone()),
                    ),
                    What::Word(_) | What::Phrase(_) | What::Regex(_) => false,
                },
            }
        }
        self.group == Some(Group::Day) || names_day(&self.filter)
    }

    /// The parts that stand side by side, in the order of the canonical text.
    pub fn pills(&self) -> Vec<Pill> {
        let mut pills = Vec::new();
        let whole = std::slice::from_ref(&self.filter);
        let parts = match &self.filter {
            Filter::All => &[],
            Filter::And(parts) => parts.as_slice(),
            _ => whole,
        };
        for (at, part) in parts.iter().enumerate() {
            let rest = parts.iter().enumerate().filter(|(other, _)| *other != at);
            let rest: Vec<_> = rest.map(|(_, part)| part.clone()).collect();
            pills.push(Pill {
                text: part.to_string(),
                without: Self {
                    filter: Filter::all(rest),
                    ..self.clone()
                },
                filters: true,
            });
        }
        let mut direct = |text: String, without: Self| {
            pills.push(Pill {
                text,
                without,
                filters: false,
            });
        };
        for word in &self.about {
            let mut without = self.clone();
            without.about.retain(|other| other != word);
            let alone = Self {
                about: vec![word.clone()],
                ..Self::default()
            };
            direct(alone.to_string(), without);
        }
        if let Some(show) = self.show {
            let mut without = self.clone();
            without.show = None;
            direct(format!("show:{}", show.word()), without);
        }
        if self.count {
            let mut without = self.clone();
            without.count = false;
            direct("show:count".to_owned(), without);
        }
        if let Some(group) = self.group {
            let mut without = self.clone();
            without.group = None;
            direct(format!("group:{}", group.word()), without);
        }
        if let Some(sort) = self.sort {
            let mut without = self.clone();
            without.sort = None;
            direct(format!("sort:{}", sort.word()), without);
        }
        pills
    }

    /// The query narrowed to `operator:value`, in the place of terms of that operator that stand beside
    /// it. What cannot be read as such a term changes nothing.
    pub fn narrowed(&self, operator: &str, value: &str) -> Result<Self, QueryError> {
        let quoted = format!(
            "{operator}:\"{}\"",
            value.replace('\\', "\\\\").replace('"', "\\\"")
        );
        let more = parse(&quoted)?.query;
        let same = |part: &Filter| match part {
            Filter::Term(term) => match &term.what {
                super::What::Field(other, _) => other.name() == operator,
                _ => false,
            },
            _ => false,
        };
        let mut parts = match self.filter.clone() {
            Filter::All => Vec::new(),
            Filter::And(parts) => parts,
            other => vec![other],
        };
        if !matches!(more.filter, Filter::All) {
            parts.retain(|part| !same(part));
            parts.push(more.filter);
        }
        Ok(Self {
            filter: Filter::all(parts),
            about: self.about.clone(),
            show: more.show.or(self.show),
            count: more.count || self.count,
            group: more.group.or(self.group),
            sort: more.sort.or(self.sort),
        })
    }
}

impl Filter {
    /// Each of these.
    pub fn all(mut parts: Vec<Self>) -> Self {
        match parts.len() {
            0 => Self::All,
            1 => parts.remove(0),
            _ => Self::And(parts),
        }
    }
}
