//! How much memory the allocators may hold back: ours, and the one of the C library, which SQLite asks.

use std::time::Duration;

/// How often it is looked at whether there is memory to give back.
pub(super) const LOOK: Duration = Duration::from_secs(10);

/// When a free page is given back to the system, in milliseconds (`mi_option_purge_delay`; it has no name in the bindings).
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Lets the allocators hold back little. To be called before other threads start.
pub fn hold_little() {
    #[expect(
        unsafe_code,
        reason = "the call has no safe wrapper; it takes two numbers"
    )]
    // SAFETY: no pointer is passed. What `MIMALLOC_PURGE_DELAY` says goes before it.
    unsafe {
        // A start over very many files would hold half as much again for the second that is usual.
        libmimalloc_sys::mi_option_set_default(PURGE_DELAY, 0);
    }
    few_arenas();
}

/// Gives the allocator of the GNU C library as many arenas as there are cores, instead of eight for each
/// (mallopt(3), `M_ARENA_MAX`). Threads come and go here, among them those that make segments of the index,
/// which take 14 MB at once; every arena keeps what was the most that a thread had of it.
/// Other C libraries are left alone.
fn few_arenas() {
    #[cfg(target_env = "gnu")]
    {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let arenas = libc::c_int::try_from(cores.max(2)).unwrap_or(libc::c_int::MAX);
        #[expect(
            unsafe_code,
            reason = "the call has no safe wrapper; it takes two numbers"
        )]
        // SAFETY: no pointer is passed, and no other thread allocates yet.
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, arenas);
        }
    }
}

/// Gives what no thread uses back to the system (`mi_collect`, `malloc_trim(3)`): the first walk and the first index take far more than
/// the program needs at rest, and the allocator would keep it.
pub(super) fn give_back() {
    #[expect(
        unsafe_code,
        reason = "the call has no safe wrapper; it takes a truth value"
    )]
    // SAFETY: no pointer is passed, and any thread may ask at any time.
    unsafe {
        libmimalloc_sys::mi_collect(true);
    }
    #[cfg(target_env = "gnu")]
    {
        #[expect(
            unsafe_code,
            reason = "the call has no safe wrapper; it takes a number"
        )]
        // SAFETY: no pointer is passed; the allocator locks its arenas itself.
        unsafe {
            libc::malloc_trim(0);
        }
    }
}

/// Says when there is memory to give back: once after each stretch of work, when nothing happened between two looks.
#[derive(Debug, Default)]
pub(super) struct Rest<M> {
    seen: Option<M>,
    given: Option<M>,
}

impl<M: PartialEq + Clone> Rest<M> {
    /// A look, with what moves while there is work. Says whether memory is to be given back now.
    pub(super) fn begins(&mut self, mark: M) -> bool {
        let is_quiet = self.seen.as_ref() == Some(&mark);
        let is_due = is_quiet && self.given.as_ref() != Some(&mark);
        if is_due {
            self.given = Some(mark.clone());
        }
        self.seen = Some(mark);
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_once_after_each_stretch_of_work() {
        let mut rest = Rest::default();
        let looks = [1, 2, 2, 2, 3, 3, 3].map(|mark| rest.begins(mark));
        assert_eq!(looks, [false, false, true, false, false, true, false]);
    }
}
