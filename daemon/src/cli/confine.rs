//! `countersign confine`: gives up what the policy does not name and becomes the agent. Only `countersign run`
//! and `countersign doctor` start it.

use std::{ffi::OsString, os::unix::process::CommandExt as _};

use super::exit::{Exit, Failure};
use crate::confine::Policy;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The policy as JSON
    policy: String,
    /// The command and its words
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        let text = format!("the agent was not started, since it cannot be confined: {error}");
        Failure::new(Exit::NotAllowed, text)
    };
    let policy: Policy = serde_json::from_str(&args.policy).map_err(|error| failed(&error))?;
    policy.enter().map_err(|error| failed(&error))?;
    let error = std::process::Command::new(&args.command[0])
        .args(&args.command[1..])
        .exec();
    let text = format!("cannot start `{}`: {error}", args.command[0].display());
    Err(Failure::new(Exit::NotFound, text)
        .hint("what it needs must lie in the work area, in the system, or be named with `--read`"))
}
