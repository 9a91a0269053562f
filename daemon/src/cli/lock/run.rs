//! `countersign lock run`: a command that holds a lock while it runs.

use std::{
    ffi::OsString,
    os::fd::OwnedFd,
    path::Path,
    process::Command,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread::JoinHandle,
    time::Duration,
};

use countersign_protocol::lock::LockId;
use countersign_web::desk::locks::LockRow;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde_json::json;

use super::{GRACE, Place, WishArgs, asks, seconds, take};
use crate::{
    cli::{
        Context,
        client::Source,
        exit::{Exit, Failure},
        output::inert,
    },
    clock::SharedClock,
    config::Span,
    fs::FileLock,
    supervise,
};

/// Between two tries to have the lock of the operating system.
const TRY: Duration = Duration::from_millis(50);
/// So long a command that lost its lock may take to end.
const MERCY: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    wish: WishArgs,
    /// The lock ends so long after this program fell silent; it renews it three times as often
    #[arg(long, value_name = "TIME", default_value_t = Span(Duration::from_mins(1)))]
    ttl: Span,
    /// Let the command go on when the lock is lost, and only say so
    #[arg(long)]
    keep_going: bool,
    /// The command and its words
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let source = Source::of(context)?;
    let client = source.client()?;
    let wish = &args.wish;
    let begun = context.clock.monotonic();
    let place = Place::find(
        &wish.path,
        wish.workspace.as_deref(),
        wish.kind.as_deref(),
        &client,
        context,
    )?;
    // A process of this machine is known to a daemon of this machine only.
    let local = client.endpoint.is_some();
    let more = json!({
        "ttl_seconds": seconds(args.ttl),
        "pid": local.then(std::process::id),
    });
    let row = take(wish, &place, more, &client, context)?;
    let held = row.fence.unwrap_or_default();
    let let_go = |context: &mut Context| {
        let path = format!("/api/v1/locks/{}?fence={held}", row.id);
        let released = source
            .client()
            .and_then(|client| client.send("DELETE", &path, None, GRACE));
        // With the end of the command it may be over already.
        if let Err(failure) = released
            && !matches!(failure.exit, Exit::Conflict | Exit::NotFound)
        {
            let why = failure.message;
            context
                .out
                .remark(&format!("{} was not released: {why}", row.id));
        }
    };
    let system = match &place.here {
        Some(here) => match system_lock(here, wish, begun, context) {
            Ok(lock) => Some(lock),
            Err(failure) => {
                let_go(context);
                return Err(failure);
            }
        },
        None => None,
    };

    let mut command = Command::new(&args.command[0]);
    command
        .args(&args.command[1..])
        .env("COUNTERSIGN_LOCK", row.id.to_string())
        .env("COUNTERSIGN_LOCK_FENCE", held.to_string());
    let mut keeper = None;
    let (over, is_over) = channel();
    let keep = Keeper {
        source: source.clone(),
        clock: std::sync::Arc::clone(&context.clock),
        id: row.id,
        fence: held,
        ttl: args.ttl.0,
        spares: args.keep_going,
    };
    let ended = supervise::run_with(command, |pid| {
        let spawned = std::thread::Builder::new()
            .name("lock".to_owned())
            .spawn(move || keep.work(pid.filter(|_| local), pid, &is_over));
        keeper = spawned.ok();
    });
    drop(over);
    let lost = keeper.and_then(|keeper: JoinHandle<Option<String>>| keeper.join().ok().flatten());
    drop(system);
    if lost.is_none() {
        let_go(context);
    }
    let ended = ended.map_err(|error| {
        let name = args.command[0].to_string_lossy().into_owned();
        let is_missing = error.kind() == std::io::ErrorKind::NotFound;
        let exit = if is_missing {
            Exit::NotFound
        } else {
            Exit::Failed
        };
        Failure::new(exit, format!("cannot start `{name}`: {error}"))
    })?;
    match lost {
        Some(why) if !args.keep_going => Err(Failure::new(
            Exit::Conflict,
            format!("the lock was lost, and the command ended: {why}"),
        )
        .hint("what it wrote last may be mixed with the work of the next owner")),
        _ => {
            context.out.finish();
            ended.pass_on()
        }
    }
}

