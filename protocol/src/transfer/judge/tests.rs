//! Circles, returns and gates, by example and by any schedule.

use super::*;
use crate::transfer::Mode;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// A mesh in which everybody of `routes` may hand as it says.
fn mesh(routes: &[(&str, &[&str])]) -> Mesh {
    Mesh {
        participants: routes
            .iter()
            .map(|(id, to)| Participant {
                id: (*id).to_owned(),
                hands_to: to.iter().map(ToString::to_string).collect(),
                ..Participant::default()
            })
            .collect(),
        max_hops: 100,
        ..Mesh::default()
    }
}

fn work(number: u64) -> Digest {
    Digest::of(&number.to_be_bytes())
}

fn proposal<'a>(from: &'a str, to: &'a str, state: u64) -> Proposal<'a> {
    Proposal {
        from,
        to,
        principal: &Principal::FileOwner { uid: 1000 },
        work_sha256: work(state),
        bytes: 10,
        tools: Vec::new(),
        contract: None,
        class: "internal",
        checked: String::new(),
        returns_within: Some(32),
        expects: true,
        due: None,
        now: NOW,
    }
}

/// A task on its way: takes each hop that goes.
struct Task {
    mesh: Mesh,
    past: Past,
}

impl Task {
    fn new(mesh: Mesh) -> Self {
        let past = Past::default();
        Self { mesh, past }
    }

    fn propose(&mut self, proposal: &Proposal<'_>) -> Verdict {
        let verdict = judge(&self.mesh, &self.past, proposal);
        if let Verdict::Go(go) = &verdict {
            let work = proposal.work_sha256;
            self.past.visits.push((proposal.from.to_owned(), work));
            self.past.visits.push((proposal.to.to_owned(), work));
            self.past.turns += 1;
            let chain = go.chain.clone();
            self.past.holder = Some(Holding { chain });
        }
        verdict
    }

    fn hand(&mut self, from: &str, to: &str, state: u64) -> &'static str {
        self.told(&proposal(from, to, state))
    }

    fn told(&mut self, proposal: &Proposal<'_>) -> &'static str {
        match self.propose(proposal) {
            Verdict::Go(_) => "go",
            Verdict::Refuse(refusal) => refusal.kind.name(),
            Verdict::Ask(why, _) => why.name(),
        }
    }

    /// A person decides: what comes next is new.
    fn decide(&mut self) {
        self.past.visits.clear();
        self.past.turns = 0;
    }
}

#[test]
fn a_ping_pong_stops_before_it_runs_and_new_work_passes() {
    let mut task = Task::new(mesh(&[("a", &["b"]), ("b", &["a"])]));
    assert_eq!(task.hand("a", "b", 0), "go");
    assert_eq!(task.hand("b", "a", 0), "no_progress");
    assert_eq!(task.hand("b", "a", 1), "go");
    assert_eq!(task.hand("a", "b", 1), "no_progress");
    assert_eq!(task.hand("a", "b", 2), "go");
    assert_eq!(task.hand("b", "a", 1), "no_progress");
}

#[test]
fn a_task_goes_to_oneself_with_new_work_only() {
    let mut task = Task::new(mesh(&[("a", &["a", "b"]), ("b", &[])]));
    assert_eq!(task.hand("a", "a", 0), "go");
    assert_eq!(task.hand("a", "a", 0), "no_progress");
    assert_eq!(task.hand("a", "a", 1), "go");
    assert_eq!(task.hand("a", "b", 1), "go");
}

#[test]
fn a_diamond_is_no_circle() {
    let mut task = Task::new(mesh(&[
        ("a", &["b", "c"]),
        ("b", &["d", "a"]),
        ("c", &["d"]),
        ("d", &["a", "b"]),
    ]));
    for (from, to, state) in [
        ("a", "b", 0),
        ("b", "d", 1),
        ("d", "a", 2),
        ("a", "c", 3),
        ("c", "d", 3),
        ("d", "a", 4),
    ] {
        assert_eq!(task.hand(from, to, state), "go", "{from} to {to}");
    }
}

#[test]
fn a_person_in_the_ring_makes_it_new() {
    let mut task = Task::new(mesh(&[("a", &["b"]), ("b", &["a"])]));
    assert_eq!(task.hand("a", "b", 0), "go");
    assert_eq!(task.hand("b", "a", 0), "no_progress");
    task.decide();
    assert_eq!(task.hand("b", "a", 0), "go");
    assert_eq!(task.hand("a", "b", 0), "no_progress");
}

#[test]
fn another_name_is_no_way_out() {
    let mut task = Task::new(mesh(&[("a", &["b"]), ("b", &["a"])]));
    assert_eq!(task.hand("a", "b", 0), "go");
    assert_eq!(task.hand("b", "a", 1), "go");
    task.mesh.participants[1].id = "bee".to_owned();
    task.mesh.participants[1].was = vec!["b".to_owned()];
    assert_eq!(task.hand("a", "bee", 0), "no_progress");
    assert_eq!(task.hand("a", "bee", 1), "no_progress");
    assert_eq!(task.hand("a", "bee", 2), "go");
    assert_eq!(task.hand("somebody", "a", 3), "route-not-allowed");
}

