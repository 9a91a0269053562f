//! `countersign route test`: which rule fires for a handoff, and why the others do not.

use countersign_web::desk::routing::RouteReport;

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    output::{Cell, Style, Table, inert},
    target::TargetArg,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say who would be asked about a handoff now, and why
    Test {
        #[command(flatten)]
        target: TargetArg,
    },
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let Command::Test { target } = &args.command;
    let client = Client::find(context)?;
    let row = target.row(context, &client)?;
    let report: RouteReport = client.get(&format!("/api/v1/handoffs/{}/route-test", row.id))?;
    if context.out.json {
        let object = serde_json::to_value(&report).unwrap_or_default();
        context.out.object("route-test", object);
        return Ok(Exit::Done);
    }
    show(&report, context);
    Ok(Exit::Done)
}

fn show(report: &RouteReport, context: &mut Context) {
    let routing = &report.routing;
    let names: Vec<&str> = routing.asked.iter().map(|one| one.name.as_str()).collect();
    let names = match names.as_slice() {
        [] => "nobody".to_owned(),
        names => names.join(", "),
    };
    let to = match (report.passes, &report.agent, &report.hold) {
        (_, Some(agent), Some(_)) => format!("{names}, before {agent} gets it"),
        (_, Some(agent), None) => format!("goes to {agent}, no person is asked"),
        (true, None, _) => "passes without a person".to_owned(),
        (false, None, _) => names,
    };
    let head = format!(
        "{} revision {}: rule {}, {to}, risk {}",
        report.id, report.revision, routing.rule, report.risk
    );
    context.out.line(&head);
    let mut table = Table::new(&["", "", ""]);
    for rule in &report.rules {
        let (word, style) = if rule.won {
            ("fired", Style::Good)
        } else {
            ("no", Style::Faint)
        };
        table.row(vec![
            Cell::new(rule.rule.clone()),
            Cell::new(word).style(style),
            Cell::new(rule.why.clone()),
        ]);
    }
    if let Some(hold) = &report.hold {
        table.row(vec![
            Cell::new("person first"),
            Cell::new("why").style(Style::Good),
            Cell::new(hold.clone()),
        ]);
    }
    for trigger in &routing.triggers {
        table.row(vec![
            Cell::new(trigger.rule.clone()),
            Cell::new("trigger"),
            Cell::new(trigger.why.clone()),
        ]);
    }
    for step in &routing.ladder {
        table.row(vec![
            Cell::new(format!("{:.0}", step.at)),
            Cell::new("then"),
            Cell::new(step.text.clone()),
        ]);
    }
    context.out.table(&table);
    for note in routing.asked.iter().flat_map(|one| &one.notes) {
        context.out.remark(&inert(note));
    }
    for doubt in &report.doubts {
        context
            .out
            .remark(&format!("not counted: {}", inert(doubt)));
    }
}
