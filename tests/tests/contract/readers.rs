//! Holds every field of the contract and every key of the configuration against what reads it: what nothing reads
//! has to say so.

use std::collections::BTreeSet;

use countersign_protocol::contract::field_list;
use countersign_tests::repo;

const ADMIT: &str = "daemon/src/intake/admit.rs";
const BUILD: &str = "protocol/src/contract/build.rs";
const HOP: &str = "daemon/src/intake/hop.rs";
const OFFER: &str = "protocol/src/transfer/offer.rs";
const PAGE: &str = "daemon/src/review/page.rs";
const REQUESTS: &str = "daemon/src/review/requests.rs";
const SILENCE: &str = "daemon/src/intake/silence.rs";
const HOP_ANSWER: &str = "daemon/src/intake/answer.rs";
const TOLD: &str = "daemon/src/writeback/acknowledgement.rs";
/// For editors, which find the schema by it.
const EDITORS: &str = "README.md";

/// Each field with a file that reads it. The name of the field stands in that file.
const READERS: &[(&str, &str)] = &[
    ("handoff/$schema", EDITORS),
    ("handoff/handoff_version", "protocol/src/contract/mod.rs"),
    ("handoff/profile", "protocol/src/contract/profile.rs"),
    ("handoff/handoff_id", ADMIT),
    ("handoff/idempotency_key", ADMIT),
    ("handoff/revision", ADMIT),
    ("handoff/created_at", "protocol/src/contract/relations.rs"),
    ("handoff/from_agent", ADMIT),
    ("handoff/from_agent/id", ADMIT),
    ("handoff/from_agent/kind", PAGE),
    ("handoff/from_agent/name", PAGE),
    ("handoff/from_agent/session_id", PAGE),
    ("handoff/from_agent/provider", PAGE),
    ("handoff/from_agent/model", "daemon/src/search/stated.rs"),
    ("handoff/from_agent/version", PAGE),
    ("handoff/to_agent", HOP),
    ("handoff/to_agent/id", ADMIT),
    ("handoff/to_agent/kind", HOP),
    ("handoff/to_agent/name", PAGE),
    ("handoff/to_agent/session_id", PAGE),
    ("handoff/to_agent/provider", PAGE),
    ("handoff/to_agent/model", PAGE),
    ("handoff/to_agent/version", PAGE),
    ("handoff/task_id", ADMIT),
    ("handoff/session_id", ADMIT),
    ("handoff/parent_handoff_id", ADMIT),
    ("handoff/task", "protocol/src/handoff.rs"),
    ("handoff/title", "protocol/src/handoff.rs"),
    ("handoff/status", "protocol/src/handoff.rs"),
    ("handoff/trigger", ADMIT),
    ("handoff/reason", PAGE),
    ("handoff/summary", PAGE),
    ("handoff/completed", PAGE),
    ("handoff/remaining", PAGE),
    ("handoff/decisions", PAGE),
    ("handoff/pitfalls_hit", PAGE),
    ("handoff/questions", PAGE),
    ("handoff/context", TOLD),
    ("handoff/contract", "daemon/src/contracts/mod.rs"),
    ("handoff/confidence", ADMIT),
    ("handoff/confidence/value", ADMIT),
    ("handoff/confidence/basis", PAGE),
    ("handoff/confidence/threshold", "daemon/src/policy/work.rs"),
    ("handoff/scope", PAGE),
    ("handoff/scope/represents", PAGE),
    ("handoff/scope/excludes", PAGE),
    ("handoff/expected_output", OFFER),
    ("handoff/expected_output/description", PAGE),
    ("handoff/expected_output/media_type", BUILD),
    ("handoff/expected_output/schema", HOP_ANSWER),
    ("handoff/deadline", ADMIT),
    ("handoff/timeout_seconds", ADMIT),
    ("handoff/fallback", "protocol/src/fallback.rs"),
    ("handoff/fallback/action", "protocol/src/fallback.rs"),
    ("handoff/fallback/to", "protocol/src/fallback.rs"),
    ("handoff/fallback/after_seconds", "protocol/src/fallback.rs"),
    ("handoff/fallback/reason", PAGE),
    ("handoff/return_contract", OFFER),
    ("handoff/return_contract/allowed", OFFER),
    ("handoff/return_contract/max_hops", OFFER),
    ("handoff/artifacts", "daemon/src/intake/gather.rs"),
    ("handoff/artifacts/path", "daemon/src/intake/gather.rs"),
    ("handoff/artifacts/role", "daemon/src/intake/gather.rs"),
    ("handoff/artifacts/sha256", "protocol/src/handoff.rs"),
    ("handoff/artifacts/size", "protocol/src/handoff.rs"),
    ("handoff/artifacts/title", "daemon/src/intake/gather.rs"),
    ("handoff/partials", "daemon/src/ledger/partial.rs"),
    ("handoff/partials/folder", "daemon/src/ledger/partial.rs"),
    ("handoff/partials/decide", "daemon/src/review/partial.rs"),
    ("handoff/partials/chunks", "daemon/src/review/partial.rs"),
    ("handoff/requests", REQUESTS),
    ("handoff/requests/id", REQUESTS),
    ("handoff/requests/kind", REQUESTS),
    ("handoff/requests/prompt", REQUESTS),
    ("handoff/requests/action", REQUESTS),
    ("handoff/requests/action/name", REQUESTS),
    ("handoff/requests/action/arguments", REQUESTS),
    ("handoff/requests/allowed", REQUESTS),
    ("handoff/requests/response_schema", REQUESTS),
    ("handoff/requests/expires_at", REQUESTS),
    ("handoff/requests/artifacts", REQUESTS),
    ("handoff/evidence_refs", "protocol/src/reference.rs"),
    ("handoff/provenance", PAGE),
    ("handoff/provenance/inputs", PAGE),
    ("handoff/provenance/inputs/name", PAGE),
    ("handoff/provenance/inputs/uri", PAGE),
    ("handoff/provenance/tools", PAGE),
    ("handoff/provenance/tools/name", PAGE),
    ("handoff/provenance/model", PAGE),
    ("handoff/provenance/model/provider", PAGE),
    ("handoff/provenance/model/model", PAGE),
    ("handoff/provenance/model/adapter", PAGE),
    ("handoff/provenance/model/adapter_version", PAGE),
    ("handoff/provenance/model/rationale", PAGE),
    ("handoff/provenance/model/policy", PAGE),
    ("handoff/provenance/model/outcome", PAGE),
    ("handoff/provenance/routes", PAGE),
    ("handoff/provenance/routes/provider", PAGE),
    ("handoff/provenance/routes/model", PAGE),
    ("handoff/provenance/routes/adapter", PAGE),
    ("handoff/provenance/routes/adapter_version", PAGE),
    ("handoff/provenance/routes/rationale", PAGE),
    ("handoff/provenance/routes/policy", PAGE),
    ("handoff/provenance/routes/outcome", PAGE),
    ("handoff/provenance/usage", PAGE),
    ("handoff/provenance/usage/input_tokens", PAGE),
    ("handoff/provenance/usage/output_tokens", PAGE),
    ("handoff/provenance/usage/cost", PAGE),
    ("handoff/provenance/usage/cost/amount", PAGE),
    ("handoff/provenance/usage/cost/currency", PAGE),
    ("handoff/trace", "daemon/src/intake/trace.rs"),
    ("handoff/trace/traceparent", "daemon/src/intake/trace.rs"),
    ("handoff/trace/correlation_id", "daemon/src/intake/trace.rs"),
    ("handoff/capabilities_required", OFFER),
    ("handoff/provider_id", PAGE),
    ("handoff/adapter_version", PAGE),
    ("handoff/latency_budget_ms", PAGE),
    ("handoff/timeout_ms", "protocol/src/envelope.rs"),
    ("handoff/expected_output_format", PAGE),
    ("handoff/classification", ADMIT),
    ("handoff/sign_off_gates", "protocol/src/sign_off.rs"),
    ("handoff/sign_off_gates/id", "protocol/src/sign_off.rs"),
    ("handoff/sign_off_gates/role", "protocol/src/sign_off.rs"),
    (
        "handoff/sign_off_gates/min_approvals",
        "protocol/src/sign_off.rs",
    ),
    (
        "handoff/sign_off_gates/exclude_submitter",
        "protocol/src/sign_off.rs",
    ),
    ("handoff/sign_off_gates/after", "protocol/src/sign_off.rs"),
    ("handoff/quality_checklist", "daemon/src/search/stated.rs"),
    ("checkpoint/$schema", EDITORS),
    (
        "checkpoint/checkpoint_version",
        "protocol/src/contract/mod.rs",
    ),
    ("checkpoint/from_agent", SILENCE),
    ("checkpoint/from_agent/id", BUILD),
    ("checkpoint/step", SILENCE),
    ("checkpoint/steps", "daemon/src/intake/checkpoint.rs"),
    ("checkpoint/task_id", "daemon/src/intake/checkpoint.rs"),
    ("checkpoint/at", BUILD),
    ("checkpoint/status", "daemon/src/intake/checkpoint.rs"),
    ("checkpoint/title", "daemon/src/intake/checkpoint.rs"),
    ("checkpoint/completed", SILENCE),
    ("checkpoint/remaining", SILENCE),
    ("checkpoint/decisions", SILENCE),
    ("checkpoint/pitfalls_hit", SILENCE),
    ("checkpoint/context", SILENCE),
    ("checkpoint/session_id", "daemon/src/intake/checkpoint.rs"),
    ("checkpoint/heartbeat_seconds", SILENCE),
    ("checkpoint/pid", "daemon/src/intake/checkpoint.rs"),
    ("answer/$schema", EDITORS),
    ("answer/answer_version", "protocol/src/contract/mod.rs"),
    ("answer/answer", HOP_ANSWER),
    ("answer/handoff_id", HOP_ANSWER),
    ("answer/hop", HOP_ANSWER),
    ("answer/agent", HOP_ANSWER),
    ("answer/reason", HOP_ANSWER),
    ("answer/note", HOP_ANSWER),
    ("answer/retry_after_seconds", HOP_ANSWER),
    ("answer/original", HOP_ANSWER),
    ("answer/percent", HOP_ANSWER),
    ("answer/confidence", HOP_ANSWER),
    ("answer/confidence/value", HOP_ANSWER),
    ("answer/confidence/threshold", HOP_ANSWER),
    ("answer/result", HOP_ANSWER),
    ("answer/artifacts", HOP_ANSWER),
    ("answer/artifacts/path", "daemon/src/intake/gather.rs"),
    ("answer/artifacts/role", "daemon/src/intake/gather.rs"),
    ("answer/artifacts/sha256", "protocol/src/handoff.rs"),
    ("answer/artifacts/size", "protocol/src/handoff.rs"),
    ("answer/artifacts/title", "daemon/src/intake/gather.rs"),
];

