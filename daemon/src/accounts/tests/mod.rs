//! Accounts, sessions and links: what ends what, over kill -9, with a clock that the test moves.

mod tokens;

use std::time::Duration;

use countersign_protocol::Digest;
use countersign_web::desk::{
    AccessDesk as _, DeskError,
    access::{NewAccount, SignInError, Visitor},
};

use crate::{
    store::{Space, Store as _},
    testing::{PASSWORD, Rig, maya},
};

const OTHER: &str = "another good password";

fn who(rig: &Rig, secret: &str) -> Option<String> {
    rig.wait(rig.desk().session(secret)).map(|person| person.id)
}

fn sign_in(rig: &Rig, id: &str, password: &str) -> Result<String, SignInError> {
    let signed = rig.desk().sign_in(id, password, Visitor::default());
    rig.wait(signed).map(|session| session.secret)
}

fn reset(rig: &Rig, id: &str) -> String {
    let made = rig.wait(rig.desk().reset_account(&maya(), id)).unwrap();
    made.link.split_once("?t=").unwrap().1.to_owned()
}

fn accept(rig: &Rig, token: &str, password: &str) -> Result<String, DeskError> {
    let accepted = rig
        .desk()
        .accept_invitation(token, password, Visitor::default());
    rig.wait(accepted).map(|session| session.secret)
}

#[test]
fn an_account_signs_in_by_its_password_and_outlives_the_daemon() {
    let mut rig = Rig::new();
    let first = rig.signed_in("sam");
    assert_eq!(who(&rig, &first).as_deref(), Some("sam"));
    rig.restart();
    assert_eq!(who(&rig, &first).as_deref(), Some("sam"));
    let second = sign_in(&rig, "sam", PASSWORD).unwrap();
    assert_ne!(first, second);
    for (name, password) in [
        ("sam", OTHER),
        ("sam", ""),
        ("tom", PASSWORD),
        ("", PASSWORD),
    ] {
        let told = sign_in(&rig, name, password);
        assert!(matches!(told, Err(SignInError::Refused)), "{name} {told:?}");
    }
}

#[test]
fn nothing_secret_is_in_the_ledger_and_no_password_is_in_the_store() {
    let rig = Rig::new();
    let secret = rig.signed_in("sam");
    let token = reset(&rig, "sam");
    let ledger = serde_json::to_string(&rig.events()).unwrap();
    let mut store = rig.stored();
    let kept: String = [Space::Account, Space::Session, Space::Invitation]
        .into_iter()
        .flat_map(|space| store.values(space).unwrap())
        .map(|(key, value)| key + &value)
        .collect();
    for hidden in [PASSWORD, secret.as_str(), token.as_str()] {
        assert!(!ledger.contains(hidden) && !kept.contains(hidden));
    }
    assert!(!ledger.contains("argon2"));
    assert!(kept.contains("$argon2id$"));
}

#[test]
fn a_link_to_set_a_password_works_once_and_only_the_newest() {
    let mut rig = Rig::new();
    let before = rig.signed_in("sam");
    let (old, new) = (reset(&rig, "sam"), reset(&rig, "sam"));
    assert!(rig.wait(rig.desk().invited(&old)).is_none());
    assert!(rig.wait(rig.desk().invited(&new)).unwrap().is_reset);
    rig.restart();
    // A password that is not good enough spends nothing.
    let weak = accept(&rig, &new, "sam");
    assert!(matches!(weak, Err(DeskError::Invalid { .. })), "{weak:?}");
    assert_eq!(who(&rig, &before).as_deref(), Some("sam"));
    let session = accept(&rig, &new, OTHER).unwrap();
    assert!(accept(&rig, &new, OTHER).is_err());
    assert_eq!(who(&rig, &session).as_deref(), Some("sam"));
    assert_eq!(who(&rig, &before), None, "sessions from before end");
    assert!(sign_in(&rig, "sam", PASSWORD).is_err());
    assert!(sign_in(&rig, "sam", OTHER).is_ok());
    let late = reset(&rig, "sam");
    rig.clock.advance(Duration::from_hours(25));
    assert!(rig.wait(rig.desk().invited(&late)).is_none());
    assert!(accept(&rig, &late, OTHER).is_err());
}

#[test]
fn another_password_ends_every_session_and_needs_the_old_one() {
    let rig = Rig::new();
    let here = rig.signed_in("sam");
    let elsewhere = sign_in(&rig, "sam", PASSWORD).unwrap();
    let person = rig.wait(rig.desk().session(&here)).unwrap();
    let change = |old, new| {
        let changed = rig
            .desk()
            .change_password(&person, old, new, Visitor::default());
        rig.wait(changed).map(|session| session.secret)
    };
    assert!(matches!(change(OTHER, OTHER), Err(SignInError::Refused)));
    assert_eq!(who(&rig, &elsewhere).as_deref(), Some("sam"));
    let now = change(PASSWORD, OTHER).unwrap();
    assert_eq!(who(&rig, &now).as_deref(), Some("sam"));
    assert_eq!((who(&rig, &here), who(&rig, &elsewhere)), (None, None));
}

#[test]
fn a_session_ends_without_requests_and_in_any_case_in_the_end() {
    let mut rig = Rig::new();
    let idle = rig.signed_in("sam");
    let busy = sign_in(&rig, "sam", PASSWORD).unwrap();
    for _ in 0..3 {
        rig.clock.advance(Duration::from_hours(3));
        assert_eq!(who(&rig, &busy).as_deref(), Some("sam"));
        // A request counts over kill -9, too.
        rig.settle();
        rig.restart();
    }
    assert_eq!(who(&rig, &idle), None, "nine hours without a request");
    rig.clock.advance(Duration::from_hours(3));
    assert_eq!(who(&rig, &busy), None, "twelve hours are the most");
}

