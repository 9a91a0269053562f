//! Watched files, changed by somebody, on a clock that the test moves.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests play the agents, who do not use our door"
)]

use std::{path::Path, sync::Arc, time::Duration};

use countersign_protocol::{
    event::Event,
    principal::Principal,
    watched::{ChangeKind, FilesChanged},
};

use super::Changes;
use crate::testing::{Rig, WORKSPACE};

const CARD: &str = r#"
[[trigger]]
name = "runbook"
on = "file_changed"
names = ["docs/runbook.md", "deploy/**/*.yaml"]
raise = "card"
risk = "high"
"#;

struct Scene {
    rig: Rig,
    changes: Changes,
}

impl Scene {
    fn new(rules: &str) -> Self {
        let mut rig = Rig::new();
        rig.write("docs/runbook.md", "one");
        rig.write("deploy/prod/app.yaml", "a: 1");
        rig.with_policy(rules);
        let changes = stage(&rig);
        let scene = Self { rig, changes };
        scene.run();
        scene
    }

    /// kill -9 and a start.
    fn restart(&mut self) {
        self.rig.restart();
        self.changes = stage(&self.rig);
    }

    fn run(&self) {
        self.rig.wait(self.changes.run()).unwrap();
    }

    /// What an agent does, and what the watcher then says.
    fn write(&self, path: &str, bytes: &str) {
        self.rig.write(path, bytes);
        self.changes.hint(WORKSPACE, Path::new(path));
    }

    /// Lets the files rest.
    fn rest(&self) {
        self.rig.clock.advance(Duration::from_secs(1));
        self.run();
    }

    fn told(&self) -> Vec<FilesChanged> {
        let events = self.rig.events().into_iter();
        let told = events.filter_map(|event| match event {
            Event::FilesChanged(changed) => Some(*changed),
            _ => None,
        });
        told.collect()
    }

    fn last(&self) -> Vec<(String, ChangeKind)> {
        let told = self.told().pop().expect("something was told");
        let files = told.files.into_iter();
        files.map(|one| (one.path, one.kind)).collect()
    }
}

fn stage(rig: &Rig) -> Changes {
    Changes::new(
        rig.workspaces(),
        rig.ledger().clone(),
        Arc::clone(rig.objects()),
        rig.clock.clone(),
        rig.policy().catalog(),
    )
}

fn one(path: &str, kind: ChangeKind) -> Vec<(String, ChangeKind)> {
    vec![(path.to_owned(), kind)]
}

#[test]
fn a_named_file_that_changes_becomes_a_card_once_it_rests() {
    let scene = Scene::new(CARD);
    assert_eq!(
        scene.told(),
        [],
        "what was there before the rule is only remembered"
    );
    scene.write("docs/runbook.md", "two");
    scene.run();
    assert_eq!(scene.told(), [], "it may go on");
    scene.rest();
    assert_eq!(scene.last(), one("docs/runbook.md", ChangeKind::Modified));
    scene.rest();
    assert_eq!(scene.told().len(), 1, "told once");
    scene.rig.apply_policy();
    let card = scene.rig.cards().remove(0);
    let accepted = &card.newest().accepted;
    assert_eq!(accepted.principal, Principal::Daemon);
    assert_eq!(accepted.title, "docs/runbook.md changed");
    let entry = &accepted.manifest.entries[0];
    assert_eq!(
        (entry.path.as_str(), entry.kept, entry.declared),
        ("docs/runbook.md", true, false)
    );
    let routed = card.routing.as_ref().expect("somebody is asked");
    let fired = routed
        .routed
        .triggers
        .iter()
        .any(|fired| fired.rule == "runbook");
    assert!(fired, "{:?}", routed.routed.triggers);
    assert_eq!(routed.routed.risk, "high");
}

#[test]
fn a_burst_is_one_fact_and_what_comes_while_nobody_answered_is_a_further_revision() {
    let scene = Scene::new(CARD);
    for number in 0..100 {
        scene.write(&format!("deploy/v{number}.yaml"), "x");
        scene.rig.clock.advance(Duration::from_millis(5));
        scene.run();
    }
    scene.rest();
    let told = scene.told();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].files.len(), told[0].more), (64, 36));
    scene.write("docs/runbook.md", "two");
    scene.rest();
    let cards = scene.rig.cards();
    assert_eq!(cards.len(), 1);
    let accepted = &cards[0].newest().accepted;
    assert_eq!(accepted.revision, 2);
    assert_eq!(
        accepted.manifest.entries.len(),
        65,
        "what nobody answered stays on it"
    );
}

