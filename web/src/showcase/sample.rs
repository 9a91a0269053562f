//! The sample work.

use std::collections::{BTreeMap, BTreeSet};

use countersign_protocol::{
    Digest, HandoffId,
    access::{Access, Role},
    chain::Head,
    content::{Binary, Body, Content, Image, Kind, sniff},
    decision::{ChangeRequest, DecidedBy, DecisionDocument, LogReference, Outcome, Resume},
    handoff::Trigger,
    place::Place,
    principal::Method,
    problem::{ProblemKind, Violation},
    terms::{RuleTerms, Terms},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    asked,
    card::{Card, Files},
    cards::{cards, unhex},
    growing, threads,
};
use crate::desk::{
    ActivityRow, CareNeeded, Check, DeadLetter, DeliveryRow, Effect, HandoffRow, Health, Person,
    Queue, QueueCounts, QueueView, Review, Risk, RiskLevel, TimelineItem, WorkspaceRow,
    threads::{Comment, Landing, Standing, ThreadRow},
};

/// Text of an agent that wants to be more than text.
pub const HOSTILE: &str =
    "<script>alert(1)</script>\" onfocus=\"x\u{202E}gpj.exe\u{200B} {{ 7*7 }}";

/// The time at which the samples are looked at: 20 November 2026, 14:20 UTC.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_795_184_400).unwrap_or_default()
}

pub(super) fn minutes(number: i64) -> Timestamp {
    now() + SignedDuration::from_mins(number)
}

/// The reviewer.
pub fn maya() -> Person {
    Person {
        id: "local:maya".to_owned(),
        display: "Maya Okafor".to_owned(),
        method: Method::Web,
        access: Access::everywhere(&[Role::Approver, Role::Operator]),
    }
}

/// A healthy daemon with two workspaces.
pub fn health() -> Health {
    let workspace = |name: &str, waiting, trouble: Option<&str>| WorkspaceRow {
        name: name.to_owned(),
        path: format!("/srv/work/{name}"),
        mode: "watching".to_owned(),
        trouble: trouble.map(str::to_owned),
        waiting,
        dead_letters: 0,
    };
    Health {
        ready: true,
        troubles: Vec::new(),
        head: Head {
            seq: 18_442,
            hash: Digest::of(b"head"),
        },
        version: "0.1.0".to_owned(),
        workspaces: vec![
            workspace("billing-backfill", 1, None),
            workspace("board-q3", 1, None),
        ],
    }
}

/// A page of the queue.
pub fn queue(view: QueueView) -> Queue {
    let cards = cards();
    let mut rows: Vec<_> = cards.into_iter().map(|card| card.review.row).collect();
    rows.retain(|row| (row.state == "waiting") == (view == QueueView::Turn));
    Queue {
        counts: QueueCounts {
            team: 1,
            snoozed: 0,
            turn: 5,
            agents: 0,
            decided: 1,
        },
        rows,
        dead_letters: dead_letters(),
        next_cursor: None,
        locks: 3,
        seq: 100,
    }
}

/// The review with everything in it.
pub fn review() -> Review {
    let mut review = cards().swap_remove(0).review;
    review.revision = review.row.revision;
    review.warnings = vec![Violation {
        code: "unknown_field".to_owned(),
        pointer: "/confidnce".to_owned(),
        line: 1,
        column: 2,
        message: "This field is not part of the contract".to_owned(),
        fix: Some("Did you mean `confidence`?".to_owned()),
    }];
    review.document = Some("{\"handoff_version\": \"1.0\"}".to_owned());
    review.earlier_requests = requests();
    review.partial_end = Some("…and revenue rose by 4 %.".to_owned());
    review.row.partial = Some(Box::new(growing::row(minutes(-1))));
    let file = |text: Option<&str>| crate::desk::ResultFile {
        path: HOSTILE.to_owned(),
        size: 7,
        sha256: Digest::ZERO,
        text: text.map(str::to_owned),
    };
    review.result = Some(Box::new(crate::desk::HeldResult {
        hop: 1,
        agent: HOSTILE.to_owned(),
        document: HOSTILE.to_owned(),
        files: vec![file(Some(HOSTILE)), file(None)],
    }));
    review
}

