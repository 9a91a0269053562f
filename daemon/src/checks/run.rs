//! One command over one revision: started, watched, ended.

use std::{
    io::{PipeReader, Read as _},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
};

use countersign_protocol::{check::Ended, event::Accepted};
use rustix::{
    event::{PollFd, PollFlags, Timespec},
    process::{Pid, PidfdFlags, Signal},
};
use tokio_util::sync::CancellationToken;

use super::place::Place;
use crate::{
    clock::SharedClock,
    confine::{Limits, Network, Policy},
    workspace::CheckCommand,
};

/// How often the clock is looked at while nothing happens.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};
/// Where programs are looked for.
const PROGRAMS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) struct Run<'a> {
    pub(super) program: &'a PathBuf,
    pub(super) command: &'a CheckCommand,
    pub(super) place: &'a Place,
    pub(super) accepted: &'a Accepted,
    pub(super) hidden: Vec<PathBuf>,
    pub(super) clock: &'a SharedClock,
    pub(super) shutdown: &'a CancellationToken,
}

/// A command with all that it started: none of it outlives this.
struct Group(Child);

impl Group {
    /// Nothing in it can leave the group, so this ends all of it. The leader is not waited for before, so
    /// nobody else has its number.
    fn end(&self) {
        let leader = Pid::from_child(&self.0);
        let _ = rustix::process::kill_process_group(leader, Signal::KILL);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
        let _ = self.0.wait();
    }
}

impl Run<'_> {
    /// Runs it; gives how it ended and what it said. `None` when the daemon ends meanwhile.
    pub(super) fn to_its_end(&self) -> Option<(Ended, Vec<u8>)> {
        match self.start() {
            Ok((group, said)) => self.listen(group, said),
            Err(error) => {
                let why = format!("it could not be started: {error}");
                Some((Ended::NotRun { why }, Vec::new()))
            }
        }
    }

    fn start(&self) -> std::io::Result<(Group, PipeReader)> {
        let (said, says) = std::io::pipe()?;
        rustix::io::ioctl_fionbio(&said, true)?;
        let policy = serde_json::to_string(&self.policy())?;
        let accepted = self.accepted;
        let child = Command::new(self.program)
            .args(["confine", &policy, "--"])
            .args(&self.command.command)
            .current_dir(self.place.sealed())
            .env_clear()
            .env("PATH", PROGRAMS)
            .env("LANG", "C.UTF-8")
            .env("HOME", self.place.scratch())
            .env("TMPDIR", self.place.scratch())
            .env("COUNTERSIGN_DOCUMENT", self.place.document())
            .env("COUNTERSIGN_HANDOFF", accepted.handoff.to_string())
            .env("COUNTERSIGN_REVISION", accepted.revision.to_string())
            .stdin(Stdio::null())
            .stdout(says.try_clone()?)
            .stderr(says)
            .process_group(0)
            .spawn()?;
        Ok((Group(child), said))
    }

    fn policy(&self) -> Policy {
        let command = self.command;
        let mut policy = Policy::of_system(&self.hidden);
        policy.read.push(self.place.sealed());
        policy.read.extend(command.read.iter().cloned());
        policy.write.push(self.place.scratch());
        policy.network = Network::None;
        policy.limits = Some(Limits {
            memory: command.memory,
            processor_seconds: command.time.as_secs().saturating_add(1),
            file: command.memory,
        });
        policy
    }

    fn listen(&self, mut group: Group, mut said: PipeReader) -> Option<(Ended, Vec<u8>)> {
        let deadline = self.clock.monotonic() + self.command.time;
        let limit = usize::try_from(self.command.output).unwrap_or(usize::MAX);
        let mut output = Vec::new();
        let mut is_open = true;
        let leader = Pid::from_child(&group.0);
        let Ok(over) = rustix::process::pidfd_open(leader, PidfdFlags::empty()) else {
            let why = "this kernel cannot watch it".to_owned();
            return Some((Ended::NotRun { why }, output));
        };
        loop {
            if self.shutdown.is_cancelled() {
                return None;
            }
            if self.clock.monotonic() >= deadline {
                group.end();
                let _ = read(&mut said, &mut output, limit);
                return Some((Ended::TimedOut, output));
            }
            let mut waits = vec![PollFd::new(&over, PollFlags::IN)];
            // A pipe at whose other end nobody is would be ready for ever.
            waits.extend(is_open.then(|| PollFd::new(&said, PollFlags::IN)));
            let _ = rustix::event::poll(&mut waits, Some(&LOOK));
            let is_over = !waits[0].revents().is_empty();
            is_open &= waits
                .get(1)
                .is_none_or(|said| !said.revents().contains(PollFlags::HUP));
            if !read(&mut said, &mut output, limit) {
                return Some((Ended::TooMuchOutput, output));
            }
            if is_over {
                break;
            }
        }
        // What it left running says nothing that counts.
        group.end();
        let ended = match group.0.wait() {
            Ok(status) => ended(status),
            Err(error) => Ended::NotRun {
                why: error.to_string(),
            },
        };
        Some((ended, output))
    }
}

/// Reads what is there; false when it is more than `limit` bytes in all.
fn read(said: &mut PipeReader, output: &mut Vec<u8>, limit: usize) -> bool {
    let mut buffer = [0; 16 * 1024];
    loop {
        match said.read(&mut buffer) {
            Ok(0) => return true,
            Ok(read) => {
                let room = limit - output.len();
                output.extend_from_slice(&buffer[..read.min(room)]);
                if read > room {
                    return false;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return true,
        }
    }
}

fn ended(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        // More processor time than time on the clock is time, too.
        (_, Some(signal)) if signal == Signal::XCPU.as_raw() => Ended::TimedOut,
        (Some(code), _) => Ended::Exited {
            code: u8::try_from(code).unwrap_or(u8::MAX),
        },
        (None, Some(signal)) => Ended::Killed { signal },
        (None, None) => Ended::Exited { code: u8::MAX },
    }
}
