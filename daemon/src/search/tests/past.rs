//! Files as they stood: what is found of versions, what is read once, what is let go of.

use std::sync::Arc;

use countersign_protocol::{
    Digest,
    manifest::{Manifest, ManifestEntry},
};

use super::standing::revision;
use super::{Bed, Name, pdf_reader, phrase, regex, word};
use crate::{
    fs::Objects,
    ledger::Revision,
    search::{Answer, Ask, Condition, Order, Standing},
    testing::entry,
};

/// A revision of one file, whose bytes are in the sealed store.
fn sealed(bed: &Bed, path: &str, text: &str, seconds: i64) -> Arc<Revision> {
    let objects = Objects::open(&bed.at("objects")).unwrap();
    let sealed = objects.seal_bytes(text.as_bytes().to_vec(), 0).unwrap();
    let entry = ManifestEntry {
        sha256: sealed.sha256,
        size: text.len() as u64,
        ..entry(path)
    };
    revision(seconds, Manifest::new(Digest([0; 32]), vec![entry]))
}

fn stood(revisions: &[&Arc<Revision>], forgotten: usize) -> Arc<Standing> {
    let newest = revisions.iter().map(|one| ("a".into(), Arc::clone(one)));
    Arc::new(Standing::new(newest.collect(), forgotten, None))
}

fn ask(bed: &Bed, condition: Condition, past: &Arc<Standing>, order: Order) -> Answer {
    let ask = Ask {
        condition,
        workspaces: vec!["a".to_owned()],
        order,
        limit: 100,
        count_all: true,
        lines: true,
        past: Some(Arc::clone(past)),
        ..Ask::default()
    };
    bed.search().find(&ask).unwrap().unwrap()
}

fn found(bed: &Bed, condition: Condition, past: &Arc<Standing>) -> Vec<String> {
    let answer = ask(bed, condition, past, Order::Path);
    assert_eq!(answer.total, answer.results.len() as u64);
    let paths = answer.results.iter().map(|one| one.document.path.clone());
    paths.collect()
}

#[test]
fn each_moment_has_its_own_words_and_no_file_of_today() {
    let bed = Bed::new();
    bed.write("a/notes.md", "walrus of today\n");
    bed.walk();
    let old = sealed(&bed, "notes.md", "one\nthe okapi sleeps\n", 10);
    let new = sealed(&bed, "notes.md", "the okapi wakes\n", 30);
    let other = sealed(&bed, "src/lib.rs", "fn openStream() {}\n", 20);
    let first = stood(&[&old, &other], 0);
    let second = stood(&[&new, &other], 0);
    for (condition, then, later) in [
        (word("okapi"), vec!["notes.md"], vec!["notes.md"]),
        (word("sleeps"), vec!["notes.md"], vec![]),
        (word("walrus"), vec![], vec![]),
        (phrase("okapi wakes"), vec![], vec!["notes.md"]),
        (regex("^the .* sleeps$"), vec!["notes.md"], vec![]),
        (word("stream"), vec!["src/lib.rs"], vec!["src/lib.rs"]),
        (
            Condition::Ending(Name("rs".to_owned())),
            vec!["src/lib.rs"],
            vec!["src/lib.rs"],
        ),
        (
            Condition::At(15_000_000..25_000_000),
            vec!["src/lib.rs"],
            vec!["src/lib.rs"],
        ),
        (
            Condition::At(25_000_000..i64::MAX),
            vec![],
            vec!["notes.md"],
        ),
        (
            Condition::All,
            vec!["notes.md", "src/lib.rs"],
            vec!["notes.md", "src/lib.rs"],
        ),
    ] {
        assert_eq!(
            found(&bed, condition.clone(), &first),
            then,
            "{condition:?}"
        );
        assert_eq!(
            found(&bed, condition.clone(), &second),
            later,
            "{condition:?}"
        );
    }
    let line = &ask(&bed, word("sleeps"), &first, Order::Path).results[0].lines[0];
    assert_eq!((line.number, line.text.as_str()), (2, "the okapi sleeps"));
    // In the order of the moment: the file that stood unchanged was newer at first.
    let newest = |past| {
        let answer = ask(&bed, Condition::All, past, Order::Newest);
        answer.results[0].document.path.clone()
    };
    assert_eq!(newest(&first), "src/lib.rs");
    assert_eq!(newest(&second), "notes.md");
    assert_eq!(bed.found(word("okapi")), Vec::<String>::new());
}

#[test]
fn what_was_let_go_of_leaves_the_index_with_the_next_question() {
    let bed = Bed::new();
    let kept = sealed(&bed, "kept.md", "okapi", 1);
    let gone = sealed(&bed, "gone.md", "okapi", 1);
    assert_eq!(
        found(&bed, word("okapi"), &stood(&[&kept, &gone], 0)),
        ["gone.md", "kept.md"]
    );
    let known = || bed.search().past.known();
    assert_eq!(known(), 2);
    let rest = stood(&[&kept], 1);
    assert_eq!(found(&bed, word("okapi"), &rest), ["kept.md"]);
    assert_eq!(known(), 1);
    // What is not there any longer is named, and says why nothing else of it is found.
    let lost = ManifestEntry {
        sha256: Digest([7; 32]),
        ..entry("lost.md")
    };
    let lost = revision(1, Manifest::new(Digest([0; 32]), vec![lost]));
    let answer = ask(&bed, word("lost"), &stood(&[&lost], 1), Order::Path);
    let note = answer.results[0].note.as_deref().unwrap();
    assert!(note.contains("are not kept"), "{note}");
}

#[test]
fn nothing_writes_any_more_when_the_index_is_thrown_away() {
    let bed = Bed::new();
    let notes = sealed(&bed, "notes.md", "okapi", 1);
    let past = stood(&[&notes], 0);
    for _ in 0..2 {
        assert_eq!(found(&bed, word("okapi"), &past), ["notes.md"]);
        assert!(bed.search().past.may_write());
        bed.search().past.clear().unwrap();
        assert!(!bed.search().past.may_write());
    }
}

#[test]
fn a_document_of_that_moment_is_read_by_a_child_once_and_again_when_none_could_be_started() {
    let bed = Bed::new();
    let notes = bed.at("notes");
    let mut bed = bed.reading_by(pdf_reader(&notes));
    let report = sealed(&bed, "report.pdf", "%PDF-1.7 x", 1);
    let past = stood(&[&report], 0);
    for _ in 0..2 {
        let answer = ask(&bed, phrase("delta report"), &past, Order::Path);
        assert_eq!((answer.total, answer.unread), (1, 0));
        bed.start();
    }
    assert_eq!(std::fs::read_to_string(&notes).unwrap(), "read\n");
    // Nobody is there to read it: it is not taken for one without words.
    bed.program = "/nowhere/reader".into();
    bed.start();
    let other = stood(&[&sealed(&bed, "other.pdf", "%PDF-1.7 y", 1)], 0);
    let answer = ask(&bed, word("gamma"), &other, Order::Path);
    assert_eq!((answer.total, answer.unread), (0, 1));
    bed.program = "/bin/sh".into();
    bed.start();
    let answer = ask(&bed, word("gamma"), &other, Order::Path);
    assert_eq!((answer.total, answer.unread), (1, 0));
}
