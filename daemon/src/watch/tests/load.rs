//! Many changes at once. No scan is due in these tests: what is found is found by events and by the listing of
//! new folders.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Bed, Told};

/// How many handoffs the race writes, each in three folders made just before.
const RACE: usize = 2_000;

#[test]
fn nothing_is_missed_in_folders_made_the_moment_before() {
    let bed = Bed::new();
    let mut documents = BTreeSet::new();
    for run in 0..RACE {
        let folder = format!("run-{run}/out/deep");
        fs::create_dir_all(bed.at(&folder)).expect("folders");
        fs::write(bed.at(&format!("{folder}/draft")), "{}").expect("a draft");
        let document = format!("{folder}/handoff.json");
        fs::rename(bed.at(&format!("{folder}/draft")), bed.at(&document)).expect("a rename");
        documents.insert(document.into());
    }
    bed.wait_for(documents);
    assert_eq!(bed.status().counts.scans, 1, "only the first scan");
}

#[test]
fn a_burst_of_renames_into_fresh_folders_is_hinted_in_full() {
    let bed = Bed::new();
    let mut documents = BTreeSet::new();
    for folder in 0..1_000 {
        fs::create_dir(bed.at(&format!("{folder}"))).expect("a folder");
        for file in 0..10 {
            let draft = bed.at(&format!("{folder}/draft"));
            let document = format!("{folder}/{file}.handoff.json");
            fs::write(&draft, "{}").expect("a draft");
            fs::rename(&draft, bed.at(&document)).expect("a rename");
            documents.insert(document.into());
        }
    }
    let looks = bed.wait_for(documents);
    assert!(looks.len() >= 10_000);
    assert_eq!(bed.status().counts.scans, 1, "only the first scan");
}

#[test]
fn a_prepared_tree_that_is_moved_in_is_found_in_full() {
    let mut bed = Bed::new();
    let documents = prepare(&bed.beside("prepared"), 500);
    fs::rename(bed.beside("prepared"), bed.at("run")).expect("a rename");
    let expected: BTreeSet<Told> = documents
        .iter()
        .map(|document| Told::Look(Path::new("run").join(document)))
        .collect();
    let mut told = bed.hints_until_now();
    told.retain(|hint| !matches!(hint, Told::Activity(_)));
    assert_eq!(told, expected);

    // The watches stand: what comes afterwards is told by events.
    for document in &documents {
        let path = bed.at("run").join(document);
        fs::rename(&path, path.with_file_name("again.handoff.json")).expect("a rename");
    }
    let told = bed.hints_until_now();
    let looks = told.iter().filter(|hint| matches!(hint, Told::Look(_)));
    let gone = told.iter().filter(|hint| matches!(hint, Told::Gone(_)));
    assert_eq!((looks.count(), gone.count()), (500, 500));
}

#[test]
fn what_is_there_at_the_start_is_hinted_once() {
    let mut bed = Bed::prepared(|root| {
        prepare(&root.join("run"), 200);
    });
    assert_eq!(bed.so_far().len(), 200);
    bed.handle.rescan();
    bed.until(|status| status.counts.scans == 2);
    assert_eq!(bed.status().counts.found_by_scan, 0);
    assert_eq!(bed.hints_until_now(), BTreeSet::new());
    assert_eq!(bed.status().documents, 201);
}

/// Makes `count` documents, each in a folder of its own, two levels down.
fn prepare(top: &Path, count: usize) -> Vec<PathBuf> {
    (0..count)
        .map(|index| {
            let document = PathBuf::from(format!("{}/{index}/handoff.json", index % 20));
            let path = top.join(&document);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, "{}").expect("a document");
            document
        })
        .collect()
}
