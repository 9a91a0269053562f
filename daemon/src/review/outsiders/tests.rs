//! An invitation, against everything that is not this handoff, this long.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body};
use countersign_protocol::{HandoffId, decision::Outcome, place::Place};
use countersign_web::{
    Settings,
    desk::{
        AccessDesk as _, Answered, Caller, Desk as _, DeskError, OutsidersDesk as _, Person,
        ThreadsDesk as _, access::Visitor, outsiders::NewOutsider, threads::Remark,
    },
};
use http::{Request, StatusCode};
use tower::ServiceExt as _;

use crate::{
    clock::Clock as _,
    store::Store as _,
    testing::{Rig, handoff, maya},
};

const ONE: HandoffId = HandoffId(1);
const TWO: HandoffId = HandoffId(2);

const ROLES: &str = r#"
[[member]]
role = "approver"
who = ["approver"]
[[member]]
role = "operator"
who = ["operator"]
[[member]]
role = "reviewer"
who = ["reviewer"]
"#;

fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.with_roles(ROLES);
    for file in ["a.txt", "b.txt"] {
        rig.write(file, "words");
        let name = format!("{file}.handoff.json");
        rig.deliver(&name, handoff(&format!("Write {file}"), &[file]));
    }
    rig
}

fn wish(decides: bool) -> NewOutsider {
    NewOutsider {
        name: "Rui Costa".to_owned(),
        decides,
        days: None,
    }
}

fn person(rig: &Rig, id: &str) -> Person {
    let secret = rig.signed_in(id);
    rig.wait(rig.desk().session(&secret)).unwrap()
}

/// The id of an invitation and the secret of its link.
fn invite(rig: &Rig, host: &Person, decides: bool) -> Result<(String, String), DeskError> {
    let made = rig.desk().invite_outsider(host, ONE, wish(decides));
    let (row, link) = rig.wait(made)?;
    let (_, secret) = link.split_once("?t=").unwrap();
    Ok((row.id, secret.to_owned()))
}

fn enter(rig: &Rig, secret: &str) -> Result<String, DeskError> {
    let entered = rig.desk().enter_outside(secret, Visitor::default());
    let (session, id) = rig.wait(entered)?;
    assert_eq!(id, ONE);
    Ok(session.secret)
}

fn guest(rig: &Rig, session: &str) -> Option<Person> {
    rig.wait(rig.desk().session(session))
}

#[test]
fn a_guest_sees_and_says_and_decides_about_one_handoff_under_their_name() {
    let rig = rig();
    let host = person(&rig, "approver");
    let (_, secret) = invite(&rig, &host, true).unwrap();
    let rui = guest(&rig, &enter(&rig, &secret).unwrap()).unwrap();
    assert_eq!(
        rui.display,
        "Rui Costa (outside reviewer, invited by approver)"
    );
    let caller = Caller::Person(rui.clone());
    rig.wait(rig.desk().review(&caller, ONE, None, None))
        .unwrap();
    let remark = Remark {
        revision: None,
        place: Place::default(),
        text: "Why?".to_owned(),
    };
    rig.wait(rig.desk().say(&caller, ONE, remark.clone()))
        .unwrap();
    // Of the other card they know nothing, nor of anything else.
    let other = rig.wait(rig.desk().review(&caller, TWO, None, None));
    assert!(matches!(other, Err(DeskError::NotFound(_))));
    assert!(matches!(
        rig.wait(rig.desk().say(&caller, TWO, remark)),
        Err(DeskError::NotFound(_))
    ));
    let answer = rig.answer(TWO, Outcome::Approved);
    let decided = rig.wait(rig.desk().decide(&rui, TWO, answer));
    assert!(matches!(decided, Err(DeskError::NotFound(_))));
    let view = countersign_web::desk::QueueView::Turn;
    let queue = rig.wait(rig.desk().queue(&caller, view, None, 10)).unwrap();
    assert!(queue.rows.is_empty() && queue.counts.turn == 0 && queue.dead_letters.is_empty());
    // A guest invites nobody.
    let again = rig.wait(rig.desk().invite_outsider(&rui, ONE, wish(false)));
    assert!(matches!(again, Err(DeskError::MayNot { .. })));
    let answer = rig.answer(ONE, Outcome::Approved);
    let Answered::Decided(document) = rig.wait(rig.desk().decide(&rui, ONE, answer)).unwrap()
    else {
        panic!("it takes one person");
    };
    assert!(document.decided_by.principal.starts_with("outside:"));
    assert!(document.decided_by.display.contains("invited by approver"));
}

