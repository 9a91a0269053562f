//! What the desk promises: one winner, bound to what was shown, and nothing half recorded.

use std::{sync::Arc, time::Duration};

use countersign_protocol::{
    Digest, HandoffId,
    decision::{ChangeRequest, Outcome},
    principal::Method,
};
use countersign_web::desk::{
    Agent, Answer, BoundariesDesk as _, Caller, Change, ContentDesk as _, Desk as _, DeskError,
    Person,
};

use crate::testing::{Rig, WORKSPACE, handoff, maya};

const ONE: HandoffId = HandoffId(1);

fn waiting() -> Rig {
    let rig = Rig::new();
    rig.write("a.txt", "words");
    rig.deliver("handoff.json", handoff("Write it", &["a.txt"]));
    rig
}

fn person(number: usize) -> Person {
    Person {
        id: format!("local:p{number}"),
        display: format!("P{number}"),
        ..maya()
    }
}

fn agent(workspace: &str) -> Caller {
    Caller::Agent(Agent {
        token: "t1".to_owned(),
        agent: "hermes".to_owned(),
        workspaces: vec![workspace.to_owned()],
    })
}

#[test]
fn of_sixty_four_answers_at_once_one_wins_and_the_others_are_told_who() {
    let rig = waiting();
    let answer = rig.answer(ONE, Outcome::Approved);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..64)
            .map(|number| {
                let (desk, answer) = (Arc::clone(rig.desk()), answer.clone());
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .build()
                        .unwrap();
                    let told = runtime.block_on(desk.decide(&person(number), ONE, answer));
                    told.map(|answered| answered.decision().unwrap())
                })
            })
            .collect();
        threads.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let winners: Vec<_> = outcomes
        .iter()
        .filter_map(|one| one.as_ref().ok())
        .collect();
    assert_eq!(winners.len(), 1);
    let by = &winners[0].decided_by.display;
    for error in outcomes.iter().filter_map(|one| one.as_ref().err()) {
        let DeskError::Conflict { why, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(*why, format!("was already approved by {by}"));
    }
    assert_eq!(rig.count("handoff.decided"), 1);
}

#[test]
fn a_second_click_gets_the_first_answer() {
    let rig = waiting();
    let first = rig.decide(ONE, Outcome::ChangesRequested).unwrap();
    let again = rig.decide(ONE, Outcome::ChangesRequested).unwrap();
    assert_eq!(first, again);
    assert_eq!(rig.count("handoff.decided"), 1);
    let other = rig.decide(ONE, Outcome::Approved);
    assert!(
        matches!(other, Err(DeskError::Conflict { .. })),
        "{other:?}"
    );
}

#[test]
fn an_answer_to_what_moved_is_stale_and_changes_nothing() {
    let rig = waiting();
    let shown = rig.answer(ONE, Outcome::Approved);
    let forged = Answer {
        manifest_sha256: Digest::of(b"other"),
        ..shown.clone()
    };
    rig.write("a.txt", "other words");
    rig.deliver("handoff.json", handoff("Write it", &["a.txt"]));
    let entries = rig.events().len();
    for answer in [shown, forged] {
        let told = rig.wait(rig.desk().decide(&maya(), ONE, answer));
        let Err(DeskError::Stale { revision: 2, .. }) = told else {
            panic!("{told:?}");
        };
    }
    assert_eq!(rig.events().len(), entries);
    assert!(!rig.exists("approved"));
}

#[test]
fn a_ledger_that_cannot_write_decides_nothing_and_says_so() {
    let rig = waiting();
    rig.stored().full = true;
    let told = rig.decide(ONE, Outcome::Approved);
    assert!(matches!(told, Err(DeskError::Unavailable(_))), "{told:?}");
    assert_eq!(rig.card().state.name(), "waiting");
    let health = rig.wait(rig.desk().health());
    assert!(!health.ready);
    assert_eq!(
        health.troubles,
        ["the ledger cannot be written: the disk is full"]
    );

    rig.stored().full = false;
    rig.decide(ONE, Outcome::Approved).unwrap();
    rig.round();
    let health = rig.wait(rig.desk().health());
    assert!(health.ready && health.troubles.is_empty(), "{health:?}");
    assert!(rig.exists("approved/H-1/a.txt"));
}

#[test]
fn words_are_asked_for_where_an_answer_needs_them() {
    let rig = waiting();
    let entries = rig.events().len();
    for outcome in [
        Outcome::ChangesRequested,
        Outcome::Rejected,
        Outcome::Responded,
        Outcome::Expired,
    ] {
        let answer = Answer {
            comment: Some(" \r\n ".to_owned()),
            ..rig.answer(ONE, outcome)
        };
        let told = rig.wait(rig.desk().decide(&maya(), ONE, answer));
        assert!(matches!(told, Err(DeskError::Invalid { .. })), "{told:?}");
    }
    assert_eq!(rig.events().len(), entries);

    let by_line = Answer {
        comment: None,
        requests: vec![ChangeRequest {
            id: "forged".to_owned(),
            path: Some("a.txt".to_owned()),
            line: Some(1),
            text: "other words".to_owned(),
            ..ChangeRequest::default()
        }],
        ..rig.answer(ONE, Outcome::ChangesRequested)
    };
    let answered = rig.wait(rig.desk().decide(&maya(), ONE, by_line)).unwrap();
    let decision = answered.decision().unwrap();
    assert_eq!(decision.requests[0].id, "q1");
}

