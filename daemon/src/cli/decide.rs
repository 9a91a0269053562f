//! `countersign approve`, `changes`, `reject`, `respond`, `ignore` and `abstain`.

use std::path::Path;

use countersign_protocol::{
    decision::{ChangeRequest, DecisionDocument, Outcome},
    place::Place,
    terms::Terms,
};
use countersign_web::desk::{Answer, Approval, Care, HandoffRow, Review, edits::FileEdit, worded};
use serde_json::{Value, json};

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    output::{Style, inert},
    target::TargetArg,
};
use crate::config::Span;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: TargetArg,
    /// Words for the agent
    #[arg(short, long, value_name = "TEXT")]
    note: Option<String>,
    /// The name of words that the operator keeps ready for this answer; repeat for more
    #[arg(long, value_name = "NAME")]
    reason: Vec<String>,
    /// What goes into the next blank of the reasons, in order
    #[arg(long, value_name = "TEXT", requires = "reason")]
    fill: Vec<String>,
    /// A request for one place; repeat for more
    #[arg(long, num_args = 2, value_names = ["PATH[:LINE[-LINE]]", "TEXT"], action = clap::ArgAction::Append)]
    at: Vec<String>,
    /// With `approve`: release this version of a file instead of the agent's; repeat for more
    #[arg(long, value_name = "PATH=FILE")]
    edit: Vec<String>,
    /// A line of the checklist of the workspace that you ticked off, word for word; repeat for more
    #[arg(long, value_name = "LINE")]
    checked: Vec<String>,
    /// With `approve`: the approval ends after so long, such as `24h`
    #[arg(long, value_name = "TIME")]
    valid_for: Option<Span>,
    /// With `approve`: the approval is good for one `countersign gate`
    #[arg(long)]
    once: bool,
    /// The revision that you looked at; needed to approve a later one than the first
    #[arg(long, value_name = "N")]
    revision: Option<u32>,
}

pub(crate) fn run(args: &Args, outcome: Outcome, context: &mut Context) -> Result<Exit, Failure> {
    let requests = requests(&args.at)?;
    let edits = edits(&args.edit, outcome, context)?;
    let outcome = if edits.is_empty() {
        outcome
    } else {
        Outcome::Edited
    };
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
        comment: comment(args, &review)?,
        reasons: args.reason.clone(),
        answers: Vec::new(),
        requests,
        edits,
        terms: terms(args, outcome, context)?,
        care: Care {
            // Who names the handoff by its number has typed it.
            typed: args.target.target.clone(),
            checked: args.checked.clone(),
        },
        partial: review.row.partial.as_ref().map(|one| one.seen.through),
    };
    let path = format!("/api/v1/handoffs/{}/decision", row.id);
    let answered: Value = client
        .post(&path, &json!(answer))
        .map_err(|failure| stale(failure, &row, answer.revision, outcome))?
        .json()?;
    if answered.get("decision_version").is_none() {
        counted(verb(outcome), &row, answered, context)?;
        return Ok(Exit::Done);
    }
    let decision: DecisionDocument = serde_json::from_value(answered).map_err(unreadable)?;
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

/// Says that the answer was a vote, and who may answer next.
pub(super) fn counted(
    verb: &'static str,
    row: &HandoffRow,
    answered: Value,
    context: &mut Context,
) -> Result<(), Failure> {
    let approval: Approval = serde_json::from_value(answered).map_err(unreadable)?;
    if context.out.json {
        let object = json!({ "handoff": row.id, "approval": approval });
        context.out.object(verb, object);
        return Ok(());
    }
    let stage = approval.stages.iter().find(|stage| stage.current);
    let stage = match stage.map_or("", |stage| stage.name.as_str()) {
        "" => String::new(),
        name => format!(" ({})", inert(name)),
    };
    let line = format!("{}: {}{stage}", row.id, approval.words());
    context.out.line(&line);
    let open = approval.open_to().join(", ");
    if !open.is_empty() {
        context.out.hint(&format!("it waits for {}", inert(&open)));
    }
    Ok(())
}

