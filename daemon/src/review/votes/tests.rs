//! One answer or many: bound to what was shown, in one order, over kill -9.

use countersign_protocol::{
    HandoffId,
    approval::NotCounted,
    decision::{DecisionDocument, Outcome},
    event::AccountChange,
    principal::{Method, Principal},
};
use countersign_web::desk::{Answer, Answered, Caller, Desk as _, DeskError, Person, QueueView};

use crate::{
    review::access,
    testing::{Rig, handoff},
};

const ONE: HandoffId = HandoffId(1);

const PEOPLE: &str = r#"
[[person]]
id = "ana"
[[person]]
id = "ben"
[[person]]
id = "cy"
[[person]]
id = "zoe"
[[group]]
id = "money"
members = ["ana", "ben", "cy"]
[[agent]]
id = "hermes"
owner = "ana"
"#;

fn rig(rule: &str) -> Rig {
    let mut rig = Rig::new();
    rig.with_roles(&format!(
        "{PEOPLE}\n[[route]]\nname = \"pay\"\nto = [\"group:money\"]\n{rule}"
    ));
    hand_over(&rig, "words");
    rig
}

fn hand_over(rig: &Rig, words: &str) {
    rig.write("a.txt", words);
    rig.deliver("handoff.json", handoff("Pay it", &["a.txt"]));
    rig.apply_policy();
}

fn person(rig: &Rig, id: &str) -> Person {
    rig.desk().person(id, id, Method::Web)
}

fn say(rig: &Rig, id: &str, outcome: Outcome) -> Result<Answered, DeskError> {
    let answer = rig.answer(ONE, outcome);
    tell(rig, id, answer)
}

fn tell(rig: &Rig, id: &str, answer: Answer) -> Result<Answered, DeskError> {
    rig.wait(rig.desk().decide(&person(rig, id), ONE, answer))
}

/// How many approvals it has, of those that it takes.
fn progress(told: Result<Answered, DeskError>) -> (u32, u32) {
    let Ok(Answered::Counted(approval)) = told else {
        panic!("{told:?}");
    };
    let have = approval.stages.iter().map(|stage| stage.have).sum();
    (have, approval.stages.iter().map(|stage| stage.needed).sum())
}

fn offered(rig: &Rig, id: &str) -> Vec<String> {
    let caller = Caller::Person(person(rig, id));
    let review = rig.wait(rig.desk().review(&caller, ONE, None, None));
    review.unwrap().answers
}

fn turn(rig: &Rig, id: &str) -> bool {
    let caller = Caller::Person(person(rig, id));
    let queue = rig.desk().queue(&caller, QueueView::Turn, None, 10);
    !rig.wait(queue).unwrap().rows.is_empty()
}

#[test]
fn the_agent_hears_nothing_before_two_of_three_have_agreed() {
    let mut rig = rig("approvals = 2");
    assert_eq!(progress(say(&rig, "ana", Outcome::Approved)), (1, 2));
    rig.round();
    assert!(!rig.exists("decision.json"));
    // Said twice is said once, also after kill -9.
    rig.restart();
    assert_eq!(progress(say(&rig, "ana", Outcome::Approved)), (1, 2));
    assert_eq!(rig.count("handoff.voted"), 1);
    assert!(!turn(&rig, "ana") && turn(&rig, "ben"));
    assert_eq!(offered(&rig, "ana"), ["changes", "reject"]);
    assert!(matches!(
        say(&rig, "zoe", Outcome::Approved),
        Err(DeskError::NotAllowed(_))
    ));
    let decided = say(&rig, "cy", Outcome::Approved)
        .unwrap()
        .decision()
        .unwrap();
    assert_eq!(decided.decided_by.principal, "cy");
    let votes: Vec<_> = decided
        .votes
        .iter()
        .map(|vote| vote.principal.as_str())
        .collect();
    assert_eq!(votes, ["ana", "cy"]);
    rig.restart();
    rig.round();
    assert!(rig.exists("decision.json") && rig.exists("approved/H-1/a.txt"));
    assert_eq!(rig.count("handoff.decided"), 1);
}

