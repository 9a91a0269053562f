//! Walks that follow a scan of the watcher.

use super::{Bed, word};

#[test]
fn a_walk_that_follows_a_scan_lists_what_it_came_to_and_at_its_end_what_is_left() {
    let bed = Bed::new();
    // The first index comes behind the scan.
    bed.write("b/first.md", "okapi");
    bed.search().listed("b".into(), "".into());
    bed.search().settle();
    assert_eq!(bed.found(word("okapi")), Vec::<String>::new());
    bed.search().walk("b".into());
    bed.search().settle();
    assert_eq!(bed.found(word("okapi")), ["b/first.md"]);
    std::fs::remove_file(bed.at("b/first.md")).unwrap();
    bed.walk();
    for (path, text) in [
        ("a/top.md", "okapi"),
        ("a/seen/one.md", "okapi"),
        ("a/seen/deep/two.md", "okapi"),
        ("a/missed/three.md", "okapi"),
        ("a/target/four.md", "okapi"),
    ] {
        bed.write(path, text);
    }
    let listed = |folder: &str| bed.search().listed("a".into(), folder.into());
    // A folder that no scan has come to the one around of is none of a walk.
    listed("seen");
    bed.search().settle();
    assert_eq!(bed.found(word("okapi")), Vec::<String>::new());
    for folder in ["", "seen", "seen/deep", "seen/deep", "target", "nowhere"] {
        listed(folder);
    }
    bed.search().settle();
    let seen = ["a/seen/deep/two.md", "a/seen/one.md", "a/top.md"];
    assert_eq!(bed.found(word("okapi")), seen);
    bed.search().walk("a".into());
    bed.search().settle();
    let all = [["a/missed/three.md"].as_slice(), &seen].concat();
    assert_eq!(bed.found(word("okapi")), all);
    let reads = bed.search().reads();
    // The next scan finds what went, and reads nothing again.
    std::fs::remove_file(bed.at("a/seen/one.md")).unwrap();
    for folder in ["", "seen", "missed"] {
        listed(folder);
    }
    bed.search().walk("a".into());
    bed.search().settle();
    let rest = ["a/missed/three.md", "a/seen/deep/two.md", "a/top.md"];
    assert_eq!(bed.found(word("okapi")), rest);
    assert_eq!(bed.search().reads(), reads);
}

#[test]
fn what_changes_while_scans_of_two_workspaces_run_is_not_taken_for_gone() {
    let bed = Bed::new();
    bed.walk();
    bed.write("a/one.md", "okapi");
    bed.write("b/two.md", "okapi");
    bed.search().listed("a".into(), "".into());
    bed.search().settle();
    bed.search().listed("b".into(), "".into());
    // By now there is a younger walk, and this change belongs to neither.
    bed.write("a/one.md", "okapi again");
    bed.hint("a", "one.md");
    bed.search().walk("a".into());
    bed.search().walk("b".into());
    bed.search().settle();
    assert_eq!(bed.found(word("okapi")), ["a/one.md", "b/two.md"]);
}
