//! What can be taken back: known to the desk alone, durable, and given only when all still holds.

use std::time::Duration;

use countersign_protocol::{HandoffId, decision::Outcome, place::Place, principal::Method};
use countersign_web::desk::{
    Agent, Answered, Caller, Desk as _, DeskError, HandoffRow, ObserveDesk as _, Person, QueueView,
    ThreadsDesk as _, observe::LogQuery, threads::Remark, undo::UndoDesk as _,
};

use crate::{
    testing::{Rig, WORKSPACE, handoff, maya},
    workspace::Settings,
};

const ONE: HandoffId = HandoffId(1);
const WINDOW: Duration = Duration::from_secs(10);
const NEARLY: Duration = Duration::from_secs(9);

fn rig() -> Rig {
    rig_with(Settings::default(), "")
}

fn rig_with(settings: Settings, roles: &str) -> Rig {
    let mut rig = Rig::with(Settings {
        undo: Some(WINDOW),
        ..settings
    });
    if !roles.is_empty() {
        rig.with_roles(roles);
    }
    hand_over(&rig, "words");
    rig
}

fn hand_over(rig: &Rig, words: &str) {
    rig.write("a.txt", words);
    rig.deliver("handoff.json", handoff("Write it", &["a.txt"]));
    rig.apply_policy();
}

fn say_as(rig: &Rig, who: &Person, outcome: Outcome) -> Result<Answered, DeskError> {
    let answer = rig.answer(ONE, outcome);
    rig.wait(rig.desk().answer(who, ONE, answer))
}

fn say(rig: &Rig, outcome: Outcome) {
    let told = say_as(rig, &maya(), outcome);
    assert!(matches!(told, Ok(Answered::Held(_))), "{told:?}");
}

/// Lets `time` pass and looks once.
fn after(rig: &Rig, time: Duration) {
    rig.clock.advance(time);
    rig.wait(rig.desk().give_held_answers()).unwrap();
    rig.round();
}

fn row(rig: &Rig, who: &Caller) -> HandoffRow {
    rig.wait(rig.desk().row(who, ONE)).unwrap()
}

fn me() -> Caller {
    Caller::Person(maya())
}

fn other(rig: &Rig, id: &str) -> Person {
    rig.desk().person(id, id, Method::Web)
}

fn agent() -> Caller {
    Caller::Agent(Agent {
        token: "t1".to_owned(),
        agent: "hermes".to_owned(),
        workspaces: vec![WORKSPACE.to_owned()],
    })
}

fn in_turn(rig: &Rig, who: &Caller) -> bool {
    let queue = rig.wait(rig.desk().queue(who, QueueView::Turn, None, 10));
    !queue.unwrap().rows.is_empty()
}

#[test]
fn an_answer_is_known_to_the_desk_alone_until_its_time_is_over() {
    let rig = rig();
    say(&rig, Outcome::Approved);
    let told = rig.wait(rig.desk().wait(&agent(), ONE, None, Duration::ZERO));
    assert!(told.unwrap().decision.is_none());
    assert!(row(&rig, &agent()).held.is_none());
    let (hermes, all) = (agent(), LogQuery::default());
    let logged = rig.desk().log(&hermes, &all, 0, 100);
    let (lines, _) = rig.wait(logged).unwrap();
    assert!(lines.iter().all(|line| !line.event.starts_with("answer.")));
    after(&rig, NEARLY);
    assert!(!rig.exists("decision.json") && !rig.exists("approved"));
    assert_eq!(rig.count("handoff.decided"), 0);
    // Who answered is through with it; who looks sees what is about to happen.
    assert!(!in_turn(&rig, &me()));
    let sam = Caller::Person(Person {
        id: "local:sam".to_owned(),
        ..maya()
    });
    let seen = row(&rig, &sam).held.unwrap();
    assert!(in_turn(&rig, &sam) && !seen.mine && seen.by == "Maya");
    after(&rig, Duration::from_secs(1));
    assert!(rig.exists("decision.json") && rig.exists("approved/H-1/a.txt"));
    let card = rig.card();
    assert_eq!(card.decisions[0].actor.name(), "Maya");
    assert!(card.held.is_empty());
}

#[test]
fn what_was_taken_back_is_never_given_and_its_words_are_kept() {
    let rig = rig();
    say(&rig, Outcome::Rejected);
    rig.wait(rig.desk().undo(&maya(), ONE)).unwrap();
    rig.wait(rig.desk().undo(&maya(), ONE)).unwrap();
    after(&rig, WINDOW * 2);
    assert_eq!(rig.count("handoff.decided"), 0);
    assert_eq!(
        (rig.count("answer.held"), rig.count("answer.undone")),
        (1, 1)
    );
    let back = row(&rig, &me()).came_back.unwrap();
    assert_eq!(back.comment.as_deref(), Some("because"));
    assert!(back.why.is_none() && in_turn(&rig, &me()));
    say(&rig, Outcome::Approved);
    after(&rig, WINDOW);
    let told = rig.wait(rig.desk().undo(&maya(), ONE));
    assert!(matches!(told, Err(DeskError::Conflict { .. })), "{told:?}");
    assert_eq!(rig.card().state.name(), "approved");
}