/// One of each kind: asked for in the last round, answered, resolved, about the whole, from an agent.
pub(crate) fn threads() -> Vec<ThreadRow> {
    let comment = |by: &str, agent: bool, at: i64, text: &str| Comment {
        by: by.to_owned(),
        agent,
        at: minutes(at),
        text: text.to_owned(),
    };
    let asked = requests();
    let first = asked[0].place();
    let file = Place {
        path: Some("scripts/apply.sh".to_owned()),
        ..Place::default()
    };
    let row = |thread: u32, place: &Place, comments: Vec<Comment>| ThreadRow {
        thread,
        revision: 1,
        now: threads::landing(place),
        place: place.clone(),
        request: None,
        resolved: None,
        comments,
    };
    vec![
        ThreadRow {
            request: Some("q1".to_owned()),
            now: Landing {
                standing: Standing::Changed,
                ..threads::landing(&first)
            },
            ..row(
                1,
                &first,
                vec![
                    comment("Maya Okafor", false, -62, &asked[0].text),
                    comment(
                        "ledger-migrator",
                        true,
                        -20,
                        "Joined country_history instead.",
                    ),
                ],
            )
        },
        ThreadRow {
            resolved: Some(("Sam Ito".to_owned(), minutes(-9))),
            ..row(
                2,
                &file,
                vec![comment(
                    "Sam Ito",
                    false,
                    -30,
                    "Stop at the first error, please.",
                )],
            )
        },
        ThreadRow {
            now: Landing {
                standing: Standing::Gone,
                ..Landing::default()
            },
            ..row(
                3,
                &Place {
                    path: Some("notes/old.md".to_owned()),
                    line: Some(4),
                    ..Place::default()
                },
                vec![comment("Sam Ito", false, -29, HOSTILE)],
            )
        },
        ThreadRow {
            revision: 2,
            ..row(
                4,
                &Place::default(),
                vec![comment(
                    "Sam Ito",
                    false,
                    -6,
                    "Credit notes CN-00412 and 413 look like the only ones. Fine to leave out.",
                )],
            )
        },
    ]
}

fn requests() -> Vec<ChangeRequest> {
    vec![
        ChangeRequest {
            id: "q1".to_owned(),
            path: Some("migrations/0042_backfill_currency.sql".to_owned()),
            line: Some(2),
            text: "Use the country on the date of the invoice.".to_owned(),
            ..ChangeRequest::default()
        },
        ChangeRequest {
            id: "q2".to_owned(),
            path: None,
            line: None,
            text: "What happens to credit notes?".to_owned(),
            ..ChangeRequest::default()
        },
    ]
}

/// A decision about the first revision of H-7.
pub fn decision() -> DecisionDocument {
    DecisionDocument {
        decision_version: "1.0".to_owned(),
        handoff_id: HandoffId(7),
        agent_handoff_id: None,
        task_id: None,
        revision: 1,
        handoff_sha256: Digest::of(b"handoff"),
        manifest_sha256: Digest::of(b"manifest"),
        outcome: Outcome::ChangesRequested,
        decided_at: minutes(-121),
        decided_by: DecidedBy {
            principal: "local:maya".to_owned(),
            display: "Maya Okafor".to_owned(),
            method: Method::Web,
            verified: None,
        },
        votes: Vec::new(),
        comment: Some("Billing country can change after the invoice.".to_owned()),
        requests: requests(),
        threads: Vec::new(),
        artifacts: Vec::new(),
        released_to: None,
        answers: Vec::new(),
        reasons: Vec::new(),
        edited: None,
        terms: Terms::default(),
        envelope: None,
        partial: None,
        resume: Resume {
            dialect: "contract-1.0".to_owned(),
            from_checkpoint: Some(6),
            payload: Value::Null,
        },
        log: LogReference {
            index: 18_371,
            hash: Digest::of(b"entry"),
        },
    }
}

/// One delivery that could not be read.
pub fn dead_letters() -> Vec<DeadLetter> {
    let text = "{\n  \"handoff_version\": \"1.0\",\n  \"from_agent\": \"supplier-desk\",\n  \"task\": \"Reconcile October\",\n  \"confidence\": \"high\"\n}\n";
    vec![DeadLetter {
        seq: 18_440,
        workspace: "ap-october".to_owned(),
        file: "handoff.json".to_owned(),
        kind: ProblemKind::InvalidContract,
        errors: vec![Violation {
            code: "type".to_owned(),
            pointer: "/confidence".to_owned(),
            line: 5,
            column: 17,
            message: "must be a number between 0 and 1, not text.".to_owned(),
            fix: Some("Write a number, for example `0.8`.".to_owned()),
        }],
        at: minutes(-6),
        text: Some(text.to_owned()),
    }]
}

