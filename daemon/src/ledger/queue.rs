//! Who may use the engine, and when.
//!
//! Commands stand in one line, and only who holds the engine takes from it; so they are done one after
//! the other in the order in which they came, whichever thread does them. There is a thread for that,
//! and a caller that may block does it itself when the engine is free, which saves waking a thread. No
//! command stays behind: who adds one and does not get the engine wakes the thread, and who
//! gives the engine back while something stands in line does so too.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError},
};

use tokio_util::sync::CancellationToken;

use super::{Command, writer::Writer};

#[derive(Default)]
struct Line {
    commands: VecDeque<Command>,
    /// Nothing more is taken on.
    closed: bool,
    /// The thread has nothing to do.
    resting: bool,
}

/// The line of commands, and the engine.
pub(super) struct Queue {
    line: Mutex<Line>,
    came: Condvar,
    writer: Mutex<Writer>,
    /// Nothing in line will be done any more.
    over: CancellationToken,
}

impl Queue {
    pub(super) fn new(writer: Writer) -> Self {
        Self {
            line: Mutex::default(),
            came: Condvar::new(),
            writer: Mutex::new(writer),
            over: CancellationToken::new(),
        }
    }

    /// Done when no command will be done any more.
    pub(super) fn over(&self) -> &CancellationToken {
        &self.over
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a command to the end; it is done by the thread. One that comes too late is dropped.
    pub(super) fn send(&self, command: Command) {
        if self.add(command) {
            self.wake();
        }
    }

    /// Puts a command to the end, and does what stands in line in the caller's thread if nobody is at it.
    pub(super) fn send_here(&self, command: Command) {
        if !self.add(command) {
            return;
        }
        match self.writer.try_lock() {
            Ok(writer) => self.serve(writer, true),
            Err(TryLockError::Poisoned(held)) => self.serve(held.into_inner(), true),
            Err(TryLockError::WouldBlock) => self.wake(),
        }
    }

    fn add(&self, command: Command) -> bool {
        let mut line = self.line();
        if !line.closed {
            line.commands.push_back(command);
        }
        !line.closed
    }

    fn wake(&self) {
        if self.line().resting {
            self.came.notify_one();
        }
    }

    /// The thread: works until the line is closed and empty.
    pub(super) fn run(&self) {
        loop {
            let mut line = self.line();
            while line.commands.is_empty() {
                if line.closed {
                    drop(line);
                    return self.over.cancel();
                }
                line.resting = true;
                line = self.came.wait(line).unwrap_or_else(PoisonError::into_inner);
                line.resting = false;
            }
            drop(line);
            let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            self.serve(writer, false);
        }
    }

    /// Does the next commands in line, as one transaction; `here` in the thread of a caller.
    fn serve(&self, mut writer: MutexGuard<'_, Writer>, here: bool) {
        let take = || self.line().commands.pop_front();
        let is_busy = || !self.line().commands.is_empty();
        let done = catch_unwind(AssertUnwindSafe(|| writer.serve(take, is_busy, here)));
        if let Err(defect) = done {
            // What the state ahead holds is not known, so nobody may go on from it.
            self.end();
            drop(writer);
            resume_unwind(defect);
        }
        drop(writer);
        if is_busy() {
            self.wake();
        }
    }

    /// Takes no more commands; those in line are still done.
    pub(super) fn close(&self) {
        self.line().closed = true;
        self.came.notify_one();
    }

    /// Takes no more commands and drops those in line: who waits for one sees that its answer will not come.
    fn end(&self) {
        let mut line = self.line();
        line.closed = true;
        let dropped = std::mem::take(&mut line.commands);
        drop(line);
        self.over.cancel();
        self.came.notify_one();
        drop(dropped);
    }
}
