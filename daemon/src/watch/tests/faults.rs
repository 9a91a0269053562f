//! Watches that are refused and events that do not come.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use notify::event::{CreateKind, Flag, RemoveKind};
use notify::{Error, Event, EventKind};

use super::super::{Mode, Settings, Status};
use super::doubles::Faults;
use super::{Bed, Told, settings};

/// Longer than any period of the inbox, shorter than any of the tree.
const INBOX: Duration = Duration::from_secs(7);
/// Longer than any period of the tree at its shortest.
const TREE: Duration = Duration::from_secs(80);

fn bed(faults: &Arc<Faults>) -> Bed {
    Bed::with(faults.opener(), settings(), |_| ())
}

/// A bed whose watcher hears nothing, which is not found out.
fn deaf_bed(faults: &Arc<Faults>, fill: impl FnOnce(&Path)) -> Bed {
    faults.is_deaf.store(true, Ordering::SeqCst);
    let settings = Settings {
        probe_patience: Duration::from_hours(1),
        backlog: 2,
        ..settings()
    };
    Bed::with(faults.opener(), settings, fill)
}

fn scanning(status: &Status) -> Option<&str> {
    match &status.mode {
        Mode::Scanning { why } => Some(why),
        _ => None,
    }
}

fn looks(told: Vec<Told>) -> Vec<PathBuf> {
    told.into_iter()
        .filter_map(|hint| match hint {
            Told::Look(document) => Some(document),
            _ => None,
        })
        .collect()
}

#[test]
fn without_a_watcher_the_workspace_is_scanned_until_there_is_one() {
    let faults = Arc::new(Faults::default());
    faults.is_refused.store(true, Ordering::SeqCst);
    let mut bed = bed(&faults);
    let status = bed.status();
    let why = scanning(&status).expect("scanning");
    assert!(
        why.contains("sysctl fs.inotify.max_user_instances="),
        "{why}"
    );

    fs::create_dir_all(bed.at("run")).expect("a folder");
    fs::write(bed.at("run/handoff.json"), "{}").expect("a document");
    bed.pass(TREE);
    assert_eq!(looks(bed.so_far()), [PathBuf::from("run/handoff.json")]);
    // Small trees are scanned as often as the inbox.
    fs::write(bed.at("run/handoff.json"), "another").expect("a document");
    bed.pass(INBOX);
    assert_eq!(looks(bed.so_far()), [PathBuf::from("run/handoff.json")]);

    faults.is_refused.store(false, Ordering::SeqCst);
    bed.pass(Duration::from_secs(40));
    bed.until(|status| status.mode == Mode::Watching && status.is_proven);
    fs::write(bed.at("run/q3.handoff.json"), "{}").expect("a document");
    let look = Told::Look("run/q3.handoff.json".into());
    assert!(bed.hints_until_now().contains(&look));
}

#[test]
fn at_the_limit_of_watches_the_workspace_is_scanned_and_says_so() {
    let faults = Arc::new(Faults::default());
    let mut bed = bed(&faults);
    faults.refused_watches.store(usize::MAX, Ordering::SeqCst);
    fs::create_dir(bed.at("run")).expect("a folder");
    bed.until(|status| scanning(status).is_some());
    let status = bed.status();
    let why = scanning(&status).expect("scanning");
    assert!(why.contains("sysctl fs.inotify.max_user_watches="), "{why}");
    fs::write(bed.at("run/handoff.json"), "{}").expect("a document");
    bed.pass(TREE);
    assert!(looks(bed.so_far()).contains(&PathBuf::from("run/handoff.json")));
    fs::write(bed.at("run/handoff.json"), "another").expect("a document");
    bed.pass(INBOX);
    assert_eq!(looks(bed.so_far()), [PathBuf::from("run/handoff.json")]);

    // What stood before is still watched.
    fs::write(bed.at("handoff.json"), "{}").expect("a document");
    assert!(
        bed.hints_until_now()
            .contains(&Told::Look("handoff.json".into()))
    );

    faults.refused_watches.store(0, Ordering::SeqCst);
    bed.pass(INBOX);
    assert_eq!(bed.status().mode, Mode::Watching);
    fs::write(bed.at("run/q3.handoff.json"), "{}").expect("a document");
    let look = Told::Look("run/q3.handoff.json".into());
    assert!(bed.hints_until_now().contains(&look));
}