#[test]
fn who_waits_over_http_hears_of_released_files_when_they_are_there() {
    let rig = waiting();
    let hermes = agent(WORKSPACE);
    let wait = || {
        let wait = rig.desk().wait(&hermes, ONE, None, Duration::ZERO);
        rig.wait(wait).unwrap().state
    };
    assert_eq!(wait(), "waiting");
    rig.decide(ONE, Outcome::Approved).unwrap();
    assert_eq!(wait(), "waiting");
    rig.round();
    assert_eq!(wait(), "decided");
    assert!(rig.exists("approved/H-1/a.txt"));
}

#[test]
fn what_a_decision_releases_is_known_from_the_decision_on() {
    for (outcome, is_released) in [(Outcome::Approved, true), (Outcome::Rejected, false)] {
        let rig = waiting();
        let released = || rig.wait(rig.desk().released(&Caller::Person(maya()), ONE));
        assert!(matches!(released(), Err(DeskError::NotFound(_))));
        rig.decide(ONE, outcome).unwrap();
        let before = released().map(|release| release.record);
        assert_eq!(before.is_ok(), is_released, "{before:?}");
        rig.round();
        let after = released().map(|release| release.record);
        assert_eq!(after.ok(), before.ok());
    }
}

#[test]
fn what_is_withdrawn_takes_no_answer_and_a_wait_for_it_ends() {
    let rig = waiting();
    let hermes = agent(WORKSPACE);
    let shown = rig.answer(ONE, Outcome::Approved);
    for _ in 0..2 {
        let withdraw = rig.desk().withdraw(&hermes, ONE, None);
        rig.wait(withdraw).unwrap();
    }
    assert_eq!(rig.count("handoff.withdrawn"), 1);
    let told = rig.wait(rig.desk().decide(&maya(), ONE, shown));
    assert!(matches!(told, Err(DeskError::Conflict { .. })), "{told:?}");
    let wait = rig
        .desk()
        .wait(&hermes, ONE, Some(1), Duration::from_hours(1));
    assert_eq!(rig.wait(wait).unwrap().state, "withdrawn");
}

#[test]
fn an_agent_takes_back_only_what_is_its_own() {
    let rig = waiting();
    let Caller::Agent(neighbour) = agent(WORKSPACE) else {
        panic!("an agent is no person");
    };
    let neighbour = Caller::Agent(Agent {
        agent: "neighbour".to_owned(),
        ..neighbour
    });
    let told = rig.wait(rig.desk().withdraw(&neighbour, ONE, None));
    assert!(matches!(told, Err(DeskError::NotAllowed(_))), "{told:?}");
    assert_eq!(rig.count("handoff.withdrawn"), 0);
}

#[test]
fn an_agent_of_another_workspace_learns_nothing() {
    let rig = waiting();
    let stranger = agent("elsewhere");
    let row = rig.wait(rig.desk().row(&stranger, ONE));
    assert!(matches!(row, Err(DeskError::NotFound(_))), "{row:?}");
    let withdraw = rig.desk().withdraw(&stranger, ONE, None);
    assert!(matches!(rig.wait(withdraw), Err(DeskError::NotFound(_))));
    let wait = rig.desk().wait(&stranger, ONE, Some(1), Duration::ZERO);
    assert!(matches!(rig.wait(wait), Err(DeskError::NotFound(_))));
    let bytes = rig.desk().file(&stranger, ONE, 1, "a.txt", 9);
    assert!(matches!(rig.wait(bytes), Err(DeskError::NotFound(_))));
}

#[test]
fn only_what_there_is_can_have_been_seen() {
    let rig = waiting();
    let who = maya();
    let real = rig.answer(ONE, Outcome::Approved).manifest_sha256;
    for (revision, manifest) in [(1, Digest::of(b"other")), (2, real)] {
        let seen = rig.desk().viewed(&who, ONE, revision, manifest);
        assert!(matches!(rig.wait(seen), Err(DeskError::NotFound(_))));
    }
    for _ in 0..2 {
        rig.wait(rig.desk().viewed(&maya(), ONE, 1, real)).unwrap();
    }
    assert_eq!(rig.count("handoff.viewed"), 1);
}

