//! What the page of locks shows.

use countersign_protocol::lock::{LockId, Mode};
use jiff::SignedDuration;
use serde::Serialize;

use super::{
    view::{Now, When},
    visit::Chrome,
};
use crate::{
    desk::locks::{KernelLockKind, KernelLockRow, LockList, LockRow, ReadingRow},
    render::words,
    templates::Page,
};

#[derive(Debug, Serialize)]
pub(super) struct LocksPage {
    chrome: Chrome,
    heading: String,
    abandoned: Vec<Abandoned>,
    held: Vec<HeldView>,
    in_line: Vec<LineView>,
    readings: Vec<ReadingView>,
    kernel: Vec<KernelView>,
    kernel_complete: bool,
}

/// A lock whose owner is silent.
#[derive(Debug, Serialize)]
struct Abandoned {
    owner: String,
    path: String,
    silent: String,
    left: String,
}

#[derive(Debug, Serialize)]
struct HeldView {
    id: String,
    path: String,
    workspace: String,
    owner: String,
    agent: bool,
    known_by: String,
    purpose: &'static str,
    reason: Option<String>,
    fence: Option<u64>,
    held: String,
    held_at: When,
    left: Option<String>,
    is_silent: bool,
    /// Names of those in line for it.
    waiting: Vec<String>,
    asked: Option<AskedView>,
}

#[derive(Debug, Serialize)]
struct AskedView {
    by: String,
    note: Option<String>,
    at: When,
}

/// A place in line.
#[derive(Debug, Serialize)]
struct LineView {
    id: String,
    path: String,
    workspace: String,
    owner: String,
    purpose: &'static str,
    reason: Option<String>,
    waits_for: Vec<String>,
    /// Owners who wait for each other in a circle, this one first and last.
    circle: Option<String>,
    since: When,
}

#[derive(Debug, Serialize)]
struct ReadingView {
    handoff: String,
    workspace: String,
    by: String,
    paths: String,
    since: When,
    until: Option<When>,
}

#[derive(Debug, Serialize)]
struct KernelView {
    path: String,
    workspace: String,
    what: String,
    waiting: bool,
    process: String,
}

impl LocksPage {
    pub(super) fn new(chrome: Chrome, list: &LockList, now: Now<'_>) -> Self {
        let held: Vec<&LockRow> = list.locks.iter().filter(|row| row.held).collect();
        let heading = match held.len() {
            0 => "No lock is held".to_owned(),
            count => format!("{} held", words::count(count, "lock")),
        };
        let abandoned = held.iter().filter(|row| is_silent(row, now));
        Self {
            chrome,
            heading,
            abandoned: abandoned.map(|row| Abandoned::new(row, now)).collect(),
            held: held
                .iter()
                .map(|row| HeldView::new(row, list, now))
                .collect(),
            in_line: list
                .locks
                .iter()
                .filter(|row| !row.held)
                .map(|row| LineView::new(row, list, now))
                .collect(),
            readings: list
                .readings
                .iter()
                .map(|row| ReadingView::new(row, now))
                .collect(),
            kernel: list.kernel.iter().map(KernelView::new).collect(),
            kernel_complete: list.kernel_complete,
        }
    }
}

fn left(row: &LockRow, now: Now<'_>) -> Option<SignedDuration> {
    row.expires_at.map(|at| at.duration_since(now.at))
}

/// Whether most of the lease passed without a word. Who renews in time never gets there.
fn is_silent(row: &LockRow, now: Now<'_>) -> bool {
    left(row, now).is_some_and(|left| left.as_secs() < i64::from(row.ttl_seconds / 3))
}

fn in_words(left: SignedDuration) -> String {
    match left.as_secs() {
        ..1 => "now".to_owned(),
        seconds @ 1..60 => format!("{seconds} s"),
        _ => words::span(left),
    }
}

fn purpose(mode: Mode) -> &'static str {
    match mode {
        Mode::Exclusive => "writing, alone",
        Mode::Shared => "reading, shared",
    }
}

