//! `countersign gc`: lets go of sealed bytes that nothing needs any more.

use countersign_web::desk::versions::CollectedRow;
use serde_json::json;

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
What was decided about, what waits and what is newest is always kept. `[retention]` in the configuration
says how long the rest is.")]
pub(crate) struct Args {
    /// Say what would go, and do nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let body = json!({ "dry_run": args.dry_run });
    let found: CollectedRow = client.post("/api/v1/store/collect", &body)?.json()?;
    if context.out.json {
        context.out.object("gc", json!(found));
        return Ok(Exit::Done);
    }
    let verb = if args.dry_run { "would go" } else { "went" };
    for one in &found.revisions {
        let line = format!("{} revision {}", one.handoff, one.revision);
        context.out.line(&line);
    }
    context.out.remark(&format!(
        "the bytes of {} revisions, {} files with {} bytes and {} small files {verb}",
        found.revisions.len(),
        found.files,
        found.bytes,
        found.small
    ));
    Ok(Exit::Done)
}
