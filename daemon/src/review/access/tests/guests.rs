//! Somebody from outside, in every cell of the table.

use countersign_web::desk::{OutsidersDesk as _, Person, access::Visitor, outsiders::NewOutsider};

use super::*;

/// Somebody from outside who was invited to `id`.
fn guest(bed: &Bed, host: &Person, id: HandoffId, decides: bool) -> Who {
    let new = NewOutsider {
        name: "Rui".to_owned(),
        decides,
        days: None,
    };
    let desk = bed.rig.desk();
    let made = bed.rig.wait(desk.invite_outsider(host, id, new)).unwrap();
    let (_, secret) = made.1.split_once("?t=").unwrap();
    let entered = bed.rig.wait(desk.enter_outside(secret, Visitor::default()));
    let may = [Permission::Read, Permission::Comment];
    let decide = [Permission::RequestChanges, Permission::Decide];
    Who {
        name: if decides {
            "guest who decides"
        } else {
            "guest"
        },
        here: may
            .into_iter()
            .chain(decide.into_iter().filter(|_| decides))
            .collect(),
        elsewhere: Permissions::NONE,
        session: Some(entered.unwrap().0.secret),
        token: None,
    }
}

#[test]
fn a_guest_may_in_every_state_what_the_invitation_says_of_their_card_and_nothing_else() {
    let bed = Bed::new();
    let host = bed.rig.signed_in("approver");
    let host = bed.rig.wait(bed.rig.desk().session(&host)).unwrap();
    for action in &actions() {
        let (method, path, _) = action.ask;
        // What is not about a card is about more than the one that they see.
        let is_about_card = path.contains("{id}");
        for (at, state) in STATES.iter().enumerate() {
            for decides in [false, true] {
                let (id, other, lock) = (bed.card(*state), bed.card(*state), bed.lock());
                let who = guest(&bed, &host, id, decides);
                let ask = |id| {
                    let before = bed.rig.ledger().state().head.seq;
                    let body = bed.filled(&body_of(action), id, &lock);
                    let path = bed.filled(path, id, &lock);
                    let (status, text) = bed.send(&who, method, &path, ("application/json", body));
                    let is_quiet = bed.rig.ledger().state().head.seq == before;
                    (
                        status,
                        is_quiet,
                        format!("{} {state:?}: {method} {path}: {status} {text}", who.name),
                    )
                };
                let (status, is_quiet, place) = ask(other);
                assert!(
                    is_quiet && (status == 404 || status == 403),
                    "another card: {place}"
                );
                shows(&bed, action, (&who, false), (other, &lock), at);
                let (status, is_quiet, place) = ask(id);
                if is_about_card && who.here.contains(action.may) {
                    assert_eq!(status, action.answers[at], "{place}");
                } else {
                    assert!(is_quiet && (status == 404 || status == 403), "{place}");
                }
                // A card of its own, since the request before may have decided that one.
                let own = bed.card(*state);
                let who = guest(&bed, &host, own, decides);
                let may = is_about_card && who.here.contains(action.may);
                shows_on(&bed, action, (&who, may), (own, &lock), at);
            }
        }
    }
}
