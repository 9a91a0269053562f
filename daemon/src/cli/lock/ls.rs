//! `countersign lock ls`: ours, what people read, and what the kernel knows, each named for what it is.

use countersign_protocol::lock::Mode;
use countersign_web::desk::locks::LockList;
use serde_json::json;

use crate::cli::{
    Context,
    client::{Client, encode},
    exit::{Exit, Failure},
    output::{Cell, Style, Table, inert},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only those of this workspace
    #[arg(long, value_name = "NAME")]
    workspace: Option<String>,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let only = args
        .workspace
        .as_deref()
        .map(|name| format!("?workspace={}", encode(name)));
    let list: LockList = client.get(&format!("/api/v1/locks{}", only.unwrap_or_default()))?;
    if context.out.json {
        context.out.object("locks", json!(list));
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&[
        "lock",
        "state",
        "mode",
        "workspace",
        "path",
        "owner",
        "ends",
        "reason",
    ]);
    for row in &list.locks {
        let state = if row.held { "held" } else { "waits" };
        let ends = row
            .expires_at
            .map(|at| at.strftime("%H:%M:%S UTC").to_string());
        let exact = row.expires_at.map(|at| at.to_string()).unwrap_or_default();
        let style = if row.held {
            Style::Good
        } else {
            Style::Warning
        };
        table.row(vec![
            Cell::new(row.id.to_string()),
            Cell::new(state).style(style),
            Cell::new(if row.mode.conflicts(Mode::Shared) {
                "exclusive"
            } else {
                "shared"
            }),
            Cell::new(&row.workspace),
            Cell::new(&row.path),
            Cell::new(&row.owner),
            Cell::two(ends.unwrap_or_default(), exact),
            Cell::new(row.reason.as_deref().unwrap_or_default()),
        ]);
    }
    for reading in &list.readings {
        let why = format!("{} is being read", reading.handoff);
        table.row(vec![
            Cell::new(reading.handoff.to_string()),
            Cell::new("review"),
            Cell::new("shared"),
            Cell::new(&reading.workspace),
            Cell::new(reading.paths.join(" ")),
            Cell::new(&reading.by),
            Cell::new(""),
            Cell::new(why),
        ]);
    }
    for row in &list.kernel {
        let state = if row.waiting {
            "kernel waits"
        } else {
            "kernel"
        };
        let kind = json!(row.kind);
        let pid = row.pid.map(|pid| pid.to_string()).unwrap_or_default();
        table.row(vec![
            Cell::new(pid),
            Cell::new(state),
            Cell::new(if row.exclusive { "exclusive" } else { "shared" }),
            Cell::new(&row.workspace),
            Cell::new(&row.path),
            Cell::new(row.program.as_deref().unwrap_or_default()),
            Cell::new(""),
            Cell::new(kind.as_str().unwrap_or_default()),
        ]);
    }
    for row in list.locks.iter().filter(|row| !row.circle.is_empty()) {
        let circle = row.circle.join(" -> ");
        let first = &row.circle[0];
        let words = format!(
            "{} waits in a circle, {circle} -> {first}: nobody in it gets anything by waiting",
            row.id
        );
        context.out.remark(&inert(&words));
    }
    if list.locks.is_empty() && list.readings.is_empty() && list.kernel.is_empty() {
        context.out.remark("no lock is held");
    } else {
        context.out.table(&table);
    }
    if !list.kernel_complete {
        context.out.remark(
            "there may be more locks of the kernel: not every file or process could be looked at",
        );
    }
    Ok(Exit::Done)
}
