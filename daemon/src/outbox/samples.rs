//! Messages about work that does not exist: to look at, to try a channel with, and for the tests.

use countersign_protocol::{HandoffId, decision::Outcome, handoff::Trigger};
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
            let cause = countersign_protocol::Digest::of(format!("sample {name} {now}").as_bytes());
            all.push((name, Owed::new(lane, to.cloned(), notices, cause)));
        };
        if kind == Kind::Digest {
            let rows = ["internal", "public", "confidential"].map(|class| turn(class, now));
            let late = Notice {
                due: now.checked_sub(SignedDuration::from_mins(4)).ok(),
                risk: Risk::High,
                title: "Reply to 14 supplier disputes".to_owned(),
                ..turn("internal", now)
            };
            let head = Notice {
                kind: kind.name().to_owned(),
                at: now,
                ..Notice::default()
            };
            let first = [head.clone(), late]
                .into_iter()
                .chain(rows[..2].to_vec())
                .collect();
            add(kind.name().to_owned(), first);
            add(
                format!("{}-confidential", kind.name()),
                [head].into_iter().chain(rows).collect(),
            );
            continue;
        }
        add(kind.name().to_owned(), vec![of(kind, "internal", now)]);
        if matches!(kind, Kind::Turn | Kind::Decided) {
            for class in ["confidential", "restricted"] {
                add(
                    format!("{}-{class}", kind.name()),
                    vec![of(kind, class, now)],
                );
            }
        }
    }
    all
}

/// A sample of one kind.
pub(super) fn of(kind: Kind, class: &str, now: Timestamp) -> Notice {
    let notice = Notice {
        kind: kind.name().to_owned(),
        ..turn(class, now)
    };
    match kind {
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
        Kind::Escalated => Notice {
            was: Some("data-reviewers".to_owned()),
            risk: Risk::High,
            ..notice
        },
        Kind::Stopped => Notice {
            step: Some((3, Some(8))),
            why: "The agent fell silent after step 3".to_owned(),
            ..notice
        },
        Kind::DeadLetter | Kind::Trouble | Kind::Test => Notice {
            kind: kind.name().to_owned(),
            at: now,
            workspace: "payments-client".to_owned(),
            line: match kind {
                Kind::DeadLetter => {
                    Some("reports/handoff.json: `task` must be text, not a number".to_owned())
                }
                Kind::Trouble => {
                    Some("`ci` gets no more messages: it has failed for five days: 503".to_owned())
                }
                _ => None,
            },
            ..Notice::default()
        },
        _ => notice,
    }
}

fn turn(class: &str, now: Timestamp) -> Notice {
    Notice {
        kind: Kind::Turn.name().to_owned(),
        seq: 1,
        at: now,
        handoff: Some(HandoffId(1050)),
        revision: 2,
        class: class.to_owned(),
        workspace: "payments-client".to_owned(),
        agent: "patch-runner".to_owned(),
        title: "Stop double retries in the payments client".to_owned(),
        why: "It came back with the changes you asked for".to_owned(),
        trigger: Some(Trigger::Completion),
        risk: Risk::Medium,
        reasons: vec!["2 files can be run".to_owned()],
        confidence: Some(0.88),
        files: 6,
        changed: Some(4),
        names: vec!["src/retry.rs".to_owned(), "docs/retries.md".to_owned()],
        due: now.checked_add(SignedDuration::from_hours(4)).ok(),
        otherwise: Some("It keeps waiting. It is never approved by timeout.".to_owned()),
        assignees: vec!["maya".to_owned()],
        rule: Some("payments-review".to_owned()),
        ..Notice::default()
    }
}
