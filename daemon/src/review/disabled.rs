//! A disabled account at every door that decides: none of them lets it.

use std::time::Duration;

use countersign_protocol::{HandoffId, decision::Outcome, event::AccountChange, principal::Method};
use countersign_web::desk::{
    Answered, Caller, Desk as _, DeskError, LinkError, MessagesDesk as _, OutsidersDesk as _,
    OwnershipDesk as _, PeopleDesk as _, Person, UndoDesk as _,
    outsiders::NewOutsider,
    ownership::{Claimant, NewOffer},
};

use crate::{
    message::{Link, LinkAnswer, Recipient, mint},
    testing::{Rig, WORKSPACE, handoff},
};

const ONE: HandoffId = HandoffId(1);
const PEOPLE: &str = r#"
[[person]]
id = "kim"
[[person]]
id = "sam"
[[route]]
name = "all"
to = ["kim"]
"#;

fn rig_with(rules: &str) -> Rig {
    let mut rig = Rig::new();
    rig.with_roles(rules);
    rig.write("a.md", "words");
    rig.deliver("handoff.json", handoff("Write it", &["a.md"]));
    rig.apply_policy();
    rig
}

fn rig() -> Rig {
    rig_with(PEOPLE)
}

fn person(rig: &Rig, id: &str) -> Person {
    rig.desk().person(id, id, Method::Web)
}

/// Keeps a link for `id` as a mail would have it.
pub(super) fn link(rig: &Rig, id: &str) -> String {
    let card = rig.card();
    let link = Link {
        message: "m-1".to_owned(),
        person: Recipient {
            id: id.to_owned(),
            display: id.to_owned(),
            email: None,
            address: None,
            zone: None,
        },
        handoff: ONE,
        revision: 1,
        manifest_sha256: card.newest().accepted.manifest_sha256,
        answer: LinkAnswer::Approve,
        made: rig.clock_now(),
        expires: rig.clock_now() + Duration::from_hours(1),
        alone: true,
        used: None,
    };
    let minted = mint([7; 32], &link);
    let kept = rig
        .desk()
        .keep(minted.change.0, minted.change.1, minted.change.2);
    rig.wait(kept).unwrap();
    minted.secret
}

fn by_link(rig: &Rig, secret: &str) -> Result<Answered, LinkError> {
    rig.wait(rig.desk().answer_by_link(ONE, secret, None, None))
}

#[test]
fn sessions_and_tokens_decide_nothing() {
    let rig = rig();
    let kim = person(&rig, "kim");
    rig.change_account("kim", AccountChange::Disabled);
    for method in [Method::Web, Method::Api, Method::Cli] {
        let kim = Person {
            method,
            ..kim.clone()
        };
        let answer = || rig.answer(ONE, Outcome::Approved);
        let api = rig.wait(rig.desk().decide(&kim, ONE, answer()));
        let page = rig.wait(rig.desk().answer(&kim, ONE, answer()));
        for told in [api, page] {
            assert!(matches!(told, Err(DeskError::NotAllowed(_))), "{told:?}");
        }
    }
    assert_eq!(rig.count("handoff.decided"), 0);
}

#[test]
fn links_in_mails_decide_nothing() {
    let rig = rig();
    let secret = link(&rig, "kim");
    rig.change_account("kim", AccountChange::Disabled);
    let shown = rig.wait(rig.desk().link(ONE, &secret, rig.clock_now()));
    assert!(matches!(shown, Err(LinkError::Refused(_))), "{shown:?}");
    let told = by_link(&rig, &secret);
    assert!(matches!(told, Err(LinkError::Refused(_))), "{told:?}");
    rig.change_account("kim", AccountChange::Enabled);
    by_link(&rig, &secret).unwrap();
    assert_eq!(rig.count("handoff.decided"), 1);
}

/// Lets `host` invite somebody who may decide: the guest, and the secret of the invitation.
fn invited(rig: &Rig, host: &str) -> (Person, String) {
    let new = NewOutsider {
        name: "Jo".to_owned(),
        decides: true,
        days: None,
    };
    let host = person(rig, host);
    let invite = rig.desk().invite_outsider(&host, ONE, new);
    let (row, url) = rig.wait(invite).unwrap();
    let (_, secret) = url.split_once("t=").unwrap();
    (
        person(rig, &format!("outside:{}", row.id)),
        secret.to_owned(),
    )
}

fn approve(rig: &Rig, who: &Person) -> Result<Answered, DeskError> {
    let answer = rig.answer(ONE, Outcome::Approved);
    rig.wait(rig.desk().answer(who, ONE, answer))
}

