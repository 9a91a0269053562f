//! `GET /insights`: six charts of the last weeks, each with its table, and all numbers as CSV.

use std::fmt::Write as _;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::visit::{Chrome, Visit};
use crate::{
    desk::{
        insights::Insights,
        service::{Breach, ServicePeriod},
    },
    error::Problem,
    render::{
        chart::{self, Chart},
        words,
    },
    security::QueryOf,
    state::AppState,
    templates::Page,
};

/// The spans of time that are offered, in weeks.
const PERIODS: [u32; 4] = [4, 12, 26, 52];

#[derive(Debug, Serialize)]
pub(super) struct InsightsPage {
    chrome: Chrome,
    weeks: u32,
    periods: [u32; 4],
    until: String,
    facts: Vec<Fact>,
    charts: Vec<Chart>,
    promises: Vec<Promise>,
}

/// What a workspace promises, and how it was kept in one period.
#[derive(Debug, Serialize)]
struct Promise {
    from: String,
    until: String,
    workspace: String,
    what: &'static str,
    within: String,
    kept: usize,
    open: usize,
    broken: usize,
    took: String,
    breaches: Vec<Late>,
}

/// A promise that was not kept.
#[derive(Debug, Serialize)]
struct Late {
    name: String,
    href: String,
    took: String,
    is_open: bool,
}

impl Promise {
    fn new(period: &ServicePeriod) -> Self {
        let day = |at: Timestamp| at.strftime("%-d %b %Y").to_string();
        Self {
            from: day(period.from),
            until: day(period.until),
            workspace: period.workspace.clone(),
            what: period.target.words(),
            within: seconds(period.target_seconds),
            kept: period.kept,
            open: period.open,
            broken: period.breached,
            took: period.actual.map_or_else(
                || "–".to_owned(),
                |took| format!("{} / {}", seconds(took.p50), seconds(took.p90)),
            ),
            breaches: period.breaches.iter().map(Late::new).collect(),
        }
    }
}

impl Late {
    fn new(breach: &Breach) -> Self {
        let id = breach.handoff_id;
        Self {
            name: match breach.hop {
                Some(hop) => format!("{id}.{hop}"),
                None => id.to_string(),
            },
            href: match breach.hop {
                Some(_) => format!("/h/{id}#path"),
                None => format!("/h/{id}"),
            },
            took: seconds(breach.took_seconds),
            is_open: breach.is_open,
        }
    }
}

fn seconds(number: u64) -> String {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    words::span(SignedDuration::from_secs(number))
}

/// A number above the charts.
#[derive(Debug, Serialize)]
struct Fact {
    label: &'static str,
    value: String,
    note: String,
}

/// The query of the page.
#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    #[serde(default = "usual")]
    weeks: u32,
    /// `csv` for the numbers.
    format: Option<String>,
}

fn usual() -> u32 {
    PERIODS[1]
}

/// Shows the charts.
pub(super) async fn show(
    visit: Visit,
    State(app): State<AppState>,
    QueryOf(choice): QueryOf<Choice>,
) -> Result<Response, Problem> {
    let insights = app.desk.insights(&visit.caller(), choice.weeks).await?;
    if choice.format.as_deref() == Some("csv") {
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/csv; charset=utf-8"),
            ),
            (
                header::CONTENT_DISPOSITION,
                HeaderValue::from_static("attachment; filename=\"insights.csv\""),
            ),
        ];
        return Ok((headers, csv(&charts(&insights))).into_response());
    }
    let chrome = visit.chrome("insights").await?;
    let service = app.desk.service(&visit.caller(), insights.since, 7).await?;
    let page = InsightsPage::new(chrome, choice.weeks, &insights, &service.periods);
    Ok(visit.render(&page)?.into_response())
}

/// Stated confidence under which people are asked, where the workspace says nothing else.
const FLOOR: f64 = 0.8;

