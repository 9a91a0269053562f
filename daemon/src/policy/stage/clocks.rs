//! Whether the clock on the wall can be believed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A clock that differs by more than this from what passed was moved.
const JUMP: SignedDuration = SignedDuration::from_secs(60);
/// After a jump forward no step is taken for so long: an operator, or the time server, may take it
/// back.
const DOUBT: Duration = Duration::from_mins(2);

/// What was last seen.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    last: Option<(Timestamp, Duration)>,
    doubted_until: Option<Duration>,
}

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// What the clock would have shown, when it jumped.
    pub(super) jumped_from: Option<Timestamp>,
    /// Whether steps may be taken.
    pub(super) is_trusted: bool,
}

impl Clocks {
    /// Compares the clock on the wall with the time that passed.
    pub(super) fn look(&mut self, wall: Timestamp, monotonic: Duration) -> Look {
        let last = self.last.replace((wall, monotonic));
        let mut jumped_from = None;
        if let Some((then, at)) = last {
            let passed = SignedDuration::try_from(monotonic.saturating_sub(at));
            let expected = then
                .checked_add(passed.unwrap_or_default())
                .unwrap_or(Timestamp::MAX);
            let jump = wall.duration_since(expected);
            if jump.abs() > JUMP {
                jumped_from = Some(expected);
                // Back where it was, or behind: nothing can be due too early.
                self.doubted_until = (jump > SignedDuration::ZERO).then(|| monotonic + DOUBT);
            }
        }
        if self.doubted_until.is_some_and(|until| monotonic >= until) {
            self.doubted_until = None;
        }
        Look {
            jumped_from,
            is_trusted: self.doubted_until.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_forward_is_doubted_for_a_while_and_one_back_is_not() {
        let start: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let at = |seconds: i64| start + SignedDuration::from_secs(seconds);
        let passed = Duration::from_secs;
        let mut clocks = Clocks::default();
        assert!(clocks.look(start, passed(0)).is_trusted);
        assert_eq!(
            clocks.look(at(30), passed(1)).jumped_from,
            None,
            "a small correction"
        );
        let ahead = clocks.look(at(1_000_000), passed(2));
        assert_eq!(ahead.jumped_from, Some(at(31)));
        assert!(!ahead.is_trusted);
        assert!(!clocks.look(at(1_000_100), passed(102)).is_trusted);
        assert!(clocks.look(at(1_000_120), passed(122)).is_trusted);
        let back = clocks.look(at(200), passed(123));
        assert!(back.jumped_from.is_some() && back.is_trusted);
    }
}
