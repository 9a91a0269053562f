//! Now or later: when a person may be told, and what waited told together.

use std::collections::BTreeMap;

use countersign_protocol::{Digest, state::HandoffState};
use jiff::{SignedDuration, Timestamp};

use super::{Inner, people, plan::Pace};
use crate::{
    catalog::Catalog,
    config::{Kind, Person},
    ledger::State,
    message::{self, Change, Held, Notice, Owed, Recipient, Risk, Topic},
};

/// What comes within so long after a message to the same person is told together.
const TOGETHER: SignedDuration = SignedDuration::from_secs(60);
/// An operator hears of trouble so often.
const TROUBLE: SignedDuration = SignedDuration::from_hours(1);
/// Quiet hours that end later than this do not end.
const NEVER: SignedDuration = SignedDuration::from_hours(24 * 366);

/// When each person was last told something of a pace that is not repeated at once.
pub(super) type Last = BTreeMap<(String, bool), Timestamp>;

/// When a person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// At once.
    Now,
    /// Then, with what else is told then.
    At(Timestamp),
    /// Not at all: the person wants no collected messages, or is never to be disturbed.
    Never,
}

/// When `person` is told of `notice`. `last` is when they were last told something of that pace.
pub(super) fn when(
    catalog: &Catalog,
    person: &Person,
    notice: &Notice,
    pace: Pace,
    last: Option<Timestamp>,
    now: Timestamp,
) -> When {
    let id = person.id.as_str();
    if asks(notice) && notice.risk == Some(Risk::High) {
        return When::Now;
    }
    let after = |pause| {
        last.and_then(|last| last.checked_add(pause).ok())
            .map_or(now, |then| then.max(now))
    };
    let wish = match pace {
        Pace::Step => now,
        Pace::Turn => after(TOGETHER),
        Pace::Trouble => after(TROUBLE),
        Pace::Later => match catalog.next_digest(id, now) {
            // What is due before then cannot wait for it.
            Some(then) if asks(notice) && notice.due.is_some_and(|due| due <= then) => now,
            Some(then) => then,
            None => return When::Never,
        },
    };
    let at = catalog.quiet_until(id, wish).unwrap_or(wish);
    match at.duration_since(now) {
        wait if wait > NEVER => When::Never,
        wait if wait > SignedDuration::ZERO => When::At(at),
        _ => When::Now,
    }
}

/// Whether it asks for an answer.
pub(super) fn asks(notice: &Notice) -> bool {
    let kinds = [
        Kind::Turn,
        Kind::Due,
        Kind::Escalated,
        Kind::Answered,
        Kind::Stopped,
    ];
    notice.handoff.is_some() && kinds.iter().any(|kind| kind.name() == notice.kind)
}

/// Why there is nothing left to say.
pub(super) fn overtaken(state: &State, notice: &Notice) -> Option<&'static str> {
    if notice.kind == Kind::OwnershipOffered.name() {
        let known = state.ownership(&notice.workspace);
        let open = known.and_then(|one| Some(one.offer.as_ref()?.seq));
        return (open != notice.offer).then_some("the offer is over");
    }
    if !asks(notice) {
        return None;
    }
    match &state.card(notice.handoff?)?.state {
        HandoffState::Waiting { revision } if *revision == notice.revision => None,
        HandoffState::Waiting { .. } => Some("a newer revision came before it"),
        _ => Some("it was answered before"),
    }
}

/// Returns why nothing more is delivered to a person, if so. A message may have waited since before.
pub(super) fn barred(state: &State, to: &Recipient) -> Option<&'static str> {
    let is_disabled = state.is_disabled(&to.id);
    is_disabled.then_some("the account of the person is disabled")
}

/// Why an agent need not be told of work any more, if so.
pub(super) fn answered(state: &State, notice: &Notice) -> Option<&'static str> {
    let work = notice.work.as_ref()?;
    let hop = state.card(work.handoff_id)?.hop(work.hop)?;
    let is_over = !hop.answers.is_empty() || !hop.stage.is_open();
    is_over.then_some("its agent answered before")
}

/// The pace that a person chose for a topic.
fn wished(state: &State, person: &Person, topic: Option<Topic>, pace: Pace) -> Pace {
    let wish = topic.and_then(|topic| state.wish(person.id.as_str(), topic.name()));
    match (topic, wish) {
        (Some(topic), Some(wish)) if wish.collected && topic.can_wait() => Pace::Later,
        (Some(topic), Some(wish)) if topic.waits() && !wish.collected => Pace::Step,
        _ => pace,
    }
}

