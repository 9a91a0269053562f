//! Pages in headless Chromium, with the real program behind them.

mod script;

use std::path::Path;

use countersign_protocol::{Digest, HandoffId, decision::Outcome, principal::Method};
use countersign_tests::{
    agent::{Care, Delivery, put},
    bed::TestBed,
    repo,
    smtp::Smtp,
    wait,
    webdriver::{Browser, Driver, Look, key},
};
use serde_json::{Value, json};

/// The program with work in it, and browsers to look at it.
struct Scene {
    driver: Driver,
    bed: TestBed,
}

impl Scene {
    fn start() -> Self {
        Self {
            driver: Driver::start(),
            bed: TestBed::start(),
        }
    }

    /// Hands over a report with one file.
    fn hand_over(&self, folder: &str, title: &str, text: &str) -> (HandoffId, Delivery) {
        let agent = self.bed.agent("report-writer");
        let package = agent
            .package(title)
            .with("task_id", folder)
            .with(
                "summary",
                "Figures from the July and August closes, text from the template.",
            )
            .with("confidence", 0.86)
            .with("x-length", text.len())
            .file("report.md", text);
        let delivery = agent
            .write(folder, &package, Care::Rename)
            .expect("the workspace is writable");
        (delivery.receipt().handoff_id, delivery)
    }

    /// A browser that came in by a start link.
    fn signed_in(&self, look: Look) -> Browser {
        let made = self
            .bed
            .http()
            .push("/api/v1/start-links", &json!({}))
            .expect(201)
            .json();
        let browser = self.driver.open(look);
        browser.go(made["url"].as_str().expect("a link"));
        browser.arrives("/queue");
        assert!(
            !browser.url().contains("t="),
            "the link is not in the address: {}",
            browser.url()
        );
        browser
    }
}

/// Stops unless the browser has nothing to complain about, for example a broken security policy.
fn no_complaints(browser: &Browser) {
    assert_eq!(browser.console_errors(), Vec::<String>::new());
}

#[test]
fn a_person_decides_with_the_keyboard_alone() {
    let scene = Scene::start();
    let (id, delivery) = scene.hand_over("q3", "Draft the Q3 risk summary", "# Risks\n\nNone.\n");
    let browser = scene.signed_in(Look::default());
    browser.says("Draft the Q3 risk summary");
    browser.press(&['j']);
    browser.press(&[key::ENTER]);
    browser.arrives(&format!("/h/{id}"));
    browser.says("Risks");
    // The key opens the form and decides nothing.
    browser.press(&['r']);
    browser.write("Say what it costs");
    assert_eq!(scene.bed.reviewer().row(id)["state"], "waiting");
    browser.press(&[key::CONTROL, key::ENTER]);
    let decision = delivery.decision(1);
    assert_eq!(decision.outcome, Outcome::ChangesRequested);
    assert_eq!(decision.comment.as_deref(), Some("Say what it costs"));
    browser.arrives("/decided");
    no_complaints(&browser);

    let (_, delivery) = scene.hand_over(
        "q3",
        "Draft the Q3 risk summary",
        "# Risks\n\nIt costs 7.\n",
    );
    assert_eq!(delivery.receipt().revision, 2);
    browser.press(&['g']);
    browser.press(&['q']);
    browser.says("Draft the Q3 risk summary");
    browser.press(&['j']);
    browser.press(&[key::ENTER]);
    browser.arrives(&format!("/h/{id}"));
    browser.says("It costs 7.");
    browser.press(&['a']);
    browser.press(&[key::CONTROL, key::ENTER]);
    assert_eq!(delivery.decision(2).outcome, Outcome::Approved);
    no_complaints(&browser);
}

