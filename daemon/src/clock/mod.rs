//! Time as a value. Only this module reads the clocks of the machine.

mod steady;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

pub use self::steady::Jump;
use self::steady::Steady;
use crate::fault;

/// Where time comes from.
pub trait Clock: std::fmt::Debug + Send + Sync + 'static {
    /// The wall clock: for dates that people and files see. It may jump; the one of the machine is not believed before a
    /// jump has lasted.
    fn now(&self) -> Timestamp;
    /// Time since some fixed moment; never goes back. For spans and deadlines within one run.
    fn monotonic(&self) -> Duration;
    /// Time since some fixed moment that also counts while the machine sleeps.
    fn since_boot(&self) -> Duration {
        self.monotonic()
    }
    /// The last jump of the wall clock that was not followed, once.
    fn take_jump(&self) -> Option<Jump> {
        None
    }
}

/// A clock that many share.
pub type SharedClock = Arc<dyn Clock>;

/// The clocks of the machine.
#[derive(Debug)]
pub struct SystemClock {
    start: std::time::Instant,
    /// What is believed; `None` where a test moves the clock and wants it believed.
    steady: Option<Steady>,
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
            steady: (!fault::broken("steady-clock")).then(Steady::default),
        })
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the clock"
    )]
    fn now(&self) -> Timestamp {
        match &self.steady {
            Some(steady) => steady.read(|| (Timestamp::now(), boot_time())),
            None => Timestamp::now(),
        }
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn since_boot(&self) -> Duration {
        boot_time()
    }

    fn take_jump(&self) -> Option<Jump> {
        self.steady.as_ref()?.take_jump()
    }
}

/// `CLOCK_BOOTTIME` of `clock_gettime(2)`.
fn boot_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = Duration::from_secs(time.tv_sec.unsigned_abs());
    seconds + Duration::from_nanos(time.tv_nsec.unsigned_abs())
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