#[test]
fn watches_that_were_set_together_before_the_limit_was_met_are_kept() {
    let faults = Arc::new(Faults::default());
    *faults.most_watches.lock().expect("a number") = Some(6);
    let names: Vec<_> = (0..12).map(|number| format!("part-{number}")).collect();
    let mut bed = Bed::with(faults.opener(), settings(), |root| {
        for name in &names {
            fs::create_dir(root.join(name)).expect("a folder");
        }
    });
    assert!(scanning(&bed.status()).is_some(), "{:?}", bed.status());
    let documents = names.iter().map(|name| format!("{name}/handoff.json"));
    let documents: Vec<PathBuf> = documents.map(PathBuf::from).collect();
    for document in &documents {
        fs::write(bed.at(&document.to_string_lossy()), "{}").expect("a document");
    }
    let watched = faults.watched.lock().expect("a list").clone();
    let is_watched = |document: &&PathBuf| {
        let folder = bed.at(&document.to_string_lossy());
        watched
            .iter()
            .any(|watched| folder.parent() == Some(watched))
    };
    let mut heard: Vec<_> = documents.iter().filter(is_watched).cloned().collect();
    assert!(heard.len() >= 4, "{watched:?}");
    heard.sort();
    assert_eq!(looks(bed.hints_until_now().into_iter().collect()), heard);
    // The others are found by a scan.
    bed.pass(TREE);
    let found = looks(bed.so_far());
    let rest = documents.iter().filter(|one| !heard.contains(one));
    assert!(rest.clone().all(|one| found.contains(one)), "{found:?}");
    assert_eq!(rest.count(), documents.len() - heard.len());
}

#[test]
fn a_folder_that_goes_between_its_watch_and_its_listing_is_no_trouble() {
    let faults = Arc::new(Faults::default());
    let mut bed = Bed::with(faults.opener(), settings(), |root| {
        for name in ["a", "b", "c"] {
            fs::create_dir(root.join(name)).expect("a folder");
        }
        *faults.gone_once_watched.lock().expect("a path") = Some(root.join("b"));
    });
    let status = bed.status();
    assert_eq!(status.mode, Mode::Watching);
    assert!(status.trouble.is_empty(), "{:?}", status.trouble);
    assert!(!bed.at("b").exists());
    // One that comes under its name is another folder, with a watch of its own.
    fs::create_dir(bed.at("b")).expect("a folder");
    bed.hints_until_now();
    fs::write(bed.at("b/handoff.json"), "{}").expect("a document");
    let look = Told::Look("b/handoff.json".into());
    assert!(bed.hints_until_now().contains(&look));
}

#[test]
fn a_watcher_that_goes_deaf_is_replaced() {
    let faults = Arc::new(Faults::default());
    faults.is_deaf.store(true, Ordering::SeqCst);
    let mut bed = bed(&faults);
    fs::write(bed.at("handoff.json"), "{}").expect("a document");
    bed.until(|status| status.counts.probes_sent == 1);
    faults.is_deaf.store(false, Ordering::SeqCst);
    bed.pass(Duration::from_secs(6));
    assert_eq!(faults.opened.load(Ordering::SeqCst), 2);
    assert_eq!(bed.status().counts.probes_missed, 1);
    assert_eq!(looks(bed.so_far()), [PathBuf::from("handoff.json")]);
    bed.until(|status| status.is_proven);
    fs::write(bed.at("q3.handoff.json"), "{}").expect("a document");
    let look = Told::Look("q3.handoff.json".into());
    assert!(bed.hints_until_now().contains(&look));
}

#[test]
fn where_no_watcher_hears_anything_the_workspace_is_scanned() {
    let faults = Arc::new(Faults::default());
    faults.is_deaf.store(true, Ordering::SeqCst);
    let bed = bed(&faults);
    for _ in 0..6 {
        bed.pass(Duration::from_secs(6));
    }
    assert_eq!(scanning(&bed.status()), Some("changes here raise no event"));
    let opened = faults.opened.load(Ordering::SeqCst);
    for _ in 0..20 {
        bed.pass(Duration::from_secs(6));
    }
    assert_eq!(
        faults.opened.load(Ordering::SeqCst),
        opened,
        "a new watcher is no cure"
    );
}

#[test]
fn deaf_or_not_the_inbox_is_listed_often_and_the_tree_on_its_period() {
    let bed = deaf_bed(&Arc::default(), |_| ());
    fs::create_dir_all(bed.at("inbox/hermes/package-1")).expect("a package");
    fs::write(bed.at("inbox/hermes/package-1/handoff.json"), "{}").expect("a document");
    fs::create_dir_all(bed.at("run")).expect("a folder");
    fs::write(bed.at("run/handoff.json"), "{}").expect("a document");
    bed.pass(INBOX);
    let package = PathBuf::from("inbox/hermes/package-1/handoff.json");
    assert_eq!(looks(bed.so_far()), std::slice::from_ref(&package));

    // A second package of an agent that is known.
    fs::create_dir_all(bed.at("inbox/hermes/package-2")).expect("a package");
    fs::write(bed.at("inbox/hermes/package-2/handoff.json"), "{}").expect("a document");
    bed.pass(INBOX);
    let told = looks(bed.so_far());
    assert!(told.contains(&PathBuf::from("inbox/hermes/package-2/handoff.json")));
    assert!(!told.contains(&package), "known and unchanged");

    fs::remove_file(bed.at("inbox/hermes/package-1/handoff.json")).expect("a removal");
    fs::write(bed.at("run/handoff.json"), "another").expect("a document");
    bed.pass(TREE);
    let told = bed.so_far();
    assert!(told.contains(&Told::Look("run/handoff.json".into())));
    assert!(told.contains(&Told::Gone(package)));
}

