//! Folders that rules leave out take no watch and hide no document.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::doubles::Faults;
use super::{Bed, Told, settings};

/// Longer than any period of the tree at its shortest.
const TREE: Duration = Duration::from_secs(80);

fn fill(root: &Path) {
    for folder in [
        "src/deep",
        "node_modules/left/pad",
        "app/target/debug",
        "cold/store/old",
        "cold/kept",
        "approved/H-1/target",
    ] {
        fs::create_dir_all(root.join(folder)).expect("folders");
    }
    let rules = "store/\n/lone/\n";
    fs::write(root.join("cold/.countersignignore"), rules).expect("rules");
    fs::write(root.join(".gitignore"), "src/\n").expect("rules of git");
    let early = root.join("node_modules/left/handoff.json");
    fs::write(early, "{}").expect("a document");
}

fn look(path: &str) -> Told {
    Told::Look(PathBuf::from(path))
}

#[test]
fn folders_that_are_left_out_take_no_watch_and_hide_no_document() {
    let faults = Arc::new(Faults::default());
    let mut bed = Bed::with(faults.opener(), settings(), fill);
    let watched = |bed: &Bed, folder: &str| {
        let list = faults.watched.lock().expect("a list");
        list.iter().any(|path| path.ends_with(bed.at(folder)))
    };
    for folder in [
        "src",
        "src/deep",
        "app",
        "cold",
        "cold/kept",
        "approved/H-1/target",
    ] {
        assert!(watched(&bed, folder), "{folder}");
    }
    for folder in [
        "node_modules",
        "node_modules/left/pad",
        "app/target",
        "app/target/debug",
        "cold/store",
        "cold/store/old",
    ] {
        assert!(!watched(&bed, folder), "{folder}");
    }
    // One that was there already is hinted, and its folder is watched from then on.
    assert!(
        bed.hints_until_now()
            .contains(&look("node_modules/left/handoff.json"))
    );
    assert!(watched(&bed, "node_modules/left"));
    fs::write(bed.at("node_modules/left/q3.handoff.json"), "{}").expect("a document");
    assert!(
        bed.hints_until_now()
            .contains(&look("node_modules/left/q3.handoff.json"))
    );
    // Another comes with the next scan, and that says nothing against events.
    fs::write(bed.at("cold/store/old/handoff.json"), "{}").expect("a document");
    bed.pass(TREE);
    assert!(bed.so_far().contains(&look("cold/store/old/handoff.json")));
    assert_eq!(bed.status().counts.found_by_scan, 0);
    // Rules that are taken away hold no longer after a scan. The pause before it doubles with each, also with one more
    // than the test asked for.
    fs::remove_file(bed.at("cold/.countersignignore")).expect("no rules");
    bed.pass(8 * TREE);
    assert!(watched(&bed, "cold/store"));
}
