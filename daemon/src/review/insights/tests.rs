//! Counts over a small history.

use countersign_protocol::{HandoffId, decision::Outcome};
use countersign_web::desk::{
    Caller, Desk as _, DeskError,
    insights::{Insights, InsightsDesk as _},
};

use super::{place, spans, tenth};
use crate::testing::{Rig, handoff, maya};

fn insights(rig: &Rig) -> Insights {
    let who = Caller::Person(maya());
    rig.wait(rig.desk().insights(&who, 12)).unwrap()
}

#[test]
fn spans_have_no_gap_and_every_length_is_in_one() {
    let all: Vec<_> = spans(&[10, 30]).collect();
    assert_eq!(all, [(0, Some(10)), (10, Some(30)), (30, None)]);
    assert_eq!(
        [0, 9, 10, 29, 30, 900].map(|s| place(&[10, 30], s)),
        [0, 0, 1, 1, 2, 2]
    );
    assert_eq!(
        [0.0, 0.09, 0.1, 0.55, 0.99, 1.0].map(tenth),
        [0, 0, 1, 5, 9, 9]
    );
}

#[test]
fn what_was_decided_by_people_is_counted_once() {
    let rig = Rig::new();
    let empty = insights(&rig);
    assert_eq!((empty.weeks.len(), empty.days.len()), (12, 14));
    assert_eq!((empty.took, empty.agents.len()), (None, 0));
    for number in 1..=3 {
        let name = format!("{number}.txt");
        rig.write(&name, "words");
        let document = handoff(&format!("Task {number}"), &[&name]);
        rig.deliver(&format!("{number}.handoff.json"), document);
    }
    rig.apply_policy();
    let one = HandoffId(1);
    let answer = rig.answer(one, Outcome::Approved);
    let digest = answer.manifest_sha256;
    rig.wait(rig.desk().viewed(&maya(), one, 1, digest))
        .unwrap();
    rig.decide(one, Outcome::Approved).unwrap();
    rig.decide(HandoffId(2), Outcome::Rejected).unwrap();
    let counted = insights(&rig);
    assert_eq!(
        counted.weeks.iter().map(|row| row.decided).sum::<usize>(),
        2
    );
    assert_eq!(counted.weeks[11].decided, 2, "the newest week is the last");
    assert_eq!((counted.days[13].came, counted.days[13].decided), (3, 2));
    assert_eq!((counted.agents[0].first_time, counted.agents[0].of), (1, 2));
    let waiting: usize = counted
        .ages
        .iter()
        .map(|row| row.low + row.medium + row.high)
        .sum();
    assert_eq!(waiting, 1);
    let looked: usize = counted.looks.iter().map(|row| row.others + row.high).sum();
    assert_eq!(
        looked, 1,
        "only an approval that was opened before has a look"
    );
    let far = rig.wait(rig.desk().insights(&Caller::Person(maya()), 53));
    assert!(matches!(far, Err(DeskError::Invalid { .. })), "{far:?}");
}
