//! A hit in a file is told with the handoff that names it.

use super::*;
use crate::review::latest::Latest;
use crate::testing::{Rig, handoff};

fn hand_over(rig: &Rig, folder: &str, file: &str) {
    let below = |name: &str| match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    };
    rig.write(&below(file), "words");
    let title = format!("Work in {folder}");
    rig.deliver(&below("handoff.json"), handoff(&title, &[file]));
}

#[test]
fn a_file_belongs_to_the_newest_handoff_that_names_it() {
    let rig = Rig::new();
    let homes = Latest::default();
    let named = |path: &str| {
        let state = rig.ledger().state();
        let folders = homes.at(&state, super::folders);
        let card =
            |workspace: &str| naming(&folders, &state, workspace, path).map(|card| card.id.0);
        assert_eq!(card("elsewhere"), None);
        card(crate::testing::WORKSPACE)
    };
    assert_eq!(named("a/b/x.txt"), None);
    hand_over(&rig, "a/b", "x.txt");
    assert_eq!(named("a/b/x.txt"), Some(1));
    hand_over(&rig, "a", "b/x.txt");
    assert_eq!(named("a/b/x.txt"), Some(2));
    hand_over(&rig, "", "top.txt");
    assert_eq!(named("top.txt"), Some(3));
    assert_eq!(named("a/top.txt"), None);
    assert_eq!(named("ab/x.txt"), None);
}