/// What happened lately.
pub fn activity() -> Vec<ActivityRow> {
    [
        (
            18_442,
            -2,
            "Maya Okafor",
            "commented",
            Some(7),
            "Credit notes look fine to leave out.",
        ),
        (
            18_440,
            -6,
            "countersign",
            "refused",
            None,
            "ap-october/handoff.json: /confidence must be a number",
        ),
        (
            18_433,
            -18,
            "ledger-migrator",
            "handed_over",
            Some(7),
            "revision 2, 8 files",
        ),
        (
            18_371,
            -121,
            "Maya Okafor",
            "decided",
            Some(7),
            "asked for changes, 2 requests",
        ),
        (
            18_360,
            -136,
            "ledger-migrator",
            "handed_over",
            Some(7),
            HOSTILE,
        ),
    ]
    .into_iter()
    .map(|(seq, at, actor, event, id, text)| ActivityRow {
        seq,
        at: minutes(at),
        actor: actor.to_owned(),
        event: event.to_owned(),
        handoff: id.map(HandoffId),
        workspace: None,
        text: text.to_owned(),
    })
    .collect()
}

pub(super) fn row(id: u64, title: &str, why: &str, agent: &str, workspace: &str) -> HandoffRow {
    HandoffRow {
        id: HandoffId(id),
        revision: 1,
        title: title.to_owned(),
        why: why.to_owned(),
        agent: agent.to_owned(),
        workspace: workspace.to_owned(),
        folder: String::new(),
        state: "waiting".to_owned(),
        trigger: Trigger::Completion,
        risk: Risk {
            level: RiskLevel::Low,
            reasons: Vec::new(),
        },
        confidence: Some(0.95),
        floor: 0.8,
        class: "internal".to_owned(),
        files: 0,
        changed_since_my_review: false,
        handed_over_at: minutes(-12),
        due_at: None,
        manifest_sha256: Digest::ZERO,
        decided: None,
        stalled: false,
        claimed_by: None,
        looking: None,
        open_threads: 0,
        held: None,
        came_back: None,
        partial: None,
    }
}

fn effects() -> Vec<Effect> {
    [
        ("approve", "8 files are released to approved/H-7/ as they were sealed. The agent resumes at step 7 of 9."),
        ("changes", "Your note and requests go to the agent. It comes back as revision 3 on this card."),
        ("reject", "The task ends. Nothing is released."),
        ("none", "It stays here and is marked late at 15:02. It is never approved by a timeout."),
    ]
    .into_iter()
    .map(|(answer, text)| Effect {
        answer: answer.to_owned(),
        text: text.to_owned(),
    })
    .collect()
}

fn checks() -> Vec<Check> {
    [
        (true, true, "Contract 1.0, profile contract"),
        (true, true, "8 of 8 file digests match"),
        (true, false, "Agent says 41 of 41 tests pass"),
        (false, true, "1 file is not named by the agent"),
        (false, true, "The check links failed with exit code 1"),
    ]
    .into_iter()
    .map(|(ok, verified, text)| Check {
        ok,
        verified,
        text: text.to_owned(),
        said: text
            .contains("exit code")
            .then(|| "report.md:12: no such page: prices.html\n".to_owned()),
    })
    .collect()
}