#[test]
fn a_second_browser_sees_the_change_live() {
    let scene = Scene::start();
    let first = scene.signed_in(Look::default());
    let second = scene.signed_in(Look::default());
    let (id, _) = scene.hand_over("q3", "Draft the Q3 risk summary", "# Risks\n");
    // An empty queue fills by itself; in a list nothing may jump under the pointer.
    first.says("Draft the Q3 risk summary");
    second.says("Draft the Q3 risk summary");
    scene.hand_over(
        "disputes",
        "Reply to 14 supplier disputes",
        "Dear Sir or Madam\n",
    );
    second.says("1 new, show");
    second.go(&format!("{}/h/{id}", scene.bed.endpoint().url));
    second.says("Risks");
    // A newer revision arrives under the eyes of the second, and the first decides it.
    scene.hand_over("q3", "Draft the Q3 risk summary", "# Other risks\n");
    second.says("Revision 2");
    first.go(&format!("{}/h/{id}", scene.bed.endpoint().url));
    first.says("Other risks");
    first.press(&['a']);
    first.press(&[key::CONTROL, key::ENTER]);
    first.arrives("/decided");
    wait::until("the second to see the decision", || {
        second
            .text()
            .to_lowercase()
            .contains("approved")
            .then_some(())
    });
    assert!(
        second.all("form#decide button:not([disabled])").is_empty(),
        "it can still be answered"
    );
    no_complaints(&first);
    no_complaints(&second);
}

#[test]
fn everything_works_without_javascript() {
    let scene = Scene::start();
    let (id, delivery) = scene.hand_over("q3", "Draft the Q3 risk summary", "# Risks\n");
    let browser = scene.signed_in(Look {
        scripts: false,
        ..Look::default()
    });
    browser.find(&format!("a[href='/h/{id}']")).click();
    browser.says("Risks");
    // Without words a change request comes back with an explanation, and what was typed is kept.
    browser.find("form#decide button[value=changes]").click();
    browser.says("There is a problem");
    browser.find("#note").write("Say what it costs");
    browser.find("form#decide button[value=changes]").click();
    assert_eq!(
        delivery.decision(1).comment.as_deref(),
        Some("Say what it costs")
    );
    let (_, second) = scene.hand_over("q3", "Draft the Q3 risk summary", "# Risks, with costs\n");
    browser.go(&format!("{}/h/{id}", scene.bed.endpoint().url));
    browser.find("form#decide button[value=approve]").click();
    assert_eq!(second.decision(2).outcome, Outcome::Approved);
}

/// Presses Enter in each field of the answer form. Nothing is decided by it, and the page stays.
fn enter_decides_nothing(look: Look) {
    let has_scripts = look.scripts;
    let driver = Driver::start();
    let mut bed = TestBed::prepare().configured(
        "[[reason]]\nname = \"no-source\"\nwords = \"{which figure} has no source.\"\nanswers = [\"changes\"]\n",
    );
    bed.up();
    let scene = Scene { driver, bed };
    let agent = scene.bed.agent("mailer");
    let requests = json!([
        { "id": "mail", "kind": "approve_action", "action": { "name": "send", "arguments": { "to": "ana" } } },
        { "id": "seats", "kind": "input", "response_schema": {
            "type": "object",
            "properties": { "seats": { "type": "integer" }, "window": { "type": "boolean" } },
        } },
    ]);
    let package = agent
        .package("A mail and seats")
        .with("task_id", "seats")
        .with("confidence", 0.9)
        .with("requests", requests);
    let delivery = agent
        .write("seats", &package, Care::Rename)
        .expect("it is writable");
    let id = delivery.receipt().handoff_id;
    let browser = scene.signed_in(look);
    browser.go(&format!("{}/h/{id}", scene.bed.endpoint().url));
    browser.says("A mail and seats");
    let address = browser.url();
    let fields = "input:not([type=hidden]), select";
    let fields = format!("form#decide :is({fields}), :is({fields})[form=decide]");
    let count = browser.all(&fields).len();
    assert!(count >= 7, "{count} fields");
    for at in 0..count {
        // Those that are folded away are opened by their summary, as a person does it.
        for summary in browser.all("form#decide details:not([open]) > summary") {
            summary.click();
        }
        browser.all(&fields)[at].write(&key::ENTER.to_string());
        // Without the script Enter on a tick shows the page once more.
        browser.says("A mail and seats");
    }
    if has_scripts {
        assert_eq!(browser.url(), address);
    }
    assert_eq!(scene.bed.reviewer().row(id)["state"], "waiting");
}

#[test]
fn enter_in_fields_decides_nothing() {
    enter_decides_nothing(Look::default());
}

