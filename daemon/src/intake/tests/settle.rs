//! Nothing is taken while somebody writes it.

use std::{io::Write as _, time::Duration};

use crate::{
    intake::SETTLE_MAX,
    testing::{Rig, handoff},
    workspace::Settings,
};

#[test]
fn a_document_that_is_open_for_writing_is_left_alone_until_it_is_closed() {
    let rig = Rig::new();
    let document = handoff("Write it", &[]);
    let (start, end) = document.split_at(20);
    let mut file = rig.open_to_write("handoff.json");
    file.write_all(start.as_bytes()).unwrap();
    rig.look("handoff.json");
    assert_eq!(rig.events().len(), 0);
    file.write_all(end.as_bytes()).unwrap();
    drop(file);
    rig.clock.advance(Duration::from_secs(1));
    rig.round();
    assert_eq!(rig.card().newest().accepted.title, "Write it");
}

#[test]
fn an_artifact_that_is_open_for_writing_holds_its_handoff_up() {
    let rig = Rig::new();
    let mut file = rig.open_to_write("report.md");
    file.write_all(b"half").unwrap();
    rig.deliver("handoff.json", handoff("Write it", &["report.md"]));
    assert_eq!(rig.events().len(), 0);
    file.write_all(b" and half").unwrap();
    drop(file);
    rig.clock.advance(Duration::from_secs(1));
    rig.round();
    assert_eq!(rig.card().newest().accepted.manifest.entries[0].size, 13);
}

#[test]
fn what_never_settles_is_refused_and_taken_once_it_does() {
    for (open, handed_over) in [("handoff.json", "[]"), ("report.md", r#"["report.md"]"#)] {
        let rig = Rig::new();
        let document = format!(
            r#"{{"handoff_version":"1.0","from_agent":"hermes","task":"Write it","artifacts":{handed_over}}}"#
        );
        rig.write("report.md", "words");
        rig.write("handoff.json", document);
        let file = rig.open_to_write(open);
        rig.look("handoff.json");
        let mut waited = Duration::ZERO;
        while waited < SETTLE_MAX {
            assert_eq!(rig.dead_letters(), 0, "{open} after {waited:?}");
            rig.clock.advance(Duration::from_secs(2));
            waited += Duration::from_secs(2);
            rig.round();
        }
        assert_eq!(rig.dead()[0].0, "still_written");
        assert!(rig.exists("handoff.errors.json"));

        drop(file);
        rig.look("handoff.json");
        assert_eq!(rig.cards().len(), 1, "{open}");
        assert_eq!(rig.dead_letters(), 0);
        assert!(!rig.exists("handoff.errors.json"));
    }
}

fn quiet(period: Duration) -> Rig {
    let mut rig = Rig::with(Settings {
        settle: period,
        ..Settings::default()
    });
    rig.without_leases();
    rig
}

#[test]
fn where_the_kernel_does_not_tell_a_document_must_be_quiet_for_a_while() {
    let rig = quiet(Duration::from_secs(2));
    rig.write("handoff.json", handoff("Half", &[]));
    rig.look("handoff.json");
    rig.clock.advance(Duration::from_secs(1));
    rig.write("handoff.json", handoff("Whole", &[]));
    rig.look("handoff.json");
    rig.clock.advance(Duration::from_secs(1));
    rig.look("handoff.json");
    assert_eq!(rig.events().len(), 0, "it changed a second ago");
    rig.clock.advance(Duration::from_secs(1));
    rig.round();
    assert_eq!(rig.card().newest().accepted.title, "Whole");
}

#[test]
fn where_the_kernel_does_not_tell_a_rename_is_complete_at_once() {
    let rig = quiet(Duration::from_secs(2));
    rig.put("handoff.json", handoff("Write it", &[]));
    rig.intake()
        .hint(crate::testing::WORKSPACE, "handoff.json".into(), true);
    rig.round();
    assert_eq!(rig.cards().len(), 1);
}

#[test]
fn where_the_kernel_does_not_tell_all_artifacts_are_quiet_together() {
    let rig = quiet(Duration::from_secs(2));
    let names = ["a", "b", "c", "d"];
    for name in names {
        rig.write(name, "words");
    }
    rig.write("handoff.json", handoff("Write it", &names));
    rig.look("handoff.json");
    rig.clock.advance(Duration::from_secs(2));
    rig.round();
    assert_eq!(rig.cards().len(), 0, "the artifacts were seen just now");
    rig.write("d", "other words");
    rig.clock.advance(Duration::from_secs(2));
    rig.round();
    assert_eq!(rig.cards().len(), 0, "one has changed since");
    rig.clock.advance(Duration::from_secs(2));
    rig.round();
    assert_eq!(rig.cards().len(), 1);
}
