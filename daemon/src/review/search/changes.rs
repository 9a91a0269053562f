//! `changed:`, `added:` and `removed:`: answered from the ledger, so that files that are gone are found
//! too, and the same question about the same entries has the same answer.

use countersign_protocol::{
    HandoffId,
    anchor::Anchor,
    changes::FileChange,
    names::joined,
    query::{
        Atom, Comparison, Filter, HitKind, Moment, Note, Now, Operator, Query, Term, Value, What,
        glob,
    },
};
use countersign_web::desk::{
    Caller, Change, Changes, Counted, DeskError, Facet, Hit, VersionsDesk as _,
    versions::{Changed, ChangedQuestion, ChangedRow},
};

use super::{super::LedgerDesk, Found, Page, facts::is_name};

/// A query about changes: what is asked of the ledger, and what each row must fulfil besides.
struct Asked {
    operator: Operator,
    question: ChangedQuestion,
    rest: Filter,
}

impl LedgerDesk {
    /// The answer when the query asks what changed; else nothing.
    pub(super) async fn find_changes(
        &self,
        who: &Caller,
        query: &Query,
        page: Page<'_>,
        now: &Now,
    ) -> Result<Option<Found>, DeskError> {
        let Some(asked) = asked(&query.filter, now) else {
            return Ok(None);
        };
        let changed = self.changed(who, asked.question).await?;
        let mut notes: Vec<Note> = changed
            .left_out
            .iter()
            .map(|why| note(why.clone()))
            .collect();
        let changes = changes(&changed);
        let mut rows = changed.rows;
        rows.retain(|row| {
            let kind = match asked.operator {
                Operator::Added => row.change == FileChange::Created,
                Operator::Removed => row.change == FileChange::Removed,
                _ => true,
            };
            kind && fits(row, &asked.rest, &mut notes)
        });
        rows.sort_by(|one, other| {
            let place = |row: &ChangedRow| (row.workspace.clone(), path_of(row));
            other
                .at
                .cmp(&one.at)
                .then_with(|| place(one).cmp(&place(other)))
        });
        let total = rows.len();
        let skip: usize = page
            .cursor
            .and_then(|cursor| cursor.parse().ok())
            .unwrap_or(0);
        let end = skip.saturating_add(page.limit).min(total);
        let listed = !query.count && query.group.is_none();
        let shown = rows.get(skip..end).filter(|_| listed).unwrap_or_default();
        let seq = self.ledger.state().head.seq;
        Ok(Some(Found {
            hits: shown.iter().map(|row| self.changed_hit(row)).collect(),
            total: total as u64,
            exact: true,
            next_cursor: (listed && end < total).then(|| end.to_string()),
            facets: facets(&rows),
            groups: match query.group {
                Some(group) => counted(rows.iter().filter_map(|row| grouped(row, group, now))),
                None => Vec::new(),
            },
            changes,
            stood: Vec::new(),
            partial: None,
            unsearched: 0,
            notes,
            seq,
        }))
    }

    fn changed_hit(&self, row: &ChangedRow) -> Hit {
        let title = {
            let state = self.ledger.state();
            let card = state.card(row.handoff);
            card.map_or_else(String::new, |card| card.newest().accepted.title.clone())
        };
        Hit {
            kind: HitKind::File,
            workspace: row.workspace.clone(),
            path: Some(path_of(row)),
            folder: Some(row.folder.clone()),
            member: None,
            handoff: Some(row.handoff),
            revision: Some(row.revision),
            title,
            agent: Some(row.agent.clone()),
            by: None,
            state: None,
            change: Some(match row.change {
                FileChange::Created => Change::Added,
                FileChange::Removed => Change::Removed,
                FileChange::Restored => Change::Unchanged,
                FileChange::Modified => Change::Modified,
                FileChange::Renamed => Change::Renamed,
            }),
            renamed_from: row.from_path.clone(),
            size: row.size.or(row.size_before),
            at: row.at,
            seq: row.seq,
            lines: Vec::new(),
            errors: Vec::new(),
            note: None,
        }
    }
}

