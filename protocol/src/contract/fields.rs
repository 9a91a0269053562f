//! The fields of contract 1.0. The published schemas say the same; a test holds the two together.

use super::rule::{Field, Rule, may, must, unread};

const MAX_CHUNKS: u64 = crate::partial::MAX_CHUNKS as u64;
const YEAR: u64 = 31_536_000;

/// The arguments of an action.
pub(super) const ARGUMENTS: &str = "arguments";

const ID: &Rule = &Rule::Id;
const TIME: &Rule = &Rule::Time;
const PATH: &Rule = &Rule::Path;
const UNIT: &Rule = &Rule::Unit;
const FLAG: &Rule = &Rule::Flag;
const SHA256: &Rule = &Rule::Sha256;
const MEDIA: &Rule = &Rule::Media;
const COUNT: &Rule = &whole(0, crate::dialect::MAX_INTEGER);
const SPAN: &Rule = &whole(0, YEAR);
const LINES: &Rule = &list(1000, &Rule::Text { min: 1, max: 4000 });
const STATUS: &Rule = &Rule::Word(&["in_progress", "completed", "blocked", "failed", "cancelled"]);
const FREE: &Rule = &Rule::Free { max: 256 };

const fn text(max: usize) -> Rule {
    Rule::Text { min: 0, max }
}

const fn whole(min: u64, max: u64) -> Rule {
    Rule::Integer { min, max }
}

const fn list(max: usize, of: &'static Rule) -> Rule {
    Rule::List {
        of,
        min: 0,
        max,
        unique: false,
    }
}

const PARTY: &Rule = &Rule::Either(
    ID,
    &Rule::Object(&[
        must("id", ID),
        may("kind", PARTY_KIND),
        may("name", &text(200)),
        may("session_id", ID),
        may("provider", &text(64)),
        may("model", &text(128)),
        may("version", &text(64)),
    ]),
);

/// Of a checkpoint: who writes it is told by the id alone.
const CHECKPOINT_PARTY: &Rule = &Rule::Either(
    ID,
    &Rule::Object(&[
        must("id", ID),
        unread("kind", PARTY_KIND, ID_ALONE),
        unread("name", &text(200), ID_ALONE),
        unread("session_id", ID, ID_ALONE),
        unread("provider", &text(64), ID_ALONE),
        unread("model", &text(128), ID_ALONE),
        unread("version", &text(64), ID_ALONE),
    ]),
);
const PARTY_KIND: &Rule = &Rule::Word(&["agent", "human", "queue", "service"]);
const ID_ALONE: &str = "the agent of a checkpoint is known by its id";

const TRACE: &Rule = &Rule::Object(&[
    may("traceparent", &Rule::Traceparent),
    unread(
        "tracestate",
        &text(512),
        "spans go on from `traceparent` alone",
    ),
    may("correlation_id", ID),
]);

const CONFIDENCE: &Rule = &Rule::Either(
    UNIT,
    &Rule::Object(&[
        must("value", UNIT),
        may("basis", &text(2000)),
        may("threshold", UNIT),
    ]),
);

/// Of an answer: what its confidence rests on is not shown anywhere.
const ANSWER_CONFIDENCE: &Rule = &Rule::Either(
    UNIT,
    &Rule::Object(&[
        must("value", UNIT),
        unread("basis", &text(2000), "the number alone is shown"),
        may("threshold", UNIT),
    ]),
);

const EXPECTED_OUTPUT: &Rule = &Rule::Either(
    &text(4000),
    &Rule::Object(&[
        may("description", &text(4000)),
        may("media_type", MEDIA),
        may("schema", &Rule::Schema),
    ]),
);

const FALLBACK: &Rule = &Rule::Either(
    &text(400),
    &Rule::Object(&[
        must(
            "action",
            &Rule::Word(&[
                "human_queue",
                "escalate",
                "reroute",
                "dead_letter",
                "expire",
            ]),
        ),
        may("to", ID),
        may("after_seconds", SPAN),
        may("reason", &text(1000)),
    ]),
);

const ARTIFACT: &Rule = &Rule::Either(
    PATH,
    &Rule::Object(&[
        must("path", PATH),
        may(
            "role",
            &Rule::Word(&[
                "output",
                "input",
                "log",
                "transcript",
                "diff",
                "preview",
                "evidence",
                "other",
            ]),
        ),
        unread(
            "media_type",
            MEDIA,
            "what a file is follows from its bytes and its name",
        ),
        may("sha256", SHA256),
        may("size", COUNT),
        may("title", &text(200)),
    ]),
);