#[test]
fn a_new_revision_begins_anew() {
    let rig = rig("approvals = 2");
    let shown = rig.answer(ONE, Outcome::Approved);
    assert_eq!(progress(say(&rig, "ana", Outcome::Approved)), (1, 2));
    hand_over(&rig, "other words");
    // A vote about what was shown before does not count for what is there now.
    assert!(matches!(
        tell(&rig, "ben", shown),
        Err(DeskError::Stale { .. })
    ));
    assert_eq!(progress(say(&rig, "ben", Outcome::Approved)), (1, 2));
    assert!(
        say(&rig, "ana", Outcome::Approved)
            .unwrap()
            .decision()
            .is_some()
    );
}

#[test]
fn stages_are_asked_one_after_the_other() {
    let rig = rig(
        "[[route.stage]]\nname = \"Finance\"\nof = [\"group:money\"]\n\
         [[route.stage]]\nname = \"Head\"\nof = [\"zoe\"]\n",
    );
    assert!(turn(&rig, "ana") && !turn(&rig, "zoe"));
    assert!(say(&rig, "zoe", Outcome::Approved).is_err());
    assert_eq!(progress(say(&rig, "ben", Outcome::Approved)), (1, 2));
    assert!(!turn(&rig, "ana") && turn(&rig, "zoe"));
    assert!(matches!(
        say(&rig, "ana", Outcome::Approved),
        Err(DeskError::NotAllowed(_))
    ));
    assert!(
        say(&rig, "zoe", Outcome::Approved)
            .unwrap()
            .decision()
            .is_some()
    );
}

#[test]
fn a_veto_ends_it_and_changes_are_asked_for_by_one() {
    let first = rig("approvals = 2\nveto = [\"zoe\"]");
    assert_eq!(progress(say(&first, "ana", Outcome::Rejected)), (0, 2));
    let decided = say(&first, "zoe", Outcome::Rejected).unwrap().decision();
    assert_eq!(decided.unwrap().outcome, Outcome::Rejected);
    let second = rig("approvals = 2\nveto = [\"zoe\"]");
    let decided = say(&second, "ben", Outcome::ChangesRequested)
        .unwrap()
        .decision();
    assert_eq!(decided.unwrap().outcome, Outcome::ChangesRequested);
}

#[test]
fn nobody_approves_their_own_agents_work_where_the_rule_says_so() {
    let own = rig("self_approval = false");
    assert!(!offered(&own, "ana").contains(&"approve".to_owned()));
    let told = say(&own, "ana", Outcome::Approved);
    assert!(matches!(told, Err(DeskError::NotAllowed(_))), "{told:?}");
    assert_eq!(own.count("handoff.voted"), 0);
    assert!(
        say(&own, "ben", Outcome::Approved)
            .unwrap()
            .decision()
            .is_some()
    );
}

#[test]
fn who_handed_it_over_by_hand_does_not_approve_it_either() {
    let mut rig = Rig::new();
    rig.with_roles(&format!(
        "{PEOPLE}\n[[route]]\nname = \"pay\"\nto = [\"group:money\"]\nself_approval = false"
    ));
    rig.make_folder("job");
    let receipt = rig.submit("job", &handoff("Pay it", &[]), &[]).unwrap();
    assert_eq!(receipt.principal, Principal::Operator);
    rig.apply_policy();
    let told = rig.decide(ONE, Outcome::Approved);
    assert!(matches!(told, Err(DeskError::NotAllowed(_))), "{told:?}");
}

