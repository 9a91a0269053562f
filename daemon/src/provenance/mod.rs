//! Who writes which file, by the kernel's word (fanotify(7)), where the daemon may listen to it.
//!
//! An agent claims who wrote what. Here the kernel is heard: each change of a file with the process behind it, on
//! the file systems of the workspaces. What was seen when a file is sealed goes into the fact that accepts it.
//! What was not seen is not made up: after a start, an overrun or too many files, provenance is partial and says so.

mod table;

use std::{
    collections::HashMap,
    fs::File,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use countersign_protocol::provenance::Writer;
use jiff::Timestamp;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{AtFlags, StatxFlags},
};

use crate::{
    clock::SharedClock,
    fs::{Change, Dir, Fanotify, FileId},
    process::{Image, Origin, Program},
};
use table::{Table, Touch};

/// How long a process that is gone is still taken for the one that was seen under its number. Numbers are given out
/// in turn, so it would take tens of thousands of new processes within that time to meet one again.
const GONE: Duration = Duration::from_secs(1);
/// Processes that are remembered; what is more is looked at again.
const KNOWN: usize = 1024;
/// Programs that are held open until they are hashed.
const HELD: usize = 64;

/// Listens, and remembers. Clones share one memory.
#[derive(Clone, Debug)]
pub struct Observer {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    kernel: Fanotify,
    clock: SharedClock,
    memory: Mutex<Memory>,
    own: Option<Image>,
}

#[derive(Debug)]
struct Memory {
    /// The file systems that are listened on.
    devices: Vec<u64>,
    table: Table,
    processes: HashMap<u32, Met>,
    programs: HashMap<Image, Weak<Program>>,
}

/// A process as it was met.
#[derive(Debug)]
struct Met {
    origin: Arc<Origin>,
    /// When it was last seen alive, on the monotonic clock.
    alive: Duration,
}

/// What was seen of one file.
#[derive(Debug)]
pub struct Seen {
    /// Whether every write since the file was made was heard of.
    pub whole: bool,
    /// The processes, each with whether it was seen to change bytes.
    pub writers: Vec<(Writer, bool)>,
}

impl Observer {
    /// One that hears of nothing yet. Fails without the right to listen, and where the kernel cannot tell.
    pub fn start(clock: SharedClock) -> io::Result<Self> {
        let kernel = Fanotify::new()?;
        let memory = Memory {
            devices: Vec::new(),
            table: Table::new(clock.now()),
            processes: HashMap::new(),
            programs: HashMap::new(),
        };
        let inner = Arc::new(Inner {
            kernel,
            clock,
            memory: Mutex::new(memory),
            own: Program::of(std::process::id()).map(|program| program.image),
        });
        let weak = Arc::downgrade(&inner);
        std::thread::Builder::new()
            .name("provenance".to_owned())
            .spawn(move || listen(&weak))?;
        Ok(Self { inner })
    }

    /// Whether somebody with our rights would hear who writes below `folder`.
    pub fn trial(folder: &Path) -> io::Result<()> {
        let folder = Dir::open(folder).map_err(|error| error.source)?;
        Fanotify::new()?.hear(&folder)
    }

    /// Listens on the file system of `folder` too, from now on. Fails where that cannot tell.
    pub fn hear(&self, folder: &Dir) -> io::Result<()> {
        let device = folder
            .stamp(Path::new("."))
            .map_err(|error| error.source)?
            .dev;
        let mut memory = self.inner.memory();
        if !memory.devices.contains(&device) {
            self.inner.kernel.hear(folder)?;
            memory.devices.push(device);
            // Files there may be younger than the watch of others and were not heard of before.
            memory.table.missed(self.inner.clock.now());
        }
        Ok(())
    }

    /// Who was seen writing an open file until now; `None` when nobody was.
    pub fn writers(&self, file: &File) -> Option<Seen> {
        let id = FileId::of(file).ok()?;
        let asked = AtFlags::EMPTY_PATH;
        let born = rustix::fs::statx(file, "", asked, StatxFlags::BTIME).ok();
        let born = born.filter(|found| found.stx_mask & StatxFlags::BTIME.bits() != 0);
        let born = born.and_then(|found| {
            let nanos = i32::try_from(found.stx_btime.tv_nsec).ok()?;
            Timestamp::new(found.stx_btime.tv_sec, nanos).ok()
        });
        let mut memory = self.inner.memory();
        // What happened before the file was sealed may still wait to be read.
        self.inner.catch_up(&mut memory);
        let (whole, touches) = memory.table.of(&id, born)?;
        drop(memory);
        let writers = touches.iter().map(|touch| (writer(touch), touch.wrote));
        Some(Seen {
            whole,
            writers: writers.collect(),
        })
    }
}

