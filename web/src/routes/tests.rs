//! Every route against every kind of caller, and what holds for all of them.

mod matrix;
mod route;

use std::collections::BTreeSet;

use axum::Router;

use crate::{
    security::csrf,
    testing::{ALPHA, Ask, SESSION, Showcase, Told},
};
use matrix::ROUTES;
use route::{Role, Route};

/// The answer to `route` for `role`, on a desk of its own.
async fn ask(route: &Route, role: Role) -> (Told, u64) {
    let desk = Showcase::small();
    let before = desk.seq();
    let told = role.as_caller(route.ask()).send(&desk.router()).await;
    let recorded = desk.seq() - before;
    (told, recorded)
}

#[tokio::test]
async fn every_caller_gets_what_the_table_says() {
    for route in ROUTES {
        for (role, status) in Role::ALL.into_iter().zip(route.statuses) {
            let (told, recorded) = ask(route, role).await;
            let place = format!("{} {} for {role:?}", route.method, route.path);
            assert_eq!(told.status.as_u16(), status, "{place}: {}", told.text);
            let changed = status < 400 && route.method != "GET";
            assert_eq!(recorded > 0, changed && route.records, "{place}");
        }
    }
}

#[test]
fn the_table_has_every_operation_of_the_api() {
    let described = serde_json::to_value(crate::api::document()).unwrap();
    let described: BTreeSet<String> = described["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let tested: BTreeSet<String> = ROUTES
        .iter()
        .filter_map(|route| Some(format!("{} {}", route.method, route.operation?)))
        .collect();
    assert_eq!(described, tested);
}

#[tokio::test]
async fn looking_never_changes_anything() {
    let desk = Showcase::small();
    let router = desk.router();
    let before = desk.seq();
    for route in ROUTES {
        for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
            for token in [false, true] {
                let ask = Ask::new(method, route.path);
                let ask = if token { ask.bearer(ALPHA) } else { ask.maya() };
                ask.send(&router).await;
                assert_eq!(desk.seq(), before, "{method} {}", route.path);
            }
        }
    }
}

#[tokio::test]
async fn no_other_site_acts_in_the_name_of_a_person() {
    let token = csrf::token(SESSION);
    let other = csrf::token("another session");
    let written = ROUTES.iter().filter(|route| route.method != "GET");
    for route in written {
        let sent = |change: fn(Ask) -> Ask, token: Option<&str>| {
            let desk = Showcase::small();
            let before = desk.seq();
            let mut ask = change(route.ask().cookie());
            if let Some(token) = token {
                ask = ask.header("x-csrf-token", token);
            }
            async move {
                let told = ask.send(&desk.router()).await;
                let recorded = desk.seq() - before;
                (told, recorded)
            }
        };
        let same = |ask: Ask| ask;
        let cross = |ask: Ask| ask.header("sec-fetch-site", "cross-site");
        let sibling = |ask: Ask| ask.header("sec-fetch-site", "same-site");
        let origin = |ask: Ask| ask.header("origin", "http://localhost:9999");
        let place = format!("{} {}", route.method, route.path);
        for refused in [
            sent(same, None).await,
            sent(same, Some("")).await,
            sent(same, Some(&other)).await,
            sent(cross, Some(&token)).await,
            sent(sibling, Some(&token)).await,
            sent(origin, Some(&token)).await,
        ] {
            assert_eq!(refused.0.status, 403, "{place}: {}", refused.0.text);
            assert!(
                refused.0.text.contains("did not come from a page"),
                "{place}"
            );
            assert_eq!(refused.1, 0, "{place}");
        }
        let (told, _) = sent(same, Some(&token)).await;
        assert_eq!(
            told.status.as_u16(),
            route.statuses[3],
            "{place}: {}",
            told.text
        );
    }
}

fn assert_guarded(place: &str, told: &Told) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(told.header(name), value, "{place}");
    }
    assert!(
        told.header("permissions-policy").contains("camera=()"),
        "{place}"
    );
    let policy = told.header("content-security-policy");
    assert!(policy.contains("default-src 'none'"), "{place}: {policy}");
    assert!(!policy.contains("unsafe"), "{place}: {policy}");
    if !place.contains("/assets/") {
        assert_eq!(told.header("cache-control"), "no-store", "{place}");
    }
}

#[tokio::test]
async fn every_answer_carries_its_guards() {
    for route in ROUTES {
        for role in Role::ALL {
            let (told, _) = ask(route, role).await;
            assert_guarded(route.path, &told);
        }
    }
    let router = Showcase::small().router();
    for odd in [
        Ask::get("/nowhere"),
        Ask::get("/api/v1/nowhere"),
        Ask::post("/healthz"),
        Ask::get("/").instead("host", "evil.example"),
        Ask::get("/").bearer("guess"),
        Ask::post("/sign-out").cookie(),
    ] {
        let told = odd.send(&router).await;
        assert!(told.status.is_client_error());
        assert_guarded("an odd request", &told);
    }
}

async fn policy(router: &Router) -> String {
    let told = Ask::get("/nowhere").send(router).await;
    told.header("content-security-policy").to_owned()
}

#[tokio::test]
async fn each_answer_has_a_nonce_of_its_own() {
    let router = Showcase::small().router();
    let (one, two) = (policy(&router).await, policy(&router).await);
    assert!(one.contains("script-src 'nonce-"), "{one}");
    assert!(one.contains("require-trusted-types-for 'script'"), "{one}");
    assert_ne!(one, two);
}
