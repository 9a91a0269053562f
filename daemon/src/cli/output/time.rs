//! Spans for people.

use jiff::Timestamp;

/// `18m`, `1h04`, `3d`: the time from `then` to `now`, never below zero.
pub(crate) fn ago(then: Timestamp, now: Timestamp) -> String {
    span(now.as_second().saturating_sub(then.as_second()))
}

/// The same for a number of seconds.
pub(crate) fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match () {
        () if seconds < 60 => format!("{seconds}s"),
        () if minutes < 60 => format!("{minutes}m"),
        () if hours < 24 => format!("{hours}h{:02}", minutes % 60),
        () => format!("{days}d"),
    }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_grow_coarser() {
        for (seconds, text) in [
            (-5, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3_840, "1h04"),
            (86_399, "23h59"),
            (90_000, "1d"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }
}
