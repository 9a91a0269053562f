//! Signing in: what is told, what is not, and how often one may try.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use http::StatusCode;
use jiff::Timestamp;

use super::inside;
use crate::{
    Settings,
    security::Peer,
    showcase::access::{INVITATION, PASSWORD},
    testing::{Ask, SESSION, Showcase, Told, settings},
};

#[test]
fn the_way_on_never_leads_to_another_site() {
    assert_eq!(inside(Some("/h/3?from=r2")), "/h/3?from=r2");
    for bad in [
        "",
        "h/3",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/\t/evil.example",
        "/sign-in?next=/",
        "/start?t=x",
    ] {
        assert_eq!(inside(Some(bad)), "/queue", "{bad}");
    }
    assert_eq!(inside(None), "/queue");
}

#[test]
fn the_way_on_is_the_same_to_the_last_letter() {
    for (next, kept) in [
        (
            "/h/1/r/1/file?path=a%E2%80%8Bb",
            "/h/1/r/1/file?path=a%E2%80%8Bb",
        ),
        // Hidden letters would be made visible in a form, and no header holds them.
        (
            "/h/1/r/1/file?path=a\u{200B}b",
            "/h/1/r/1/file?path=a%E2%80%8Bb",
        ),
        ("/search?q=Größe", "/search?q=Gr%C3%B6%C3%9Fe"),
        ("/search?q=two words", "/search?q=two%20words"),
    ] {
        assert_eq!(inside(Some(next)), kept);
    }
}

