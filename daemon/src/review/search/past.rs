//! `at:`: files as they stood at some moment, from what was handed over until then.

use std::sync::Arc;

use countersign_protocol::{
    anchor::Anchor,
    query::{Atom, Filter, HitKind, Moment, Note, Now, Operator, Query, Value},
};
use countersign_web::desk::{Caller, DeskError, Hit, StoodAt};

use super::{super::LedgerDesk, changes};
use crate::search::{Standing, Version};

/// A query about a moment.
pub(super) struct AsOf {
    pub(super) standing: Arc<Standing>,
    /// What is asked besides.
    pub(super) rest: Filter,
    pub(super) moments: Vec<StoodAt>,
    pub(super) notes: Vec<Note>,
}

impl LedgerDesk {
    /// What stood at the moment that the query names. `None` when it names none.
    pub(super) fn as_of(
        &self,
        who: &Caller,
        query: &Query,
        now: &Now,
    ) -> Result<Option<AsOf>, DeskError> {
        let Some((anchor, mut rest)) = asked(&query.filter, now) else {
            return Ok(None);
        };
        let question = changes::question(Anchor::Start, Some(anchor), &rest);
        if question.handoff.is_some() {
            // Only its files stand there; the index would ask what it names now.
            rest.retain(|part| {
                changes::field(part).is_none_or(|(operator, _)| operator != Operator::Id)
            });
        }
        let (parts, left_out) = self.parts(who, &question)?;
        let mut notes: Vec<String> = left_out;
        if query.show.is_some_and(|show| show != HitKind::File) {
            notes.push("only files are known as they stood; others are not shown".to_owned());
        }
        let forgotten = {
            let state = self.ledger.state();
            let revisions = state.cards().flat_map(|card| &card.revisions);
            revisions.filter(|one| one.is_forgotten).count()
        };
        let newest = parts.iter().flat_map(|part| {
            let workspace: Arc<str> = part.span.workspace.as_str().into();
            let newest = part.log.newest(part.span.to.seq).into_iter();
            newest.map(move |revision| (Arc::clone(&workspace), Arc::clone(revision)))
        });
        let standing = self.search.standing(newest.collect(), forgotten);
        let moments = parts.into_iter().map(|part| StoodAt {
            workspace: part.span.workspace,
            label: part.span.to.label,
            seq: part.span.to.seq,
            at: part.span.to.at,
        });
        let notes = notes.into_iter().map(|message| Note {
            message,
            ..Note::default()
        });
        Ok(Some(AsOf {
            standing,
            rest: Filter::all(rest),
            moments: moments.collect(),
            notes: notes.collect(),
        }))
    }
}

/// The hit as one of that revision: its page shows these very bytes.
pub(super) fn cited(hit: Hit, version: Version<'_>) -> Hit {
    let accepted = &version.revision.accepted;
    Hit {
        folder: Some(accepted.at.folder.clone()),
        handoff: Some(accepted.handoff),
        revision: Some(accepted.revision),
        title: accepted.title.clone(),
        agent: Some(accepted.from_agent.clone()),
        state: None,
        at: version.at(),
        seq: version.revision.seq,
        ..hit
    }
}

/// The one term that names a moment beside the rest, and the rest.
fn asked(filter: &Filter, now: &Now) -> Option<(Anchor, Vec<Filter>)> {
    let mut parts = match filter {
        Filter::And(parts) => parts.clone(),
        other => vec![other.clone()],
    };
    let named = parts
        .iter()
        .enumerate()
        .find_map(|(place, part)| match changes::field(part)? {
            (Operator::At, Value::Is(atom)) => Some((place, moment(atom, now)?)),
            _ => None,
        });
    let (place, anchor) = named?;
    parts.remove(place);
    Some((anchor, parts))
}

/// A day is meant as it was at its end.
fn moment(atom: &Atom, now: &Now) -> Option<Anchor> {
    match atom {
        Atom::Anchor(anchor) => Some(anchor.clone()),
        Atom::Moment(moment @ Moment::Away(_)) => Some(Anchor::At(moment.span(now).start)),
        Atom::Moment(moment) => Some(Anchor::At(moment.span(now).end)),
        _ => None,
    }
}
