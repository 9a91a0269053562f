//! Messages about work that does not exist: to look at, to try a channel with, and for the tests.

use countersign_protocol::{Digest, HandoffId, decision::Outcome, handoff::Trigger, log::LogLine};
use jiff::{SignedDuration, Timestamp};

use crate::{
    config::Kind,
    message::{Notice, Owed, Recipient, Risk},
};

/// A message of each kind, and the same kinds of work that may be told less about, at the time `now`.
pub(super) fn samples(lane: &str, to: Option<&Recipient>, now: Timestamp) -> Vec<(String, Owed)> {
    let mut all = Vec::new();
    for kind in Kind::ALL {
        let mut add = |name: String, notices: Vec<Notice>| {
            let cause = Digest::of(format!("sample {name} {now}").as_bytes());
            all.push((name, Owed::new(lane, to.cloned(), notices, cause)));
        };
        if kind == Kind::Digest {
            add(kind.name().to_owned(), collection(now));
            continue;
        }
        add(kind.name().to_owned(), vec![of(kind, "internal", now)]);
        if matches!(kind, Kind::Turn | Kind::Decided | Kind::OwnershipOffered) {
            for class in ["confidential", "restricted"] {
                add(
                    format!("{}-{class}", kind.name()),
                    vec![of(kind, class, now)],
                );
            }
        }
        if kind == Kind::Turn {
            let sample = Notice {
                sampled: true,
                why: "Drawn as a sample of what the rule routine lets pass: read it closely"
                    .to_owned(),
                rule: Some("routine".to_owned()),
                ..turn("public", now)
            };
            add(format!("{}-sample", kind.name()), vec![sample]);
        }
        if kind == Kind::DeadLetter {
            let unanswered = Notice {
                kind: kind.name().to_owned(),
                ..turn("internal", now)
            };
            add(format!("{}-unanswered", kind.name()), vec![unanswered]);
        }
    }
    all
}

/// What somebody finds in the morning.
fn collection(now: Timestamp) -> Vec<Notice> {
    let head = Notice {
        kind: Kind::Digest.name().to_owned(),
        at: now,
        ..Notice::default()
    };
    let late = Notice {
        handoff: Some(HandoffId(1047)),
        agent: "supplier-desk".to_owned(),
        due: now.checked_sub(SignedDuration::from_mins(4)).ok(),
        risk: Some(Risk::High),
        title: "Reply to 14 supplier disputes".to_owned(),
        ..turn("internal", now)
    };
    let decided = Notice {
        by: Some("Sam Ito".to_owned()),
        ..of(Kind::Decided, "public", now)
    };
    let restricted = of(Kind::Withdrawn, "restricted", now);
    let waiting = ["internal", "confidential"].map(|class| turn(class, now));
    let mut all = vec![head, late];
    all.extend(waiting);
    all.extend([decided, restricted]);
    all
}

/// A sample of one kind.
pub(super) fn of(kind: Kind, class: &str, now: Timestamp) -> Notice {
    let notice = Notice {
        kind: kind.name().to_owned(),
        ..turn(class, now)
    };
    match kind {
        // The rules have not looked yet.
        Kind::Accepted => Notice {
            why: String::new(),
            risk: None,
            reasons: Vec::new(),
            rule: None,
            due: None,
            otherwise: None,
            ..notice
        },
        Kind::Event => Notice {
            kind: notice.kind,
            seq: notice.seq,
            at: now,
            handoff: notice.handoff,
            revision: notice.revision,
            class: notice.class,
            event: Some(Box::new(event(&notice.workspace, notice.handoff, now))),
            workspace: notice.workspace,
            ..Notice::default()
        },
        Kind::Decided => Notice {
            outcome: Some(Outcome::Approved),
            by: Some("Maya Okafor".to_owned()),
            ..notice
        },
        Kind::Withdrawn => Notice {
            outcome: Some(Outcome::Cancelled),
            by: Some("patch-runner".to_owned()),
            ..notice
        },
        Kind::Moved => Notice {
            by: Some("Sam Ito".to_owned()),
            ..notice
        },
        Kind::Escalated => Notice {
            was: Some("data-reviewers".to_owned()),
            risk: Some(Risk::High),
            ..notice
        },
        Kind::Stopped => Notice {
            step: Some((3, Some(8))),
            why: "The agent fell silent after step 3".to_owned(),
            ..notice
        },
        Kind::FileChanged => Notice {
            kind: kind.name().to_owned(),
            at: now,
            class: class.to_owned(),
            workspace: "payments-client".to_owned(),
            line: Some("2 files changed: deploy/prod.yaml, docs/runbook.md".to_owned()),
            names: vec!["deploy/prod.yaml".to_owned(), "docs/runbook.md".to_owned()],
            files: 2,
            rule: Some("runbook".to_owned()),
            ..Notice::default()
        },
        Kind::OwnershipOffered
        | Kind::OwnershipAccepted
        | Kind::OwnershipDeclined
        | Kind::OwnershipWithdrawn
        | Kind::OwnershipExpired => ownership(kind, notice),
        Kind::DeadLetter | Kind::Trouble | Kind::Test => Notice {
            kind: kind.name().to_owned(),
            at: now,
            workspace: "payments-client".to_owned(),
            line: match kind {
                Kind::DeadLetter => {
                    Some("reports/handoff.json: `task` must be text, not a number".to_owned())
                }
                Kind::Trouble => {
                    Some("ci gets no more messages: it has failed for five days: 503".to_owned())
                }
                _ => None,
            },
            ..Notice::default()
        },
        _ => notice,
    }
}

