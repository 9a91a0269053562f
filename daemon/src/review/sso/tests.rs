//! Whom a provider may let in, and as whom.

use std::time::Duration;

use countersign_protocol::access::Permission;
use countersign_web::desk::{AccessDesk as _, NewSession, Person, access::Visitor, sso::SsoFailed};

use crate::{
    sso::Vouched,
    testing::{Rig, WORKSPACE, maya},
};

const ROLES: &str = r#"
[sso]
issuer = "https://login.example.org"
client_id = "countersign"

[[person]]
id = "kim"
name = "Kim Berg"
email = "kim@example.org"

[[member]]
role = "viewer"
who = ["kim"]
sso = ["staff"]

[[member]]
workspace = "w"
role = "approver"
sso = ["/finance approvers"]
"#;

fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.with_roles(ROLES);
    rig
}

fn vouched(subject: &str, id: &str, groups: &[&str]) -> Vouched {
    Vouched {
        issuer: "https://login.example.org".to_owned(),
        subject: subject.to_owned(),
        id: id.to_owned(),
        is_mail: id.contains('@'),
        name: Some("Sam Ito".to_owned()),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        attended: false,
    }
}

fn enter(rig: &Rig, vouched: Vouched) -> Result<NewSession, SsoFailed> {
    let desk = rig.desk();
    let (id, name) = desk.known(&vouched)?;
    let entered = desk
        .accounts
        .enter_by_sso((&id, &name), vouched, Visitor::default());
    Ok(rig.wait(entered)?)
}

fn person(rig: &Rig, session: &NewSession) -> Person {
    rig.wait(rig.desk().session(&session.secret)).unwrap()
}

#[test]
fn groups_at_the_provider_are_roles_here_for_as_long_as_a_session_lasts() {
    let mut rig = rig();
    let sam = enter(
        &rig,
        vouched("s-1", "sam", &["staff", "/finance approvers"]),
    )
    .unwrap();
    rig.restart();
    let who = person(&rig, &sam);
    assert_eq!((who.id.as_str(), who.display.as_str()), ("sam", "Sam Ito"));
    assert!(who.access.may(Permission::Decide, Some(WORKSPACE)));
    assert!(!who.access.may(Permission::Decide, Some("another")));
    // Out of the group with the next sign-in, in every session.
    let second = enter(&rig, vouched("s-1", "sam", &["staff"])).unwrap();
    for session in [&sam, &second] {
        let access = person(&rig, session).access;
        assert!(!access.may(Permission::Decide, Some(WORKSPACE)));
        assert!(access.may(Permission::Read, Some(WORKSPACE)));
    }
    rig.clock.advance(Duration::from_hours(12));
    let access = rig.desk().access_of("sam");
    assert!(!access.may(Permission::Read, Some(WORKSPACE)));
}

#[test]
fn only_those_come_in_of_whom_anything_here_says_so() {
    let rig = rig();
    for (id, groups) in [
        ("tom", &["visitors"][..]),
        ("tom", &[]),
        // A role by a group is no reason to take any name.
        ("local:maya", &["staff"]),
        ("two words", &["staff"]),
        ("", &["staff"]),
    ] {
        let told = enter(&rig, vouched("s-9", id, groups)).map(drop);
        assert!(matches!(told, Err(SsoFailed::Unknown(_))), "{id}: {told:?}");
    }
    let kim = enter(&rig, vouched("s-2", "Kim@Example.org", &[])).unwrap();
    assert_eq!(person(&rig, &kim).id, "kim");
    rig.signed_in("olga");
    assert!(enter(&rig, vouched("s-3", "olga", &[])).is_ok());
}

#[test]
fn an_account_stays_with_whom_the_provider_meant_first() {
    let rig = rig();
    enter(&rig, vouched("s-1", "kim", &[])).unwrap();
    let refused = |vouched: Vouched, what: &str| {
        let told = enter(&rig, vouched).map(drop);
        let is = matches!(
            told,
            Err(SsoFailed::Unknown(_)
                | SsoFailed::Desk(countersign_web::desk::DeskError::NotAllowed(_)))
        );
        assert!(is, "{what}: {told:?}");
    };
    refused(vouched("s-2", "kim", &[]), "somebody else has the name now");
    let elsewhere = Vouched {
        issuer: "https://other.example.org".to_owned(),
        ..vouched("s-1", "kim", &[])
    };
    refused(elsewhere, "another provider");
    rig.signed_in("olga");
    refused(
        vouched("s-1", "olga", &[]),
        "the same one under another name",
    );
    let facts = serde_json::to_string(&rig.events()).unwrap();
    assert_eq!(facts.matches(r#""what":"bound""#).count(), 1);
    rig.wait(rig.desk().disable_account(&maya(), "kim", true))
        .unwrap();
    refused(vouched("s-1", "kim", &[]), "a disabled account");
}
