//! Out to the provider and back: whose cookie, which way on, and what is repeated of what others wrote.

use http::{StatusCode, header};

use crate::{
    Settings,
    showcase::sso::PROVIDER,
    testing::{Ask, Showcase, Told, settings},
};

fn cookies(told: &Told) -> Vec<String> {
    let set = told.headers.get_all(header::SET_COOKIE).iter();
    set.map(|value| value.to_str().unwrap().to_owned())
        .collect()
}

async fn begin(desk: &Showcase, next: &str) -> String {
    let told = Ask::get(&format!("/sso/start?next={next}"))
        .send(&desk.router())
        .await;
    assert_eq!(told.status, StatusCode::SEE_OTHER, "{}", told.text);
    assert_eq!(told.header("location"), PROVIDER);
    let set = cookies(&told);
    for part in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Max-Age=900"] {
        assert!(set[0].contains(part), "{set:?}");
    }
    set[0].split(';').next().unwrap().to_owned()
}

async fn back(desk: &Showcase, query: &str, cookie: &str) -> Told {
    Ask::get(&format!("/sso/callback?{query}"))
        .header("cookie", cookie)
        .send(&desk.router())
        .await
}

#[tokio::test]
async fn who_comes_back_gets_a_new_session_and_goes_where_they_wanted() {
    let desk = Showcase::small();
    let cookie = begin(&desk, "%2Fh%2FH-1%3Fpath%3Da%25E2%2580%258Bb").await;
    let told = back(&desk, "code=good&state=s", &cookie).await;
    assert_eq!(told.status, StatusCode::SEE_OTHER, "{}", told.text);
    assert_eq!(told.header("location"), "/h/H-1?path=a%E2%80%8Bb");
    let set = cookies(&told);
    assert!(
        set[0].starts_with("countersign-7420=session-by-sso;"),
        "{set:?}"
    );
    assert!(
        set[1].starts_with(&format!("{}=;", cookie.split('=').next().unwrap()))
            && set[1].contains("Max-Age=0"),
        "{set:?}"
    );
}

#[tokio::test]
async fn no_way_on_leads_to_another_site() {
    let desk = Showcase::small();
    for next in [
        "//evil.example",
        "https:%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "%2Fsso%2Fstart",
    ] {
        let cookie = begin(&desk, next).await;
        let told = back(&desk, "code=good&state=s", &cookie).await;
        assert_eq!(told.header("location"), "/queue", "{next}");
    }
    // The way on lies with the browser, which may have been given another one.
    let name = super::cookie_name(&settings(), "s");
    let cookie = format!("{name}=1.secret~Ly9ldmlsLmV4YW1wbGU");
    let told = back(&desk, "code=good&state=s", &cookie).await;
    assert_eq!(told.header("location"), "/queue");
}

#[tokio::test]
async fn a_failed_sign_in_ends_its_cookie_and_repeats_nothing_that_others_wrote() {
    let desk = Showcase::small();
    let cookie = begin(&desk, "").await;
    for (query, cookie, status) in [
        ("code=good&state=s", "", StatusCode::BAD_REQUEST),
        (
            "code=good&state=other",
            cookie.as_str(),
            StatusCode::BAD_REQUEST,
        ),
        ("code=bad&state=s", cookie.as_str(), StatusCode::BAD_GATEWAY),
        (
            "error=%3Cscript%3Ecall%20555&error_description=Call%20555&state=s",
            cookie.as_str(),
            StatusCode::BAD_GATEWAY,
        ),
    ] {
        let told = back(&desk, query, cookie).await;
        assert_eq!(told.status, status, "{query}: {}", told.text);
        assert!(cookies(&told)[0].contains("Max-Age=0"), "{query}");
        assert!(
            !told.text.contains("<script>c") && !told.text.contains("Call 555"),
            "{}",
            told.text
        );
        assert!(
            cookies(&told).iter().all(|set| !set.contains("session-by")),
            "{query}"
        );
    }
}

#[tokio::test]
async fn two_tabs_sign_in_at_once() {
    let desk = Showcase::small();
    let settings = settings();
    let other = super::cookie_name(&settings, "another");
    let mine = begin(&desk, "").await;
    let told = back(&desk, "code=good&state=s", &format!("{other}=1.x~; {mine}")).await;
    assert_eq!(told.status, StatusCode::SEE_OTHER, "{}", told.text);
    assert!(cookies(&told).iter().all(|set| !set.starts_with(&other)));
}

#[tokio::test]
async fn ends_oldest_of_many_sign_ins() {
    let desk = Showcase::small();
    let names: Vec<_> = (0..9)
        .map(|tab| super::cookie_name(&settings(), &tab.to_string()))
        .collect();
    let held: Vec<_> = names.iter().map(|name| format!("{name}=1.x~")).collect();
    let told = Ask::get("/sso/start")
        .header("cookie", &held.join("; "))
        .send(&desk.router())
        .await;
    let set = cookies(&told);
    assert_eq!(set.len(), 3, "{set:?}");
    assert!(set[1].starts_with(&format!("{}=;", names[0])), "{set:?}");
    assert!(set[2].starts_with(&format!("{}=;", names[1])), "{set:?}");
}

#[tokio::test]
async fn says_refusal_as_what_it_is() {
    let desk = Showcase::small();
    let cookie = begin(&desk, "").await;
    let told = Ask::get("/sso/callback?error=access_denied&state=s")
        .header("cookie", &cookie)
        .header("accept", "text/html")
        .send(&desk.router())
        .await;
    assert_eq!(told.status, StatusCode::FORBIDDEN);
    assert!(told.text.contains("access_denied") && !told.text.contains("defect"));
    let told = Ask::get("/sso/callback?code=bad&state=s")
        .header("cookie", &cookie)
        .header("accept", "text/html")
        .send(&desk.router())
        .await;
    assert_eq!(told.status, StatusCode::BAD_GATEWAY);
    assert!(!told.text.contains("defect"), "{}", told.text);
}

#[tokio::test]
async fn over_tls_no_other_name_can_plant_the_cookie() {
    let desk = Showcase::small();
    let settings = Settings {
        public_url: Some("https://review.example.org".parse().unwrap()),
        ..settings()
    };
    let told = Ask::get("/sso/start")
        .instead("host", "review.example.org")
        .send(&desk.router_with(settings))
        .await;
    let set = cookies(&told);
    assert!(
        set[0].starts_with("__Host-countersign-sso-") && set[0].ends_with("; Secure"),
        "{set:?}"
    );
}