pub(super) fn card(row: HandoffRow, ask: &str, revisions: Vec<Files>) -> Card {
    let words = |list: &[&str]| {
        list.iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    let review = Review {
        approval: None,
        partial_end: None,
        result: None,
        revision: 1,
        manifest_sha256: Digest::ZERO,
        sender: "file owner uid 1000".to_owned(),
        ask: ask.to_owned(),
        summary: None,
        completed: Vec::new(),
        remaining: Vec::new(),
        pitfalls: Vec::new(),
        choices: Vec::new(),
        questions: Vec::new(),
        effects: effects(),
        observed: None,
        answers: words(&["approve", "edit", "changes", "reject"]),
        checks: checks(),
        evidence: super::evidence::rows(),
        files: crate::desk::Files::default(),
        base: None,
        bases: Vec::new(),
        earlier_requests: Vec::new(),
        timeline: Vec::new(),
        care: CareNeeded::default(),
        terms: RuleTerms::default(),
        reasons: super::card::reasons(),
        requests: Vec::new(),
        threads: Vec::new(),
        drafts: Vec::new(),
        edits: Vec::new(),
        viewed: BTreeSet::new(),
        facts: vec![
            ("Model".to_owned(), "anthropic, claude-sonnet".to_owned()),
            ("Session".to_owned(), "s_9f31c2".to_owned()),
        ],
        warnings: Vec::new(),
        decision: None,
        delivered: false,
        delivery: None,
        position: Some((1, 5)),
        previous: None,
        next: Some(HandoffId(9)),
        document: Some(format!(
            "{{\n  \"handoff_version\": \"1.0\",\n  \"from_agent\": \"{}\"\n}}\n",
            row.agent
        )),
        row,
    };
    let mut card = Card {
        review,
        revisions,
        decisions: BTreeMap::new(),
        delivered: false,
        texts: BTreeMap::new(),
    };
    card.settle();
    card
}

pub(super) fn files(list: &[(&str, &[u8])]) -> Files {
    list.iter()
        .map(|(path, bytes)| ((*path).to_owned(), (bytes.to_vec(), *path != "notes.tmp")))
        .collect()
}

pub(super) fn backfill() -> Card {
    let mut row = row(
        7,
        "Backfill currency on 48,211 legacy invoices",
        "Confidence 0.62 is under the 0.80 floor, and the next step writes to production",
        "ledger-migrator",
        "billing-backfill",
    );
    row.trigger = Trigger::CriticalAction;
    row.risk = Risk {
        level: RiskLevel::High,
        reasons: vec![
            "touches production".to_owned(),
            "confidence under the floor".to_owned(),
        ],
    };
    row.confidence = Some(0.62);
    "confidential".clone_into(&mut row.class);
    row.handed_over_at = minutes(-18);
    row.due_at = Some(minutes(42));
    let common: [(&str, &[u8]); 4] = [
        (
            "scripts/apply.sh",
            b"#!/bin/sh\nset -eu\npsql -f migrations/0042_backfill_currency.sql\n",
        ),
        (
            "scripts/rollback.sh",
            b"#!/bin/sh\nset -eu\npsql -c 'CALL restore_currency()'\n",
        ),
        (
            "evidence/dry-run.log.zst",
            b"\x28\xb5\x2f\xfd\x24\x41\x09\x02\x00 dry run, packed \xff\xfe\x00\x01 and more bytes",
        ),
        (
            "reports/unresolved.csv",
            b"invoice_id,reason\nCN-00412,no country\nCN-00413,no country\n",
        ),
    ];
    let mut first = files(&common);
    first.extend(files(&[
        ("migrations/0042_backfill_currency.sql", OLD_SQL.as_bytes()),
        (
            "docs/runbook.md",
            b"# Runbook\n\nTake a snapshot first.\n\nContact the data team for rollback.\n",
        ),
        ("charts/mismatch-by-region.png", &unhex(CHART_BEFORE)),
        ("reports/draft.txt", b"A first draft.\n"),
    ]));
    let mut second = files(&common);
    second.extend(files(&[
        ("migrations/0042_backfill_currency.sql", NEW_SQL.as_bytes()),
        ("docs/runbook.md", b"# Runbook\n\nTake a snapshot first.\n\n## If the mismatch alarm fires\n\n1. Stop the job with `scripts/apply.sh --stop`.\n2. Run `scripts/rollback.sh --to-batch N`.\n"),
        ("charts/mismatch-by-region.png", &unhex(CHART_AFTER)),
        ("notes.tmp", b"scratch\n"),
    ]));
    let mut card = card(
        row,
        "May I run scripts/apply.sh against the production ledger?",
        vec![first, second],
    );
    card.review.summary = Some("Adds a currency to 47,999 of 48,211 invoices that lack one, inferred from the customer’s country on the date of the invoice. 212 could not be inferred and are left untouched, listed in reports/unresolved.csv.".to_owned());
    card.review.completed = vec![
        "Joined the history of countries".to_owned(),
        "Dry run over all batches".to_owned(),
    ];
    card.review.remaining = vec!["Run against production".to_owned()];
    card.review.pitfalls = vec!["Credit notes have no country".to_owned()];
    card.review.choices = vec!["Country on the invoice date, not the billing country".to_owned()];
    card.review.questions = vec!["Shall credit notes be left out?".to_owned()];
    card.review.requests = asked::two();
    card.review.timeline = timeline();
    card.review.threads = threads();
    card.decisions.insert(1, decision());
    card.delivered = true;
    card.settle();
    card
}

/// An answer that found no folder to go to.
#[cfg(test)]
pub(crate) fn undelivered() -> DeliveryRow {
    DeliveryRow {
        delivered: false,
        folders: vec!["shop/reports".to_owned()],
        at: now(),
    }
}

fn timeline() -> Vec<TimelineItem> {
    [
        (
            "revision",
            -18,
            "Revision 2 handed over",
            Some("4 files changed"),
        ),
        ("checkpoint", -19, "Checkpoint 6, dry run finished", None),
        (
            "silence",
            -82,
            "No heartbeat for 9 min",
            Some("resumed from checkpoint 4"),
        ),
        (
            "decision",
            -121,
            "Maya Okafor asked for changes",
            Some("2 requests"),
        ),
        ("revision", -136, "Revision 1 handed over", None),
    ]
    .into_iter()
    .map(|(kind, at, title, detail)| TimelineItem {
        at: minutes(at),
        kind: kind.to_owned(),
        title: title.to_owned(),
        detail: detail.map(str::to_owned),
        seq: 1,
    })
    .collect()
}

const OLD_SQL: &str = "UPDATE ledger.invoices i
SET    currency = c.billing_currency
FROM   customers c
WHERE  i.customer_id = c.id
  AND  i.currency IS NULL
  AND  i.id BETWEEN :lo AND :hi
RETURNING i.id, i.currency;
";

const NEW_SQL: &str = "UPDATE ledger.invoices i
SET    currency = c.currency
FROM   country_history h
JOIN   country_currency c ON c.country = h.country
WHERE  i.customer_id = h.customer_id
  AND  i.issued_at >= h.valid_from
  AND  i.issued_at <  coalesce(h.valid_to, 'infinity')
  AND  i.currency IS NULL
  AND  i.id BETWEEN :lo AND :hi
  AND  i.kind = 'invoice'
RETURNING i.id, i.currency;
";

/// A chart as PNG, 320 by 120 pixels.
const CHART_BEFORE: &str = "89504e470d0a1a0a0000000d4948445200000140000000780203000000fea0c34d00000009504c5445ff \
     ffff3a6ea5788282d7e68ca0000000594944415478daedccb10980301445d16fe108d92723a4304b66ca \
     94df46449020726ef9e09d08495a57cf2a100804028140201008045e57f2d780402010f813703b4d4020 \
     1008040281c07b70cfe50002815f03c7cb85f4bc090abc548c85a6afb50000000049454e44ae426082";

/// The same chart later.
const CHART_AFTER: &str = "89504e470d0a1a0a0000000d4948445200000140000000780203000000fea0c34d00000009504c5445ff \
     ffff3a6ea5788282d7e68ca0000000494944415478daedd4b10d80300c45c1503002fb6484146449a64c \
     697748282988eeca2ff9952e050000000000000060a11eea5ec12beeda4bf048d36f82672cb7600e3e93 \
     f9127c300042f596dd89dbf5390000000049454e44ae426082";

/// What the bounded reader would find, as far as the sample work has need of it.
pub fn content(path: &str, bytes: &[u8]) -> Content {
    let file_type = sniff(bytes, true, path);
    let pixels = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |all, byte| all << 8 | u32::from(*byte))
    };
    let body = match (file_type.kind, bytes.get(16..24)) {
        (Kind::Image, Some(size)) => Body::Image(Image {
            width: pixels(&size[..4]),
            height: pixels(&size[4..]),
            colour: "RGB, 8 bit".to_owned(),
            showable: true,
            ..Image::default()
        }),
        (kind, _) => Body::Binary(Binary::of(bytes, kind == Kind::Program)),
    };
    Content {
        file_type,
        size: bytes.len() as u64,
        body,
        text: Vec::new(),
        findings: Vec::new(),
        cut: None,
    }
}
