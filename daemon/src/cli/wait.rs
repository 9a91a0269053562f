//! `countersign wait`: returns when there is an answer.
//!
//! Asks the daemon, and while the daemon is away looks at `decision.json` next to the handoff. The
//! decision of a revision is the same either way.

use std::time::Duration;

use countersign_protocol::{HandoffId, decision::DecisionDocument};
use countersign_web::desk::WaitAnswer;
use serde_json::json;

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    folder::{Folder, Verdict, refused},
    output::{Style, inert, inert_lines, span},
    target::{Target, TargetArg},
};
use crate::config::Span;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: TargetArg,
    /// Wait for this revision; a newer one ends with exit code 12
    #[arg(long, value_name = "N")]
    revision: Option<u32>,
    /// Give up after this time, such as `30s` or `2h`; `0s` looks once
    #[arg(long, value_name = "TIME", value_parser = timeout)]
    timeout: Option<Span>,
    /// Say nothing while waiting
    #[arg(short, long)]
    quiet: bool,
}

/// `0` needs no unit.
fn timeout(text: &str) -> Result<Span, &'static str> {
    if text == "0" {
        return Ok(Span(Duration::ZERO));
    }
    text.parse()
}

/// How often a file is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How long one request may hang; the daemon allows 60 s.
const POLL: Duration = Duration::from_secs(50);
/// How long after the deadline of a request the answer may come.
const GRACE: Duration = Duration::from_secs(15);
/// How often a person is told that nothing happened.
const NEWS: Duration = Duration::from_mins(5);
/// Longest time between two tries to reach the daemon.
const FURTHEST: Duration = Duration::from_secs(15);

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let target = args.target.read(context)?;
    let mut wait = Wait {
        start: context.clock.monotonic(),
        limit: args.timeout.map(|span| span.0),
        quiet: args.quiet || args.timeout.is_some_and(|span| span.0.is_zero()),
        told: Duration::ZERO,
    };
    let (id, folder, sent) = match target {
        Target::Id(id) => (id, None, None),
        Target::Folder(folder) => match wait.for_receipt(&folder, context)? {
            Some((id, revision)) => (id, Some(folder), Some(revision)),
            None => return Ok(pending(None, args.revision, &wait, context)),
        },
    };
    let answer = wait.for_answer(id, args.revision, folder, sent, context)?;
    Ok(match answer {
        Some(answer) => print(&answer, args.revision, &wait, context),
        None => pending(Some(id), args.revision, &wait, context),
    })
}

/// The answer, from the daemon or from the folder.
struct Answered {
    id: HandoffId,
    revision: u32,
    state: String,
    decision: Option<DecisionDocument>,
    /// Where people look at it, when the daemon was reached.
    url: Option<String>,
}

struct Wait {
    start: Duration,
    limit: Option<Duration>,
    quiet: bool,
    told: Duration,
}

impl Wait {
    fn passed(&self, context: &Context) -> Duration {
        context.clock.monotonic().saturating_sub(self.start)
    }

    fn left(&self, context: &Context) -> Duration {
        self.limit.map_or(Duration::MAX, |limit| {
            limit.saturating_sub(self.passed(context))
        })
    }

    fn tell(&mut self, context: &mut Context) {
        let passed = self.passed(context);
        if !self.quiet && passed >= self.told + NEWS {
            self.told = passed;
            let text = span(i64::try_from(passed.as_secs()).unwrap_or(i64::MAX));
            context.out.remark(&format!("still waiting, {text}"));
        }
    }

    /// Lets `time` pass, or what is left of the limit. False when nothing is left.
    fn pause(&mut self, time: Duration, context: &mut Context) -> bool {
        let left = self.left(context);
        if left.is_zero() {
            return false;
        }
        self.tell(context);
        (context.pause)(time.min(left));
        true
    }

    /// The card for the document as it stands. A receipt for older bytes is not for us.
    fn for_receipt(
        &mut self,
        folder: &Folder,
        context: &mut Context,
    ) -> Result<Option<(HandoffId, u32)>, Failure> {
        if folder.source()?.is_none() && folder.receipt()?.is_none() {
            return Err(super::target::no_receipt(&folder.path));
        }
        loop {
            match folder.verdict()? {
                Some(Verdict::Accepted(receipt)) => {
                    return Ok(Some((receipt.handoff_id, receipt.revision)));
                }
                Some(Verdict::Refused(errors)) => {
                    let bytes = folder.source()?.map(|source| source.bytes);
                    let text = bytes.unwrap_or_default();
                    return Err(refused(&errors, &String::from_utf8_lossy(&text)));
                }
                None if self.pause(LOOK, context) => {}
                None => return Ok(None),
            }
        }
    }

