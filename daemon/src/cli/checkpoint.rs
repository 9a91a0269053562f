//! `countersign checkpoint`: writes `checkpoint.json` into the current folder, as an agent would.

use std::path::Path;

use countersign_protocol::{contract, dialect, dialect::Format, names};
use serde_json::{Map, Value, json};

use super::{
    Context,
    exit::{Exit, Failure},
    folder::{self, Folder},
    output::inert,
};
use crate::{config::Span, fs::Dir};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What is done, one line
    title: String,
    /// The step just finished, and of how many, such as `2/5`; else one more than the last
    #[arg(long, value_name = "N[/M]", value_parser = step)]
    step: Option<(u64, Option<u64>)>,
    /// The next sign of life comes within this time
    #[arg(long, value_name = "TIME")]
    heartbeat: Option<Span>,
    /// Process that works on it; its end without a handoff makes a card
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// The task; else the one of the handoff or checkpoint that stands here
    #[arg(long, value_name = "ID")]
    task_id: Option<String>,
    /// The agent; else the one of the handoff or checkpoint that stands here
    #[arg(long, value_name = "NAME", env = "COUNTERSIGN_AGENT")]
    agent: Option<String>,
    /// A step that is left; repeat for more
    #[arg(long, value_name = "TEXT")]
    remaining: Vec<String>,
    /// A step that is done; repeat for more
    #[arg(long, value_name = "TEXT")]
    completed: Vec<String>,
}

fn step(text: &str) -> Result<(u64, Option<u64>), &'static str> {
    const BAD: &str = "a step looks like `2` or `2/5`";
    let number = |text: &str| text.parse::<u64>().map_err(|_| BAD);
    match text.split_once('/') {
        None => Ok((number(text)?, None)),
        Some((step, steps)) => {
            let (step, steps) = (number(step)?, number(steps)?);
            if step > steps {
                return Err("the step is beyond the last one");
            }
            Ok((step, Some(steps)))
        }
    }
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let last = last_checkpoint(&context.folder);
    let handoff = stated_handoff(&context.folder);
    let stated = |name: &str| {
        let of = |map: &Map<String, Value>| match map.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Object(party) => Some(party.get("id")?.as_str()?.to_owned()),
            _ => None,
        };
        of(&last).or_else(|| of(&handoff))
    };
    let agent = args
        .agent
        .clone()
        .or_else(|| stated("from_agent"))
        .ok_or_else(|| {
            Failure::new(Exit::Usage, "the checkpoint needs the name of the agent")
                .hint("add `--agent NAME`, or set `COUNTERSIGN_AGENT`")
        })?;
    let steps = last.get("steps").and_then(Value::as_u64);
    let (step, steps) = args.step.unwrap_or_else(|| {
        let step = last.get("step").and_then(Value::as_u64);
        (step.map_or(1, |step| step + 1), steps)
    });
    let mut document = json!({
        "checkpoint_version": "1.0",
        "from_agent": agent,
        "step": step,
        "status": if Some(step) == steps { "completed" } else { "in_progress" },
        "title": args.title,
        "at": context.clock.now(),
    });
    for (name, value) in [
        ("steps", steps.map(Value::from)),
        (
            "task_id",
            args.task_id
                .clone()
                .or_else(|| stated("task_id"))
                .map(Value::from),
        ),
        ("pid", args.pid.map(Value::from)),
        (
            "heartbeat_seconds",
            args.heartbeat.map(|span| Value::from(span.0.as_secs())),
        ),
        ("completed", list(&args.completed)),
        ("remaining", list(&args.remaining)),
    ] {
        if let Some(value) = value {
            document[name] = value;
        }
    }
    let text = format!("{document:#}\n");
    dialect::read(text.as_bytes(), Format::Json)
        .and_then(|document| contract::check_checkpoint(&document))
        .map_err(|refusal| refused(&refusal))?;
    let path = Path::new(names::CHECKPOINT);
    Dir::open(&context.folder)?.publish(path, text.as_bytes(), 0o644, true)?;
    if context.out.json {
        context
            .out
            .object("checkpoint", json!({ "checkpoint": document }));
    } else {
        let of = steps.map_or_else(String::new, |steps| format!("/{steps}"));
        context
            .out
            .line(&format!("checkpoint {step}{of}  {}", inert(&args.title)));
    }
    Ok(Exit::Done)
}

fn list(lines: &[String]) -> Option<Value> {
    Some(Value::from(lines)).filter(|_| !lines.is_empty())
}

fn refused(refusal: &countersign_protocol::problem::Refusal) -> Failure {
    let first = refusal.violations.first();
    let message = first.map_or_else(
        || refusal.to_string(),
        |first| format!("{} {}", first.pointer, first.message),
    );
    let mut failure = Failure::new(Exit::Contract, message.trim());
    failure.hint = first.and_then(|first| first.fix.clone());
    failure
}

/// The last checkpoint here. One that cannot be read is replaced, so it says nothing.
fn last_checkpoint(here: &Path) -> Map<String, Value> {
    let bytes = folder::read(here, names::CHECKPOINT, contract::MAX_BYTES as u64);
    let bytes = bytes.ok().flatten().unwrap_or_default();
    document(&bytes, Format::Json)
}

fn stated_handoff(here: &Path) -> Map<String, Value> {
    let source = Folder::open(here).and_then(|folder| folder.source());
    match source {
        Ok(Some(source)) => document(&source.bytes, source.format),
        _ => Map::new(),
    }
}

fn document(bytes: &[u8], format: Format) -> Map<String, Value> {
    dialect::read(bytes, format).map_or_else(|_| Map::new(), |document| document.fields().clone())
}

#[cfg(test)]
mod tests {
    use super::step;

    #[test]
    fn steps_are_a_number_and_perhaps_an_end() {
        assert_eq!(step("2"), Ok((2, None)));
        assert_eq!(step("2/5"), Ok((2, Some(5))));
        for bad in ["", "/", "6/5", "a/b", "1/2/3", "-1"] {
            assert!(step(bad).is_err(), "{bad}");
        }
    }
}
