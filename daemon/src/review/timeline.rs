//! How a handoff got where it is.

use countersign_protocol::{
    event::{Event, Location},
    principal::Actor,
    transfer::Phase,
};
use countersign_web::desk::{TimelineItem, threads::Comment};
use jiff::Timestamp;

use crate::{
    ledger::{Card, CardComment, State, Withdrawal},
    policy::words::{self, Name},
};

/// Everything that happened to `card`, newest first, with the checkpoints and silences of the agent
/// that works in its folder.
pub(super) fn timeline(state: &State, card: &Card, name: Name<'_>) -> Vec<TimelineItem> {
    let mut items = Vec::new();
    let mut add = |seq: u64, at: Timestamp, kind: &str, title: String, detail: Option<String>| {
        items.push(TimelineItem {
            at,
            kind: kind.to_owned(),
            title,
            detail,
            seq,
        });
    };
    for revision in &card.revisions {
        let accepted = &revision.accepted;
        let title = match &accepted.stalled {
            Some(_) => "Made a card for a silent agent".to_owned(),
            None if !accepted.violated.is_empty() => "Made a card for changed work".to_owned(),
            None => format!("Revision {} handed over", accepted.revision),
        };
        let detail =
            (!accepted.manifest.entries.is_empty()).then(|| files(accepted.manifest.entries.len()));
        add(revision.seq, revision.at, "revision", title, detail);
    }
    for known in card.checks.values() {
        for result in &known.checked.results {
            add(known.seq, known.at, "check", result.words(), None);
        }
    }
    for decision in &card.decisions {
        let decided = &decision.decided;
        let title = format!("{}: {}", decision.actor.name(), decided.outcome.word());
        let detail = match (decided.requests.len(), &decided.comment) {
            (0, comment) => comment.clone(),
            (1, None) => Some("1 request".to_owned()),
            (many, None) => Some(format!("{many} requests")),
            (many, Some(comment)) => Some(format!("{comment} ({many} on lines or files)")),
        };
        add(decision.seq, decision.at, "decision", title, detail);
        if let Some(delivery) = &decision.delivered {
            let title = "The answer stands in the agent’s folder".to_owned();
            let detail = (!delivery.places.is_empty()).then(|| folders(&delivery.places));
            add(delivery.seq, delivery.at, "delivered", title, detail);
        }
    }
    if let Some(failed) = &card.undelivered {
        let title = "The answer was not delivered: the agent’s folder is gone".to_owned();
        let detail = folders(std::slice::from_ref(&failed.place));
        add(failed.seq, failed.at, "undelivered", title, Some(detail));
    }
    for vote in &card.votes {
        let title = format!("{} voted: {}", vote.display, vote.voted.outcome.word());
        let comment = vote.voted.comment.clone();
        add(vote.seq, vote.at, "vote", title, comment);
    }
    for comment in card.comments() {
        add(
            comment.seq,
            comment.at,
            "comment",
            format!("{} commented", comment.actor.name()),
            Some(comment.text.clone()),
        );
    }
    if let Some((seq, at, folder)) = &card.released {
        add(
            *seq,
            *at,
            "released",
            format!("Files released to {folder}/"),
            None,
        );
    }
    if let Some(used) = &card.used {
        let title = format!("{} used the approval", used.by);
        add(used.seq, used.at, "released", title, None);
    }
    if let Some(violation) = state.violation(&card.workspace, Some(card.id)) {
        let title = "Released work was changed".to_owned();
        let detail = super::activity::violation(&violation.violated);
        add(
            violation.seq,
            violation.at,
            "violation",
            title,
            Some(detail),
        );
        if let Some((seq, at, _)) = &violation.restored {
            let title = "Released work was put right".to_owned();
            add(*seq, *at, "restored", title, None);
        }
    }
    if let Some(Withdrawal {
        seq, at, reason, ..
    }) = &card.withdrawn
    {
        let title = "Withdrawn".to_owned();
        add(*seq, *at, "withdrawn", title, reason.clone());
    }
    if let Some(noticed) = &card.timed_out {
        let title = "The time for an answer passed".to_owned();
        let detail = format!(
            "The agent gave revision {} until {}",
            noticed.revision, noticed.over
        );
        add(noticed.seq, noticed.at, "timeout", title, Some(detail));
    }
    for step in &card.moves {
        let text = super::activity::line(&step.event, name);
        let mut title = match &step.event {
            // The decision stands in the list already.
            Event::Progressed(_) => continue,
            Event::Routed(_) | Event::Expired(_) => text,
            _ => format!("{}: {text}", step.actor.name()),
        };
        let detail = match &step.event {
            Event::Routed(routed) => Some(words::why_asked(routed, &routed.why)),
            _ => None,
        };
        if let Some(first) = title.get(..1).map(str::to_uppercase) {
            title.replace_range(..1, &first);
        }
        add(step.seq, step.at, "routing", title, detail);
    }
    for hop in &card.hops {
        let offered = &hop.offered;
        let (from, to) = (&offered.from, &offered.to);
        let title = format!("{from} handed it to {to}");
        let detail = offered
            .contract
            .as_ref()
            .map(|contract| format!("By the contract {contract}"));
        add(hop.seq, hop.at, "hop", title, detail);
        if let Some((seq, at, folder)) = &hop.delivered {
            let title = format!("It lies ready for {to}");
            add(*seq, *at, "hop", title, Some(format!("In {folder}/")));
        }
        for answer in &hop.answers {
            let title = format!("{to} {}", super::activity::said(&answer.answered));
            add(answer.seq, answer.at, "hop", title, None);
        }
        if let Some(overdue) = &hop.overdue {
            let title = match overdue.phase {
                Phase::Acknowledge => format!("{to} did not say in time whether it takes it"),
                Phase::Complete => format!("{to} did not finish in time"),
            };
            let noticed = hop.overdue_seq;
            add(noticed, hop.since, "hop", title, None);
        }
    }
    for stop in &card.stops {
        let title = "A person is asked instead of an agent".to_owned();
        let detail = Some(stop.stopped.text.clone());
        add(stop.seq, stop.at, "hop", title, detail);
    }
    for track in state.tracks_in(&card.newest().accepted.at) {
        for kept in &track.versions {
            let saved = &kept.saved;
            let step = saved.steps.map_or_else(
                || saved.step.to_string(),
                |steps| format!("{} of {steps}", saved.step),
            );
            add(
                kept.seq,
                kept.at,
                "checkpoint",
                format!("Checkpoint {step}"),
                saved.title.clone(),
            );
        }
        for (seq, at, process_gone) in &track.silences {
            let title = if *process_gone {
                "The agent’s process is gone"
            } else {
                "No sign of life"
            };
            add(*seq, *at, "silence", title.to_owned(), None);
        }
    }
    items.sort_by_key(|item| std::cmp::Reverse(item.seq));
    items
}

/// Words in a thread.
pub(super) fn comment(comment: &CardComment) -> Comment {
    Comment {
        by: comment.actor.name().to_owned(),
        agent: matches!(comment.actor, Actor::Agent { .. }),
        at: comment.at,
        text: comment.text.clone(),
    }
}

fn files(number: usize) -> String {
    if number == 1 {
        "1 file".to_owned()
    } else {
        format!("{number} files")
    }
}

/// Returns the folders of `places`, for readers.
pub(super) fn folders(places: &[Location]) -> String {
    let folders: Vec<String> = places.iter().map(folder).collect();
    folders.join(", ")
}

/// Returns the folder of `at` with its workspace.
pub(super) fn folder(at: &Location) -> String {
    match at.folder.as_str() {
        "" => at.workspace.clone(),
        folder => format!("{}/{folder}", at.workspace),
    }
}
