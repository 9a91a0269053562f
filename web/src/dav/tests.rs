//! The folder as file managers ask for it.

use super::{
    asked::{DAV, Property},
    *,
};
use crate::{
    showcase::mount::ODD,
    testing::{ALPHA, Ask, OPERATOR, Showcase, Told},
};

/// The header of a file manager in which somebody typed a token as the password.
fn typed(token: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("anybody:{token}")))
}

fn ask(method: &str, path: &str) -> Ask {
    Ask::new(method, path).header("authorization", &typed(OPERATOR))
}

async fn propfind(path: &str, depth: &str, body: &str) -> Told {
    let ask = ask("PROPFIND", path).header("depth", depth);
    ask.body(body).send(&Showcase::small().router()).await
}

#[tokio::test]
async fn only_a_person_with_a_token_for_a_password_comes_in() {
    let router = Showcase::small().router();
    for (authorization, status) in [
        (None, 401),
        (Some(typed("guess")), 401),
        (Some("Basic %%%".to_owned()), 401),
        (Some(typed(ALPHA)), 403),
        (Some(typed(OPERATOR)), 207),
        (Some(format!("Bearer {OPERATOR}")), 207),
    ] {
        let mut ask = Ask::new("PROPFIND", "/dav/").header("depth", "1");
        if let Some(value) = &authorization {
            ask = ask.header("authorization", value);
        }
        let told = ask.send(&router).await;
        assert_eq!(told.status.as_u16(), status, "{authorization:?}");
        let asks = told.headers.get_all("www-authenticate").iter();
        let asks_for_password = asks.into_iter().any(|value| {
            value
                .to_str()
                .is_ok_and(|text| text.starts_with("Basic realm="))
        });
        assert_eq!(asks_for_password, status == 401, "{authorization:?}");
    }
}

#[tokio::test]
async fn the_cookie_of_the_pages_opens_no_folder() {
    let router = Showcase::small().router();
    for method in ["PROPFIND", "GET", "OPTIONS"] {
        let told = Ask::new(method, "/dav/review/H-1/")
            .maya()
            .send(&router)
            .await;
        assert_eq!(told.status.as_u16(), 401, "{method}");
        let token = Ask::new(method, "/dav/review/H-1/").maya();
        let told = token
            .header("authorization", &typed(OPERATOR))
            .send(&router)
            .await;
        assert_ne!(told.status.as_u16(), 401, "{method}");
    }
}

#[tokio::test]
async fn a_password_opens_nothing_but_the_folder() {
    let router = Showcase::small().router();
    for path in ["/api/v1/handoffs", "/", "/davos", "/api/v1/dav/"] {
        // Elsewhere it is a header of somebody else, such as a proxy, and counts for nothing.
        let told = Ask::get(path).header("authorization", &typed(OPERATOR));
        let told = told.send(&router).await;
        let bare = Ask::get(path).send(&router).await;
        assert_eq!(told.status, bare.status, "{path}");
        assert!(!told.status.is_success(), "{path}");
    }
}

#[tokio::test]
async fn a_folder_is_listed_and_every_name_is_escaped() {
    let told = propfind("/dav/workspaces/a/", "1", "").await;
    assert_eq!(told.status, StatusCode::MULTI_STATUS, "{}", told.text);
    assert_eq!(
        told.header("content-type"),
        "application/xml; charset=utf-8"
    );
    let hrefs = told.text.split("<D:href>").skip(1);
    let hrefs = hrefs.filter_map(|rest| Some(rest.split_once('<')?.0));
    let hrefs: Vec<_> = hrefs.collect();
    let odd = "/dav/workspaces/a/50%25%20%3Cb%3E%26%22%C3%BC%01%22.html";
    assert_eq!(hrefs, ["/dav/workspaces/a/", odd, "/dav/workspaces/a/run/"]);
    let name = "<D:displayname>50% &lt;b&gt;&amp;&quot;ü\u{fffd}&quot;.html</D:displayname>";
    assert!(told.text.contains(name), "{}", told.text);
    assert!(
        told.text
            .contains("<D:getcontentlength>3</D:getcontentlength>")
    );
    let collections = told.text.matches("<D:collection/>").count();
    assert_eq!(collections, 2, "the folder and the one in it");

    let file = ask("GET", odd).send(&Showcase::small().router()).await;
    assert_eq!(file.text, "odd", "{ODD}");
    let alone = propfind("/dav/workspaces/a", "0", "").await;
    assert_eq!(alone.text.matches("<D:href>").count(), 1);
}

