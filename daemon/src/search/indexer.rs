//! The one writer of the index: a thread that looks at what changed and commits.

mod changes;
mod facts;

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    panic::resume_unwind,
    sync::{
        Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicUsize, Ordering},
        mpsc::SyncSender,
    },
    thread::JoinHandle,
    time::Duration,
};

use tantivy::{IndexWriter, Term};

use super::{
    entry::{Budget, Entry},
    file,
    known::Known,
    live::{IndexError, Live, THREADS, guarded},
    pending::{Pending, Place, Work},
    reading::{Reading, Wanted},
    status::Progress,
    text,
    walk::{Folder, Found, Listed, Walk},
};
use crate::{
    clock::SharedClock,
    fault,
    fs::{self, Dir, Objects},
    ledger::Ledger,
    workspace::{Workspace, Workspaces},
};

/// Threads that read files.
const READERS: usize = 2;
/// Folders of a scan that are listed together; for few of them no thread is started.
const TOGETHER: usize = 256;
const FEW: usize = 8;
/// Files that are read before other work is looked at.
const AT_ONCE: usize = 512;
/// Bytes of text that may wait to be taken up.
const TEXT_WAITING: usize = 24 * 1024 * 1024;
/// A first index waits so long for the first scan to be over, or a scan that takes longer would keep what the ledger
/// knows from being found.
const FIRST_WALK: Duration = Duration::from_secs(2);
/// Bytes of text that change at a time in an index that is complete.
const CHANGES: u64 = 256 * 1024 * 1024;
/// A commit that takes up many files of a walk may wait this long: each one cuts segments short.
const WALK_COMMIT: Duration = Duration::from_secs(10);
/// Between two looks at all that the ledger knows.
const FACTS: Duration = Duration::from_millis(250);
/// After a failure the next try waits this long.
const BACK_OFF: Duration = Duration::from_secs(5);
/// A file of this size, in bytes, is read again not sooner than [`REST`] after it was read.
const LARGE: u64 = 1024 * 1024;
const REST: Duration = Duration::from_secs(10);

/// Spans of the indexer.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The least span between two commits.
    pub commit: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            commit: Duration::from_millis(500),
        }
    }
}

/// What the thread shares with those who search.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) pending: Pending,
    pub(super) reading: Reading,
    pub(super) live: RwLock<Option<Arc<Live>>>,
    pub(super) progress: Mutex<Progress>,
    /// How many files were read, ever.
    pub(super) reads: AtomicUsize,
    /// The thread that compares the files of the index with their checksums.
    pub(super) checking: Mutex<Option<JoinHandle<()>>>,
}

impl Shared {
    pub(super) fn progress(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Has the index made anew when one of its files is not what was written.
    pub(super) fn check(&self, live: &Live) {
        if let Some(file) = live.damaged_file() {
            self.pending
                .rebuild(format!("`{}` is damaged", file.display()));
        }
    }
}

/// The thread.
pub(super) struct Indexer {
    pub(super) folder: Dir,
    pub(super) workspaces: Arc<Workspaces>,
    pub(super) ledger: Ledger,
    pub(super) objects: Arc<Objects>,
    pub(super) clock: SharedClock,
    pub(super) settings: Settings,
    pub(super) shared: Arc<Shared>,
}

/// An open index and what is known of it.
struct Open {
    live: Arc<Live>,
    writer: RwLock<IndexWriter<Entry>>,
    known: Known,
    walks: VecDeque<Walk>,
    /// Walks that follow a scan of the watcher, by workspace, and the folders that it has come to since.
    following: HashMap<Arc<str>, Walk>,
    listed: VecDeque<Place>,
    /// Workspaces to walk: where a walk follows a scan, that one is over.
    ended: Vec<Arc<str>>,
    /// The number of the newest walk.
    walk: u32,
    budget: Arc<Budget>,
    /// Documents that are not committed, and whether one of them is from a change that was just made.
    uncommitted: usize,
    is_fresh: bool,
    committed: Option<Duration>,
    /// Whether every workspace was walked since the index was made.
    is_complete: bool,
    /// The workspaces that were walked since it was opened, and whether that was all of them.
    walked: HashSet<Arc<str>>,
    is_walked: bool,
    seq: u64,
    /// Whether the ledger has news that were not looked at, and when they are.
    is_behind: bool,
    facts_due: Duration,
    /// Files that the newest revision of a handoff names: workspace and path by key.
    named: HashMap<u64, (Arc<str>, String)>,
    /// The handoffs whose files were noted, as of which stamp.
    told: HashMap<u64, u64>,
    /// Large files that were read lately.
    rested: BTreeMap<u64, Duration>,
    waiting: Vec<SyncSender<()>>,
}

/// A folder to be listed.
struct Next {
    workspace: Arc<Workspace>,
    folder: Folder,
}

impl Open {
    fn writer(&self) -> RwLockReadGuard<'_, IndexWriter<Entry>> {
        self.writer.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there are folders to list.
    fn is_walking(&self) -> bool {
        !self.walks.is_empty() || !self.listed.is_empty() || !self.ended.is_empty()
    }
}

impl Indexer {
    /// Runs until it is told to stop.
    pub(super) fn run(self) {
        // Search comes after everything else that the machine has to do; so do the threads that it starts.
        fs::give_way();
        let (mut why, mut is_first) = (None, true);
        loop {
            match self.serve(why.take(), !is_first) {
                Ok(None) => return,
                Ok(Some(anew)) => {
                    (why, is_first) = (Some(anew), false);
                }
                Err(error) => {
                    is_first = false;
                    tracing::error!(%error, "the search index failed");
                    *self.live() = None;
                    self.shared
                        .progress(|progress| progress.fail(error.to_string()));
                    if !error.may_pass() {
                        why = Some(error.to_string());
                    }
                    let until = self.clock.monotonic() + BACK_OFF;
                    if self.rest_until(until) {
                        return;
                    }
                }
            }
        }
    }

