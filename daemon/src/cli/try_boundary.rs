//! `countersign try-boundary`: the child that plays the agent. Only the program itself starts it.

use super::{
    Context,
    exit::{Exit, Failure},
};
use crate::boundary::{Ground, attempt};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where, as JSON
    ground: String,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let ground: Ground = serde_json::from_str(&args.ground)
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    let breaches = attempt(&ground);
    let said = serde_json::to_string(&breaches).unwrap_or_default();
    context.out.line(&said);
    Ok(Exit::Done)
}
