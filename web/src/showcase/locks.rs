//! Locks on the desk in memory: a list to look at, which can be asked about and shortened.

use std::time::Duration;

use async_trait::async_trait;
use countersign_protocol::{
    HandoffId,
    lock::{Kind, LockId, Mode, Pattern},
};
use jiff::SignedDuration;

use super::{Showcase, sample};
use crate::desk::{
    Caller, DeskError, Person,
    locks::{
        AskedToRelease, KernelLockKind, KernelLockRow, LockList, LockRow, LockWish, LocksDesk,
        LocksError, ReadingRow,
    },
};

fn row(id: u64, workspace: &str, path: &str, owner: &str, minutes: (i64, i64)) -> LockRow {
    let at = |minutes| sample::now() + SignedDuration::from_mins(minutes);
    let (held, left) = minutes;
    LockRow {
        id: LockId(id),
        workspace: workspace.to_owned(),
        path: path.to_owned(),
        kind: Pattern::read(path, None).map_or(Kind::File, |pattern| pattern.kind()),
        mode: Mode::Exclusive,
        held: true,
        fence: Some(id),
        owner: owner.to_owned(),
        agent: true,
        known_by: "token t1".to_owned(),
        mine: false,
        reason: None,
        pid: None,
        file: None,
        requested_at: at(-held),
        held_at: Some(at(-held)),
        ttl_seconds: 1_800,
        expires_at: Some(at(left)),
        heard_at: Some(at(left - 30)),
        waits_for: Vec::new(),
        circle: Vec::new(),
        asked: None,
    }
}

/// One of everything.
pub fn list() -> LockList {
    let now = sample::now();
    let mut silent = row(12, "catalogue-media", "frames/", "media-renderer", (72, 4));
    silent.reason = Some("render batch 7".to_owned());
    let mut asked = row(14, "board-q3", "board-pack.pptx", "Sam Ito", (6, 24));
    asked.agent = false;
    "signed in".clone_into(&mut asked.known_by);
    asked.reason = Some("fixing slide 4 <script>alert(1)</script>".to_owned());
    asked.asked = Some(AskedToRelease {
        by: "Maya Okafor".to_owned(),
        at: now,
        note: Some("I need it for the board".to_owned()),
    });
    let mut shared = row(17, "help-centre", "glossary.csv", "translator-hr", (1, 29));
    shared.mode = Mode::Shared;
    let mut waits = row(
        21,
        "catalogue-media",
        "frames/7/*.png",
        "patch-runner",
        (3, 27),
    );
    (waits.held, waits.held_at, waits.fence) = (false, None, None);
    waits.waits_for = vec![LockId(12)];
    waits.circle = vec![waits.owner.clone(), "<script>alert(3)</script>".to_owned()];
    LockList {
        locks: vec![silent, asked, shared, waits],
        readings: vec![
            ReadingRow {
                handoff: HandoffId(1042),
                workspace: "billing-backfill".to_owned(),
                by: "Maya Okafor".to_owned(),
                since: now,
                until: None,
                paths: vec!["migrations/".to_owned()],
            },
            ReadingRow {
                handoff: HandoffId(1051),
                workspace: "board-q3".to_owned(),
                by: "Sam Ito".to_owned(),
                since: now,
                until: Some(now + SignedDuration::from_mins(30)),
                paths: vec!["board-pack.pptx".to_owned(), "notes.md".to_owned()],
            },
        ],
        kernel: [
            (KernelLockKind::Flock, Some(4_121), Some("python3"), false),
            (KernelLockKind::Flock, Some(4_130), None, true),
            (
                KernelLockKind::Record,
                Some(977),
                Some("soffice.bin"),
                false,
            ),
            (KernelLockKind::OpenFile, None, None, false),
            (KernelLockKind::Lease, Some(5), None, false),
        ]
        .map(|(kind, pid, program, waiting)| KernelLockRow {
            workspace: "board-q3".to_owned(),
            path: "board-pack.pptx".to_owned(),
            kind,
            exclusive: pid.is_some(),
            waiting,
            pid,
            program: program.map(str::to_owned),
        })
        .into(),
        kernel_complete: true,
    }
}

fn sees(who: &Caller, workspace: &str) -> bool {
    match who {
        Caller::Person(_) => true,
        Caller::Agent(agent) => agent.workspaces.iter().any(|name| name == workspace),
    }
}

impl Showcase {
    fn change_lock<T>(
        &self,
        who: &Caller,
        id: LockId,
        change: impl FnOnce(&mut Vec<LockRow>, usize) -> T,
    ) -> Result<T, LocksError> {
        let at = self.place(who, id)?;
        Ok(self.record(|state| change(&mut state.locks.locks, at)))
    }