#[test]
fn an_answer_outlives_a_restart_and_is_given_once() {
    let mut rig = rig();
    say(&rig, Outcome::Approved);
    rig.restart();
    after(&rig, NEARLY);
    assert_eq!(rig.count("handoff.decided"), 0);
    rig.restart();
    after(&rig, Duration::from_secs(1));
    rig.restart();
    after(&rig, WINDOW);
    assert_eq!(rig.count("handoff.decided"), 1);
}

#[test]
fn a_second_click_is_the_same_answer_and_another_one_has_to_wait() {
    let rig = rig();
    say(&rig, Outcome::Approved);
    rig.clock.advance(Duration::from_secs(3));
    say(&rig, Outcome::Approved);
    assert_eq!(rig.count("answer.held"), 1);
    let rejected = say_as(&rig, &maya(), Outcome::Rejected);
    assert!(
        matches!(rejected, Err(DeskError::Conflict { .. })),
        "{rejected:?}"
    );
    // Nor by the way that gives it at once.
    let at_once = rig.decide(ONE, Outcome::Rejected);
    assert!(
        matches!(at_once, Err(DeskError::Conflict { .. })),
        "{at_once:?}"
    );
}

fn lapsed(rig: &Rig, why: &str) {
    after(rig, WINDOW);
    let back = row(rig, &me()).came_back.unwrap();
    assert!(back.why.as_deref().unwrap().contains(why), "{back:?}");
    assert_eq!(rig.count("answer.lapsed"), 1);
    after(rig, WINDOW);
    assert_eq!(rig.count("answer.lapsed"), 1);
}

#[test]
fn a_revision_that_arrives_meanwhile_brings_the_answer_back() {
    let rig = rig();
    say(&rig, Outcome::Approved);
    hand_over(&rig, "other words");
    lapsed(&rig, "revision 2 arrived");
    assert!(in_turn(&rig, &me()));
    assert_eq!(rig.count("handoff.decided"), 0);
}

#[test]
fn of_two_answers_the_first_that_is_due_is_given() {
    let rig = rig();
    say(&rig, Outcome::Approved);
    rig.clock.advance(Duration::from_secs(2));
    let sam = Person {
        id: "local:sam".to_owned(),
        display: "Sam".to_owned(),
        ..maya()
    };
    let told = say_as(&rig, &sam, Outcome::Rejected);
    assert!(matches!(told, Ok(Answered::Held(_))), "{told:?}");
    after(&rig, WINDOW);
    assert_eq!(rig.card().state.name(), "approved");
    let back = row(&rig, &Caller::Person(sam)).came_back.unwrap();
    assert!(back.why.unwrap().contains("was already approved by Maya"));
}

#[test]
fn what_goes_with_an_answer_must_be_what_it_was() {
    let rig = rig();
    say(&rig, Outcome::ChangesRequested);
    let remark = Remark {
        revision: Some(1),
        place: Place::default(),
        text: "Also this".to_owned(),
    };
    let maya = maya();
    let kept = rig.desk().keep_draft(&maya, ONE, None, remark);
    rig.wait(kept).unwrap();
    lapsed(&rig, "are others than when you answered");
    assert_eq!(rig.wait(rig.desk().unsent(&maya, ONE)).unwrap(), 1);
}

const ANA: &str = "[[person]]\nid = \"ana\"\n[[member]]\nrole = \"approver\"\nwho = [\"ana\"]\n";

#[test]
fn a_role_that_was_taken_meanwhile_gives_nothing() {
    let mut rig = rig_with(Settings::default(), ANA);
    let told = say_as(&rig, &other(&rig, "ana"), Outcome::Approved);
    assert!(matches!(told, Ok(Answered::Held(_))), "{told:?}");
    rig.with_roles(&ANA.replace("approver", "viewer"));
    after(&rig, WINDOW);
    assert_eq!(rig.count("handoff.decided"), 0);
    let ana = Caller::Person(other(&rig, "ana"));
    let why = row(&rig, &ana).came_back.unwrap().why.unwrap();
    assert!(why.starts_with("You may not"), "{why}");
}

#[test]
fn a_vote_counts_when_its_time_is_over() {
    let rule = "[[person]]\nid = \"ana\"\n[[person]]\nid = \"ben\"\n[[group]]\nid = \"money\"\nmembers = [\"ana\", \
        \"ben\"]\n[[route]]\nname = \"pay\"\nto = [\"group:money\"]\napprovals = 2\n";
    let rig = rig_with(Settings::default(), rule);
    for id in ["ana", "ben"] {
        let told = say_as(&rig, &other(&rig, id), Outcome::Approved);
        assert!(matches!(told, Ok(Answered::Held(_))), "{told:?}");
    }
    assert_eq!(rig.count("handoff.voted"), 0);
    rig.wait(rig.desk().undo(&other(&rig, "ben"), ONE)).unwrap();
    after(&rig, WINDOW);
    assert_eq!(rig.count("handoff.voted"), 1);
    assert_eq!(rig.count("handoff.decided"), 0);
}

#[test]
fn what_must_stand_is_given_at_once() {
    let restricted = Settings {
        class: "restricted".to_owned(),
        ..Settings::default()
    };
    let rig = rig_with(restricted, "");
    let told = say_as(&rig, &maya(), Outcome::Approved);
    assert!(matches!(told, Ok(Answered::Decided(_))), "{told:?}");
    let off = Rig::new();
    hand_over(&off, "words");
    let told = say_as(&off, &maya(), Outcome::Approved);
    assert!(matches!(told, Ok(Answered::Decided(_))), "{told:?}");
}
