//! A person shows that it is them: with an authenticator that Chromium emulates, by password, with and without scripts.

#![expect(clippy::disallowed_methods, reason = "the scene is set on the disk")]

use std::fs;

use countersign_protocol::{
    HandoffId,
    decision::Outcome,
    event::{AccountChange, Event},
    principal::Verified,
};
use countersign_tests::{
    agent::{Care, Delivery},
    bed::TestBed,
    evidence::Evidence,
    repo, wait,
    webdriver::{Browser, Driver, Look},
};
use serde_json::json;

const PASSWORD: &str = "correct horse battery";
const CRASH_AT: &str = "COUNTERSIGN_CRASH_AT";

struct Scene {
    driver: Driver,
    bed: TestBed,
}

impl Scene {
    /// A workspace in which every approval asks for the person, in which whoever has an account approves.
    fn start() -> Self {
        let mut bed = TestBed::prepare();
        let settings = bed.workspace().join("workspace.toml");
        fs::write(settings, "step_up = \"low\"\n").expect("the scene can be set");
        bed.up();
        Self {
            driver: Driver::start(),
            bed,
        }
    }

    fn hand_over(&self, folder: &str) -> (HandoffId, Delivery) {
        let agent = self.bed.agent("report-writer");
        let package = agent
            .package(&format!("Pay what {folder} says"))
            .with("task_id", folder)
            .file("notes.txt", "Pay 20 to 17.\n");
        let delivery = agent.write(folder, &package, Care::Rename);
        let delivery = delivery.expect("the workspace is writable");
        (delivery.receipt().handoff_id, delivery)
    }

    /// Our pages by a name, since no passkey is for an address of numbers.
    fn page(&self, path: &str) -> String {
        let url = &self.bed.endpoint().url;
        format!("{}{path}", url.replace("127.0.0.1", "localhost"))
    }

    /// Kim in a browser of her own.
    fn kim(&self, look: Look) -> Browser {
        let account = json!({ "id": "kim" });
        let made = self.bed.http().push("/api/v1/accounts", &account);
        let made = made.expect(201).json();
        let link = made["link"].as_str().expect("a link");
        let browser = self.driver.open(look);
        browser.go(&link.replace("127.0.0.1", "localhost"));
        browser.find("input[name=password]").write(PASSWORD);
        browser.find("main form button").click();
        browser.arrives("/queue");
        browser
    }
}

/// Plugs in an authenticator that says yes to whatever it is asked.
fn plug_in(browser: &Browser) {
    browser.devtools("WebAuthn.enable", &json!({}));
    let options = json!({ "options": {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
        "hasUserVerification": true, "isUserVerified": true, "automaticPresenceSimulation": true,
    } });
    browser.devtools("WebAuthn.addVirtualAuthenticator", &options);
}

#[test]
fn a_passkey_is_made_and_signs_an_approval() {
    let scene = Scene::start();
    let (id, delivery) = scene.hand_over("q3");
    let browser = scene.kim(Look::default());
    plug_in(&browser);
    browser.go(&scene.page("/account"));
    browser
        .find("section[aria-labelledby=passkeys] summary")
        .click();
    browser.find("#passkey-name").write("the laptop of Kim");
    browser.find("#passkey-password").write(PASSWORD);
    browser.find("form[data-make] button").click();
    browser.says("the laptop of Kim");
    browser.says("never");
    browser.go(&scene.page(&format!("/h/{id}")));
    browser.says("An approval asks you to show once more that it is you");
    browser.find("#note").write("Paid & checked");
    browser.find("form#decide button[value=approve]").click();
    browser.says("Show that it is you");
    browser.says("Paid & checked");
    for (width, dark) in [(1440, false), (1440, true), (390, false), (390, true)] {
        let scheme = if dark { "dark" } else { "light" };
        let name = format!("target/screenshots/step-up-{width}-{scheme}.png");
        let metrics =
            json!({ "width": width, "height": 844, "deviceScaleFactor": 1, "mobile": false });
        browser.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        browser.devtools("Emulation.setEmulatedMedia", &media);
        let overflow = browser.run("return document.documentElement.scrollWidth - innerWidth");
        assert!(overflow.as_i64().unwrap_or(0) <= 0, "{width}: {overflow}");
        let path = repo::root().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
        fs::write(path, browser.screenshot()).expect("the picture can be kept");
    }
    browser.find("form[data-options] button").click();
    browser.arrives(&format!("/h/{id}/decided"));
    let decision = delivery.decision(1);
    assert_eq!(decision.outcome, Outcome::Approved);
    assert_eq!(decision.comment.as_deref(), Some("Paid & checked"));
    let by = decision.decided_by.verified;
    assert!(matches!(by, Some(Verified::Passkey { .. })), "{by:?}");
    assert_eq!(browser.console_errors(), Vec::<String>::new());
    // Without the authenticator nothing is signed, the page says so, and it can be removed.
    browser.go(&scene.page("/account"));
    browser.find("form[action$='/remove'] button").click();
    browser.says("You have none.");
}

