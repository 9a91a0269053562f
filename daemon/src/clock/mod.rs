//! Time as a value. Only this module reads the clocks of the machine.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

/// Where time comes from.
pub trait Clock: std::fmt::Debug + Send + Sync + 'static {
    /// The wall clock: for dates that people and files see. It may jump.
    fn now(&self) -> Timestamp;
    /// Time since some fixed moment; never goes back. For spans and deadlines within one run.
    fn monotonic(&self) -> Duration;
}

/// A clock that many share.
pub type SharedClock = Arc<dyn Clock>;

/// The clocks of the machine.
#[derive(Debug)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the clock"
    )]
    pub fn shared() -> SharedClock {
        Arc::new(Self {
            start: std::time::Instant::now(),
        })
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock that moves only when it is told to.
#[derive(Debug, Default)]
pub struct TestClock {
    since_epoch: Mutex<(Duration, Duration)>,
}

impl TestClock {
    /// A clock that stands at `start`.
    pub fn at(start: Timestamp) -> Arc<Self> {
        let wall = Duration::from_micros(u64::try_from(start.as_microsecond()).unwrap_or_default());
        Arc::new(Self {
            since_epoch: Mutex::new((wall, Duration::ZERO)),
        })
    }

    /// Moves wall and monotonic time on.
    pub fn advance(&self, by: Duration) {
        let mut times = self
            .since_epoch
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        times.0 += by;
        times.1 += by;
    }

    /// Sets the wall clock, as an operator or a bad time server would.
    pub fn jump(&self, to: Timestamp) {
        let wall = Duration::from_micros(u64::try_from(to.as_microsecond()).unwrap_or_default());
        self.since_epoch
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .0 = wall;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let wall = self
            .since_epoch
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .0;
        let micros = i64::try_from(wall.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.since_epoch
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1
    }
}
