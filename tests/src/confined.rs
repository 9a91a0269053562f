//! The child that reads files, started as the daemon starts it, and what it cost.

use std::{
    fs::File,
    io::{self, Read as _},
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, ExitStatus, Stdio},
};

use serde_json::Value;

use crate::program;

/// What came of a child.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// What it answered; nothing when that is no whole frame.
    pub answer: Option<Value>,
    /// What it complained.
    pub complaint: String,
    /// The most memory it held at a time, in bytes.
    pub peak: u64,
}

/// Lets a child do `job` with `input`, with at most `memory` bytes and `seconds` of processor time.
///
/// # Panics
/// When it cannot be started.
#[expect(
    clippy::zombie_processes,
    reason = "it is waited for by the call that tells what it used"
)]
pub fn child(job: &Value, input: File, memory: u64, seconds: u64) -> Ended {
    let mut child = Command::new(program::path())
        .args(["extract-worker", &job.to_string()])
        .args([memory.to_string(), seconds.to_string()])
        .env_clear()
        // As the daemon starts one: what is reserved ahead would count against its memory.
        .env("MIMALLOC_ARENA_RESERVE", "0")
        .current_dir("/")
        .stdin(Stdio::from(input))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let complaint = child.stderr.take().map(|mut end| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = end.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        })
    });
    let mut answer = Vec::new();
    if let Some(mut end) = child.stdout.take() {
        end.read_to_end(&mut answer).expect("a pipe");
    }
    let (status, peak) = wait(&child).expect("it is our child");
    let complaint = complaint.and_then(|thread| thread.join().ok());
    Ended {
        status,
        answer: frame(&answer),
        complaint: complaint.unwrap_or_default(),
        peak,
    }
}

fn frame(bytes: &[u8]) -> Option<Value> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    serde_json::from_slice(rest.get(..length)?).ok()
}

/// Waits for `child`; gives its status and the most memory that it held (`wait4(2)`).
#[expect(
    unsafe_code,
    reason = "no safe wrapper gives what a single child has used"
)]
fn wait(child: &Child) -> io::Result<(ExitStatus, u64)> {
    let id = i32::try_from(child.id()).map_err(io::Error::other)?;
    let mut status = 0;
    // SAFETY: numbers only, for which all zeros is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to values of this function, and the child was not waited for yet.
    if unsafe { libc::wait4(id, &raw mut status, 0, &raw mut usage) } != id {
        return Err(io::Error::last_os_error());
    }
    let kibibytes = u64::try_from(usage.ru_maxrss).unwrap_or_default();
    Ok((ExitStatus::from_raw(status), kibibytes * 1024))
}
