//! Charts of ordinary and of odd numbers.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::desk::service::Quantiles;

/// Twelve weeks, the middle one without a decision.
pub(crate) fn weeks() -> Vec<WeekRow> {
    (0..12)
        .map(|week| WeekRow {
            from: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 7 * week),
            decided: usize::from(week != 6),
            took: (week != 6).then_some(Quantiles {
                p50: 600,
                p90: 6_000,
            }),
        })
        .collect()
}

/// Every chart of nothing has a finding, a table, and no shape.
#[test]
fn nothing_is_drawn_of_nothing() {
    let none = WeekRow {
        took: None,
        ..weeks().remove(0)
    };
    for chart in [
        decisions(&[none], Some(60)),
        agents(&[]),
        ages(&[]),
        calibration(&[], 0.8),
        looks(&[]),
        days(&[]),
    ] {
        assert!(chart.shapes.is_empty(), "{chart:?}");
        assert!(chart.finding.ends_with('.'), "{}", chart.finding);
        assert!(!chart.head.is_empty());
    }
}

/// Whatever the numbers are, everything drawn is on the sheet.
#[test]
fn nothing_is_drawn_outside() {
    let agent = |first_time, of| AgentRow {
        agent: "a".repeat(90),
        first_time,
        of,
    };
    let look = |others, high| LookRow {
        from: 0,
        to: Some(10),
        others,
        high,
    };
    let age = AgeRow {
        from: 0,
        to: None,
        low: 400,
        medium: 1,
        high: 1,
    };
    let stated = |stated, approved, of| CalibrationRow {
        stated,
        approved,
        of,
    };
    let charts = [
        decisions(&weeks(), Some(3_600)),
        agents(&[agent(1, 1), agent(0, 900_000)]),
        ages(&[age]),
        calibration(&[stated(0.0, 0, 1), stated(1.0, 900_000, 900_000)], 0.8),
        looks(&[look(1, 0), look(0, 12_345)]),
    ];
    for chart in &charts {
        assert!(!chart.shapes.is_empty());
        for shape in &chart.shapes {
            let places: Vec<(f64, f64)> = match shape {
                Shape::Line { at, .. } => vec![(at[0], at[1]), (at[2], at[3])],
                Shape::Bar { at, .. } => vec![(at[0], at[1]), (at[0] + at[2], at[1] + at[3])],
                Shape::Mark { at, .. } => vec![(at[0], at[1])],
                Shape::Text { at, .. } => vec![(at[0], at[1])],
                Shape::Path { points, .. } => points
                    .split(' ')
                    .map(|point| {
                        let (x, y) = point.split_once(',').unwrap();
                        (x.parse().unwrap(), y.parse().unwrap())
                    })
                    .collect(),
            };
            for (x, y) in places {
                let inside = (0.0..=SIZE.0).contains(&x) && (0.0..=SIZE.1).contains(&y);
                assert!(inside, "{x} {y} of {shape:?} in {}", chart.title);
            }
        }
    }
}

#[test]
fn findings_say_what_the_numbers_say() {
    assert_eq!(percent(2, 3), 67);
    assert_eq!(percent(0, 0), 0);
    let (low, high) = wilson(9, 10);
    assert!((0.595..0.6).contains(&low) && (0.98..0.985).contains(&high));
    let sure = CalibrationRow {
        stated: 0.95,
        approved: 6,
        of: 12,
    };
    let chart = calibration(std::slice::from_ref(&sure), 0.8);
    assert!(
        chart.finding.contains("0.95 was approved 50 %"),
        "{}",
        chart.finding
    );
    let few = CalibrationRow { of: 9, ..sure };
    assert!(calibration(&[few], 0.8).finding.starts_with("No group"));
    let ends = [3.0, 17.0, 41.0, 999.0].map(|most| ceiling(most).to_string());
    assert_eq!(ends, ["4", "20", "50", "1000"]);
}
