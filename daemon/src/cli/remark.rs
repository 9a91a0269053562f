//! `countersign comment`, `resolve` and `withdraw`: what may be said without deciding.

use countersign_protocol::place::Place;
use serde_json::json;

use super::{
    Context,
    client::Client,
    decide::place_of,
    exit::{Exit, Failure},
    target::TargetArg,
};

#[derive(Debug, clap::Args)]
pub(crate) struct CommentArgs {
    /// `H-7`, `7`, the address of its page, or a folder
    #[arg(value_name = "HANDOFF")]
    target: String,
    /// The words
    text: String,
    /// The place that they are about
    #[arg(long, value_name = "PATH[:LINE[-LINE]]", conflicts_with = "thread")]
    at: Option<String>,
    /// The exact words of the file that they are about
    #[arg(long, value_name = "TEXT", requires = "at")]
    quote: Option<String>,
    /// The thread that they go on with
    #[arg(long, value_name = "N")]
    thread: Option<u32>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ResolveArgs {
    /// `H-7`, `7`, the address of its page, or a folder
    #[arg(value_name = "HANDOFF")]
    target: String,
    /// The number of the thread, as `countersign show` tells it
    #[arg(value_name = "THREAD")]
    thread: u32,
    /// Open it anew
    #[arg(long)]
    reopen: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WithdrawArgs {
    #[command(flatten)]
    target: TargetArg,
    /// Why
    #[arg(short, long, value_name = "TEXT")]
    note: Option<String>,
}

pub(crate) fn comment(args: &CommentArgs, context: &mut Context) -> Result<Exit, Failure> {
    if args.text.trim().is_empty() {
        return Err(Failure::new(Exit::Usage, "the comment says nothing")
            .hint("write `countersign comment H-7 \"…\"`"));
    }
    let client = Client::find(context)?;
    let target = TargetArg {
        target: Some(args.target.clone()),
    };
    let row = target.row(context, &client)?;
    let path = format!("/api/v1/handoffs/{}/comments", row.id);
    let mut body = json!({ "text": args.text, "thread": args.thread });
    if let Some(at) = &args.at {
        body["place"] = json!(Place {
            quote: args.quote.clone(),
            ..place_of(at)
        });
    }
    client.post(&path, &body)?;
    done("comment", &row.id.to_string(), "has your comment", context);
    Ok(Exit::Done)
}

pub(crate) fn resolve(args: &ResolveArgs, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let target = TargetArg {
        target: Some(args.target.clone()),
    };
    let row = target.row(context, &client)?;
    let path = format!("/api/v1/handoffs/{}/threads/{}", row.id, args.thread);
    client.put(&path, &json!({ "resolved": !args.reopen }))?;
    let word = if args.reopen {
        "open again"
    } else {
        "resolved"
    };
    let words = format!("thread {} is {word}", args.thread);
    done("resolve", &row.id.to_string(), &words, context);
    Ok(Exit::Done)
}

pub(crate) fn withdraw(args: &WithdrawArgs, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let row = args.target.row(context, &client)?;
    let path = format!("/api/v1/handoffs/{}/withdraw", row.id);
    client.post(&path, &json!({ "reason": args.note }))?;
    done("withdraw", &row.id.to_string(), "was withdrawn", context);
    Ok(Exit::Done)
}

fn done(command: &str, id: &str, words: &str, context: &mut Context) {
    if context.out.json {
        context.out.object(command, json!({ "handoff": id }));
    } else {
        context.out.line(&format!("{id} {words}"));
    }
}