fn fits(row: &ChangedRow, filter: &Filter, notes: &mut Vec<Note>) -> bool {
    match filter {
        Filter::All => true,
        Filter::And(parts) => parts.iter().all(|part| fits(row, part, notes)),
        Filter::Or(parts) => parts.iter().any(|part| fits(row, part, notes)),
        Filter::Not(part) => !fits(row, part, notes),
        Filter::Term(term) => is(row, term).unwrap_or_else(|| {
            let left_out = note(format!(
                "`{term}` cannot be asked together with changes and was left out"
            ));
            if !notes.contains(&left_out) {
                notes.push(left_out);
            }
            true
        }),
    }
}

fn is(row: &ChangedRow, term: &Term) -> Option<bool> {
    let path = path_of(row);
    let (operator, value) = match &term.what {
        What::Word(text) | What::Phrase(text) => {
            return Some(path.to_lowercase().contains(&text.to_lowercase()));
        }
        What::Regex(pattern) => {
            return regex::Regex::new(pattern).ok().map(|it| it.is_match(&path));
        }
        What::Field(operator, value) => (*operator, value),
    };
    let text = |is: &dyn Fn(&str) -> bool| {
        let one = |atom: &Atom| match atom {
            Atom::Text(text) => Some(is(text)),
            _ => None,
        };
        match value {
            Value::Is(atom) => one(atom),
            Value::Any(atoms) => atoms
                .iter()
                .try_fold(false, |any, atom| Some(any || one(atom)?)),
            _ => None,
        }
    };
    let same = |known: &str| text(&|wanted| is_name(known, wanted));
    match operator {
        Operator::Ws => same(&row.workspace),
        Operator::Agent => same(&row.agent),
        Operator::Id => same(&row.handoff.to_string()),
        Operator::Ext => same(path.rsplit_once('.').map_or("", |(_, ending)| ending)),
        Operator::Path => text(&|wanted| is_path(&path, wanted)),
        Operator::Size => size(row.size.or(row.size_before)?, value),
        _ => None,
    }
}

fn note(message: String) -> Note {
    Note {
        message,
        ..Note::default()
    }
}

/// The path in the workspace.
fn path_of(row: &ChangedRow) -> String {
    joined(&row.folder, &row.path)
}

/// Whether `path` is meant by the glob `wanted`.
fn is_path(path: &str, wanted: &str) -> bool {
    let pattern = regex::Regex::new(&glob::path_pattern(wanted));
    pattern.is_ok_and(|pattern| pattern.is_match(&glob::folded(path)))
}

fn size(bytes: u64, value: &Value) -> Option<bool> {
    let of = |atom: &Atom| match atom {
        Atom::Bytes(bytes) => Some(*bytes),
        _ => None,
    };
    Some(match value {
        Value::Is(atom) => bytes == of(atom)?,
        Value::Compared(Comparison::More, atom) => bytes > of(atom)?,
        Value::Compared(Comparison::AtLeast, atom) => bytes >= of(atom)?,
        Value::Compared(Comparison::Less, atom) => bytes < of(atom)?,
        Value::Compared(Comparison::AtMost, atom) => bytes <= of(atom)?,
        Value::Between(from, to) => (of(from)?..=of(to)?).contains(&bytes),
        Value::Any(_) => return None,
    })
}

/// The one term about changes that stands beside the rest, and the question that it is with it.
fn asked(filter: &Filter, now: &Now) -> Option<Asked> {
    let whole = std::slice::from_ref(filter);
    let parts = match filter {
        Filter::And(parts) => parts.as_slice(),
        _ => whole,
    };
    let mut rest = parts.to_vec();
    let about_changes = |part: &Filter| {
        field(part).is_some_and(|(operator, _)| {
            matches!(
                operator,
                Operator::Changed | Operator::Added | Operator::Removed
            )
        })
    };
    let asked = rest.remove(rest.iter().position(about_changes)?);
    let (operator, value) = field(&asked)?;
    let (from, to) = ends(value, now)?;
    Some(Asked {
        operator,
        question: question(from, to, &rest),
        rest: Filter::all(rest),
    })
}

/// The workspace and the handoff that a term of `rest` names alone are those of the question.
pub(super) fn question(from: Anchor, to: Option<Anchor>, rest: &[Filter]) -> ChangedQuestion {
    let mut question = ChangedQuestion {
        from: Some(from),
        to,
        ..ChangedQuestion::default()
    };
    for part in rest {
        match field(part) {
            Some((Operator::Ws, Value::Is(Atom::Text(name)))) => {
                question.workspace = Some(name.clone());
            }
            Some((Operator::Id, Value::Is(Atom::Text(id)))) => {
                question.handoff = id.parse::<HandoffId>().ok();
            }
            _ => {}
        }
    }
    question
}