    fn for_answer(
        &mut self,
        id: HandoffId,
        pinned: Option<u32>,
        mut folder: Option<Folder>,
        sent: Option<u32>,
        context: &mut Context,
    ) -> Result<Option<Answered>, Failure> {
        // In a folder the revision is the one that stands there, unless another is asked for.
        let revision = pinned.or(sent);
        let mut away = false;
        let mut reached = false;
        let mut gap = LOOK;
        loop {
            let asked = context.clock.monotonic();
            let failure = match Client::find(context).and_then(|client| {
                if folder.is_none() {
                    folder = folder_of(id, &client);
                }
                let time = POLL.min(self.left(context));
                ask(&client, id, revision, time).map(|answer| (answer, client.page(id)))
            }) {
                Ok((answer, url)) => {
                    (away, reached, gap) = (false, true, LOOK);
                    if answer.state != "waiting" {
                        return Ok(Some(Answered {
                            id,
                            revision: answer.revision,
                            state: answer.state,
                            decision: answer.decision,
                            url: Some(url),
                        }));
                    }
                    self.tell(context);
                    // An answer that comes at once must not become a flood of questions.
                    let busy = context.clock.monotonic().saturating_sub(asked) < LOOK;
                    let pause = if busy { LOOK } else { Duration::ZERO };
                    if self.left(context).is_zero() || !self.pause(pause, context) {
                        return Ok(None);
                    }
                    continue;
                }
                Err(failure) => failure,
            };
            let busy = failure.problem.as_ref().is_some_and(|p| p["status"] == 503);
            if failure.exit != Exit::Unreachable && !busy {
                return Err(failure);
            }
            if folder.is_none() && !reached {
                return Err(failure);
            }
            if !away && !self.quiet {
                let how = match &folder {
                    Some(folder) => {
                        format!("watching for the decision in {}", folder.path.display())
                    }
                    None => "trying again".to_owned(),
                };
                context.out.remark(&format!("{}; {how}", failure.message));
            }
            away = true;
            let tries = (gap.as_millis() / LOOK.as_millis()).max(1);
            for _ in 0..tries {
                let answer = folder
                    .as_ref()
                    .map(|folder| in_folder(folder, id, revision));
                if let Some(answer) = answer.transpose()?.flatten() {
                    return Ok(Some(answer));
                }
                if !self.pause(LOOK, context) {
                    return Ok(None);
                }
            }
            gap = (gap * 2).min(FURTHEST);
        }
    }
}

fn ask(
    client: &Client,
    id: HandoffId,
    revision: Option<u32>,
    time: Duration,
) -> Result<WaitAnswer, Failure> {
    let pin = revision.map_or_else(String::new, |revision| format!("&revision={revision}"));
    // Whole seconds, rounded up, so that the last one is not spent in a busy loop.
    let seconds = time.as_millis().div_ceil(1_000);
    let path = format!("/api/v1/handoffs/{id}/wait?timeout={seconds}{pin}");
    client.send("GET", &path, None, time + GRACE)?.json()
}

/// Where the answer of a card will stand, when its workspace is on this machine.
fn folder_of(id: HandoffId, client: &Client) -> Option<Folder> {
    let row = client.row(id).ok()?;
    let workspaces = &client.endpoint.as_ref()?.workspaces;
    let workspace = workspaces.iter().find(|w| w.name == row.workspace)?;
    Folder::open(&std::path::Path::new(&workspace.path).join(&row.folder)).ok()
}

/// What the folder says about the revision that is waited for.
fn in_folder(
    folder: &Folder,
    id: HandoffId,
    revision: Option<u32>,
) -> Result<Option<Answered>, Failure> {
    let decided = folder.decision()?.filter(|decision| {
        decision.handoff_id == id && revision.is_none_or(|wanted| decision.revision >= wanted)
    });
    Ok(decided.map(|decision| {
        let superseded = revision.is_some_and(|wanted| decision.revision > wanted);
        Answered {
            id,
            revision: decision.revision,
            state: if superseded { "superseded" } else { "decided" }.to_owned(),
            decision: Some(decision).filter(|_| !superseded),
            url: None,
        }
    }))
}

fn pending(
    id: Option<HandoffId>,
    revision: Option<u32>,
    wait: &Wait,
    context: &mut Context,
) -> Exit {
    if context.out.json {
        let object = json!({
            "handoff": { "id": id, "revision": revision },
            "state": "waiting",
            "decision": null,
            "waited_ms": milliseconds(wait, context),
        });
        context.out.object("wait", object);
    } else {
        let name = id.map_or_else(|| "the handoff".to_owned(), |id| id.to_string());
        context.out.line(&format!("{name} is still waiting"));
    }
    Exit::Pending
}

fn milliseconds(wait: &Wait, context: &Context) -> u64 {
    u64::try_from(wait.passed(context).as_millis()).unwrap_or(u64::MAX)
}

fn print(answer: &Answered, pinned: Option<u32>, wait: &Wait, context: &mut Context) -> Exit {
    let newer = pinned.is_some_and(|pinned| answer.revision > pinned);
    let exit = match &answer.decision {
        Some(decision) if !newer => Exit::of_code(decision.outcome.exit_code()),
        _ => Exit::Over,
    };
    if context.out.json {
        let resume = answer.decision.as_ref().map(|decision| &decision.resume);
        let object = json!({
            "handoff": { "id": answer.id, "revision": answer.revision, "url": answer.url },
            "state": answer.state,
            "decision": answer.decision,
            "resume": resume,
            "waited_ms": milliseconds(wait, context),
        });
        context.out.object("wait", object);
        return exit;
    }
    let Some(decision) = &answer.decision else {
        let text = format!(
            "{} revision {} is {}",
            answer.id,
            pinned.unwrap_or(answer.revision),
            inert(&answer.state)
        );
        context.out.line(&text);
        return exit;
    };
    let style = if exit == Exit::Done {
        Style::Good
    } else {
        Style::Warning
    };
    let head = format!("{} revision {}", answer.id, decision.revision);
    let word = context.out.paint(style, decision.outcome.word());
    let by = inert(&decision.decided_by.display);
    context.out.line(&format!("{head} was {word} by {by}"));
    if let Some(comment) = &decision.comment {
        context.out.line(&inert_lines(comment));
    }
    for request in &decision.requests {
        let place = match (&request.path, request.line) {
            (Some(path), Some(line)) => format!("{}:{line}  ", inert(path)),
            (Some(path), None) => format!("{}  ", inert(path)),
            (None, _) => String::new(),
        };
        context.out.line(&format!(
            "{}  {place}{}",
            inert(&request.id),
            inert(&request.text)
        ));
    }
    exit
}
