//! What a revision is compared with. Revision 0 of a handoff is what the handoff that it continues was last decided
//! as: whoever approved that sees what changed since, and only that.

use std::sync::Arc;

use countersign_protocol::manifest::Manifest;
use countersign_web::desk::{Base, Caller, DeskError};

use super::{access::visible_card, row::last_mine};
use crate::ledger::{Card, CardDecision, Revision, State};

/// A revision that another one can be compared with.
#[derive(Clone, Debug)]
pub(super) struct Compared {
    /// What it is, for people.
    pub(super) base: Base,
    /// The revision, with the bytes that were decided about.
    pub(super) revision: Arc<Revision>,
}

/// The revision `number` of `card`; `None` for 0 when the handoff continues none that `who` may see.
pub(super) fn numbered(
    state: &State,
    card: &Card,
    who: &Caller,
    number: u32,
) -> Result<Option<Compared>, DeskError> {
    if number == 0 {
        return Ok(before(state, card, who));
    }
    let missing = || DeskError::NotFound(format!("{} revision {number}", card.id));
    let revision = card.revision(number).cloned().ok_or_else(missing)?;
    let base = base(card, who, number);
    Ok(Some(Compared { base, revision }))
}

/// What a person most likely wants to compare the revision `shown` with: what they last decided, else what anybody
/// did, here or before, else the revision before.
pub(super) fn fitting(state: &State, card: &Card, who: &Caller, shown: u32) -> Option<Compared> {
    let decided = card
        .decisions
        .iter()
        .map(|decision| decision.decided.revision)
        .filter(|number| *number < shown)
        .max();
    let mine = last_mine(card, who).filter(|number| *number < shown);
    let of_card = |number| numbered(state, card, who, number).ok().flatten();
    match mine.or(decided) {
        Some(number) => of_card(number),
        None => before(state, card, who)
            .or_else(|| of_card(shown.checked_sub(1).filter(|number| *number > 0)?)),
    }
}

/// All that the revision `shown` can be compared with, the newest first.
pub(super) fn choices(state: &State, card: &Card, who: &Caller, shown: u32) -> Vec<Base> {
    let earlier = (1..shown).rev().map(|number| base(card, who, number));
    let before = continued(state, card, who).and_then(|before| {
        let (decision, _) = decided_last(&before)?;
        Some(base_before(&before, decision))
    });
    earlier.chain(before).collect()
}

fn base(card: &Card, who: &Caller, number: u32) -> Base {
    let label = match card.decision(number) {
        _ if last_mine(card, who) == Some(number) => {
            format!("your last decision (revision {number})")
        }
        Some(decision) => format!(
            "revision {number}, {} by {}",
            decision.decided.outcome.word(),
            decision.actor.name()
        ),
        None => format!("revision {number}"),
    };
    Base {
        revision: number,
        label,
    }
}

/// The handoff that `card` continues, when `who` may see it and its last decided revision is still kept.
fn continued(state: &State, card: &Card, who: &Caller) -> Option<Arc<Card>> {
    let earlier = visible_card(state, who, card.revisions.first()?.accepted.follows?).ok()?;
    decided_last(&earlier)?;
    Some(earlier)
}

fn decided_last(earlier: &Card) -> Option<(&CardDecision, &Arc<Revision>)> {
    let decision = earlier.decisions.last()?;
    let known = earlier.revision(decision.decided.revision)?;
    (!known.is_forgotten).then_some((decision, known))
}

/// What the revision 0 of whoever continues `earlier` is called.
fn base_before(earlier: &Card, decision: &CardDecision) -> Base {
    let label = format!(
        "{} revision {}, {} by {}",
        earlier.id,
        decision.decided.revision,
        decision.decided.outcome.word(),
        decision.actor.name()
    );
    Base { revision: 0, label }
}

/// What was decided last before `card` began, with what a person edited in it.
fn before(state: &State, card: &Card, who: &Caller) -> Option<Compared> {
    let earlier = continued(state, card, who)?;
    let (decision, known) = decided_last(&earlier)?;
    let revision = match &decision.decided.edited {
        None => Arc::clone(known),
        Some(edited) => {
            let mut revision = Revision::clone(known);
            let manifest = &mut Arc::make_mut(&mut revision.accepted).manifest;
            *manifest = Manifest::new(manifest.document, edited.entries(manifest));
            Arc::new(revision)
        }
    };
    let base = base_before(&earlier, decision);
    Some(Compared { base, revision })
}

#[cfg(test)]
mod tests;