#[test]
fn who_handed_it_over_while_signed_in_does_not_approve_it() {
    let mut rig = Rig::new();
    rig.with_roles(&format!(
        "{PEOPLE}\n[[route]]\nname = \"pay\"\nto = [\"group:money\"]\nself_approval = false"
    ));
    rig.make_folder("job");
    // As the API signs what a session or a token of a person brings.
    let ben = access::principal(&Caller::Person(person(&rig, "ben")));
    assert_ne!(ben, Principal::Operator);
    let document = handoff("Pay it", &[]);
    rig.submit_as(ben, "job", &document, &[]).unwrap();
    rig.apply_policy();
    let told = say(&rig, "ben", Outcome::Approved);
    assert!(matches!(told, Err(DeskError::NotAllowed(_))), "{told:?}");
    assert!(
        say(&rig, "cy", Outcome::Approved)
            .unwrap()
            .decision()
            .is_some()
    );
}

#[test]
fn nothing_is_decided_before_the_rules_said_how_many_it_takes() {
    let mut rig = Rig::new();
    rig.with_roles(&format!(
        "{PEOPLE}\n[[route]]\nname = \"pay\"\nto = [\"group:money\"]\napprovals = 2"
    ));
    rig.write("a.txt", "words");
    rig.deliver("handoff.json", handoff("Pay it", &["a.txt"]));
    assert!(matches!(
        say(&rig, "ana", Outcome::Approved),
        Err(DeskError::Conflict { .. })
    ));
    assert!(offered(&rig, "ana").is_empty());
    rig.apply_policy();
    assert_eq!(progress(say(&rig, "ana", Outcome::Approved)), (1, 2));
}

#[test]
fn sixty_four_at_once_are_counted_in_one_order() {
    let rig = rig("approvals = 2");
    let answer = rig.answer(ONE, Outcome::Approved);
    let people = ["ana", "ben", "cy", "zoe"];
    std::thread::scope(|scope| {
        for number in 0..64 {
            let who = person(&rig, people[number % people.len()]);
            let (desk, answer) = (std::sync::Arc::clone(rig.desk()), answer.clone());
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                let _ = runtime.unwrap().block_on(desk.decide(&who, ONE, answer));
            });
        }
    });
    assert_eq!(rig.count("handoff.voted"), 2);
    assert_eq!(rig.count("handoff.decided"), 1);
}

/// Random people say random things, the agent revises and the daemon is killed in between: at the end there is
/// a decision only where enough different people said so about those very bytes.
#[test]
fn no_schedule_releases_bytes_that_two_people_did_not_see() {
    for seed in 0..24 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut rig = rig("approvals = 2\nself_approval = false");
        for step in 0..14 {
            match random.u32(0..10) {
                0 => hand_over(&rig, &format!("words {seed} {step}")),
                1 => rig.restart(),
                _ => {
                    let who = ["ana", "ben", "cy", "zoe"][random.usize(..4)];
                    let outcome = match random.u32(0..12) {
                        0 => Outcome::Rejected,
                        1 => Outcome::ChangesRequested,
                        _ => Outcome::Approved,
                    };
                    let _ = say(&rig, who, outcome);
                }
            }
        }
        rig.round();
        // What comes after the last word is a card of its own.
        let card = rig.ledger().state().card(ONE).cloned().unwrap();
        let approvals = card
            .decisions
            .iter()
            .filter(|one| one.decided.outcome == Outcome::Approved);
        for decision in approvals {
            let decided = &decision.decided;
            let mut people: Vec<&str> = card
                .votes
                .iter()
                .filter(|vote| vote.seq < decision.seq)
                .filter(|vote| vote.voted.outcome == Outcome::Approved)
                .filter(|vote| vote.voted.manifest_sha256 == decided.manifest_sha256)
                .map(|vote| vote.person.as_str())
                .collect();
            people.sort_unstable();
            people.dedup();
            assert!(
                people.len() >= 2 && !people.contains(&"ana"),
                "{seed} {people:?}"
            );
        }
        let released = rig.exists("approved/H-1");
        let approved = card.state.name() == "approved";
        assert_eq!(released, approved, "{seed}");
    }
}

