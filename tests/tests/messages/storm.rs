//! Very many messages to a receiver that does its worst, over kill -9. `COUNTERSIGN_MESSAGES` says how many; the
//! suite takes fewer than the ten thousand that were tried, to be quick.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, TcpListener},
    sync::Arc,
    time::Duration,
};

use countersign_tests::{
    agent::{Care, Delivery},
    bed::TestBed,
    hook::{Got, Hook, SECRET, SLOWLY, answer},
    standard_webhooks,
    timeshift::Timeshift,
    wait,
};
use serde_json::Value;

/// Messages that are sent, when nothing else is said.
const USUAL: usize = 400;
/// A receiver that gets nothing for so long gets nothing until the clock moves.
const PAUSE: Duration = Duration::from_secs(2);
/// Two for each handoff: that it was accepted, and whose turn it is.
const EACH: usize = 2;

fn count() -> usize {
    let stated = std::env::var("COUNTERSIGN_MESSAGES").ok();
    stated.and_then(|text| text.parse().ok()).unwrap_or(USUAL)
}

/// How a request is answered while it lasts.
fn worst(number: usize) -> Vec<u8> {
    match number % 16 {
        0 => answer("500 No"),
        1 => answer("404 Not here"),
        2 => b"HTTP/1.1 429 Slow down\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n".to_vec(),
        // The connection is dropped without a word.
        3 => Vec::new(),
        4 => b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec(),
        5 => answer("503 Later"),
        6 => b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\ncut".to_vec(),
        7 => [SLOWLY, &answer("200 OK")].concat(),
        _ => answer("200 OK"),
    }
}

#[test]
fn none_is_lost_and_what_comes_twice_has_the_same_id() {
    let count = count();
    let handoffs = count / EACH;
    // For as long as everything is tried once and half of it again.
    let bad = count * 3 / 2;
    let hook = Hook::start(Arc::new(move |number| {
        if number < bad {
            worst(number)
        } else {
            answer("200 OK")
        }
    }));
    let section = hook.section("ci", "events = [\"accepted\", \"turn\"]");
    let mut bed = TestBed::prepare().configured(&section);
    let clock = Timeshift::of(&mut bed);
    // The address is in every message, and must outlive kill -9.
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    bed.launch.port = free.local_addr().expect("an address").port();
    drop(free);
    bed.up();
    let agent = bed.agent("ada");
    let write = |number: usize| -> Delivery {
        let package = agent
            .package(&format!("Task {number}"))
            .with("confidence", 0.9);
        agent
            .write(
                &format!("f{}/{number}", number % 100),
                &package,
                Care::Rename,
            )
            .expect("written")
    };
    let mut deliveries: Vec<Delivery> = (0..handoffs / 2).map(write).collect();
    // In the middle of it.
    bed.restart();
    deliveries.extend((handoffs / 2..handoffs).map(write));
    for delivery in &deliveries {
        delivery.receipt();
    }
    let arrived = || hook.taken().0;
    let mut hours = 1;
    while arrived() < count {
        let before = hook.look(<[Got]>::len);
        let more = wait::within(PAUSE, || {
            hook.go_on();
            (arrived() == count || hook.look(<[Got]>::len) > before).then_some(())
        });
        // What is left waits for its next attempt, by the schedule.
        if more.is_none() {
            assert!(hours < 500, "{} of {count} arrived", arrived());
            clock.set(&format!("+{hours}h"));
            hours *= 2;
            bed.restart();
        }
    }
    let got = hook.got();
    // Nothing is lost: one of each kind for each handoff.
    let mut told: BTreeSet<(String, String)> = BTreeSet::new();
    let mut bodies: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for one in &got {
        let event: Value = serde_json::from_slice(&one.body).expect("JSON");
        let word = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        assert_eq!(word("id"), one.headers["webhook-id"]);
        told.insert((word("type"), word("subject")));
        // Under one id there is one message, byte for byte, however often it comes.
        let known = bodies.entry(word("id")).or_insert_with(|| one.body.clone());
        assert_eq!(*known, one.body, "{}", word("id"));
    }
    assert_eq!(told.len(), count, "one message for each fact");
    assert_eq!(bodies.len(), count, "one id for each message");
    let said = standard_webhooks::verify(SECRET, &got, 0);
    assert_eq!(said.len(), got.len());
    assert!(said.iter().all(|said| said == "ok"), "signatures hold");
    println!(
        "{count} messages, {} requests, {} answered twice",
        got.len(),
        hook.taken().1
    );
    hook.stop();
}
