//! The way in, the way out, and who is kept out.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use http::StatusCode;
use jiff::Timestamp;

use super::{Peer, csrf};
use crate::{
    Settings,
    testing::{ALPHA, Ask, OPERATOR, PORT, SESSION, START, Showcase, Told, settings},
};

/// The cookie of an answer, as a browser sends it back.
fn cookie_of(told: &Told) -> String {
    let set = told.header("set-cookie");
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_start_link_signs_in_once() {
    let desk = Showcase::small();
    let router = desk.router();
    let link = format!("/start?t={START}");
    let told = Ask::get(&link).send(&router).await;
    assert_eq!(told.status, StatusCode::SEE_OTHER);
    assert_eq!(
        told.header("location"),
        "/",
        "the token leaves the address bar"
    );
    let set = told.header("set-cookie").to_owned();
    for part in [
        "; Path=/",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Max-Age=43200",
    ] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure") && !set.contains("Domain"), "{set}");

    let cookie = cookie_of(&told);
    let told = Ask::get("/api/v1/tokens")
        .header("cookie", &cookie)
        .send(&router)
        .await;
    assert_eq!(told.status, StatusCode::OK);

    let again = Ask::get(&link).send(&router).await;
    assert_eq!(again.status, StatusCode::GONE);
    assert!(again.text.contains("countersign open"), "{}", again.text);
    assert_eq!(again.header("set-cookie"), "");
    let again = Ask::get(&link)
        .header("cookie", &cookie)
        .send(&router)
        .await;
    assert_eq!(again.header("location"), "/", "it is in already");
    let missing = Ask::get("/start").send(&router).await;
    assert_eq!(missing.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_start_link_leads_to_a_handoff_and_nowhere_else() {
    for (asked, location) in [
        ("h=H-1", "/h/H-1"),
        ("h=7", "/h/H-7"),
        ("h=//evil.example", "/"),
        ("h=https://evil.example/h/H-1", "/"),
        ("h=", "/"),
    ] {
        let desk = Showcase::small();
        let link = format!("/start?t={START}&{asked}");
        let told = Ask::get(&link).send(&desk.router()).await;
        assert_eq!(told.status, StatusCode::SEE_OTHER);
        assert_eq!(told.header("location"), location, "{asked}");
    }
}

#[tokio::test]
async fn looking_at_a_start_link_does_not_spend_it() {
    let desk = Showcase::small();
    let router = desk.router();
    let link = format!("/start?t={START}");
    Ask::new("HEAD", &link).send(&router).await;
    Ask::get(&link)
        .header("sec-purpose", "prefetch;prerender")
        .send(&router)
        .await;
    Ask::get(&link)
        .header("purpose", "prefetch")
        .send(&router)
        .await;
    assert!(desk.lock().start.contains(START));
    let told = Ask::get(&link).send(&router).await;
    assert_eq!(told.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn over_tls_the_cookie_belongs_to_this_host_alone() {
    let settings = Settings {
        public_url: Some("https://review.example".parse().unwrap()),
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        ..settings()
    };
    let router = Showcase::small().router_with(settings);
    let proxy = Peer("10.0.0.1:1".parse().unwrap());
    let told = Ask::get(&format!("/start?t={START}"))
        .instead("host", "review.example")
        .header("x-forwarded-proto", "https")
        .extension(proxy)
        .send(&router)
        .await;
    let set = told.header("set-cookie");
    assert!(set.starts_with("__Host-countersign="), "{set}");
    assert!(set.ends_with("; Secure"), "{set}");
    assert_eq!(told.header("strict-transport-security"), "max-age=31536000");
}

#[tokio::test]
async fn signing_out_ends_the_session_itself() {
    let desk = Showcase::small();
    let router = desk.router();
    let form = format!("csrf={}", csrf::token(SESSION));
    let told = Ask::post("/sign-out")
        .cookie()
        .form(form)
        .send(&router)
        .await;
    assert_eq!(told.status, StatusCode::SEE_OTHER);
    assert!(told.header("set-cookie").contains("Max-Age=0"));
    assert!(desk.lock().sessions.is_empty());
    let told = Ask::get("/api/v1/tokens").cookie().send(&router).await;
    assert_eq!(told.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_form_carries_its_token_in_a_field() {
    let desk = Showcase::small();
    let router = desk.router();
    for (form, status) in [
        (format!("csrf={}", csrf::token("other")), 403),
        ("a=b".to_owned(), 403),
        (format!("csrf={}&csrf=x", csrf::token(SESSION)), 403),
        ("x".repeat(csrf::FORM_LIMIT + 1), 413),
        (format!("a=b&csrf={}", csrf::token(SESSION)), 303),
    ] {
        let told = Ask::post("/sign-out")
            .cookie()
            .form(form)
            .send(&router)
            .await;
        assert_eq!(told.status.as_u16(), status, "{}", told.text);
    }
}

#[tokio::test]
async fn a_bad_token_is_refused_even_beside_a_good_cookie() {
    let router = Showcase::small().router();
    for authorization in ["Bearer guess", "Bearer ", "Bearer", "bearer  guess"] {
        let told = Ask::get("/api/v1/handoffs")
            .cookie()
            .header("authorization", authorization)
            .send(&router)
            .await;
        assert_eq!(told.status, StatusCode::UNAUTHORIZED, "{authorization}");
        assert!(told.header("www-authenticate").contains("invalid_token"));
        assert_eq!(told.json()["type"], "urn:countersign:problem:bad-token");
    }
    let told = Ask::get("/api/v1/tokens")
        .header("authorization", &format!("bearer {OPERATOR}"))
        .send(&router)
        .await;
    assert_eq!(told.status, StatusCode::OK, "the scheme has no case");
}

#[tokio::test]
async fn ignores_credentials_of_a_proxy() {
    let router = Showcase::small().router();
    for authorization in [
        "Basic bWF5YTpzZWNyZXQ=",
        "Negotiate YII=",
        "Digest username=\"maya\"",
        "NTLM TlRMTVNTUAAB",
        "guess",
    ] {
        let ask = |path| Ask::get(path).header("authorization", authorization);
        let told = ask("/api/v1/handoffs").cookie().send(&router).await;
        assert_eq!(told.status, StatusCode::OK, "{authorization}");
        let told = ask("/sign-in").send(&router).await;
        assert_eq!(told.status, StatusCode::OK, "{authorization}");
        let told = ask("/api/v1/handoffs").send(&router).await;
        assert_eq!(told.json()["type"], "urn:countersign:problem:sign-in");
    }
}

#[tokio::test]
async fn a_cookie_that_is_not_ours_is_nobody() {
    let router = Showcase::small().router();
    for cookie in [
        format!("countersign-{PORT}=guess"),
        format!("countersign-1={SESSION}"),
        format!("__Host-countersign={SESSION}"),
        format!("countersign-{PORT}="),
        "rubbish".to_owned(),
    ] {
        let told = Ask::get("/api/v1/handoffs")
            .header("cookie", &cookie)
            .send(&router)
            .await;
        assert_eq!(told.status, StatusCode::UNAUTHORIZED, "{cookie}");
    }
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_misdirected_but_probes_are_answered() {
    let router = Showcase::small().router();
    for (path, status) in [
        ("/api/v1/handoffs", 421),
        ("/", 421),
        ("/healthz", 200),
        ("/readyz", 200),
    ] {
        let told = Ask::get(path)
            .maya()
            .instead("host", "evil.example:7420")
            .send(&router)
            .await;
        assert_eq!(told.status.as_u16(), status, "{path}");
    }
    let told = Ask::get("http://evil.example/api/v1/handoffs")
        .maya()
        .send(&router)
        .await;
    assert_eq!(
        told.status.as_u16(),
        421,
        "the request line names another host"
    );
    let told = Ask::get("http://localhost:7420/api/v1/handoffs")
        .maya()
        .send(&router)
        .await;
    assert_eq!(told.status.as_u16(), 200);
}

#[tokio::test]
async fn who_guesses_has_to_wait_and_others_do_not() {
    let now = Arc::new(AtomicI64::new(1_000));
    let clock = Arc::clone(&now);
    let settings = Settings {
        now: Arc::new(move || Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap()),
        ..settings()
    };
    let router = Showcase::small().router_with(settings);
    let from = |address: &str, token: &str| {
        let peer = Peer(format!("{address}:1").parse().unwrap());
        Ask::get("/api/v1/handoffs").bearer(token).extension(peer)
    };
    let start = |token: &str| {
        let peer = Peer("192.0.2.1:1".parse().unwrap());
        Ask::get(&format!("/start?t={token}")).extension(peer)
    };
    for _ in 0..5 {
        assert_eq!(
            from("192.0.2.1", "guess")
                .send(&router)
                .await
                .status
                .as_u16(),
            401
        );
        assert_eq!(start("guess").send(&router).await.status.as_u16(), 410);
    }
    let told = from("192.0.2.1", "guess").send(&router).await;
    assert_eq!(told.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: i64 = told.header("retry-after").parse().unwrap();
    assert_eq!(
        start(START).send(&router).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(
        from("192.0.2.2", ALPHA).send(&router).await.status,
        StatusCode::OK
    );
    now.fetch_add(wait, Ordering::SeqCst);
    assert_eq!(
        from("192.0.2.1", ALPHA).send(&router).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn who_was_signed_out_elsewhere_is_told_nothing_more() {
    use http_body_util::BodyExt as _;

    let desk = Showcase::small();
    let router = desk.router();
    let mut body = Ask::get("/api/v1/events")
        .cookie()
        .open(&router)
        .await
        .into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("changed"));
    desk.lock().sessions.clear();
    desk.moved();
    assert!(body.frame().await.is_none(), "the stream ends");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_that_something_changed_which_they_may_not_know_of() {
    use http_body_util::BodyExt as _;

    let desk = Showcase::small();
    let router = desk.router();
    let person = Ask::get("/api/v1/events").cookie();
    let agent = Ask::get("/api/v1/events").bearer(ALPHA);
    for (ask, hint) in [(person, "event: changed"), (agent, ":")] {
        let mut body = ask.open(&router).await.into_body();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(String::from_utf8_lossy(&first).starts_with("event: changed"));
        // None of the events that the agent may read is newer than this.
        desk.moved();
        let next = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let next = String::from_utf8_lossy(&next);
        assert!(next.starts_with(hint), "{hint}: {next}");
    }
}