    /// Waits out a failure. Says whether it was told to stop. What is hinted meanwhile is found by the walk that follows.
    fn rest_until(&self, until: Duration) -> bool {
        while self.clock.monotonic() < until {
            let work = self.shared.pending.take(usize::MAX, Some(until));
            if work.is_stopped {
                return true;
            }
            if work.rebuild.is_some() {
                return false;
            }
        }
        false
    }

    fn live(&self) -> RwLockWriteGuard<'_, Option<Arc<Live>>> {
        self.shared
            .live
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, damaged: Option<String>) -> Result<Open, IndexError> {
        let (live, anew) = match damaged {
            Some(why) => (Live::create(&self.folder)?, Some(why)),
            None => Live::open(&self.folder)?,
        };
        self.shared.reading.forget();
        let known = guarded(|| Known::load(&live.searcher()))?;
        let is_complete = live
            .payload()
            .is_some_and(|payload| payload.starts_with("complete"));
        if let Some(why) = &anew {
            tracing::info!(why, "the search index is made anew");
        }
        self.shared
            .progress(|progress| progress.open(anew, is_complete, known.len()));
        *self.live() = Some(Arc::clone(&live));
        let text = if is_complete {
            CHANGES
        } else {
            // By then it is known which workspaces there are.
            self.shared.pending.wait_for_walk(FIRST_WALK);
            self.count()
        };
        let writer = guarded(|| live.writer(text, THREADS))?;
        Ok(Open {
            live,
            writer: RwLock::new(writer),
            known,
            walks: VecDeque::new(),
            following: HashMap::new(),
            listed: VecDeque::new(),
            ended: Vec::new(),
            walk: 0,
            budget: Budget::new(TEXT_WAITING),
            uncommitted: 0,
            is_fresh: false,
            committed: None,
            is_complete,
            walked: HashSet::new(),
            is_walked: false,
            seq: 0,
            is_behind: false,
            facts_due: Duration::ZERO,
            named: HashMap::new(),
            told: HashMap::new(),
            rested: BTreeMap::new(),
            waiting: Vec::new(),
        })
    }

    /// Opens the index and keeps it up to date until told to stop.
    ///
    /// At the start the watcher hints at each workspace when it has watched all of it, so that no change falls
    /// between its look and ours; `walk` is for later times.
    ///
    /// Gives the reason when it is to be made anew.
    fn serve(&self, damaged: Option<String>, walk: bool) -> Result<Option<String>, IndexError> {
        let mut open = self.open(damaged)?;
        self.facts(&mut open)?;
        for workspace in self.workspaces.all().into_iter().filter(|_| walk) {
            begin_walk(&mut open, workspace);
        }
        loop {
            let mut work = self.shared.pending.take(AT_ONCE, self.next_look(&open));
            if let Some(why) = work.rebuild.take() {
                self.shared.pending.wait_on(work.waiting);
                *self.live() = None;
                return Ok(Some(why));
            }
            let is_stopped = work.is_stopped;
            guarded(|| self.step(&mut open, work))?;
            if is_stopped {
                guarded(|| self.commit(&mut open))?;
                let writer = open
                    .writer
                    .into_inner()
                    .unwrap_or_else(PoisonError::into_inner);
                guarded(|| writer.wait_merging_threads())?;
                return Ok(None);
            }
        }
    }