    /// Where the lock is in the list, for who may see it.
    fn place(&self, who: &Caller, id: LockId) -> Result<usize, LocksError> {
        let locks = &self.lock().locks.locks;
        let found = locks
            .iter()
            .position(|row| row.id == id && sees(who, &row.workspace));
        Ok(found.ok_or_else(|| DeskError::NotFound(id.to_string()))?)
    }
}

#[async_trait]
impl LocksDesk for Showcase {
    async fn locks(&self, who: &Caller, workspace: Option<&str>) -> Result<LockList, DeskError> {
        let mut list = self.lock().locks.clone();
        let wanted = |name: &str| sees(who, name) && workspace.is_none_or(|only| only == name);
        list.locks.retain(|row| wanted(&row.workspace));
        list.readings.retain(|row| wanted(&row.workspace));
        list.kernel.retain(|row| wanted(&row.workspace));
        Ok(list)
    }

    async fn lock(&self, who: &Caller, id: LockId) -> Result<LockRow, LocksError> {
        let at = self.place(who, id)?;
        Ok(self.lock().locks.locks[at].clone())
    }

    async fn acquire_lock(
        &self,
        who: &Caller,
        wish: LockWish,
        wait: Option<Duration>,
    ) -> Result<LockRow, LocksError> {
        if !sees(who, &wish.workspace) {
            return Err(DeskError::NotFound(wish.workspace).into());
        }
        let pattern =
            Pattern::read(&wish.path, wish.kind).map_err(|problem| DeskError::Invalid {
                field: "/path".to_owned(),
                message: problem.to_string(),
            })?;
        let row = self.record(|state| {
            let locks = &mut state.locks.locks;
            let id = locks.iter().map(|row| row.id.0).max().unwrap_or(0) + 1;
            let mut row = row(id, &wish.workspace, pattern.as_str(), "writer", (0, 10));
            let overlaps = |other: &&LockRow| {
                let known = Pattern::read(&other.path, Some(other.kind));
                other.workspace == wish.workspace
                    && known.is_ok_and(|known| known.overlaps(&pattern))
            };
            row.waits_for = locks
                .iter()
                .filter(overlaps)
                .map(|other| other.id)
                .collect();
            if !row.waits_for.is_empty() {
                (row.held, row.held_at, row.fence) = (false, None, None);
            }
            if row.held || wait.is_some() {
                locks.push(row.clone());
            }
            row
        });
        if row.held || wait.is_some() {
            return Ok(row);
        }
        Err(LocksError::Taken {
            message: format!("`{}` is locked", wish.path),
            by: Vec::new(),
        })
    }

    async fn wait_for_lock(
        &self,
        who: &Caller,
        id: LockId,
        _: Duration,
    ) -> Result<LockRow, LocksError> {
        LocksDesk::lock(self, who, id).await
    }

    async fn renew_lock(
        &self,
        who: &Caller,
        id: LockId,
        fence: Option<u64>,
        (ttl_seconds, _): (Option<u32>, Option<u32>),
    ) -> Result<LockRow, LocksError> {
        self.change_lock(who, id, |locks, at| {
            let row = &mut locks[at];
            if fence.is_some_and(|shown| row.fence != Some(shown)) {
                let message = format!("the fencing token is not that of {id}");
                let fence = row.fence;
                return Err(LocksError::Stale { message, fence });
            }
            row.ttl_seconds = ttl_seconds.unwrap_or(row.ttl_seconds);
            Ok(row.clone())
        })?
    }

    async fn release_lock(
        &self,
        who: &Caller,
        id: LockId,
        _: Option<u64>,
    ) -> Result<(), LocksError> {
        self.change_lock(who, id, |locks, at| drop(locks.remove(at)))
    }

    async fn ask_for_lock(
        &self,
        who: &Caller,
        id: LockId,
        note: Option<String>,
    ) -> Result<(), LocksError> {
        let by = match who {
            Caller::Person(person) => person.display.clone(),
            Caller::Agent(agent) => agent.agent.clone(),
        };
        let at = sample::now();
        self.change_lock(who, id, |locks, place| {
            locks[place].asked = Some(AskedToRelease { by, at, note });
        })
    }

    async fn break_lock(&self, who: &Person, id: LockId, reason: String) -> Result<(), LocksError> {
        if reason.trim().is_empty() {
            let field = "reason".to_owned();
            let message = "say why it is taken away".to_owned();
            return Err(DeskError::Invalid { field, message }.into());
        }
        let who = Caller::Person(who.clone());
        self.change_lock(&who, id, |locks, at| drop(locks.remove(at)))
    }
}
