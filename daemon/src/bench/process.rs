//! What the kernel knows of a process: memory and time on a core.

use std::time::Duration;

/// A number of bytes from `/proc/PID/status` (`proc_pid_status(5)`), for example `VmHWM`.
pub(super) fn memory(pid: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// How long its threads have run, those of the kernel's work for it included: `se.sum_exec_runtime` of each
/// thread by way of `/proc/PID/task/*/schedstat`, in nanoseconds.
pub(super) fn busy(pid: u32) -> Option<Duration> {
    let mut sum = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        // One that ended meanwhile takes its time along; a daemon at rest starts and ends few.
        let Ok(text) = std::fs::read_to_string(thread.ok()?.path().join("schedstat")) else {
            continue;
        };
        sum += text.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_has_run() {
        let pid = std::process::id();
        assert!(memory(pid, "VmRSS").unwrap() > 1024 * 1024);
        assert!(busy(pid).unwrap() > Duration::ZERO);
        assert_eq!(memory(pid, "Vm"), None);
    }
}