fn form(name: &str, password: &str) -> String {
    let pairs = [("name", name), ("password", password), ("next", "/h/H-1")];
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

fn from(address: &str, name: &str, password: &str) -> Ask {
    let peer: std::net::SocketAddr = format!("{address}:9").parse().unwrap();
    Ask::post("/sign-in")
        .extension(Peer(peer))
        .form(form(name, password))
}

#[tokio::test]
async fn a_password_signs_in_with_a_new_cookie_and_leads_on() {
    let desk = Showcase::small();
    let router = desk.router();
    // A cookie that somebody planted is not the one that is signed in.
    let told = from("192.0.2.1", "maya", PASSWORD)
        .header("cookie", "countersign-7420=planted")
        .send(&router)
        .await;
    assert_eq!(told.status, StatusCode::SEE_OTHER, "{}", told.text);
    assert_eq!(told.header("location"), "/h/H-1");
    let cookie = told.header("set-cookie");
    for part in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Max-Age="] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("planted"));
    assert!(!desk.lock().sessions.contains("planted"));
}

#[tokio::test]
async fn who_is_not_in_gets_the_form_and_comes_back_to_where_they_wanted() {
    let told = Ask::get("/h/H-1?revision=1")
        .send(&Showcase::small().router())
        .await;
    assert_eq!(told.status, StatusCode::UNAUTHORIZED);
    assert!(told.text.contains("action=\"/sign-in\""), "{}", told.text);
    assert!(
        told.text.contains("value=\"/h/H-1?revision=1\""),
        "{}",
        told.text
    );
    assert!(!told.text.contains("Release notes"), "{}", told.text);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_are_told_the_same() {
    let router = Showcase::small().router();
    let wrong = from("192.0.2.1", "maya", "hunter3hunter3")
        .send(&router)
        .await;
    let unknown = from("192.0.2.1", "nora", "hunter3hunter3")
        .send(&router)
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.status, unknown.status);
    let plain = |told: &Told, name: &str| {
        let nonce = told.header("content-security-policy").to_owned();
        let (_, rest) = nonce.split_once("'nonce-").unwrap();
        let (nonce, _) = rest.split_once('\'').unwrap();
        told.text.replace(nonce, "").replace(name, "")
    };
    assert_eq!(plain(&wrong, "maya"), plain(&unknown, "nora"));
    assert!(
        !wrong.text.contains("hunter3hunter3"),
        "a password is never shown again"
    );
}

#[tokio::test]
async fn guesses_slow_down_by_address_and_by_account_as_time_passes() {
    let now = Arc::new(AtomicI64::new(1_000));
    let clock = Arc::clone(&now);
    let settings = Settings {
        now: Arc::new(move || Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap()),
        ..settings()
    };
    let router = Showcase::small().router_with(settings);
    // Many addresses, one account.
    for last in 0..5 {
        let told = from(&format!("192.0.2.{last}"), "maya", "wrong")
            .send(&router)
            .await;
        assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY, "{last}");
    }
    let told = from("192.0.2.200", "maya", PASSWORD).send(&router).await;
    assert_eq!(told.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(told.header("retry-after"), "90");
    now.fetch_add(90, Ordering::SeqCst);
    let told = from("192.0.2.200", "maya", PASSWORD).send(&router).await;
    assert_eq!(told.status, StatusCode::SEE_OTHER);
    // One address, many accounts.
    for number in 0..10 {
        let told = from("198.51.100.1", &format!("guess{number}"), "wrong")
            .send(&router)
            .await;
        assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY, "{number}");
    }
    let told = from("198.51.100.1", "maya", PASSWORD).send(&router).await;
    assert_eq!(told.status, StatusCode::TOO_MANY_REQUESTS);
    // Programs of this machine slow down the account, and not each other.
    for _ in 0..20 {
        from("127.0.0.1", "sam", "wrong").send(&router).await;
    }
    let told = from("127.0.0.1", "maya", PASSWORD).send(&router).await;
    assert_eq!(told.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn strangers_lock_no_session_out() {
    let router = Showcase::small().router();
    // The account of the session; that the showcase knows no password of it does not matter here.
    let guess = |name: &str| from("127.0.0.1", name, "wrong");
    for _ in 0..7 {
        guess("local:maya").send(&router).await;
        guess("local:sam").maya().send(&router).await;
    }
    let stranger = guess("local:maya").send(&router).await;
    assert_eq!(stranger.status, StatusCode::TOO_MANY_REQUESTS);
    let known = guess("local:maya").maya().send(&router).await;
    assert_eq!(known.status, StatusCode::UNPROCESSABLE_ENTITY);
    let other = guess("local:sam").send(&router).await;
    assert_eq!(
        other.status,
        StatusCode::TOO_MANY_REQUESTS,
        "a session of another account"
    );
}

#[tokio::test]
async fn strangers_lock_no_known_browser_out() {
    let router = Showcase::small().router();
    let signed = from("192.0.2.1", "maya", PASSWORD).send(&router).await;
    let device = signed.headers.get_all("set-cookie").iter().find_map(|set| {
        let set = set.to_str().unwrap().split(';').next().unwrap();
        set.contains("-device=").then(|| set.to_owned())
    });
    let device = device.unwrap();
    let guess =
        |name: &str, cookie: &str| from("127.0.0.1", name, "wrong").header("cookie", cookie);
    for _ in 0..7 {
        guess("maya", "").send(&router).await;
        guess("sam", "").send(&router).await;
    }
    let forged = device.replace("-device=", "-device=1");
    for (name, cookie, status) in [
        ("maya", "", 429),
        ("maya", forged.as_str(), 429),
        ("sam", &device, 429),
        ("maya", &device, 422),
    ] {
        let told = guess(name, cookie).send(&router).await;
        assert_eq!(told.status.as_u16(), status, "{name} {cookie}");
    }
    // It opens nothing, and guesses in that browser are counted as well.
    let page = Ask::get("/queue")
        .header("cookie", &device)
        .send(&router)
        .await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    for _ in 0..5 {
        guess("maya", &device).send(&router).await;
    }
    let told = guess("maya", &device).send(&router).await;
    assert_eq!(told.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn guesses_of_links_and_of_the_password_now_are_slowed_down_too() {
    let router = Showcase::small().router();
    let peer = || Peer("192.0.2.7:1".parse().unwrap());
    for number in 0..10 {
        let told = Ask::get(&format!("/invitation?t=guess{number}")).extension(peer());
        assert_eq!(told.send(&router).await.status, StatusCode::GONE);
    }
    let good = Ask::get(&format!("/invitation?t={INVITATION}")).extension(peer());
    assert_eq!(
        good.send(&router).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    let router = Showcase::small().router();
    for _ in 0..5 {
        let told = Ask::post("/account/password")
            .maya()
            .form("old=wrong&new=another+good+one");
        let told = told.send(&router).await;
        assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let told = Ask::post("/account/password")
        .maya()
        .form("old=correct+horse+battery&new=another+good+one");
    assert_eq!(
        told.send(&router).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
}

#[tokio::test]
async fn no_other_site_signs_somebody_in() {
    let router = Showcase::small().router();
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
    ] {
        let told = from("192.0.2.1", "maya", PASSWORD)
            .header(name, value)
            .send(&router)
            .await;
        assert_eq!(told.status, StatusCode::FORBIDDEN, "{name}");
        assert_eq!(told.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn a_link_is_not_spent_by_looking_and_not_by_a_weak_password() {
    let desk = Showcase::small();
    let router = desk.router();
    let page = Ask::get(&format!("/invitation?t={INVITATION}"))
        .send(&router)
        .await;
    assert!(page.text.contains("Sam Ito"), "{}", page.text);
    let before = desk.seq();
    let weak = Ask::post("/invitation").form(format!("t={INVITATION}&password=short"));
    let weak = weak.send(&router).await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(weak.text.contains("at least 12 characters"));
    assert_eq!(desk.seq(), before);
    let good = Ask::post("/invitation").form(format!("t={INVITATION}&password=another+good+one"));
    let good = good.send(&router).await;
    assert_eq!(good.status, StatusCode::SEE_OTHER);
    assert!(good.header("set-cookie").contains("HttpOnly"));
    assert_ne!(good.header("set-cookie"), SESSION);
}

/// Settings behind a proxy at 10.0.0.1 that says who signed in.
fn proxied() -> Settings {
    Settings {
        trusted_proxies: vec!["10.0.0.1/32".parse().unwrap()],
        proxy_user: Some("x-remote-user".parse().unwrap()),
        ..settings()
    }
}

fn by_proxy(peer: &str, path: &str) -> Ask {
    let peer: std::net::SocketAddr = format!("{peer}:9").parse().unwrap();
    Ask::get(path)
        .extension(Peer(peer))
        .header("accept", "text/html")
        .header("x-remote-user", "sam")
}

#[tokio::test]
async fn only_the_proxy_says_who_somebody_is() {
    let router = Showcase::small().router_with(proxied());
    let told = by_proxy("10.0.0.1", "/queue").send(&router).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text);
    assert!(told.header("set-cookie").contains("HttpOnly"));
    for peer in ["10.0.0.2", "127.0.0.1", "192.0.2.1"] {
        let told = by_proxy(peer, "/queue").send(&router).await;
        assert_eq!(told.status, StatusCode::UNAUTHORIZED, "{peer}");
        assert_eq!(told.header("set-cookie"), "", "{peer}");
    }
    // Without the setting the header says nothing, from wherever it comes.
    let settings = Settings {
        proxy_user: None,
        ..proxied()
    };
    let router = Showcase::small().router_with(settings);
    let told = by_proxy("10.0.0.1", "/queue").send(&router).await;
    assert_eq!(told.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_name_of_the_proxy_is_no_session_for_what_changes_something() {
    let router = Showcase::small().router_with(proxied());
    let post = |ask: Ask| ask.header("x-remote-user", "sam");
    let proxy = || Peer("10.0.0.1:9".parse().unwrap());
    let told = post(Ask::post("/api/v1/handoffs/H-1/claim").extension(proxy()));
    assert_eq!(told.send(&router).await.status, StatusCode::UNAUTHORIZED);
    // The session of somebody else is not used under the name of the proxy.
    let told = post(Ask::get("/api/v1/me").cookie().extension(proxy()));
    assert_eq!(told.send(&router).await.status, StatusCode::UNAUTHORIZED);
    // Two names are none.
    let told = by_proxy("10.0.0.1", "/queue").header("x-remote-user", "maya");
    assert_eq!(told.send(&router).await.status, StatusCode::UNAUTHORIZED);
}
