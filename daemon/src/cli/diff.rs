//! `countersign diff`: what changed between two revisions.

use serde_json::json;

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    output::{Style, inert_lines},
    target::TargetArg,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: TargetArg,
    /// The older revision, such as `r1`; else the last one that was decided
    #[arg(long, value_name = "REV", value_parser = revision)]
    from: Option<u32>,
    /// The newer revision; else the newest
    #[arg(long, value_name = "REV", value_parser = revision)]
    to: Option<u32>,
}

/// `r3` or `3`.
fn revision(text: &str) -> Result<u32, &'static str> {
    match text.strip_prefix('r').unwrap_or(text).parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("a revision looks like `r3` or `3`"),
    }
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let row = args.target.row(context, &client)?;
    let mut query = Vec::new();
    query.extend(args.from.map(|from| format!("from={from}")));
    query.extend(args.to.map(|to| format!("to={to}")));
    let path = format!("/api/v1/handoffs/{}/diff?{}", row.id, query.join("&"));
    let reply = client.send("GET", &path, None, std::time::Duration::from_mins(1))?;
    let text = String::from_utf8_lossy(&reply.bytes);
    if context.out.json {
        let object = json!({
            "handoff": row.id,
            "from": args.from,
            "to": args.to.unwrap_or(row.revision),
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

#[cfg(test)]
mod tests {
    use super::revision;

    #[test]
    fn revisions_are_written_with_and_without_the_letter() {
        assert_eq!(revision("r3"), Ok(3));
        assert_eq!(revision("3"), Ok(3));
        for bad in ["", "r", "r0", "0", "-1", "rr1", "x"] {
            assert!(revision(bad).is_err(), "{bad}");
        }
    }
}