/// Reads as it comes, so that processes are met while they run.
fn listen(inner: &Weak<Inner>) {
    // Awake now and then, to see whether anybody still asks.
    let patience = Timespec {
        tv_sec: 1,
        tv_nsec: 0,
    };
    while let Some(inner) = inner.upgrade() {
        let mut waiting = [PollFd::new(&inner.kernel, PollFlags::IN)];
        if let Ok(1..) = poll(&mut waiting, Some(&patience)) {
            inner.catch_up(&mut inner.memory());
        }
    }
}

impl Inner {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in all that the kernel has to tell.
    fn catch_up(&self, memory: &mut Memory) {
        let now = self.clock.now();
        let changes = match self.kernel.changes() {
            Ok(changes) => changes,
            Err(error) => {
                tracing::warn!(%error, "who writes files was not heard");
                return memory.table.missed(now);
            }
        };
        if changes.overrun {
            memory.table.missed(now);
        }
        let own = std::process::id();
        for change in changes.all.into_iter().filter(|change| change.pid != own) {
            let origin = memory.meet(&change, self.own, self.clock.monotonic());
            let touch = Touch {
                pid: change.pid,
                origin,
                wrote: change.wrote,
            };
            memory.table.add(change.file, touch, now);
        }
    }
}

impl Memory {
    /// The process behind a change; `None` when it is gone and was not met a moment ago.
    fn meet(&mut self, change: &Change, own: Option<Image>, now: Duration) -> Option<Arc<Origin>> {
        let pid = change.pid;
        let known = self.processes.get_mut(&pid);
        let Some(process) = &change.process else {
            let known = known.filter(|met| now.saturating_sub(met.alive) <= GONE);
            return known.map(|met| Arc::clone(&met.origin));
        };
        let found = if let Some(met) = known.filter(|met| met.origin.holds()) {
            Some(Arc::clone(&met.origin))
        } else {
            let programs = &mut self.programs;
            Origin::of(pid, own, |program| remembered(programs, program)).map(Arc::new)
        };
        // Still there behind the descriptor: so it was the one that was looked at.
        let mut ended = [PollFd::new(process, PollFlags::IN)];
        let is_alive = matches!(poll(&mut ended, Some(&Timespec::default())), Ok(0));
        let origin = found.filter(|_| is_alive)?;
        if self.processes.len() >= KNOWN {
            self.processes
                .retain(|_, met| now.saturating_sub(met.alive) <= GONE);
        }
        let met = Met {
            origin: Arc::clone(&origin),
            alive: now,
        };
        self.processes.insert(pid, met);
        Some(origin)
    }
}

/// The same program as it was met before.
fn remembered(programs: &mut HashMap<Image, Weak<Program>>, program: Program) -> Arc<Program> {
    if let Some(known) = programs.get(&program.image).and_then(Weak::upgrade) {
        return known;
    }
    programs.retain(|_, known| known.strong_count() > 0);
    let held = programs.values().filter_map(Weak::upgrade);
    // Descriptors are needed for more than that: who runs ever new programs gets them named and not hashed.
    if held.filter(|known| known.is_held()).count() >= HELD {
        program.let_go();
    }
    let program = Arc::new(program);
    programs.insert(program.image, Arc::downgrade(&program));
    program
}

fn writer(touch: &Touch) -> Writer {
    let origin = touch.origin.as_ref();
    let program = origin.and_then(|origin| origin.program.as_ref());
    Writer {
        pid: touch.pid,
        started: origin.map(|origin| origin.started),
        uid: origin.map(|origin| origin.uid),
        program: program.map(|program| program.path.clone()),
        program_sha256: program.and_then(|program| program.digest()),
        cgroup: origin.and_then(|origin| origin.cgroup.clone()),
        agent: origin.and_then(|origin| origin.agent.clone()),
    }
}
