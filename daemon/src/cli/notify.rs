//! `countersign notify`: who is told, whether it works, and what messages look like.

use std::{path::PathBuf, sync::Arc, time::Duration};

use countersign_web::{
    desk::{ReceiverRow, TestResult},
    templates::Templates,
};
use serde_json::{Value, json};

use super::{
    Context,
    client::{Client, encode},
    exit::{Exit, Failure},
    output::{Cell, Style, Table, ago, inert},
};
use crate::{fs::Dir, outbox};

/// How long samples of all kinds to all receivers may take.
const PATIENCE: Duration = Duration::from_mins(10);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List who is told, and how that goes
    Ls,
    /// Send a sample of each kind
    Test {
        /// The receiver, as `notify ls` shows it; else all
        #[arg(long, value_name = "NAME")]
        channel: Option<String>,
        /// The address for samples by mail
        #[arg(long, value_name = "ADDRESS")]
        to: Option<String>,
    },
    /// Let a receiver be tried again
    Enable {
        /// Its name
        name: String,
    },
    /// Let failed messages be tried again
    Redrive {
        /// The receiver
        name: String,
    },
    /// Write every message, with samples, into a folder
    Preview {
        /// The folder; it must be there
        folder: PathBuf,
    },
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    match &args.command {
        Command::Ls => ls(context),
        Command::Test { channel, to } => test(channel.as_deref(), to.as_deref(), context),
        Command::Enable { name } => {
            let client = Client::find(context)?;
            let path = format!("/api/v1/receivers/{}/enable", encode(name));
            client.post(&path, &Value::Null)?;
            if context.out.json {
                context
                    .out
                    .object("notify-enable", json!({ "name": name, "enabled": true }));
            } else {
                context.out.line(&format!("{} is tried again", inert(name)));
            }
            Ok(Exit::Done)
        }
        Command::Redrive { name } => {
            let client = Client::find(context)?;
            let path = format!("/api/v1/receivers/{}/redrive", encode(name));
            let answer: Value = client.post(&path, &Value::Null)?.json()?;
            if context.out.json {
                context.out.object("notify-redrive", answer);
            } else {
                context.out.line(&format!(
                    "{} messages to {} go out again",
                    answer["count"],
                    inert(name)
                ));
            }
            Ok(Exit::Done)
        }
        Command::Preview { folder } => preview(folder, context),
    }
}

fn ls(context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let rows: Vec<ReceiverRow> = client.get("/api/v1/receivers")?;
    if context.out.json {
        context
            .out
            .object("notify-ls", json!({ "receivers": rows }));
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        let way = "add `[notify.email]` or a `[[webhook]]`";
        context.out.line(&format!("nobody is told anything; {way}"));
        return Ok(Exit::Done);
    }
    let now = context.clock.now();
    let mut table = Table::new(&["receiver", "state", "last sent", "waiting", "failed", ""]);
    for row in rows {
        let (state, style) = match (row.disabled_since, row.failing_since) {
            (Some(_), _) => ("disabled", Style::Warning),
            (None, Some(_)) => ("failing", Style::Warning),
            (None, None) => ("ok", Style::Good),
        };
        let sent = row
            .last_sent
            .map_or_else(|| "never".to_owned(), |at| format!("{} ago", ago(at, now)));
        let why = row
            .disabled_why
            .or(row.last_failure.filter(|_| row.failing_since.is_some()));
        table.row(vec![
            Cell::new(row.name),
            Cell::new(state).style(style),
            Cell::new(sent),
            Cell::new(row.waiting.to_string()),
            Cell::new(row.failed.to_string()),
            Cell::new(why.unwrap_or_default()),
        ]);
    }
    context.out.table(&table);
    Ok(Exit::Done)
}

fn test(channel: Option<&str>, to: Option<&str>, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let wish = json!({ "receiver": channel, "to": to });
    let reply = client.send("POST", "/api/v1/receivers/test", Some(&wish), PATIENCE)?;
    let results: Vec<TestResult> = reply.json()?;
    let ok = results.iter().all(|one| one.ok);
    if context.out.json {
        context
            .out
            .object("notify-test", json!({ "results": results }));
    } else {
        let mut table = Table::new(&["receiver", "sample", "", "it said"]);
        for one in &results {
            let (word, style) = if one.ok {
                ("sent", Style::Good)
            } else {
                ("failed", Style::Warning)
            };
            table.row(vec![
                Cell::new(one.receiver.clone()),
                Cell::new(one.sample.clone()),
                Cell::new(word).style(style),
                Cell::new(one.said.clone()),
            ]);
        }
        context.out.table(&table);
    }
    if results.is_empty() {
        return Err(
            Failure::new(Exit::NotFound, "there is nobody to send a sample to").hint(
                "name a `[[webhook]]` in the configuration, or `[notify.email]` and `--to ADDRESS`",
            ),
        );
    }
    Ok(if ok { Exit::Done } else { Exit::Failed })
}

fn preview(folder: &std::path::Path, context: &mut Context) -> Result<Exit, Failure> {
    let config = context.config()?;
    let theirs = config
        .server
        .templates
        .as_ref()
        .map(|folder| folder.value.clone());
    let templates =
        Templates::load(theirs).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    let home = config.server.public_url.as_ref().map_or_else(
        || format!("http://{}", config.server.listen.value),
        |url| url.value.as_str().to_owned(),
    );
    let failed = |error: crate::fs::Error| {
        Failure::new(Exit::Failed, error.to_string())
            .hint("name a folder that is there and that you may write")
    };
    let dir = Dir::open(&context.at(folder)).map_err(failed)?;
    let files = outbox::preview(
        &templates,
        &Arc::new(config.notify),
        &home,
        context.clock.now(),
    );
    for (name, bytes) in &files {
        dir.publish(std::path::Path::new(name), bytes, 0o644, false)
            .map_err(failed)?;
    }
    if context.out.json {
        let names: Vec<&String> = files.iter().map(|(name, _)| name).collect();
        context
            .out
            .object("notify-preview", json!({ "files": names }));
    } else {
        context
            .out
            .line(&format!("{} messages written", files.len()));
    }
    Ok(Exit::Done)
}
