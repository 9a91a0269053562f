//! Receivers of webhooks: signatures as others see them, secrets that change, receivers that fail for days, and
//! addresses that are never spoken to.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use countersign_tests::{
    bed::TestBed,
    hook::{Hook, SECRET, answer},
    standard_webhooks,
    timeshift::Timeshift,
    wait,
};

use super::scene::{fares, hand_over, hand_over_with, messages};

/// Another secret of the same form.
const OTHER: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

#[test]
fn a_library_of_another_language_takes_our_signatures_and_only_in_time() {
    let hook = Hook::kind();
    let mut bed = TestBed::prepare().configured(&hook.section("ci", ""));
    bed.up();
    let (id, _) = hand_over(&bed, "q3", "Überblick „Q3“, für 中文");
    fares(&bed, id, "sent");
    let got = wait::until("both", || Some(hook.got()).filter(|got| got.len() == 2));
    assert_eq!(standard_webhooks::verify(SECRET, &got, 0), ["ok", "ok"]);
    let late = standard_webhooks::verify(SECRET, &got, 400);
    assert!(late.iter().all(|said| said.contains("too old")), "{late:?}");
    let strange = standard_webhooks::verify(OTHER, &got, 0);
    assert!(
        strange
            .iter()
            .all(|said| said.contains("No matching signature")),
        "{strange:?}"
    );
    let mut changed = got.clone();
    changed[0].body.push(b' ');
    assert_ne!(standard_webhooks::verify(SECRET, &changed, 0)[0], "ok");
    hook.stop();
}

#[test]
fn a_secret_is_replaced_without_a_gap() {
    let hook = Hook::kind();
    let both = hook.section("ci", "events = [\"accepted\"]").replace(
        "{ env = \"HOOK_SECRET\" }",
        "[{ env = \"NEW_SECRET\" }, { env = \"HOOK_SECRET\" }]",
    );
    let only_new = hook
        .section("ci", "events = [\"accepted\"]")
        .replace("HOOK_SECRET", "NEW_SECRET");
    let mut bed = TestBed::prepare()
        .configured(&both)
        .env("NEW_SECRET", OTHER);
    bed.up();
    hand_over(&bed, "a", "While both sign");
    wait::until("the first", || (hook.got().len() == 1).then_some(()));
    bed = bed.configured(&only_new);
    bed.restart();
    hand_over(&bed, "b", "After the change");
    let got = wait::until("the second", || {
        Some(hook.got()).filter(|got| got.len() == 2)
    });
    let (old, new) = (
        standard_webhooks::verify(SECRET, &got, 0),
        standard_webhooks::verify(OTHER, &got, 0),
    );
    assert_eq!(new, ["ok", "ok"]);
    assert_eq!((old[0] == "ok", old[1] == "ok"), (true, false), "{old:?}");
    hook.stop();
}

#[test]
fn a_receiver_that_fails_for_days_is_left_alone_until_a_person_says_otherwise() {
    let is_down = Arc::new(AtomicBool::new(true));
    let down = Arc::clone(&is_down);
    let hook = Hook::start(Arc::new(move |_| {
        answer(if down.load(Ordering::SeqCst) {
            "503 No"
        } else {
            "200 OK"
        })
    }));
    let watcher = Hook::kind();
    let text = hook.section("ci", "events = [\"accepted\"]")
        + &watcher.section("ops", "events = [\"trouble\"]");
    let mut bed = TestBed::prepare().configured(&text);
    let clock = Timeshift::of(&mut bed);
    bed.up();
    let (first, _) = hand_over(&bed, "a", "Before it failed");
    fares(&bed, first, "retrying");
    clock.set("+121h");
    bed.restart();
    fares(&bed, first, "held");
    let (_, listed, _) = bed.run(&["notify", "ls"]);
    assert!(
        listed.contains("disabled") && listed.contains("503"),
        "{listed}"
    );
    // What waits and what failed is a page with a way back.
    let page = bed.http().fetch("/messages").expect(200).text();
    for words in ["left alone", "it has failed since", "/messages/ci/enable"] {
        assert!(page.contains(words), "{words}\n{page}");
    }
    let told = wait::until("others to hear of it", || watcher.got().into_iter().next());
    let told = String::from_utf8_lossy(&told.body).into_owned();
    assert!(told.contains("ci gets no more messages"), "{told}");
    // What happens meanwhile waits, and nothing is tried.
    let tried = hook.got().len();
    let (second, _) = hand_over(&bed, "b", "While it is left alone");
    fares(&bed, second, "held");
    clock.set("+150h");
    bed.restart();
    fares(&bed, second, "held");
    assert_eq!(hook.got().len(), tried);
    is_down.store(false, Ordering::SeqCst);
    let (code, output, errors) = bed.run(&["notify", "enable", "ci"]);
    assert_eq!(code, 0, "{output}{errors}");
    // At once, whatever the schedule had come to.
    fares(&bed, first, "sent");
    fares(&bed, second, "sent");
    hook.stop();
    watcher.stop();
}

