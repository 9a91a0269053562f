//! `countersign lock`: advisory locks on files, folders and globs of a workspace.

mod ls;
mod place;
mod run;

use std::time::Duration;

use countersign_protocol::lock::{LockId, USUAL};
use countersign_web::desk::locks::LockRow;
use serde_json::{Value, json};

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    output::inert,
};
use crate::config::Span;
use place::Place;

/// How long one request hangs while a lock is waited for; the daemon allows 60 s.
const POLL: Duration = Duration::from_secs(50);
/// How long after that the answer may come.
const GRACE: Duration = Duration::from_secs(15);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Take a lock; it ends when it is released or not renewed in time
    Acquire(AcquireArgs),
    /// Give a sign of life, so that the lease begins anew
    Renew(RenewArgs),
    /// Let go of a lock, or of a place in line
    Release(ReleaseArgs),
    /// List who holds what, who waits, and what the kernel knows
    Ls(ls::Args),
    /// Take a lock away from its owner, who is told why
    Break(BreakArgs),
    /// Ask the owner of a lock to let go
    Ask(AskArgs),
    /// Run a command while holding a lock
    #[command(after_help = "\
The command gets COUNTERSIGN_LOCK and COUNTERSIGN_LOCK_FENCE. Its exit code and signals are passed on. While it
runs the lease is renewed, and the operating system's own lock (flock) is held on the file or folder, where there
is one. Should the lock be lost, the command is ended and the exit code is 6.

Examples:
  countersign lock run reports/ -- python3 build_report.py
  countersign lock run --wait 10m --shared 'data/*.csv' -- ./summarise")]
    Run(run::Args),
}

/// What to lock, and how.
#[derive(Debug, clap::Args)]
struct WishArgs {
    /// A file, a folder, or a glob in quotes such as 'src/**/*.rs'
    path: String,
    /// Let others hold it too, as long as all of them share
    #[arg(long)]
    shared: bool,
    /// Wait in line for so long, such as `30s` or `10m`
    #[arg(long, value_name = "TIME")]
    wait: Option<Span>,
    /// Why, for others to read
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The agent that it is for
    #[arg(long, value_name = "NAME", env = "COUNTERSIGN_AGENT")]
    agent: Option<String>,
    /// The workspace, and the path is relative to it; else the one that the path is in
    #[arg(long, value_name = "NAME")]
    workspace: Option<String>,
    /// The path is a file, a folder or a glob, whatever it looks like
    #[arg(long, value_name = "KIND", value_parser = ["file", "folder", "glob"])]
    kind: Option<String>,
}

