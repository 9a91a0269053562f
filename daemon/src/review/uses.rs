//! The use of an approval that is good for one: recorded before the work is used, so that of two who ask one goes on.

use countersign_protocol::{
    HandoffId,
    access::Permission,
    event::Event,
    terms::{Use, Used},
};
use countersign_web::desk::{Caller, DeskError, boundaries::UseWish};

use super::{
    LedgerDesk,
    access::{actor, visible_card},
    commands::refused,
};
use crate::{
    fault,
    ledger::{Draft, released},
};

impl LedgerDesk {
    /// Records that `who` uses what was approved as `id`. Who asked and got no answer asks again with the same id.
    pub(super) async fn record_use(
        &self,
        who: &Caller,
        id: HandoffId,
        wish: UseWish,
    ) -> Result<Use, DeskError> {
        self.check_card(who, id, Permission::Submit)?;
        let is_id = (8..=64).contains(&wish.use_id.len())
            && wish.use_id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_id {
            return Err(DeskError::Invalid {
                field: "use_id".to_owned(),
                message: "8 to 64 letters and digits that nobody used before".to_owned(),
            });
        }
        let (who, actor) = (who.clone(), actor(who));
        let use_id = wish.use_id.clone();
        let recorded = self.ledger.transact(move |state, now| {
            let card = visible_card(state, &who, id)?;
            let conflict = |why: String| DeskError::Conflict { id, why };
            let Some((_, decision)) = released(state, &card) else {
                return Err(DeskError::NotFound(format!("a release of {id}")));
            };
            if decision.approved_manifest() != wish.manifest_sha256 {
                return Err(conflict("was approved with other bytes".to_owned()));
            }
            match &card.used {
                Some(one) if one.use_id == use_id => return Ok(Draft::nothing(())),
                used => {
                    if let Some(why) = decision.terms.lapsed(used.as_ref(), now) {
                        return Err(conflict(format!("cannot be used: {why}")));
                    }
                }
            }
            if !decision.terms.single_use {
                let why = "can be used as often as you like; nobody counts";
                return Err(conflict(why.to_owned()));
            }
            let used = Used {
                handoff: id,
                revision: decision.revision,
                manifest_sha256: wish.manifest_sha256,
                use_id,
            };
            Ok(Draft::of(vec![(actor, Event::Used(Box::new(used)))], ()))
        });
        recorded.await.map_err(refused)?;
        fault::step("use.recorded");
        let state = self.ledger.state();
        let used = state.card(id).and_then(|card| card.used.clone());
        used.ok_or_else(|| DeskError::Unavailable(format!("the use of {id} cannot be read")))
    }
}

#[cfg(test)]
mod tests;