/// Messages to write down, with what changes beside them.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) owed: Vec<Owed>,
    pub(super) changes: Vec<Change>,
    pub(super) last: Last,
}

impl Batch {
    /// Tells `person`, now or later.
    pub(super) fn tell(
        &mut self,
        inner: &Inner,
        state: &State,
        person: &Person,
        (notice, cause): (&Notice, Digest),
        pace: Pace,
    ) {
        if people::unfit(inner, person, notice).is_some() {
            return;
        }
        let topic = Topic::of(notice);
        let Some((lane, to)) = people::way(inner, state, person, topic) else {
            return;
        };
        let pace = wished(state, person, topic, pace);
        let now = inner.around.clock.now();
        let key = (to.id.clone(), pace == Pace::Trouble);
        let last = self.last.get(&key).copied();
        let mut held = Held {
            lane,
            to,
            notice: notice.clone(),
            cause,
            until: now,
        };
        match when(&inner.around.catalog, person, notice, pace, last, now) {
            When::Now => {
                if matches!(pace, Pace::Turn | Pace::Trouble) {
                    self.last.insert(key, now);
                }
                self.owed.push(held.alone().placed());
            }
            When::At(until) => {
                held.until = until;
                self.changes.extend(held.hold());
            }
            When::Never => {}
        }
    }

    /// Tells what waited until now: one message for each person.
    pub(super) fn release(&mut self, inner: &Inner, state: &State, due: Vec<Held>) {
        let mut each: BTreeMap<String, Vec<Held>> = BTreeMap::new();
        for held in due {
            each.entry(held.to.id.clone()).or_default().push(held);
        }
        for (id, all) in each {
            let person = inner.around.catalog.person(&id);
            let why_not = |held: &Held| {
                let unfit = person.and_then(|one| people::unfit(inner, one, &held.notice));
                unfit.or_else(|| overtaken(state, &held.notice))
            };
            let (over, current): (Vec<Held>, Vec<Held>) =
                all.into_iter().partition(|held| why_not(held).is_some());
            for held in over {
                let why = why_not(&held).unwrap_or_default().to_owned();
                self.changes
                    .extend(held.release(message::State::Dropped { why }));
            }
            let Some((lane, to)) = person.and_then(|one| people::way(inner, state, one, None))
            else {
                for held in current {
                    let why = "the person can no longer be told".to_owned();
                    self.changes
                        .extend(held.release(message::State::Dropped { why }));
                }
                continue;
            };
            let now = inner.around.clock.now();
            for held in &current {
                let notice = &held.notice;
                let is_trouble =
                    !asks(notice) && notice.outcome.is_none() && notice.offer.is_none();
                self.last.insert((id.clone(), is_trouble), now);
            }
            self.together(current, &lane, &to, now);
        }
    }

