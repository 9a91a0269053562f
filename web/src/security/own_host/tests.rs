//! Where browsers get cookies, and where not.

use http::StatusCode;

use crate::{
    settings::{OwnHost, Settings},
    showcase::{access::INVITATION, outsiders::OUTSIDE},
    testing::{Ask, PORT, SESSION, START, Showcase, Told, settings},
};

const OWN: &str = "cs-2b7k.localhost";

fn with_own_host() -> Settings {
    Settings {
        own_host: Some(OwnHost {
            name: OWN.to_owned(),
            address: format!("http://127.0.0.1:{PORT}"),
        }),
        ..settings()
    }
}

fn browser(ask: Ask) -> Ask {
    ask.header("user-agent", "Mozilla/5.0")
        .header("sec-fetch-mode", "navigate")
}

fn at_own(ask: Ask) -> Ask {
    browser(ask).instead("host", &format!("{OWN}:{PORT}"))
}

/// The link of the page that leads on.
fn link(told: &Told) -> String {
    let (_, rest) = told.text.split_once("content=\"0;url=").unwrap();
    let (link, _) = rest.split_once('"').unwrap();
    link.strip_prefix(&format!("http://{OWN}:{PORT}"))
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn browsers_get_cookies_at_the_own_host_alone() {
    let desk = Showcase::small();
    let router = desk.router_with(with_own_host());
    let start = format!("/start?t={START}");
    let led = browser(Ask::get(&start)).send(&router).await;
    assert_eq!(led.status, StatusCode::OK);
    assert!(led.headers.get("set-cookie").is_none());
    let link = link(&led);
    assert!(!link.contains(SESSION), "the secret stands in no address");
    // A key opens nothing at the plain address, and is spent once.
    let told = browser(Ask::get(&link)).send(&router).await;
    assert_eq!(told.status, StatusCode::NOT_FOUND);
    let ahead = at_own(Ask::get(&link))
        .header("sec-purpose", "prefetch")
        .send(&router)
        .await;
    assert_eq!(ahead.status, StatusCode::NO_CONTENT);
    let told = at_own(Ask::get(&link)).send(&router).await;
    assert_eq!(told.status, StatusCode::SEE_OTHER);
    let set = told.header("set-cookie");
    assert!(set.starts_with(&format!("countersign-{PORT}=")), "{set}");
    assert!(!set.contains("Domain"), "{set}");
    let again = at_own(Ask::get(&link)).send(&router).await;
    assert_eq!(again.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_cookie_at_the_plain_address_opens_no_page() {
    let router = Showcase::small().router_with(with_own_host());
    for (name, ask, status) in [
        ("browser, page", browser(Ask::get("/queue")), 401),
        ("browser, data", browser(Ask::get("/api/v1/handoffs")), 401),
        ("program, page", Ask::get("/queue"), 200),
        ("program, data", Ask::get("/api/v1/handoffs"), 200),
        ("own host, page", at_own(Ask::get("/queue")), 200),
        ("own host, data", at_own(Ask::get("/api/v1/handoffs")), 200),
    ] {
        let told = ask.cookie().send(&router).await;
        assert_eq!(told.status.as_u16(), status, "{name}");
        let home = told.text.contains(OWN) && status == 401;
        assert!(
            !home,
            "{name}: the name of the own host is told to strangers"
        );
    }
}

#[tokio::test]
async fn safari_stays_at_the_address_and_says_so() {
    let agents = [
        (
            "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/26.1 Safari/605.1.15",
            true,
        ),
        (
            "Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36",
            false,
        ),
        (
            "Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36 Edg/142.0",
            false,
        ),
        (
            "Mozilla/5.0 (X11; rv:145.0) Gecko/20100101 Firefox/145.0",
            false,
        ),
    ];
    let router = Showcase::small().router_with(with_own_host());
    for (agent, stays) in agents {
        let ask = Ask::get("/queue").cookie().header("user-agent", agent);
        let told = ask.send(&router).await;
        assert_eq!(told.status == StatusCode::OK, stays, "{agent}");
        assert_eq!(
            told.text.contains("at other ports can look"),
            stays,
            "{agent}"
        );
    }
}

#[tokio::test]
async fn every_way_in_leads_to_the_own_host() {
    for (path, form) in [
        (
            "/sign-in",
            "name=maya&password=correct+horse+battery".to_owned(),
        ),
        (
            "/invitation",
            format!("t={INVITATION}&password=correct+horse+battery"),
        ),
        ("/outside", format!("t={OUTSIDE}")),
    ] {
        let router = Showcase::small().router_with(with_own_host());
        let program = Ask::post(path).form(form.clone()).send(&router).await;
        assert_eq!(
            program.status,
            StatusCode::SEE_OTHER,
            "{path}: {}",
            program.text
        );
        assert!(!program.header("set-cookie").is_empty());
        let router = Showcase::small().router_with(with_own_host());
        let led = browser(Ask::post(path).form(form)).send(&router).await;
        assert_eq!(led.status, StatusCode::OK, "{path}");
        assert!(led.headers.get("set-cookie").is_none(), "{path}");
        assert!(link(&led).starts_with("/enter?k="), "{path}");
    }
}

#[tokio::test]
async fn a_proxy_keeps_its_own_name() {
    let settings = |public: &str, proxies: &[&str]| Settings {
        public_url: Some(public.parse().unwrap()),
        trusted_proxies: proxies.iter().map(|one| one.parse().unwrap()).collect(),
        ..with_own_host()
    };
    let start = format!("/start?t={START}");
    let (public, here) = ("https://review.example", format!("http://localhost:{PORT}"));
    for (name, url, proxies, forwarded, is_led) in [
        ("by a proxy", public, &["127.0.0.1/32"][..], true, false),
        ("beside a proxy", public, &["127.0.0.1/32"], false, true),
        ("by a proxy that we do not know", public, &[], false, false),
        ("at our own port", &here, &[], false, true),
        (
            "by a proxy at another port",
            "http://localhost:1",
            &[],
            false,
            false,
        ),
    ] {
        let router = Showcase::small().router_with(settings(url, proxies));
        let peer = crate::security::Peer("127.0.0.1:1".parse().unwrap());
        let mut ask = browser(Ask::get(&start)).extension(peer);
        if forwarded {
            ask = ask.header("x-forwarded-for", "192.0.2.9");
        }
        let told = ask.send(&router).await;
        assert_eq!(told.text.contains(OWN), is_led, "{name}");
        assert_eq!(told.headers.get("set-cookie").is_none(), is_led, "{name}");
    }
}
