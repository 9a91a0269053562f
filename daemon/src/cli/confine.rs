//! `countersign confine`: gives up what the policy does not name and becomes the agent. Only the program itself
//! starts it: for `countersign run`, for checks and for `countersign doctor`.
//!
//! Where the policy has a view there are three processes: this one leaves what is shared with everybody, starts
//! itself again as the first of a PID namespace, and that one builds the view, gives the rest up and starts the
//! agent. Signals go down, and how the agent ended comes up.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read as _, Write as _},
    os::{
        fd::{AsFd as _, AsRawFd as _},
        unix::process::CommandExt as _,
    },
    path::PathBuf,
    process::Command,
};

use rustix::{io::FdFlags, process::Signal};

use super::exit::{Exit, Failure};
use crate::{
    confine::Policy,
    supervise::{self, Ended},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The policy as JSON
    policy: String,
    /// As the first process of a PID namespace; this descriptor is told how the command ended
    #[arg(long, value_name = "DESCRIPTOR")]
    first: Option<i32>,
    /// Only see whether all of it can be given up
    #[arg(long, conflicts_with = "command")]
    probe: bool,
    /// The command and its words
    #[arg(last = true, required_unless_present = "probe")]
    command: Vec<OsString>,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        let text = format!("the agent was not started, since it cannot be confined: {error}");
        Failure::new(Exit::NotAllowed, text)
    };
    let policy: Policy = serde_json::from_str(&args.policy).map_err(|error| failed(&error))?;
    if let Some(descriptor) = args.first {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
            .map_err(|error| failed(&error))?;
        // Opened by its name, before the view has another /proc.
        let tell = PathBuf::from(format!("/proc/self/fd/{descriptor}"));
        let tell = File::options().write(true).open(tell);
        let tell = tell.map_err(|error| failed(&error))?;
        policy.enter().map_err(|error| failed(&error))?;
        return first(args, tell);
    }
    if policy.limits.is_none() {
        session_of_its_own().map_err(|error| failed(&error))?;
    }
    if policy.view.is_some() {
        let ended = apart(args, &policy).map_err(|error| failed(&error))?;
        ended.pass_on()
    }
    policy.enter().map_err(|error| failed(&error))?;
    if args.probe {
        return Ok(Exit::Done);
    }
    let error = command(args).exec();
    Err(cannot_start(args, &error))
}

fn command(args: &Args) -> Command {
    let mut command = Command::new(&args.command[0]);
    command.args(&args.command[1..]);
    command
}

fn cannot_start(args: &Args, error: &io::Error) -> Failure {
    let text = format!("cannot start `{}`: {error}", args.command[0].display());
    Failure::new(Exit::NotFound, text)
        .hint("what it needs must lie in the work area, in the system, or be named with `--read`")
}

/// No terminal but the one among its streams, if any: that of whoever started us cannot be opened any more.
fn session_of_its_own() -> io::Result<()> {
    rustix::process::setsid()?;
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    for stream in [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()] {
        if rustix::termios::isatty(stream) {
            return Ok(rustix::process::ioctl_tiocsctty(stream)?);
        }
    }
    Ok(())
}

/// Starts itself again in namespaces of its own; gives how the agent ended.
fn apart(args: &Args, policy: &Policy) -> io::Result<Ended> {
    // An agent that nobody watches any more ends, and with the first process the whole namespace does.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    policy.leave()?;
    let (mut told, tells) = io::pipe()?;
    rustix::io::fcntl_setfd(&tells, FdFlags::empty())?;
    let mut first = Command::new("/proc/self/exe");
    first
        .args(["confine", &args.policy, "--first"])
        .arg(tells.as_raw_fd().to_string());
    if args.probe {
        first.arg("--probe");
    } else {
        first.arg("--").args(&args.command);
    }
    let ended = supervise::run_within(first, || drop(tells))?;
    let mut text = String::new();
    told.read_to_string(&mut text)?;
    // Without a word it is the first process itself that failed, and it has said why.
    Ok(serde_json::from_str(&text).unwrap_or(ended))
}

/// What the first process does.
fn first(args: &Args, mut tell: File) -> Result<Exit, Failure> {
    if args.probe {
        return Ok(Exit::Done);
    }
    let ended =
        supervise::run_as_first(command(args)).map_err(|error| cannot_start(args, &error))?;
    let text = serde_json::to_string(&ended).unwrap_or_default();
    // Where nobody listens any more there is nobody to pass it on to.
    let _ = tell.write_all(text.as_bytes());
    Ok(Exit::Done)
}
