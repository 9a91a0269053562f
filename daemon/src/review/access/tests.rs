//! The table of permissions, whole: role by action by state, over the API and on the pages, against the
//! daemon's own desk. What is expected follows from `protocol::access::TABLE` and from nothing else.

mod actions;
mod guests;
mod unseen;

use std::sync::Arc;

use axum::{Router, body::Body};
use countersign_protocol::{
    HandoffId,
    access::{Permission, Permissions, Role},
    decision::Outcome,
};
use countersign_web::{
    Settings,
    desk::{
        AccessDesk as _, Desk as _, LocksDesk as _, NewToken, PersonTokensDesk as _,
        locks::LockWish, person_tokens::NewPersonToken,
    },
};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use actions::{Action, DECISION, actions};

use crate::testing::{Rig, WORKSPACE, handoff, maya};

const PORT: u16 = 7420;

const ROLES: &str = r#"
[[person]]
id = "kim"

[[oncall]]
id = "duty"
rotation = ["kim"]
starts = "2026-01-05 09:00"
shift = "7d"

[[role]]
id = "releaser"
may = ["handoff.read", "handoff.decide"]

[[member]]
role = "viewer"
who = ["viewer"]
[[member]]
role = "reviewer"
who = ["reviewer"]
[[member]]
role = "approver"
who = ["approver"]
[[member]]
role = "operator"
who = ["operator"]
[[member]]
role = "auditor"
who = ["auditor"]
[[member]]
role = "releaser"
who = ["releaser"]
[[role]]
id = "nearly-all"
may = ["handoff.read", "handoff.comment", "handoff.claim", "handoff.assign", "handoff.invite", "handoff.request_changes", "handoff.decide",
  "handoff.submit", "handoff.withdraw", "lock.use", "lock.break", "version.mark", "dead_letter.redrive", "token.manage",
  "people.read", "people.manage", "chain.verify", "message.manage", "daemon.maintain"]

[[member]]
workspace = "other"
role = "nearly-all"
who = ["elsewhere"]
"#;

/// Where a card stands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Waiting,
    SentBack,
    Approved,
}

const STATES: [State; 3] = [State::Waiting, State::SentBack, State::Approved];

/// Somebody with what they hold, and how a request shows who they are.
struct Who {
    name: &'static str,
    here: Permissions,
    elsewhere: Permissions,
    session: Option<String>,
    token: Option<String>,
}

struct Bed {
    rig: Rig,
    router: Router,
    used: std::cell::Cell<u32>,
    dead: u64,
}

impl Bed {
    fn new() -> Self {
        let mut rig = Rig::new();
        rig.with_roles(ROLES);
        rig.write("broken/handoff.json", "{");
        rig.look("broken/handoff.json");
        let dead = rig.ledger().state().dead_letters().next().unwrap().seq;
        let now = {
            let clock = Arc::clone(&rig.clock);
            Arc::new(move || crate::clock::Clock::now(&*clock))
        };
        let router = countersign_web::router(rig.desk().clone(), Settings::local(PORT, now));
        rig.signed_in("kim");
        Self {
            rig,
            router,
            used: std::cell::Cell::new(0),
            dead,
        }
    }

