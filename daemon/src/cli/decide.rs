//! `countersign approve`, `changes`, `reject` and `respond`.

use countersign_protocol::{
    decision::{ChangeRequest, DecisionDocument, Outcome},
    place::Place,
};
use countersign_web::desk::{Answer, HandoffRow, Review};
use serde_json::json;

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    output::{Style, inert},
    target::TargetArg,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: TargetArg,
    /// Words for the agent
    #[arg(short, long, value_name = "TEXT")]
    note: Option<String>,
    /// A request for one place; repeat for more
    #[arg(long, num_args = 2, value_names = ["PATH[:LINE[-LINE]]", "TEXT"], action = clap::ArgAction::Append)]
    at: Vec<String>,
    /// The revision that you looked at; needed to approve a later one than the first
    #[arg(long, value_name = "N")]
    revision: Option<u32>,
}

pub(crate) fn run(args: &Args, outcome: Outcome, context: &mut Context) -> Result<Exit, Failure> {
    let requests = requests(&args.at)?;
    check_words(args, outcome, &requests)?;
    let client = Client::find(context)?;
    let row = args.target.row(context, &client)?;
    check_revision(args.revision, outcome, &row)?;
    let review: Review = client.get(&format!(
        "/api/v1/handoffs/{}/review?revision={}",
        row.id, row.revision
    ))?;
    let answer = Answer {
        revision: review.revision,
        manifest_sha256: review.manifest_sha256,
        outcome,
        comment: args.note.clone(),
        requests,
    };
    let path = format!("/api/v1/handoffs/{}/decision", row.id);
    let decision: DecisionDocument = client
        .post(&path, &json!(answer))
        .map_err(|failure| stale(failure, &row, answer.revision, outcome))?
        .json()?;
    if context.out.json {
        context
            .out
            .object(verb(outcome), json!({ "decision": decision }));
    } else {
        let word = context.out.paint(Style::Good, decision.outcome.word());
        context.out.line(&format!(
            "{} revision {} was {word}: {}",
            row.id,
            decision.revision,
            inert(&row.title)
        ));
    }
    Ok(Exit::Done)
}

fn verb(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::ChangesRequested => "changes",
        Outcome::Rejected => "reject",
        Outcome::Responded => "respond",
        _ => "approve",
    }
}

/// The pairs of `--at`. The ids are given by the daemon.
fn requests(pairs: &[String]) -> Result<Vec<ChangeRequest>, Failure> {
    pairs
        .chunks(2)
        .map(|pair| {
            let (place, text) = (&pair[0], pair.get(1).map_or("", |text| text.trim()));
            if text.is_empty() {
                return Err(
                    Failure::new(Exit::Usage, format!("`--at {place}` says nothing"))
                        .hint("write `--at PATH:LINE \"what is asked\"`"),
                );
            }
            Ok(ChangeRequest::at(place_of(place), text.to_owned()))
        })
        .collect()
}

/// `PATH`, `PATH:LINE` or `PATH:FIRST-LAST`. What looks like neither of the last two is all path.
pub(super) fn place_of(text: &str) -> Place {
    let lines = |part: &str| {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (first, Some(last.parse::<u32>().ok()?)),
            None => (part, None),
        };
        let first = first.parse::<u32>().ok().filter(|first| *first > 0)?;
        Some((first, last))
    };
    let named = text.rsplit_once(':');
    let found = named.and_then(|(path, part)| Some((path, lines(part)?)));
    let (path, line, end_line) = match found {
        Some((path, (first, last))) => (path, Some(first), last),
        None => (text, None, None),
    };
    Place {
        path: Some(path.to_owned()),
        line,
        end_line,
        ..Place::default()
    }
}

fn check_words(args: &Args, outcome: Outcome, requests: &[ChangeRequest]) -> Result<(), Failure> {
    let note = args
        .note
        .as_deref()
        .is_some_and(|note| !note.trim().is_empty());
    let enough = match outcome {
        Outcome::ChangesRequested => note || !requests.is_empty(),
        Outcome::Rejected | Outcome::Responded => note,
        _ => true,
    };
    if enough {
        return Ok(());
    }
    let verb = verb(outcome);
    Err(Failure::new(
        Exit::Usage,
        format!("`{verb}` needs words, so that the agent knows why"),
    )
    .hint(format!("add `--note \"…\"` to `countersign {verb}`")))
}

/// Between reading and answering, the agent may have sent something else. Whoever approves says
/// which revision was read; only the first one needs no words.
fn check_revision(stated: Option<u32>, outcome: Outcome, row: &HandoffRow) -> Result<(), Failure> {
    let read = match stated {
        Some(revision) => revision,
        None if outcome == Outcome::Approved => 1,
        None => return Ok(()),
    };
    if read == row.revision {
        return Ok(());
    }
    let (id, now) = (row.id, row.revision);
    if stated.is_none() {
        return Err(Failure::new(
            Exit::Conflict,
            format!("{id} has revision {now}; say that you looked at it"),
        )
        .hint(see_first(id, None, now, outcome)));
    }
    Err(Failure::new(
        Exit::Conflict,
        format!("{id} has revision {now}; you answered revision {read}"),
    )
    .hint(see_first(id, Some(read), now, outcome)))
}

fn see_first(
    id: countersign_protocol::HandoffId,
    from: Option<u32>,
    now: u32,
    outcome: Outcome,
) -> String {
    let from = from.map_or_else(String::new, |from| format!(" --from r{from}"));
    let verb = verb(outcome);
    format!(
        "see what changed with `countersign diff {id}{from}`, then `countersign {verb} {id} --revision {now}`"
    )
}

/// The daemon names the revision that came in between.
fn stale(mut failure: Failure, row: &HandoffRow, answered: u32, outcome: Outcome) -> Failure {
    let problem = failure.problem.as_ref();
    let newer = problem.and_then(|problem| problem["revision"].as_u64());
    if let Some(newer) = newer.and_then(|newer| u32::try_from(newer).ok())
        && failure.exit == Exit::Conflict
    {
        failure.message = format!(
            "{} has revision {newer}; you answered revision {answered}",
            row.id
        );
        failure.hint = Some(see_first(row.id, Some(answered), newer, outcome));
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_paths_with_or_without_a_line() {
        let pairs = [
            ["docs/a.md:18", "Say so"],
            ["b:c.md", "Why"],
            ["d.md:0", "x"],
            ["e.md:4-9", "All of it"],
        ];
        let pairs: Vec<String> = pairs.concat().into_iter().map(str::to_owned).collect();
        let found: Vec<_> = requests(&pairs)
            .unwrap()
            .into_iter()
            .map(|request| {
                (
                    request.path.unwrap(),
                    request.line,
                    request.end_line,
                    request.text,
                )
            })
            .collect();
        let expected = [
            ("docs/a.md", Some(18), None, "Say so"),
            ("b:c.md", None, None, "Why"),
            ("d.md:0", None, None, "x"),
            ("e.md", Some(4), Some(9), "All of it"),
        ]
        .map(|(path, line, last, text)| (path.to_owned(), line, last, text.to_owned()));
        assert_eq!(found, expected);
        assert_eq!(
            requests(&["a".to_owned(), " ".to_owned()])
                .unwrap_err()
                .exit,
            Exit::Usage
        );
    }
}
