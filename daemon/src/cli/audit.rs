//! `countersign audit`: the ledger, read and checked.

use std::path::Path;

use countersign_protocol::{
    Digest,
    chain::{Head, Verifier},
};
use countersign_web::desk::{ActivityRow, ChainReport};
use serde_json::json;

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    output::{Cell, Style, Table, ago, inert},
};
use crate::{
    app::{LEDGER_FILE, OBJECTS},
    fs::{InstanceLock, LockHeld, Objects, SHELVES},
    ledger::cut,
    store::{SqliteStore, Store as _, StoreError},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check every entry of the chain
    Verify,
    /// List entries, the newest first
    Log {
        /// How many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
        /// Only entries before this one
        #[arg(long, value_name = "SEQ")]
        before: Option<u64>,
    },
}

/// Entries that are read at once.
const PAGE: usize = 1_000;

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    match args.command {
        Command::Verify => verify(context),
        Command::Log { limit, before } => log(limit, before, context),
    }
}

fn verify(context: &mut Context) -> Result<Exit, Failure> {
    let through_daemon =
        Client::find(context).and_then(|client| client.get::<ChainReport>("/api/v1/audit/verify"));
    let report = match through_daemon {
        Ok(report) => report,
        Err(failure) if failure.exit == Exit::Unreachable => {
            if context.options.url.is_some() {
                return Err(failure);
            }
            read_chain(&context.data_dir()?)?
        }
        Err(failure) => return Err(failure),
    };
    if context.out.json {
        context.out.object("audit-verify", json!(report));
    } else if report.ok {
        let good = context.out.paint(Style::Good, "intact");
        context.out.line(&format!(
            "{good}  {} entries, head {} {}",
            report.entries, report.head.seq, report.head.hash
        ));
    }
    if report.ok {
        return Ok(Exit::Done);
    }
    if context.out.json {
        return Ok(Exit::Failed);
    }
    if report.problem.is_none()
        && let Some(first) = report.damaged.first()
    {
        let count = report.damaged.len();
        let files = if count == 1 { "file is" } else { "files are" };
        return Err(Failure::new(
            Exit::Failed,
            format!("the chain is intact, but {count} sealed {files} damaged: {first}"),
        )
        .hint(
            "let the agent hand the same bytes over again, or put the state folder back from a backup",
        ));
    }
    let problem = report.problem.as_deref().unwrap_or("it does not hold");
    Err(Failure::new(
        Exit::Failed,
        format!("the chain is broken: {}", inert(problem)),
    )
    .hint(format!(
        "entries up to {} hold. Keep the data folder as it is, and compare it with a backup",
        report.head.seq
    )))
}

/// Reads the ledger itself, when no daemon has it.
fn read_chain(data_dir: &Path) -> Result<ChainReport, Failure> {
    let path = data_dir.join(LEDGER_FILE);
    if !path.is_file() {
        return Err(Failure::new(
            Exit::NotFound,
            format!("there is no ledger in `{}`", data_dir.display()),
        )
        .hint("name the data folder of the daemon with `--data-dir DIR`"));
    }
    let _lock = InstanceLock::take(data_dir).map_err(|held| match held {
        LockHeld::ByPid { .. } => Failure::new(Exit::Unreachable, held.to_string())
            .hint("it has the ledger and does not answer; stop it, or wait until it answers"),
        LockHeld::Fs(error) => error.into(),
    })?;
    let fail = |error: StoreError| {
        Failure::new(Exit::Failed, error.to_string())
            .hint("keep the data folder as it is, and compare it with a backup")
    };
    let mut store = SqliteStore::open(&path).map_err(fail)?;
    let mut verifier = Verifier::default();
    let damaged = damaged(&mut store, data_dir)?;
    let report = |head: Head, problem: Option<String>| ChainReport {
        ok: problem.is_none() && damaged.is_empty(),
        entries: head.seq,
        head,
        problem,
        damaged: damaged.clone(),
    };
    loop {
        let entries = store.entries(verifier.head().seq, PAGE).map_err(fail)?;
        if entries.is_empty() {
            let cut = cut(&mut store, &verifier.head()).map_err(fail)?;
            return Ok(report(verifier.head(), cut.map(|cut| cut.to_string())));
        }
        for entry in &entries {
            if let Err(broken) = verifier.next(entry) {
                return Ok(report(verifier.head(), Some(broken.to_string())));
            }
        }
    }
}

/// Reads every sealed file and returns those that are not what they should be.
fn damaged(store: &mut SqliteStore, data_dir: &Path) -> Result<Vec<Digest>, Failure> {
    let fail = |error: StoreError| Failure::new(Exit::Failed, error.to_string());
    let mut damaged = Vec::new();
    let mut after = None;
    loop {
        let digests = store.object_digests(after, PAGE).map_err(fail)?;
        let Some(last) = digests.last() else { break };
        after = Some(*last);
        for sha256 in digests {
            match store.object(sha256) {
                Err(StoreError::Rotten(_)) => damaged.push(sha256),
                read => drop(read.map_err(fail)?),
            }
        }
    }
    let objects = Objects::open(&data_dir.join(OBJECTS))?;
    for shelf in SHELVES {
        for (sha256, _) in objects.shelf(shelf)? {
            let opened = objects.open_object(sha256);
            if objects.is_damaged(sha256) {
                damaged.push(sha256);
            } else {
                opened?;
            }
        }
    }
    Ok(damaged)
}

fn log(limit: usize, before: Option<u64>, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let before = before.map_or_else(String::new, |before| format!("&before={before}"));
    let rows: Vec<ActivityRow> = client.get(&format!("/api/v1/activity?limit={limit}{before}"))?;
    if context.out.json {
        context.out.object("audit-log", json!({ "entries": rows }));
        return Ok(Exit::Done);
    }
    let now = context.clock.now();
    let mut table = Table::new(&["entry", "when", "who", "event", "handoff", "text"]);
    for row in rows {
        table.row(vec![
            Cell::new(row.seq.to_string()),
            Cell::two(ago(row.at, now), row.at.to_string()),
            Cell::new(row.actor),
            Cell::new(row.event),
            Cell::new(row.handoff.map_or_else(String::new, |id| id.to_string())),
            Cell::new(row.text),
        ]);
    }
    context.out.table(&table);
    Ok(Exit::Done)
}
