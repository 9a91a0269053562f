//! What can be tried: one row for each action.

use super::Permission;

/// Something that can be tried. `{id}` stands for a card in the state, `{lock}` for a lock of somebody else,
/// `{dead}` for a dead letter, `{n}` for a number that is used once.
pub(super) struct Action {
    pub(super) may: Permission,
    /// About the workspace, or about what belongs to none.
    pub(super) here: bool,
    pub(super) ask: (&'static str, &'static str, &'static str),
    /// What is answered to who may, by state.
    pub(super) answers: [u16; 3],
    /// The page that offers it, what is in it then, and in which states.
    pub(super) page: Option<(&'static str, &'static str, [bool; 3])>,
    /// The form of the page.
    pub(super) form: Option<(&'static str, &'static str)>,
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

pub(super) const DECISION: &str =
    "revision={revision}&manifest_sha256={manifest}&note=because&answer=";

pub(super) fn actions() -> Vec<Action> {
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
