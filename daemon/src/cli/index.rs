//! `countersign index`: how far the search index is, and making it anew.

use std::time::Duration;

use countersign_web::desk::IndexStatus;
use serde_json::json;

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    output::inert,
};

/// Time between two looks at the progress.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say how far the index is, and what is not searched
    Status,
    /// Throw the index away and make it anew
    #[command(after_help = "\
Nothing is lost by it: the index is made from the files and the ledger. Until it is complete, searches say so.")]
    Rebuild {
        /// Do not wait until it is complete
        #[arg(long)]
        no_wait: bool,
    },
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let status = match args.command {
        Command::Status => look(&client)?,
        Command::Rebuild { no_wait } => {
            let begun = client.post("/api/v1/search/index/rebuild", &json!({}))?;
            let begun: IndexStatus = begun.json()?;
            if no_wait {
                begun
            } else {
                follow(&client, begun, context)?
            }
        }
    };
    if context.out.json {
        context.out.object("index", json!({ "index": status }));
    } else {
        show(&status, context);
    }
    Ok(Exit::Done)
}

fn look(client: &Client) -> Result<IndexStatus, Failure> {
    client.get("/api/v1/search/index")
}

/// Shows the progress until the index is complete.
fn follow(
    client: &Client,
    mut status: IndexStatus,
    context: &mut Context,
) -> Result<IndexStatus, Failure> {
    while status.state != "ready" {
        if status.state == "off" {
            context.out.progress_ends();
            let why = status.why.unwrap_or_default();
            return Err(Failure::new(Exit::Failed, why)
                .hint("the log of the daemon says more; it tries again by itself"));
        }
        context.out.progress(status.done, status.of, &told(&status));
        (context.pause)(LOOK);
        status = look(client)?;
    }
    context.out.progress_ends();
    Ok(status)
}

/// How far it is, in a line.
fn told(status: &IndexStatus) -> String {
    match (status.state.as_str(), status.of) {
        ("rebuilding", 0) => format!("{} files", status.done),
        ("rebuilding", of) => {
            let percent = status.done.min(of) * 100 / of;
            format!("{} of {of} files, {percent} %", status.done)
        }
        _ if status.reading > 0 => format!("{} files still to be read", status.reading),
        (state, _) => state.replace('_', " "),
    }
}

fn show(status: &IndexStatus, context: &mut Context) {
    let out = &mut context.out;
    out.line(&format!(
        "{}: {} documents, {} bytes, everything up to entry e{}",
        status.state.replace('_', " "),
        status.documents,
        status.bytes,
        status.seq
    ));
    if let Some(why) = &status.why {
        out.remark(&format!("{}; {}", inert(why), told(status)));
    }
    if status.cut > 0 {
        out.remark(&format!(
            "of {} files only a part of the text is searched",
            status.cut
        ));
    }
    if status.unread > 0 {
        out.remark(&format!(
            "the text of {} files could not be read; they are found by name",
            status.unread
        ));
    }
    if status.cut + status.unread > 0 {
        out.hint("`countersign search has:unsearched` lists them with the reasons");
    }
}
