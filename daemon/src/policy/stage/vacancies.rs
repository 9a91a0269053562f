//! Disabled accounts: work that waits only for them goes on to other people.

use std::{collections::BTreeSet, convert::Infallible, sync::PoisonError};

use countersign_protocol::{
    approval::Tally,
    event::Event,
    principal::Actor,
    routing::{Asked, Assigned},
};

use super::{Stage, StageError};
use crate::{
    ledger::{Card, Draft, State},
    policy::Asking,
};

const NOTE: &str = "an account was disabled";

impl Stage {
    /// Asks others about each card that waits only for people whose account was disabled. Looks at the cards only
    /// after the set of disabled accounts has changed.
    pub(super) async fn fill_vacancies(&self) -> Result<(), StageError> {
        let covered = || {
            let covered = self.inner.covered.lock();
            covered.unwrap_or_else(PoisonError::into_inner)
        };
        let (disabled, ids) = {
            let state = self.inner.ledger.state();
            let disabled = state.disabled_accounts();
            let is_new = match &*covered() {
                Some(known) => known != disabled,
                None => !disabled.is_empty(),
            };
            if !is_new {
                return Ok(());
            }
            let ids: Vec<_> = state.waiting().map(|card| card.id).collect();
            (disabled.clone(), ids)
        };
        let (me, now) = (self.clone(), self.inner.clock.now());
        self.inner
            .ledger
            .transact(move |state, _| {
                let asking = me.asking(now, state.disabled_accounts());
                let cards = ids.iter().filter_map(|id| state.card(*id));
                let events = cards.flat_map(|card| {
                    let released = unclaimed(state, card);
                    released.into_iter().chain(vacancy(state, card, &asking))
                });
                Ok::<_, Infallible>(Draft::of(events.collect(), ()))
            })
            .await?;
        *covered() = Some(disabled);
        Ok(())
    }
}

/// Returns the fact by which `card` is no longer taken, when the account of the person who took it was disabled.
fn unclaimed(state: &State, card: &Card) -> Option<(Actor, Event)> {
    let claim = card.claim.as_ref()?;
    let event = Event::Unclaimed {
        handoff: card.id,
        revision: card.state.revision(),
    };
    state
        .is_disabled(&claim.person)
        .then_some((Actor::Daemon, event))
}

/// Returns the fact by which others are asked about `card`, when disabled accounts leave it without enough people.
fn vacancy(state: &State, card: &Card, asking: &Asking<'_>) -> Option<(Actor, Event)> {
    let routing = card.routing.as_ref().filter(|one| one.dead.is_none())?;
    let routed = &routing.routed;
    let is_out = |id: &str| state.is_disabled(id) && id != asking.operator;
    let assigned = |asked: Vec<Asked>, beside| {
        let event = Assigned {
            handoff: card.id,
            revision: routed.revision,
            asked,
            beside,
            note: Some(NOTE.to_owned()),
        };
        let actor = Actor::Policy {
            rule: routed.rule.clone(),
        };
        Some((actor, Event::Assigned(Box::new(event))))
    };
    let is_asked = |id: &str| {
        let mut people = routing.asked.iter().flat_map(|one| &one.people);
        people.any(|known| known == id)
    };
    let targets =
        |asked: &[Asked]| -> Vec<String> { asked.iter().map(|one| one.target.clone()).collect() };
    // An agent of the ladder, or a rule that lets it pass, asks no person.
    let people = || routing.asked.iter().flat_map(|one| &one.people);
    if people().next().is_some() && people().all(|id| is_out(id)) {
        return assigned(asking.asked(&targets(&routing.asked)), false);
    }
    let plan = routed.approval.as_ref()?;
    let votes = state.counted_votes(card);
    let tally = Tally::new(
        plan,
        votes.map(|vote| (vote.person.as_str(), vote.voted.outcome, vote.voted.stage)),
    );
    let stage = plan.stages.get(tally.current())?;
    // Where no one is named, everyone whose role allows it votes.
    if stage.asked.is_empty() {
        return None;
    }
    let named: BTreeSet<&String> = stage.asked.iter().flat_map(|one| &one.people).collect();
    if !named.iter().any(|id| is_out(id)) && named.iter().any(|id| is_asked(id)) {
        return None;
    }
    let mut asked = asking.asked_for(&targets(&stage.asked), stage.needed);
    asked.retain(|one| one.people.iter().any(|id| !is_asked(id)));
    (!asked.is_empty()).then(|| assigned(asked, true))?
}