    /// Until when to wait for news: not at all while a walk is under way, until the next commit is due,
    /// or for as long as it takes.
    fn next_look(&self, open: &Open) -> Option<Duration> {
        let is_read = self.shared.reading.len() == 0;
        let is_quiet = is_read && self.shared.pending.len() == 0;
        if open.is_walking() || (!open.waiting.is_empty() && is_quiet) {
            return Some(Duration::ZERO);
        }
        let commit = (open.uncommitted > 0).then(|| self.commit_due(open));
        let facts = open.is_behind.then_some(open.facts_due);
        [commit, facts].into_iter().flatten().min()
    }

    fn commit_due(&self, open: &Open) -> Duration {
        let is_walking = !open.walks.is_empty() || !open.following.is_empty();
        let pause = if !is_walking || open.is_fresh {
            self.settings.commit
        } else {
            WALK_COMMIT.max(self.settings.commit)
        };
        open.committed.map_or(Duration::ZERO, |at| at + pause)
    }

    fn step(&self, open: &mut Open, work: Work) -> Result<(), IndexError> {
        open.waiting.extend(work.waiting);
        open.is_behind |= work.is_ledger_moved;
        let now = self.clock.monotonic();
        if open.is_behind && (now >= open.facts_due || !open.waiting.is_empty()) {
            self.facts(open)?;
            open.is_behind = false;
            open.facts_due = now + FACTS;
        }
        open.listed.extend(work.listed);
        open.ended.extend(work.walks);
        let is_quiet = work.changed.is_empty();
        self.take_texts(open)?;
        self.changes(open, work.changed)?;
        self.follow(open)?;
        self.advance_walk(open)?;
        if open.uncommitted > 0 && self.clock.monotonic() >= self.commit_due(open) {
            self.commit(open)?;
        }
        // What was read is handed over before it counts as read, so this is asked first.
        let is_read = self.shared.reading.len() == 0;
        let is_done = is_quiet && is_read && !open.is_walking() && self.shared.pending.len() == 0;
        if is_done && !open.waiting.is_empty() {
            if open.uncommitted > 0 {
                self.commit(open)?;
            }
            for done in open.waiting.drain(..) {
                // Who asked may have given up.
                let _ = done.send(());
            }
        }
        Ok(())
    }

    /// Counts what there is to do, so that progress can be told. Gives the bytes of text that there are at most.
    fn count(&self) -> u64 {
        let (mut files, mut text) = (0, 0);
        for workspace in self.workspaces.all() {
            let mut walk = Walk::of(workspace, 0);
            while let Some(found) = walk.next_folder() {
                files += found.len() as u64;
                let sizes = found.iter().map(|one| one.stamp.size.min(text::LIMIT));
                text += sizes.sum::<u64>();
            }
            self.shared.progress(|progress| progress.of = files);
        }
        text
    }

    /// Lists folders that a scan of the watcher has come to, until files were read or there are no more.
    fn follow(&self, open: &mut Open) -> Result<(), IndexError> {
        let mut by_walk: BTreeMap<u32, (Arc<Workspace>, Vec<Found>)> = BTreeMap::new();
        let (mut files, mut looked_at) = (0, 0);
        while files < AT_ONCE && looked_at < AT_ONCE * 8 && !open.listed.is_empty() {
            let next = self.next_folders(open);
            for (one, listed) in next.iter().zip(list(&next)) {
                let name = &one.workspace.name;
                let Some(walk) = open.following.get_mut(name) else {
                    continue;
                };
                let (found, number) = (walk.add(listed), walk.number);
                looked_at += found.len() + 1;
                let news = news(open, found, number);
                files += news.len();
                let of_walk = by_walk.entry(number);
                let of_walk = of_walk.or_insert_with(|| (Arc::clone(&one.workspace), Vec::new()));
                of_walk.1.extend(news);
            }
        }
        for (walk, (workspace, files)) in by_walk {
            self.read(open, &workspace, files, walk, false)?;
        }
        if open.listed.is_empty() {
            for name in std::mem::take(&mut open.ended) {
                if let Some(walk) = open.following.remove(&name) {
                    open.walks.push_back(walk);
                } else if let Some(workspace) = self.workspaces.get(&name) {
                    begin_walk(open, workspace);
                }
            }
        }
        Ok(())
    }