#[test]
fn enter_decides_nothing_without_javascript() {
    enter_decides_nothing(Look {
        scripts: false,
        ..Look::default()
    });
}

#[test]
fn escape_takes_the_pick_back() {
    let scene = Scene::start();
    let (id, delivery) = scene.hand_over("q3", "Draft the Q3 risk summary", "# Risks\n");
    let browser = scene.signed_in(Look::default());
    browser.go(&format!("{}/h/{id}", scene.bed.endpoint().url));
    browser.says("Risks");
    browser.press(&['a']);
    browser.says("Ctrl Enter sends: Approve");
    browser.press(&[key::ESCAPE]);
    browser.find("#note").write("I have doubts");
    browser.press(&[key::CONTROL, key::ENTER]);
    browser.says("Choose an answer first.");
    assert_eq!(scene.bed.reviewer().row(id)["state"], "waiting");
    // Another pick is sent as before.
    browser.press(&[key::ESCAPE]);
    browser.press(&['r']);
    browser.press(&[key::CONTROL, key::ENTER]);
    assert_eq!(delivery.decision(1).outcome, Outcome::ChangesRequested);
}

#[test]
fn typed_answer_is_given_by_form() {
    let scene = Scene::start();
    let agent = scene.bed.agent("traveller");
    let schema = json!({
        "type": "object",
        "required": ["seats"],
        "properties": {
            "seats": { "type": "integer", "title": "How many seats", "maximum": 9 },
            "class": { "enum": ["first", "second"] },
        },
    });
    let requests = json!([{ "id": "trip", "kind": "input", "prompt": "Which seats?", "response_schema": schema }]);
    let package = agent
        .package("Book the trip")
        .with("task_id", "trip")
        .with("confidence", 0.9)
        .with("requests", requests);
    let delivery = agent
        .write("trip", &package, Care::Rename)
        .expect("it is writable");
    let id = delivery.receipt().handoff_id;
    let browser = scene.signed_in(Look::default());
    browser.go(&format!("{}/h/{id}", scene.bed.endpoint().url));
    browser.says("How many seats");
    assert!(browser.all(".decide [value=approve]").is_empty());
    browser
        .find("[name='each.0.answer'] [value=respond]")
        .click();
    browser.find("[name='each.0.field.0']").write("10");
    browser.find("[name='each.0.field.1'] [value='1']").click();
    browser.find("[value=each]").click();
    browser.says("10 is greater than the maximum of 9");
    // What was typed is kept.
    let kept = browser.run("return document.querySelector(\"[name='each.0.field.0']\").value");
    assert_eq!(kept, "10");
    browser
        .find("[name='each.0.field.0']")
        .write("\u{e003}\u{e003}2");
    browser.find("[value=each]").click();
    let decision = delivery.decision(1);
    assert_eq!(decision.outcome, Outcome::Responded);
    let value = json!({ "seats": 2, "class": "second" });
    assert_eq!(decision.answers[0].value, Some(value));
}

#[test]
fn what_an_agent_writes_is_inert() {
    let scene = Scene::start();
    let evil =
        "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">";
    let agent = scene.bed.agent("mallory");
    let package = agent
        .package(evil)
        .with("summary", evil)
        .with("reason", evil)
        .with("questions", vec![evil])
        .with("completed", vec![evil])
        .file("page.html", evil)
        .file("picture.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>parent.document.title='owned'</script></svg>")
        .file("notes.md", format!("[x](javascript:document.title='owned')\n{evil}"));
    let delivery = agent
        .write("evil", &package, Care::Rename)
        .expect("written");
    let id = delivery.receipt().handoff_id;
    let browser = scene.signed_in(Look::default());
    let base = scene.bed.endpoint().url.clone();
    for path in [
        "/queue".to_owned(),
        format!("/h/{id}"),
        "/activity".to_owned(),
    ] {
        browser.go(&format!("{base}{path}"));
        browser.says("mallory");
        assert_ne!(browser.run("return document.title"), "owned", "{path}");
        no_complaints(&browser);
    }
    for file in ["page.html", "picture.svg"] {
        browser.go(&format!("{base}/h/{id}/r/1/file?path={file}"));
        assert_ne!(browser.run("return document.title"), "owned", "{file}");
        let raw = scene
            .bed
            .http()
            .fetch(&format!("/h/{id}/r/1/raw?path={file}"));
        if raw.status == 200 {
            assert_eq!(raw.header("x-content-type-options"), Some("nosniff"));
            assert!(
                raw.header("content-security-policy")
                    .is_some_and(|csp| csp.contains("sandbox"))
            );
        }
    }
}

