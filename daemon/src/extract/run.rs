//! One child for one file: started, watched, ended.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::process::ExitStatusExt as _,
    },
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use countersign_protocol::content::{Cut, CutReason};
use rustix::event::{PollFd, PollFlags, Timespec};

use super::worker::Job;
use crate::clock::SharedClock;

/// What children are made from.
#[derive(Clone, Debug)]
pub struct Program {
    /// The file.
    pub path: PathBuf,
    /// What stands before the job on its command line.
    pub arguments: Vec<OsString>,
}

impl Program {
    /// This very program, also when its file was replaced by a newer one meanwhile.
    pub fn own() -> Self {
        Self::at("/proc/self/exe")
    }

    /// The `countersign` at `path`.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            arguments: vec!["extract-worker".into()],
        }
    }
}

/// What reading one file may cost, and how many are read at a time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Address space of a child, in bytes.
    pub memory: u64,
    /// Processor time of a child, in seconds.
    pub processor_seconds: u64,
    /// Time on the clock after which a child is ended.
    pub time: Duration,
    /// Most bytes of an answer.
    pub answer: usize,
    /// How many children run at a time.
    pub workers: usize,
    /// How many callers may wait for a place.
    pub waiting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 768 << 20,
            processor_seconds: 10,
            time: Duration::from_secs(30),
            answer: 48 << 20,
            workers: 2,
            waiting: 64,
        }
    }
}

/// Why a child gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Death {
    #[error("it could not be started: {0}")]
    Start(io::Error),
    #[error("too many callers wait")]
    Busy,
    #[error("its time on the clock ran out")]
    Time,
    #[error("its processor time ran out")]
    Processor,
    #[error("its memory ran out")]
    Memory,
    #[error("its calls nested too deep")]
    Depth,
    #[error("its answer was too long")]
    Answer,
    #[error("its answer was none: {0}")]
    Garbage(String),
    /// By itself, or by somebody.
    #[error("it ended with {0}: {1}")]
    Ended(ExitStatus, String),
}

impl Death {
    /// Whether the same file would end the same way again.
    pub(super) fn repeats(&self) -> bool {
        match self {
            Self::Processor | Self::Memory | Self::Depth | Self::Answer => true,
            // A panic, not a signal that somebody sent.
            Self::Ended(status, _) => status.code() == Some(101),
            Self::Start(_) | Self::Busy | Self::Time | Self::Garbage(_) => false,
        }
    }

    /// What a reviewer is told.
    pub(super) fn cut(&self) -> Cut {
        let (reason, message) = match self {
            Self::Start(error) => (
                CutReason::Unavailable,
                format!("The program that reads it could not be started: {error}."),
            ),
            Self::Busy => (
                CutReason::Unavailable,
                "Too many files are being read just now; try again in a moment.".to_owned(),
            ),
            Self::Time | Self::Processor => (
                CutReason::Time,
                "Reading it took too long, so it was stopped.".to_owned(),
            ),
            Self::Memory => (
                CutReason::Memory,
                "Reading it would take too much memory, so it was stopped.".to_owned(),
            ),
            Self::Depth => (
                CutReason::Refused,
                "It nests deeper than is read.".to_owned(),
            ),
            Self::Answer => (
                CutReason::TooMuchText,
                "What it holds is more than is kept of one file.".to_owned(),
            ),
            Self::Garbage(_) | Self::Ended(..) => (
                CutReason::Crashed,
                "The program that reads it ended on it. Nothing else is affected.".to_owned(),
            ),
        };
        Cut { reason, message }
    }
}

/// A child that does not outlive its reader.
struct Held(Child);

