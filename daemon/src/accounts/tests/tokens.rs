//! Tokens of people: never more than their owner has, and for no longer.

use std::time::Duration;

use countersign_protocol::{access::Permission, principal::Method};
use countersign_web::desk::{
    AccessDesk as _, Caller, Desk as _, DeskError, NewToken, Person, PersonTokensDesk as _,
    access::NewAccount, person_tokens::NewPersonToken,
};

use crate::{
    store::{Space, Store as _},
    testing::{Rig, WORKSPACE, maya},
};

const ROLES: &str = r#"
[[member]]
role = "approver"
who = ["sam"]
[[member]]
role = "operator"
who = ["olga"]
"#;

fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.with_roles(ROLES);
    rig
}

fn signed_in(rig: &Rig, id: &str) -> Person {
    let secret = rig.signed_in(id);
    rig.wait(rig.desk().session(&secret)).unwrap()
}

fn wish(may: &[Permission], workspaces: Option<&[&str]>) -> NewPersonToken {
    NewPersonToken {
        name: "nightly report".to_owned(),
        workspaces: workspaces.map(|names| names.iter().map(|&name| name.to_owned()).collect()),
        may: may.to_vec(),
        days: None,
    }
}

fn make(rig: &Rig, who: &Person, new: NewPersonToken) -> Result<(String, String), DeskError> {
    let made = rig.wait(rig.desk().create_person_token(who, new));
    made.map(|(row, secret)| (row.id, secret))
}

fn bearer(rig: &Rig, secret: &str) -> Option<Person> {
    match rig.wait(rig.desk().bearer(secret))? {
        Caller::Person(person) => Some(person),
        Caller::Agent(_) => None,
    }
}

#[test]
fn a_token_is_its_owner_within_its_scope_and_outlives_the_daemon() {
    let mut rig = rig();
    let sam = signed_in(&rig, "sam");
    let (_, secret) = make(&rig, &sam, wish(&[Permission::Read], Some(&[WORKSPACE]))).unwrap();
    rig.restart();
    let person = bearer(&rig, &secret).unwrap();
    assert_eq!((person.id.as_str(), person.method), ("sam", Method::Api));
    let may = |permission, place| person.access.may(permission, place);
    assert!(may(Permission::Read, Some(WORKSPACE)));
    assert!(!may(Permission::Decide, Some(WORKSPACE)));
    assert!(!may(Permission::Read, Some("another")) && !may(Permission::Read, None));
    let rows = rig.wait(rig.desk().person_tokens(&sam, false)).unwrap();
    assert_eq!(rows.len(), 1);
    assert!(rows[0].used_at.is_some());
    assert!(bearer(&rig, &secret[..secret.len() - 1]).is_none());
}

#[test]
fn a_token_holds_no_more_than_its_owner_has_at_that_moment() {
    let mut rig = rig();
    let sam = signed_in(&rig, "sam");
    let held = sam.access.grant(None).may;
    let all: Vec<Permission> = held.iter().filter(|one| one.is_delegable()).collect();
    let (_, secret) = make(&rig, &sam, wish(&all, None)).unwrap();
    assert!(
        bearer(&rig, &secret)
            .unwrap()
            .access
            .may(Permission::Decide, Some(WORKSPACE))
    );
    rig.with_roles(&ROLES.replace("approver", "viewer"));
    let left = bearer(&rig, &secret).unwrap().access;
    assert!(left.may(Permission::Read, Some(WORKSPACE)));
    assert!(!left.may(Permission::Decide, Some(WORKSPACE)));
    let beyond = make(&rig, &sam, wish(&[Permission::Verify], None));
    assert!(
        matches!(beyond, Err(DeskError::Invalid { ref field, .. }) if field == "may"),
        "{beyond:?}"
    );
    let nowhere = make(&rig, &sam, wish(&[Permission::Read], Some(&["another"])));
    assert!(matches!(nowhere, Err(DeskError::Invalid { ref field, .. }) if field == "workspaces"));
}

