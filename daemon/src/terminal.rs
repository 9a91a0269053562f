//! Pseudo-terminal for a command that must not reach ours (`pty(7)`).
//!
//! A process that has a terminal open can push input into it (`ioctl_tty(2)`, TIOCSTI) and read what is typed. The
//! command gets a pseudo-terminal instead, and a relay copies input and output.

use std::{
    fs::File,
    io::{self, PipeReader, PipeWriter, Read as _, Write as _},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process::{Command, Stdio},
    thread::JoinHandle,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    pty::OpenptFlags,
    termios::{OptionalActions, OutputModes, Termios, tcgetattr, tcsetattr},
};

/// Interval of looking whether this process is in the foreground of its terminal.
const FOREGROUND_INTERVAL: Duration = Duration::from_millis(250);

/// Pseudo-terminal of a command, beside our own terminal.
#[derive(Debug)]
pub struct Terminal {
    /// Master end.
    master: OwnedFd,
    /// Our own terminal and its settings at the start.
    ours: OwnedFd,
    before: Termios,
    /// Standard streams that are at our terminal.
    streams: [bool; 3],
}

/// Running relay; restores our terminal when dropped.
#[derive(Debug)]
pub struct Relay<'a> {
    terminal: &'a Terminal,
    over: Option<PipeWriter>,
    output: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Opens one when any of our standard streams is a terminal.
    pub fn open() -> io::Result<Option<Self>> {
        let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
        let all: [BorrowedFd<'_>; 3] = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
        let streams = all.map(rustix::termios::isatty);
        // What is written goes where our own words go; a terminal at which we only read can be written to as well.
        let Some(ours) = [1, 2, 0].into_iter().find(|at| streams[*at]) else {
            return Ok(None);
        };
        let ours = all[ours].try_clone_to_owned()?;
        let before = tcgetattr(&ours)?;
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = rustix::pty::openpt(flags)?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        let terminal = Self {
            master,
            ours,
            before,
            streams,
        };
        terminal.resize();
        Ok(Some(terminal))
    }

    /// Connects `command` to the slave end, for each stream that is at our terminal. `owner`: user ID of the command.
    pub fn give(&self, command: &mut Command, owner: Option<u32>) -> io::Result<()> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let slave = rustix::pty::ioctl_tiocgptpeer(&self.master, flags)?;
        tcsetattr(&slave, OptionalActions::Now, &self.before)?;
        if let Some(owner) = owner {
            // By its name under /proc it can be opened again, for which the mode counts.
            rustix::fs::fchown(&slave, Some(rustix::fs::Uid::from_raw(owner)), None)?;
        }
        let stream = || Ok::<_, io::Error>(Stdio::from(slave.try_clone()?));
        if self.streams[0] {
            command.stdin(stream()?);
        }
        if self.streams[1] {
            command.stdout(stream()?);
        }
        if self.streams[2] {
            command.stderr(stream()?);
        }
        Ok(())
    }

    /// Copies the window size; the kernel sends SIGWINCH to the command.
    pub fn resize(&self) {
        if let Ok(size) = rustix::termios::tcgetwinsize(&self.ours) {
            let _ = rustix::termios::tcsetwinsize(&self.master, size);
        }
    }

    /// Starts the relay.
    pub fn relay(&self) -> io::Result<Relay<'_>> {
        let (over, ends) = io::pipe()?;
        let (from, to) = (
            File::from(self.master.try_clone()?),
            File::from(self.ours.try_clone()?),
        );
        let output = std::thread::spawn(move || copy_output(from, to, &over));
        if self.streams[0] {
            let to = File::from(self.master.try_clone()?);
            let ours = self.ours.try_clone()?;
            let raw = self.raw();
            // It waits for keys, and ends with the process.
            std::thread::spawn(move || copy_input(&ours, to, &raw));
        }
        Ok(Relay {
            terminal: self,
            over: Some(ends),
            output: Some(output),
        })
    }

    /// Returns raw settings for our terminal: the line discipline of the pseudo-terminal does the work.
    fn raw(&self) -> Termios {
        let mut raw = self.before.clone();
        raw.make_raw();
        if !self.streams[1] {
            // Others write to our terminal as well, such as the next command of a pipeline.
            let line_ends = self.before.output_modes & (OutputModes::OPOST | OutputModes::ONLCR);
            raw.output_modes |= line_ends;
        }
        raw
    }
}

impl Drop for Relay<'_> {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(output) = self.output.take() {
            let _ = output.join();
        }
        if self.terminal.streams[0] && is_in_foreground(&self.terminal.ours) {
            let _ = tcsetattr(
                &self.terminal.ours,
                OptionalActions::Drain,
                &self.terminal.before,
            );
        }
    }
}

fn is_in_foreground(terminal: &OwnedFd) -> bool {
    rustix::termios::tcgetpgrp(terminal).is_ok_and(|one| one == rustix::process::getpgrp())
}

/// Copies output until the slave end is closed, or `over` is and nothing is left to copy.
fn copy_output(mut from: File, mut to: File, over: &PipeReader) {
    let mut bytes = [0; 16 * 1024];
    loop {
        let mut waits = [
            PollFd::new(&from, PollFlags::IN),
            PollFd::new(over, PollFlags::IN),
        ];
        if poll(&mut waits, None).is_err_and(|error| error != rustix::io::Errno::INTR) {
            return;
        }
        let has_output = waits[0].revents().contains(PollFlags::IN);
        let is_over = !waits[0].revents().is_empty() || !waits[1].revents().is_empty();
        if !has_output && is_over {
            return;
        }
        if has_output {
            let Ok(read @ 1..) = from.read(&mut bytes) else {
                return;
            };
            if to.write_all(&bytes[..read]).is_err() {
                return;
            }
        }
    }
}

/// Copies input while this process is in the foreground of its terminal.
fn copy_input(ours: &OwnedFd, mut to: File, raw: &Termios) {
    let mut bytes = [0; 4096];
    let mut is_raw = false;
    loop {
        // Reading, or changing how the terminal is set, would stop us while others are in its foreground.
        if !is_in_foreground(ours) {
            is_raw = false;
            std::thread::park_timeout(FOREGROUND_INTERVAL);
            continue;
        }
        if !is_raw {
            is_raw = tcsetattr(ours, OptionalActions::Drain, raw).is_ok();
        }
        let stdin = io::stdin();
        let mut waits = [PollFd::new(&stdin, PollFlags::IN)];
        let wait = Timespec::try_from(FOREGROUND_INTERVAL).ok();
        match poll(&mut waits, wait.as_ref()) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(_) => return,
        }
        match rustix::io::read(&stdin, &mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(read) => {
                if to.write_all(&bytes[..read]).is_err() {
                    return;
                }
            }
        }
    }
}