const REQUEST: &Rule = &Rule::Object(&[
    must("id", ID),
    may(
        "kind",
        &Rule::Word(&["review", "approve_action", "question", "input"]),
    ),
    may("prompt", &text(10_000)),
    may(
        "action",
        // A reviewer approves what is shown, so an action has no field that nothing shows.
        &Rule::Closed(&[
            must("name", &text(256)),
            may(ARGUMENTS, &Rule::Any),
            unread("call_id", ID, "an answer names the request by its `id`"),
        ]),
    ),
    may(
        "allowed",
        &Rule::List {
            of: &Rule::Word(&["approve", "edit", "reject", "respond", "ignore"]),
            min: 1,
            max: 5,
            unique: true,
        },
    ),
    may("response_schema", &Rule::Schema),
    may("expires_at", TIME),
    may("artifacts", &list(1000, PATH)),
]);

const MODEL: &Rule = &Rule::Object(&[
    may("provider", &text(64)),
    may("model", &text(128)),
    may("adapter", &text(64)),
    may("adapter_version", &text(64)),
    unread("at", TIME, "the ledger has the times of what happened here"),
    may("rationale", &text(2000)),
    may("policy", &list(32, &text(256))),
    may(
        "outcome",
        &Rule::Word(&["ok", "error", "timeout", "refused", "skipped"]),
    ),
]);

const PROVENANCE: &Rule = &Rule::Object(&[
    may(
        "inputs",
        &list(
            256,
            &Rule::Either(
                &text(2048),
                &Rule::Object(&[
                    may("name", &text(256)),
                    may("uri", &text(2048)),
                    unread(
                        "digest",
                        &Rule::Map(&text(256)),
                        "inputs are shown by name and held against nothing",
                    ),
                ]),
            ),
        ),
    ),
    may(
        "tools",
        &list(
            256,
            &Rule::Either(
                &text(256),
                &Rule::Object(&[
                    must("name", &text(256)),
                    unread("calls", COUNT, "tools are shown by name"),
                    unread("call_id", ID, "tools are shown by name"),
                ]),
            ),
        ),
    ),
    may("model", MODEL),
    may("routes", &list(64, MODEL)),
    may(
        "usage",
        &Rule::Object(&[
            may("input_tokens", COUNT),
            may("output_tokens", COUNT),
            may(
                "cost",
                &Rule::Object(&[
                    must("amount", &Rule::Amount),
                    must("currency", &Rule::Currency),
                ]),
            ),
        ]),
    ),
    unread(
        "trace",
        TRACE,
        "the trace of a handoff is its `trace` at the top",
    ),
]);

/// The fields of a handoff. `handoff_version` is checked before them, `task` or `task_id` after.
pub(super) const HANDOFF: &[Field] = &[
    may("$schema", &text(512)),
    may("handoff_version", &Rule::Any),
    may(
        "profile",
        &Rule::Word(&["minimal", "contract", "regulated"]),
    ),
    may("handoff_id", ID),
    may("idempotency_key", ID),
    may("revision", &whole(1, 1_000_000)),
    unread(
        "supersedes",
        ID,
        "a revision replaces the one before it by `task_id`, and nothing is closed by this",
    ),
    may("created_at", TIME),
    must("from_agent", PARTY),
    may("to_agent", PARTY),
    unread(
        "assignees",
        &list(32, ID),
        "who is asked follows from the rules of the operator",
    ),
    may("task_id", ID),
    may("session_id", ID),
    may("parent_handoff_id", ID),
    unread(
        "hops",
        &list(
            32,
            &Rule::Object(&[must("agent", ID), may("handoff_id", ID), may("at", TIME)]),
        ),
        "the path of a task is what the ledger recorded",
    ),
    may(
        "task",
        &Rule::Text {
            min: 1,
            max: 10_000,
        },
    ),
    may("title", &Rule::Text { min: 1, max: 200 }),
    may("status", STATUS),
    may(
        "trigger",
        &Rule::Word(&[
            "completion",
            "confidence",
            "critical_action",
            "error",
            "sensitive",
            "policy",
            "session_end",
            "manual",
        ]),
    ),
    may("reason", &text(4000)),
    may("summary", &text(20_000)),
    may("completed", LINES),
    may("remaining", LINES),
    may("decisions", LINES),
    may("pitfalls_hit", LINES),
    may("questions", LINES),
    may("context", FREE),
    may("contract", ID),
    may("confidence", CONFIDENCE),
    may(
        "scope",
        &Rule::Object(&[may("represents", &text(2000)), may("excludes", LINES)]),
    ),
    may("expected_output", EXPECTED_OUTPUT),
    may("deadline", TIME),
    may("timeout_seconds", &whole(1, YEAR)),
    may("fallback", FALLBACK),
    may(
        "return_contract",
        &Rule::Object(&[
            may("allowed", FLAG),
            unread("to", ID, "a task comes back to whom it came from"),
            may("max_hops", &whole(0, 32)),
        ]),
    ),
    may("artifacts", &list(1000, ARTIFACT)),
    unread(
        "checkpoint",
        PATH,
        "the checkpoint of a task is the newest `checkpoint.json` in its folder",
    ),
    may(
        "partials",
        &Rule::Object(&[
            may("folder", PATH),
            may("decide", &Rule::Word(&["whole", "any"])),
            may("chunks", &whole(1, MAX_CHUNKS)),
        ]),
    ),
    may("requests", &list(64, REQUEST)),
    may("evidence_refs", &list(64, &text(512))),
    may("provenance", PROVENANCE),
    may("trace", TRACE),
    may("capabilities_required", &list(64, &text(128))),
    unread(
        "privacy",
        &Rule::Object(&[
            may("modes", &list(16, &text(64))),
            may("regions", &list(64, &text(64))),
            may("retention_days", COUNT),
        ]),
        "no mode, region or retention is enforced; `classification` is",
    ),
    may("provider_id", &text(64)),
    may("adapter_version", &text(64)),
    may("latency_budget_ms", COUNT),
    may("timeout_ms", &whole(1, YEAR * 1000)),
    may("expected_output_format", MEDIA),
    unread(
        "memory",
        &list(
            256,
            &Rule::Object(&[
                must("key", ID),
                may("op", &Rule::Word(&["set", "append", "delete"])),
                may("value", &Rule::Any),
                may("version", COUNT),
            ]),
        ),
        "it counts as state of the work, and no memory is read or written",
    ),
    may(
        "classification",
        &Rule::Word(&["public", "internal", "confidential", "restricted"]),
    ),
    unread(
        "regulatory_reference",
        &Rule::Either(&text(400), &list(32, &text(400))),
        "it is shown, and nothing is held against the rules that it names",
    ),
    may(
        "sign_off_gates",
        &list(
            16,
            &Rule::Object(&[
                must("id", ID),
                may("role", &text(128)),
                may("min_approvals", &whole(1, 16)),
                may("exclude_submitter", FLAG),
                may("after", &list(16, ID)),
            ]),
        ),
    ),
    may("quality_checklist", LINES),
    unread(
        "audit_trail",
        &list(
            1000,
            &Rule::Object(&[
                must("at", TIME),
                may("actor", &text(256)),
                must("action", &text(256)),
                may("prev", SHA256),
                may("hash", SHA256),
            ]),
        ),
        "it is kept in the document, and its hashes are not checked",
    ),
    unread(
        "dialect",
        &Rule::Object(&[
            may("name", &text(64)),
            may("original", PATH),
            may("sha256", SHA256),
        ]),
        "the dialect of a document is told by its shape",
    ),
];