/// A line of the list of events.
fn event(workspace: &str, handoff: Option<HandoffId>, at: Timestamp) -> LogLine {
    LogLine {
        seq: 1,
        at,
        event: "handoff.delivered".to_owned(),
        workspace: Some(workspace.to_owned()),
        handoff_id: handoff,
        revision: Some(2),
        hop: None,
        by: "daemon".to_owned(),
        name: "countersign".to_owned(),
        agent: None,
        to: None,
        code: None,
        percent: None,
        file: None,
        trace_id: None,
        correlation_id: None,
        hash: Digest::of(b"sample"),
    }
}

/// About the workspace of `turn`, which Sam offers to Maya.
fn ownership(kind: Kind, turn: Notice) -> Notice {
    let (sam, maya) = ("Sam Ito".to_owned(), "Maya Okafor".to_owned());
    let by = match kind {
        Kind::OwnershipOffered | Kind::OwnershipWithdrawn => Some(sam),
        Kind::OwnershipExpired => None,
        _ => Some(maya.clone()),
    };
    Notice {
        kind: turn.kind,
        seq: turn.seq,
        at: turn.at,
        class: turn.class,
        workspace: turn.workspace,
        by,
        to: Some(maya),
        offer: Some(1),
        due: turn.due.filter(|_| kind == Kind::OwnershipOffered),
        ..Notice::default()
    }
}

fn turn(class: &str, now: Timestamp) -> Notice {
    let (number, workspace, agent, title) = match class {
        "public" => (1053, "releases", "release-scribe", "Release notes for 4.18"),
        "confidential" => (
            1042,
            "billing-backfill",
            "ledger-migrator",
            "Backfill the currency on 48,211 invoices",
        ),
        "restricted" => (1044, "people", "contract-drafter", "Change two contracts"),
        _ => (
            1050,
            "payments-client",
            "patch-runner",
            "Stop double retries in the payments client",
        ),
    };
    Notice {
        kind: Kind::Turn.name().to_owned(),
        seq: 1,
        at: now,
        handoff: Some(HandoffId(number)),
        revision: 2,
        class: class.to_owned(),
        workspace: workspace.to_owned(),
        agent: agent.to_owned(),
        title: title.to_owned(),
        why: "It came back with the changes you asked for".to_owned(),
        trigger: Some(Trigger::Completion),
        risk: Some(Risk::Medium),
        reasons: vec!["2 files can be run".to_owned()],
        confidence: Some(0.88),
        files: 6,
        changed: Some(4),
        names: vec!["src/retry.rs".to_owned(), "docs/retries.md".to_owned()],
        due: now.checked_add(SignedDuration::from_hours(4)).ok(),
        otherwise: Some(
            "It goes to on call for payments as well. It is never approved by timeout.".to_owned(),
        ),
        assignees: vec!["maya".to_owned()],
        rule: Some("payments-review".to_owned()),
        ..Notice::default()
    }
}
