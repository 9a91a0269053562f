//! A workspace under watch, and verbs to change it.
//!
//! Time stands still unless a test moves it, so no periodic scan helps a test by chance.

mod cases;
mod doubles;
mod faults;
mod herald;
mod load;
mod probes;
mod quiet;
mod roots;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;

use super::sensor::{self, Opener};
use super::{Handle, Hint, Root, Settings, Status, start_with};
use crate::clock::TestClock;

/// How long a test waits for what must come. Reached only when it fails.
const DEADLINE: Duration = Duration::from_mins(1);

/// A hint without its workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Look(PathBuf),
    Gone(PathBuf),
    Activity(PathBuf),
}

type Hook = Box<dyn FnOnce() + Send>;

struct Bed {
    /// Holds the workspace and what is beside it.
    folder: TempDir,
    clock: Arc<TestClock>,
    hints: Receiver<Hint>,
    handle: Handle,
    /// Called with the next hint, on the thread that gives it.
    on_hint: Arc<Mutex<Option<Hook>>>,
    changes: Arc<Mutex<Vec<Hint>>>,
    fences: u32,
}

impl Bed {
    fn new() -> Self {
        Self::prepared(|_| ())
    }

    /// A bed whose workspace is filled before it is watched.
    fn prepared(fill: impl FnOnce(&Path)) -> Self {
        Self::with(Box::new(sensor::open), settings(), fill)
    }

    fn with(opener: Opener, settings: Settings, fill: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("workspace");
        fs::create_dir(&root).expect("a workspace");
        fill(&root);
        let clock = TestClock::at(jiff::Timestamp::UNIX_EPOCH);
        let (sender, hints) = channel();
        let root = Root {
            workspace: "w".into(),
            path: root,
        };
        let on_hint = Arc::<Mutex<Option<Hook>>>::default();
        let hook = Arc::clone(&on_hint);
        let changes = Arc::<Mutex<Vec<Hint>>>::default();
        let changed = Arc::clone(&changes);
        let hint = move |hint| {
            if matches!(
                hint,
                Hint::Changed { .. }
                    | Hint::Listed { .. }
                    | Hint::Scanned { .. }
                    | Hint::Approved { .. }
                    | Hint::Replaced { .. }
            ) {
                changed.lock().expect("the changes").push(hint);
                return;
            }
            if let Some(hook) = hook.lock().expect("a hook").take() {
                hook();
            }
            // Hints that come while the bed is torn down are of no interest.
            let _ = sender.send(hint);
        };
        let handle = start_with(opener, vec![root], settings, Arc::clone(&clock) as _, hint)
            .expect("a manager");
        assert!(handle.wait_ready(DEADLINE), "the first scan does not end");
        Self {
            folder,
            clock,
            hints,
            handle,
            on_hint,
            changes,
            fences: 0,
        }
    }

    /// The paths that were told as changed since this was last asked, with whether that is over.
    fn changed(&self) -> BTreeSet<(PathBuf, bool)> {
        let changes = std::mem::take(&mut *self.changes.lock().expect("the changes"));
        let paths = changes.into_iter().filter_map(|hint| match hint {
            Hint::Changed { path, is_over, .. } => Some((path, is_over)),
            _ => None,
        });
        paths.collect()
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join("workspace").join(path)
    }

    /// A path beside the workspace.
    fn beside(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn status(&self) -> Status {
        self.handle.status().remove(0)
    }

    /// Lets time pass and what is due happen.
    fn pass(&self, span: Duration) {
        self.clock.advance(span);
        self.handle.settle();
    }

    /// Waits for what the status must come to say.
    fn until(&self, wanted: impl Fn(&Status) -> bool) {
        let is_met = self.handle.wait_until(DEADLINE, |all| wanted(&all[0]));
        assert!(is_met, "{:?}", self.status());
    }

    /// The hints that have come by now.
    fn so_far(&self) -> Vec<Told> {
        self.hints.try_iter().map(tell).collect()
    }

    /// Waits until every document is hinted, and returns all hints up to then.
    fn wait_for(&self, mut documents: BTreeSet<PathBuf>) -> Vec<Told> {
        let mut told = Vec::new();
        while !documents.is_empty() {
            let hint = self.hints.recv_timeout(DEADLINE).map(tell);
            let Ok(hint) = hint else {
                let some: Vec<_> = documents.iter().take(5).collect();
                panic!("{} documents never hinted: {some:?}", documents.len());
            };
            if let Told::Look(document) = &hint {
                documents.remove(document);
            }
            told.push(hint);
        }
        told
    }

    /// All hints that the changes made so far lead to without time passing. The kernel reports in order,
    /// so once a document made now is hinted, all before it has been handled.
    fn hints_until_now(&mut self) -> BTreeSet<Told> {
        self.fences += 1;
        let fence = format!("fence-{}.handoff.json", self.fences);
        fs::write(self.at(&fence), "").expect("a fence");
        let mut told = self.wait_for([PathBuf::from(fence)].into());
        self.handle.settle();
        told.extend(self.so_far());
        let is_fence = |path: &Path| path.to_string_lossy().starts_with("fence-");
        told.retain(|hint| !matches!(hint, Told::Look(path) if is_fence(path)));
        told.into_iter().collect()
    }
}

fn settings() -> Settings {
    Settings {
        is_stepped: true,
        ..Settings::default()
    }
}

fn tell(hint: Hint) -> Told {
    match hint {
        Hint::Look { file, .. } | Hint::Arrived { file, .. } => Told::Look(file),
        Hint::Gone { file, .. } => Told::Gone(file),
        Hint::Activity { folder, .. } => Told::Activity(folder),
        Hint::Changed { .. }
        | Hint::Listed { .. }
        | Hint::Scanned { .. }
        | Hint::Approved { .. }
        | Hint::Replaced { .. } => {
            unreachable!("kept apart")
        }
    }
}
