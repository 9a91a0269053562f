//! Values with a unit, as they stand in files: `750ms`, `5m`, `256MB`.

use std::{fmt, str::FromStr, time::Duration};

/// A length of time: a whole number and one of `ms`, `s`, `m`, `h`, `d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// A number of bytes: a whole number and one of `B`, `kB`, `MB`, `GB`, `TB` (powers of 1000) or
/// `KiB`, `MiB`, `GiB`, `TiB` (powers of 1024).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

const TIMES: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

const SIZES: [(&str, u64); 9] = [
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn show(value: u64, units: &[(&str, u64)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let best = units
        .iter()
        .filter(|(_, factor)| value > 0 && value.is_multiple_of(*factor))
        .max_by_key(|(_, factor)| factor);
    match (best, units.last()) {
        (Some((unit, factor)), _) => write!(f, "{}{unit}", value / factor),
        (None, Some((unit, _))) => write!(f, "{value}{unit}"),
        (None, None) => write!(f, "{value}"),
    }
}

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, &TIMES)
            .map(|ms| Self(Duration::from_millis(ms)))
            .ok_or("must be a length of time such as `750ms`, `30s`, `5m`, `12h` or `7d`")
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(
            u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX),
            &TIMES,
            f,
        )
    }
}

impl FromStr for Size {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, &SIZES)
            .map(Self)
            .ok_or("must be a size such as `512kB`, `256MB` or `1GiB`")
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self.0, &SIZES, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_sizes_round_trip_in_their_largest_whole_unit() {
        for (text, ms, shown) in [
            ("750ms", 750, "750ms"),
            ("90s", 90_000, "90s"),
            ("120 s", 120_000, "2m"),
            ("24h", 86_400_000, "1d"),
            ("0s", 0, "0ms"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.0.as_millis(), ms, "{text}");
            assert_eq!(span.to_string(), shown);
        }
        for (text, bytes, shown) in [
            ("256MB", 256_000_000, "256MB"),
            ("1024KiB", 1 << 20, "1MiB"),
            ("7B", 7, "7B"),
        ] {
            let size: Size = text.parse().unwrap();
            assert_eq!(size.0, bytes, "{text}");
            assert_eq!(size.to_string(), shown);
        }
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        for bad in [
            "",
            "5",
            "m",
            "-5m",
            "1.5h",
            "5 minutes",
            "5M",
            "99999999999999999999d",
        ] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
        for bad in ["", "256", "MB", "1mb", "1.5GB", "18446744073709551615TB"] {
            assert!(bad.parse::<Size>().is_err(), "{bad}");
        }
    }
}
