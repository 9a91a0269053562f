//! `countersign completions`: a script for a shell.

use clap_complete::Shell;

use super::{Context, exit::Exit};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::tree(), "countersign", &mut script);
    context.out.bytes(&script);
    Exit::Done
}