#[derive(Debug, clap::Args)]
struct AcquireArgs {
    #[command(flatten)]
    wish: WishArgs,
    /// The lock ends after so long without `renew`
    #[arg(long, value_name = "TIME", default_value_t = Span(Duration::from_secs(USUAL as u64)))]
    ttl: Span,
    /// It ends with this process, too; `$$` is your shell
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// The same key again, while it lasts, gives the same lock
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

#[derive(Debug, clap::Args)]
struct RenewArgs {
    /// `L-7`
    lock: LockId,
    /// The fencing token that you were given; an old one is refused
    #[arg(long, value_name = "N")]
    fence: Option<u64>,
    /// Another length of the lease from now on
    #[arg(long, value_name = "TIME")]
    ttl: Option<Span>,
}

#[derive(Debug, clap::Args)]
struct ReleaseArgs {
    /// `L-7`
    lock: LockId,
    /// The fencing token that you were given; an old one is refused
    #[arg(long, value_name = "N")]
    fence: Option<u64>,
}

#[derive(Debug, clap::Args)]
struct BreakArgs {
    /// `L-7`
    lock: LockId,
    /// Why; the owner reads it, and it stands in the ledger
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, clap::Args)]
struct AskArgs {
    /// `L-7`
    lock: LockId,
    /// Why
    #[arg(short, long, value_name = "TEXT")]
    note: Option<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Failure> {
    match args.action {
        Action::Acquire(args) => acquire(&args, context),
        Action::Renew(args) => renew(&args, context),
        Action::Release(args) => release(&args, context),
        Action::Ls(args) => ls::run(&args, context),
        Action::Break(args) => {
            let body = json!({ "reason": args.reason });
            tell(args.lock, "break", &body, "is broken", context)
        }
        Action::Ask(args) => {
            let body = json!({ "note": args.note });
            tell(args.lock, "ask", &body, "is asked for", context)
        }
        Action::Run(args) => run::run(&args, context),
    }
}

fn seconds(span: Span) -> u64 {
    span.0.as_secs()
}

/// Asks for a lock, and waits for it as long as is wanted.
fn take(
    wish: &WishArgs,
    place: &Place,
    more: Value,
    client: &Client,
    context: &mut Context,
) -> Result<LockRow, Failure> {
    let begun = context.clock.monotonic();
    let limit = wish.wait.map(|span| span.0);
    let left = |context: &Context| {
        let passed = context.clock.monotonic().saturating_sub(begun);
        limit.map(|limit| limit.saturating_sub(passed))
    };
    let mut body = json!({
        "workspace": place.workspace,
        "path": place.path,
        "kind": place.kind,
        "mode": if wish.shared { "shared" } else { "exclusive" },
        "reason": wish.reason,
        "agent": wish.agent,
        "wait_seconds": left(context).map(|left| left.min(POLL).as_secs()),
    });
    if let (Some(fields), Value::Object(more)) = (body.as_object_mut(), more) {
        fields.extend(more);
        fields.retain(|_, value| !value.is_null());
    }
    let asked = client.send("POST", "/api/v1/locks", Some(&body), POLL + GRACE);
    let mut row: LockRow = asked.map_err(in_the_way)?.json()?;
    if !row.held {
        let words = format!("{} waits in line for {}", row.id, row.path);
        context.out.remark(&inert(&words));
    }
    while !row.held {
        let left = left(context).unwrap_or_default();
        if left.is_zero() {
            let _ = client.send("DELETE", &format!("/api/v1/locks/{}", row.id), None, GRACE);
            let why = format!("`{}` was not to be had in time", row.path);
            return Err(Failure::new(Exit::Pending, why)
                .hint("see who holds it with `countersign lock ls`"));
        }
        // Half a second at the least, lest the last look becomes a flood of them.
        let wait = left.min(POLL).as_secs().max(1);
        let path = format!("/api/v1/locks/{}?wait_seconds={wait}", row.id);
        row = client.send("GET", &path, None, POLL + GRACE)?.json()?;
    }
    Ok(row)
}

/// The way out as one takes it here.
fn in_the_way(mut failure: Failure) -> Failure {
    if failure.exit == Exit::Conflict {
        failure.hint = Some(
            "wait in line with `--wait 10m`; `countersign lock ls` shows who has it".to_owned(),
        );
    }
    failure
}

fn acquire(args: &AcquireArgs, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let wish = &args.wish;
    let place = Place::find(
        &wish.path,
        wish.workspace.as_deref(),
        wish.kind.as_deref(),
        &client,
        context,
    )?;
    let more = json!({ "ttl_seconds": seconds(args.ttl), "pid": args.pid, "key": args.key });
    let row = take(wish, &place, more, &client, context)?;
    print(&row, context);
    Ok(Exit::Done)
}

fn print(row: &LockRow, context: &mut Context) {
    if context.out.json {
        return context.out.object("lock", json!(row));
    }
    let fence = row.fence.unwrap_or_default();
    let line = format!("{}  fence {fence}  {}", row.id, row.path);
    context.out.line(&inert(&line));
    context.out.hint(&format!(
        "renew it within {} s with `countersign lock renew {} --fence {fence}`, and let go with `lock release`",
        row.ttl_seconds, row.id
    ));
}

fn renew(args: &RenewArgs, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let body = json!({ "fence": args.fence, "ttl_seconds": args.ttl.map(seconds) });
    let path = format!("/api/v1/locks/{}/renew", args.lock);
    let row: LockRow = client.post(&path, &body)?.json()?;
    if context.out.json {
        context.out.object("lock", json!(row));
    } else {
        context.out.line(&format!(
            "{} is yours for another {} s",
            row.id, row.ttl_seconds
        ));
    }
    if let Some(asked) = &row.asked {
        context.out.remark(&inert(&asks(asked, &row.path)));
    }
    Ok(Exit::Done)
}

/// That somebody wants a lock released, as its owner is told.
fn asks(asked: &countersign_web::desk::locks::AskedToRelease, path: &str) -> String {
    let note = asked.note.as_ref().map(|note| format!(": {note}"));
    format!(
        "{} asks you to release {path}{}",
        asked.by,
        note.unwrap_or_default()
    )
}

fn release(args: &ReleaseArgs, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let fence = args.fence.map(|fence| format!("?fence={fence}"));
    let path = format!("/api/v1/locks/{}{}", args.lock, fence.unwrap_or_default());
    client.send("DELETE", &path, None, GRACE)?;
    done(args.lock, "is released", context);
    Ok(Exit::Done)
}

fn tell(
    lock: LockId,
    action: &str,
    body: &Value,
    words: &str,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    client.post(&format!("/api/v1/locks/{lock}/{action}"), body)?;
    done(lock, words, context);
    Ok(Exit::Done)
}

fn done(lock: LockId, words: &str, context: &mut Context) {
    if context.out.json {
        context
            .out
            .object("lock", json!({ "id": lock, "state": words }));
    } else {
        context.out.line(&format!("{lock} {words}"));
    }
}
