//! `countersign diff`: what changed between two revisions.

use serde_json::json;

use super::{
    Context,
    client::{Client, encode},
    exit::{Exit, Failure},
    output::{Style, inert_lines},
    target::TargetArg,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: TargetArg,
    /// The older moment, such as `r1` or `@last-build`; else the last revision that was decided
    #[arg(long, value_name = "MOMENT")]
    from: Option<String>,
    /// The newer moment; else the newest revision
    #[arg(long, value_name = "MOMENT")]
    to: Option<String>,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let row = args.target.row(context, &client)?;
    let mut query = Vec::new();
    query.extend(
        args.from
            .iter()
            .map(|from| format!("from={}", encode(from))),
    );
    query.extend(args.to.iter().map(|to| format!("to={}", encode(to))));
    let path = format!("/api/v1/handoffs/{}/diff?{}", row.id, query.join("&"));
    let reply = client.send("GET", &path, None, std::time::Duration::from_mins(1))?;
    let text = String::from_utf8_lossy(&reply.bytes);
    if context.out.json {
        let object = json!({
            "handoff": row.id,
            "from": args.from,
            "to": args.to.clone().unwrap_or_else(|| format!("@rev:{}", row.revision)),
            "diff": text,
        });
        context.out.object("diff", object);
        return Ok(Exit::Done);
    }
    if !context.out.terminal {
        // For `patch` and the like: byte for byte.
        context.out.bytes(&reply.bytes);
        return Ok(Exit::Done);
    }
    for line in text.lines() {
        let shown = inert_lines(line);
        let shown = match line.as_bytes().first() {
            _ if line.starts_with("+++") || line.starts_with("---") => {
                context.out.paint(Style::Strong, &shown)
            }
            Some(b'+') => context.out.paint(Style::Good, &shown),
            Some(b'-') => context.out.paint(Style::Error, &shown),
            Some(b'@') => context.out.paint(Style::Hint, &shown),
            _ => shown,
        };
        context.out.line(&shown);
    }
    Ok(Exit::Done)
}
