//! When a message is tried again, and when its receiver is given up.

use std::time::Duration;

/// Waits between attempts, in seconds: the schedule that Standard Webhooks proposes. The first attempt is at once.
const WAITS: [u64; 9] = [
    5,
    5 * 60,
    30 * 60,
    2 * 3600,
    5 * 3600,
    10 * 3600,
    14 * 3600,
    20 * 3600,
    24 * 3600,
];
/// A receiver that is overloaded, or too slow to answer, is left alone at least so long.
const THROTTLED: Duration = Duration::from_mins(1);
/// No receiver may put us off for longer.
const LONGEST: Duration = Duration::from_hours(24);
/// Failing for so long without one success ends deliveries to a receiver, until a person says otherwise.
pub(super) const GIVE_UP: Duration = Duration::from_hours(5 * 24);

/// What the receiver wishes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    /// It said that it has too much to do, or it did not answer in time.
    pub(super) throttled: bool,
    /// `Retry-After`.
    pub(super) after: Option<Duration>,
}

/// How long to wait after attempt number `tried` (from 1); `None` when that was the last. `dice` is from 0 to 1 and
/// spreads the wait by a fifth to each side, so that what failed together does not come back together.
pub(super) fn wait(tried: u32, wish: Wish, dice: f64) -> Option<Duration> {
    let at = usize::try_from(tried)
        .unwrap_or(usize::MAX)
        .checked_sub(1)?;
    let base = Duration::from_secs(*WAITS.get(at)?);
    let spread = base.mul_f64(0.8 + 0.4 * dice.clamp(0.0, 1.0));
    let wait = if wish.throttled {
        spread.max(THROTTLED)
    } else {
        spread
    };
    // Never sooner than it asked for.
    Some(wait.max(wish.after.unwrap_or_default().min(LONGEST)))
}

/// Seconds of `Retry-After`, which are a number or a date (RFC 9110, section 10.2.3).
pub(super) fn retry_after(text: &str, now: jiff::Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Duration::try_from(date.duration_since(now)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Wish = Wish {
        throttled: false,
        after: None,
    };

    #[test]
    fn the_schedule_spreads_and_ends() {
        let all: Vec<_> = (1..=10)
            .map(|tried| wait(tried, PLAIN, 0.5).map(|wait| wait.as_secs()))
            .collect();
        let expected = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map(Some);
        assert_eq!(all[..9], expected);
        assert_eq!(all[9], None);
        assert_eq!(wait(1, PLAIN, 0.0), Some(Duration::from_secs(4)));
        assert_eq!(wait(1, PLAIN, 1.0), Some(Duration::from_secs(6)));
        assert_eq!(wait(0, PLAIN, 0.5), None);
        assert_eq!(wait(u32::MAX, PLAIN, 0.5), None);
    }

    #[test]
    fn a_receiver_is_never_tried_sooner_than_it_asks() {
        let busy = Wish {
            throttled: true,
            after: None,
        };
        assert_eq!(wait(1, busy, 0.5), Some(Duration::from_mins(1)));
        assert_eq!(wait(3, busy, 0.5), Some(Duration::from_mins(30)));
        let later = |seconds| Wish {
            throttled: true,
            after: Some(Duration::from_secs(seconds)),
        };
        assert_eq!(wait(1, later(7), 0.5), Some(Duration::from_mins(1)));
        assert_eq!(wait(1, later(3_600), 0.5), Some(Duration::from_hours(1)));
        assert_eq!(wait(1, later(u64::MAX), 0.5), Some(LONGEST));
    }

    #[test]
    fn retry_after_is_a_number_or_a_date() {
        let now = "2026-11-20T13:00:00Z".parse().unwrap();
        for (text, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Fri, 20 Nov 2026 13:02:00 GMT", Some(120)),
            ("Fri, 20 Nov 2026 12:00:00 GMT", None),
            ("soon", None),
            ("-5", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(
                retry_after(text, now),
                seconds.map(Duration::from_secs),
                "{text}"
            );
        }
    }
}