    fn together(
        &mut self,
        mut current: Vec<Held>,
        lane: &str,
        to: &message::Recipient,
        now: Timestamp,
    ) {
        if current.len() < 2 {
            let Some(held) = current.pop() else { return };
            let into = Held {
                lane: lane.to_owned(),
                to: to.clone(),
                ..held.clone()
            };
            let owed = into.alone().placed();
            let key = owed.status_key();
            if key == held.alone().status_key() {
                // Its own status is written when it is owed.
                self.changes.push(held.forget());
            } else {
                self.changes
                    .extend(held.release(message::State::Collected { into: key }));
            }
            return self.owed.push(owed);
        }
        let keys: Vec<String> = current.iter().map(Held::key).collect();
        let head = Notice {
            kind: Kind::Digest.name().to_owned(),
            seq: current
                .iter()
                .map(|held| held.notice.seq)
                .max()
                .unwrap_or_default(),
            at: now,
            ..Notice::default()
        };
        let told = current.iter().map(|held| held.notice.clone());
        let notices = [head].into_iter().chain(told).collect();
        let cause = Digest::of(keys.join("\n").as_bytes());
        let owed = Owed::new(lane, Some(to.clone()), notices, cause).placed();
        for held in current {
            let into = owed.status_key();
            self.changes
                .extend(held.release(message::State::Collected { into }));
        }
        self.owed.push(owed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::catalog;

    const PEOPLE: &str = r#"
[[person]]
id = "maya"
time_zone = "Europe/Zagreb"
quiet_hours = ["22:00-07:00"]
digest = "08:30"
[[person]]
id = "sam"
digest = "off"
[[person]]
id = "owl"
quiet_hours = ["00:00-24:00"]
"#;

    fn notice(risk: Risk, due: Option<&str>) -> Notice {
        Notice {
            kind: Kind::Turn.name().to_owned(),
            handoff: Some(countersign_protocol::HandoffId(1)),
            risk: Some(risk),
            due: due.map(|due| due.parse().unwrap()),
            ..Notice::default()
        }
    }

    #[test]
    fn a_person_is_told_when_they_may_be_disturbed() {
        let catalog = catalog(PEOPLE);
        let low = notice(Risk::Low, None);
        let high = notice(Risk::High, None);
        let decided = Notice {
            kind: Kind::Decided.name().to_owned(),
            outcome: Some(countersign_protocol::decision::Outcome::Approved),
            ..notice(Risk::High, None)
        };
        let noon = "2026-11-20T11:00:00Z";
        // 23:30 in Zagreb.
        let night = "2026-11-20T22:30:00Z";
        for (who, notice, pace, now, expected) in [
            ("maya", &low, Pace::Turn, noon, "now"),
            ("maya", &low, Pace::Turn, night, "2026-11-21T06:00:00Z"),
            ("maya", &low, Pace::Step, night, "2026-11-21T06:00:00Z"),
            ("maya", &high, Pace::Turn, night, "now"),
            ("maya", &high, Pace::Later, noon, "now"),
            ("maya", &low, Pace::Later, noon, "2026-11-21T07:30:00Z"),
            ("maya", &decided, Pace::Later, noon, "2026-11-21T07:30:00Z"),
            // On the night on which clocks go back, and in summer.
            (
                "maya",
                &low,
                Pace::Later,
                "2026-10-24T20:30:00Z",
                "2026-10-25T07:30:00Z",
            ),
            (
                "maya",
                &low,
                Pace::Turn,
                "2026-10-24T20:30:00Z",
                "2026-10-25T06:00:00Z",
            ),
            (
                "maya",
                &low,
                Pace::Later,
                "2026-07-01T12:00:00Z",
                "2026-07-02T06:30:00Z",
            ),
            ("sam", &low, Pace::Later, noon, "never"),
            ("sam", &low, Pace::Turn, night, "now"),
            ("owl", &low, Pace::Turn, noon, "never"),
            ("owl", &high, Pace::Turn, noon, "now"),
        ] {
            let now = now.parse().unwrap();
            let person = catalog.person(who).unwrap();
            let found = match when(&catalog, person, notice, pace, None, now) {
                When::Now => "now".to_owned(),
                When::Never => "never".to_owned(),
                When::At(at) => at.to_string(),
            };
            assert_eq!(found, expected, "{who} {pace:?} at {now}");
        }
    }

    #[test]
    fn what_is_due_before_the_digest_does_not_wait_for_it() {
        let catalog = catalog(PEOPLE);
        let maya = catalog.person("maya").unwrap();
        let now = "2026-11-20T11:00:00Z".parse().unwrap();
        for (due, expected) in [
            ("2026-11-20T15:00:00Z", When::Now),
            ("2026-11-21T07:30:00Z", When::Now),
            (
                "2026-11-22T00:00:00Z",
                When::At("2026-11-21T07:30:00Z".parse().unwrap()),
            ),
        ] {
            let notice = notice(Risk::Low, Some(due));
            let found = when(&catalog, maya, &notice, Pace::Later, None, now);
            assert_eq!(found, expected, "{due}");
        }
    }

    #[test]
    fn several_within_a_minute_and_trouble_within_an_hour_are_told_together() {
        let catalog = catalog(PEOPLE);
        let maya = catalog.person("maya").unwrap();
        let now: Timestamp = "2026-11-20T11:00:00Z".parse().unwrap();
        let low = notice(Risk::Low, None);
        let ago = |seconds| Some(now - SignedDuration::from_secs(seconds));
        let at = |seconds| When::At(now + SignedDuration::from_secs(seconds));
        for (pace, last, expected) in [
            (Pace::Turn, ago(20), at(40)),
            (Pace::Turn, ago(60), When::Now),
            (Pace::Step, ago(20), When::Now),
            (Pace::Trouble, ago(600), at(3_000)),
            (Pace::Trouble, ago(3_600), When::Now),
        ] {
            let found = when(&catalog, maya, &low, pace, last, now);
            assert_eq!(found, expected, "{pace:?} {last:?}");
        }
    }
}