/// The operator and the value of a term that has them.
pub(super) fn field(part: &Filter) -> Option<(Operator, &Value)> {
    match part {
        Filter::Term(term) => match &term.what {
            What::Field(operator, value) => Some((*operator, value)),
            _ => None,
        },
        _ => None,
    }
}

/// From when to when.
fn ends(value: &Value, now: &Now) -> Option<(Anchor, Option<Anchor>)> {
    let start = |atom: &Atom| match atom {
        Atom::Anchor(anchor) => Some(anchor.clone()),
        Atom::Moment(moment) => Some(Anchor::At(moment.span(now).start)),
        _ => None,
    };
    let end = |atom: &Atom| match atom {
        Atom::Anchor(anchor) => Some(anchor.clone()),
        Atom::Moment(moment) => Some(Anchor::At(moment.span(now).end)),
        _ => None,
    };
    Some(match value {
        Value::Compared(Comparison::More, atom @ Atom::Moment(moment)) => match moment {
            Moment::Away(_) => (start(atom)?, None),
            _ => (end(atom)?, None),
        },
        Value::Compared(Comparison::More | Comparison::AtLeast, atom)
        | Value::Is(atom @ (Atom::Anchor(_) | Atom::Moment(Moment::Away(_)))) => {
            (start(atom)?, None)
        }
        Value::Compared(Comparison::Less, atom) => (Anchor::Start, Some(start(atom)?)),
        Value::Compared(Comparison::AtMost, atom) => (Anchor::Start, Some(end(atom)?)),
        Value::Is(atom) => (start(atom)?, Some(end(atom)?)),
        Value::Between(from, to) => (start(from)?, Some(end(to)?)),
        Value::Any(_) => return None,
    })
}

fn changes(changed: &Changed) -> Option<Changes> {
    let first = changed.spans.first()?;
    // Several workspaces may have the point at several entries; the oldest one covers them all.
    let oldest = changed.spans.iter().min_by_key(|span| span.from.seq)?;
    Some(Changes {
        since: first.from.label.clone(),
        from_seq: oldest.from.seq,
        from_at: oldest.from.at,
        from_by: None,
        to_seq: changed.spans.iter().map(|span| span.to.seq).max()?,
        cancelled: changed.restored as u64,
    })
}

fn grouped(
    row: &ChangedRow,
    group: countersign_protocol::query::Group,
    now: &Now,
) -> Option<String> {
    use countersign_protocol::query::Group;
    Some(match group {
        Group::Agent => row.agent.clone(),
        Group::Workspace => row.workspace.clone(),
        Group::Handoff => row.handoff.to_string(),
        Group::Folder => path_of(row)
            .rsplit_once('/')
            .map_or_else(String::new, |(it, _)| it.to_owned()),
        Group::Day => row.at.to_zoned(now.zone.clone()).date().to_string(),
        Group::Type => row.path.rsplit_once('.')?.1.to_lowercase(),
        Group::By | Group::Decision | Group::Risk | Group::Trigger => return None,
    })
}

fn counted(values: impl Iterator<Item = String>) -> Vec<Counted> {
    let mut counts = std::collections::BTreeMap::<String, u64>::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let mut counted: Vec<_> = counts
        .into_iter()
        .map(|(value, count)| Counted { value, count })
        .collect();
    // The values are in order already, so equal counts stay so.
    counted.sort_by_key(|one| std::cmp::Reverse(one.count));
    counted
}

fn facets(rows: &[ChangedRow]) -> Vec<Facet> {
    let of = |operator: &str, value: &dyn Fn(&ChangedRow) -> Option<String>| Facet {
        operator: operator.to_owned(),
        values: counted(rows.iter().filter_map(value)),
    };
    vec![
        of("ws", &|row| Some(row.workspace.clone())),
        of("agent", &|row| Some(row.agent.clone())),
        of("ext", &|row| {
            Some(row.path.rsplit_once('.')?.1.to_lowercase())
        }),
    ]
}
