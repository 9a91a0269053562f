//! Finished packages: taken whole, cleared away, answered in the mirror.

use countersign_protocol::HandoffId;

use crate::testing::{Rig, handoff};

fn drop_package(rig: &Rig, name: &str, task: &str) {
    rig.write("staging/q3/report.md", "the report");
    rig.write("staging/q3/data/more.csv", "1,2");
    rig.write("staging/q3/handoff.json", handoff(task, &["report.md"]));
    rig.make_folder("inbox/hermes");
    rig.rename("staging/q3", &format!("inbox/hermes/{name}"));
}

#[test]
fn a_package_is_sealed_whole_and_leaves_the_inbox() {
    let rig = Rig::new();
    drop_package(&rig, "q3", "Write it");
    rig.look("inbox/hermes/q3/handoff.json");

    let entries = rig.card().newest().accepted.manifest.entries.clone();
    let sealed: Vec<(&str, bool)> = entries
        .iter()
        .map(|entry| (entry.path.as_str(), entry.declared))
        .collect();
    assert_eq!(sealed, [("data/more.csv", false), ("report.md", true)]);
    assert!(!rig.exists("inbox/hermes/q3"));
    assert_eq!(
        rig.text("inbox/hermes/.done-q3/report.md").as_deref(),
        Some("the report")
    );
    let receipt = rig.json(".countersign/inbox/hermes/q3/handoff.receipt.json");
    assert_eq!(receipt["status"], "accepted");
}

#[test]
fn a_package_that_comes_again_is_a_duplicate_and_leaves_too() {
    let rig = Rig::new();
    for name in ["q3", "q3", "again"] {
        drop_package(&rig, name, "Write it");
        rig.look(&format!("inbox/hermes/{name}/handoff.json"));
    }
    assert_eq!(rig.count("handoff.accepted"), 1);
    for done in [".done-q3", ".done-q3-2", ".done-again"] {
        assert!(rig.exists(&format!("inbox/hermes/{done}")), "{done}");
    }
    let receipt = rig.json(".countersign/inbox/hermes/again/handoff.receipt.json");
    assert_eq!(receipt["status"], "duplicate");
    assert_eq!(receipt["handoff_id"], HandoffId(1).to_string());
}

#[test]
fn a_package_that_a_crash_left_in_the_inbox_is_cleared_away_after_it() {
    let mut rig = Rig::new();
    drop_package(&rig, "q3", "Write it");
    rig.hint("inbox/hermes/q3/handoff.json");
    assert!(rig.intake().step());
    rig.wait(
        rig.ledger()
            .transact(|_, _| Ok::<_, std::convert::Infallible>(crate::ledger::Draft::nothing(()))),
    )
    .unwrap();
    assert_eq!(rig.cards().len(), 1, "accepted");
    assert!(rig.exists("inbox/hermes/q3"), "and not yet cleared away");

    rig.restart();
    rig.look("inbox/hermes/q3/handoff.json");
    assert!(!rig.exists("inbox/hermes/q3"));
    assert_eq!(rig.count("handoff.accepted"), 1);
    let receipt = rig.json(".countersign/inbox/hermes/q3/handoff.receipt.json");
    assert_eq!(receipt["status"], "accepted");
}

#[test]
fn a_refused_package_stays_where_it_is() {
    let mut rig = Rig::new();
    rig.write(
        "inbox/hermes/q3/handoff.json",
        handoff("Write it", &["gone.md"]),
    );
    rig.look("inbox/hermes/q3/handoff.json");
    rig.restart();
    rig.look("inbox/hermes/q3/handoff.json");
    assert!(rig.exists("inbox/hermes/q3/handoff.json"));
    assert_eq!(
        rig.dead(),
        [("missing".to_owned(), "/artifacts/0".to_owned())]
    );
    assert!(rig.exists(".countersign/inbox/hermes/q3/handoff.errors.json"));
    assert!(!rig.exists("inbox/hermes/q3/handoff.errors.json"));
}

#[test]
fn what_was_cleared_away_is_never_taken_again() {
    let rig = Rig::new();
    drop_package(&rig, "q3", "Write it");
    rig.look("inbox/hermes/q3/handoff.json");
    let entries = rig.events().len();
    for ours in [
        "inbox/hermes/.done-q3/handoff.json",
        "approved/H-1/handoff.json",
        ".countersign/handoff.json",
    ] {
        rig.write(ours, handoff("Forged", &[]));
        rig.look(ours);
    }
    assert_eq!(rig.events().len(), entries);
    assert!(
        rig.submit("approved/H-1", &handoff("Forged", &[]), &[])
            .is_err()
    );
}

#[test]
fn a_long_name_still_leaves_the_inbox() {
    let rig = Rig::new();
    let name = "n".repeat(255);
    drop_package(&rig, &name, "Write it");
    rig.look(&format!("inbox/hermes/{name}/handoff.json"));
    assert_eq!(rig.cards().len(), 1);
    assert!(!rig.exists(&format!("inbox/hermes/{name}")));
}

#[test]
fn a_checkpoint_in_a_package_is_one_of_its_files() {
    let rig = Rig::new();
    let checkpoint = r#"{"checkpoint_version":"1.0","from_agent":"hermes","step":1}"#;
    rig.write("inbox/hermes/q3/checkpoint.json", checkpoint);
    rig.look("inbox/hermes/q3/checkpoint.json");
    assert_eq!(rig.events().len(), 0);
}
