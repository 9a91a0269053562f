//! Times, sizes and counts in words.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// A length of time: `under a minute`, `18 min`, `1 h 04 min`, `3 days`.
pub fn span(length: SignedDuration) -> String {
    let minutes = length.as_secs().max(0) / 60;
    match minutes {
        0 => "under a minute".to_owned(),
        1..60 => format!("{minutes} min"),
        60..1440 => match (minutes / 60, minutes % 60) {
            (hours, 0) => format!("{hours} h"),
            (hours, rest) => format!("{hours} h {rest:02} min"),
        },
        1440..2880 => "1 day".to_owned(),
        _ => format!("{} days", minutes / 1440),
    }
}

/// How long ago `at` was: `just now`, `18 min ago`.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let length = now.duration_since(at);
    if length.as_secs() < 60 {
        "just now".to_owned()
    } else {
        format!("{} ago", span(length))
    }
}

/// When something planned is: `in 42 min`, and as [`ago`] once it has come.
pub fn planned(at: Timestamp, now: Timestamp) -> String {
    match at.duration_since(now) {
        length if length.as_secs() < 60 => ago(at, now),
        length => format!("in {}", span(length)),
    }
}

/// A deadline as seen from `now`: `due in 42 min`, `4 min late`.
pub fn due(at: Timestamp, now: Timestamp) -> String {
    if at < now {
        format!("{} late", span(now.duration_since(at)))
    } else {
        format!("due in {}", span(at.duration_since(now)))
    }
}

/// The absolute time for people in `zone`, which it names.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    let there = at.to_zoned(zone.clone());
    there.strftime("%-d %b %Y %H:%M:%S %Z").to_string()
}

/// A size in bytes with a unit: `812 bytes`, `1.2 kB`, `3.4 MB`. Decimal units, as disks use them.
#[expect(
    clippy::cast_precision_loss,
    reason = "one decimal is shown; sizes over 2^52 bytes do not occur"
)]
pub fn size(bytes: u64) -> String {
    if bytes == 1 {
        return "1 byte".to_owned();
    }
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    let mut value = bytes as f64 / 1000.0;
    for unit in ["kB", "MB", "GB"] {
        if value < 999.95 {
            return format!("{value:.1} {unit}");
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

/// A count with its noun: `1 file`, `9 files`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// The text as a sentence that another one can follow.
pub fn sentence(text: &str) -> String {
    if text.is_empty() || text.ends_with(['.', '!', '?']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

/// The text with a capital letter first.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// The first `most` characters of the text, with a mark where there are more.
pub fn beginning(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The last `most` characters of the text, with a mark where there are more.
pub fn end(text: &str, most: usize) -> String {
    let start = text.char_indices().rev().nth(most.saturating_sub(1));
    match start {
        Some((start, _)) if start > 0 => format!("…{}", &text[start..]),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn times_read_as_a_person_would_say_them() {
        for (seconds, words) in [
            (0, "just now"),
            (59, "just now"),
            (60, "1 min ago"),
            (64 * 60, "1 h 04 min ago"),
            (7200, "2 h ago"),
            (86_400, "1 day ago"),
            (5 * 86_400, "5 days ago"),
        ] {
            assert_eq!(ago(at(0), at(seconds)), words);
        }
        // A clock that jumped back is no reason for a negative age.
        assert_eq!(ago(at(100), at(0)), "just now");
        assert_eq!(planned(at(7_500), at(0)), "in 2 h 05 min");
        assert_eq!(planned(at(59), at(0)), "just now");
        assert_eq!(planned(at(0), at(60)), "1 min ago");
        assert_eq!(due(at(42 * 60), at(0)), "due in 42 min");
        assert_eq!(due(at(0), at(240)), "4 min late");
        assert_eq!(clock(at(0), &TimeZone::UTC), "1 Jan 1970 00:00:00 UTC");
        let there = TimeZone::get("America/Los_Angeles").unwrap();
        assert_eq!(clock(at(0), &there), "31 Dec 1969 16:00:00 PST");
    }

    #[test]
    fn a_sentence_ends_once() {
        for (text, shown) in [
            ("", ""),
            ("must be a number", "must be a number."),
            ("Why?", "Why?"),
        ] {
            assert_eq!(sentence(text), shown);
        }
    }

    #[test]
    fn sizes_and_counts_have_units() {
        for (bytes, words) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1200, "1.2 kB"),
            (999_999, "1.0 MB"),
            (3_400_000, "3.4 MB"),
            (u64::MAX, "18446744.1 TB"),
        ] {
            assert_eq!(size(bytes), words);
        }
        assert_eq!(count(1, "file"), "1 file");
        assert_eq!(count(0, "file"), "0 files");
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        assert_eq!(beginning("čevapi", 6), "čevapi");
        assert_eq!(beginning("čevapi", 1), "č…");
        assert_eq!(end("đuveč", 5), "đuveč");
        assert_eq!(end("đuveč", 2), "…eč");
        assert_eq!(
            (beginning("", 3), end("", 3)),
            (String::new(), String::new())
        );
        assert_eq!(capital("čaj"), "Čaj");
    }
}