    /// Some of the folders that a scan has come to, none of which is in another one.
    fn next_folders(&self, open: &mut Open) -> Vec<Next> {
        let mut next: Vec<Next> = Vec::new();
        while next.len() < TOGETHER
            && let Some((name, folder)) = open.listed.pop_front()
        {
            // A first index takes all there is of the machine, which the scan needs: it comes behind it.
            if folder.as_os_str().is_empty()
                && open.is_complete
                && let Some(workspace) = self.workspaces.get(&name)
            {
                open.walk += 1;
                let walk = Walk::of(workspace, open.walk);
                open.following.insert(Arc::clone(&name), walk);
            }
            let Some(walk) = open.following.get_mut(&name) else {
                continue;
            };
            if let Some(taken) = walk.folder(&folder) {
                next.push(Next {
                    workspace: Arc::clone(&walk.workspace),
                    folder: taken,
                });
                continue;
            }
            let is_inside = |one: &Next| {
                one.workspace.name == name && Some(one.folder.path.as_path()) == folder.parent()
            };
            if next.iter().any(is_inside) {
                open.listed.push_front((name, folder));
                break;
            }
        }
        next
    }

    /// Goes on with the walk under way, until files were read or it is over.
    fn advance_walk(&self, open: &mut Open) -> Result<(), IndexError> {
        let Some(mut walk) = open.walks.pop_front() else {
            return Ok(());
        };
        let mut files = Vec::new();
        let mut listed = 0;
        while files.len() < AT_ONCE && listed < AT_ONCE * 8 {
            let Some(found) = walk.next_folder() else {
                self.read(open, &walk.workspace, files, walk.number, false)?;
                return self.end_walk(open, &walk);
            };
            listed += found.len() + 1;
            files.extend(news(open, found, walk.number));
        }
        self.read(open, &walk.workspace, files, walk.number, false)?;
        open.walks.push_front(walk);
        Ok(())
    }

    fn end_walk(&self, open: &mut Open, walk: &Walk) -> Result<(), IndexError> {
        let workspace = &walk.workspace;
        // A folder that is away, or cannot be listed, says nothing about what was removed.
        if walk.is_full && walk.is_whole && workspace.is_there() {
            for key in open.known.unseen(&workspace.name, walk.number) {
                match open.named.get(&key) {
                    Some((name, path)) => {
                        let (name, path) = (Arc::clone(name), path.into());
                        self.shared.pending.changed(name, path, Duration::ZERO);
                    }
                    None => remove(open, key),
                }
            }
        }
        if walk.is_full {
            open.walked.insert(Arc::clone(&workspace.name));
        }
        // The watcher hints at one workspace after the other; the first one is not all.
        let all = self.workspaces.all().into_iter();
        let mut there = all.filter(|one| one.is_there());
        let is_all = there.all(|one| open.walked.contains(&one.name));
        if is_all && !open.walks.iter().any(|walk| walk.is_full) && walk.is_full {
            let is_first_walk = !std::mem::replace(&mut open.is_walked, true);
            let is_news = !std::mem::replace(&mut open.is_complete, true);
            if is_news || open.uncommitted > 0 {
                self.commit(open)?;
            }
            self.shared.progress(Progress::ready);
            if is_first_walk {
                self.check(&open.live);
            }
        }
        Ok(())
    }

    /// Compares the files of the index with their checksums, beside everything else: a flipped bit would
    /// hide documents without a word.
    fn check(&self, live: &Arc<Live>) {
        let (live, shared) = (Arc::clone(live), Arc::clone(&self.shared));
        let checked = std::thread::Builder::new()
            .name("index check".to_owned())
            .spawn(move || shared.check(&live));
        match checked {
            Ok(thread) => {
                let checking = self.shared.checking.lock();
                *checking.unwrap_or_else(PoisonError::into_inner) = Some(thread);
            }
            Err(error) => tracing::warn!(%error, "the search index is not checked"),
        }
    }

