//! Waiting for a condition, never for a span of time.

use std::time::{Duration, Instant};

/// Longer than anything that works takes, also on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Looks until there is something to see.
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    match within(LIMIT, look) {
        Some(seen) => seen,
        None => panic!("did not come within {LIMIT:?}: {what}"),
    }
}

/// Looks until there is something to see or `limit` has passed. Looks at least once.
#[expect(
    clippy::disallowed_methods,
    reason = "the bed waits for another process; between two looks there is nothing to step"
)]
pub fn within<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(seen) = look() {
            return Some(seen);
        }
        if started.elapsed() > limit {
            return None;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}
