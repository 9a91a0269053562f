//! `countersign changed`: what changed since a moment, with the entry that did it.

use countersign_protocol::names::joined;
use countersign_web::desk::versions::{Changed, ChangedRow};
use serde_json::json;

use super::{
    Context,
    client::{Client, encode},
    exit::{Exit, Failure},
    output::{Cell, Style, Table, inert},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Moments: @last-build @build:318 @last-mark:release @last-checkpoint @my-last-review @my-last-visit
@last-approval @last-decision @last-revision @rev:2 e18402 2h yesterday 2026-11-01")]
pub(crate) struct Args {
    /// From when on; else your last decision, or the start
    #[arg(long, value_name = "MOMENT")]
    since: Option<String>,
    /// Until when; else now
    #[arg(long, value_name = "MOMENT")]
    until: Option<String>,
    /// One workspace; else the one you are in, or all
    #[arg(long, value_name = "NAME")]
    workspace: Option<String>,
    /// One handoff, such as `H-7`
    #[arg(long, value_name = "HANDOFF", conflicts_with = "workspace")]
    handoff: Option<String>,
    /// List what was changed and put back, too
    #[arg(long)]
    restored: bool,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let here = client
        .endpoint
        .as_ref()
        .and_then(|endpoint| endpoint.workspace_of(&context.folder))
        .map(|(workspace, _)| workspace.name.clone())
        .filter(|_| args.handoff.is_none());
    let mut query = vec![format!("restored={}", args.restored)];
    for (name, value) in [
        ("from", &args.since),
        ("to", &args.until),
        ("workspace", &args.workspace.clone().or(here)),
        ("handoff", &args.handoff),
    ] {
        query.extend(
            value
                .as_ref()
                .map(|text| format!("{name}={}", encode(text))),
        );
    }
    let changed: Changed = client.get(&format!("/api/v1/changes?{}", query.join("&")))?;
    if context.out.json {
        context.out.object("changed", json!(changed));
        return Ok(Exit::Done);
    }
    let several = changed.spans.len() > 1;
    context.out.table(&table(&changed.rows, several));
    for span in &changed.spans {
        let text = format!(
            "{}: {} files changed since {} [e{}], up to e{}",
            span.workspace,
            changed
                .rows
                .iter()
                .filter(|row| row.workspace == span.workspace)
                .count(),
            span.from.label,
            span.from.seq,
            span.to.seq
        );
        context.out.remark(&inert(&text));
    }
    if changed.restored > 0 && !args.restored {
        let text = format!(
            "{} more were changed and are what they were; `--restored` lists them",
            changed.restored
        );
        context.out.remark(&text);
    }
    for why in &changed.left_out {
        context.out.remark(&inert(why));
    }
    Ok(Exit::Done)
}

fn table(rows: &[ChangedRow], several: bool) -> Table {
    let mut table = Table::new(&["", "file", "", "by", "when", "entry"]);
    for row in rows {
        let path = joined(&row.folder, &row.path);
        let place = if several {
            joined(&row.workspace, &path)
        } else {
            path
        };
        let more = match (&row.from_path, row.size_before, row.size) {
            (Some(from), ..) => format!("from {from} ({} %)", row.percent.unwrap_or_default()),
            (None, Some(before), Some(after)) => format!("{before} -> {after} bytes"),
            (None, None, Some(size)) | (None, Some(size), None) => format!("{size} bytes"),
            (None, None, None) => String::new(),
        };
        let style = match row.change.word() {
            "created" => Style::Good,
            "removed" => Style::Error,
            _ => Style::Hint,
        };
        table.row(vec![
            Cell::new(row.change.word()).style(style),
            Cell::new(place),
            Cell::new(more),
            Cell::new(format!("{} {} r{}", row.agent, row.handoff, row.revision)),
            Cell::new(row.at.to_string()),
            Cell::new(format!("e{}", row.seq)),
        ]);
    }
    table
}