/// Two agents want the same file: one has it, the other is in line.
fn contend(scene: &Scene) {
    let take = |agent: &str, path: &str, wait: Value| {
        let mut wish = json!({ "workspace": "work", "path": path, "agent": agent, "reason": "render batch 7" });
        if !wait.is_null() {
            wish["wait_seconds"] = wait;
        }
        scene.bed.http().push("/api/v1/locks", &wish)
    };
    assert_eq!(take("media-renderer", "frames/", Value::Null).status, 201);
    assert_eq!(take("patch-runner", "frames/7/*.png", json!(0)).status, 202);
}

#[test]
fn a_lock_is_asked_for_and_broken_on_its_page() {
    let scene = Scene::start();
    let browser = scene.signed_in(Look::default());
    browser.go(&format!("{}/locks", scene.bed.endpoint().url));
    browser.says("No lock is held");
    // It fills by itself.
    contend(&scene);
    browser.says("1 lock held");
    browser.says("render batch 7");
    browser.says("Waiting in line");
    assert!(
        browser
            .find("tr[id^=L-] td:nth-child(8)")
            .text()
            .contains("patch-runner")
    );
    browser.find("form[action$='/ask'] button").click();
    browser.says("Robin Reviewer asks to release");
    browser.find("details.breaker summary").click();
    browser
        .find("input[name=reason]")
        .write("the renderer hangs");
    // What is typed is not swept away by news.
    let wish = json!({ "workspace": "work", "path": "notes.md", "agent": "writer" });
    let more = scene.bed.http().push("/api/v1/locks", &wish);
    assert_eq!(more.status, 201);
    browser.says("The list may have changed");
    browser.find("form[action$='/break'] button").click();
    browser.says("2 locks held");
    assert!(
        !browser.text().contains("media-renderer"),
        "{}",
        browser.text()
    );
    let list = scene.bed.http().fetch("/api/v1/locks").json();
    assert_eq!(list["locks"][0]["owner"], "patch-runner");
    browser.press(&['g']);
    browser.press(&['a']);
    browser.says("the renderer hangs");
    no_complaints(&browser);
}

#[test]
fn locks_are_asked_for_and_broken_without_javascript() {
    let scene = Scene::start();
    contend(&scene);
    let browser = scene.signed_in(Look {
        scripts: false,
        ..Look::default()
    });
    browser.go(&format!("{}/locks", scene.bed.endpoint().url));
    browser.find("form[action$='/ask'] button").click();
    browser.says("asks to release");
    browser.find("details.breaker summary").click();
    browser
        .find("input[name=reason]")
        .write("the renderer hangs");
    browser.find("form[action$='/break'] button").click();
    browser.says("1 lock held");
    let list = scene.bed.http().fetch("/api/v1/locks").json();
    assert_eq!(list["locks"][0]["owner"], "patch-runner");
}

#[test]
fn nobody_comes_in_without_a_link_and_a_link_is_good_once() {
    let scene = Scene::start();
    let base = scene.bed.endpoint().url.clone();
    let stranger = scene.driver.open(Look::default());
    stranger.go(&format!("{base}/queue"));
    assert!(
        !stranger.text().contains("Your turn"),
        "{}",
        stranger.text()
    );
    let made = scene
        .bed
        .http()
        .push("/api/v1/start-links", &json!({}))
        .expect(201)
        .json();
    let link = made["url"].as_str().expect("a link").to_owned();
    let browser = scene.driver.open(Look::default());
    browser.go(&link);
    browser.arrives("/queue");
    stranger.go(&link);
    assert!(!stranger.url().ends_with("/queue"), "{}", stranger.url());
}

