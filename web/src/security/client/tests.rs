//! Whose address counts behind proxies.

use std::sync::Arc;

use jiff::Timestamp;

use super::*;

fn settings(url: Option<&str>) -> Settings {
    Settings {
        public_url: url.map(|url| url.parse().unwrap()),
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        ..Settings::local(7420, Arc::new(|| Timestamp::UNIX_EPOCH))
    }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
        .collect()
}

fn ask(url: Option<&str>, peer: &str, pairs: &[(&'static str, &str)]) -> Option<(String, String)> {
    find(&settings(url), peer.parse().unwrap(), &headers(pairs))
        .ok()
        .map(|client| (client.address.to_string(), client.origin))
}

fn is(address: &str, origin: &str) -> (String, String) {
    (address.to_owned(), origin.to_owned())
}

#[test]
fn only_our_names_with_our_port_are_served() {
    for good in [
        "localhost:7420",
        "LOCALHOST:7420",
        "127.0.0.1:7420",
        "[::1]:7420",
    ] {
        let origin = format!("http://{}", good.to_lowercase());
        assert_eq!(
            ask(None, "127.0.0.1", &[("host", good)]),
            Some(is("127.0.0.1", &origin))
        );
    }
    for bad in [
        "localhost",
        "localhost:7421",
        "localhost:07420",
        "evil.example:7420",
        "evil.example",
        "127.0.0.1.evil.example:7420",
        "localhost:7420.evil.example",
        "127.0.0.2:7420",
        "",
        "[::1]7420",
    ] {
        assert_eq!(ask(None, "127.0.0.1", &[("host", bad)]), None, "{bad}");
    }
    assert_eq!(ask(None, "127.0.0.1", &[]), None);
    let twice = [("host", "localhost:7420"), ("host", "localhost:7420")];
    let mut both = HeaderMap::new();
    for (name, value) in twice {
        both.append(name, value.parse().unwrap());
    }
    assert!(find(&settings(None), "127.0.0.1".parse().unwrap(), &both).is_err());
}

#[test]
fn the_public_name_is_served_with_and_without_its_default_port() {
    let url = Some("https://review.example");
    for host in ["review.example", "review.example:443", "Review.Example"] {
        assert_eq!(
            ask(url, "10.0.0.1", &[("host", host)]),
            Some(is("10.0.0.1", "https://review.example"))
        );
    }
    assert_eq!(ask(url, "10.0.0.1", &[("host", "review.example:80")]), None);
}

#[test]
fn only_a_trusted_proxy_speaks_for_others() {
    let url = Some("https://review.example");
    let forwarded = [
        ("host", "localhost:7420"),
        ("x-forwarded-for", "198.51.100.9, 203.0.113.5, 10.0.0.7"),
        ("x-forwarded-host", "review.example"),
        ("x-forwarded-proto", "https"),
    ];
    assert_eq!(
        ask(url, "10.0.0.1", &forwarded),
        Some(is("203.0.113.5", "https://review.example")),
        "what stands before the first strange address is only a claim"
    );
    assert_eq!(
        ask(url, "192.0.2.1", &forwarded),
        Some(is("192.0.2.1", "http://localhost:7420"))
    );
    let rebind = [
        ("host", "review.example"),
        ("x-forwarded-host", "evil.example"),
    ];
    assert_eq!(ask(url, "10.0.0.1", &rebind), None);
    let rubbish = [
        ("host", "review.example"),
        ("x-forwarded-for", "9.9.9.9, nonsense"),
    ];
    assert_eq!(ask(url, "10.0.0.1", &rubbish).unwrap().0, "10.0.0.1");
}
