//! The quota of a workspace: how many bytes of it are kept, the same bytes once.
//!
//! It counts what was sealed. What else lies in the workspace, the ledger and the index are not counted, and every
//! place that names the quota says so.

use std::collections::HashSet;

use countersign_protocol::{
    manifest::Manifest,
    problem::{ProblemKind, Refusal, Violation},
};

use crate::ledger::State;

/// From this part of the quota on, in percent, each receipt says how much is left.
const NEAR: u128 = 80;

/// How many bytes of the files the workspace does not keep yet.
fn new_bytes(state: &State, workspace: &str, manifest: &Manifest) -> u64 {
    let mut counted = HashSet::new();
    let entries = manifest.entries.iter();
    entries
        .filter(|entry| entry.kept && !state.keeps(workspace, entry.sha256))
        .filter(|entry| counted.insert(entry.sha256))
        .map(|entry| entry.size)
        .sum()
}

/// Returns why the workspace has no room for the files, if it has none. Bytes that it keeps already cost nothing.
pub(super) fn exceeded(
    state: &State,
    workspace: &str,
    manifest: &Manifest,
    quota: Option<u64>,
) -> Option<Refusal> {
    let more = new_bytes(state, workspace, manifest);
    (more > 0)
        .then(|| no_room(state, workspace, more, quota?))
        .flatten()
}

/// Returns why the workspace has no room for `more` new bytes, if it has none.
pub(super) fn no_room(state: &State, workspace: &str, more: u64, quota: u64) -> Option<Refusal> {
    let used = state.kept_bytes(workspace);
    (used.saturating_add(more) > quota).then(|| {
        Refusal::new(
            ProblemKind::QuotaExceeded,
            "quota",
            format!("it brings {more} new bytes; the workspace keeps {used} sealed bytes of the {quota} that it may"),
            "hand over fewer or smaller files and save the document again, or ask the operator to raise `quota` or to run `countersign gc`",
        )
    })
}

/// Returns a warning where little is left once the files are kept, for receipt and page.
pub(super) fn near(
    state: &State,
    workspace: &str,
    manifest: &Manifest,
    quota: Option<u64>,
) -> Option<Violation> {
    let quota = quota?;
    let used = state
        .kept_bytes(workspace)
        .saturating_add(new_bytes(state, workspace, manifest));
    (u128::from(used) * 100 >= u128::from(quota) * NEAR).then(|| Violation {
        code: "quota".to_owned(),
        pointer: String::new(),
        line: 0,
        column: 0,
        message: format!(
            "the workspace keeps {used} sealed bytes of the {quota} that it may, this delivery included; what else lies in it is not counted"
        ),
        fix: Some("Ask the operator to raise `quota` or to run `countersign gc` before a delivery is refused.".to_owned()),
    })
}
