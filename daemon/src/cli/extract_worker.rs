//! `countersign extract-worker`: the child that reads one file. Only the program itself starts it.

use super::exit::Exit;
use crate::extract;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The job as JSON
    job: String,
    /// Most memory, in bytes
    memory: u64,
    /// Most processor time, in seconds
    seconds: u64,
}

pub(crate) fn run(args: &Args) -> Exit {
    if extract::serve_worker(&args.job, args.memory, args.seconds) {
        Exit::Done
    } else {
        Exit::Failed
    }
}