#[test]
fn a_change_of_the_same_size_with_its_time_set_back_is_found() {
    let bed = deaf_bed(&Arc::default(), |root| {
        fs::write(root.join("handoff.json"), "one").expect("a document");
    });
    assert_eq!(bed.so_far().len(), 1);
    let path = bed.at("handoff.json");
    let modified = fs::metadata(&path)
        .and_then(|found| found.modified())
        .expect("a time");
    fs::write(&path, "two").expect("a document");
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_modified(modified))
        .expect("a time set back");
    bed.pass(TREE);
    assert_eq!(looks(bed.so_far()), [PathBuf::from("handoff.json")]);
}

#[test]
fn events_that_the_kernel_dropped_lead_to_a_full_scan() {
    let faults = Arc::default();
    let bed = deaf_bed(&faults, |_| ());
    fs::write(bed.at("handoff.json"), "{}").expect("a document");
    faults.say(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
    bed.handle.settle();
    assert_eq!(looks(bed.so_far()), [PathBuf::from("handoff.json")]);
    assert_eq!(bed.status().counts.losses, 1);
}

#[test]
fn more_events_than_may_wait_lead_to_a_full_scan() {
    let faults = Arc::default();
    let bed = deaf_bed(&faults, |_| ());
    fs::write(bed.at("handoff.json"), "{}").expect("a document");
    let elsewhere = bed.at("run/report.md");
    while bed.status().counts.losses == 0 {
        let made = Event::new(EventKind::Create(CreateKind::File));
        faults.say(Ok(made.add_path(elsewhere.clone())));
    }
    bed.handle.settle();
    assert_eq!(looks(bed.so_far()), [PathBuf::from("handoff.json")]);
}

#[test]
fn an_error_of_the_watcher_leads_to_a_new_one_and_a_full_scan() {
    let faults = Arc::default();
    let mut bed = deaf_bed(&faults, |_| ());
    fs::write(bed.at("handoff.json"), "{}").expect("a document");
    faults.is_deaf.store(false, Ordering::SeqCst);
    faults.say(Err(Error::generic("read error")));
    bed.handle.settle();
    // The second scan sets the watches of the new watcher.
    bed.pass(Settings::default().second_look);
    assert_eq!(looks(bed.so_far()), [PathBuf::from("handoff.json")]);
    assert_eq!(faults.opened.load(Ordering::SeqCst), 2);
    fs::write(bed.at("q3.handoff.json"), "{}").expect("a document");
    let look = Told::Look("q3.handoff.json".into());
    assert!(bed.hints_until_now().contains(&look));
}

#[test]
fn a_folder_that_appears_under_a_known_name_is_watched_again() {
    let faults = Arc::<Faults>::default();
    let bed = deaf_bed(&faults, |root| {
        fs::create_dir_all(root.join("run/sub")).expect("a folder");
    });
    // `notify` ends watches by name: an old event may have ended that of the folder which is there now.
    let count = |relative: &str| {
        let watched = faults.watched.lock().expect("a list");
        watched
            .iter()
            .filter(|path| path.ends_with(relative))
            .count()
    };
    assert_eq!((count("run"), count("run/sub")), (1, 1));
    let made = Event::new(EventKind::Create(CreateKind::Folder));
    faults.say(Ok(made.add_path(bed.at("run"))));
    bed.handle.settle();
    assert_eq!((count("run"), count("run/sub")), (2, 1));
    let removed = Event::new(EventKind::Remove(RemoveKind::Folder));
    faults.say(Ok(removed.add_path(bed.at("run"))));
    bed.handle.settle();
    assert_eq!((count("run"), count("run/sub")), (3, 2));
}

#[test]
fn a_workspace_that_goes_away_during_a_scan_loses_nothing() {
    let bed = deaf_bed(&Arc::default(), |root| {
        for folder in 0..20 {
            let folder = root.join(folder.to_string());
            fs::create_dir(&folder).expect("a folder");
            fs::write(folder.join("handoff.json"), "{}").expect("a document");
        }
    });
    assert_eq!(bed.so_far().len(), 20);
    // The hint comes from the middle of the scan, and what is handed the hint takes the folder away.
    let (from, to) = (
        bed.at("").canonicalize().expect("a root"),
        bed.beside("away"),
    );
    *bed.on_hint.lock().expect("a hook") = Some(Box::new(move || {
        fs::rename(&from, &to).expect("a rename");
    }));
    fs::write(bed.at("handoff.json"), "{}").expect("a document");
    bed.handle.rescan();
    bed.handle.settle();
    assert!(matches!(bed.status().mode, Mode::Offline { .. }));
    assert_eq!(bed.so_far(), [Told::Look("handoff.json".into())]);
    assert_eq!(bed.status().documents, 21);
    fs::rename(bed.beside("away"), bed.beside("workspace")).expect("a rename");
    bed.pass(INBOX);
    assert_eq!(bed.so_far(), []);
}