#[test]
fn a_password_does_without_scripts() {
    let scene = Scene::start();
    let (id, delivery) = scene.hand_over("q4");
    let browser = scene.kim(Look {
        scripts: false,
        ..Look::default()
    });
    browser.go(&scene.page(&format!("/h/{id}")));
    browser.find("form#decide button[value=approve]").click();
    browser.says("Show that it is you");
    browser.find("#password").write("not this password");
    browser.find("main form button").click();
    browser.says("is not right");
    browser.find("#password").write(PASSWORD);
    browser.find("main form button").click();
    browser.arrives(&format!("/h/{id}/decided"));
    let decision = delivery.decision(1);
    assert_eq!(decision.decided_by.verified, Some(Verified::Password));
}

#[test]
fn no_program_approves_what_takes_the_person() {
    let scene = Scene::start();
    let (id, delivery) = scene.hand_over("q5");
    let row = scene.bed.reviewer().row(id);
    let answer = json!({
        "revision": row["revision"], "manifest_sha256": row["manifest_sha256"], "outcome": "approved",
    });
    let path = format!("/api/v1/handoffs/{id}/decision");
    let refused = scene.bed.http().push(&path, &answer).expect(403).json();
    assert_eq!(refused["type"], "urn:countersign:problem:step-up");
    let hint = refused["hint"].as_str().unwrap_or_default();
    assert!(hint.contains(&format!("/h/{id}")), "{refused}");
    let (code, _, told) = scene.bed.run(&["approve", &id.to_string()]);
    assert_ne!(code, 0);
    assert!(told.contains("in a browser"), "{told}");
    assert_eq!(scene.bed.reviewer().row(id)["state"], "waiting");
    drop(delivery);
}

#[test]
fn kill_9_around_a_passkey_keeps_it_once_or_not_at_all() {
    for (step, there) in [("accounts.before_record", 0), ("accounts.recorded", 1)] {
        let mut scene = Scene::start();
        // The name of the cookie has the port in it.
        let url = scene.bed.endpoint().url.clone();
        let port = url.rsplit_once(':').expect("a port").1;
        scene.bed.launch.port = port.parse().expect("a number");
        let browser = scene.kim(Look::default());
        plug_in(&browser);
        scene.bed.down();
        scene
            .bed
            .launch
            .env
            .push((CRASH_AT.to_owned(), format!("{step}:1")));
        scene.bed.up();
        browser.go(&scene.page("/account"));
        browser
            .find("section[aria-labelledby=passkeys] summary")
            .click();
        browser.find("#passkey-name").write("the laptop of Kim");
        browser.find("#passkey-password").write(PASSWORD);
        browser.find("form[data-make] button").click();
        wait::until("the end of the daemon", || {
            scene.bed.daemon().ended().map(|_| ())
        });
        assert!(scene.bed.daemon().was_killed(), "{step}");
        scene.bed.launch.env.retain(|(name, _)| name != CRASH_AT);
        scene.bed.up();
        browser.go(&scene.page("/account"));
        let told = ["You have none.", "the laptop of Kim"];
        browser.says(told[there]);
        scene.bed.down();
        let evidence = Evidence::read(scene.bed.data()).expect("a ledger");
        let is_one = |event: &Event| {
            matches!(
                event,
                Event::Account {
                    change: AccountChange::PasskeyAdded { .. },
                    ..
                }
            )
        };
        let facts = evidence.bodies.iter().filter(|body| is_one(&body.event));
        assert_eq!(facts.count(), there, "{step}");
    }
}