#[test]
fn no_token_makes_another_way_in() {
    let rig = rig();
    let maya = maya();
    for held in [Permission::Tokens, Permission::ManagePeople] {
        let refused = make(&rig, &maya, wish(&[held], None));
        assert!(
            matches!(refused, Err(DeskError::Invalid { .. })),
            "{held}: {refused:?}"
        );
    }
    let all: Vec<Permission> = Permission::all().filter(|one| one.is_delegable()).collect();
    let (id, secret) = make(&rig, &maya, wish(&all, None)).unwrap();
    let program = bearer(&rig, &secret).unwrap();
    let desk = rig.desk();
    let refused = |told: Result<(), DeskError>, what: &str| {
        let is = matches!(
            told,
            Err(DeskError::NotAllowed(_) | DeskError::MayNot { .. })
        );
        assert!(is, "{what}: {told:?}");
    };
    refused(rig.wait(desk.start_link(&program)).map(drop), "start link");
    refused(
        make(&rig, &program, wish(&[Permission::Read], None)).map(drop),
        "token",
    );
    refused(
        rig.wait(desk.person_tokens(&program, false)).map(drop),
        "tokens",
    );
    refused(rig.wait(desk.revoke_person_token(&program, &id)), "revoke");
    refused(
        rig.wait(desk.sessions(&program, false, None)).map(drop),
        "sessions",
    );
    refused(rig.wait(desk.end_session(&program, "any")), "end session");
    refused(
        rig.wait(desk.reset_account(&program, "sam")).map(drop),
        "reset",
    );
    let new = NewAccount {
        id: "kim".to_owned(),
        name: None,
    };
    refused(
        rig.wait(desk.add_account(&program, new)).map(drop),
        "account",
    );
    let agent = NewToken {
        agent: "hermes".to_owned(),
        workspaces: vec![WORKSPACE.to_owned()],
        days: None,
    };
    refused(
        rig.wait(desk.create_token(&program, agent)).map(drop),
        "token of an agent",
    );
}

#[test]
fn a_token_ends_by_time_by_hand_with_the_password_and_with_the_account() {
    let rig = rig();
    let sam = signed_in(&rig, "sam");
    let token = || make(&rig, &sam, wish(&[Permission::Read], None)).unwrap();
    let (id, secret) = token();
    // Others cannot take it back, and do not learn that it is there.
    let olga = signed_in(&rig, "tom");
    let not_his = rig.wait(rig.desk().revoke_person_token(&olga, &id));
    assert!(matches!(not_his, Err(DeskError::NotFound(_))));
    rig.wait(rig.desk().revoke_person_token(&sam, &id)).unwrap();
    assert!(bearer(&rig, &secret).is_none());
    // Who manages people takes back anybody's.
    let (id, secret) = token();
    let olga = signed_in(&rig, "olga");
    rig.wait(rig.desk().revoke_person_token(&olga, &id))
        .unwrap();
    assert!(bearer(&rig, &secret).is_none());
    let (_, secret) = token();
    let link = rig
        .wait(rig.desk().reset_account(&maya(), "sam"))
        .unwrap()
        .link;
    let (_, link) = link.split_once("?t=").unwrap();
    let set =
        rig.desk()
            .accept_invitation(link, "another good password", super::Visitor::default());
    rig.wait(set).unwrap();
    assert!(bearer(&rig, &secret).is_none(), "another password ends it");
    let (_, secret) = token();
    rig.wait(rig.desk().disable_account(&maya(), "sam", true))
        .unwrap();
    assert!(
        bearer(&rig, &secret).is_none(),
        "a disabled account ends it"
    );
    rig.wait(rig.desk().disable_account(&maya(), "sam", false))
        .unwrap();
    assert!(bearer(&rig, &secret).is_none());
    let (_, secret) = token();
    rig.clock.advance(Duration::from_hours(24 * 30 - 1));
    assert!(bearer(&rig, &secret).is_some());
    rig.clock.advance(Duration::from_hours(2));
    assert!(bearer(&rig, &secret).is_none(), "a month is over");
    assert!(
        rig.wait(rig.desk().person_tokens(&sam, false))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn only_the_digest_of_a_token_is_kept() {
    let rig = rig();
    let sam = signed_in(&rig, "sam");
    let (id, secret) = make(&rig, &sam, wish(&[Permission::Read], None)).unwrap();
    // 256 bits in base64url, whose digits are also `_`.
    let random = &secret[secret.len() - 43..];
    let ledger = serde_json::to_string(&rig.events()).unwrap();
    let mut store = rig.stored();
    let kept: String = store
        .values(Space::PersonToken)
        .unwrap()
        .into_iter()
        .map(|(key, value)| key + &value)
        .collect();
    assert!(ledger.contains(&id) && kept.contains(&id));
    assert!(!ledger.contains(random) && !kept.contains(random));
}