    fn people(&self) -> Vec<Who> {
        let person = |name: &'static str, here: Permissions| Who {
            name,
            here,
            elsewhere: here,
            session: Some(self.rig.signed_in(name)),
            token: None,
        };
        let mut all: Vec<Who> = Role::ALL
            .into_iter()
            .map(|role| person(role.name(), role.permissions()))
            .collect();
        let own = [Permission::Read, Permission::Decide];
        all.push(person("releaser", own.into_iter().collect()));
        all.push(person("nobody", Permissions::NONE));
        all.push(person("elsewhere", Permissions::NONE));
        let new = NewToken {
            agent: "hermes".to_owned(),
            workspaces: vec![WORKSPACE.to_owned()],
            days: None,
        };
        let maya = maya();
        let made = self.rig.desk().create_token(&maya, new);
        all.push(Who {
            name: "agent",
            here: Permissions::of_agents(),
            elsewhere: Permissions::NONE,
            session: None,
            token: Some(self.rig.wait(made).unwrap().1),
        });
        // What is left of an approver in a token that reaches this workspace alone.
        let scope = [Permission::Read, Permission::Decide];
        let approver = all[2].session.clone().unwrap();
        let approver = self.rig.wait(self.rig.desk().session(&approver)).unwrap();
        let new = NewPersonToken {
            name: "program".to_owned(),
            workspaces: Some(vec![WORKSPACE.to_owned()]),
            may: scope.to_vec(),
            days: None,
        };
        let made = self.rig.desk().create_person_token(&approver, new);
        all.push(Who {
            name: "program",
            here: scope.into_iter().collect(),
            elsewhere: Permissions::NONE,
            session: None,
            token: Some(self.rig.wait(made).unwrap().1),
        });
        all
    }

    fn number(&self) -> u32 {
        self.used.set(self.used.get() + 1);
        self.used.get()
    }

    /// A new card in a state.
    fn card(&self, state: State) -> HandoffId {
        let folder = format!("c{}", self.number());
        self.rig.write(&format!("{folder}/a.txt"), "words");
        let path = format!("{folder}/handoff.json");
        let document = handoff(&folder, &["a.txt"]);
        let mut document: serde_json::Value = serde_json::from_str(&document).unwrap();
        document["requests"] = serde_json::json!([
            { "id": "r1", "allowed": ["approve", "edit", "reject", "ignore"] }
        ]);
        self.rig.deliver(&path, document.to_string());
        self.rig.apply_policy();
        let cards = self.rig.cards();
        let id = cards.iter().map(|card| card.id).max().unwrap();
        let outcome = match state {
            State::Waiting => return id,
            State::SentBack => Outcome::ChangesRequested,
            State::Approved => Outcome::Approved,
        };
        self.rig.decide(id, outcome).unwrap();
        id
    }

    fn lock(&self) -> String {
        let wish = LockWish {
            path: format!("held/{}", self.number()),
            workspace: WORKSPACE.to_owned(),
            ..LockWish::default()
        };
        let caller = countersign_web::desk::Caller::Person(maya());
        let lock = self.rig.desk().acquire_lock(&caller, wish, None);
        self.rig.wait(lock).unwrap().id.to_string()
    }

    /// The text with what its placeholders mean.
    fn filled(&self, text: &str, id: HandoffId, lock: &str) -> String {
        let card = self.rig.ledger().state().card(id).cloned().unwrap();
        let newest = &card.newest().accepted;
        text.replace("{id}", &id.to_string())
            .replace("{lock}", lock)
            .replace("{dead}", &self.dead.to_string())
            .replace("{n}", &self.number().to_string())
            .replace("{revision}", &newest.revision.to_string())
            .replace("{manifest}", &newest.manifest_sha256.to_string())
    }

    fn send(
        &self,
        who: &Who,
        method: &str,
        path: &str,
        body: (&str, String),
    ) -> (StatusCode, String) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", format!("localhost:{PORT}"))
            .header("content-type", body.0);
        if let Some(session) = &who.session {
            request = request
                .header("cookie", format!("countersign-{PORT}={session}"))
                .header("x-csrf-token", csrf(session));
        }
        if let Some(token) = &who.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Body::from(body.1)).unwrap();
        self.rig.wait(async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            let status = response.status();
            let bytes = response.into_body().collect().await.unwrap().to_bytes();
            (status, String::from_utf8_lossy(&bytes).into_owned())
        })
    }
}

/// As the pages compute it; a test of the web side holds it to that.
fn csrf(session: &str) -> String {
    let text = format!("countersign-csrf-v1\0{session}");
    countersign_protocol::Digest::of(text.as_bytes()).to_string()
}

fn body_of(action: &Action) -> String {
    match action.ask.2 {
        outcome @ ("approved" | "rejected" | "changes_requested" | "ignored" | "abstained") => {
            format!(
                r#"{{"revision":{{revision}},"manifest_sha256":"{{manifest}}","outcome":"{outcome}","comment":"because"}}"#
            )
        }
        body => body.to_owned(),
    }
}

