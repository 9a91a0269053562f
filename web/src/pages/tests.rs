//! The pages over the whole router, with every guard in front of them and without scripts.

use std::sync::Arc;

use axum::{Extension, Router, body::Body, response::Response};
use countersign_protocol::{Digest, HandoffId};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::{
    Settings,
    desk::{Caller, Desk as _},
    router,
    security::Peer,
    showcase::{
        SESSION, START_TOKEN, Showcase, access::INVITATION, messages::LINK, outsiders::OUTSIDE,
        ownership::CLAIM, sample,
    },
};

/// A browser that is signed in, without scripts.
struct Browser {
    desk: Arc<Showcase>,
    router: Router,
}

/// An answer that was read.
struct Page {
    status: StatusCode,
    location: String,
    policy: String,
    media_type: String,
    text: String,
}

impl Browser {
    fn new(desk: Showcase) -> Self {
        let desk = Arc::new(desk);
        let settings = Settings::local(7420, Arc::new(sample::now));
        let peer = Peer("127.0.0.1:4000".parse().unwrap());
        let router = router(Arc::clone(&desk) as _, settings).layer(Extension(peer));
        Self { desk, router }
    }

    async fn send(&self, method: Method, path: &str, body: String, signed_in: bool) -> Page {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "127.0.0.1:7420")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if signed_in {
            request = request.header(header::COOKIE, format!("countersign-7420={SESSION}"));
        }
        let request = request.body(Body::from(body)).unwrap();
        read(self.router.clone().oneshot(request).await.unwrap()).await
    }

    async fn get(&self, path: &str) -> Page {
        self.send(Method::GET, path, String::new(), true).await
    }

    /// Sends the decision form of `page`, with its hidden fields, as a browser would.
    async fn answer(&self, id: &str, page: &Page, fields: &[(&str, &str)]) -> Page {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for name in ["csrf", "revision", "manifest_sha256"] {
            form.append_pair(name, &page.hidden(name));
        }
        form.extend_pairs(fields);
        let path = format!("/h/{id}/decision");
        self.send(Method::POST, &path, form.finish(), true).await
    }
}

async fn read(response: Response) -> Page {
    let header = |name| {
        let value = response.headers().get(name);
        value.map_or("", |value| value.to_str().unwrap()).to_owned()
    };
    let page = Page {
        status: response.status(),
        location: header(header::LOCATION),
        policy: header(header::CONTENT_SECURITY_POLICY),
        media_type: header(header::CONTENT_TYPE),
        text: String::new(),
    };
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    Page {
        text: String::from_utf8_lossy(&bytes).into_owned(),
        ..page
    }
}

impl Page {
    /// The value of the hidden field of the decision form.
    fn hidden(&self, name: &str) -> String {
        let (_, form) = self.text.split_once("id=\"decide\"").expect("the form");
        let (_, rest) = form
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap_or_else(|| panic!("no field {name}"));
        rest.split('"').next().unwrap().to_owned()
    }

    /// The token of the forms of the page.
    fn csrf(&self) -> String {
        let (_, rest) = self
            .text
            .split_once("name=\"csrf\" value=\"")
            .expect("a form");
        rest.split('"').next().unwrap().to_owned()
    }

    /// The page without the attributes that only scripts and forms read.
    fn read_by_people(&self) -> String {
        let mut text = self.text.clone();
        for name in [" data-path=\"", " value=\""] {
            let mut parts = text.split(name);
            let first = parts.next().unwrap_or_default().to_owned();
            text = parts.fold(first, |text, part| text + part.split_once('"').unwrap().1);
        }
        text
    }

    fn has(&self, text: &str) -> &Self {
        assert!(self.text.contains(text), "no `{text}` in:\n{}", self.text);
        self
    }

    fn lacks(&self, text: &str) -> &Self {
        assert!(!self.text.contains(text), "`{text}` in:\n{}", self.text);
        self
    }
}

