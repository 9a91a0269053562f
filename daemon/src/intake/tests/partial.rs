//! Chunks of results that grow: kept once each, in whatever order they come, until the last one.

use countersign_protocol::{Digest, partial::PartialSeen};

use crate::{
    testing::{Rig, WORKSPACE},
    workspace::Settings,
};

fn seen(rig: &Rig, folder: &str) -> PartialSeen {
    let state = rig.ledger().state();
    let growing = state.growing(WORKSPACE, folder).expect("a stream");
    growing.seen("partial", growing.through).unwrap()
}

fn list(chunks: &[(&str, &str)]) -> Digest {
    let line = |(file, bytes): &(&str, &str)| format!("{}  {file}\n", Digest::of(bytes.as_bytes()));
    Digest::of(chunks.iter().map(line).collect::<String>().as_bytes())
}

#[test]
fn chunks_are_kept_once_and_their_list_is_what_sha256sum_prints() {
    let rig = Rig::new();
    for _ in 0..3 {
        rig.deliver("run/partial/0001", "one ");
        rig.deliver("run/partial/0002", "two ");
    }
    assert_eq!(rig.count("partial.kept"), 2);
    let so_far = seen(&rig, "run/partial");
    assert_eq!((so_far.through, so_far.whole), (2, false));
    assert_eq!(so_far.sha256, list(&[("0001", "one "), ("0002", "two ")]));
    rig.deliver("run/partial/0003.final", "three");
    let all = seen(&rig, "run/partial");
    assert_eq!((all.through, all.whole), (3, true));
    let bytes = rig.ledger().object(Digest::of(b"three")).unwrap();
    assert_eq!(bytes.as_deref(), Some(&b"three"[..]));
    // Two streams of a folder know nothing of each other.
    rig.deliver("run/partial/draft/0001.final", "other");
    assert!(seen(&rig, "run/partial/draft").whole);
    // Nobody puts chunks beside other folders.
    rig.deliver("run/0001", "a file");
    assert_eq!(rig.count("partial.kept"), 4);
}

#[test]
fn the_last_chunk_waits_for_those_that_are_missing_and_they_are_named() {
    let rig = Rig::new();
    rig.deliver("partial/0001", "one");
    rig.deliver("partial/0005.final", "five");
    rig.deliver("partial/0003", "three");
    let errors = rig.json("partial/0005.final.chunk.errors.json");
    assert_eq!(errors["code"], "missing-artifact");
    assert!(
        errors["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("2, 3, 4 are missing"),
        "{errors}"
    );
    assert_eq!(seen(&rig, "partial").through, 1);
    {
        let state = rig.ledger().state();
        let growing = state.growing(WORKSPACE, "partial").unwrap();
        assert_eq!(growing.missing(9), (vec![2], 1));
    }
    rig.deliver("partial/0004", "four");
    assert!(!seen(&rig, "partial").whole);
    rig.deliver("partial/0002", "two");
    // Nobody touched the last one again.
    assert!(seen(&rig, "partial").whole);
    assert_eq!(rig.dead_letters(), 0);
    assert!(!rig.exists("partial/0005.final.chunk.errors.json"));
}

#[test]
fn a_chunk_that_cannot_be_is_refused_and_changes_nothing() {
    let rig = Rig::new();
    rig.deliver("partial/0001", "one");
    rig.deliver("partial/0002", "two");
    for (name, code, error) in [
        ("0000", "invalid-contract", "range"),
        ("10001", "invalid-contract", "range"),
        ("0001", "idempotency-conflict", "chunk_changed"),
        ("00002", "idempotency-conflict", "chunk_changed"),
        ("0001.final", "idempotency-conflict", "chunk_changed"),
    ] {
        rig.deliver(&format!("partial/{name}"), "something else");
        let errors = rig.json(&format!("partial/{name}.chunk.errors.json"));
        assert_eq!(
            (&errors["code"], &errors["errors"][0]["code"]),
            (&code.into(), &error.into())
        );
    }
    rig.deliver("partial/0003.final", "three");
    for name in ["0004", "0004.final"] {
        rig.deliver(&format!("partial/{name}"), "more");
        let errors = rig.json(&format!("partial/{name}.chunk.errors.json"));
        assert_eq!(errors["errors"][0]["code"], "after_final", "{errors}");
    }
    let expected = list(&[("0001", "one"), ("0002", "two"), ("0003.final", "three")]);
    assert_eq!(seen(&rig, "partial").sha256, expected);
    assert_eq!(rig.count("partial.kept"), 3);
    // What was put back is right again.
    rig.deliver("partial/0001", "one");
    assert!(!rig.exists("partial/0001.chunk.errors.json"));
}

#[test]
fn chunks_count_against_the_quota_of_the_workspace() {
    let rig = Rig::with(Settings {
        quota: Some(10),
        ..Settings::default()
    });
    rig.deliver("partial/0001", "12345678");
    rig.deliver("partial/0002", "12345678");
    assert_eq!(
        seen(&rig, "partial").through,
        2,
        "the same bytes cost nothing"
    );
    rig.deliver("partial/0003", "abcdefgh");
    let errors = rig.json("partial/0003.chunk.errors.json");
    assert_eq!(errors["code"], "quota-exceeded");
}

#[test]
fn everything_is_still_there_after_a_restart_and_nothing_twice() {
    let mut rig = Rig::new();
    rig.deliver("partial/0001", "one");
    rig.deliver("partial/0003", "three");
    let before = rig.events().len();
    rig.restart();
    for name in ["partial/0001", "partial/0003"] {
        rig.look(name);
    }
    assert_eq!(rig.events().len(), before);
    assert_eq!(seen(&rig, "partial").through, 1);
    rig.deliver("partial/0002", "two");
    assert_eq!(seen(&rig, "partial").through, 3);
}
