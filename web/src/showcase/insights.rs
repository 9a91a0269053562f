//! Numbers for charts.

use async_trait::async_trait;
use countersign_protocol::HandoffId;
use jiff::SignedDuration;

use super::{Showcase, sample};
use crate::desk::{
    Caller, DeskError,
    insights::{
        AgeRow, AgentRow, CalibrationRow, DayRow, Insights, InsightsDesk, LookRow, WeekRow,
    },
    service::{Breach, Quantiles, ServicePeriod, ServiceTarget},
};

/// Twelve weeks in which things got quicker.
pub(crate) fn sample() -> Insights {
    let ago = |days: i64| sample::now() - SignedDuration::from_hours(24 * days);
    let medians = [44, 41, 46, 38, 36, 33, 37, 31, 26, 24, 20, 18];
    let slow = [212, 188, 230, 170, 164, 150, 158, 131, 122, 118, 96, 88];
    let agents = [
        ("release-scribe", 61, 64),
        ("ticket-tagger", 118, 126),
        ("report-writer", 44, 54),
        ("patch-runner", 73, 97),
        (sample::HOSTILE, 38, 71),
    ];
    let ages = [
        (0, Some(900), 3, 1, 0),
        (900, Some(3_600), 4, 2, 2),
        (3_600, None, 2, 1, 1),
    ];
    let stated = [
        (0.55, 9, 14),
        (0.68, 14, 22),
        (0.79, 31, 44),
        (0.87, 60, 92),
        (0.96, 88, 91),
    ];
    let looks = [
        (0, Some(10), 31, 1),
        (10, Some(30), 58, 3),
        (30, Some(60), 90, 11),
        (60, None, 44, 43),
    ];
    let came = [8, 11, 14, 3, 2, 12, 16, 9, 13, 10, 2, 1, 15, 12];
    let decided = [9, 10, 12, 4, 2, 10, 17, 11, 12, 9, 3, 2, 11, 14];
    Insights {
        since: ago(84),
        until: sample::now(),
        took: Some(Quantiles {
            p50: 1_080,
            p90: 5_280,
        }),
        promised: Some(3_600),
        weeks: (0..)
            .zip(medians.iter().zip(slow))
            .map(|(week, (p50, p90))| WeekRow {
                from: ago(84 - 7 * week),
                decided: 50,
                took: Some(Quantiles {
                    p50: p50 * 60,
                    p90: p90 * 60,
                }),
            })
            .collect(),
        agents: agents
            .map(|(agent, first_time, of)| AgentRow {
                agent: agent.to_owned(),
                first_time,
                of,
            })
            .to_vec(),
        ages: ages
            .map(|(from, to, low, medium, high)| AgeRow {
                from,
                to,
                low,
                medium,
                high,
            })
            .to_vec(),
        calibration: stated
            .map(|(stated, approved, of)| CalibrationRow {
                stated,
                approved,
                of,
            })
            .to_vec(),
        looks: looks
            .map(|(from, to, others, high)| LookRow {
                from,
                to,
                others,
                high,
            })
            .to_vec(),
        days: (0..)
            .zip(came.iter().zip(decided))
            .map(|(day, (came, decided))| DayRow {
                from: ago(14 - day),
                came: *came,
                decided,
            })
            .collect(),
    }
}

/// Two weeks of one promise.
pub(crate) fn promises() -> Vec<ServicePeriod> {
    let ago = |days: i64| super::sample::now() - SignedDuration::from_hours(24 * days);
    let week = |from: i64, kept: usize, breaches: Vec<Breach>| ServicePeriod {
        workspace: "reports".to_owned(),
        target: ServiceTarget::Answer,
        target_seconds: 3_600,
        from: ago(from),
        until: ago(from - 7),
        kept,
        open: 0,
        breached: breaches.len(),
        actual: Some(Quantiles {
            p50: 1_200,
            p90: 3_000,
        }),
        breaches,
    };
    let late = Breach {
        handoff_id: HandoffId(412),
        revision: 2,
        hop: None,
        took_seconds: 7_260,
        is_open: false,
    };
    vec![week(14, 21, Vec::new()), week(7, 18, vec![late])]
}

#[async_trait]
impl InsightsDesk for Showcase {
    async fn insights(&self, _: &Caller, weeks: u32) -> Result<Insights, DeskError> {
        if weeks == 0 || weeks > 52 {
            return Err(DeskError::Invalid {
                field: "weeks".to_owned(),
                message: "Look back on 1 to 52 weeks.".to_owned(),
            });
        }
        Ok(sample())
    }
}