#[test]
fn an_invitation_gives_no_more_than_its_host_has_now() {
    let mut rig = rig();
    let (approver, operator) = (person(&rig, "approver"), person(&rig, "operator"));
    let none = invite(&rig, &person(&rig, "reviewer"), false);
    assert!(matches!(none, Err(DeskError::MayNot { .. })), "{none:?}");
    let too_much = invite(&rig, &operator, true);
    assert!(
        matches!(too_much, Err(DeskError::MayNot { .. })),
        "{too_much:?}"
    );
    let (_, secret) = invite(&rig, &operator, false).unwrap();
    let rui = guest(&rig, &enter(&rig, &secret).unwrap()).unwrap();
    let answer = rig.answer(ONE, Outcome::Approved);
    let decided = rig.wait(rig.desk().decide(&rui, ONE, answer));
    assert!(
        matches!(decided, Err(DeskError::MayNot { .. })),
        "{decided:?}"
    );
    // The host loses the role: the guest loses everything.
    let (_, secret) = invite(&rig, &approver, true).unwrap();
    let session = enter(&rig, &secret).unwrap();
    rig.with_roles("[[member]]\nrole = \"viewer\"\nwho = [\"approver\"]\n");
    let rui = Caller::Person(guest(&rig, &session).unwrap());
    let seen = rig.wait(rig.desk().review(&rui, ONE, None, None));
    assert!(matches!(seen, Err(DeskError::NotFound(_))));
    assert!(rig.wait(rig.desk().outside_link(&secret)).is_none());
}

#[test]
fn it_ends_at_once_when_it_is_taken_back_or_over_and_outlives_the_daemon() {
    let mut rig = rig();
    let host = person(&rig, "approver");
    let (id, secret) = invite(&rig, &host, true).unwrap();
    let session = enter(&rig, &secret).unwrap();
    rig.restart();
    assert!(guest(&rig, &session).is_some());
    let stored = rig.stored().values(crate::store::Space::Outsider).unwrap();
    assert!(
        !format!("{stored:?}").contains(&secret),
        "the secret is not kept"
    );
    assert!(matches!(
        rig.wait(rig.desk().revoke_outsider(&host, TWO, &id)),
        Err(DeskError::NotFound(_))
    ));
    rig.wait(rig.desk().revoke_outsider(&host, ONE, &id))
        .unwrap();
    assert!(guest(&rig, &session).is_none());
    assert!(enter(&rig, &secret).is_err());
    rig.restart();
    assert!(guest(&rig, &session).is_none());
    rig.clock.advance(Duration::from_secs(1));
    let (_, secret) = invite(&rig, &host, true).unwrap();
    rig.clock.advance(Duration::from_hours(7 * 24 - 1));
    let session = enter(&rig, &secret).unwrap();
    assert!(guest(&rig, &session).is_some());
    rig.clock.advance(Duration::from_hours(1));
    assert!(guest(&rig, &session).is_none());
    assert!(enter(&rig, &secret).is_err());
    let rows = rig.wait(rig.desk().outsiders(&host, ONE)).unwrap();
    let states: Vec<_> = rows.iter().map(|row| row.state.as_str()).collect();
    assert_eq!(states, ["expired", "revoked"]);
}

#[test]
fn restricted_work_is_shown_to_nobody_outside() {
    let rig = Rig::with(crate::workspace::Settings {
        class: "restricted".to_owned(),
        ..crate::workspace::Settings::default()
    });
    rig.write("a.txt", "words");
    rig.deliver("handoff.json", handoff("Write it", &["a.txt"]));
    let refused = invite(&rig, &maya(), false);
    assert!(
        matches!(refused, Err(DeskError::NotAllowed(_))),
        "{refused:?}"
    );
}

#[test]
fn every_other_page_and_route_is_not_there() {
    let rig = rig();
    let now = Arc::clone(&rig.clock);
    let now = Arc::new(move || now.now());
    let router: Router = countersign_web::router(rig.desk().clone(), Settings::local(7420, now));
    let (_, secret) = invite(&rig, &person(&rig, "approver"), true).unwrap();
    let session = enter(&rig, &secret).unwrap();
    let get = |path: &str| {
        let request = Request::get(path)
            .header("host", "localhost:7420")
            .header("cookie", format!("countersign-7420={session}"));
        let sent = router.clone().oneshot(request.body(Body::empty()).unwrap());
        rig.wait(sent).unwrap().status()
    };
    for path in [
        "/h/H-1",
        "/api/v1/handoffs/1/review",
        "/h/H-1/r/1/file?path=a.txt",
    ] {
        assert_eq!(get(path), StatusCode::OK, "{path}");
    }
    for path in [
        "/",
        "/queue",
        "/h/H-2",
        "/api/v1/handoffs",
        "/api/v1/handoffs/2/review",
        "/search?q=words",
        "/activity",
        "/api/v1/log",
        "/locks",
        "/api/v1/locks",
        "/insights",
        "/settings",
        "/account",
        "/people",
        "/workspaces",
        "/batch",
        "/api/v1/sessions",
        "/api/v1/tokens",
        "/api/v1/search?q=words",
        "/dead-letters",
        "/messages",
    ] {
        assert_eq!(get(path), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(get("/h/H-1/outsiders"), StatusCode::FORBIDDEN);
    // Nobody's scanner spends the link.
    for _ in 0..3 {
        assert_eq!(get(&format!("/outside?t={secret}")), StatusCode::OK);
    }
}