#[test]
fn the_pages_look_right_at_both_widths_in_light_and_dark() {
    let scene = Scene::start();
    let text = "# Board pack, Q3\n\nRevenue rose by 4 %.\nCosts rose by 2 %.\n\n## Outlook\n\nWe expect more of the same.\n";
    let (id, _) = scene.hand_over("board-pack", "Q3 board pack, draft for sign-off", text);
    scene.bed.reviewer().decide(
        id,
        Outcome::ChangesRequested,
        "Say why costs rose, and name the quarter.",
    );
    let better = text.replace(
        "Costs rose by 2 %.",
        "Costs rose by 2 %, most of it energy (see table 3).\nThe quarter is July to September.",
    );
    scene.hand_over("board-pack", "Q3 board pack, draft for sign-off", &better);
    scene.hand_over(
        "disputes",
        "Reply to 14 supplier disputes",
        "Dear Sir or Madam\n",
    );
    scene.hand_over(
        "invoices",
        "Backfill the currency on 48,211 invoices",
        "update invoices set currency = 'EUR'\n",
    );
    contend(&scene);
    for (width, height) in [(1440, 900), (390, 844)] {
        for dark in [false, true] {
            let browser = scene.signed_in(Look {
                width,
                height,
                dark,
                scripts: true,
            });
            for (page, path) in [
                ("queue", "/queue".to_owned()),
                ("review", format!("/h/{id}")),
                ("locks", "/locks".to_owned()),
            ] {
                browser.go(&format!("{}{path}", scene.bed.endpoint().url));
                browser.says(if page == "locks" {
                    "render batch 7"
                } else {
                    "Q3 board pack"
                });
                let overflow =
                    browser.run("return document.documentElement.scrollWidth - innerWidth");
                assert!(
                    overflow.as_i64().unwrap_or(0) <= 0,
                    "{page} at {width}: scrolls sideways by {overflow}"
                );
                let scheme = if dark { "dark" } else { "light" };
                let picture = browser.screenshot();
                let name = format!("target/screenshots/{page}-{width}-{scheme}.png");
                keep(&repo::root().join(name), &picture);
                let is_shown = matches!(
                    (page, width, dark),
                    ("review" | "queue", 1440, false) | ("locks", 1440, true)
                );
                if is_shown && std::env::var_os("UPDATE_SCREENSHOTS").is_some() {
                    let name = format!("docs/screenshots/{page}.png");
                    keep(&repo::root().join(name), &picture);
                }
            }
            no_complaints(&browser);
        }
    }
}

/// From the mail to the file in the agent's folder, with nobody signed in.
#[test]
fn a_person_decides_by_the_link_in_a_mail() {
    let smtp = Smtp::kind();
    let text = smtp.section("")
        + "[[person]]\nid = \"maya\"\nname = \"Maya Okafor\"\nemail = \"maya@example.org\"\n\
           [[route]]\nname = \"all\"\nto = [\"maya\"]\n";
    let mut bed = TestBed::prepare().configured(&text);
    bed.up();
    let scene = Scene {
        driver: Driver::start(),
        bed,
    };
    let (id, delivery) = scene.hand_over("q3", "Draft the Q3 risk summary", "# Risks\n\nNone.\n");
    let link = smtp.takes(1)[0].link("confirm?d=approve");
    let looks = [(1440, false), (1440, true), (390, false), (390, true)];
    for (width, dark) in looks {
        let reader = scene.driver.open(Look {
            width,
            height: 844,
            dark,
            scripts: !dark,
        });
        reader.go(&link);
        reader.says("Approve “Draft the Q3 risk summary”?");
        reader.says("Opening this page changed nothing.");
        let overflow = reader.run("return document.documentElement.scrollWidth - innerWidth");
        assert!(overflow.as_i64().unwrap_or(0) <= 0, "{width}: {overflow}");
        let scheme = if dark { "dark" } else { "light" };
        let name = format!("target/screenshots/confirm-{width}-{scheme}.png");
        keep(&repo::root().join(name), &reader.screenshot());
        no_complaints(&reader);
    }
    assert_eq!(scene.bed.reviewer().row(id)["state"], "waiting");
    let reader = scene.driver.open(Look::default());
    reader.go(&link);
    reader.find("textarea[name=note]").write("Well done");
    reader.find("main form button").click();
    reader.says(&format!("{id} was approved"));
    let decision = delivery.decision(1);
    assert_eq!(decision.outcome, Outcome::Approved);
    assert_eq!(decision.comment.as_deref(), Some("Well done"));
    assert_eq!(decision.decided_by.method, Method::EmailLink);
    assert_eq!(decision.decided_by.display, "Maya Okafor");
    // The same link once more, in the same browser: it says why it does nothing.
    reader.go(&link);
    reader.says("This link was used before");
    smtp.stop();
}

