//! `countersign events`: what happened, entry by entry, as it happens.

use std::fmt::Write as _;

use countersign_protocol::log::LogLine;
use countersign_web::desk::ActivityRow;
use serde::Deserialize;

use super::{
    Context,
    client::{Client, encode},
    exit::{Exit, Failure},
    output::inert,
};

/// Seconds that the daemon is asked to wait for news.
const WAIT: u64 = 25;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Go on as things happen, until interrupted
    #[arg(long, short)]
    follow: bool,
    /// Only what came after this entry; with --follow and without this, only what is new
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
    /// Only of this workspace
    #[arg(long, value_name = "NAME")]
    workspace: Option<String>,
    /// Only about this handoff, such as H-7
    #[arg(long, value_name = "ID")]
    handoff: Option<String>,
    /// Only about this agent
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
}

#[derive(Deserialize)]
struct Lines {
    lines: Vec<LogLine>,
    next: u64,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let mut query = String::new();
    for (name, value) in [
        ("workspace", &args.workspace),
        ("handoff", &args.handoff),
        ("agent", &args.agent),
    ] {
        if let Some(value) = value {
            let _ = write!(query, "&{name}={}", encode(value));
        }
    }
    let ask = |after: u64, timeout: u64| -> Result<Lines, Failure> {
        client.get(&format!(
            "/api/v1/log?after={after}&timeout={timeout}{query}"
        ))
    };
    let mut after = match args.after {
        Some(after) => after,
        None if args.follow => newest(&client)?,
        None => 0,
    };
    loop {
        let found = ask(after, if args.follow { WAIT } else { 0 })?;
        let is_end = found.lines.is_empty();
        for line in &found.lines {
            show(line, context);
        }
        if is_end && !args.follow {
            return Ok(Exit::Done);
        }
        after = found.next;
    }
}

/// The number of the newest entry that may be seen.
fn newest(client: &Client) -> Result<u64, Failure> {
    let rows: Vec<ActivityRow> = client.get("/api/v1/activity?limit=1")?;
    Ok(rows.first().map_or(0, |row| row.seq))
}

/// One line each: JSON as in `events.jsonl`, or words.
fn show(line: &LogLine, context: &mut Context) {
    if context.out.json {
        let text = serde_json::to_string(line).unwrap_or_default();
        return context.out.line(&text);
    }
    let mut words = vec![
        line.seq.to_string(),
        line.at.to_string(),
        line.event.clone(),
    ];
    let id = line.handoff_id.map(|id| match (line.hop, line.revision) {
        (Some(hop), _) => format!("{id}.{hop}"),
        (None, Some(revision)) => format!("{id} r{revision}"),
        (None, None) => id.to_string(),
    });
    words.extend(id);
    match (&line.agent, &line.to) {
        (Some(agent), Some(to)) if agent != to => words.push(format!("{agent} → {to}")),
        (Some(one), _) | (None, Some(one)) => words.push(one.clone()),
        (None, None) => {}
    }
    words.extend(line.percent.map(|percent| format!("{percent}%")));
    words.extend(line.code.clone());
    if line.by != "daemon" && Some(&line.name) != line.agent.as_ref() {
        words.push(format!("by {}", line.name));
    }
    if line.agent.is_none() && line.to.is_none() {
        words.extend(line.file.clone());
    }
    context.out.line(&inert(&words.join("  ")));
}
