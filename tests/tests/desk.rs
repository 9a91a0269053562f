//! The reviewer's desk in headless Chromium, with the real program behind it: everything that a day at it
//! needs, with the keyboard, without scripts, and for people who cannot see the page.

use std::path::Path;

use countersign_protocol::{HandoffId, decision::Outcome};
use countersign_tests::{
    agent::{Care, Delivery, put},
    axe,
    bed::TestBed,
    repo, wait,
    webdriver::{Browser, Driver, Look, key},
};
use serde_json::json;

const LINES: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";

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

    /// Hands over a text, a table and a picture, at a stated confidence.
    fn hand_over(&self, folder: &str, text: &str, confidence: f64) -> (HandoffId, Delivery) {
        let agent = self.bed.agent("report-writer");
        let package = agent
            .package(&format!("Work on {folder}"))
            .with("task_id", folder)
            .with("confidence", confidence)
            .with("summary", "What was asked for.")
            .with("x-length", text.len())
            .file("notes.txt", text)
            .file("figures.csv", "id,amount\n1,20\n2,30\n");
        let delivery = agent
            .write(folder, &package, Care::Rename)
            .expect("the workspace is writable");
        (delivery.receipt().handoff_id, delivery)
    }

    /// Hands over an action that can be changed, and a question.
    fn ask_two_things(&self) -> HandoffId {
        let agent = self.bed.agent("mailer");
        let requests = json!([
            { "id": "mail", "kind": "approve_action", "prompt": "Send the mail", "artifacts": ["mail.txt"],
              "action": { "name": "send_mail", "arguments": { "to": "ana@example.org" } } },
            { "id": "colour", "kind": "question", "prompt": "Which colour?" },
        ]);
        let package = agent
            .package("A mail and a colour")
            .with("task_id", "mails")
            .with("confidence", 0.9)
            .with("requests", requests)
            .file("mail.txt", "Dear Ana\n");
        let delivery = agent
            .write("mails", &package, Care::Rename)
            .expect("the workspace is writable");
        delivery.receipt().handoff_id
    }

    fn open(&self, look: Look) -> Browser {
        let made = self.bed.http().push("/api/v1/start-links", &json!({}));
        let browser = self.driver.open(look);
        browser.go(made.expect(201).json()["url"].as_str().expect("a link"));
        browser.arrives("/queue");
        browser
    }

    fn go(&self, browser: &Browser, path: &str) {
        browser.go(&format!("{}{path}", self.bed.endpoint().url));
    }
}

fn no_complaints(browser: &Browser) {
    assert_eq!(browser.console_errors(), Vec::<String>::new());
}

/// A comment at lines is kept, outlives the program, goes with the answer, and is found beside the change.
fn a_thread_from_draft_to_answer(scripts: bool) {
    let mut scene = Scene::start();
    let (id, first) = scene.hand_over("q3", LINES, 0.9);
    // High enough that the bar of the decision covers nothing.
    let look = Look {
        scripts,
        height: 2_400,
        ..Look::default()
    };
    let browser = scene.open(look);
    scene.go(&browser, &format!("/h/{id}"));
    if scripts {
        browser
            .find("article[data-path='notes.txt'] td[data-line='3']")
            .click();
        browser.find("tr.c textarea[name=text]").write("Why three?");
        browser.find("tr.c button[value=later]").click();
    } else {
        browser
            .find("article[data-path='notes.txt'] details.say > summary")
            .click();
        browser
            .find("article[data-path='notes.txt'] input[name=line]")
            .write("3");
        browser
            .find("article[data-path='notes.txt'] details.say textarea")
            .write("Why three?");
        browser
            .find("article[data-path='notes.txt'] button[value=later]")
            .click();
    }
    browser.says("1 comment goes with your answer");
    // The daemon may die meanwhile; the draft is on its disk.
    scene.bed.restart();
    drop(browser);
    let browser = scene.open(look);
    scene.go(&browser, &format!("/h/{id}"));
    browser.says("Why three?");
    browser.find("article[data-path='notes.txt'] .tick").click();
    if scripts {
        wait::until("the count of viewed files", || {
            let count = browser.find("[data-viewed]").text();
            (count == "1").then_some(())
        });
    } else {
        browser.says("1 of 2 viewed");
    }
    browser.find("form#decide button[value=changes]").click();
    browser.arrives("/decided");
    let decision = first.decision(1);
    assert_eq!(decision.requests.len(), 1);
    let request = &decision.requests[0];
    assert_eq!((request.line, request.thread), (Some(3), Some(1)));
    assert_eq!(request.path.as_deref(), Some("notes.txt"));

    let (_, second) = scene.hand_over("q3", &LINES.replace("three", "3"), 0.9);
    scene.go(&browser, &format!("/h/{id}"));
    browser.says("these lines changed since");
    browser.says("0 of 2 viewed");
    let row = scene.bed.reviewer().row(id);
    assert_eq!(row["open_threads"], 1);
    browser.find(".cmt form[action$='/resolve'] button").click();
    browser.says("resolved by");
    browser.find("form#decide button[value=approve]").click();
    browser.arrives("/decided");
    assert_eq!(second.decision(2).outcome, Outcome::Approved);
    assert!(second.decision(2).threads.is_empty(), "it was resolved");
    no_complaints(&browser);
}