    /// Reads files and puts them into the index, in place of what it had of them.
    fn read(
        &self,
        open: &mut Open,
        workspace: &Arc<Workspace>,
        files: Vec<Found>,
        walk: u32,
        is_fresh: bool,
    ) -> Result<(), IndexError> {
        if files.is_empty() {
            return Ok(());
        }
        let next = AtomicUsize::new(0);
        let (known, fields, budget) = (&open.known, &open.live.fields, &open.budget);
        let writer = open.writer();
        let work = || -> Result<Vec<(u64, u64, Option<Wanted>)>, IndexError> {
            let mut done = Vec::new();
            while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                let key = file.key;
                self.shared.reads.fetch_add(1, Ordering::Relaxed);
                let Some(read) = file::read(workspace, file, key, fields, budget) else {
                    continue;
                };
                fault::step("index.read");
                if known.has(key) {
                    writer.delete_term(Term::from_field_u64(fields.key, key));
                }
                writer.add_document(read.entry)?;
                done.push((key, read.stamp, read.wanted));
            }
            Ok(done)
        };
        let done = std::thread::scope(|scope| {
            let others: Vec<_> = (1..READERS.min(files.len()))
                .map(|_| scope.spawn(|| guarded(work)))
                .collect();
            let mut done = guarded(work)?;
            for other in others {
                let panicked = |_| IndexError::Panicked("a reader of files".to_owned());
                done.extend(other.join().map_err(panicked)??);
            }
            Ok::<_, IndexError>(done)
        });
        drop(writer);
        for (key, stamp, wanted) in done? {
            open.known.note(key, stamp, walk, Some(&workspace.name));
            open.uncommitted += 1;
            if let Some(wanted) = wanted {
                open.known.await_text(key);
                self.shared.reading.want(Wanted { is_fresh, ..wanted });
            }
        }
        let count = open.known.len();
        self.shared
            .progress(|progress| progress.documents = count as u64);
        Ok(())
    }

    /// Puts files that a child has read in the place of their names.
    fn take_texts(&self, open: &mut Open) -> Result<(), IndexError> {
        while let Some(done) = self.shared.reading.take() {
            // It changed or went meanwhile; if it is there, it will be read again.
            if !open.known.text_came(done.key, done.stamp, done.now) {
                continue;
            }
            let entry = done.entry.holding(open.budget.take(done.bytes));
            let writer = open.writer();
            writer.delete_term(Term::from_field_u64(open.live.fields.key, done.key));
            writer.add_document(entry)?;
            drop(writer);
            fault::step("index.text_taken");
            open.uncommitted += 1;
            open.is_fresh |= done.is_fresh;
        }
        if open.uncommitted == 0 {
            self.shared.reading.committed();
        }
        Ok(())
    }

    fn commit(&self, open: &mut Open) -> Result<(), IndexError> {
        let writer = open
            .writer
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let mut prepared = writer.prepare_commit()?;
        fault::step("index.before_commit");
        let word = if open.is_complete {
            "complete"
        } else {
            "partial"
        };
        prepared.set_payload(&format!("{word} {}", open.seq));
        prepared.commit()?;
        fault::step("index.after_commit");
        open.live.reload()?;
        self.shared.reading.committed();
        open.uncommitted = 0;
        open.is_fresh = false;
        open.committed = Some(self.clock.monotonic());
        let (seq, documents) = (open.seq, open.known.len() as u64);
        self.shared.progress(|progress| {
            progress.seq = seq;
            progress.documents = documents;
        });
        Ok(())
    }
}

/// Those of the files that a walk found which the index does not have as they are.
fn news(open: &mut Open, mut found: Vec<Found>, walk: u32) -> Vec<Found> {
    found.retain(|one| !open.known.came_across(one.key, one.noted, walk));
    found
}

/// Lists folders, by as many threads as read files.
fn list(folders: &[Next]) -> Vec<Result<Listed, fs::Error>> {
    let all = |folders: &[Next]| -> Vec<_> {
        let listed = folders.iter().map(|one| one.folder.list(&one.workspace));
        listed.collect()
    };
    if folders.len() < FEW {
        return all(folders);
    }
    let (some, rest) = folders.split_at(folders.len() / READERS);
    std::thread::scope(|scope| {
        let some = scope.spawn(|| all(some));
        let rest = all(rest);
        let mut listed = some.join().unwrap_or_else(|panic| resume_unwind(panic));
        listed.extend(rest);
        listed
    })
}

fn begin_walk(open: &mut Open, workspace: Arc<Workspace>) {
    // One that has not begun yet sees everything.
    let waits = |walk: &Walk| walk.is_full && walk.workspace.name == workspace.name;
    if open.walks.iter().skip(1).any(waits) {
        return;
    }
    open.walk += 1;
    open.walks.push_back(Walk::of(workspace, open.walk));
}

fn remove(open: &mut Open, key: u64) {
    let term = Term::from_field_u64(open.live.fields.key, key);
    let writer = open.writer();
    writer.delete_term(term);
    drop(writer);
    open.known.forget(key);
    open.uncommitted += 1;
}