#[tokio::test]
async fn every_page_is_there_and_names_its_parts() {
    let browser = Browser::new(Showcase::new());
    for (path, title) in [
        ("/queue", "Queue (5)"),
        ("/queue?view=agents", "No agent owes you anything"),
        ("/queue?view=decided", "1 decided handoff"),
        ("/queue?peek=H-7", "Queue (5)"),
        ("/h/H-7", "H-7 Backfill currency"),
        ("/h/H-7?revision=1", "H-7 Backfill currency"),
        (
            "/h/H-7/r/2/file?path=docs/runbook.md&base=1",
            "docs/runbook.md",
        ),
        ("/h/H-5/decided", "Approved, H-5"),
        ("/dead-letters", "1 handoff could not be read"),
        ("/messages", "Messages"),
        ("/activity", "Activity"),
        ("/help", "Keyboard shortcuts"),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        assert!(page.media_type.starts_with("text/html"), "{path}");
        page.has(&format!("<title>{title}"))
            .has("<html lang=\"en\">")
            .has("<main id=\"main\"")
            .has("href=\"#main\"");
        assert_eq!(
            page.text.matches("<h1").count(),
            1,
            "{path} has one heading"
        );
    }
    let root = browser.get("/").await;
    assert_eq!(
        (root.status, root.location.as_str()),
        (StatusCode::SEE_OTHER, "/queue")
    );
}

#[tokio::test]
async fn the_policy_fits_what_the_pages_hold() {
    let browser = Browser::new(Showcase::new());
    for path in [
        "/queue",
        "/h/H-7",
        "/h/H-13",
        "/h/H-5/decided",
        "/dead-letters",
        "/messages",
        "/activity",
    ] {
        let page = browser.get(path).await;
        let (_, nonce) = page.policy.split_once("'nonce-").unwrap();
        let nonce = nonce.split('\'').next().unwrap();
        assert_eq!(
            page.text.matches("<script").count(),
            page.text.matches(&format!("nonce=\"{nonce}\"")).count(),
            "{path}"
        );
        page.lacks(" style=")
            .lacks("<style")
            .lacks(" onclick=")
            .lacks("javascript:");
        for link in page
            .text
            .split("href=\"")
            .skip(1)
            .chain(page.text.split("src=\"").skip(1))
        {
            // Only where the operator says that evidence lies, and without a word of where one comes from.
            let is_evidence = link
                .split_once('"')
                .is_some_and(|(_, rest)| rest.starts_with(" rel=\"external noopener noreferrer\""));
            assert!(
                link.starts_with(['/', '#', '"']) || is_evidence,
                "{path} leads away: {}",
                &link[..60]
            );
        }
    }
}

#[tokio::test]
async fn what_an_agent_wrote_is_only_text() {
    let browser = Browser::new(Showcase::new());
    let raw = form_urlencoded::byte_serialize(format!("{}.md", sample::HOSTILE).as_bytes())
        .collect::<String>();
    for path in [
        "/queue",
        "/queue?peek=H-13",
        "/h/H-13",
        "/activity",
        &format!("/h/H-13/r/1/file?path={raw}"),
        &format!("/h/H-13/r/1/file?path={raw}&part=1"),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        page.has("‹U+202E›").has("7*7").lacks("<script>alert");
        page.lacks("\" onfocus=");
        assert!(
            !page.read_by_people().contains(['\u{202E}', '\u{200B}']),
            "{path}"
        );
    }
    let page = browser.get("/h/H-13/r/1/file?path=page.html").await;
    page.has("&lt;script&gt;alert(2)");
}