#[test]
fn a_comment_at_a_line_goes_with_the_answer_and_follows_the_work() {
    a_thread_from_draft_to_answer(true);
}

#[test]
fn the_same_works_without_javascript() {
    a_thread_from_draft_to_answer(false);
}

/// A file is edited, the program dies meanwhile, and what is approved is the edit: released, with the agent's
/// own file as it was and the patch beside the answer.
fn an_edit_is_approved(scripts: bool) {
    let mut scene = Scene::start();
    let (id, delivery) = scene.hand_over("q3", LINES, 0.9);
    let look = Look {
        scripts,
        height: 2_400,
        ..Look::default()
    };
    let browser = scene.open(look);
    scene.go(&browser, &format!("/h/{id}"));
    if scripts {
        // The first card is the table; the text is the next one.
        browser.press(&['j']);
    }
    browser
        .find("article[data-path='notes.txt'] [data-edit]")
        .click();
    browser.arrives("/edit");
    browser.find("textarea[name=text]").write("eight\n");
    browser.find("button[value=keep]").click();
    browser.says("You edited this file.");
    scene.bed.restart();
    drop(browser);

    let browser = scene.open(look);
    scene.go(&browser, &format!("/h/{id}"));
    browser.says("Edited by you: notes.txt");
    assert!(browser.all("form#decide button[value=approve]").is_empty());
    if scripts {
        browser.press(&['a']);
        browser.press(&[key::CONTROL, key::ENTER]);
    } else {
        browser.find("form#decide button[value=edit]").click();
    }
    browser.arrives("/decided");
    browser.says("Approved with your edit");
    let decision = delivery.decision(1);
    assert_eq!(decision.outcome, Outcome::Edited);
    let read = |path: &str| {
        let path = scene.bed.workspace().join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    assert_eq!(read("q3/notes.txt"), LINES);
    assert_eq!(
        read(&format!("approved/{id}/notes.txt")),
        format!("{LINES}eight\n")
    );
    assert!(read("q3/decision.patch").ends_with("+eight\n"));
    let released = scene.bed.workspace().join(format!("approved/{id}"));
    let (code, _, said) = scene
        .bed
        .run(&["verify", released.to_str().expect("a plain path")]);
    assert_eq!(code, 0, "{said}");
    no_complaints(&browser);
}

#[test]
fn a_file_is_edited_and_the_edit_approved() {
    an_edit_is_approved(true);
}

#[test]
fn a_file_is_edited_and_the_edit_approved_without_javascript() {
    an_edit_is_approved(false);
}

#[test]
fn the_next_handoff_opens_for_who_wants_that() {
    let scene = Scene::start();
    let (first, _) = scene.hand_over("q3", LINES, 0.9);
    let (second, _) = scene.hand_over("q4", LINES, 0.9);
    let browser = scene.open(Look {
        scripts: false,
        height: 2_400,
        ..Look::default()
    });
    scene.go(&browser, "/settings");
    browser.find("input[name=open_next]").click();
    browser
        .find("form[action='/settings/preferences'] button")
        .click();
    browser.find("input[name=open_next][checked]");
    scene.go(&browser, &format!("/h/{first}"));
    browser.find("form#decide button[value=approve]").click();
    browser.arrives(&format!("/h/{second}"));
    browser.says(&format!("{first} has your answer."));
    browser.find("form#decide button[value=approve]").click();
    // Nothing is left that could open.
    browser.arrives(&format!("/h/{second}/decided"));
}

#[test]
fn the_palette_leads_to_pages_and_handoffs() {
    let scene = Scene::start();
    let (id, _) = scene.hand_over("q3", LINES, 0.9);
    let browser = scene.open(Look::default());
    browser.press(&[key::CONTROL, 'k']);
    browser.write("insi");
    browser.press(&[key::ENTER]);
    browser.arrives("/insights");
    browser.press(&[key::CONTROL, 'k']);
    browser.write(&id.to_string()[2..]);
    browser.press(&[key::ENTER]);
    browser.arrives(&format!("/h/{id}"));
    browser.find("form#decide");
    browser.press(&['t']);
    let focused = browser.run("return document.activeElement.id");
    assert!(["to", ""].contains(&focused.as_str().unwrap_or_default()));
    no_complaints(&browser);
}

#[test]
fn a_batch_is_checked_and_approved_without_javascript() {
    let scene = Scene::start();
    let all: Vec<_> = (1..=3)
        .map(|number| scene.hand_over(&format!("small-{number}"), LINES, 0.95))
        .collect();
    let (careful, _) = scene.hand_over("careful", LINES, 0.3);
    let browser = scene.open(Look {
        scripts: false,
        ..Look::default()
    });
    for (id, _) in &all {
        browser.find(&format!("input[value='{id}']")).click();
    }
    browser.find(&format!("input[value='{careful}']")).click();
    browser.find(".bulk button").click();
    browser.says("Approve 3 handoffs");
    browser.says("is of high risk and needs its own look");
    browser.find("button[value=approve]").click();
    browser.says("3 of 3 handoffs done");
    for (_, delivery) in &all {
        assert_eq!(delivery.decision(1).outcome, Outcome::Approved);
    }
    assert_eq!(scene.bed.reviewer().row(careful)["state"], "waiting");
}

/// From one decision to the next with no pointer: open, tick, decide, on to the next one.
#[test]
fn twenty_mixed_items_are_decided_with_the_keyboard_alone() {
    let scene = Scene::start();
    let all: Vec<_> = (0..20)
        .map(|number| {
            let confidence = [0.95, 0.85, 0.4][number % 3];
            scene.hand_over(&format!("item-{number:02}"), LINES, confidence)
        })
        .collect();
    let browser = scene.open(Look::default());
    browser.press(&['j']);
    browser.press(&['k']);
    browser.press(&[key::ENTER]);
    let pointers = || browser.run("return Number(sessionStorage.pointers ?? 0)");
    for number in 0..all.len() {
        browser.find("form#decide");
        browser.run(
            "for (const kind of ['pointerdown', 'mousedown', 'touchstart']) addEventListener(kind, () => \
             { sessionStorage.pointers = Number(sessionStorage.pointers ?? 0) + 1; }, true); return 0",
        );
        browser.press(&['v']);
        let (answer, words) = match number % 4 {
            0 => ('r', "Say what it costs"),
            1 => ('d', "Not this quarter"),
            _ => ('a', ""),
        };
        browser.press(&[answer]);
        browser.write(words);
        browser.press(&[key::CONTROL, key::ENTER]);
        browser.arrives("/decided");
        if number + 1 < all.len() {
            browser.press(&[']']);
            wait::until("the next handoff", || {
                (!browser.url().contains("/decided")).then_some(())
            });
        }
    }
    let outcomes: Vec<_> = all
        .iter()
        .map(|(_, delivery)| delivery.decision(1).outcome)
        .collect();
    let count = |wanted| {
        outcomes
            .iter()
            .filter(|outcome| **outcome == wanted)
            .count()
    };
    assert_eq!(
        [
            Outcome::Approved,
            Outcome::ChangesRequested,
            Outcome::Rejected
        ]
        .map(count),
        [10, 5, 5]
    );
    assert_eq!(pointers(), 0, "a pointer was used");
    no_complaints(&browser);
}

#[test]
fn axe_finds_nothing_on_any_page_in_any_look() {
    let scene = Scene::start();
    let (id, _) = scene.hand_over("q3", LINES, 0.9);
    let (other, _) = scene.hand_over("q4", LINES, 0.4);
    let (plain, _) = scene.hand_over("q5", LINES, 0.9);
    let asked = scene.ask_two_things();
    let say = |text: &str, place: serde_json::Value| {
        let path = format!("/api/v1/handoffs/{id}/comments");
        let body = json!({ "text": text, "place": place });
        let _ = scene.bed.http().push(&path, &body).expect(201);
    };
    say(
        "At lines",
        json!({ "path": "notes.txt", "line": 2, "end_line": 4 }),
    );
    say(
        "In a cell",
        json!({ "path": "figures.csv", "cell": { "row": 1, "column": "amount" } }),
    );
    say("About all of it", json!({}));
    scene
        .bed
        .reviewer()
        .decide(id, Outcome::ChangesRequested, "Say why.");
    scene.hand_over("q3", &LINES.replace("three", "3"), 0.9);
    let kept = json!({ "revision": 2, "path": "notes.txt", "text": format!("{LINES}eight\n") });
    let edits = format!("/api/v1/handoffs/{id}/edits");
    let json = [("content-type", "application/json")];
    let http = scene.bed.http();
    let reply = http.send("PUT", &edits, &json, kept.to_string().as_bytes());
    let _ = reply.expect("an answer").expect(204);
    let broken = repo_path(&scene, "broken");
    put(&broken, b"{\"task\": 1}", Care::Rename).expect("the workspace is writable");
    let pages = [
        ("queue", "/queue".to_owned()),
        ("queue-decided", "/queue?view=decided".to_owned()),
        ("review", format!("/h/{id}")),
        ("review-first", format!("/h/{other}")),
        ("file", format!("/h/{id}/r/2/file?path=notes.txt")),
        ("edit", format!("/h/{id}/r/2/edit?path=notes.txt")),
        ("next", format!("/h/{other}?after={id}")),
        ("decided", format!("/h/{id}/decided")),
        ("asked", format!("/h/{asked}")),
        ("batch", format!("/batch?id={id}&id={other}&id={plain}")),
        ("search", "/search?q=one".to_owned()),
        ("activity", "/activity?verify=1".to_owned()),
        ("insights", "/insights".to_owned()),
        ("settings", "/settings".to_owned()),
        ("locks", "/locks".to_owned()),
        ("workspaces", "/workspaces".to_owned()),
        ("agents", "/agents".to_owned()),
        ("messages", "/messages".to_owned()),
        ("dead-letters", "/dead-letters".to_owned()),
        ("people", "/people".to_owned()),
        ("account", "/account".to_owned()),
        ("help", "/help".to_owned()),
        ("not-found", "/nothing-here".to_owned()),
    ];
    let mut found = Vec::new();
    for (width, dark) in [
        (1440, false),
        (1440, true),
        (390, false),
        (390, true),
        (320, false),
    ] {
        let browser = scene.open(Look {
            width,
            height: 844,
            dark,
            scripts: true,
        });
        for (name, path) in &pages {
            scene.go(&browser, path);
            let scheme = if dark { "dark" } else { "light" };
            let here = format!("{name} at {width}, {scheme}");
            let over = browser.run("return document.documentElement.scrollWidth - innerWidth");
            if over.as_i64().unwrap_or(0) > 0 {
                found.push(format!("{here}: scrolls sideways by {over}"));
            }
            let violations = axe::violations(&browser).into_iter();
            found.extend(violations.map(|line| format!("{here}: {line}")));
            let picture = format!("target/screenshots/desk/{name}-{width}-{scheme}.png");
            keep(&repo::root().join(picture), &browser.screenshot());
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The pages of somebody from outside, who comes by a link and sees one handoff.
#[test]
fn axe_finds_nothing_on_the_pages_of_a_guest() {
    let scene = Scene::start();
    let (id, _) = scene.hand_over("q3", LINES, 0.9);
    let path = format!("/api/v1/handoffs/{id}/outsiders");
    let wish = json!({ "name": "Rui Costa", "decides": true });
    let made = scene.bed.http().push(&path, &wish).expect(201).json();
    let link = made["link"].as_str().expect("a link");
    let mut found = Vec::new();
    for (width, dark) in [
        (1440, false),
        (1440, true),
        (390, false),
        (390, true),
        (320, false),
    ] {
        let look = Look {
            width,
            height: 844,
            dark,
            scripts: true,
        };
        let browser = scene.driver.open(look);
        browser.go(link);
        let mut look_at = |name: &str| {
            let scheme = if dark { "dark" } else { "light" };
            let here = format!("{name} at {width}, {scheme}");
            let over = browser.run("return document.documentElement.scrollWidth - innerWidth");
            if over.as_i64().unwrap_or(0) > 0 {
                found.push(format!("{here}: scrolls sideways by {over}"));
            }
            let violations = axe::violations(&browser).into_iter();
            found.extend(violations.map(|line| format!("{here}: {line}")));
            let picture = format!("target/screenshots/desk/{name}-{width}-{scheme}.png");
            keep(&repo::root().join(picture), &browser.screenshot());
        };
        look_at("outside");
        browser.find("main form button").click();
        browser.arrives(&format!("/h/{id}"));
        browser.find("form#decide");
        look_at("guest");
        scene.go(&browser, "/queue");
        browser.says("Go back to the handoff");
        look_at("guest-not-found");
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The first look at a full queue, with nothing in the cache of the browser: 120 kB in six requests at the most.
#[test]
fn the_first_view_of_a_full_queue_is_small() {
    let scene = Scene::start();
    for number in 0..52 {
        scene.hand_over(&format!("item-{number:02}"), LINES, 0.9);
    }
    let browser = scene.open(Look::default());
    browser.says("Showing 50 of 52");
    let seen = browser.run(
        "const all = ['navigation', 'resource'].flatMap(kind => performance.getEntriesByType(kind)); \
         return [all.length, all.reduce((sum, one) => sum + one.transferSize, 0)]",
    );
    let (requests, bytes) = (seen[0].as_u64(), seen[1].as_u64());
    let (requests, bytes) = requests.zip(bytes).expect("two numbers");
    assert!((3..=6).contains(&requests), "{requests} requests");
    assert!((50_000..=120_000).contains(&bytes), "{bytes} bytes");
}

/// Nothing moves while a page settles: what a person is about to press stays where it is.
#[test]
fn no_page_shifts_while_it_loads() {
    let scene = Scene::start();
    let (id, _) = scene.hand_over("q3", LINES, 0.9);
    let browser = scene.open(Look::default());
    for path in [
        "/queue".to_owned(),
        format!("/h/{id}"),
        format!("/h/{id}/r/1/edit?path=notes.txt"),
        format!("/h/{id}/r/1/file?path=notes.txt"),
        "/search?q=one".to_owned(),
        "/activity".to_owned(),
        "/insights".to_owned(),
        "/locks".to_owned(),
        "/workspaces".to_owned(),
        "/settings".to_owned(),
        "/people".to_owned(),
        "/messages".to_owned(),
    ] {
        scene.go(&browser, &path);
        browser.says("Countersign");
        let shift = browser.run(
            "return new Promise(done => new PerformanceObserver(list => done(list.getEntries()\
             .reduce((sum, one) => sum + one.value, 0))).observe({ type: 'layout-shift', buffered: true }) \
             || requestAnimationFrame(() => requestAnimationFrame(() => done(0))))",
        );
        // Three decimals, as the measure is told.
        let shift = shift.as_f64().expect("a number");
        assert!(shift < 0.000_5, "{path} shifts by {shift}");
    }
}

fn repo_path(scene: &Scene, folder: &str) -> std::path::PathBuf {
    scene.bed.workspace().join(folder).join("handoff.json")
}

fn keep(path: &Path, picture: &[u8]) {
    put(path, picture, Care::Plain).expect("the picture can be kept");
}