impl Drop for Held {
    fn drop(&mut self) {
        // By its id, which nobody else can get before it is waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How much of what a child complains is kept, in bytes.
const COMPLAINT: usize = 4 * 1024;
/// How often the clock is looked at while nothing happens.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// Lets the allocator of a child take memory as it needs it. What it reserved ahead would count as used, and what it then
/// took of that would not (`RLIMIT_AS`; the options of mimalloc).
const NOTHING_AHEAD: (&str, &str) = ("MIMALLOC_ARENA_RESERVE", "0");

/// Lets a child do `job` with the file `input`; gives all that it wrote.
pub(super) fn run(
    program: &Program,
    job: &Job,
    input: File,
    limits: &Limits,
    clock: &SharedClock,
) -> Result<Vec<u8>, Death> {
    let job = serde_json::to_string(job).map_err(|error| Death::Start(error.into()))?;
    let child = Command::new(&program.path)
        .args(&program.arguments)
        .arg(job)
        .arg(limits.memory.to_string())
        .arg(limits.processor_seconds.to_string())
        .env_clear()
        .env(NOTHING_AHEAD.0, NOTHING_AHEAD.1)
        .current_dir("/")
        .stdin(Stdio::from(input))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Death::Start)?;
    let mut child = Held(child);
    let deadline = clock.monotonic() + limits.time;
    listen(&mut child.0, limits, deadline, clock)
}

fn listen(
    child: &mut Child,
    limits: &Limits,
    deadline: Duration,
    clock: &SharedClock,
) -> Result<Vec<u8>, Death> {
    let pid = rustix::process::Pid::from_child(child);
    let ended = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())
        .map_err(|error| Death::Start(error.into()))?;
    let mut answer = Pipe::new(child.stdout.take(), limits.answer)?;
    let mut complaint = Pipe::new(child.stderr.take(), COMPLAINT)?;
    loop {
        if clock.monotonic() >= deadline {
            return Err(Death::Time);
        }
        let mut waits = vec![PollFd::new(&ended, PollFlags::IN)];
        let pipes = [answer.fd(), complaint.fd()];
        waits.extend(
            pipes
                .iter()
                .flatten()
                .map(|fd| PollFd::new(fd, PollFlags::IN)),
        );
        match rustix::event::poll(&mut waits, Some(&LOOK)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Death::Start(error.into())),
        }
        let is_over = !waits[0].revents().is_empty();
        answer.drain()?;
        if answer.is_full {
            return Err(Death::Answer);
        }
        // What it complains beyond the limit is read and thrown away.
        complaint.drain()?;
        if is_over {
            break;
        }
    }
    let status = child.wait().map_err(Death::Start)?;
    verdict(status, answer.bytes, &complaint.bytes)
}

fn verdict(status: ExitStatus, answer: Vec<u8>, complaint: &[u8]) -> Result<Vec<u8>, Death> {
    if status.success() {
        return Ok(answer);
    }
    let complaint = String::from_utf8_lossy(complaint).into_owned();
    let signal = |signal: rustix::process::Signal| status.signal() == Some(signal.as_raw());
    Err(if signal(rustix::process::Signal::XCPU) {
        Death::Processor
    } else if complaint.contains("memory allocation of") {
        Death::Memory
    } else if complaint.contains("has overflowed its stack") {
        Death::Depth
    } else {
        Death::Ended(status, complaint)
    })
}

/// One end of a pipe, read without waiting.
struct Pipe<R> {
    end: Option<R>,
    bytes: Vec<u8>,
    limit: usize,
    is_full: bool,
}

impl<R: Read + AsFd> Pipe<R> {
    fn new(end: Option<R>, limit: usize) -> Result<Self, Death> {
        if let Some(end) = &end {
            rustix::io::ioctl_fionbio(end, true).map_err(|error| Death::Start(error.into()))?;
        }
        Ok(Self {
            end,
            bytes: Vec::new(),
            limit,
            is_full: false,
        })
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.end.as_ref().map(AsFd::as_fd)
    }

    /// Reads what is there.
    fn drain(&mut self) -> Result<(), Death> {
        let mut buffer = [0; 16 * 1024];
        while let Some(end) = &mut self.end {
            match end.read(&mut buffer) {
                Ok(0) => self.end = None,
                Ok(read) => {
                    let room = self.limit - self.bytes.len();
                    self.is_full |= read > room;
                    self.bytes.extend_from_slice(&buffer[..read.min(room)]);
                    if self.is_full {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Death::Start(error)),
            }
        }
        Ok(())
    }
}