/// The circle that a lock in line is part of, from its owner back to its owner.
fn in_circle(row: &LockRow) -> Option<String> {
    let first = row.circle.first()?;
    let along = row.circle.iter().chain([first]);
    Some(along.cloned().collect::<Vec<_>>().join(" → "))
}

/// The owner of a lock with what it is on, for those who wait.
fn name_of(id: LockId, list: &LockList) -> String {
    let row = list.locks.iter().find(|row| row.id == id);
    row.map_or_else(
        || id.to_string(),
        |row| format!("{} ({})", row.owner, row.path),
    )
}

impl Abandoned {
    fn new(row: &LockRow, now: Now<'_>) -> Self {
        let silent = row.heard_at.map(|at| now.at.duration_since(at));
        Self {
            owner: row.owner.clone(),
            path: row.path.clone(),
            silent: silent.map(in_words).unwrap_or_default(),
            left: left(row, now).map(in_words).unwrap_or_default(),
        }
    }
}

impl HeldView {
    fn new(row: &LockRow, list: &LockList, now: Now<'_>) -> Self {
        let since = row.held_at.unwrap_or(row.requested_at);
        let waiting = list
            .locks
            .iter()
            .filter(|other| other.waits_for.contains(&row.id));
        Self {
            id: row.id.to_string(),
            path: row.path.clone(),
            workspace: row.workspace.clone(),
            owner: row.owner.clone(),
            agent: row.agent,
            known_by: row.known_by.clone(),
            purpose: purpose(row.mode),
            reason: row.reason.clone(),
            fence: row.fence,
            held: words::span(now.at.duration_since(since)),
            held_at: When::new(since, now),
            left: left(row, now).map(in_words),
            is_silent: is_silent(row, now),
            waiting: waiting.map(|other| other.owner.clone()).collect(),
            asked: row.asked.as_ref().map(|asked| AskedView {
                by: asked.by.clone(),
                note: asked.note.clone(),
                at: When::new(asked.at, now),
            }),
        }
    }
}

impl LineView {
    fn new(row: &LockRow, list: &LockList, now: Now<'_>) -> Self {
        let ahead = row.waits_for.iter().map(|id| name_of(*id, list));
        Self {
            id: row.id.to_string(),
            path: row.path.clone(),
            workspace: row.workspace.clone(),
            owner: row.owner.clone(),
            purpose: purpose(row.mode),
            reason: row.reason.clone(),
            waits_for: ahead.collect(),
            circle: in_circle(row),
            since: When::new(row.requested_at, now),
        }
    }
}

impl ReadingView {
    fn new(row: &ReadingRow, now: Now<'_>) -> Self {
        Self {
            handoff: row.handoff.to_string(),
            workspace: row.workspace.clone(),
            by: row.by.clone(),
            paths: row.paths.join(", "),
            since: When::new(row.since, now),
            until: row.until.map(|at| When::new(at, now)),
        }
    }
}

impl KernelView {
    fn new(row: &KernelLockRow) -> Self {
        let kind = match row.kind {
            KernelLockKind::Flock => "flock, whole file",
            KernelLockKind::Record => "fcntl record lock, of a process",
            KernelLockKind::OpenFile => "fcntl lock, of an open file",
            KernelLockKind::Lease => "fcntl lease",
        };
        let mode = if row.exclusive { "exclusive" } else { "shared" };
        let process = match (&row.program, row.pid) {
            (Some(program), Some(pid)) => format!("{program}, process {pid}"),
            (None, Some(pid)) => format!("process {pid}"),
            _ => "not told by the kernel".to_owned(),
        };
        Self {
            path: row.path.clone(),
            workspace: row.workspace.clone(),
            what: format!("{kind}, {mode}"),
            waiting: row.waiting,
            process,
        }
    }
}

impl Page for LocksPage {
    const TEMPLATE: &'static str = "pages/locks.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use crate::showcase::{locks, sample};
        let page =
            |list: &LockList| Self::new(Chrome::sample("locks"), list, Now::utc(sample::now()));
        let mut bare = locks::list();
        bare.kernel_complete = false;
        bare.readings.clear();
        bare.locks.truncate(1);
        vec![
            page(&locks::list()),
            page(&bare),
            page(&LockList::default()),
        ]
    }
}