/// The lock of the operating system on the file or folder, waited for as long as is wanted.
fn system_lock(
    here: &Path,
    wish: &WishArgs,
    begun: Duration,
    context: &mut Context,
) -> Result<FileLock, Failure> {
    let limit = wish.wait.map_or(Duration::ZERO, |span| span.0);
    loop {
        if let Some(lock) = FileLock::try_take(here, !wish.shared)? {
            return Ok(lock);
        }
        if context.clock.monotonic().saturating_sub(begun) >= limit {
            let why = format!(
                "another program holds the operating system’s lock on `{}`",
                here.display()
            );
            return Err(Failure::new(Exit::Conflict, why)
                .hint("see which with `countersign lock ls`, or wait with `--wait`"));
        }
        (context.pause)(TRY);
    }
}

/// Keeps the lock while the command runs.
struct Keeper {
    source: Source,
    clock: SharedClock,
    id: LockId,
    fence: u64,
    ttl: Duration,
    /// Whether the command goes on without the lock.
    spares: bool,
}

impl Keeper {
    /// Renews until the command is over; gives why the lock was lost, if it was. `owner` is the process that the
    /// lock belongs to from now on: should this program be killed, the command may well go on.
    fn work(
        &self,
        owner: Option<Pid>,
        command: Option<Pid>,
        over: &Receiver<()>,
    ) -> Option<String> {
        // Had while the command cannot have been waited for, so it is no other process.
        let target = command.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let mut owner = owner;
        let mut told = None;
        let mut heard = self.clock.monotonic();
        loop {
            let asked_at = self.clock.monotonic();
            match self.renew(owner) {
                Ok(row) => {
                    (heard, owner) = (asked_at, None);
                    if let Some(asked) = row.asked
                        && told.as_ref() != Some(&asked)
                    {
                        say(&asks(&asked, &row.path));
                        told = Some(asked);
                    }
                }
                Err(failure) => {
                    let is_refused = failure.problem.as_ref().is_some_and(|problem| {
                        matches!(problem["status"].as_u64(), Some(400..=499))
                    });
                    // The owner may have ended before it was told; then the end of the command is heard next.
                    let silent = self.clock.monotonic().saturating_sub(heard);
                    if is_refused && failure.exit == Exit::Contract {
                        owner = None;
                    } else if is_refused || silent >= self.ttl {
                        self.lost(&failure.message, target.as_ref(), over);
                        return Some(failure.message);
                    }
                }
            }
            if over.recv_timeout(self.ttl / 3) != Err(RecvTimeoutError::Timeout) {
                return None;
            }
        }
    }

    fn renew(&self, owner: Option<Pid>) -> Result<LockRow, Failure> {
        let body = json!({
            "fence": self.fence,
            "pid": owner.map(|pid| pid.as_raw_nonzero().get()),
        });
        let path = format!("/api/v1/locks/{}/renew", self.id);
        self.source
            .client()?
            .send("POST", &path, Some(&body), GRACE)?
            .json()
    }

    /// Ends the command, unless it is to go on.
    fn lost(&self, why: &str, target: Option<&OwnedFd>, over: &Receiver<()>) {
        say(&format!("the lock is lost: {why}"));
        if !self.spares
            && let Some(target) = target
        {
            let _ = pidfd_send_signal(target, Signal::TERM);
            if over.recv_timeout(MERCY) == Err(RecvTimeoutError::Timeout) {
                let _ = pidfd_send_signal(target, Signal::KILL);
            }
        }
    }
}

/// Says something while the command has the streams.
#[expect(
    clippy::print_stderr,
    reason = "the output of this program is in another thread"
)]
fn say(text: &str) {
    eprintln!("countersign: {}", inert(text));
}
