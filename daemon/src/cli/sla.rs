//! `countersign sla`: how fast people look and answer, beside what was promised.

use countersign_web::desk::service::{Quantiles, ServiceGroup, ServicePeriod, ServiceReport};

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    output::{Cell, Style, Table, span},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What was handed over in the last so many days
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3660))]
    days: u16,
    /// What workspaces promise, in periods of so many days
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=3660))]
    period: u16,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let report: ServiceReport = client.get(&format!(
        "/api/v1/service?days={}&period_days={}",
        args.days, args.period
    ))?;
    if context.out.json {
        let object = serde_json::to_value(&report).unwrap_or_default();
        context.out.object("sla", object);
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&[
        "",
        "",
        "owner",
        "asked",
        "answered",
        "passed",
        "promised",
        "late",
        "target",
        "first look",
        "answer",
    ]);
    for row in report.rows {
        let group = match row.group {
            ServiceGroup::All => "all",
            ServiceGroup::Rule => "rule",
            ServiceGroup::Asked => "asked",
            ServiceGroup::Workspace => "workspace",
        };
        let late = Cell::new(row.late.to_string());
        table.row(vec![
            Cell::new(group).style(Style::Faint),
            Cell::new(row.name),
            Cell::new(row.owner.unwrap_or_default()),
            Cell::new(row.asked.to_string()),
            Cell::new(row.answered.to_string()),
            Cell::new(row.passed.to_string()),
            Cell::new(row.promised.to_string()),
            if row.late > 0 {
                late.style(Style::Warning)
            } else {
                late
            },
            Cell::new(spread(row.target)),
            Cell::new(spread(row.first_look)),
            Cell::new(spread(row.decision)),
        ]);
    }
    context.out.table(&table);
    if !report.periods.is_empty() {
        context.out.table(&promises(&report.periods));
        context.out.table(&breaches(&report.periods));
    }
    context
        .out
        .remark("times are those of half and of nine in ten, counted from the delivery");
    Ok(Exit::Done)
}

/// What was promised, and how it was kept.
fn promises(periods: &[ServicePeriod]) -> Table {
    let mut table = Table::new(&[
        "from",
        "until",
        "workspace",
        "promise",
        "within",
        "kept",
        "open",
        "broken",
        "took",
    ]);
    for one in periods {
        let day = |at: jiff::Timestamp| Cell::new(at.strftime("%Y-%m-%d").to_string());
        let broken = Cell::new(one.breached.to_string());
        table.row(vec![
            day(one.from),
            day(one.until),
            Cell::new(one.workspace.clone()),
            Cell::new(one.target.words()),
            Cell::new(seconds(one.target_seconds)),
            Cell::new(one.kept.to_string()),
            Cell::new(one.open.to_string()),
            if one.breached > 0 {
                broken.style(Style::Warning)
            } else {
                broken
            },
            Cell::new(spread(one.actual)),
        ]);
    }
    table
}

/// What was not kept, one line each.
fn breaches(periods: &[ServicePeriod]) -> Table {
    let mut table = Table::new(&["broken", "promise", "within", "took", ""]);
    for period in periods {
        for one in &period.breaches {
            let place = match one.hop {
                Some(hop) => format!("{}.{hop}", one.handoff_id),
                None => format!("{} revision {}", one.handoff_id, one.revision),
            };
            table.row(vec![
                Cell::new(place),
                Cell::new(period.target.words()),
                Cell::new(seconds(period.target_seconds)),
                Cell::new(seconds(one.took_seconds)).style(Style::Warning),
                Cell::new(if one.is_open { "not yet" } else { "" }),
            ]);
        }
    }
    table
}

fn seconds(number: u64) -> String {
    span(i64::try_from(number).unwrap_or(i64::MAX))
}

fn spread(found: Option<Quantiles>) -> String {
    found.map_or_else(String::new, |found| {
        format!("{} / {}", seconds(found.p50), seconds(found.p90))
    })
}
