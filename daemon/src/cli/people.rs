//! `countersign claim`, `release`, `assign`, `escalate` and `snooze`: who works on a handoff.

use serde_json::{Value, json};

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    target::TargetArg,
};
use crate::config::Span;

#[derive(Debug, clap::Args)]
pub(crate) struct ClaimArgs {
    #[command(flatten)]
    target: TargetArg,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AssignArgs {
    /// `H-7`, `7`, the address of its page, or a folder
    #[arg(value_name = "HANDOFF")]
    target: String,
    /// `maya`, `group:editors`, `queue:claims`, `oncall:data`
    to: String,
    /// Words to them
    #[arg(short, long, value_name = "TEXT")]
    note: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct EscalateArgs {
    /// `H-7`, `7`, the address of its page, or a folder
    #[arg(value_name = "HANDOFF")]
    target: String,
    /// `maya`, `group:editors`, `queue:claims`, `oncall:data`; without it whoever would be asked next if nobody answered
    to: Vec<String>,
    /// Words to them
    #[arg(short, long, value_name = "TEXT")]
    note: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SnoozeArgs {
    /// `H-7`, `7`, the address of its page, or a folder
    #[arg(value_name = "HANDOFF")]
    target: String,
    /// For how long, such as `30m`, `4h` or `2d`; `0s` brings it back
    span: String,
}

pub(crate) fn claim(args: &ClaimArgs, context: &mut Context) -> Result<Exit, Failure> {
    tell(&args.target, "claim", &json!({}), "is yours", context)
}

pub(crate) fn release(args: &ClaimArgs, context: &mut Context) -> Result<Exit, Failure> {
    tell(
        &args.target,
        "release",
        &json!({}),
        "is given back",
        context,
    )
}

pub(crate) fn assign(args: &AssignArgs, context: &mut Context) -> Result<Exit, Failure> {
    let body = json!({ "to": args.to, "note": args.note });
    let words = format!("is asked of {}", args.to);
    tell(&named(&args.target), "assign", &body, &words, context)
}

pub(crate) fn escalate(args: &EscalateArgs, context: &mut Context) -> Result<Exit, Failure> {
    let to = args.to.join(" ");
    let body = json!({ "to": to, "note": args.note });
    let words = if to.is_empty() {
        "is asked of whoever comes next as well".to_owned()
    } else {
        format!("is asked of {to} as well")
    };
    tell(&named(&args.target), "escalate", &body, &words, context)
}

pub(crate) fn snooze(args: &SnoozeArgs, context: &mut Context) -> Result<Exit, Failure> {
    let span: Span = args.span.parse().map_err(|why| {
        Failure::new(Exit::Usage, format!("`{}` {why}", args.span))
            .hint("write `countersign snooze H-7 4h`")
    })?;
    let body = json!({ "seconds": span.0.as_secs() });
    let words = if span.0.is_zero() {
        "is back".to_owned()
    } else {
        format!("is put off for {span}; its deadlines go on")
    };
    tell(&named(&args.target), "snooze", &body, &words, context)
}

fn named(target: &str) -> TargetArg {
    TargetArg {
        target: Some(target.to_owned()),
    }
}

fn tell(
    target: &TargetArg,
    command: &str,
    body: &Value,
    words: &str,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let row = target.row(context, &client)?;
    client.post(&format!("/api/v1/handoffs/{}/{command}", row.id), body)?;
    if context.out.json {
        context.out.object(command, json!({ "handoff": row.id }));
    } else {
        context.out.line(&format!("{} {words}", row.id));
    }
    Ok(Exit::Done)
}
