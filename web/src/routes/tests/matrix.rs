//! The table: who gets what where.

use super::route::{Body, Route, form, get, page, post, quiet};

const HANDOFF: &str =
    r#"{"document":"{\"handoff_version\":\"1.0\",\"from_agent\":\"a\",\"task\":\"t\"}"}"#;
const CHECKPOINT: &str = r#"{"document":{"checkpoint_version":"1.0","step":1}}"#;

/// Nobody, the agent of the workspace, the agent of another one, a person.
pub(super) const ROUTES: &[Route] = &[
    get("/api/v1/routes", "/api/v1/routes", [401, 200, 200, 200]),
    // None of the handoffs of the showcase grows.
    get(
        "/api/v1/handoffs/1/partial",
        "/api/v1/handoffs/{id}/partial",
        [401, 404, 404, 404],
    ),
    get(
        "/api/v1/handoffs/1/path",
        "/api/v1/handoffs/{id}/path",
        [401, 200, 404, 200],
    ),
    get(
        "/api/v1/agents/nobody/next",
        "/api/v1/agents/{agent}/next",
        [401, 403, 403, 200],
    ),
    post(
        "/api/v1/handoffs/1/hops/1/answer",
        "/api/v1/handoffs/{id}/hops/{hop}/answer",
        Body::Json(r#"{"answer":{"answer_version":"1.0","answer":"accept"}}"#),
        [401, 200, 404, 200],
    ),
    page("/agents", 200),
    get(
        "/api/v1/search?q=one",
        "/api/v1/search",
        [401, 200, 200, 200],
    ),
    get(
        "/api/v1/search/completions?q=ag",
        "/api/v1/search/completions",
        [401, 200, 200, 200],
    ),
    get(
        "/api/v1/search/index",
        "/api/v1/search/index",
        [401, 200, 200, 200],
    ),
    Route {
        records: false,
        ..post(
            "/api/v1/search/index/rebuild",
            "/api/v1/search/index/rebuild",
            Body::None,
            [401, 403, 403, 202],
        )
    },
    get("/api/v1/locks", "/api/v1/locks", [401, 200, 200, 200]),
    post(
        "/api/v1/locks",
        "/api/v1/locks",
        Body::Json(r#"{"workspace":"alpha","path":"notes/"}"#),
        [401, 201, 404, 201],
    ),
    get(
        "/api/v1/locks/L-12",
        "/api/v1/locks/{id}",
        [401, 404, 404, 200],
    ),
    post(
        "/api/v1/locks/L-12/renew",
        "/api/v1/locks/{id}/renew",
        Body::Json("{}"),
        [401, 404, 404, 200],
    ),
    Route {
        method: "DELETE",
        ..post(
            "/api/v1/locks/L-12",
            "/api/v1/locks/{id}",
            Body::None,
            [401, 404, 404, 204],
        )
    },
    post(
        "/api/v1/locks/L-12/ask",
        "/api/v1/locks/{id}/ask",
        Body::Json(r#"{"note":"please"}"#),
        [401, 404, 404, 204],
    ),
    post(
        "/api/v1/locks/L-12/break",
        "/api/v1/locks/{id}/break",
        Body::Json(r#"{"reason":"it is gone"}"#),
        [401, 403, 403, 204],
    ),
    get(
        "/api/v1/workspaces",
        "/api/v1/workspaces",
        [401, 200, 200, 200],
    ),
    post(
        "/api/v1/workspaces/alpha/offer",
        "/api/v1/workspaces/{workspace}/offer",
        Body::Json(r#"{"to":"maya"}"#),
        [401, 201, 404, 201],
    ),
    Route {
        method: "DELETE",
        ..post(
            "/api/v1/workspaces/alpha/offer",
            "/api/v1/workspaces/{workspace}/offer",
            Body::None,
            [401, 204, 404, 204],
        )
    },
    post(
        "/api/v1/workspaces/alpha/accept",
        "/api/v1/workspaces/{workspace}/accept",
        Body::Json("{}"),
        [401, 403, 403, 204],
    ),
    post(
        "/api/v1/workspaces/alpha/decline",
        "/api/v1/workspaces/{workspace}/decline",
        Body::Json("{}"),
        [401, 403, 403, 204],
    ),
    post(
        "/api/v1/workspaces/alpha/return",
        "/api/v1/workspaces/{workspace}/return",
        Body::Json("{}"),
        [401, 403, 403, 204],
    ),
    get(
        "/api/v1/handoffs/1/edits",
        "/api/v1/handoffs/{id}/edits",
        [401, 403, 403, 200],
    ),
    quiet(Route {
        method: "PUT",
        ..post(
            "/api/v1/handoffs/1/edits",
            "/api/v1/handoffs/{id}/edits",
            Body::Json(r#"{"revision":2,"path":"notes/report.md","text":"other"}"#),
            [401, 403, 403, 204],
        )
    }),
    quiet(Route {
        method: "DELETE",
        ..post(
            "/api/v1/handoffs/1/edits?path=notes/report.md",
            "/api/v1/handoffs/{id}/edits",
            Body::None,
            [401, 403, 403, 204],
        )
    }),
    get(
        "/api/v1/handoffs/1/patch",
        "/api/v1/handoffs/{id}/patch",
        [401, 200, 404, 200],
    ),
    get(
        "/api/v1/handoffs/1/drafts",
        "/api/v1/handoffs/{id}/drafts",
        [401, 403, 403, 200],
    ),
    quiet(post(
        "/api/v1/handoffs/1/drafts",
        "/api/v1/handoffs/{id}/drafts",
        Body::Json(r#"{"text":"later"}"#),
        [401, 403, 403, 201],
    )),
    quiet(Route {
        method: "PUT",
        ..post(
            "/api/v1/handoffs/1/drafts/d1",
            "/api/v1/handoffs/{id}/drafts/{draft}",
            Body::Json(r#"{"text":"other words"}"#),
            [401, 403, 403, 204],
        )
    }),
    quiet(Route {
        method: "DELETE",
        ..post(
            "/api/v1/handoffs/1/drafts/d1",
            "/api/v1/handoffs/{id}/drafts/{draft}",
            Body::None,
            [401, 403, 403, 204],
        )
    }),
    get(
        "/api/v1/handoffs/1/ticks",
        "/api/v1/handoffs/{id}/ticks",
        [401, 403, 403, 200],
    ),
    quiet(Route {
        method: "PUT",
        ..post(
            "/api/v1/handoffs/1/ticks/0000000000000000000000000000000000000000000000000000000000000000",
            "/api/v1/handoffs/{id}/ticks/{sha256}",
            Body::Json(r#"{"viewed":true}"#),
            [401, 403, 403, 204],
        )
    }),
    page("/h/1/r/2/edit?path=notes/report.md", 200),
    quiet(form(
        "/h/1/edits",
        Body::Form("revision=2&path=notes/report.md&text=other&do=keep"),
    )),
    quiet(form("/settings/preferences", Body::Form("open_next=1"))),
    form("/workspaces/alpha/offer", Body::Form("to=maya")),
    form("/workspaces/alpha/withdraw", Body::Form("")),
    form("/workspaces/alpha/accept", Body::Form("")),
    form("/workspaces/alpha/decline", Body::Form("reason=No.")),
    form("/workspaces/alpha/return", Body::Form("")),
    // Whoever has the secret of a claim answers in the name of the person it is for.
    Route {
        operation: None,
        ..get("/workspaces/claim?t=claim-of-maya", "", [200; 4])
    },
    Route {
        operation: None,
        ..post(
            "/workspaces/claim",
            "",
            Body::Form("t=claim-of-maya&answer=accept"),
            [200; 4],
        )
    },
    page("/locks", 200),
    get(
        "/api/v1/search/unmatched",
        "/api/v1/search/unmatched",
        [401, 403, 403, 200],
    ),
    get("/api/v1/searches", "/api/v1/searches", [401, 403, 403, 200]),
    post(
        "/api/v1/searches",
        "/api/v1/searches",
        Body::Json(r#"{"name":"mine","query":"is:my-turn"}"#),
        [401, 403, 403, 201],
    ),
    Route {
        method: "DELETE",
        ..post(
            "/api/v1/searches/kept",
            "/api/v1/searches/{name}",
            Body::None,
            [401, 403, 403, 204],
        )
    },
    page("/search?q=one", 200),
    form("/search/saved", Body::Form("name=mine&q=is%3Amy-turn")),
    form("/search/saved/remove", Body::Form("name=kept&q=")),
    get("/api/v1/handoffs", "/api/v1/handoffs", [401, 200, 200, 200]),
    get(
        "/api/v1/handoffs/H-1",
        "/api/v1/handoffs/{id}",
        [401, 200, 404, 200],
    ),
    get(
        "/api/v1/handoffs/1/review",
        "/api/v1/handoffs/{id}/review",
        [401, 200, 404, 200],
    ),
    get(
        "/api/v1/handoffs/H-1/revisions/1/files/notes/report.md",
        "/api/v1/handoffs/{id}/revisions/{revision}/files/{path}",
        [401, 200, 404, 200],
    ),
    get(
        "/api/v1/handoffs/H-1/hops/1/files/notes/report.md",
        "/api/v1/handoffs/{id}/hops/{hop}/files/{path}",
        [401, 404, 404, 200],
    ),
    get(
        "/api/v1/handoffs/H-1/diff?from=1",
        "/api/v1/handoffs/{id}/diff",
        [401, 200, 404, 200],
    ),
    get(
        "/api/v1/boundaries",
        "/api/v1/boundaries",
        [401, 403, 403, 200],
    ),
    get(
        "/api/v1/handoffs/H-1/release",
        "/api/v1/handoffs/{id}/release",
        [401, 404, 404, 404],
    ),
    post(
        "/api/v1/handoffs/H-1/use",
        "/api/v1/handoffs/{id}/use",
        Body::Json(
            r#"{"use_id":"aaaaaaaa","manifest_sha256":"0000000000000000000000000000000000000000000000000000000000000000"}"#,
        ),
        [401, 404, 404, 404],
    ),
    get(
        "/api/v1/handoffs/H-1/versions",
        "/api/v1/handoffs/{id}/versions",
        [401, 200, 404, 200],
    ),
    get(
        "/api/v1/handoffs/H-1/revisions/1/archive?format=tar",
        "/api/v1/handoffs/{id}/revisions/{revision}/archive",
        [401, 200, 404, 200],
    ),
    get(
        "/api/v1/workspaces/alpha/archive?at=@entry:1&format=tar",
        "/api/v1/workspaces/{workspace}/archive",
        [401, 200, 404, 200],
    ),
    get(
        "/api/v1/changes?handoff=H-1&from=@start",
        "/api/v1/changes",
        [401, 200, 404, 200],
    ),
    get(
        "/api/v1/marks?workspace=alpha",
        "/api/v1/marks",
        [401, 200, 404, 200],
    ),
    post(
        "/api/v1/marks",
        "/api/v1/marks",
        Body::Json(r#"{"workspace":"alpha","kind":"build","value":"318"}"#),
        [401, 201, 404, 201],
    ),
    post(
        "/api/v1/store/collect",
        "/api/v1/store/collect",
        Body::Json(r#"{"dry_run":false}"#),
        [401, 403, 403, 200],
    ),
    get(
        "/api/v1/handoffs/H-1/wait?timeout=0",
        "/api/v1/handoffs/{id}/wait",
        [401, 200, 404, 200],
    ),
    post(
        "/api/v1/handoffs/H-1/decision",
        "/api/v1/handoffs/{id}/decision",
        Body::Decision,
        [401, 403, 403, 201],
    ),
    post(
        "/api/v1/handoffs/H-1/comments",
        "/api/v1/handoffs/{id}/comments",
        Body::Json(r#"{"text":"Nice."}"#),
        [401, 201, 404, 201],
    ),
    Route {
        method: "PUT",
        ..post(
            "/api/v1/handoffs/H-1/threads/1",
            "/api/v1/handoffs/{id}/threads/{thread}",
            Body::Json(r#"{"resolved":true}"#),
            [401, 403, 403, 204],
        )
    },
    post(
        "/api/v1/handoffs/H-1/withdraw",
        "/api/v1/handoffs/{id}/withdraw",
        Body::Json("{}"),
        [401, 204, 404, 204],
    ),
    get(
        "/api/v1/handoffs/H-1/routing",
        "/api/v1/handoffs/{id}/routing",
        [401, 200, 404, 200],
    ),
    get(
        "/api/v1/handoffs/H-1/route-test",
        "/api/v1/handoffs/{id}/route-test",
        [401, 403, 403, 200],
    ),
    post(
        "/api/v1/handoffs/H-1/claim",
        "/api/v1/handoffs/{id}/claim",
        Body::None,
        [401, 403, 403, 204],
    ),
    post(
        "/api/v1/handoffs/H-1/release",
        "/api/v1/handoffs/{id}/release",
        Body::None,
        [401, 403, 403, 204],
    ),
    post(
        "/api/v1/handoffs/H-1/assign",
        "/api/v1/handoffs/{id}/assign",
        Body::Json(r#"{"to":"person:sam"}"#),
        [401, 403, 403, 204],
    ),
    post(
        "/api/v1/handoffs/H-1/escalate",
        "/api/v1/handoffs/{id}/escalate",
        Body::Json("{}"),
        [401, 403, 403, 204],
    ),
    post(
        "/api/v1/handoffs/H-1/snooze",
        "/api/v1/handoffs/{id}/snooze",
        Body::Json(r#"{"seconds":3600}"#),
        [401, 403, 403, 204],
    ),
    post(
        "/api/v1/dead-letters/3/redrive",
        "/api/v1/dead-letters/{seq}/redrive",
        Body::None,
        [401, 403, 403, 204],
    ),
    get("/api/v1/targets", "/api/v1/targets", [401, 403, 403, 200]),
    get("/api/v1/stranded", "/api/v1/stranded", [401, 200, 200, 200]),
    get("/api/v1/service", "/api/v1/service", [401, 403, 403, 200]),
    post(
        "/api/v1/workspaces/alpha/handoffs",
        "/api/v1/workspaces/{workspace}/handoffs",
        Body::Json(HANDOFF),
        [401, 201, 404, 201],
    ),
    post(
        "/api/v1/workspaces/alpha/checkpoint",
        "/api/v1/workspaces/{workspace}/checkpoint",
        Body::Json(CHECKPOINT),
        [401, 201, 404, 201],
    ),
    Route {
        records: false,
        ..post(
            "/api/v1/validate",
            "/api/v1/validate",
            Body::Json(r#"{"handoff_version":"1.0","from_agent":"a","task":"t"}"#),
            [401, 200, 200, 200],
        )
    },
    get(
        "/api/v1/schema/handoff",
        "/api/v1/schema/{name}",
        [200, 200, 200, 200],
    ),
    get(
        "/api/v1/dead-letters",
        "/api/v1/dead-letters",
        [401, 200, 200, 200],
    ),
    get(
        "/api/v1/handoffs/H-1/messages",
        "/api/v1/handoffs/{id}/messages",
        [401, 200, 404, 200],
    ),
    get(
        "/api/v1/receivers",
        "/api/v1/receivers",
        [401, 403, 403, 200],
    ),
    Route {
        records: false,
        ..post(
            "/api/v1/receivers/test",
            "/api/v1/receivers/test",
            Body::Json("{}"),
            [401, 403, 403, 200],
        )
    },
    post(
        "/api/v1/receivers/mail/enable",
        "/api/v1/receivers/{name}/enable",
        Body::None,
        [401, 403, 403, 204],
    ),
    post(
        "/api/v1/receivers/mail/redrive",
        "/api/v1/receivers/{name}/redrive",
        Body::None,
        [401, 403, 403, 200],
    ),
    // A link in a message is good without a session; what it may do, the desk decides.
    Route {
        operation: None,
        ..get("/h/H-1/confirm?d=approve&t=link-of-maya", "", [200; 4])
    },
    Route {
        operation: None,
        ..post(
            "/h/H-1/confirm",
            "",
            Body::Form("t=link-of-maya&note="),
            [200; 4],
        )
    },
    Route {
        operation: None,
        ..get("/mail/stop?t=link-of-maya", "", [200; 4])
    },
    Route {
        operation: None,
        ..post(
            "/mail/stop?t=link-of-maya",
            "",
            Body::Form("List-Unsubscribe=One-Click"),
            [200; 4],
        )
    },
    get("/api/v1/activity", "/api/v1/activity", [401, 200, 200, 200]),
    get(
        "/api/v1/audit/verify",
        "/api/v1/audit/verify",
        [401, 403, 403, 200],
    ),
    get("/api/v1/health", "/api/v1/health", [401, 200, 200, 200]),
    get("/api/v1/events", "/api/v1/events", [401, 200, 200, 200]),
    get("/api/v1/log", "/api/v1/log", [401, 200, 200, 200]),
    post(
        "/api/v1/workspaces/reload",
        "/api/v1/workspaces/reload",
        Body::None,
        [401, 403, 403, 200],
    ),
    get(
        "/api/v1/log/stream",
        "/api/v1/log/stream",
        [401, 200, 200, 200],
    ),
    Route {
        operation: None,
        ..get("/metrics", "", [401, 403, 403, 200])
    },
    post(
        "/api/v1/start-links",
        "/api/v1/start-links",
        Body::None,
        [401, 403, 403, 201],
    ),
    get("/api/v1/tokens", "/api/v1/tokens", [401, 403, 403, 200]),
    post(
        "/api/v1/tokens",
        "/api/v1/tokens",
        Body::Json(r#"{"agent":"a","workspaces":["alpha"],"days":30}"#),
        [401, 403, 403, 201],
    ),
    Route {
        method: "DELETE",
        ..post(
            "/api/v1/tokens/t1",
            "/api/v1/tokens/{id}",
            Body::None,
            [401, 403, 403, 204],
        )
    },
    Route {
        operation: None,
        ..get("/", "", [303, 303, 303, 303])
    },
    page("/queue", 200),
    page("/queue?view=decided", 200),
    page("/batch?id=H-1&id=H-2", 200),
    Route {
        operation: None,
        ..post("/batch", "", Body::Batch, [401, 403, 403, 200])
    },
    page("/h/H-1", 200),
    page("/h/H-1?revision=1", 200),
    page("/h/H-1/decided", 404),
    page("/h/H-1/r/2/file?path=notes/report.md", 200),
    page("/h/H-1/r/2/raw?path=notes/report.md", 200),
    page("/h/H-1/r/2/picture?path=notes/report.md", 200),
    page("/h/H-1/r/2/captions?path=notes/report.md", 422),
    page("/account", 200),
    form(
        "/account/password",
        Body::Form("old=correct+horse+battery&new=another+good+one"),
    ),
    form(
        "/account/passkeys",
        Body::Form("name=phone&password=correct+horse+battery&said=%7B%7D"),
    ),
    form("/account/passkeys/k1/remove", Body::Form("")),
    page("/h/H-1/outsiders", 200),
    Route {
        statuses: [401, 403, 403, 201],
        ..form("/h/H-1/outsiders", Body::Form("name=Rui&decides=1&days=7"))
    },
    form("/h/H-1/outsiders/o1/revoke", Body::Form("")),
    // The way in for people from outside: by the link alone, whoever else is there.
    Route {
        operation: None,
        ..get("/outside?t=outside-token", "", [200; 4])
    },
    Route {
        operation: None,
        ..get("/outside?t=other", "", [410; 4])
    },
    Route {
        operation: None,
        ..post("/outside", "", Body::Form("t=outside-token"), [303; 4])
    },
    quiet(Route {
        operation: None,
        ..post("/outside", "", Body::Form("t=other"), [410; 4])
    }),
    get(
        "/api/v1/handoffs/1/outsiders",
        "/api/v1/handoffs/{id}/outsiders",
        [401, 403, 403, 200],
    ),
    post(
        "/api/v1/handoffs/1/outsiders",
        "/api/v1/handoffs/{id}/outsiders",
        Body::Json(r#"{"name":"Rui"}"#),
        [401, 403, 403, 201],
    ),
    Route {
        method: "DELETE",
        ..post(
            "/api/v1/handoffs/1/outsiders/o1",
            "/api/v1/handoffs/{id}/outsiders/{invitation}",
            Body::None,
            [401, 403, 403, 204],
        )
    },
    form("/sessions/s2/end", Body::Form("back=/people")),
    page("/people", 200),
    Route {
        statuses: [401, 403, 403, 201],
        ..form("/people", Body::Form("id=sam&name="))
    },
    Route {
        statuses: [401, 403, 403, 201],
        ..form("/people/sam/reset", Body::Form(""))
    },
    form("/people/sam/disable", Body::Form("")),
    form("/people/sam/enable", Body::Form("")),
    // Ways in are for everybody; who is in already goes on.
    Route {
        operation: None,
        ..get("/sign-in", "", [200, 303, 303, 303])
    },
    Route {
        operation: None,
        ..post(
            "/sign-in",
            "",
            Body::Form("name=maya&password=correct+horse+battery"),
            [303; 4],
        )
    },
    Route {
        operation: None,
        ..get("/invitation?t=invitation-token", "", [200; 4])
    },
    Route {
        operation: None,
        ..post(
            "/invitation",
            "",
            Body::Form("t=invitation-token&password=another+good+one"),
            [303; 4],
        )
    },
    get(
        "/api/v1/person-tokens",
        "/api/v1/person-tokens",
        [401, 403, 403, 200],
    ),
    post(
        "/api/v1/person-tokens",
        "/api/v1/person-tokens",
        Body::Json(r#"{"name":"nightly","may":["handoff.read"]}"#),
        [401, 403, 403, 201],
    ),
    Route {
        method: "DELETE",
        ..post(
            "/api/v1/person-tokens/p1",
            "/api/v1/person-tokens/{id}",
            Body::None,
            [401, 403, 403, 204],
        )
    },
    quiet(Route {
        operation: None,
        ..get("/sso/start", "", [303; 4])
    }),
    Route {
        operation: None,
        ..get("/sso/callback?code=good&state=s", "", [400; 4])
    },
    get("/api/v1/me", "/api/v1/me", [401, 403, 403, 200]),
    get("/api/v1/people", "/api/v1/people", [401, 403, 403, 200]),
    post(
        "/api/v1/accounts",
        "/api/v1/accounts",
        Body::Json(r#"{"id":"sam"}"#),
        [401, 403, 403, 201],
    ),
    post(
        "/api/v1/accounts/sam/reset",
        "/api/v1/accounts/{id}/reset",
        Body::None,
        [401, 403, 403, 201],
    ),
    post(
        "/api/v1/accounts/sam/disable",
        "/api/v1/accounts/{id}/disable",
        Body::None,
        [401, 403, 403, 204],
    ),
    post(
        "/api/v1/accounts/sam/enable",
        "/api/v1/accounts/{id}/enable",
        Body::None,
        [401, 403, 403, 204],
    ),
    get("/api/v1/sessions", "/api/v1/sessions", [401, 403, 403, 200]),
    Route {
        method: "DELETE",
        ..post(
            "/api/v1/sessions/s2",
            "/api/v1/sessions/{id}",
            Body::None,
            [401, 403, 403, 204],
        )
    },
    page("/dead-letters", 200),
    page("/messages", 200),
    page("/activity", 200),
    page("/insights", 200),
    page("/insights?weeks=4&format=csv", 200),
    page("/insights?weeks=0", 422),
    page("/settings", 200),
    form(
        "/settings/messages",
        Body::Form("high-turn=way:mail&turn=collected"),
    ),
    form("/settings/tokens/t1/revoke", Body::Form("")),
    Route {
        statuses: [401, 403, 403, 201],
        ..form(
            "/settings/person-tokens",
            Body::Form("name=nightly&may=handoff.read&may=handoff.comment&days=7"),
        )
    },
    form("/settings/person-tokens/p1/revoke", Body::Form("")),
    page("/help", 200),
    form("/h/H-1/decision", Body::DecisionForm),
    quiet(form("/h/H-1/undo", Body::Form(""))),
    form("/h/H-1/comments", Body::Form("text=Nice.&send=now")),
    form("/h/H-1/threads/1/comments", Body::Form("text=Nice.")),
    form("/h/H-1/threads/1/resolve", Body::Form("")),
    form("/h/H-1/threads/1/reopen", Body::Form("")),
    quiet(form("/h/H-1/drafts/d1", Body::Form("text=Nice."))),
    quiet(form("/h/H-1/drafts/d1/remove", Body::Form(""))),
    quiet(form(
        "/h/H-1/ticks",
        Body::Form("tick=1+0000000000000000000000000000000000000000000000000000000000000000"),
    )),
    form("/dead-letters/3/redrive", Body::Form("")),
    form("/messages/mail/enable", Body::Form("")),
    form("/messages/mail/redrive", Body::Form("")),
    form("/h/H-1/claim", Body::Form("")),
    form("/h/H-1/release", Body::Form("")),
    form("/h/H-1/assign", Body::Form("to=person:sam")),
    form("/h/H-1/escalate", Body::Form("to=oncall:data")),
    form("/h/H-1/snooze", Body::Form("minutes=60")),
    form("/h/H-1/viewed", Body::SeenForm),
    Route {
        operation: None,
        ..get("/api/v1/openapi.json", "", [200, 200, 200, 200])
    },
    Route {
        operation: None,
        ..get("/healthz", "", [200, 200, 200, 200])
    },
    Route {
        operation: None,
        ..get("/readyz", "", [200, 200, 200, 200])
    },
];
