//! `countersign answer` and `decision`: answers in the words of other tools, given and read.

use std::path::PathBuf;

use countersign_protocol::{
    dialect::answers::{self, Told, Tongue},
    terms::Terms,
};
use countersign_web::desk::{Answer, Care, Review};
use serde_json::{Value, json};

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    target::TargetArg,
};

/// The most bytes of an answer.
const MOST: u64 = 1024 * 1024;

#[derive(Debug, clap::Args)]
pub(crate) struct AnswerArgs {
    #[command(flatten)]
    target: TargetArg,
    /// The tool whose words they are: `agent-inbox`, `langchain`, `gotohuman` or `hrp`
    #[arg(long = "as", value_name = "TOOL")]
    tongue: Tongue,
    /// The answer, as JSON
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Words for the agent, about the whole
    #[arg(short, long, value_name = "TEXT")]
    note: Option<String>,
    /// The revision that you looked at; needed to answer a later one than the first
    #[arg(long, value_name = "N", default_value_t = 1)]
    revision: u32,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DecisionArgs {
    #[command(flatten)]
    target: TargetArg,
    /// In the words of a tool: `agent-inbox`, `langchain`, `gotohuman` or `hrp`
    #[arg(long = "as", value_name = "TOOL")]
    tongue: Option<Tongue>,
    /// Of this revision, not the newest
    #[arg(long, value_name = "N")]
    revision: Option<u32>,
}

pub(crate) fn answer(args: &AnswerArgs, context: &mut Context) -> Result<Exit, Failure> {
    let given = read(args, context)?;
    let outcome = answers::together(&given);
    let client = Client::find(context)?;
    let row = args.target.row(context, &client)?;
    let review: Review = client.get(&format!("/api/v1/handoffs/{}/review", row.id))?;
    if review.revision != args.revision {
        let text = format!("{} has revision {}", row.id, review.revision);
        let hint = format!("look at it, then add `--revision {}`", review.revision);
        return Err(Failure::new(Exit::Conflict, text).hint(hint));
    }
    let said = given.iter().find_map(|one| one.comment.clone());
    let answer = Answer {
        revision: review.revision,
        manifest_sha256: review.manifest_sha256,
        outcome,
        comment: args.note.clone().or(said),
        reasons: Vec::new(),
        answers: given,
        requests: Vec::new(),
        edits: Vec::new(),
        terms: Terms::default(),
        partial: None,
        care: Care {
            typed: args.target.target.clone(),
            checked: Vec::new(),
        },
    };
    let path = format!("/api/v1/handoffs/{}/decision", row.id);
    let answered: Value = client.post(&path, &json!(answer))?.json()?;
    if answered.get("decision_version").is_none() {
        super::decide::counted("answer", &row, answered, context)?;
    } else if context.out.json {
        let object = json!({ "handoff": row.id, "outcome": outcome });
        context.out.object("answer", object);
    } else {
        context
            .out
            .line(&format!("{} was {}", row.id, outcome.word()));
    }
    Ok(Exit::Done)
}

fn read(
    args: &AnswerArgs,
    context: &Context,
) -> Result<Vec<countersign_protocol::decision::RequestAnswer>, Failure> {
    let shown = args.file.display();
    let path = context.at(&args.file);
    let unread = |error: std::io::Error| {
        Failure::new(Exit::NotFound, format!("cannot read `{shown}`: {error}"))
    };
    if path.metadata().map_err(unread)?.len() > MOST {
        let text = format!("`{shown}` is larger than an answer can be");
        return Err(Failure::new(Exit::Contract, text));
    }
    let bytes = std::fs::read(path).map_err(unread)?;
    let foreign: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::new(Exit::Contract, format!("`{shown}` is no JSON: {error}")))?;
    args.tongue.read(&foreign).map_err(|error| {
        let text = format!("`{shown}` is no answer of {}: {error}", args.tongue);
        Failure::new(Exit::Contract, text).hint("docs/contract.md lists what each tool says")
    })
}

pub(crate) fn decision(args: &DecisionArgs, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let row = args.target.row(context, &client)?;
    let revision = args.revision.unwrap_or(row.revision);
    let path = format!("/api/v1/handoffs/{}/review?revision={revision}", row.id);
    let review: Review = client.get(&path)?;
    let Some(decision) = review.decision else {
        let text = format!("{} revision {revision} has no answer yet", row.id);
        let hint = format!("`countersign wait {}` waits for it", row.id);
        return Err(Failure::new(Exit::Pending, text).hint(hint));
    };
    let requests: Vec<_> = review.requests.into_iter().map(|one| one.id).collect();
    let written = match args.tongue {
        None => json!(decision),
        Some(tongue) => tongue.write(&Told {
            outcome: decision.outcome,
            comment: decision.comment.as_deref(),
            by: &decision.decided_by.display,
            at: decision.decided_at,
            answers: &decision.answers,
            requests: &requests,
        }),
    };
    // What agents parse is JSON either way.
    context.out.line(&written.to_string());
    Ok(Exit::Done)
}