fn charts(insights: &Insights) -> Vec<Chart> {
    vec![
        chart::decisions(&insights.weeks, insights.promised),
        chart::agents(&insights.agents),
        chart::ages(&insights.ages),
        chart::calibration(&insights.calibration, FLOOR),
        chart::looks(&insights.looks),
        chart::days(&insights.days),
    ]
}

/// The tables one below the other, each line with the name of its chart.
fn csv(charts: &[Chart]) -> String {
    let mut text = String::from("chart,row,column,value\n");
    for chart in charts {
        for row in &chart.rows {
            for (column, value) in chart.head.iter().zip(row).skip(1) {
                let fields = [
                    chart.title,
                    row.first().map_or("", String::as_str),
                    column,
                    value,
                ];
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{}", fields.map(field).join(","));
            }
        }
    }
    text
}

/// A field of a CSV file. What a spreadsheet program would run is made words by a quote.
pub(super) fn field(text: &str) -> String {
    let runs = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quote = if runs { "'" } else { "" };
    format!("\"{quote}{}\"", text.replace('"', "\"\""))
}

impl InsightsPage {
    fn new(chrome: Chrome, weeks: u32, insights: &Insights, periods: &[ServicePeriod]) -> Self {
        // A period in which nothing was promised to anybody says nothing.
        let told = |one: &&ServicePeriod| one.kept + one.open + one.breached > 0;
        let decided: usize = insights.weeks.iter().map(|row| row.decided).sum();
        let first: usize = insights.agents.iter().map(|row| row.first_time).sum();
        let answered: usize = insights.agents.iter().map(|row| row.of).sum();
        let total = |row: &crate::desk::insights::AgeRow| row.low + row.medium + row.high;
        let waiting: usize = insights.ages.iter().map(total).sum();
        let old = insights.ages.last().map_or(0, total);
        let (quick, high) = chart::hasty(&insights.looks);
        let took = insights.took.map(|took| seconds(took.p50));
        Self {
            chrome,
            weeks,
            periods: PERIODS,
            until: insights.until.strftime("%-d %B %Y").to_string(),
            facts: vec![
                Fact {
                    label: "Median time to decision",
                    value: took.unwrap_or_else(|| "–".to_owned()),
                    note: format!("of {decided} decided"),
                },
                Fact {
                    label: "Approved first time",
                    value: (first * 100)
                        .checked_div(answered)
                        .map_or_else(|| "–".to_owned(), |share| format!("{share} %")),
                    note: format!("of {answered}"),
                },
                Fact {
                    label: "Waiting now",
                    value: waiting.to_string(),
                    note: format!("{old} over a day"),
                },
                Fact {
                    label: "High-risk approvals under 30 s",
                    value: quick.to_string(),
                    note: if quick > 0 {
                        format!("of {high}, look at these")
                    } else {
                        format!("of {high}")
                    },
                },
            ],
            charts: charts(insights),
            promises: periods
                .iter()
                .rev()
                .filter(told)
                .map(Promise::new)
                .collect(),
        }
    }
}

impl Page for InsightsPage {
    const TEMPLATE: &'static str = "pages/insights.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let full = crate::showcase::insights::sample();
        let empty = Insights {
            took: None,
            promised: None,
            weeks: Vec::new(),
            agents: Vec::new(),
            ages: Vec::new(),
            calibration: Vec::new(),
            looks: Vec::new(),
            days: Vec::new(),
            ..full.clone()
        };
        let page = |insights, periods: &[ServicePeriod]| {
            Self::new(Chrome::sample("insights"), 12, insights, periods)
        };
        let promises = crate::showcase::insights::promises();
        vec![page(&full, &promises), page(&empty, &[])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_field_or_run_in_a_spreadsheet() {
        assert_eq!(field("a \"b\", c"), "\"a \"\"b\"\", c\"");
        for formula in ["=1+1", "+1", "-1", "@x", "\t=1"] {
            assert_eq!(field(formula), format!("\"'{formula}\""));
        }
        let text = csv(&charts(&crate::showcase::insights::sample()));
        assert!(
            text.contains("\"Approved first time, by agent\",\"release-scribe\",\"Share\""),
            "{text}"
        );
    }
}