#[tokio::test]
async fn what_is_asked_for_is_told_and_what_is_not_there_is_named() {
    let body = "<propfind xmlns='DAV:' xmlns:z='urn:z'><prop>\
                <getcontentlength/><quota-used-bytes/><z:Win32/></prop></propfind>";
    let told = propfind("/dav/workspaces/a/run/page.html", "0", body).await;
    let (has, lacks) = told.text.split_once("200 OK").unwrap();
    assert!(has.contains("<D:getcontentlength>35</D:getcontentlength>"));
    assert!(!has.contains("getetag"));
    assert!(
        lacks.contains("<p:quota-used-bytes xmlns:p=\"DAV:\"/>"),
        "{lacks}"
    );
    assert!(lacks.contains("<p:Win32 xmlns:p=\"urn:z\"/>"), "{lacks}");
    assert!(lacks.contains("404 Not Found"));

    let names = "<D:propfind xmlns:D='DAV:'><D:propname/></D:propfind>";
    let told = propfind("/dav/workspaces/a/run/page.html", "0", names).await;
    assert!(
        told.text.contains("<D:getetag></D:getetag>"),
        "{}",
        told.text
    );
}

#[test]
fn questions_are_read_and_all_else_is_refused() {
    let property = |space: &str, name: &str| Property {
        space: space.to_owned(),
        name: name.to_owned(),
    };
    for (body, asked) in [
        ("", Asked::All),
        ("\n ", Asked::All),
        ("<propfind xmlns='DAV:'><allprop/></propfind>", Asked::All),
        (
            "<a:propfind xmlns:a='DAV:'><a:prop><a:getetag><x/></a:getetag><b xmlns=''/></a:prop></a:propfind>",
            Asked::These(vec![property(DAV, "getetag"), property("", "b")]),
        ),
    ] {
        assert_eq!(Asked::read(body.as_bytes()).unwrap(), asked, "{body}");
    }
    let many = "<a/>".repeat(200);
    let deep = "<a>".repeat(5_000);
    for body in [
        "rubbish".to_owned(),
        "<propfind/>".to_owned(),
        "<propfind xmlns='DAV:'>".to_owned(),
        "<propfind xmlns='DAV:'/>".to_owned(),
        "<propfind xmlns='DAV:'><prop><n:x/></prop></propfind>".to_owned(),
        "<propfind xmlns='DAV:'><prop><b:x xmlns:b='u' b='&quot;'/><ü/></prop></propfind>"
            .to_owned(),
        "<!DOCTYPE p [<!ENTITY a 'b'>]><propfind xmlns='DAV:'><prop>&a;</propfind>".to_owned(),
        format!("<propfind xmlns='DAV:'><prop>{many}</prop></propfind>"),
        format!("<propfind xmlns='DAV:'><prop>{deep}"),
        deep,
    ] {
        let asked = Asked::read(body.as_bytes());
        assert!(asked.is_err(), "{asked:?}: {body:.80}");
    }
}

#[tokio::test]
async fn nothing_is_written_and_nothing_is_listed_without_end() {
    let router = Showcase::small().router();
    let changing = [
        "PUT",
        "DELETE",
        "MKCOL",
        "COPY",
        "MOVE",
        "LOCK",
        "UNLOCK",
        "PROPPATCH",
    ];
    for method in changing {
        let told = ask(method, "/dav/workspaces/a/new").send(&router).await;
        assert_eq!(told.status.as_u16(), 403, "{method}: {}", told.text);
    }
    for method in ["POST", "PATCH", "REPORT"] {
        let told = ask(method, "/dav/workspaces/a/new").send(&router).await;
        assert_eq!(told.status.as_u16(), 405, "{method}: {}", told.text);
        assert_eq!(told.header("allow"), "OPTIONS, GET, HEAD, PROPFIND");
    }
    for depth in ["infinity", "2", ""] {
        let told = propfind("/dav/", depth, "").await;
        assert_eq!(told.status, StatusCode::FORBIDDEN);
        assert!(told.text.contains("propfind-finite-depth"));
    }
    let long = format!(
        "<propfind xmlns='DAV:'><!--{}--><allprop/></propfind>",
        "x".repeat(LONGEST)
    );
    assert_eq!(propfind("/dav/", "0", &long).await.status.as_u16(), 400);
    let told = ask("OPTIONS", "/dav/").send(&router).await;
    assert_eq!((told.status.as_u16(), told.header("dav")), (200, "1"));
    assert_eq!(ask("GET", "/dav/").send(&router).await.status.as_u16(), 405);
    assert_eq!(propfind("/dav/none", "0", "").await.status.as_u16(), 404);
}

#[tokio::test]
async fn a_file_is_had_in_parts_and_never_as_a_page() {
    let path = "/dav/workspaces/a/run/page.html";
    let router = Showcase::small().router();
    let whole = ask("GET", path).send(&router).await;
    assert!(whole.text.starts_with("<script>"));
    assert_eq!(whole.header("content-type"), "application/octet-stream");
    assert!(
        whole
            .header("content-disposition")
            .starts_with("attachment")
    );
    let tag = whole.header("etag").to_owned();
    let part = ask("GET", path)
        .header("range", "bytes=-10")
        .header("if-range", &tag)
        .send(&router)
        .await;
    assert_eq!(
        (part.status.as_u16(), part.text.as_str()),
        (206, "0123456789")
    );
    let head = ask("HEAD", path).send(&router).await;
    assert_eq!(
        (head.status.as_u16(), head.header("content-length")),
        (200, "35")
    );
}