#[cfg(test)]
mod tests {
    use countersign_protocol::{decision::Outcome, event::AccountChange};
    use countersign_web::desk::{Answered, Desk as _, PeopleDesk as _, Person};

    use crate::testing::{Rig, handoff, maya};

    const PEOPLE: &str = r#"
[[person]]
id = "kim"
[[person]]
id = "sam"
[[route]]
name = "all"
to = ["kim"]
"#;

    fn rig(rules: &str) -> Rig {
        let mut rig = Rig::new();
        rig.with_roles(rules);
        rig
    }

    fn person(id: &str) -> Person {
        Person {
            id: id.to_owned(),
            display: id.to_owned(),
            ..maya()
        }
    }

    fn submit(rig: &Rig) {
        rig.deliver("handoff.json", handoff("Write it", &[]));
        rig.apply_policy();
    }

    fn disable(rig: &Rig, id: &str) {
        rig.change_account(id, AccountChange::Disabled);
        rig.apply_policy();
    }

    /// Ids of the people who are asked.
    fn asked(rig: &Rig) -> Vec<String> {
        let card = rig.card();
        let asked = &card.routing.as_ref().unwrap().asked;
        asked.iter().flat_map(|one| one.people.clone()).collect()
    }

    fn operator(rig: &Rig) -> String {
        let clock = rig.clock_now();
        let nobody = std::collections::BTreeSet::new();
        rig.policy().asking(clock, &nobody).operator.to_owned()
    }

    #[test]
    fn operator_is_asked_for_disabled_accounts() {
        let rig = rig(PEOPLE);
        disable(&rig, "kim");
        submit(&rig);
        assert_eq!(asked(&rig), [operator(&rig)]);
        let card = rig.card();
        let routed = &card.routing.as_ref().unwrap().routed;
        let notes: Vec<_> = routed.asked.iter().flat_map(|one| &one.notes).collect();
        assert!(
            notes
                .iter()
                .any(|note| *note == "the account of kim is disabled")
        );
    }

    #[test]
    fn waiting_work_goes_on_once() {
        let rig = rig(PEOPLE);
        submit(&rig);
        assert_eq!(asked(&rig), ["kim"]);
        disable(&rig, "kim");
        assert_eq!(asked(&rig), [operator(&rig)]);
        rig.apply_policy();
        assert_eq!(rig.count("handoff.assigned"), 1);
        // Others who are asked keep it.
        let two = self::rig(&PEOPLE.replace("to = [\"kim\"]", "to = [\"kim\", \"sam\"]"));
        submit(&two);
        disable(&two, "kim");
        assert_eq!(two.count("handoff.assigned"), 0);
    }

    #[test]
    fn missing_voter_is_replaced() {
        let rules = PEOPLE.replace("to = [\"kim\"]", "to = [\"kim\", \"sam\"]\napprovals = 2");
        let rig = rig(&rules);
        submit(&rig);
        disable(&rig, "kim");
        let operator = operator(&rig);
        assert_eq!(asked(&rig), ["kim", "sam", &operator]);
        let vote = |id: &str| {
            let person = person(id);
            let answer = rig.answer(rig.card().id, Outcome::Approved);
            rig.wait(rig.desk().decide(&person, rig.card().id, answer))
        };
        assert!(matches!(vote("sam"), Ok(Answered::Counted(_))));
        assert!(matches!(vote(&operator), Ok(Answered::Decided(_))));
    }

    #[test]
    fn claims_of_disabled_accounts_end() {
        let rig = rig(PEOPLE);
        submit(&rig);
        let kim = person("kim");
        rig.wait(rig.desk().claim(&kim, rig.card().id)).unwrap();
        assert!(rig.card().claim.is_some());
        disable(&rig, "kim");
        assert!(rig.card().claim.is_none());
    }
}
