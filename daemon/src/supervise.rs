//! A command that runs in our place: it gets our signals, and we end as it ended.

use std::{io, process::ExitStatus};

use rustix::process::{Pid, Signal, WaitOptions};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{Signal as Arrivals, SignalKind, signal};

use crate::terminal::Terminal;

/// The signals that are handed on.
const HANDED_ON: [Signal; 6] = [
    Signal::TERM,
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::USR1,
    Signal::USR2,
];

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    /// By itself, with this code.
    Code(u8),
    /// By this signal.
    Signal(i32),
}

/// Delivery of SIGINT and SIGQUIT, which a terminal sends to its whole foreground group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Typed {
    /// Command in our group: signalled by us unless the terminal did.
    Shared,
    /// Command with a session and group of its own: we signal the group.
    Apart,
    /// Sender signals our whole group, the command included: we do nothing.
    Told,
}

/// Runs `command` to its end. It has our streams; signals that come to us go to it.
pub fn run(command: std::process::Command) -> io::Result<Ended> {
    run_with(command, |_| ())
}

/// Runs `command`, which calls `setsid(2)`, at the pseudo-terminal `terminal`, if any.
pub fn run_at(command: std::process::Command, terminal: Option<&Terminal>) -> io::Result<Ended> {
    block_on(supervise(command, Typed::Apart, terminal, |_| ()))
}

/// Runs `command` in the session that this process leads; calls `started` after the start.
pub fn run_within(command: std::process::Command, started: impl FnOnce()) -> io::Result<Ended> {
    block_on(supervise(command, Typed::Told, None, |_| started()))
}

/// As [`run`]; `started` is told the number of the command.
pub fn run_with(
    command: std::process::Command,
    started: impl FnOnce(Option<Pid>),
) -> io::Result<Ended> {
    block_on(supervise(command, Typed::Shared, None, started))
}

fn block_on(work: impl Future<Output = io::Result<Ended>>) -> io::Result<Ended> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(work)
}

/// Runs `command` to its end as the first process of a PID namespace, and reaps orphans (`pid_namespaces(7)`).
pub fn run_as_first(mut command: std::process::Command) -> io::Result<Ended> {
    block_on(async {
        let mut arrivals = listen()?;
        let mut children = signal(SignalKind::child())?;
        let child = Pid::from_child(&command.spawn()?);
        loop {
            while let Some((who, status)) = rustix::process::wait(WaitOptions::NOHANG)? {
                if who == child {
                    return Ok(ended_with(
                        status.exit_status(),
                        status.terminating_signal(),
                    ));
                }
            }
            tokio::select! {
                at = any(&mut arrivals) => hand_on(HANDED_ON[at], Some(child), Typed::Told),
                _ = children.recv() => {}
            }
        }
    })
}

fn listen() -> io::Result<Vec<Arrivals>> {
    HANDED_ON
        .into_iter()
        .map(|one| signal(SignalKind::from_raw(one.as_raw())))
        .collect()
}

fn hand_on(arrived: Signal, to: Option<Pid>, typed: Typed) {
    let Some(pid) = to else { return };
    let is_typed = arrived == Signal::INT || arrived == Signal::QUIT;
    // Each fails only when the command has ended, and then that is heard next.
    let _ = match typed {
        Typed::Apart if is_typed => rustix::process::kill_process_group(pid, arrived),
        Typed::Told if is_typed => Ok(()),
        Typed::Shared if is_typed && terminal_told_all() => Ok(()),
        _ => rustix::process::kill_process(pid, arrived),
    };
}

async fn supervise(
    command: std::process::Command,
    typed: Typed,
    terminal: Option<&Terminal>,
    started: impl FnOnce(Option<Pid>),
) -> io::Result<Ended> {
    let mut arrivals = listen()?;
    let mut resized = signal(SignalKind::window_change())?;
    let mut child = tokio::process::Command::from(command).spawn()?;
    let pid = child
        .id()
        .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    started(pid);
    loop {
        tokio::select! {
            // A signal that came first is handed on first.
            biased;
            at = any(&mut arrivals) => hand_on(HANDED_ON[at], pid, typed),
            _ = resized.recv() => terminal.map_or((), Terminal::resize),
            status = child.wait() => return Ok(ended(status?)),
        }
    }
}

/// Waits for the next signal; says which one it is.
async fn any(arrivals: &mut [Arrivals]) -> usize {
    std::future::poll_fn(|context| {
        let ready = arrivals
            .iter_mut()
            .position(|one| one.poll_recv(context).is_ready());
        ready.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
    })
    .await
}

/// What is typed at a terminal goes to all processes in its foreground, the command among them.
fn terminal_told_all() -> bool {
    rustix::termios::tcgetpgrp(io::stdin())
        .is_ok_and(|foreground| foreground == rustix::process::getpgrp())
}

fn ended(status: ExitStatus) -> Ended {
    use std::os::unix::process::ExitStatusExt as _;
    ended_with(status.code(), status.signal())
}

fn ended_with(code: Option<i32>, signal: Option<i32>) -> Ended {
    match (code, signal) {
        (Some(code), _) => Ended::Code(u8::try_from(code).unwrap_or(u8::MAX)),
        (None, Some(signal)) => Ended::Signal(signal),
        (None, None) => Ended::Code(u8::MAX),
    }
}

impl Ended {
    /// Whether it came to its end as it meant to.
    pub fn is_good(self) -> bool {
        self == Self::Code(0)
    }

    /// Ends this process in the same way, so that whoever waits for it sees no difference.
    pub fn pass_on(self) -> ! {
        match self {
            Self::Code(code) => std::process::exit(i32::from(code)),
            Self::Signal(number) => {
                die_of(number);
                // As shells count, should the signal not end us.
                std::process::exit(128 + number)
            }
        }
    }
}

#[expect(
    unsafe_code,
    reason = "rustix does not change how signals are handled; the call takes two integers"
)]
fn die_of(number: i32) {
    // One core dump, that of the command, is enough.
    let none = rustix::process::Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
    // SAFETY: the default action is set for a signal; no handler of ours is referred to.
    unsafe { libc::signal(number, libc::SIG_DFL) };
    if let Some(signal) = Signal::from_named_raw(number) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
    }
}
