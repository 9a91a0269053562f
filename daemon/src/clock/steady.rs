//! A wall clock that does not follow a jump before it has lasted: a bad time server, or a battery that died, must
//! neither end what is good for an hour nor prolong it.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

/// Largest step of the wall clock that is a correction and not a jump.
const MAX_CORRECTION: SignedDuration = SignedDuration::from_secs(60);
/// Time for which the clock has to go on from where it jumped to, before it is believed.
const DOUBT: Duration = Duration::from_mins(10);

/// A step of the wall clock that time does not explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    /// What it would have shown.
    pub expected: Timestamp,
    /// What it showed.
    pub found: Timestamp,
}

/// A wall time, with the time since the machine was started at which it was read.
#[derive(Clone, Copy, Debug)]
struct Reading(Timestamp, Duration);

impl Reading {
    /// What the clock shows at `boot` if it only goes on.
    fn at(self, boot: Duration) -> Timestamp {
        let passed = SignedDuration::try_from(boot.saturating_sub(self.1));
        let then = self.0.checked_add(passed.unwrap_or_default());
        then.unwrap_or(Timestamp::MAX)
    }
}

fn is_near(a: Timestamp, b: Timestamp) -> bool {
    a.duration_since(b).abs() <= MAX_CORRECTION
}

/// What is believed of the wall clock.
#[derive(Debug, Default)]
pub(super) struct Steady {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    believed: Option<Reading>,
    /// Where the clock jumped to.
    doubted: Option<Reading>,
    /// The last jump that nobody asked for yet.
    jump: Option<Jump>,
}

impl Steady {
    /// Returns what to take for the time when `read` gives the wall clock and the time since the machine was started,
    /// which counts sleep.
    pub(super) fn read(&self, read: impl FnOnce() -> (Timestamp, Duration)) -> Timestamp {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (wall, boot) = read();
        let here = Reading(wall, boot);
        let Some(believed) = seen.believed else {
            seen.believed = Some(here);
            return wall;
        };
        let expected = believed.at(boot);
        let lasts = |jumped: Reading| boot.saturating_sub(jumped.1) >= DOUBT;
        let goes_on = seen.doubted.filter(|jumped| is_near(wall, jumped.at(boot)));
        if is_near(wall, expected) || goes_on.is_some_and(lasts) {
            seen.believed = Some(here);
            seen.doubted = None;
            return wall;
        }
        if goes_on.is_none() {
            seen.doubted = Some(here);
            seen.jump = Some(Jump {
                expected,
                found: wall,
            });
        }
        expected
    }

    pub(super) fn take_jump(&self) -> Option<Jump> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.jump.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEARS: i64 = 3_650 * 86_400;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    /// Reads a clock that is `off` at second `boot`.
    fn read(clock: &Steady, boot: i64, off: i64) -> Timestamp {
        clock.read(|| (at(boot + off), Duration::from_secs(boot.unsigned_abs())))
    }

    #[test]
    fn a_blip_is_not_followed_and_told_once() {
        for off in [YEARS, -YEARS, 3_600, -3_600, 61] {
            let clock = Steady::default();
            assert_eq!(read(&clock, 0, 0), at(0));
            for boot in 1..5 {
                assert_eq!(read(&clock, boot, off), at(boot), "off by {off} s");
            }
            let jump = Jump {
                expected: at(1),
                found: at(1 + off),
            };
            assert_eq!(clock.take_jump(), Some(jump));
            assert_eq!(clock.take_jump(), None);
            assert_eq!(read(&clock, 6, 0), at(6));
            assert_eq!(clock.take_jump(), None, "it is right again");
        }
    }

    #[test]
    fn corrections_are_followed_at_once() {
        let clock = Steady::default();
        read(&clock, 0, 0);
        assert_eq!(read(&clock, 1, 30), at(31));
        assert_eq!(read(&clock, 2, -20), at(-18));
        assert_eq!(clock.take_jump(), None);
    }

    #[test]
    fn a_jump_that_lasts_is_believed() {
        let clock = Steady::default();
        read(&clock, 0, 0);
        assert_eq!(read(&clock, 10, YEARS), at(10));
        assert_eq!(read(&clock, 609, YEARS), at(609));
        assert_eq!(read(&clock, 610, YEARS), at(610 + YEARS));
        // From one wrong time to another: each has to last.
        assert_eq!(read(&clock, 620, 0), at(620 + YEARS));
        assert_eq!(read(&clock, 1_200, 86_400), at(1_200 + YEARS));
        assert_eq!(read(&clock, 1_220, 0), at(1_220 + YEARS));
        assert_eq!(read(&clock, 1_820, 0), at(1_820));
    }

    #[test]
    fn sleep_is_no_jump() {
        let clock = Steady::default();
        read(&clock, 0, 0);
        assert_eq!(read(&clock, 86_400, 0), at(86_400));
        assert_eq!(clock.take_jump(), None);
    }
}
