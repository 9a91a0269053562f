//! The table of permissions, whole: role by action by state, over the API and on the pages, against the
//! daemon's own desk. What is expected follows from `protocol::access::TABLE` and from nothing else.

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
        AccessDesk as _, Desk as _, LocksDesk as _, NewToken, OutsidersDesk as _, Person,
        PersonTokensDesk as _, access::Visitor, locks::LockWish, outsiders::NewOutsider,
        person_tokens::NewPersonToken,
    },
};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

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

/// Something that can be tried. `{id}` stands for a card in the state, `{lock}` for a lock of somebody else,
/// `{dead}` for a dead letter, `{n}` for a number that is used once.
struct Action {
    may: Permission,
    /// About the workspace, or about what belongs to none.
    here: bool,
    ask: (&'static str, &'static str, &'static str),
    /// What is answered to who may, by state.
    answers: [u16; 3],
    /// The page that offers it, what is in it then, and in which states.
    page: Option<(&'static str, &'static str, [bool; 3])>,
    /// The form of the page.
    form: Option<(&'static str, &'static str)>,
}

const ALWAYS: [bool; 3] = [true; 3];
const OPEN: [bool; 3] = [true, false, false];

const fn here(
    may: Permission,
    ask: (&'static str, &'static str, &'static str),
    answers: [u16; 3],
) -> Action {
    Action {
        may,
        here: true,
        ask,
        answers,
        page: None,
        form: None,
    }
}

const fn nowhere(
    may: Permission,
    ask: (&'static str, &'static str, &'static str),
    answer: u16,
) -> Action {
    Action {
        here: false,
        ..here(may, ask, [answer; 3])
    }
}

const DECISION: &str = "revision={revision}&manifest_sha256={manifest}&note=because&answer=";

fn actions() -> Vec<Action> {
    use Permission as P;
    let about =
        |verb: &'static str| -> (&'static str, &'static str, &'static str) { ("POST", verb, "{}") };
    vec![
        Action {
            page: Some(("/h/{id}", "/viewed\"", ALWAYS)),
            ..here(
                P::Read,
                ("GET", "/api/v1/handoffs/{id}/review", ""),
                [200; 3],
            )
        },
        here(P::Read, ("GET", "/api/v1/handoffs/{id}", ""), [200; 3]),
        here(
            P::Read,
            ("GET", "/api/v1/handoffs/{id}/wait?timeout=0", ""),
            [200; 3],
        ),
        here(
            P::Read,
            ("GET", "/api/v1/handoffs/{id}/versions", ""),
            [200; 3],
        ),
        here(
            P::Read,
            ("GET", "/api/v1/handoffs/{id}/routing", ""),
            [200; 3],
        ),
        here(
            P::Read,
            ("GET", "/api/v1/handoffs/{id}/messages", ""),
            [200; 3],
        ),
        here(
            P::Read,
            ("GET", "/api/v1/handoffs/{id}/diff?from=0", ""),
            [200; 3],
        ),
        here(
            P::Read,
            ("GET", "/api/v1/handoffs/{id}/revisions/1/files/a.txt", ""),
            [200; 3],
        ),
        here(
            P::Read,
            (
                "GET",
                "/api/v1/handoffs/{id}/revisions/1/archive?format=tar",
                "",
            ),
            [200; 3],
        ),
        here(P::Assign, ("GET", "/api/v1/targets", ""), [200; 3]),
        Action {
            page: Some(("/h/{id}", "/outsiders\"", ALWAYS)),
            form: Some(("/h/{id}/outsiders", "name=Rui")),
            ..here(
                P::Invite,
                (
                    "POST",
                    "/api/v1/handoffs/{id}/outsiders",
                    r#"{"name":"Rui"}"#,
                ),
                [201; 3],
            )
        },
        here(
            P::Invite,
            ("GET", "/api/v1/handoffs/{id}/outsiders", ""),
            [200; 3],
        ),
        here(P::Read, ("GET", "/api/v1/marks?workspace=w", ""), [200; 3]),
        here(P::Read, ("GET", "/api/v1/locks?workspace=w", ""), [200; 3]),
        here(P::Read, ("GET", "/api/v1/locks/{lock}", ""), [200; 3]),
        Action {
            page: Some(("/h/{id}", "/comments\"", ALWAYS)),
            form: Some(("/h/{id}/comments", "text=Nice")),
            ..here(
                P::Comment,
                (
                    "POST",
                    "/api/v1/handoffs/{id}/comments",
                    r#"{"text":"Nice"}"#,
                ),
                [201; 3],
            )
        },
        Action {
            page: Some(("/h/{id}", "/claim\"", OPEN)),
            form: Some(("/h/{id}/claim", "")),
            ..here(
                P::Claim,
                about("/api/v1/handoffs/{id}/claim"),
                [204, 409, 409],
            )
        },
        here(
            P::Claim,
            about("/api/v1/handoffs/{id}/release"),
            [204, 409, 409],
        ),
        Action {
            page: Some(("/h/{id}", "/snooze\"", OPEN)),
            form: Some(("/h/{id}/snooze", "minutes=60")),
            ..here(
                P::Claim,
                ("POST", "/api/v1/handoffs/{id}/snooze", r#"{"seconds":60}"#),
                [204, 409, 409],
            )
        },
        Action {
            page: Some(("/h/{id}", "/assign\"", OPEN)),
            form: Some(("/h/{id}/assign", "to=kim")),
            ..here(
                P::Assign,
                ("POST", "/api/v1/handoffs/{id}/assign", r#"{"to":"kim"}"#),
                [204, 409, 409],
            )
        },
        Action {
            page: Some(("/h/{id}", "/escalate\"", OPEN)),
            form: Some(("/h/{id}/escalate", "to=kim")),
            ..here(
                P::Assign,
                ("POST", "/api/v1/handoffs/{id}/escalate", r#"{"to":"kim"}"#),
                [204, 409, 409],
            )
        },
        Action {
            page: Some(("/h/{id}", "name=\"answer\" value=\"changes\"", OPEN)),
            form: Some(("/h/{id}/decision", "changes")),
            ..here(
                P::RequestChanges,
                (
                    "POST",
                    "/api/v1/handoffs/{id}/decision",
                    "changes_requested",
                ),
                [201, 409, 409],
            )
        },
        Action {
            page: Some(("/h/{id}", "name=\"answer\" value=\"approve\"", OPEN)),
            form: Some(("/h/{id}/decision", "approve")),
            ..here(
                P::Decide,
                ("POST", "/api/v1/handoffs/{id}/decision", "approved"),
                [201, 409, 409],
            )
        },
        Action {
            page: Some(("/h/{id}", "name=\"answer\" value=\"reject\"", OPEN)),
            form: Some(("/h/{id}/decision", "reject")),
            ..here(
                P::Decide,
                ("POST", "/api/v1/handoffs/{id}/decision", "rejected"),
                [201, 409, 409],
            )
        },
        Action {
            page: Some(("/h/{id}", "name=\"answer\" value=\"ignore\"", OPEN)),
            form: Some(("/h/{id}/decision", "ignore")),
            ..here(
                P::Decide,
                ("POST", "/api/v1/handoffs/{id}/decision", "ignored"),
                [201, 409, 409],
            )
        },
        // One answer is enough here, so that nobody is offered to abstain, and who does is told why not.
        here(
            P::Decide,
            ("POST", "/api/v1/handoffs/{id}/decision", "abstained"),
            [422, 409, 409],
        ),
        here(
            P::Withdraw,
            about("/api/v1/handoffs/{id}/withdraw"),
            [204, 204, 409],
        ),
        here(
            P::Submit,
            (
                "POST",
                "/api/v1/handoffs/{id}/use",
                r#"{"use_id":"aaaaaaaa","manifest_sha256":"{manifest}"}"#,
            ),
            [404, 404, 409],
        ),
        // Nobody is behind the door of this rig.
        here(
            P::Submit,
            (
                "POST",
                "/api/v1/workspaces/w/handoffs",
                r#"{"document":"{}"}"#,
            ),
            [503; 3],
        ),
        here(
            P::Submit,
            (
                "POST",
                "/api/v1/workspaces/w/checkpoint",
                r#"{"document":{"checkpoint_version":"1.0","step":1}}"#,
            ),
            [503; 3],
        ),
        here(
            P::Lock,
            (
                "POST",
                "/api/v1/locks",
                r#"{"workspace":"w","path":"p{n}"}"#,
            ),
            [201; 3],
        ),
        Action {
            page: Some(("/locks", "/locks/{lock}/ask\"", ALWAYS)),
            form: Some(("/locks/{lock}/ask", "")),
            ..here(P::Lock, about("/api/v1/locks/{lock}/ask"), [204; 3])
        },
        Action {
            page: Some(("/locks", "/locks/{lock}/break\"", ALWAYS)),
            form: Some(("/locks/{lock}/break", "reason=gone")),
            ..here(
                P::BreakLock,
                ("POST", "/api/v1/locks/{lock}/break", r#"{"reason":"gone"}"#),
                [204; 3],
            )
        },
        here(
            P::Mark,
            (
                "POST",
                "/api/v1/marks",
                r#"{"workspace":"w","kind":"build","value":"{n}"}"#,
            ),
            [201; 3],
        ),
        Action {
            page: Some(("/queue", "href=\"/activity\"", ALWAYS)),
            ..here(P::Activity, ("GET", "/api/v1/activity", ""), [200; 3])
        },
        here(P::Activity, ("GET", "/api/v1/service", ""), [200; 3]),
        Action {
            page: Some(("/dead-letters", "/dead-letters/{dead}/redrive\"", ALWAYS)),
            form: Some(("/dead-letters/{dead}/redrive", "")),
            ..here(
                P::Redrive,
                about("/api/v1/dead-letters/{dead}/redrive"),
                [204; 3],
            )
        },
        here(P::Tokens, ("GET", "/api/v1/tokens", ""), [200; 3]),
        here(
            P::Tokens,
            (
                "POST",
                "/api/v1/tokens",
                r#"{"agent":"hermes","workspaces":["w"]}"#,
            ),
            [201; 3],
        ),
        nowhere(P::Verify, ("GET", "/api/v1/audit/verify", ""), 200),
        nowhere(P::Messages, ("GET", "/api/v1/receivers", ""), 200),
        nowhere(P::Messages, ("POST", "/api/v1/receivers/test", "{}"), 200),
        Action {
            page: Some(("/queue", "href=\"/people\"", ALWAYS)),
            ..nowhere(P::People, ("GET", "/api/v1/people", ""), 200)
        },
        nowhere(P::People, ("GET", "/api/v1/sessions?all=true", ""), 200),
        Action {
            page: Some(("/people", "action=\"/people\"", ALWAYS)),
            form: Some(("/people", "id=f{n}")),
            ..nowhere(
                P::ManagePeople,
                ("POST", "/api/v1/accounts", r#"{"id":"u{n}"}"#),
                201,
            )
        },
        Action {
            form: Some(("/people/kim/reset", "")),
            ..nowhere(P::ManagePeople, about("/api/v1/accounts/kim/reset"), 201)
        },
        nowhere(P::ManagePeople, about("/api/v1/accounts/kim/disable"), 204),
        nowhere(P::ManagePeople, about("/api/v1/accounts/kim/enable"), 204),
        nowhere(
            P::Maintain,
            ("POST", "/api/v1/store/collect", r#"{"dry_run":true}"#),
            200,
        ),
        nowhere(
            P::Maintain,
            ("POST", "/api/v1/search/index/rebuild", ""),
            202,
        ),
        nowhere(P::Maintain, ("GET", "/api/v1/search/unmatched", ""), 200),
    ]
}

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