#[test]
fn every_field_is_read_or_says_so() {
    let fields = field_list();
    for (field, unread) in &fields {
        let reader = READERS.iter().find(|(name, _)| name == field);
        assert_eq!(
            reader.is_none(),
            unread.is_some(),
            "{field}: read by nothing, or unread and listed"
        );
        let Some((_, file)) = reader else { continue };
        let name = field.rsplit('/').next().unwrap();
        let text = repo::read(file);
        assert!(
            *file == EDITORS || text.contains(name),
            "{file} does not read {field}"
        );
    }
    for (name, _) in READERS {
        assert!(fields.contains_key(*name), "{name} is no field");
    }
}

#[test]
fn the_contract_page_names_unread_fields() {
    let page = repo::read("docs/contract.md");
    let section = page
        .split("## Fields without effect")
        .nth(1)
        .expect("the section");
    let section = section.split("\n## ").next().unwrap();
    for (field, _) in field_list().iter().filter(|(_, unread)| unread.is_some()) {
        let (document, pointer) = field.split_once('/').unwrap();
        let row = section
            .lines()
            .find(|line| line.starts_with(&format!("| {document} |")));
        let row = row.unwrap_or_else(|| panic!("no row of {document}"));
        assert!(
            row.contains(&format!("`{}`", pointer.replace('/', "."))),
            "{field}"
        );
    }
}

