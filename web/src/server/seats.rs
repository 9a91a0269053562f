//! Eviction of connections when all places are taken: a client that shows neither session nor token cannot keep
//! others waiting.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Time that a request without session or token may take while others wait for a place.
const ANONYMOUS_REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
/// Time that a connection with a session or token may be idle while others wait for a place.
const KNOWN_IDLE_TIMEOUT: Duration = Duration::from_secs(1);

/// Mark of a connection on which a session or token was shown. The server puts it into each request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known(Arc<AtomicBool>);

impl Known {
    /// Marks the connection.
    pub(crate) fn set(&self) {
        self.0.store(true, Relaxed);
    }
}

/// State of one connection.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) known: Known,
    /// Cancelled when the connection must give its place up.
    pub(super) leave: CancellationToken,
    /// Whether a request is being answered.
    busy: AtomicBool,
    /// Milliseconds from `opened` to the begin or end of the last request.
    changed: AtomicU64,
    opened: Instant,
}

impl Default for Seat {
    fn default() -> Self {
        Self {
            known: Known::default(),
            leave: CancellationToken::new(),
            busy: AtomicBool::new(false),
            changed: AtomicU64::new(0),
            opened: Instant::now(),
        }
    }
}

impl Seat {
    /// Notes that a request began or was answered.
    pub(super) fn note(&self, busy: bool) {
        let since = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.changed.store(since, Relaxed);
        self.busy.store(busy, Relaxed);
    }

    pub(super) fn is_known(&self) -> bool {
        self.known.0.load(Relaxed)
    }

    fn since(&self) -> Instant {
        self.opened + Duration::from_millis(self.changed.load(Relaxed))
    }

    /// Returns the rank among those that may leave, lowest first; `None` for one that may stay.
    fn rank(&self, now: Instant) -> Option<(bool, Instant)> {
        let (known, since) = (self.is_known(), self.since());
        let lasts = now.saturating_duration_since(since);
        let may_leave = match (known, self.busy.load(Relaxed)) {
            (false, false) => true,
            (false, true) => lasts >= ANONYMOUS_REQUEST_TIMEOUT,
            (true, false) => lasts >= KNOWN_IDLE_TIMEOUT,
            (true, true) => false,
        };
        (may_leave && !self.leave.is_cancelled()).then_some((known, since))
    }
}

/// All connections of a listener.
#[derive(Clone, Debug, Default)]
pub(super) struct Seats(Arc<Mutex<HashMap<u64, Arc<Seat>>>>);

/// A connection in the list; dropping it takes it out.
#[derive(Debug)]
pub(super) struct Seated {
    seats: Seats,
    number: u64,
    pub(super) seat: Arc<Seat>,
}

impl Seats {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Seat>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the connection of that number.
    pub(super) fn add(&self, number: u64) -> Seated {
        let seat = Arc::new(Seat::default());
        self.lock().insert(number, Arc::clone(&seat));
        Seated {
            seats: self.clone(),
            number,
            seat,
        }
    }

    /// Lets the connection leave that matters least, if any may: idle and anonymous ones first, oldest first.
    pub(super) fn evict(&self) {
        let now = Instant::now();
        let seats = self.lock();
        let ranked = seats
            .values()
            .filter_map(|seat| Some((seat.rank(now)?, seat)));
        if let Some((_, seat)) = ranked.min_by_key(|(rank, _)| *rank) {
            seat.leave.cancel();
        }
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.seats.lock().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn evicts_anonymous_before_known() {
        let seats = Seats::default();
        let (known, busy, idle) = (seats.add(1), seats.add(2), seats.add(3));
        known.seat.known.set();
        busy.seat.note(true);
        idle.seat.note(false);
        let left = || [&known, &busy, &idle].map(|one| one.seat.leave.is_cancelled());
        seats.evict();
        assert_eq!(left(), [false, false, true]);
        seats.evict();
        assert_eq!(
            left(),
            [false, false, true],
            "all others are new or at work"
        );
        tokio::time::advance(ANONYMOUS_REQUEST_TIMEOUT).await;
        seats.evict();
        assert_eq!(left(), [false, true, true]);
        seats.evict();
        assert_eq!(left(), [true, true, true]);
        let working = seats.add(4);
        working.seat.known.set();
        working.seat.note(true);
        tokio::time::advance(ANONYMOUS_REQUEST_TIMEOUT * 10).await;
        seats.evict();
        assert!(!working.seat.leave.is_cancelled());
    }
}