#[test]
fn every_role_may_in_every_state_what_the_table_says_and_nothing_else() {
    let bed = Bed::new();
    let people = bed.people();
    let actions = actions();
    for permission in Permission::all() {
        let tried = actions.iter().any(|action| action.may == permission);
        assert!(tried, "no action tries {permission}");
    }
    for action in &actions {
        let held = |who: &Who| if action.here { who.here } else { who.elsewhere };
        let states = if action.here {
            &STATES[..]
        } else {
            &STATES[..1]
        };
        for (at, state) in states.iter().enumerate() {
            // Who may not changes nothing, so that one card does for all of them.
            let shared = (bed.card(*state), bed.lock());
            for who in &people {
                let may = held(who).contains(action.may);
                let (id, lock) = if may {
                    (bed.card(*state), bed.lock())
                } else {
                    shared.clone()
                };
                let before = bed.rig.ledger().state().head.seq;
                let (method, path, _) = action.ask;
                let path = bed.filled(path, id, &lock);
                let body = bed.filled(&body_of(action), id, &lock);
                let (status, text) = bed.send(who, method, &path, ("application/json", body));
                let place = format!("{} {state:?}: {method} {path}: {status} {text}", who.name);
                if may {
                    // An agent has its own way to some of it.
                    let for_people = who.name == "agent" && text.contains("Only a person");
                    assert!(for_people || status == action.answers[at], "{place}");
                } else {
                    let hidden = action.here && !who.here.contains(Permission::Read);
                    let told = status == 403 || (hidden && status == 404);
                    assert!(told, "{place}");
                    assert_eq!(bed.rig.ledger().state().head.seq, before, "{place}");
                }
                if who.token.is_none() {
                    shows(&bed, action, (who, may), (id, &lock), at);
                }
            }
        }
    }
}

/// The button is there when it does something, and the form behind it refuses by itself.
fn shows(
    bed: &Bed,
    action: &Action,
    (who, may): (&Who, bool),
    (shared, lock): (HandoffId, &str),
    at: usize,
) {
    let (id, lock) = if may && (action.page.is_some() || action.form.is_some()) {
        (bed.card(STATES[at]), bed.lock())
    } else {
        (shared, lock.to_owned())
    };
    shows_on(bed, action, (who, may), (id, &lock), at);
}

fn shows_on(
    bed: &Bed,
    action: &Action,
    (who, may): (&Who, bool),
    (id, lock): (HandoffId, &str),
    at: usize,
) {
    if let Some((page, marker, when)) = action.page {
        let page = bed.filled(page, id, lock);
        let (status, text) = bed.send(who, "GET", &page, ("text/plain", String::new()));
        let marker = bed.filled(marker, id, lock);
        let offered = status == 200 && text.contains(&marker);
        let place = format!(
            "{} {:?}: {marker} on {page}: {status}",
            who.name, STATES[at]
        );
        assert_eq!(offered, may && when[at], "{place}");
    }
    let Some((path, form)) = action.form else {
        return;
    };
    let form = match form {
        answer @ ("approve" | "reject" | "changes" | "ignore") => format!("{DECISION}{answer}"),
        form => form.to_owned(),
    };
    let (path, form) = (bed.filled(path, id, lock), bed.filled(&form, id, lock));
    let kind = "application/x-www-form-urlencoded";
    let (status, text) = bed.send(who, "POST", &path, (kind, form));
    let place = format!(
        "{} {:?}: form {path}: {status} {text}",
        who.name, STATES[at]
    );
    let refused = status == 403 || status == 404;
    assert_eq!(refused, !may, "{place}");
    if status == 403 {
        assert!(text.contains(action.may.name()), "{place}");
    }
}