#[test]
fn a_disabled_account_is_out_at_once_and_its_links_are_dead() {
    let mut rig = Rig::new();
    let session = rig.signed_in("sam");
    let token = reset(&rig, "sam");
    rig.wait(rig.desk().disable_account(&maya(), "sam", true))
        .unwrap();
    assert_eq!(who(&rig, &session), None);
    rig.restart();
    assert_eq!(who(&rig, &session), None);
    assert!(accept(&rig, &token, OTHER).is_err());
    assert!(matches!(
        sign_in(&rig, "sam", PASSWORD),
        Err(SignInError::Refused)
    ));
    // A link that is made meanwhile works once the account does.
    let token = reset(&rig, "sam");
    assert!(accept(&rig, &token, OTHER).is_err());
    rig.wait(rig.desk().disable_account(&maya(), "sam", false))
        .unwrap();
    assert!(sign_in(&rig, "sam", PASSWORD).is_ok());
}

#[test]
fn whoever_knew_the_session_from_before_is_not_signed_in_by_it() {
    let rig = Rig::new();
    let planted = rig.signed_in("mallory");
    rig.signed_in("sam");
    let from = Visitor {
        shown: Some(planted.clone()),
        ..Visitor::default()
    };
    let session = rig.wait(rig.desk().sign_in("sam", PASSWORD, from)).unwrap();
    assert_ne!(session.secret, planted);
    assert_eq!(who(&rig, &planted), None);
    assert_eq!(who(&rig, "made up"), None);
}

#[test]
fn a_session_takes_one_page_key_soon_after_its_beginning() {
    let rig = Rig::new();
    let [first, second] = ["first", "second"].map(|key| Some(Digest::of(key.as_bytes())));
    let session = rig.signed_in("sam");
    let holds = |secret: &str, key| rig.desk().holds_page_key(secret, key);
    assert!(holds(&session, None), "a browser without scripts");
    assert!(holds(&session, first));
    for (key, held) in [(None, false), (second, false), (first, true)] {
        assert_eq!(holds(&session, key), held);
    }
    let late = rig.signed_in("tom");
    rig.clock.advance(Duration::from_mins(3));
    assert!(holds(&late, second), "it is not kept any more");
    assert!(holds(&late, first) && holds(&late, None));
    assert!(!holds("made up", first));
}

#[test]
fn a_session_is_ended_by_its_owner_or_by_who_manages_people() {
    let rig = Rig::new();
    let (sam, tom) = (rig.signed_in("sam"), rig.signed_in("tom"));
    let person = rig.wait(rig.desk().session(&sam)).unwrap();
    let rows = rig.wait(rig.desk().sessions(&maya(), true, None)).unwrap();
    let of = |id: &str| rows.iter().find(|row| row.person == id).unwrap().id.clone();
    let told = rig.wait(rig.desk().end_session(&person, &of("tom")));
    assert!(matches!(told, Err(DeskError::NotFound(_))), "{told:?}");
    assert!(rig.wait(rig.desk().sessions(&person, true, None)).is_err());
    let own = rig.wait(rig.desk().sessions(&person, false, Some(&sam)));
    assert!(
        own.unwrap()
            .iter()
            .all(|row| row.person == "sam" && row.current)
    );
    rig.wait(rig.desk().end_session(&person, &of("sam")))
        .unwrap();
    rig.wait(rig.desk().end_session(&maya(), &of("tom")))
        .unwrap();
    assert_eq!((who(&rig, &sam), who(&rig, &tom)), (None, None));
}

#[test]
fn no_more_sessions_are_kept_than_a_person_has_browsers() {
    let rig = Rig::new();
    let first = rig.signed_in("sam");
    for _ in 0..20 {
        rig.clock.advance(Duration::from_secs(1));
        sign_in(&rig, "sam", PASSWORD).unwrap();
    }
    assert_eq!(who(&rig, &first), None, "the one used longest ago gave way");
    let rows = rig.wait(rig.desk().sessions(&maya(), true, None)).unwrap();
    assert_eq!(rows.len(), 20);
}

#[test]
fn a_full_disk_signs_nobody_in_and_changes_no_password() {
    let rig = Rig::new();
    rig.signed_in("sam");
    let token = reset(&rig, "sam");
    rig.stored().full = true;
    assert!(matches!(
        sign_in(&rig, "sam", PASSWORD),
        Err(SignInError::Desk(DeskError::Unavailable(_)))
    ));
    assert!(accept(&rig, &token, OTHER).is_err());
    rig.stored().full = false;
    assert!(sign_in(&rig, "sam", PASSWORD).is_ok());
    assert!(accept(&rig, &token, OTHER).is_ok());
}

#[test]
fn two_accounts_of_one_name_are_one_too_many() {
    let rig = Rig::new();
    rig.signed_in("sam");
    for id in ["sam", "", "with space", "local:maya", "-x"] {
        let new = NewAccount {
            id: id.to_owned(),
            name: None,
        };
        let told = rig.wait(rig.desk().add_account(&maya(), new));
        assert!(matches!(told, Err(DeskError::Invalid { .. })), "{id}");
    }
}

#[test]
fn a_page_that_is_only_open_keeps_nobody_signed_in() {
    let rig = Rig::new();
    let secret = rig.signed_in("sam");
    for _ in 0..3 {
        rig.clock.advance(Duration::from_hours(1));
        assert!(rig.wait(rig.desk().peek(&secret)).is_some());
    }
    rig.clock.advance(Duration::from_hours(1));
    assert!(rig.wait(rig.desk().peek(&secret)).is_none());
    assert_eq!(who(&rig, &secret), None);
}