#[test]
fn guests_of_the_account_decide_nothing() {
    let rig = rig();
    let (guest, secret) = invited(&rig, "kim");
    rig.change_account("kim", AccountChange::Disabled);
    assert!(rig.wait(rig.desk().outside_link(&secret)).is_none());
    let guest = person(&rig, &guest.id);
    let told = approve(&rig, &guest);
    assert!(told.is_err(), "{told:?}");
    assert_eq!(rig.count("handoff.decided"), 0);
}

#[test]
fn votes_of_guests_count_as_those_of_their_host() {
    let mut rig = Rig::new();
    rig.with_roles(PEOPLE);
    let two = r#"{"handoff_version": "1.0", "from_agent": "a", "task": "Release",
                  "sign_off_gates": [{"id": "release", "min_approvals": 2}]}"#;
    rig.deliver("handoff.json", two);
    rig.apply_policy();
    let (guest, _) = invited(&rig, "kim");
    let progress = |told: Result<Answered, DeskError>| match told.unwrap() {
        Answered::Counted(approval) => approval.stages[0].have,
        other => panic!("{other:?}"),
    };
    assert_eq!(progress(approve(&rig, &guest)), 1);
    rig.change_account("kim", AccountChange::Disabled);
    assert_eq!(progress(approve(&rig, &person(&rig, "sam"))), 1);
    assert_eq!(rig.count("handoff.decided"), 0);
    let decided = approve(&rig, &rig.desk().operator()).unwrap();
    let decision = decided.decision().expect("two votes that count");
    let out = decision
        .votes
        .iter()
        .filter(|vote| vote.not_counted.is_some());
    assert_eq!(
        out.map(|vote| &vote.principal).collect::<Vec<_>>(),
        [&guest.id]
    );
}

#[test]
fn offers_are_not_taken_over() {
    let rig = rig();
    let operator = rig.desk().operator();
    let offer = |to: &str| NewOffer {
        to: to.to_owned(),
        note: None,
        waits: Duration::from_hours(1),
    };
    let caller = Caller::Person(operator);
    let made = rig.wait(rig.desk().offer_ownership(&caller, WORKSPACE, offer("kim")));
    let url = made.unwrap().claim_url.unwrap();
    let (_, secret) = url.split_once("t=").unwrap();
    rig.change_account("kim", AccountChange::Disabled);
    let shown = rig.wait(rig.desk().claimed(secret));
    assert!(matches!(shown, Err(DeskError::NotAllowed(_))), "{shown:?}");
    let by_session = Claimant::Person(person(&rig, "kim"));
    for claimant in [Claimant::Secret(secret.to_owned()), by_session] {
        let told = rig.wait(rig.desk().answer_offer(&claimant, WORKSPACE, true, None));
        assert!(matches!(told, Err(DeskError::NotAllowed(_))), "{told:?}");
    }
    let again = rig.wait(rig.desk().offer_ownership(&caller, WORKSPACE, offer("kim")));
    assert!(matches!(again, Err(DeskError::Invalid { .. })), "{again:?}");
}

#[test]
fn work_is_not_handed_to_it() {
    let rig = rig();
    rig.change_account("sam", AccountChange::Disabled);
    let told = rig.wait(rig.desk().assign(&person(&rig, "kim"), ONE, "sam", None));
    let Err(DeskError::Invalid { message, .. }) = told else {
        panic!("{told:?}");
    };
    assert_eq!(message, "the account of sam is disabled");
}

#[test]
fn link_page_names_the_new_reviewer() {
    let rig = rig();
    let secret = link(&rig, "kim");
    let view = || {
        rig.wait(rig.desk().link(ONE, &secret, rig.clock_now()))
            .unwrap()
    };
    assert_eq!(view().given_to, None);
    rig.wait(rig.desk().assign(&person(&rig, "kim"), ONE, "sam", None))
        .unwrap();
    assert_eq!(view().given_to, Some(vec!["sam".to_owned()]));
}

#[test]
fn link_of_one_of_two_is_a_vote() {
    let rig = rig_with(&PEOPLE.replace("[\"kim\"]", "[\"kim\", \"sam\"]\napprovals = 2"));
    let secret = link(&rig, "kim");
    let view = rig
        .wait(rig.desk().link(ONE, &secret, rig.clock_now()))
        .unwrap();
    assert!(
        view.effect.starts_with("Counts as 1 of 2 approvals."),
        "{}",
        view.effect
    );
    let Answered::Counted(approval) = by_link(&rig, &secret).unwrap() else {
        panic!("it is no vote");
    };
    assert_eq!(approval.words(), "your vote is recorded; 1 of 2");
    assert_eq!(approval.open_to(), ["sam"]);
}