#[test]
fn a_task_goes_back_only_with_a_return_contract() {
    let mut task = Task::new(mesh(&[("a", &["b"]), ("b", &["c"]), ("c", &["a", "b"])]));
    let one_way = |from, to, state| Proposal {
        returns_within: None,
        ..proposal(from, to, state)
    };
    let within = |from, to, state, hops| Proposal {
        returns_within: Some(hops),
        ..proposal(from, to, state)
    };
    assert_eq!(task.told(&within("a", "b", 0, 2)), "go");
    assert_eq!(task.told(&one_way("b", "c", 1)), "go");
    assert_eq!(task.told(&one_way("c", "b", 2)), "circular-route");
    assert_eq!(task.told(&one_way("c", "a", 2)), "circular-route");
    task.past.holder.as_mut().unwrap().chain[0].returns_within = Some(3);
    assert_eq!(task.told(&one_way("c", "a", 2)), "go");
    let chain = &task.past.holder.as_ref().unwrap().chain;
    assert_eq!(chain.len(), 1, "{chain:?}");
}

#[test]
fn only_who_holds_a_task_hands_it_on() {
    let mut task = Task::new(mesh(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]));
    assert_eq!(task.hand("a", "b", 0), "go");
    assert_eq!(task.hand("a", "c", 1), "held-elsewhere");
    assert_eq!(task.hand("b", "c", 1), "go");
}

#[test]
fn too_many_turns_need_a_person() {
    let mut task = Task::new(mesh(&[("a", &["b"]), ("b", &["a"])]));
    task.mesh.max_hops = 2;
    assert_eq!(task.hand("a", "b", 0), "go");
    assert_eq!(task.hand("b", "a", 1), "go");
    assert_eq!(task.hand("a", "b", 2), "turn_limit");
    task.decide();
    assert_eq!(task.hand("a", "b", 2), "go");
}

#[test]
fn every_gate_closes() {
    let receiver = Participant {
        id: "b".to_owned(),
        tools: vec!["pdf".to_owned()],
        accepts: vec!["peer@1.0".to_owned(), "other".to_owned()],
        max_bytes: Some(100),
        needs: Some(Duration::from_mins(1)),
        clearance: Some("internal".to_owned()),
        ..Participant::default()
    };
    let mut mesh = mesh(&[("a", &["b"])]);
    mesh.participants.push(receiver);
    mesh.participants[0].user = Some(1000);
    let tools = ["pdf".to_owned(), "ocr".to_owned()];
    let good = Proposal {
        contract: Some("peer@1.0"),
        tools: tools[..1].to_vec(),
        due: NOW.checked_add(SignedDuration::from_mins(2)).ok(),
        ..proposal("a", "b", 0)
    };
    let other = Principal::FileOwner { uid: 7 };
    let told = |proposal: Proposal<'_>| Task::new(mesh.clone()).told(&proposal);
    assert_eq!(told(good.clone()), "go");
    for (proposal, kind) in [
        (
            Proposal {
                principal: &other,
                ..good.clone()
            },
            "principal-mismatch",
        ),
        (
            Proposal {
                tools: tools.to_vec(),
                ..good.clone()
            },
            "missing-tools",
        ),
        (
            Proposal {
                bytes: 101,
                ..good.clone()
            },
            "context-overflow",
        ),
        (
            Proposal {
                contract: None,
                ..good.clone()
            },
            "contract-refused",
        ),
        (
            Proposal {
                contract: Some("peer@2.0"),
                ..good.clone()
            },
            "contract-refused",
        ),
        (
            Proposal {
                contract: Some("other@7.1"),
                ..good.clone()
            },
            "go",
        ),
        (
            Proposal {
                class: "confidential",
                ..good.clone()
            },
            "route-not-allowed",
        ),
        (
            Proposal {
                due: Some(NOW),
                ..good.clone()
            },
            "deadline-too-short",
        ),
    ] {
        assert_eq!(told(proposal), kind);
    }
    let mut starts = mesh.clone();
    starts.participants[1].start = true;
    assert_eq!(Task::new(starts).told(&good), "route-not-allowed");
    let reviewed = Mesh {
        mode: Mode::Reviewed,
        ..mesh.clone()
    };
    assert_eq!(Task::new(reviewed).told(&good), "reviewed");
    let mut done = Task::new(mesh.clone());
    done.past.done.push(("b".to_owned(), work(0), HandoffId(3)));
    assert_eq!(done.told(&good), "already-done");
}

/// Random numbers that are the same in each run (Marsaglia's xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}

/// Any schedule over four agents that may all hand to all, themselves too: a hop runs if and only if its
/// receiver never had that state since a person last decided.
#[test]
fn no_schedule_that_revisits_a_state_runs_on_and_none_that_progresses_is_stopped() {
    const AGENTS: [&str; 4] = ["a", "b", "c", "d"];
    let everybody: Vec<(&str, &[&str])> = AGENTS.iter().map(|id| (*id, &AGENTS[..])).collect();
    let (mut ran, mut stopped) = (0, 0);
    for seed in 1..=2_000 {
        let mut chance = Chance(seed);
        let mut task = Task::new(mesh(&everybody));
        task.mesh.max_hops = u32::MAX;
        let mut had: Vec<(&str, u64)> = Vec::new();
        let mut holder = AGENTS[chance.below(4)];
        for _ in 0..40 {
            if chance.below(12) == 0 {
                task.decide();
                had.clear();
            }
            let to = AGENTS[chance.below(4)];
            let state = chance.below(9) as u64;
            let expected = !had.contains(&(to, state));
            let told = task.hand(holder, to, state);
            assert_eq!(
                told,
                if expected { "go" } else { "no_progress" },
                "seed {seed}"
            );
            if expected {
                ran += 1;
                had.extend([(holder, state), (to, state)]);
                holder = to;
            } else {
                stopped += 1;
            }
        }
    }
    assert!(ran > 10_000 && stopped > 10_000, "{ran} {stopped}");
}
