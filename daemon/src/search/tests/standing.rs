//! What stood at some moment: which of several revisions has a file, and what is taken over from the last question.

use std::sync::Arc;

use countersign_protocol::{
    Digest,
    manifest::{Manifest, ManifestEntry},
};
use jiff::Timestamp;

use crate::{
    ledger::Revision,
    search::{Standing, key_of_file},
    testing::{accepted, entry},
};

/// The revision that was accepted in that second, as the entry of that number.
pub(super) fn revision(seconds: i64, manifest: Manifest) -> Arc<Revision> {
    let accepted = accepted(|accepted| accepted.manifest = manifest);
    Arc::new(Revision {
        seq: seconds.unsigned_abs(),
        at: Timestamp::from_second(seconds).unwrap(),
        accepted: Arc::new(accepted),
        is_forgotten: false,
    })
}

fn of(seconds: i64, entries: Vec<ManifestEntry>) -> Arc<Revision> {
    revision(seconds, Manifest::new(Digest([0; 32]), entries))
}

fn with(path: &str, text: &str) -> ManifestEntry {
    ManifestEntry {
        sha256: Digest::of(text.as_bytes()),
        ..entry(path)
    }
}

fn stood(newest: &[&Arc<Revision>], before: Option<&Standing>) -> Standing {
    let newest = newest.iter().map(|one| ("a".into(), Arc::clone(one)));
    Standing::new(newest.collect(), 0, before)
}

/// Path, second and content of each version, with the keys of it and of its file.
fn told(standing: &Standing) -> Vec<(String, i64, Digest, u64, Option<u64>)> {
    let versions = standing.versions().map(|(key, one)| {
        let at = one.at().as_second();
        (one.path(), at, one.entry.sha256, key, standing.file(key))
    });
    let mut versions: Vec<_> = versions.collect();
    versions.sort();
    versions
}

#[test]
fn of_a_file_that_several_handed_over_the_last_one_stands() {
    let older = of(1, vec![with("both.md", "old"), with("first.md", "x")]);
    let newer = of(2, vec![with("both.md", "new"), with("second.md", "x")]);
    let standing = stood(&[&older, &newer], None);
    let names: Vec<_> = told(&standing)
        .into_iter()
        .map(|(path, at, ..)| (path, at))
        .collect();
    let expected = [("both.md", 2), ("first.md", 1), ("second.md", 2)];
    assert_eq!(names, expected.map(|(path, at)| (path.to_owned(), at)));
    assert_eq!(standing.len(), 3);
    // Even when the content of the last one is not kept, the one before it did not stand.
    let mut gone = Revision::clone(&newer);
    gone.is_forgotten = true;
    let standing = stood(&[&older, &Arc::new(gone)], None);
    assert_eq!(told(&standing).len(), 1);
    let unkept = ManifestEntry {
        kept: false,
        ..with("both.md", "large")
    };
    let standing = stood(&[&older, &of(2, vec![unkept])], None);
    assert_eq!(told(&standing)[0].0, "first.md");
    assert_eq!(standing.len(), 1);
}

#[test]
fn what_is_taken_over_from_the_last_question_is_what_would_be_made() {
    let first = Manifest::new(
        Digest([0; 32]),
        ["a.md", "b.md", "c.md", "e.md"]
            .map(|path| with(path, "x"))
            .into(),
    );
    let mut second = Manifest::new(
        Digest([0; 32]),
        vec![
            with("b.md", "y"),
            with("c.md", "x"),
            with("d.md", "x"),
            with("e.md", "x"),
        ],
    );
    second.share(&first);
    let (first, second) = (revision(1, first), revision(2, second));
    let before = stood(&[&first], None);
    for (newest, before) in [(&second, &before), (&first, &stood(&[&second], None))] {
        let anew = told(&stood(&[newest], None));
        assert_eq!(anew.len(), 4);
        assert_eq!(told(&stood(&[newest], Some(before))), anew);
    }
}

#[test]
fn the_same_entries_in_another_folder_or_workspace_are_other_files() {
    let here = of(1, vec![with("a.md", "x")]);
    let before = stood(&[&here], None);
    let mut moved = Revision::clone(&here);
    Arc::make_mut(&mut moved.accepted).at.folder = "below".to_owned();
    let moved = stood(&[&Arc::new(moved)], Some(&before));
    let (path, .., file) = told(&moved).remove(0);
    assert_eq!(path, "below/a.md");
    assert_eq!(file, Some(key_of_file("a", "below/a.md")));
    let elsewhere = Standing::new(vec![("b".into(), here)], 0, Some(&before));
    let file = told(&elsewhere).remove(0).4;
    assert_eq!(file, Some(key_of_file("b", "a.md")));
}
