//! Work that nobody waits for gives way to work that somebody does.

/// How nice such work is (nice(2)): it still gets its turn on a busy machine.
const NICE: i32 = 10;
/// `IOPRIO_WHO_PROCESS`, `IOPRIO_CLASS_BE` and its lowest level (`ioprio_set(2)`).
const WHO: libc::c_int = 1;
const LOWEST: libc::c_int = (2 << 13) | 7;

/// Lets the calling thread give way to others, for the processor and for the disk. On Linux both are
/// properties of a thread. A system that refuses loses nothing but politeness.
pub fn give_way() {
    let thread = rustix::thread::gettid();
    let _ = rustix::process::setpriority_process(Some(thread), NICE);
    #[expect(
        unsafe_code,
        reason = "the system call has no safe wrapper; it takes three numbers and touches no memory"
    )]
    // SAFETY: no pointer is passed, and 0 names the calling thread.
    unsafe {
        libc::syscall(libc::SYS_ioprio_set, WHO, 0, LOWEST);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_thread_gives_way_alone() {
        let nice = || {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            // Field 19 (proc_pid_stat(5)), counted after the name in parentheses.
            let rest = stat.rsplit_once(") ").unwrap().1;
            rest.split(' ').nth(16).unwrap().parse::<i32>().unwrap()
        };
        let before = nice();
        let polite = std::thread::spawn(move || {
            super::give_way();
            nice()
        });
        let polite = polite.join().unwrap();
        assert_eq!(polite, super::NICE.max(before));
        assert_eq!(nice(), before, "the others go on as before");
    }
}