#[test]
fn a_burst_without_a_pause_does_not_put_it_off_for_ever() {
    let scene = Scene::new(CARD);
    for number in 0..25 {
        scene.write("docs/runbook.md", &format!("draft {number}"));
        scene.rig.clock.advance(Duration::from_millis(500));
        scene.run();
    }
    assert_eq!(scene.told().len(), 1);
}

#[test]
fn what_is_the_same_or_ours_or_not_named_or_left_out_is_not_told() {
    let rules = CARD.replace(
        "\"docs/runbook.md\"",
        "\"docs/*\", \"feedback.md\", \"approved/**\", \"locks/**\"",
    );
    let scene = Scene::new(&rules);
    scene.write("docs/runbook.md", "one");
    scene.write("docs/feedback.md", "we wrote this");
    scene.write("docs/handoff.receipt.json", "{}");
    scene.write("approved/H-1/x.md", "released");
    scene.write("locks/x.answer.json", "{}");
    scene.write(".countersign/x.yaml", "ours");
    scene.write("src/main.rs", "not named");
    scene.write("deploy/node_modules/x.yaml", "made by a tool");
    scene.rest();
    scene.changes.scanned(WORKSPACE);
    scene.rest();
    assert_eq!(scene.told(), []);
}

#[test]
fn what_changed_while_nobody_watched_is_found_after_a_start_and_told_once() {
    let mut scene = Scene::new(CARD);
    scene.write("docs/runbook.md", "two");
    // Killed before it was told.
    scene.restart();
    scene.run();
    assert_eq!(scene.last(), one("docs/runbook.md", ChangeKind::Modified));
    scene.rig.write("docs/runbook.md", "three");
    scene.rig.remove("deploy/prod/app.yaml");
    scene.restart();
    scene.run();
    let expected = [
        one("deploy/prod/app.yaml", ChangeKind::Removed),
        one("docs/runbook.md", ChangeKind::Modified),
    ];
    assert_eq!(scene.last(), expected.concat());
    scene.restart();
    scene.run();
    assert_eq!(scene.told().len(), 2);
}

#[test]
fn a_folder_that_goes_takes_its_files_along() {
    let scene = Scene::new(CARD);
    scene.rig.remove("deploy/prod/app.yaml");
    scene.changes.hint(WORKSPACE, Path::new("deploy/prod"));
    scene.rest();
    assert_eq!(
        scene.last(),
        one("deploy/prod/app.yaml", ChangeKind::Removed)
    );
}

#[test]
fn an_event_alone_asks_nobody_and_a_rule_holds_only_in_its_workspaces() {
    let rules = CARD.replace("raise = \"card\"", "raise = \"event\"");
    let scene = Scene::new(&rules);
    scene.write("docs/runbook.md", "two");
    scene.rest();
    assert_eq!(scene.told().len(), 1);
    assert!(scene.rig.cards().is_empty());
    let elsewhere = CARD.replace("risk", "workspace = [\"other\"]\nrisk");
    let scene = Scene::new(&elsewhere);
    scene.write("docs/runbook.md", "two");
    scene.rest();
    assert_eq!(scene.told(), []);
}

#[test]
fn a_link_is_not_followed_out_of_the_workspace() {
    let scene = Scene::new(CARD);
    std::fs::write(scene.rig.outside("secret.yaml"), "key: 1").unwrap();
    let link = scene.rig.path("deploy/link.yaml");
    std::os::unix::fs::symlink(scene.rig.outside("secret.yaml"), link).unwrap();
    std::os::unix::fs::symlink(scene.rig.outside(""), scene.rig.path("deploy/out")).unwrap();
    scene.changes.hint(WORKSPACE, Path::new("deploy/link.yaml"));
    scene
        .changes
        .hint(WORKSPACE, Path::new("deploy/out/secret.yaml"));
    scene.rest();
    scene.changes.scanned(WORKSPACE);
    scene.rest();
    assert_eq!(scene.told(), []);
}