#[test]
fn lists_and_counts_follow_membership() {
    let bed = Bed::new();
    bed.card(State::Waiting);
    bed.lock();
    for who in bed.people() {
        let sees = who.here.contains(Permission::Read);
        let get = |path: &str| {
            let (status, text) = bed.send(&who, "GET", path, ("text/plain", String::new()));
            assert_eq!(status, 200, "{} {path} {text}", who.name);
            serde_json::from_str::<serde_json::Value>(&text).unwrap()
        };
        // Nobody here is asked by name; an agent is asked nothing, and sees what is open.
        let view = if who.name == "agent" { "turn" } else { "team" };
        let queue = get(&format!("/api/v1/handoffs?view={view}"));
        assert_eq!(
            queue["rows"].as_array().unwrap().len() == 1,
            sees,
            "{}",
            who.name
        );
        assert_eq!(queue["counts"][view] == 1, sees, "{}", who.name);
        assert_eq!(queue["dead_letters"].as_array().unwrap().len() == 1, sees);
        let health = get("/api/v1/health");
        assert_eq!(health["workspaces"].as_array().unwrap().len() == 1, sees);
        let dead = get("/api/v1/dead-letters");
        assert_eq!(dead.to_string().contains("broken"), sees, "{}", who.name);
        let locks = get("/api/v1/locks");
        assert_eq!(locks["locks"].as_array().unwrap().len() == 1, sees);
    }
}

#[test]
fn a_boundary_that_names_people_lets_others_only_look() {
    let mut rig = Rig::new();
    rig.with_roles("[[boundary]]\nworkspace = \"w\"\npeople = [\"sam\"]\n");
    let may = |id: &str, permission| {
        let access = rig
            .desk()
            .person(id, id, countersign_protocol::principal::Method::Web)
            .access;
        access.may(permission, Some("w"))
    };
    assert!(may("sam", Permission::Decide));
    assert!(may("tom", Permission::Read) && !may("tom", Permission::Decide));
    // Who can read the state folder runs the daemon, and answers only where they are named.
    assert!(may("local:maya", Permission::ManagePeople));
    assert!(!may("local:maya", Permission::Decide));
}

#[test]
fn where_nothing_is_said_everybody_with_an_account_answers_and_only_the_machine_runs_it() {
    let rig = Rig::new();
    let access = |id: &str| {
        let web = countersign_protocol::principal::Method::Web;
        rig.desk().person(id, id, web).access
    };
    assert!(access("sam").may(Permission::Decide, Some("w")));
    assert!(!access("sam").may(Permission::ManagePeople, None));
    assert!(access("local:maya").may(Permission::ManagePeople, None));
    assert!(access("local:maya").may(Permission::Decide, Some("w")));
    let sam = rig.signed_in("sam");
    let sam = rig.wait(rig.desk().session(&sam)).unwrap();
    assert!(rig.wait(rig.desk().start_link(&sam)).is_err());
}

/// Owning is no permission of the table: it belongs to one person, whatever their role, and to the machine.
#[test]
fn a_workspace_changes_hands_by_its_owner_and_by_no_role_and_no_token() {
    let bed = Bed::new();
    let people = bed.people();
    let json = |text: &str| ("application/json", text.to_owned());
    let offer = json(r#"{"to":"kim","waits_seconds":3600}"#);
    let steps = [
        ("POST", "offer", offer),
        ("DELETE", "offer", json("")),
        ("POST", "accept", json("{}")),
        ("POST", "decline", json("{}")),
        ("POST", "return", json("{}")),
    ];
    for who in people.iter().filter(|who| who.name != "agent") {
        for (method, verb, body) in &steps {
            let before = bed.rig.ledger().state().head.seq;
            let path = format!("/api/v1/workspaces/{WORKSPACE}/{verb}");
            let (status, text) = bed.send(who, method, &path, body.clone());
            let place = format!("{} {method} {verb}: {status} {text}", who.name);
            // There is no offer to answer, and nothing to give back; who sees nothing is told nothing.
            assert!(matches!(status.as_u16(), 403 | 404 | 409), "{place}");
            let sees = who.here.contains(Permission::Read);
            assert!(sees || status == 404, "{place}");
            assert!(
                *verb != "offer" || *method != "POST" || status != 409,
                "{place}"
            );
            assert_eq!(bed.rig.ledger().state().head.seq, before, "{place}");
        }
    }
}