/// The fields of a checkpoint. `checkpoint_version` is checked before them.
pub(super) const CHECKPOINT: &[Field] = &[
    may("$schema", &text(512)),
    may("checkpoint_version", &Rule::Any),
    must("from_agent", CHECKPOINT_PARTY),
    must("step", COUNT),
    may("steps", COUNT),
    may("task_id", ID),
    may("at", TIME),
    may("status", STATUS),
    may("title", &text(200)),
    may("completed", LINES),
    may("remaining", LINES),
    may("decisions", LINES),
    may("pitfalls_hit", LINES),
    may("context", FREE),
    unread(
        "artifacts",
        &list(1000, ARTIFACT),
        "files of a checkpoint are not sealed; those of a handoff are",
    ),
    may("session_id", ID),
    may("heartbeat_seconds", &whole(1, 86_400)),
    may("pid", &whole(1, 4_194_304)),
    unread(
        "resume",
        &Rule::Object(&[
            must("path", PATH),
            may("media_type", MEDIA),
            may("sha256", SHA256),
        ]),
        "it is kept for whoever goes on, and not checked",
    ),
    unread(
        "prev",
        SHA256,
        "versions are in the order in which they were found",
    ),
    unread("trace", TRACE, "checkpoints are no part of a trace"),
];

/// The fields of an answer to a hop. `answer_version` is checked before them.
pub(super) const ANSWER: &[Field] = &[
    may("$schema", &text(512)),
    may("answer_version", &Rule::Any),
    must(
        "answer",
        &Rule::Word(&[
            "accept",
            "decline",
            "queue",
            "duplicate",
            "already_done",
            "progress",
            "complete",
            "fail",
        ]),
    ),
    may("handoff_id", ID),
    may("hop", &whole(1, 1_000_000)),
    may("agent", ID),
    may(
        "reason",
        &Rule::Word(&[
            "bad_signature",
            "incomplete_context",
            "missing_tools",
            "context_overflow",
            "out_of_scope",
            "conflicting_task",
            "deadline_too_short",
            "other",
        ]),
    ),
    may("note", &text(4000)),
    may("retry_after_seconds", &whole(1, YEAR)),
    may("original", ID),
    may("percent", &whole(0, 100)),
    may("confidence", ANSWER_CONFIDENCE),
    may("result", &Rule::Any),
    may("artifacts", &list(1000, ARTIFACT)),
    unread(
        "trace",
        TRACE,
        "the trace of a hop is the one that it was offered with",
    ),
];
