//! Which fact is told, and what there is to tell about it. Pure: an entry and the state in, notices out.

use std::sync::Arc;

use countersign_protocol::{
    HandoffId,
    chain::{Body, Entry},
    decision::Outcome,
    event::{Accepted, Event},
    principal::Actor,
};

use crate::{
    config::Kind,
    ledger::{Card, State},
    message::{Notice, Risk},
    policy::{self, Level, Rules},
    workspace::{Settings, Workspaces},
};

/// Names of files in a message.
const NAMES: usize = 8;

/// A notice with the receiver that must not get it, since it is about that one.
pub(super) struct Told {
    pub(super) notice: Notice,
    pub(super) not_to: Option<String>,
}

/// What there is to tell about an entry.
pub(super) fn notices(
    state: &State,
    workspaces: &Workspaces,
    entry: &Entry,
    body: &Body,
) -> Vec<Told> {
    let notice = match &body.event {
        Event::Accepted(accepted) => accepted_notice(state, workspaces, accepted),
        Event::Decided(decided) => {
            about(state, workspaces, decided.handoff, decided.revision).map(|notice| Notice {
                kind: Kind::Decided.name().to_owned(),
                outcome: Some(decided.outcome),
                ..notice
            })
        }
        Event::Withdrawn {
            handoff, revision, ..
        } => about(state, workspaces, *handoff, *revision).map(|notice| Notice {
            kind: Kind::Withdrawn.name().to_owned(),
            outcome: Some(Outcome::Cancelled),
            ..notice
        }),
        Event::Refused { at, violations, .. } => {
            let settings = settings(workspaces, &at.workspace);
            let first = violations
                .first()
                .map_or("it cannot be read", |violation| violation.message.as_str());
            Some(Notice {
                kind: Kind::DeadLetter.name().to_owned(),
                class: settings.class,
                workspace: at.workspace.clone(),
                line: Some(format!("{}/{}: {first}", at.folder, at.file)),
                ..Notice::default()
            })
        }
        Event::ReceiverDisabled { receiver, why } => Some(Notice {
            kind: Kind::Trouble.name().to_owned(),
            line: Some(format!("`{receiver}` gets no more messages: {why}")),
            ..Notice::default()
        }),
        Event::MessageFailed { receiver, why, .. } => Some(Notice {
            kind: Kind::Trouble.name().to_owned(),
            line: Some(format!("a message to `{receiver}` failed for good: {why}")),
            ..Notice::default()
        }),
        _ => None,
    };
    let not_to = match &body.event {
        Event::ReceiverDisabled { receiver, .. } | Event::MessageFailed { receiver, .. } => {
            Some(receiver.clone())
        }
        _ => None,
    };
    let told = notice.map(|notice| Told {
        notice: Notice {
            seq: entry.seq,
            at: body.at,
            by: by(body),
            ..notice
        },
        not_to,
    });
    let mut told: Vec<Told> = told.into_iter().collect();
    if matches!(body.event, Event::Accepted(_))
        && let Some(first) = told.first()
    {
        let notice = Notice {
            kind: Kind::Accepted.name().to_owned(),
            ..first.notice.clone()
        };
        told.insert(
            0,
            Told {
                notice,
                not_to: None,
            },
        );
    }
    told
}

/// Who answered or took back. Who handed over is the agent, which has a place of its own.
fn by(body: &Body) -> Option<String> {
    match (&body.event, &body.actor) {
        (Event::Accepted(_), _) | (_, Actor::Daemon) => None,
        (_, actor) => Some(actor.name().to_owned()),
    }
}

fn settings(workspaces: &Workspaces, name: &str) -> Settings {
    let found = workspaces.get(name);
    found.map_or_else(Settings::default, |workspace| workspace.settings.clone())
}

fn accepted_notice(state: &State, workspaces: &Workspaces, accepted: &Accepted) -> Option<Notice> {
    let notice = about(state, workspaces, accepted.handoff, accepted.revision)?;
    let kind = if accepted.stalled.is_some() {
        Kind::Stopped
    } else {
        Kind::Turn
    };
    Some(Notice {
        kind: kind.name().to_owned(),
        ..notice
    })
}

/// What there is to know about a revision.
pub(super) fn about(
    state: &State,
    workspaces: &Workspaces,
    handoff: HandoffId,
    revision: u32,
) -> Option<Notice> {
    let card: &Arc<Card> = state.card(handoff)?;
    let accepted = &card.revision(revision)?.accepted;
    let settings = settings(workspaces, &card.workspace);
    let rules = Rules {
        confidence_floor: settings.confidence_floor,
        class: &settings.class,
    };
    let revised = card.decisions.iter().any(|decision| {
        decision.decided.outcome == Outcome::ChangesRequested
            && decision.decided.revision < revision
    });
    let verdict = policy::assess(accepted, rules, revised);
    let entries = &accepted.manifest.entries;
    let before = card
        .revision(revision.saturating_sub(1))
        .map(|before| &before.accepted.manifest.entries);
    let changed = before.map(|before| {
        let same = |entry: &&countersign_protocol::manifest::ManifestEntry| {
            !before
                .iter()
                .any(|old| old.path == entry.path && old.sha256 == entry.sha256)
        };
        entries.iter().filter(same).count()
    });
    Some(Notice {
        handoff: Some(handoff),
        revision,
        digest: Some(accepted.manifest_sha256),
        class: settings.class.clone(),
        workspace: card.workspace.clone(),
        agent: accepted.from_agent.clone(),
        title: accepted.title.clone(),
        why: verdict.why,
        trigger: Some(accepted.trigger),
        risk: match verdict.level {
            Level::Low => Risk::Low,
            Level::Medium => Risk::Medium,
            Level::High => Risk::High,
        },
        reasons: verdict.reasons,
        confidence: accepted.confidence,
        files: entries.len(),
        changed,
        names: entries
            .iter()
            .take(NAMES)
            .map(|entry| entry.path.clone())
            .collect(),
        due: accepted.due,
        otherwise: policy::effects(accepted)
            .into_iter()
            .find(|effect| effect.answer == "none")
            .map(|effect| effect.text),
        step: accepted
            .stalled
            .as_ref()
            .map(|stalled| (stalled.step, None)),
        ..Notice::default()
    })
}