#[test]
fn who_abstains_is_asked_no_more_and_named_in_the_answer() {
    let mut rig = rig("approvals = 2");
    assert_eq!(
        offered(&rig, "ana"),
        ["approve", "changes", "reject", "abstain"]
    );
    assert_eq!(progress(say(&rig, "ana", Outcome::Abstained)), (0, 2));
    rig.restart();
    // Said twice is said once; without another one there would be too few.
    assert_eq!(progress(say(&rig, "ana", Outcome::Abstained)), (0, 2));
    assert_eq!(rig.count("handoff.voted"), 1);
    assert!(!turn(&rig, "ana") && turn(&rig, "ben"));
    assert_eq!(offered(&rig, "ben"), ["approve", "changes", "reject"]);
    let told = say(&rig, "ben", Outcome::Abstained);
    assert!(matches!(told, Err(DeskError::Invalid { .. })), "{told:?}");
    assert_eq!(progress(say(&rig, "ben", Outcome::Approved)), (1, 2));
    let decided = say(&rig, "cy", Outcome::Approved).unwrap();
    let votes = decided.decision().unwrap().votes;
    let votes: Vec<_> = votes
        .iter()
        .map(|vote| (vote.principal.as_str(), vote.outcome))
        .collect();
    let yes = Outcome::Approved;
    assert_eq!(
        votes,
        [("ana", Outcome::Abstained), ("ben", yes), ("cy", yes)]
    );
}

#[test]
fn nobody_abstains_where_one_answer_is_enough() {
    let rig = rig("");
    assert!(!offered(&rig, "ana").contains(&"abstain".to_owned()));
    let told = say(&rig, "ana", Outcome::Abstained);
    assert!(matches!(told, Err(DeskError::Invalid { .. })), "{told:?}");
    assert_eq!(rig.count("handoff.voted") + rig.count("handoff.decided"), 0);
}

#[test]
fn votes_of_disabled_accounts_do_not_count() {
    let rig = rig("approvals = 2");
    assert_eq!(progress(say(&rig, "ana", Outcome::Approved)), (1, 2));
    rig.change_account("ana", AccountChange::Disabled);
    assert_eq!(progress(say(&rig, "ben", Outcome::Approved)), (1, 2));
    let told = say(&rig, "ana", Outcome::Approved);
    assert!(matches!(told, Err(DeskError::NotAllowed(_))), "{told:?}");
    let decided = say(&rig, "cy", Outcome::Approved)
        .unwrap()
        .decision()
        .unwrap();
    let counted = |decided: &DecisionDocument| -> Vec<_> {
        let votes = decided.votes.iter();
        votes
            .map(|vote| (vote.principal.clone(), vote.not_counted))
            .collect()
    };
    let out = Some(NotCounted::AccountDisabled);
    let expected =
        [("ana", out), ("ben", None), ("cy", None)].map(|(id, out)| (id.to_owned(), out));
    assert_eq!(counted(&decided), expected);
    // What was decided stays as it was.
    rig.change_account("ana", AccountChange::Enabled);
    rig.change_account("ben", AccountChange::Disabled);
    rig.round();
    let written: DecisionDocument = serde_json::from_value(rig.json("decision.json")).unwrap();
    assert_eq!(counted(&written), expected);
}

#[test]
fn a_stage_that_too_few_are_left_for_says_so() {
    let rig = rig("approvals = 2");
    let is_short = || {
        let caller = Caller::Person(person(&rig, "ana"));
        let review = rig.wait(rig.desk().review(&caller, ONE, None, None));
        review.unwrap().approval.unwrap().stages[0].short
    };
    assert!(!is_short());
    for id in ["ana", "ben", "cy"] {
        rig.change_account(id, AccountChange::Disabled);
    }
    rig.apply_policy();
    assert!(is_short(), "the operator alone is left");
    rig.change_account("cy", AccountChange::Enabled);
    rig.apply_policy();
    assert!(!is_short());
}