#[test]
fn the_bytes_that_are_shown_are_the_sealed_ones() {
    let rig = waiting();
    let hermes = agent(WORKSPACE);
    rig.write("a.txt", "forged");
    let shown = rig.desk().file(&hermes, ONE, 1, "a.txt", 3);
    let shown = rig.wait(shown).unwrap();
    assert_eq!((shown.bytes.as_slice(), shown.size), (&b"wor"[..], 5));
}

#[test]
fn the_whole_chain_is_checked_on_request() {
    let rig = waiting();
    let report = rig.wait(rig.desk().verify_chain(&maya())).unwrap();
    assert!(report.ok);
    assert_eq!(report.entries, rig.events().len() as u64);
}

#[test]
fn a_renamed_file_is_one_row_against_what_it_was() {
    let rig = Rig::new();
    rig.write("old.md", "one\ntwo\nthree\nfour\n");
    rig.write("same.md", "as it is\n");
    rig.deliver("handoff.json", handoff("Write it", &["old.md", "same.md"]));
    rig.decide(ONE, Outcome::ChangesRequested).unwrap();
    rig.write("new.md", "one\ntwo\nthree\nfour\nfive\n");
    rig.write("moved/same.md", "as it is\n");
    let files = ["new.md", "moved/same.md"];
    rig.deliver("handoff.json", handoff("Write it", &files));
    let who = Caller::Person(maya());
    let review = rig.wait(rig.desk().review(&who, ONE, None, None)).unwrap();
    let rows: Vec<_> = review
        .files
        .iter()
        .map(|row| (row.path.as_str(), row.change, row.old_path(), row.percent))
        .collect();
    let renamed = Change::Renamed;
    assert_eq!(
        rows,
        [
            ("moved/same.md", renamed, "same.md", Some(100)),
            ("new.md", renamed, "old.md", rows[1].3),
        ]
    );
    assert!(rows[1].3.is_some_and(|percent| percent < 100));
}

#[test]
fn only_those_whom_the_boundary_names_decide() {
    let mut rig = Rig::new();
    rig.with_roles(
        "[[boundary]]\npeople = [\"group:editors\", \"person:sam\"]\n[[person]]\nid = \"priya\"\n[[person]]\nid = \"sam\"\n[[person]]\nid = \"lena\"\n\
         [[group]]\nid = \"editors\"\nmembers = [\"priya\"]\n",
    );
    for (number, (who, may)) in [("lena", false), ("priya", true), ("sam", true)]
        .into_iter()
        .enumerate()
    {
        let folder = format!("run-{number}");
        rig.write(&format!("{folder}/a.txt"), format!("words {number}"));
        rig.deliver(&format!("{folder}/handoff.json"), handoff(who, &["a.txt"]));
        let id = rig.cards().last().unwrap().id;
        let answer = rig.answer(id, Outcome::Approved);
        let person = rig.desk().person(who, who, Method::Web);
        let decided = rig.wait(rig.desk().decide(&person, id, answer));
        match decided {
            Ok(_) => assert!(may, "{who}"),
            Err(DeskError::MayNot { .. }) => {
                assert!(!may, "{who}");
                assert!(rig.cards().last().unwrap().decisions.is_empty(), "{who}");
            }
            Err(other) => panic!("{who}: {other}"),
        }
    }
}

#[test]
fn a_card_says_why_its_provider_was_chosen_and_everything_that_happened_in_order() {
    let rig = Rig::new();
    rig.write("a.txt", "words");
    let document = handoff("Write it", &["a.txt"]);
    let mut document: serde_json::Value = serde_json::from_str(&document).unwrap();
    document["provenance"] = serde_json::json!({ "model": {
        "provider": "openai", "model": "gpt-5", "rationale": "Cheapest with JSON", "policy": ["eu-only"],
    }, "routes": [{ "provider": "acme", "outcome": "timeout", "rationale": "Nearest" }] });
    rig.deliver("handoff.json", document.to_string());
    rig.apply_policy();
    let answer = countersign_web::desk::Answer {
        comment: Some("No".to_owned()),
        ..rig.answer(ONE, Outcome::Rejected)
    };
    rig.wait(rig.desk().decide(&maya(), ONE, answer)).unwrap();
    let caller = Caller::Person(maya());
    let review = rig
        .wait(rig.desk().review(&caller, ONE, None, None))
        .unwrap();
    for (label, value) in [
        ("Model", "openai, gpt-5"),
        ("Why this model", "Cheapest with JSON"),
        ("Under policies", "eu-only"),
        ("Tried", "acme, timeout: Nearest"),
    ] {
        let fact = (label.to_owned(), value.to_owned());
        assert!(review.facts.contains(&fact), "{:?}", review.facts);
    }
    let kinds: Vec<_> = review
        .timeline
        .iter()
        .map(|item| item.kind.as_str())
        .collect();
    assert_eq!(kinds, ["decision", "routing", "revision"], "newest first");
    assert!(
        review
            .timeline
            .is_sorted_by_key(|item| std::cmp::Reverse(item.seq))
    );
}
