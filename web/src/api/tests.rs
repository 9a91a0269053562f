//! What the API takes, gives and says when it refuses.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use countersign_protocol::Digest;
use http::StatusCode;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    Settings,
    live::Stopping,
    testing::{ALPHA, Ask, OPERATOR, Showcase, manifest, settings},
};

const HANDOFFS: &str = "/api/v1/workspaces/alpha/handoffs";
const DOCUMENT: &str = r#"{"handoff_version": "1.0", "from_agent": "a", "task": "t"}"#;

fn decision(revision: u32, bytes: &[u8], outcome: &str, comment: Option<&str>) -> String {
    json!({
        "revision": revision,
        "manifest_sha256": manifest(bytes),
        "outcome": outcome,
        "comment": comment,
    })
    .to_string()
}

#[tokio::test]
async fn every_refusal_is_a_problem_document() {
    let router = Showcase::small().router();
    let comments = "/api/v1/handoffs/H-1/comments";
    let large = format!(r#"{{"text":"{}"}}"#, "x".repeat(2 << 20));
    let deep = "[".repeat(100_000);
    for (ask, status, kind) in [
        (Ask::get("/api/v1/nowhere"), 404, "not-found"),
        (Ask::get("/api/v1/handoffs/H-9"), 404, "not-found"),
        (Ask::get("/api/v1/handoffs/x"), 404, "not-found"),
        (
            Ask::get("/api/v1/handoffs/H-1/revisions/9/files/a"),
            404,
            "not-found",
        ),
        (Ask::get("/api/v1/handoffs?view=none"), 400, "bad-request"),
        (Ask::get("/api/v1/handoffs?viwe=turn"), 400, "bad-request"),
        (Ask::post("/api/v1/handoffs"), 405, "method"),
        (Ask::post(comments).form("text=x"), 415, "media-type"),
        (Ask::post(comments), 415, "media-type"),
        (Ask::post(comments).json(""), 400, "bad-request"),
        (
            Ask::post(comments).json(r#"{"text":"x"} 1"#),
            400,
            "bad-request",
        ),
        (Ask::post(comments).json(deep), 422, "invalid"),
        (Ask::post(comments).json(r#"{"text":1}"#), 422, "invalid"),
        (
            Ask::post(comments).json(r#"{"text":"x","state":"approved"}"#),
            422,
            "invalid",
        ),
        (
            Ask::post(comments).json(r#"{"text":"x","text":"y"}"#),
            422,
            "invalid",
        ),
        (Ask::post(comments).json(large), 413, "too-large"),
    ] {
        let told = ask.bearer(OPERATOR).send(&router).await;
        assert_eq!(told.status.as_u16(), status, "{}", told.text);
        assert_eq!(told.header("content-type"), "application/problem+json");
        let problem = told.json();
        assert_eq!(problem["type"], format!("urn:countersign:problem:{kind}"));
        assert_eq!(problem["status"], status);
        assert!(
            problem["instance"]
                .as_str()
                .unwrap()
                .starts_with("/api/v1/")
        );
        for member in ["title", "detail"] {
            assert!(!problem[member].as_str().unwrap().is_empty(), "{problem}");
        }
    }
    let told = Ask::post("/api/v1/handoffs")
        .bearer(OPERATOR)
        .send(&router)
        .await;
    assert!(told.header("allow").contains("GET"));
}

#[tokio::test]
async fn a_wrong_field_is_pointed_at() {
    let router = Showcase::small().router();
    let body = json!({
        "revision": 2, "manifest_sha256": manifest(b"one\n2\n"), "outcome": "approved",
        "requests": [{"text": "a"}, {"text": "b", "line": "three"}],
    });
    let told = Ask::post("/api/v1/handoffs/H-1/decision")
        .bearer(OPERATOR)
        .json(body.to_string())
        .send(&router)
        .await;
    assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(told.json()["errors"][0]["pointer"], "/requests/1/line");
}

#[tokio::test]
async fn a_decision_fits_the_revision_that_was_looked_at() {
    let desk = Showcase::small();
    let router = desk.router();
    let decide = |body: String| {
        Ask::post("/api/v1/handoffs/H-1/decision")
            .bearer(OPERATOR)
            .json(body)
            .send(&router)
    };
    let stale = decide(decision(1, b"one\ntwo\n", "approved", None)).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let problem = stale.json();
    assert_eq!(problem["type"], "urn:countersign:problem:stale");
    assert_eq!(problem["revision"], 2);
    assert_eq!(
        problem["manifest_sha256"],
        manifest(b"one\n2\n").to_string()
    );
    let other_bytes = decide(decision(2, b"other", "approved", None)).await;
    assert_eq!(other_bytes.status, StatusCode::CONFLICT);
    let wordless = decide(decision(2, b"one\n2\n", "rejected", None)).await;
    assert_eq!(wordless.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wordless.json()["errors"][0]["pointer"], "comment");

    let made = decide(decision(
        2,
        b"one\n2\n",
        "changes_requested",
        Some("Shorter."),
    ))
    .await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(made.json()["outcome"], "changes_requested");
    assert_eq!(made.json()["decided_by"]["method"], "cli");
    let late = decide(decision(2, b"one\n2\n", "approved", None)).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert_eq!(late.json()["type"], "urn:countersign:problem:conflict");
}

#[tokio::test]
async fn a_delivery_is_taken_once_and_a_refusal_says_where() {
    let desk = Showcase::small();
    let router = desk.router();
    let submit = |body: Value| {
        Ask::post(HANDOFFS)
            .bearer(ALPHA)
            .json(body.to_string())
            .send(&router)
    };
    let files = json!({"notes/a.txt": BASE64_STANDARD.encode(b"\0\xff")});
    let told = submit(json!({"folder": "run", "document": DOCUMENT, "files": files})).await;
    assert_eq!(told.status, StatusCode::CREATED);
    assert_eq!(told.header("location"), "/api/v1/handoffs/H-3");
    assert_eq!(
        told.json()["handoff_sha256"],
        Digest::of(DOCUMENT.as_bytes()).to_string()
    );
    assert_eq!(
        desk.lock().cards[&3].revisions[0]["notes/a.txt"].0,
        b"\0\xff"
    );
    let again = submit(json!({"document": DOCUMENT})).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.json()["status"], "duplicate");

    let refused = submit(json!({"document": "{\n  \"handoff_version\": \"1.0\",\n  \"from_agent\": 7, \"task\": \"t\"}"})).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let problem = refused.json();
    assert_eq!(problem["schema"], "handoff.errors/1");
    assert_eq!(problem["valid"], false);
    assert_eq!(
        problem["type"],
        format!(
            "urn:countersign:problem:{}",
            problem["code"].as_str().unwrap()
        )
    );
    assert_eq!(problem["errors"][0]["pointer"], "/from_agent");
    assert_eq!(problem["errors"][0]["line"], 3);
    assert!(
        problem["supported"]
            .as_array()
            .unwrap()
            .contains(&json!("1.0"))
    );
    assert_eq!(problem["instance"], HANDOFFS);

    for body in [
        json!({}),
        json!({"document": DOCUMENT, "handoff": {}}),
        json!({"handoff": {}, "yaml": true}),
        json!({"document": DOCUMENT, "files": {"a": "not base64!"}}),
        json!({"document": DOCUMENT, "state": "approved"}),
    ] {
        let told = submit(body.clone()).await;
        assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert!(
            told.json()["errors"][0]["message"].is_string(),
            "{}",
            told.text
        );
    }
    assert_eq!(desk.lock().cards.len(), 3);
}

#[tokio::test]
async fn a_document_within_json_is_kept_byte_for_byte() {
    let router = Showcase::small().router();
    let sent = format!(r#"{{ "handoff" : {DOCUMENT} }}"#);
    let told = Ask::post(HANDOFFS)
        .bearer(ALPHA)
        .json(sent)
        .send(&router)
        .await;
    assert_eq!(told.status, StatusCode::CREATED, "{}", told.text);
    assert_eq!(
        told.json()["handoff_sha256"],
        Digest::of(DOCUMENT.as_bytes()).to_string()
    );
    for (path, name) in [
        (HANDOFFS, "handoff"),
        ("/api/v1/workspaces/alpha/checkpoint", "document"),
    ] {
        let twice = format!(r#"{{"{name}":{{"task":"a","task":"b"}}}}"#);
        let told = Ask::post(path)
            .bearer(ALPHA)
            .json(twice)
            .send(&router)
            .await;
        assert_eq!(
            told.json()["type"],
            "urn:countersign:problem:duplicate-key",
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_document_is_checked_without_a_delivery() {
    let desk = Showcase::small();
    let router = desk.router();
    let yaml = "handoff_version: \"1.0\"\nfrom_agent: a\ntask: t\n";
    for (path, body, status) in [
        ("/api/v1/validate", DOCUMENT, 200),
        ("/api/v1/validate?yaml=true", yaml, 200),
        ("/api/v1/validate", yaml, 422),
        ("/api/v1/validate?profile=contract", DOCUMENT, 422),
        ("/api/v1/validate?profile=strict", DOCUMENT, 400),
        ("/api/v1/validate", "", 422),
    ] {
        let told = Ask::post(path).bearer(ALPHA).json(body).send(&router).await;
        assert_eq!(told.status.as_u16(), status, "{path}: {}", told.text);
        if status == 200 {
            assert_eq!(told.json()["valid"], true);
        }
    }
    assert_eq!(desk.lock().cards.len(), 2);
}

#[tokio::test]
async fn an_agent_learns_nothing_about_other_workspaces() {
    let router = Showcase::small().router();
    for path in ["handoffs", "health", "dead-letters", "activity"] {
        let told = Ask::get(&format!("/api/v1/{path}"))
            .bearer(ALPHA)
            .send(&router)
            .await;
        assert_eq!(told.status, StatusCode::OK);
        for secret in ["beta", "Price list", "H-2"] {
            assert!(!told.text.contains(secret), "{path}: {}", told.text);
        }
    }
}

#[tokio::test]
async fn a_diff_goes_from_one_revision_to_another_or_from_nothing() {
    let router = Showcase::small().router();
    let diff = |query: &str| {
        let path = format!("/api/v1/handoffs/H-1/diff{query}");
        let router = router.clone();
        async move { Ask::get(&path).bearer(ALPHA).send(&router).await }
    };
    let told = diff("?from=1&to=2").await;
    assert_eq!(told.header("content-type"), "text/plain; charset=utf-8");
    assert!(told.text.contains("\n one\n-two\n+2\n"), "{}", told.text);
    let told = diff("?to=1").await;
    assert!(told.text.contains("--- /dev/null\n"), "{}", told.text);
    assert_eq!(diff("?from=9").await.status, StatusCode::NOT_FOUND);
    assert_eq!(diff("?to=9").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_with_the_decision_the_time_or_the_daemon() {
    let desk = Showcase::small();
    let router = desk.router();
    let wait = |path: &'static str| Ask::get(path).bearer(ALPHA);
    let told = wait("/api/v1/handoffs/H-1/wait?timeout=9999")
        .send(&router)
        .await;
    assert_eq!(told.json()["state"], "waiting");

    let stop = CancellationToken::new();
    let (told, ()) = tokio::join!(
        wait("/api/v1/handoffs/H-1/wait")
            .extension(Stopping(stop.clone()))
            .send(&router),
        async { stop.cancel() }
    );
    assert_eq!(told.status, StatusCode::SERVICE_UNAVAILABLE);

    let answer = Ask::post("/api/v1/handoffs/H-1/decision")
        .bearer(OPERATOR)
        .json(decision(2, b"one\n2\n", "approved", None));
    let (told, made) = tokio::join!(
        wait("/api/v1/handoffs/H-1/wait").send(&router),
        answer.send(&router)
    );
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(told.json()["decision"]["outcome"], "approved");
}

#[tokio::test(start_paused = true)]
async fn a_live_stream_hints_beats_and_ends() {
    let desk = Showcase::small();
    let router = desk.router();
    let stop = CancellationToken::new();
    let response = Ask::get("/api/v1/events")
        .bearer(OPERATOR)
        .extension(Stopping(stop.clone()))
        .open(&router)
        .await;
    let mut body = response.into_body();
    let mut next = async || {
        let frame = body.frame().await?.unwrap();
        Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
    };
    assert_eq!(
        next().await.unwrap(),
        "event: changed\nid: 4\ndata: {\"seq\":4}\n\n"
    );
    desk.moved();
    assert_eq!(
        next().await.unwrap(),
        "event: changed\nid: 5\ndata: {\"seq\":5}\n\n"
    );
    let before = tokio::time::Instant::now();
    assert_eq!(next().await.unwrap(), ":\n\n");
    assert_eq!(before.elapsed().as_secs(), 15);
    stop.cancel();
    assert_eq!(next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_stream_lives_for_an_hour_at_most() {
    let router = Showcase::small().router();
    let response = Ask::get("/api/v1/events").maya().open(&router).await;
    let before = tokio::time::Instant::now();
    response.into_body().collect().await.unwrap();
    assert_eq!(before.elapsed(), Duration::from_hours(1));
}

/// What is open ends soon after the way in of whoever opened it does, though nothing else happens.
#[tokio::test(start_paused = true)]
async fn what_is_open_ends_with_the_session_or_token() {
    for path in ["/api/v1/events", "/api/v1/log/stream"] {
        for by_token in [false, true] {
            let desk = Showcase::small();
            let ask = Ask::get(path);
            let ask = if by_token {
                ask.bearer(ALPHA)
            } else {
                ask.maya()
            };
            let response = ask.open(&desk.router()).await;
            assert_eq!(response.status(), StatusCode::OK);
            desk.lock().sessions.clear();
            desk.lock().bearers.clear();
            let before = tokio::time::Instant::now();
            response.into_body().collect().await.unwrap();
            assert!(before.elapsed() <= Duration::from_secs(15), "{path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_the_token() {
    let desk = Showcase::small();
    let ask = Ask::get("/api/v1/log?after=1000&timeout=60").bearer(ALPHA);
    let router = desk.router();
    let before = tokio::time::Instant::now();
    let (told, ()) = tokio::join!(ask.send(&router), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        desk.lock().bearers.clear();
    });
    assert_eq!(told.status, StatusCode::UNAUTHORIZED, "{}", told.text);
    assert!(before.elapsed() <= Duration::from_secs(16));
}

#[tokio::test]
async fn agents_do_not_take_the_streams_of_people() {
    let settings = Settings {
        streams: 1,
        ..settings()
    };
    let router = Showcase::small().router_with(settings);
    let first = Ask::get("/api/v1/events").bearer(ALPHA).open(&router).await;
    assert_eq!(first.status(), StatusCode::OK);
    let second = Ask::get("/api/v1/events").bearer(ALPHA).send(&router).await;
    assert_eq!(second.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(second.header("retry-after"), "30");
    let wait = Ask::get("/api/v1/handoffs/H-1/wait")
        .bearer(ALPHA)
        .send(&router)
        .await;
    assert_eq!(wait.status, StatusCode::SERVICE_UNAVAILABLE);
    let person = Ask::get("/api/v1/events").maya().open(&router).await;
    assert_eq!(person.status(), StatusCode::OK);
    drop(first);
    let third = Ask::get("/api/v1/events").bearer(ALPHA).open(&router).await;
    assert_eq!(third.status(), StatusCode::OK);
}

#[tokio::test]
async fn readiness_is_not_liveness() {
    let desk = Showcase::small();
    let router = desk.router();
    assert_eq!(
        Ask::get("/readyz").send(&router).await.status,
        StatusCode::OK
    );
    desk.lock().health.ready = false;
    assert_eq!(
        Ask::get("/readyz").send(&router).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(
        Ask::get("/healthz").send(&router).await.status,
        StatusCode::OK
    );
}
