//! Tokens that fit and forged ones.

use super::*;
use crate::testing::{Ask, SESSION, Showcase};

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
        .collect()
}

#[test]
fn the_browser_is_believed_when_it_says_another_site() {
    for (pairs, fine) in [
        (&[][..], true),
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "")], false),
        (&[("origin", "http://localhost:7420")], true),
        (&[("origin", "http://localhost:7421")], false),
        (&[("origin", "https://localhost:7420")], false),
        (&[("origin", "null")], true),
        (
            &[("origin", "null"), ("sec-fetch-site", "cross-site")],
            false,
        ),
        (
            &[("origin", "null"), ("sec-fetch-site", "same-origin")],
            true,
        ),
    ] {
        assert_eq!(
            from_here(&headers(pairs), &[Some("http://localhost:7420"), None]),
            fine,
            "{pairs:?}"
        );
    }
}

#[test]
fn a_token_fits_one_session_only() {
    assert_eq!(token("one").len(), 64);
    assert_ne!(token("one"), token("two"));
    assert!(same(token("one").as_bytes(), token("one").as_bytes()));
    assert!(!same(token("one").as_bytes(), token("two").as_bytes()));
    assert!(!same(b"", token("one").as_bytes()));
}

#[test]
fn a_form_with_two_tokens_has_none() {
    assert_eq!(field(b"a=1&csrf=x%20y"), Some(b"x y".to_vec()));
    assert_eq!(field(b"csrf=x&csrf=y"), None);
    assert_eq!(field(b"a=1"), None);
}

#[test]
fn accepts_origin_of_public_url() {
    let ours = [
        Some("http://127.0.0.1:7420"),
        Some("https://review.example.org"),
    ];
    for (origin, fine) in [
        ("https://review.example.org", true),
        ("http://127.0.0.1:7420", true),
        ("http://review.example.org", false),
        ("https://review.example.org.evil.example", false),
    ] {
        assert_eq!(
            from_here(&headers(&[("origin", origin)]), &ours),
            fine,
            "{origin}"
        );
    }
}

#[tokio::test]
async fn writes_take_the_key_of_the_page() {
    let router = Showcase::small().router();
    let token = token(SESSION);
    for (path, key, status) in [
        ("/session/key", "", 204),
        ("/session/key", ".first", 204),
        ("/session/key", "", 403),
        ("/session/key", ".", 403),
        ("/session/key", ".second", 403),
        ("/session/key", ".first.second", 403),
        ("/session/key", ".first", 204),
        ("/sign-out", "", 303),
    ] {
        let ask = Ask::post(path).cookie().form(format!("csrf={token}{key}"));
        let told = ask.send(&router).await;
        assert_eq!(told.status.as_u16(), status, "{path} {key}: {}", told.text);
    }
}
