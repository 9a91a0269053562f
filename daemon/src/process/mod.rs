//! Processes of this machine: whether one still runs, and word of its end.

mod origin;

use std::{future::Future, os::fd::OwnedFd};

use countersign_protocol::event::Process;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::{Interest, unix::AsyncFd};

pub use origin::{Image, Origin, Program};

/// The processes of this machine.
pub trait Processes {
    /// When the process `pid` started, in clock ticks after boot; `None` when there is none.
    fn started(&self, pid: u32) -> Option<u64>;

    /// Whether the process still runs, and is not another one with its number.
    fn runs(&self, process: Process) -> bool {
        self.started(process.pid) == Some(process.started)
    }
}

/// What `/proc` says.
#[derive(Clone, Copy, Debug)]
pub struct ProcessTable;

impl Processes for ProcessTable {
    fn started(&self, pid: u32) -> Option<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in field 2 may hold anything but ends with the last parenthesis (proc(5)).
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        if matches!(fields.next(), Some("Z" | "X")) {
            return None;
        }
        // The state was field 3; the start time is field 22.
        fields.nth(18)?.parse().ok()
    }
}

/// Is done when the process has ended. `None` when it has already, or when the kernel does not tell; then one
/// has to look again now and then. To be called within a runtime.
pub fn end_of(process: Process) -> Option<impl Future<Output = ()> + Send + use<>> {
    let pid = Pid::from_raw(i32::try_from(process.pid).ok()?)?;
    let descriptor = pidfd_open(pid, PidfdFlags::NONBLOCK).ok()?;
    // Looked at after it was opened: from then on the number can mean no other process to us.
    if !ProcessTable.runs(process) {
        return None;
    }
    let descriptor = readable(descriptor)?;
    // A pidfd becomes readable when its process ends (pidfd_open(2)).
    Some(async move { drop(descriptor.readable().await) })
}

#[expect(
    unsafe_code,
    reason = "there is no other way to be told of a descriptor that is no socket"
)]
fn readable(descriptor: OwnedFd) -> Option<AsyncFd<OwnedFd>> {
    // SAFETY: the descriptor is owned, so it stays open and the same for as long as the value lives.
    unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }.ok()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[tokio::test]
    async fn the_end_of_a_process_is_told_and_its_number_is_not_mistaken() {
        let mut child = Command::new("sleep")
            .arg("1000")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let pid = child.id();
        let started = ProcessTable.started(pid).unwrap();
        let process = Process { pid, started };
        assert!(ProcessTable.runs(process));
        let earlier = Process {
            pid,
            started: started - 1,
        };
        assert!(!ProcessTable.runs(earlier));
        assert!(end_of(earlier).is_none());
        let end = end_of(process).unwrap();
        child.kill().unwrap();
        end.await;
        assert!(
            !ProcessTable.runs(process),
            "a process that nobody waited for yet has ended too"
        );
        child.wait().unwrap();
        assert!(end_of(process).is_none());
    }
}
