//! Searching without an index: fields of handoffs, names of files, words of people.

use countersign_protocol::query::{
    Atom, Filter, HitKind, Note, Operator, Query, Sort, Term, Value, What,
};
use countersign_web::desk::{Caller, Hit, MatchedLine};

use super::{
    super::{LedgerDesk, access::sees},
    Found, Page,
};
use crate::ledger::{Card, State};

impl LedgerDesk {
    pub(super) fn find(&self, who: &Caller, query: &Query, page: Page<'_>) -> Found {
        let mut notes = Vec::new();
        let (things, seq) = {
            let state = self.ledger.state();
            (things(&state, who), state.head.seq)
        };
        let mut hits: Vec<Hit> = things
            .into_iter()
            .filter(|thing| query.show.is_none_or(|show| thing.kind == show))
            .filter(|thing| fits(thing, &query.filter, &mut notes))
            .collect();
        if query.sort == Some(Sort::Oldest) {
            hits.sort_by_key(|hit| hit.seq);
        } else {
            hits.sort_by_key(|hit| std::cmp::Reverse(hit.seq));
        }
        let total = hits.len();
        let skip: usize = page
            .cursor
            .and_then(|cursor| cursor.parse().ok())
            .unwrap_or(0);
        let end = skip.saturating_add(page.limit).min(total);
        Found {
            next_cursor: (end < total).then(|| end.to_string()),
            hits: if query.count || skip >= end {
                Vec::new()
            } else {
                hits.drain(skip..end).collect()
            },
            total: total as u64,
            exact: true,
            notes,
            seq,
            ..Found::default()
        }
    }
}

fn things(state: &State, who: &Caller) -> Vec<Hit> {
    let cards = state.cards().filter(|card| sees(who, &card.workspace));
    cards.flat_map(|card| of_card(card)).collect()
}

fn of_card(card: &Card) -> Vec<Hit> {
    let newest = card.newest();
    let accepted = &newest.accepted;
    let base = Hit {
        kind: HitKind::Handoff,
        workspace: card.workspace.clone(),
        path: None,
        folder: Some(accepted.at.folder.clone()),
        member: None,
        handoff: Some(card.id),
        revision: Some(accepted.revision),
        title: accepted.title.clone(),
        agent: Some(accepted.from_agent.clone()),
        by: None,
        state: Some(card.state.name().to_owned()),
        change: None,
        renamed_from: None,
        size: None,
        at: newest.at,
        seq: newest.seq,
        lines: vec![line("title", &accepted.title)],
        errors: Vec::new(),
    };
    let mut things = vec![base.clone()];
    things.extend(accepted.manifest.entries.iter().map(|entry| Hit {
        kind: HitKind::File,
        path: Some(match accepted.at.folder.as_str() {
            "" => entry.path.clone(),
            folder => format!("{folder}/{}", entry.path),
        }),
        size: Some(entry.size),
        lines: vec![line("path", &entry.path)],
        ..base.clone()
    }));
    things.extend(card.decisions.iter().map(|decision| {
        Hit {
            kind: HitKind::Decision,
            revision: Some(decision.decided.revision),
            by: Some(decision.actor.name().to_owned()),
            state: Some(decision.decided.outcome.word().to_owned()),
            at: decision.at,
            seq: decision.seq,
            lines: decision
                .decided
                .comment
                .iter()
                .map(|text| line("comment", text))
                .collect(),
            ..base.clone()
        }
    }));
    things.extend(card.comments.iter().map(|comment| Hit {
        kind: HitKind::Comment,
        by: Some(comment.actor.name().to_owned()),
        at: comment.at,
        seq: comment.seq,
        lines: vec![line("comment", &comment.text)],
        ..base.clone()
    }));
    things
}

fn line(field: &str, text: &str) -> MatchedLine {
    MatchedLine {
        number: None,
        field: Some(field.to_owned()),
        text: text.to_owned(),
        matches: Vec::new(),
    }
}

fn fits(thing: &Hit, filter: &Filter, notes: &mut Vec<Note>) -> bool {
    match filter {
        Filter::All => true,
        Filter::And(parts) => parts.iter().all(|part| fits(thing, part, notes)),
        Filter::Or(parts) => parts.iter().any(|part| fits(thing, part, notes)),
        Filter::Not(part) => !fits(thing, part, notes),
        Filter::Term(term) => match &term.what {
            What::Word(word) | What::Phrase(word) => contains(thing, word),
            What::Regex(pattern) => {
                let pattern = regex::Regex::new(pattern);
                pattern.is_ok_and(|it| thing.lines.iter().any(|line| it.is_match(&line.text)))
            }
            What::Field(operator, value) => field(thing, *operator, value).unwrap_or_else(|| {
                left_out(term, *operator, notes);
                true
            }),
        },
    }
}

fn contains(thing: &Hit, word: &str) -> bool {
    let word = word.to_lowercase();
    let texts = thing
        .lines
        .iter()
        .map(|line| &line.text)
        .chain([&thing.title]);
    texts
        .into_iter()
        .any(|text| text.to_lowercase().contains(&word))
}

fn field(thing: &Hit, operator: Operator, value: &Value) -> Option<bool> {
    let is = |text: Option<&str>| {
        let same = |atom: &Atom| matches!(atom, Atom::Text(wanted) if text == Some(wanted));
        Some(match value {
            Value::Is(atom) => same(atom),
            Value::Any(atoms) => atoms.iter().any(same),
            _ => return None,
        })
    };
    let id = thing.handoff.map(|id| id.to_string());
    match operator {
        Operator::Ws => is(Some(&thing.workspace)),
        Operator::Agent => is(thing.agent.as_deref()),
        Operator::By => is(thing.by.as_deref()),
        Operator::Id => is(id.as_deref()),
        Operator::Ext => is(thing
            .path
            .as_deref()
            .and_then(|path| Some(path.rsplit_once('.')?.1))),
        Operator::Decision => is(thing.state.as_deref()),
        _ => None,
    }
}

fn left_out(term: &Term, operator: Operator, notes: &mut Vec<Note>) {
    let note = Note {
        message: format!("`{}:` needs the index and was left out", operator.name()),
        place: term.place,
        instead: None,
    };
    if !notes.contains(&note) {
        notes.push(note);
    }
}
