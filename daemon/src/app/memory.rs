//! How much memory the allocator may hold back.

/// Gives the allocator of the GNU C library as many arenas as there are cores, instead of eight for each
/// (mallopt(3), `M_ARENA_MAX`). Threads come and go here, among them those that make segments of the index,
/// which take 14 MB at once; every arena keeps what was the most that a thread had of it.
/// To be called before other threads start. Other allocators are left alone.
pub fn few_arenas() {
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
