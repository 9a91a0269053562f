//! `countersign sla`: how fast people look and answer, beside what was promised.

use countersign_web::desk::service::{Quantiles, ServiceGroup, ServiceReport};

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
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let report: ServiceReport = client.get(&format!("/api/v1/service?days={}", args.days))?;
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
    context
        .out
        .remark("times are those of half and of nine in ten, counted from the delivery");
    Ok(Exit::Done)
}

fn spread(found: Option<Quantiles>) -> String {
    let seconds = |number: u64| span(i64::try_from(number).unwrap_or(i64::MAX));
    found.map_or_else(String::new, |found| {
        format!("{} / {}", seconds(found.p50), seconds(found.p90))
    })
}