/// However an address inside the house is written down, nobody knocks there.
#[test]
fn no_address_inside_the_house_is_connected_to() {
    let inside = Hook::kind();
    let port = inside.address.port();
    // From the environment, as secrets come: what stands in the configuration itself is refused at the start.
    let urls = [
        ("name", format!("http://localhost:{port}/")),
        ("literal", format!("http://127.0.0.1:{port}/")),
        ("number", format!("http://2130706433:{port}/")),
        ("mapped", format!("http://[::ffff:127.0.0.1]:{port}/")),
        (
            "metadata",
            "http://169.254.169.254/latest/meta-data/".to_owned(),
        ),
        ("private", format!("http://10.0.0.1:{port}/")),
    ];
    let section = |(name, _): &(&str, String)| {
        format!(
            "[[webhook]]\nname = \"{name}\"\nurl = {{ env = \"URL_{name}\" }}\nsecret = {{ env = \"HOOK_SECRET\" }}\n\
             events = [\"accepted\"]\n"
        )
    };
    let mut text: String = urls.iter().map(section).collect();
    let mut bed = TestBed::prepare();
    for (name, url) in &urls {
        bed = bed.env(&format!("URL_{name}"), url);
    }
    // And one that may be spoken to, and sends everybody on to the house.
    let target = format!("http://127.0.0.1:{port}/");
    let elsewhere = Hook::start(Arc::new(move |_| {
        format!("HTTP/1.1 307 Elsewhere\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n")
            .into_bytes()
    }));
    text += &elsewhere.section("redirect", "events = [\"accepted\"]");
    let mut bed = bed.configured(&text);
    bed.up();
    let (id, _) = hand_over(&bed, "a", "Nobody is at home");
    wait::until("all to fail", || {
        let all = messages(&bed, id);
        (all.len() == 7 && all.iter().all(|one| one["state"] == "retrying")).then_some(())
    });
    for one in messages(&bed, id) {
        let said = one["said"].as_str().unwrap_or_default();
        let expected = if one["receiver"] == "redirect" {
            "307"
        } else {
            "inside your house"
        };
        assert!(said.contains(expected), "{one}");
    }
    assert_eq!(inside.connections(), 0);
    assert!(elsewhere.connections() > 0);
    // In the file itself it is refused before anything starts.
    let literal = format!(
        "[[webhook]]\nname = \"x\"\nurl = \"http://127.0.0.1:{port}/\"\nsecret = {{ env = \"HOOK_SECRET\" }}\n"
    );
    let plain = TestBed::prepare().configured(&literal);
    let (code, output, errors) = plain.run(&["config", "check"]);
    assert_ne!(code, 0, "{output}");
    assert!(errors.contains("inside your house"), "{errors}");
    inside.stop();
    elsewhere.stop();
}

#[test]
fn a_slow_receiver_delays_nobody_else_and_an_impatient_one_is_waited_for() {
    let slow = Hook::start(Arc::new(|_| {
        [countersign_tests::hook::SLOWLY, &answer("200 OK")].concat()
    }));
    let quick = Hook::kind();
    let text = slow.section("slow", "events = [\"accepted\"]")
        + &quick.section("quick", "events = [\"accepted\"]");
    let mut bed = TestBed::prepare().configured(&text);
    bed.up();
    for number in 0..20 {
        hand_over(&bed, &format!("f{number}"), "Many");
    }
    wait::until("the quick one", || (quick.got().len() == 20).then_some(()));
    let all = messages(&bed, countersign_protocol::HandoffId(1));
    let of = |name: &str| {
        let found = all.iter().find(|one| one["receiver"] == name);
        found.map(|one| one["state"].clone())
    };
    assert_eq!(of("quick"), Some("sent".into()));
    assert_eq!(of("slow"), Some("owed".into()), "it has not answered");
    slow.go_on();
    wait::until("the slow one", || {
        slow.go_on();
        let all = messages(&bed, countersign_protocol::HandoffId(20));
        all.iter().all(|one| one["state"] == "sent").then_some(())
    });
    assert_eq!(slow.got().len(), 20, "each was sent once");
    slow.stop();
    quick.stop();
}

#[test]
fn a_program_reads_states_and_a_person_words() {
    let hook = Hook::kind();
    let chat = Hook::kind();
    let text = hook.section("ci", "events = [\"turn\"]")
        + &chat.section("team", "format = \"slack\"\nevents = [\"turn\"]");
    let mut bed = TestBed::prepare().configured(&text);
    bed.up();
    let (id, delivery) = hand_over_with(&bed, "q3", "Draft the Q3 risk summary", |package| {
        package
            .with("trigger", "error")
            .with("reason", "the build is red")
    });
    let got = wait::until("the program", || hook.got().into_iter().next());
    let event: serde_json::Value = serde_json::from_slice(&got.body).expect("JSON");
    assert_eq!(event["type"], "handoff.turn.v1");
    assert_eq!(event["subject"], id.to_string());
    let data = &event["data"];
    assert_eq!(data["trigger"], "error");
    assert_eq!(data["risk"], "medium");
    assert_eq!(data["handoff"]["revision"], 1);
    let sealed = format!("sha256:{}", bed.reviewer().look(id).manifest_sha256);
    assert_eq!(data["handoff"]["digest"], sealed);
    assert_eq!(
        data["handoff"]["url"],
        format!("{}/h/{id}", bed.endpoint().url)
    );
    let said = wait::until("the people", || chat.got().into_iter().next());
    let said: serde_json::Value = serde_json::from_slice(&said.body).expect("JSON");
    let line = said["text"].as_str().unwrap_or_default();
    assert_eq!(line, "Your turn: Draft the Q3 risk summary (medium risk)");
    drop(delivery);
    hook.stop();
    chat.stop();
}