#[tokio::test]
async fn bytes_of_agents_are_never_a_page() {
    let browser = Browser::new(Showcase::new());
    let page = browser.get("/h/H-13/r/1/raw?path=page.html").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.media_type, "application/octet-stream");
    assert!(page.policy.contains("sandbox"), "{}", page.policy);
    let image = browser
        .get("/h/H-7/r/2/raw?path=charts/mismatch-by-region.png")
        .await;
    assert_eq!(image.media_type, "image/png");
    assert!(image.policy.contains("sandbox"), "{}", image.policy);
    let none = browser.get("/h/H-7/r/2/raw?path=../secret").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_decision_is_made_without_scripts() {
    let browser = Browser::new(Showcase::new());
    let page = browser.get("/h/H-7").await;
    let token = page.hidden("csrf");
    let draft = async |fields: &str| {
        let body = format!("csrf={token}&revision=2&{fields}");
        browser
            .send(Method::POST, "/h/H-7/comments", body, true)
            .await
    };
    let kept = draft("path=docs%2Frunbook.md&line=5&text=Say+so+here&send=later").await;
    assert_eq!(kept.location, "/h/H-7#d-d1");
    let wrong = draft("path=docs%2Frunbook.md&line=five&text=x&send=later").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = browser.get("/h/H-7").await;
    page.has("1 comment goes with your answer")
        .has("Your draft");
    let sent = browser
        .answer(
            "H-7",
            &page,
            &[("note", "Leave credit notes out"), ("answer", "changes")],
        )
        .await;
    assert_eq!(
        (sent.status, sent.location.as_str()),
        (StatusCode::SEE_OTHER, "/h/H-7/decided")
    );
    let decided = browser.get("/h/H-7/decided").await;
    decided
        .has("Changes requested")
        .has("Sent back to ledger-migrator")
        .has("Say so here")
        .has("&quot;line&quot;: 5")
        .has("<b>Recorded.</b>")
        .has("Next: ");
    browser.desk.deliver(HandoffId(7));
    browser.get("/h/H-7/decided").await.has("<b>Delivered.</b>");
    browser
        .get("/queue?view=agents")
        .await
        .has("1 handoff is with its agent");
    let closed = browser.get("/h/H-7").await;
    closed.lacks("id=\"decide\"").has("See the decision");
}

#[tokio::test]
async fn what_is_missing_is_said_and_what_was_typed_is_kept() {
    let browser = Browser::new(Showcase::new());
    let page = browser.get("/h/H-7").await;
    let fields = [("note", " "), ("answer", "reject")];
    let again = browser.answer("H-7", &page, &fields).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    again
        .has("<title>Error: H-7")
        .has("There is a problem")
        .has("href=\"#note\">Say why it is rejected")
        .has("aria-describedby=\"note-error\"");
    let person = Caller::Person(sample::maya());
    let row = browser.desk.row(&person, HandoffId(7)).await.unwrap();
    assert_eq!(row.state, "waiting");
}

#[tokio::test]
async fn an_answer_to_an_older_revision_is_not_recorded() {
    let browser = Browser::new(Showcase::new());
    let page = browser.get("/h/H-7").await;
    browser
        .desk
        .revise(HandoffId(7), "docs/runbook.md", b"# Rewritten\n");
    let fields = [("note", "Looks good to me"), ("answer", "approve")];
    let stale = browser.answer("H-7", &page, &fields).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    stale
        .has("Revision 3 arrived while you were answering revision 2")
        .has("Nothing was recorded")
        .has(">docs/runbook.md</a>")
        .has(">Looks good to me</textarea>")
        .has("Rewritten</h4>");
    assert_eq!(stale.hidden("revision"), "3");
    let sent = browser.answer("H-7", &stale, &fields).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    browser.get("/h/H-7/decided").await.has("revision 3");
}

#[tokio::test]
async fn of_a_query_that_is_too_long_only_a_part_is_shown() {
    let browser = Browser::new(Showcase::new());
    let page = browser
        .get(&format!("/search?q={}", "x".repeat(5_000)))
        .await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.has("<b>The query is longer than 4096 bytes.</b> Search for less");
    page.has(&format!("<mark>{}…</mark></code>", "x".repeat(200)));
}

