//! Notices that the time an agent gave for an answer has passed.
//!
//! It is a fact on the card and nothing more: the person is asked as before, and nothing is approved,
//! rejected or closed by it.

use std::convert::Infallible;

use countersign_protocol::{event::Event, principal::Actor};
use jiff::Timestamp;

use crate::{
    clock::Clock,
    ledger::{Draft, Ledger, State, TransactError},
};

/// Records each time that has passed since the last look.
pub async fn look(ledger: &Ledger, clock: &dyn Clock) -> Result<(), TransactError<Infallible>> {
    let now = clock.now();
    // Most often there is nothing to do, and a transaction would wait for a sync all the same.
    if passed(&ledger.state(), now).is_empty() {
        return Ok(());
    }
    let recorded = ledger.transact(move |state, _| Ok(Draft::of(passed(state, now), ())));
    recorded.await.map(drop)
}

/// The times that have passed by `now` and were not noticed yet.
fn passed(state: &State, now: Timestamp) -> Vec<(Actor, Event)> {
    let waiting = state.waiting().filter_map(|card| {
        let newest = card.newest();
        let revision = newest.accepted.revision;
        let over = newest.accepted.envelope.over_at(newest.at)?;
        let is_news = over <= now && card.timed_out_at(revision).is_none();
        is_news.then_some(Event::TimedOut {
            handoff: card.id,
            revision,
            over,
        })
    });
    waiting.map(|event| (Actor::Daemon, event)).collect()
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::look;
    use crate::{clock::Clock as _, testing::Rig};

    const HANDOFF: &str =
        r#"{"handoff_version": "1.0", "from_agent": "a", "task": "Report", "timeout_ms": 1500}"#;

    #[test]
    fn the_time_of_an_agent_passes_once_and_decides_nothing() {
        let rig = Rig::new();
        rig.deliver("handoff.json", HANDOFF);
        let step = || rig.wait(look(rig.ledger(), &*rig.clock)).unwrap();
        step();
        assert_eq!(rig.count("handoff.timed_out"), 0);
        rig.clock.jump(rig.clock.now() + 2.seconds());
        step();
        step();
        assert_eq!(rig.count("handoff.timed_out"), 1);
        let state = rig.ledger().state();
        let card = state.waiting().next().expect("it still waits");
        assert!(card.timed_out_at(1).is_some());
        assert!(card.decisions.is_empty());
    }
}