/// Settings that are read by the configuration itself, with the file that does.
const CONFIG_READERS: &[(&str, &str)] = &[
    ("disclose", "daemon/src/config/notify.rs"),
    ("shift", "daemon/src/config/oncall.rs"),
];

#[test]
fn every_setting_is_read() {
    let files = repo::rust_files();
    let production = |file: &&repo::RepoFile| {
        let is_test = file.path.contains("/tests") || file.path.ends_with("tests.rs");
        file.path.starts_with("daemon/src/") && !is_test
    };
    let (config, others): (Vec<_>, Vec<_>) = files
        .iter()
        .filter(production)
        .partition(|file| file.path.starts_with("daemon/src/config/"));
    let others: String = others.iter().map(|file| file.text()).collect();
    let reads = |text: &str, field: &str| {
        let name = format!(".{field}");
        let mut places = text.match_indices(&name);
        places.any(|(at, _)| {
            let next = text[at + name.len()..].chars().next();
            next.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_')
        })
    };
    let mut seen = 0;
    for file in &config {
        for line in file.text().lines() {
            let field = line.trim_start().strip_prefix("pub ");
            let Some((field, _)) = field.and_then(|rest| rest.split_once(": ")) else {
                continue;
            };
            if !field.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
                continue;
            }
            seen += 1;
            let listed = CONFIG_READERS.iter().find(|(name, _)| *name == field);
            let is_read = match listed {
                Some((_, reader)) => reads(&repo::read(reader), field),
                None => reads(&others, field),
            };
            assert!(is_read, "{}: nothing reads `{field}`", file.path);
        }
    }
    assert!(seen > 150, "{seen} settings");
}

#[test]
fn every_setting_is_documented() {
    // The reference leaves rules, people and participants to the pages about them.
    let pages = [
        "daemon/src/config/reference.toml",
        "docs/agents.md",
        "docs/people.md",
        "docs/policy.md",
    ]
    .map(repo::read);
    let mut untold = BTreeSet::new();
    let mut seen = 0;
    let files = repo::rust_files();
    for file in &files {
        if !file.path.starts_with("daemon/src/config/") {
            continue;
        }
        for call in ["take(\"", "need(\"", "need::<Id>(\"", "tables(\""] {
            for rest in file.text().split(call).skip(1) {
                let key = rest.split('"').next().unwrap_or_default();
                seen += 1;
                // What stands in `workspace.toml` alone is told to those who wire agents.
                let in_words = pages[0].contains(&format!("`{key}`"));
                let is_told = in_words
                    || pages.iter().flat_map(|page| page.lines()).any(|line| {
                        let line = line.trim_start_matches("# ").trim_matches(['[', ']']);
                        let name = line.split_once(" = ").map_or(line, |(name, _)| name);
                        name == key || name.ends_with(&format!(".{key}"))
                    });
                if !is_told {
                    untold.insert(key);
                }
            }
        }
    }
    assert_eq!(untold, BTreeSet::new());
    assert!(seen > 120, "{seen} keys");
}
