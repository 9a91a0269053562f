//! Percentiles and ratios.

use std::time::Duration;

use serde::Serialize;

/// How times spread, in milliseconds. A percentile is the nearest rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// The shortest.
    pub min: f64,
    /// Half are no longer.
    pub p50: f64,
    /// Nine in ten are no longer.
    pub p90: f64,
    /// 99 in 100 are no longer.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Spread {
    /// Of `times`, in any order.
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let rank = |percent: usize| {
            let rank = (times.len() * percent).div_ceil(100).max(1);
            times
                .get(rank - 1)
                .map_or(0.0, |time| rounded(time.as_secs_f64() * 1_000.0))
        };
        Self {
            min: rank(0),
            p50: rank(50),
            p90: rank(90),
            p99: rank(99),
            max: rank(100),
        }
    }
}

/// Ours to the floor's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ratio {
    /// Of the shortest.
    pub min: f64,
    /// Of the medians.
    pub p50: f64,
    /// Of the 90th percentiles.
    pub p90: f64,
    /// Of the 99th percentiles.
    pub p99: f64,
}

impl Ratio {
    /// `ours` to `floor`.
    pub fn of(ours: &Spread, floor: &Spread) -> Self {
        Self {
            min: ratio(ours.min, floor.min),
            p50: ratio(ours.p50, floor.p50),
            p90: ratio(ours.p90, floor.p90),
            p99: ratio(ours.p99, floor.p99),
        }
    }
}

/// The nearest rank of `times`, in milliseconds.
pub(super) fn percentile(times: &[Duration], percent: usize) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    let rank = (times.len() * percent).div_ceil(100).max(1);
    let found = times.get(rank - 1);
    found.map_or(0.0, |time| rounded(time.as_secs_f64() * 1_000.0))
}

/// `ours` to `floor`; 0 where there is no floor.
pub(super) fn ratio(ours: f64, floor: f64) -> f64 {
    if floor > 0.0 {
        rounded(ours / floor)
    } else {
        0.0
    }
}

/// To three places.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

/// The middle one of `numbers`; the lower of two.
pub(super) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    let middle = numbers.len().saturating_sub(1) / 2;
    numbers.get(middle).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        let times = (1..=200).rev().map(Duration::from_millis).collect();
        let spread = Spread::of(times);
        let expected = Spread {
            min: 1.0,
            p50: 100.0,
            p90: 180.0,
            p99: 198.0,
            max: 200.0,
        };
        assert_eq!(spread, expected);
        assert_eq!(Spread::of(Vec::new()), Spread::default());
        let one = Spread::of(vec![Duration::from_micros(1_500)]);
        assert_eq!((one.min, one.p99), (1.5, 1.5));
    }

    #[test]
    fn a_ratio_says_how_many_times_the_floor() {
        assert_eq!((ratio(3.0, 2.0), ratio(3.0, 0.0)), (1.5, 0.0));
        assert_eq!(
            (median(vec![3.0, 1.0, 2.0]), median(vec![4.0, 1.0])),
            (2.0, 1.0)
        );
    }
}
