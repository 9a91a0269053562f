//! `countersign next`, `accept`, `decline`, `queue`, `progress`, `complete` and `fail`: what the receiver of
//! a hop does. `next` gives work, the others answer it.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use countersign_protocol::{HandoffId, contract::MAX_BYTES, names, transfer::AnswerReceipt};
use countersign_web::desk::transfer::WorkItem;
use serde_json::{Map, Value, json};

use super::{
    Context,
    client::{Client, encode},
    exit::{Exit, Failure},
};
use crate::config::Span;

/// How long one request may hang; the daemon allows 60 s.
const POLL: Duration = Duration::from_secs(50);
/// How long after that the answer may come.
const GRACE: Duration = Duration::from_secs(15);
/// Largest file that goes with an answer, in bytes; larger ones lie in the folder of the agent.
const LARGEST: u64 = 8 << 20;

#[derive(Debug, clap::Args)]
pub(crate) struct NextArgs {
    /// The agent
    #[arg(long, value_name = "NAME", env = "COUNTERSIGN_AGENT")]
    agent: String,
    /// Wait until there is work, for so long; a year without a time
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "365d")]
    wait: Option<Span>,
}

/// A package: `H-7.2`, or the folder in which it stands.
#[derive(Clone, Debug, clap::Args)]
struct Package {
    /// `H-7.2`, or the folder of the package
    #[arg(value_name = "PACKAGE", value_parser = package)]
    package: (HandoffId, u32),
    /// Words to the sender
    #[arg(short, long, value_name = "TEXT")]
    note: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AcceptArgs {
    #[command(flatten)]
    package: Package,
    /// How sure you are that the task is for you, 0 to 1
    #[arg(long, value_name = "NUMBER")]
    confidence: Option<f64>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RefuseArgs {
    #[command(flatten)]
    package: Package,
    /// Why: `out_of_scope`, `missing_tools`, `context_overflow`, `incomplete_context`, `conflicting_task`,
    /// `deadline_too_short`, `bad_signature` or `other`
    #[arg(long, value_name = "REASON", required_unless_present = "duplicate_of")]
    reason: Option<String>,
    /// You are at the same task already, under this handoff
    #[arg(long, value_name = "HANDOFF", conflicts_with = "reason")]
    duplicate_of: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct FailArgs {
    #[command(flatten)]
    package: Package,
    /// Why: see `countersign decline --help`
    #[arg(long, value_name = "REASON")]
    reason: String,
    /// A file with what you have as JSON; `-` for stdin
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,
    /// A file that goes with it; repeat for more
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct QueueArgs {
    #[command(flatten)]
    package: Package,
    /// You take it after this time, such as `10m`
    #[arg(long, value_name = "TIME")]
    after: Span,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ProgressArgs {
    #[command(flatten)]
    package: Package,
    /// How far you are, in percent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100))]
    percent: Option<u8>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CompleteArgs {
    #[command(flatten)]
    package: Package,
    /// A file with the result as JSON; `-` for stdin
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,
    /// A file that goes with it; repeat for more
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// How sure you are, 0 to 1
    #[arg(long, value_name = "NUMBER")]
    confidence: Option<f64>,
    /// It was done before
    #[arg(long)]
    already_done: bool,
    /// Where it was done
    #[arg(long, value_name = "HANDOFF", requires = "already_done")]
    original: Option<String>,
}

fn package(text: &str) -> Result<(HandoffId, u32), String> {
    let name = Path::new(text.trim_end_matches('/'))
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    names::parse_package(name).ok_or_else(|| "a package looks like `H-7.2`".to_owned())
}

pub(crate) fn next(args: &NextArgs, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let start = context.clock.monotonic();
    let work = loop {
        let passed = context.clock.monotonic().saturating_sub(start);
        let left = match &args.wait {
            None => Duration::ZERO,
            Some(span) => span.0.saturating_sub(passed).min(POLL),
        };
        let path = format!(
            "/api/v1/agents/{}/next?timeout={}",
            encode(&args.agent),
            left.as_secs() + u64::from(left.subsec_nanos() > 0)
        );
        let reply: Value = client.send("GET", &path, None, left + GRACE)?.json()?;
        let work: Option<WorkItem> =
            serde_json::from_value(reply["work"].clone()).map_err(|error| {
                Failure::new(
                    Exit::Failed,
                    format!("the daemon gave something else: {error}"),
                )
            })?;
        if work.is_some() || left.is_zero() {
            break work;
        }
    };
    let Some(work) = work else {
        if context.out.json {
            context.out.object("next", json!({ "work": null }));
        } else {
            context.out.remark("nothing waits");
        }
        return Ok(Exit::Pending);
    };
    if context.out.json {
        context.out.object("next", json!({ "work": work }));
    } else {
        let transfer = &work.transfer;
        let name = names::package_of(transfer.handoff_id, transfer.hop);
        context.out.line(&format!(
            "{name}  {}  from {}",
            super::output::inert(&transfer.title),
            super::output::inert(&transfer.from_agent),
        ));
        if let Some(folder) = &work.folder {
            context.out.line(folder);
        }
    }
    Ok(Exit::Done)
}

pub(crate) fn accept(args: &AcceptArgs, context: &mut Context) -> Result<Exit, Failure> {
    let mut more = Map::new();
    if let Some(confidence) = args.confidence {
        more.insert("confidence".to_owned(), json!(confidence));
    }
    send(&args.package, "accept", more, &[], context)
}

pub(crate) fn decline(args: &RefuseArgs, context: &mut Context) -> Result<Exit, Failure> {
    let mut more = Map::new();
    match (&args.reason, &args.duplicate_of) {
        (_, Some(original)) => {
            more.insert("original".to_owned(), json!(original));
            send(&args.package, "duplicate", more, &[], context)
        }
        (reason, None) => {
            more.insert("reason".to_owned(), json!(reason));
            send(&args.package, "decline", more, &[], context)
        }
    }
}

pub(crate) fn fail(args: &FailArgs, context: &mut Context) -> Result<Exit, Failure> {
    let mut more = Map::from_iter([("reason".to_owned(), json!(args.reason))]);
    if let Some(path) = &args.result {
        more.insert("result".to_owned(), result(path, context)?);
    }
    send(&args.package, "fail", more, &args.file, context)
}

pub(crate) fn queue(args: &QueueArgs, context: &mut Context) -> Result<Exit, Failure> {
    let seconds = args.after.0.as_secs().max(1);
    let more = Map::from_iter([("retry_after_seconds".to_owned(), json!(seconds))]);
    send(&args.package, "queue", more, &[], context)
}

pub(crate) fn progress(args: &ProgressArgs, context: &mut Context) -> Result<Exit, Failure> {
    let mut more = Map::new();
    if let Some(percent) = args.percent {
        more.insert("percent".to_owned(), json!(percent));
    }
    send(&args.package, "progress", more, &[], context)
}

pub(crate) fn complete(args: &CompleteArgs, context: &mut Context) -> Result<Exit, Failure> {
    let mut more = Map::new();
    if let Some(path) = &args.result {
        more.insert("result".to_owned(), result(path, context)?);
    }
    if let Some(confidence) = args.confidence {
        more.insert("confidence".to_owned(), json!(confidence));
    }
    if let Some(original) = &args.original {
        more.insert("original".to_owned(), json!(original));
    }
    let answer = if args.already_done {
        "already_done"
    } else {
        "complete"
    };
    send(&args.package, answer, more, &args.file, context)
}

fn result(path: &Path, context: &Context) -> Result<Value, Failure> {
    let shown = path.display().to_string();
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Failed, format!("cannot read `{shown}`: {error}"))
            .hint("name a file that holds JSON, or `-` for stdin")
    };
    let mut text = String::new();
    let limit = MAX_BYTES as u64;
    if shown == "-" {
        std::io::stdin().take(limit).read_to_string(&mut text)
    } else {
        std::fs::File::open(context.at(path))
            .and_then(|file| file.take(limit).read_to_string(&mut text))
    }
    .map_err(|error| failed(&error))?;
    serde_json::from_str(&text).map_err(|error| failed(&error))
}

/// Sends an answer with its files, each under its own name.
fn send(
    package: &Package,
    answer: &str,
    more: Map<String, Value>,
    files: &[PathBuf],
    context: &mut Context,
) -> Result<Exit, Failure> {
    let (id, hop) = package.package;
    let mut document = json!({ "answer_version": "1.0", "answer": answer });
    for (name, value) in more {
        document[name] = value;
    }
    if let Some(note) = &package.note {
        document["note"] = json!(note);
    }
    let mut sent = Map::new();
    let mut named = Vec::new();
    for path in files {
        let (name, bytes) = read(path, context)?;
        named.push(Value::from(name.clone()));
        sent.insert(name, json!(BASE64_STANDARD.encode(bytes)));
    }
    if !named.is_empty() {
        document["artifacts"] = Value::from(named);
    }
    let client = Client::find(context)?;
    let path = format!("/api/v1/handoffs/{id}/hops/{hop}/answer");
    let body = json!({ "answer": document, "files": sent });
    let receipt: AnswerReceipt = client.post(&path, &body)?.json()?;
    if context.out.json {
        let receipt = serde_json::to_value(&receipt).unwrap_or_default();
        context.out.object("answer", json!({ "receipt": receipt }));
    } else {
        let name = names::package_of(id, hop);
        let word = if receipt.status == "duplicate" {
            "was said before"
        } else {
            "is recorded"
        };
        context
            .out
            .line(&format!("{name}  {} {word}", receipt.answer.name()));
    }
    Ok(Exit::Done)
}

fn read(path: &Path, context: &Context) -> Result<(String, Vec<u8>), Failure> {
    let shown = path.display();
    let failed = |why: String| Failure::new(Exit::Failed, format!("cannot read `{shown}`: {why}"));
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| failed("it has no name".to_owned()))?;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(context.at(path));
    file.and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > LARGEST {
        return Err(failed(format!("it has more than {LARGEST} bytes"))
            .hint("put it into your folder `agents/NAME/` and answer by file"));
    }
    Ok((name.to_owned(), bytes))
}