fn keep(path: &Path, picture: &[u8]) {
    put(path, picture, Care::Plain).expect("the picture can be kept");
}

/// Serves one page at a port of its own, as an agent does with a preview; gives what browsers send to it.
fn preview() -> (String, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    use std::io::{Read as _, Write as _};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = std::sync::Arc::clone(&heard);
    std::thread::spawn(move || {
        // Browsers open connections ahead, so none may wait for another.
        for mut stream in listener.incoming().flatten() {
            let told = std::sync::Arc::clone(&told);
            std::thread::spawn(move || {
                let mut bytes = [0; 8192];
                let length = stream.read(&mut bytes).unwrap_or(0);
                let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                told.lock().expect("nobody panicked").push(text);
                let answer =
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 7\r\n\r\npreview";
                let _ = stream.write_all(answer.as_bytes());
            });
        }
    });
    (format!(":{port}/preview"), heard)
}

#[test]
fn a_preview_at_another_port_gets_no_session() {
    let scene = Scene::start();
    let (id, _) = scene.hand_over("q3", "Draft the Q3 risk summary", "# Risks\n");
    let browser = scene.signed_in(Look::default());
    let own = browser.url();
    assert!(
        own.starts_with("http://cs-") && own.contains(".localhost:"),
        "{own}"
    );
    let (preview, heard) = preview();
    for host in ["127.0.0.1", "localhost", "other.localhost"] {
        browser.follow(&format!("http://{host}{preview}"));
        browser.says("preview");
    }
    let heard = heard.lock().expect("nobody panicked").join("\n");
    assert!(heard.contains("GET /preview"), "{heard}");
    assert!(!heard.to_lowercase().contains("cookie:"), "{heard}");
    assert!(
        !heard.contains("cs-"),
        "the name of the own host is told: {heard}"
    );
    // Who has the cookie all the same, and makes the form token of it, changes nothing: the page has a key besides.
    browser.follow(&format!("{own}?"));
    browser.says("Draft the Q3 risk summary");
    let cookies = browser.devtools("Network.getCookies", &json!({}));
    let cookies = cookies["cookies"].as_array().expect("cookies").iter();
    let session = cookies
        .filter(|cookie| cookie["httpOnly"] == true)
        .find_map(|cookie| Some((cookie["name"].as_str()?, cookie["value"].as_str()?)));
    let (name, secret) = session.expect("a session");
    let token = Digest::of(format!("countersign-csrf-v1\0{secret}").as_bytes()).to_string();
    let manifest = scene.bed.reviewer().row(id)["manifest_sha256"].clone();
    let decision = json!({ "revision": 1, "manifest_sha256": manifest, "outcome": "approved" });
    let cookie = format!("{name}={secret}");
    for (method, path, status) in [
        ("GET", format!("/api/v1/handoffs/{id}"), 200),
        ("POST", format!("/api/v1/handoffs/{id}/decision"), 403),
    ] {
        let headers = [
            ("cookie", cookie.as_str()),
            ("x-csrf-token", token.as_str()),
            ("content-type", "application/json"),
        ];
        let body = decision.to_string();
        let told = scene
            .bed
            .stranger()
            .send(method, &path, &headers, body.as_bytes());
        let told = told.expect("an answer");
        assert_eq!(told.status, status, "{method} {path}: {}", told.text());
    }
    // A page that anybody may open is opened there as well, where it is known who is signed in.
    browser.follow(&format!("{}/help", scene.bed.endpoint().url));
    wait::until("the own host", || {
        browser.url().starts_with("http://cs-").then_some(())
    });
    // A link as it stands in mails and receipts leads on, by a script that remembers the way.
    browser.follow(&format!("{}/h/{id}", scene.bed.endpoint().url));
    browser.says("Risks");
    assert!(browser.url().starts_with("http://cs-"), "{}", browser.url());
}