fn unreadable(error: serde_json::Error) -> Failure {
    let text = format!("the answer of the daemon cannot be read: {error}");
    Failure::new(Exit::Failed, text)
}

fn verb(outcome: Outcome) -> &'static str {
    match outcome {
        // An edit is given with the command that approves.
        Outcome::Edited => "approve",
        other => other.answer().unwrap_or("approve"),
    }
}

/// The terms of `--valid-for` and `--once`.
fn terms(args: &Args, outcome: Outcome, context: &Context) -> Result<Terms, Failure> {
    let asks = args.once || args.valid_for.is_some();
    if asks && !outcome.is_approval() {
        let text = format!("`{}` takes no `--valid-for` and no `--once`", verb(outcome));
        return Err(Failure::new(Exit::Usage, text).hint("only an approval has terms"));
    }
    let end = |span: Span| {
        let now = context.clock.now();
        now.checked_add(span.0).map_err(|_| {
            let text = "`--valid-for` goes beyond the end of time";
            Failure::new(Exit::Usage, text).hint("leave it out for an approval without an end")
        })
    };
    Ok(Terms {
        valid_until: args.valid_for.map(end).transpose()?,
        single_use: args.once,
    })
}

/// The words of the answer: the reasons that were chosen, then the note.
fn comment(args: &Args, review: &Review) -> Result<Option<String>, Failure> {
    let mut fill = args.fill.iter().cloned();
    let chosen: Vec<_> = args
        .reason
        .iter()
        .map(|name| {
            let known = review.reasons.iter().find(|one| one.name == *name);
            let blanks = known.map_or(0, |one| one.words.blanks().count());
            (name.clone(), fill.by_ref().take(blanks).collect())
        })
        .collect();
    let words = worded(&review.reasons, &chosen, args.note.as_deref());
    let words = words.map_err(|why| Failure::new(Exit::Usage, why).hint(ready(review)))?;
    match fill.next() {
        None => Ok(words),
        Some(text) => Err(Failure::new(
            Exit::Usage,
            format!("`--fill {text}` has no blank to go into"),
        )
        .hint(ready(review))),
    }
}

/// The words that are ready, as a hint.
fn ready(review: &Review) -> String {
    if review.reasons.is_empty() {
        return "the operator keeps no words ready here; write `--note \"…\"`".to_owned();
    }
    let reasons = review.reasons.iter();
    let lines: Vec<String> = reasons
        .map(|one| format!("`{}`: {}", one.name, one.words))
        .collect();
    format!(
        "these are ready, `--fill` for each {{…}}: {}",
        lines.join("; ")
    )
}

/// The files of `--edit`.
fn edits(pairs: &[String], outcome: Outcome, context: &Context) -> Result<Vec<FileEdit>, Failure> {
    if outcome != Outcome::Approved && !pairs.is_empty() {
        let text = format!("`{}` takes no `--edit`", verb(outcome));
        return Err(Failure::new(Exit::Usage, text)
            .hint("only an approval releases files; say with `--at` what should be different"));
    }
    let edit = |pair: &String| {
        let Some((path, file)) = pair.split_once('=') else {
            let text = format!("`--edit {pair}` names no file");
            return Err(Failure::new(Exit::Usage, text).hint(
                "write `--edit PATH=FILE`: the path in the handoff, and your version of it",
            ));
        };
        let text = std::fs::read_to_string(context.at(Path::new(file))).map_err(|error| {
            let exit = match error.kind() {
                std::io::ErrorKind::NotFound => Exit::NotFound,
                _ => Exit::Failed,
            };
            Failure::new(exit, format!("cannot read `{file}`: {error}"))
                .hint("only text can be edited; for other files use `countersign changes`")
        })?;
        let path = path.to_owned();
        Ok(FileEdit { path, text })
    };
    pairs.iter().map(edit).collect()
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
    let note = note || !args.reason.is_empty();
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
        None if outcome.is_approval() => 1,
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
