//! What the script of the pages does beside what they do without it: tabs, words that outlive a session, keys.

use countersign_protocol::{HandoffId, decision::Outcome};
use countersign_tests::{
    agent::Care,
    http::Http,
    webdriver::{Browser, Look, key},
};
use serde_json::{Value, json};

use super::Scene;

/// More than a browser has connections to one host.
const TABS: usize = 7;

fn page(scene: &Scene, path: &str) -> String {
    format!("{}{path}", scene.bed.endpoint().url)
}

/// What a field has in it now.
fn value(browser: &Browser, css: &str) -> String {
    let script = format!("return document.querySelector({css:?})?.value ?? ''");
    browser.run(&script).as_str().unwrap_or_default().to_owned()
}

/// The names of what the tab keeps of words.
fn kept(browser: &Browser) -> Vec<String> {
    let script =
        "return Object.keys(sessionStorage).filter((key) => /^(note|words|sent):/.test(key))";
    let names = browser.run(script);
    let names = names.as_array().into_iter().flatten();
    names.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Ends every session, as an operator does.
fn end_sessions(http: &Http) {
    let all = http.fetch("/api/v1/sessions?all=true").expect(200).json();
    for one in all.as_array().expect("a list") {
        let id = one["id"].as_str().expect("a session has an id");
        let path = format!("/api/v1/sessions/{id}");
        let ended = http.send("DELETE", &path, &[], &[]).expect("an answer");
        assert_eq!(ended.status, 204, "{}", ended.text());
    }
}

/// Comes in again in the same tab.
fn sign_in_again(scene: &Scene, browser: &Browser) {
    let made = scene.bed.http().push("/api/v1/start-links", &json!({}));
    browser.go(made.expect(201).json()["url"].as_str().expect("a link"));
    browser.arrives("/queue");
}

/// Hands over a text whose lines can be commented.
fn hand_over_lines(scene: &Scene) -> HandoffId {
    let agent = scene.bed.agent("report-writer");
    let package = agent
        .package("Draft the risk summary")
        .with("confidence", 0.86)
        .file("notes.txt", "one\ntwo\nthree\n");
    let delivery = agent.write("q3", &package, Care::Rename);
    delivery.expect("it is writable").receipt().handoff_id
}

/// Opens the form for a comment at a line of the first file and types into it.
fn comment_at(browser: &Browser, line: u32, text: &str) {
    browser
        .find(&format!(".art [data-line=\"{line}\"]"))
        .click();
    browser.find("tr.c textarea");
    browser.write(text);
}

#[test]
fn more_tabs_than_connections_stay_live() {
    let scene = Scene::start();
    let handed: Vec<_> = (0..TABS)
        .map(|at| scene.hand_over(&format!("q{at}"), "Draft the risk summary", "# Risks\n"))
        .collect();
    let browser = scene.signed_in(Look::default());
    let mut tabs = vec![browser.tab()];
    for (at, (id, _)) in handed.iter().enumerate() {
        if at > 0 {
            tabs.push(browser.new_tab());
        }
        browser.go(&page(&scene, &format!("/h/{id}")));
        browser.says("Draft the risk summary");
    }
    // An answer in the last tab arrives.
    browser.press(&['a']);
    browser.press(&[key::CONTROL, key::ENTER]);
    let (_, last) = handed.last().expect("seven");
    assert_eq!(last.decision(1).outcome, Outcome::Approved);
    // A tab that does not listen itself hears of what happens, also after the one that did is gone.
    for (gone, hears) in [(None, 1), (Some(0), 2), (Some(1), 3)] {
        if let Some(gone) = gone {
            browser.to_tab(&tabs[gone]);
            browser.close_tab();
        }
        let (id, delivery) = &handed[hears];
        scene.bed.reviewer().decide(*id, Outcome::Approved, "");
        assert_eq!(delivery.decision(1).outcome, Outcome::Approved);
        browser.to_tab(&tabs[hears]);
        browser.says("was answered");
    }
}

#[test]
fn words_survive_the_end_of_the_session() {
    let scene = Scene::start();
    let id = hand_over_lines(&scene);
    let review = page(&scene, &format!("/h/{id}"));
    let browser = scene.signed_in(Look::default());
    browser.go(&review);
    comment_at(&browser, 1, "first words");
    comment_at(&browser, 3, "other words");
    browser.find("#note").write("words of the answer");
    let edit = page(&scene, &format!("/h/{id}/r/1/edit?path=notes.txt"));
    browser.go(&edit);
    browser.find("main textarea").write("four words");
    end_sessions(&scene.bed.http());
    browser.find("main form[method=post] button").click();
    browser.says("Sign in");
    sign_in_again(&scene, &browser);
    browser.go(&edit);
    assert!(value(&browser, "main textarea").contains("four words"));
    browser.go(&review);
    browser.says("Draft the risk summary");
    assert_eq!(value(&browser, "#note"), "words of the answer");
    let script = "return [...document.querySelectorAll('.say form')].map((form) => \
                  [form.elements.line.value, form.elements.text.value]).filter(([, text]) => text)";
    let mut drafts: Vec<Value> = browser.run(script).as_array().cloned().unwrap_or_default();
    drafts.sort_by_key(Value::to_string);
    assert_eq!(
        drafts,
        [json!(["1", "first words"]), json!(["3", "other words"])]
    );
    // What was taken is over; the other draft stays.
    let send = "document.querySelectorAll('.say form').forEach((form) => { \
                if (form.elements.text.value === 'other words') form.requestSubmit(form.querySelector('[value=now]')); })";
    browser.run(send);
    browser.says("other words");
    let words: Vec<_> = kept(&browser)
        .into_iter()
        .filter(|key| key.contains("/comments"))
        .collect();
    assert_eq!(words.len(), 1, "{words:?}");
}

#[test]
fn words_belong_to_the_person_who_wrote_them() {
    let scene = Scene::start();
    let id = hand_over_lines(&scene);
    let review = page(&scene, &format!("/h/{id}"));
    let browser = scene.signed_in(Look::default());
    let write = || {
        browser.go(&review);
        comment_at(&browser, 1, "private words");
        browser.find("#note").write("private note");
        assert_eq!(kept(&browser).len(), 2);
    };
    write();
    browser.find("form[action=\"/sign-out\"]");
    browser.run("document.querySelector('form[action=\"/sign-out\"]').requestSubmit()");
    browser.says("Sign in");
    assert_eq!(kept(&browser), [""; 0], "signed out");
    sign_in_again(&scene, &browser);
    write();
    // The session ends by itself, and somebody else comes in.
    end_sessions(&scene.bed.http());
    let new = json!({ "id": "kim", "name": "Kim Reviewer" });
    let made = scene
        .bed
        .http()
        .push("/api/v1/accounts", &new)
        .expect(201)
        .json();
    browser.go(made["link"].as_str().expect("a link"));
    browser.find("#password").write("correct horse 9 battery");
    browser.find("main form button").click();
    browser.arrives("/queue");
    browser.go(&review);
    browser.says("Draft the risk summary");
    assert_eq!(value(&browser, "#note"), "");
    assert!(
        !browser
            .run("return document.documentElement.outerHTML")
            .to_string()
            .contains("private")
    );
    assert_eq!(kept(&browser), [""; 0], "another person");
}

#[test]
fn keys_fit_other_layouts_and_input_methods() {
    let scene = Scene::start();
    let (first, delivery) = scene.hand_over("q1", "Draft the first summary", "# Risks\n");
    let (second, _) = scene.hand_over("q2", "Draft the second summary", "# Risks\n");
    let browser = scene.signed_in(Look::default());
    browser.go(&page(&scene, &format!("/h/{first}")));
    browser.says("Draft the first summary");
    let down = |more: Value| {
        let mut event = json!({ "type": "rawKeyDown" });
        for (name, value) in more.as_object().into_iter().flatten() {
            event[name] = value.clone();
        }
        browser.devtools("Input.dispatchKeyEvent", &event);
    };
    // AltGr and 9 on a German keyboard: Windows tells it as Ctrl and Alt.
    down(json!({ "key": "]", "code": "Digit9", "windowsVirtualKeyCode": 0x39, "modifiers": 3 }));
    browser.arrives(&format!("/h/{second}"));
    browser.go(&page(&scene, &format!("/h/{first}")));
    browser.press(&['a']);
    browser.says("Ctrl Enter sends: Approve");
    let composed = json!({ "text": "にほん", "selectionStart": 3, "selectionEnd": 3 });
    browser.devtools("Input.imeSetComposition", &composed);
    down(json!({ "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229, "modifiers": 2 }));
    assert!(browser.url().ends_with(&format!("/h/{first}")));
    assert_eq!(scene.bed.reviewer().row(first)["state"], "waiting");
    browser.devtools("Input.insertText", &json!({ "text": "日本" }));
    browser.press(&[key::CONTROL, key::ENTER]);
    let decision = delivery.decision(1);
    assert_eq!(decision.comment.as_deref(), Some("日本"));
}

#[test]
fn each_button_of_an_answer_has_one_label_at_every_width() {
    let scene = Scene::start();
    let id = hand_over_lines(&scene);
    for (width, label) in [
        (1440, "Request changes"),
        (768, "Request changes"),
        (390, "Changes"),
    ] {
        let browser = scene.signed_in(Look {
            width,
            ..Look::default()
        });
        browser.go(&page(&scene, &format!("/h/{id}")));
        let button = browser.find("form#decide button[value=changes]").text();
        let words = button.trim_end_matches('r').trim();
        assert_eq!(words, label, "{width}");
    }
}