#[tokio::test]
async fn what_an_agent_asks_is_answered_one_by_one() {
    let browser = Browser::new(Showcase::new());
    let page = browser.get("/h/H-7").await;
    page.has("It asks 2 things")
        .has("shell.run")
        .has("apply.sh");
    let fields = [
        ("answer", "each"),
        ("each.0.answer", "edit"),
        (
            "each.0.arguments",
            r#"{"command":"scripts/apply.sh","batch_size":50}"#,
        ),
        ("each.1.words", "Leave them out"),
    ];
    let missing = browser.answer("H-7", &page, &fields).await;
    assert_eq!(missing.status, StatusCode::UNPROCESSABLE_ENTITY);
    missing
        .has("Answer <code translate=\"no\">credit-notes</code> too")
        .has("Leave them out\"")
        .has("&quot;batch_size&quot;:50}</textarea>");
    let whole = [("answer", "reject"), ("note", "No"), ("each.1.words", "x")];
    let mixed = browser.answer("H-7", &missing, &whole).await;
    assert_eq!(mixed.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields: Vec<_> = fields
        .into_iter()
        .chain([("each.1.answer", "respond")])
        .collect();
    let sent = browser.answer("H-7", &missing, &fields).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    let caller = Caller::Person(sample::maya());
    let review = browser.desk.review(&caller, HandoffId(7), None, None);
    let decision = review.await.unwrap().decision.unwrap();
    assert_eq!(decision.comment.as_deref(), Some("Leave them out"));
    let edited = decision.answers[0].edited.as_ref().unwrap();
    assert_eq!(edited["arguments"]["batch_size"], 50);
    assert_eq!(decision.answers[1].request.as_deref(), Some("credit-notes"));
}

#[tokio::test]
async fn words_with_a_missing_part_for_an_older_revision_are_kept_too() {
    let browser = Browser::new(Showcase::new());
    let page = browser.get("/h/H-7").await;
    browser.desk.revise(HandoffId(7), "new.txt", b"x\n");
    let fields = [("note", "Almost"), ("answer", "changes")];
    let stale = browser.answer("H-7", &page, &fields).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    stale.has("Almost</textarea>").has("Revision 3 arrived");
}

#[tokio::test]
async fn the_second_answer_is_told_who_was_first() {
    let browser = Browser::new(Showcase::new());
    let page = browser.get("/h/H-9").await;
    browser.answer("H-9", &page, &[("answer", "approve")]).await;
    let late = browser
        .answer("H-9", &page, &[("note", "No, wait"), ("answer", "reject")])
        .await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    late.has("H-9 was already answered by Maya Okafor")
        .has("Your note, not sent")
        .has("No, wait")
        .lacks("id=\"decide\"");
}

#[tokio::test]
async fn a_form_without_its_token_or_from_nowhere_is_refused() {
    let browser = Browser::new(Showcase::new());
    let manifest = Digest::ZERO;
    let body = format!("answer=approve&revision=2&manifest_sha256={manifest}");
    let refused = browser
        .send(Method::POST, "/h/H-7/decision", body, true)
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    refused.has("This did not come from a page of ours");
    let page = browser.get("/h/H-7").await;
    let wrong = browser.answer("H-7", &page, &[("answer", "delete")]).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_comment_is_shown_to_everybody() {
    let browser = Browser::new(Showcase::new());
    let token = browser.get("/h/H-9").await.hidden("csrf");
    let body = format!("csrf={token}&text=Who+asked%0D%0Afor+this%3F");
    let sent = browser
        .send(Method::POST, "/h/H-9/comments", body, true)
        .await;
    assert_eq!(sent.location, "/h/H-9#t-1");
    browser
        .get("/h/H-9")
        .await
        .has("Who asked\nfor this?")
        .has("Maya Okafor");
    let body = format!("csrf={token}&text=+");
    let empty = browser
        .send(Method::POST, "/h/H-9/comments", body, true)
        .await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_thread_is_answered_resolved_and_opened_again() {
    let browser = Browser::new(Showcase::new());
    let page = browser.get("/h/H-7").await;
    page.has("Joined country_history instead.")
        .has("these lines changed since")
        .has("notes/old.md line 4")
        .has("3 threads are open");
    let token = page.hidden("csrf");
    let send = async |path: &str, fields: &str| {
        let body = format!("csrf={token}&{fields}");
        browser.send(Method::POST, path, body, true).await
    };
    let sent = send("/h/H-7/threads/1/comments", "text=Good.").await;
    assert_eq!(sent.location, "/h/H-7#t-1");
    send("/h/H-7/threads/1/resolve", "").await;
    let resolved = browser.get("/h/H-7").await;
    resolved.has("Good.").has("2 threads are open");
    send("/h/H-7/threads/1/reopen", "").await;
    browser.get("/h/H-7").await.has("3 threads are open");
    let none = send("/h/H-7/threads/9/resolve", "").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_file_is_ticked_off_without_scripts() {
    let browser = Browser::new(Showcase::new());
    let page = browser.get("/h/H-7").await;
    page.has("<b data-viewed>0</b>");
    let token = page.hidden("csrf");
    let (_, tick) = page.text.split_once("name=\"tick\" value=\"").unwrap();
    let tick = tick.split('"').next().unwrap();
    assert!(tick.starts_with("1 "), "{tick}");
    let off = format!("0{}", &tick[1..]);
    for (tick, viewed) in [(tick, 1), (off.as_str(), 0)] {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let body = form
            .append_pair("csrf", &token)
            .append_pair("tick", tick)
            .finish();
        let sent = browser.send(Method::POST, "/h/H-7/ticks", body, true).await;
        assert!(sent.location.starts_with("/h/H-7#f-"), "{}", sent.location);
        let page = browser.get("/h/H-7").await;
        page.has(&format!("<b data-viewed>{viewed}</b>"));
    }
}

#[tokio::test]
async fn a_batch_is_checked_first_and_each_gets_its_own_result() {
    let browser = Browser::new(Showcase::new());
    for number in [11, 13] {
        let mut state = browser.desk.lock();
        let card = state.cards.get_mut(&number).unwrap();
        card.review.checks.retain(|check| check.ok);
        card.review.row.risk.level = crate::desk::RiskLevel::Low;
    }
    let queue = browser.get("/queue").await;
    queue.has("name=\"id\" value=\"H-9\"");
    let page = browser.get("/batch?id=H-7&id=H-13&id=H-11&id=H-999").await;
    page.has("left out")
        .has("is of high risk and needs its own look");
    page.lacks("H-999");
    let values: Vec<String> = page
        .text
        .split("name=\"item\" value=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect();
    assert!(values.len() >= 2, "{}", page.text);
    let token = page.csrf();
    let moved: HandoffId = values[0].split(' ').next().unwrap().parse().unwrap();
    browser.desk.revise(moved, "new.txt", b"x\n");
    let send = async |what: &str| {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", &token).append_pair("do", what);
        for value in &values {
            form.append_pair("item", value);
        }
        let high = format!("H-7 2 {}", Digest::ZERO);
        form.append_pair("other", &high);
        browser
            .send(Method::POST, "/batch", form.finish(), true)
            .await
    };
    let done = send("approve").await;
    let all = values.len();
    done.has(&format!("{} of {all} handoffs done", all - 1));
    done.has(&format!("{moved} has revision"));
    let person = Caller::Person(sample::maya());
    let row = browser.desk.row(&person, HandoffId(7)).await.unwrap();
    assert_eq!(row.state, "waiting", "what was left out is not approved");
    let unknown = send("delete").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn only_the_answers_that_can_be_given_are_shown() {
    let browser = Browser::new(Showcase::new());
    let page = browser.get("/h/H-12").await;
    page.has("value=\"respond\"").has("value=\"reject\"");
    page.lacks("value=\"approve\"").lacks("value=\"changes\"");
    page.has("agent fell silent")
        .has("No files came with this handoff");
    let old = browser.get("/h/H-7?revision=1").await;
    old.lacks("id=\"decide\"")
        .has("This is revision 1. The newest is 2.");
}

#[tokio::test]
async fn long_files_come_on_request_and_work_as_a_page() {
    let browser = Browser::new(Showcase::new());
    let page = browser.get("/h/H-11").await;
    page.has("Show 700 lines").lacks("A line of the pack");
    let part = browser
        .get("/h/H-11/r/1/file?path=pack.md&view=source&part=1")
        .await;
    part.has("data-line=\"700\"").lacks("<html");
    browser
        .get("/h/H-11/r/1/file?path=pack.md&view=source")
        .await
        .has("data-line=\"700\"")
        .has("<html");
}

#[tokio::test]
async fn a_moment_with_a_name_is_a_base_like_any_other() {
    let browser = Browser::new(Showcase::new());
    let page = browser.get("/h/H-7?base=%40last-revision").await;
    page.has("value=\"@last-revision\" selected")
        .has("&amp;base=%40last-revision&amp;diff=split");
    let start = browser.get("/h/H-7?base=%40start").await;
    start
        .has("Changed since the start")
        .has("Nothing was handed over by then");
    let unknown = browser.get("/h/H-7?base=%40my-last-reviw").await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    unknown.has("did you mean");
}

#[tokio::test]
async fn nobody_is_told_how_to_get_in_and_nothing_else() {
    let browser = Browser::new(Showcase::new());
    for path in [
        "/queue",
        "/h/H-7",
        "/h/H-7/r/2/raw?path=notes.tmp",
        "/activity",
        "/help",
    ] {
        let page = browser.send(Method::GET, path, String::new(), false).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{path}");
        page.has("countersign open")
            .lacks("Backfill")
            .lacks("Sign out");
    }
    let path = format!("/start?t={START_TOKEN}");
    let start = browser.send(Method::GET, &path, String::new(), false).await;
    assert_eq!(
        (start.status, start.location.as_str()),
        (StatusCode::SEE_OTHER, "/")
    );
}

#[tokio::test]
async fn what_is_not_there_is_a_page_that_leads_on() {
    let browser = Browser::new(Showcase::new());
    for path in [
        "/h/H-999",
        "/h/x",
        "/h/H-7?revision=9",
        "/nothing",
        "/h/H-9/decided",
        "/assets/app.css",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        page.has("There is nothing here").has("href=\"/queue\"");
    }
}

#[tokio::test]
async fn an_empty_desk_says_how_to_begin() {
    let browser = Browser::new(Showcase::empty());
    let page = browser.get("/queue").await;
    page.has("What is ready")
        .has("/srv/work/billing-backfill")
        .has("handoff.json");
    page.lacks("Dead letters");
    browser
        .get("/dead-letters")
        .await
        .has("Everything could be read");
    browser
        .get("/activity")
        .await
        .has("Nothing has happened yet");
}

#[tokio::test]
async fn looking_is_noted_by_a_post_of_the_page_and_by_no_get() {
    let browser = Browser::new(Showcase::new());
    browser.get("/queue?peek=H-7").await;
    browser
        .send(Method::HEAD, "/h/H-7", String::new(), true)
        .await;
    let page = browser.get("/h/H-7").await;
    assert_eq!(browser.desk.views(), 0);
    let mut form = form_urlencoded::Serializer::new(String::new());
    for name in ["csrf", "revision", "manifest_sha256"] {
        form.append_pair(name, &page.hidden(name));
    }
    let noted = browser
        .send(Method::POST, "/h/H-7/viewed", form.finish(), true)
        .await;
    assert!(noted.status.as_u16() < 400, "{}", noted.status);
    assert_eq!(browser.desk.views(), 1);
}

#[tokio::test]
async fn assets_carry_their_digest_and_stay_in_the_cache() {
    let browser = Browser::new(Showcase::new());
    let page = browser
        .send(Method::GET, "/queue", String::new(), false)
        .await;
    let urls: Vec<_> = page
        .text
        .split('"')
        .filter(|part| part.starts_with("/assets/"))
        .collect();
    assert_eq!(urls.len(), 4);
    for url in urls {
        let asset = browser.send(Method::GET, url, String::new(), false).await;
        assert_eq!(asset.status, StatusCode::OK, "{url}");
        assert!(!asset.text.is_empty(), "{url}");
    }
}

#[tokio::test]
async fn links_work_for_whoever_is_signed_in() {
    let browser = Browser::new(Showcase::new());
    let known = browser.get("/queue").await.csrf();
    for link in [
        format!("/invitation?t={INVITATION}"),
        format!("/workspaces/claim?t={CLAIM}"),
        format!("/outside?t={OUTSIDE}"),
        format!("/mail/stop?t={LINK}"),
        format!("/h/H-7/confirm?t={LINK}"),
    ] {
        let page = browser.get(&link).await;
        assert_eq!(page.status, StatusCode::OK, "{link}");
        let forms = page.text.split("<form").skip(1);
        let mut forms = forms
            .filter(|form| form.contains("method=\"post\""))
            .peekable();
        assert!(forms.peek().is_some(), "{link}");
        let token = format!("name=\"csrf\" value=\"{known}\"");
        assert!(forms.all(|form| form.contains(&token)), "{link}");
    }
}
