//! The card that tells a person that approved work was changed.

use std::fmt::Write as _;

use countersign_protocol::{
    Digest,
    event::{Accepted, Location},
    manifest::Manifest,
    release::Violated,
    state::HandoffState,
};
use jiff::Timestamp;
use serde_json::json;

use crate::ledger::State;

/// What all cards of a workspace about changed work have in common.
const SUBJECT: &str = "approved work was changed";
/// Who hands them over.
const DAEMON: &str = "countersign";

/// The card for `violated`, and its document; `None` when one is open that names the same folder already, so
/// that an attack that goes on is one card.
pub(super) fn card(
    state: &State,
    now: Timestamp,
    violated: &Violated,
) -> Option<(Accepted, (Digest, Vec<u8>))> {
    let open = state
        .card_of_subject(&violated.workspace, SUBJECT)
        .filter(|card| matches!(card.state, HandoffState::Waiting { .. }));
    let mut folders = open.map_or_else(Vec::new, |card| card.newest().accepted.violated.clone());
    if folders.contains(&violated.folder) {
        return None;
    }
    folders.push(violated.folder.clone());
    let (handoff, revision) = match open {
        Some(card) => (card.id, card.newest().accepted.revision + 1),
        None => (state.next_id(), 1),
    };
    let title = format!("Approved work was changed: {}", folders.join(", "));
    let document = json!({
        "handoff_version": "1.0",
        "from_agent": DAEMON,
        "task": title,
        "trigger": "policy",
        "reason": "something other than the daemon changed approved work",
        "summary": summary(violated),
        "context": { "violation": violated },
    });
    let bytes = serde_json::to_vec_pretty(&document).unwrap_or_default();
    let sha256 = Digest::of(&bytes);
    let manifest = Manifest::new(sha256, Vec::new());
    let at = Location {
        workspace: violated.workspace.clone(),
        folder: String::new(),
        file: String::new(),
    };
    let by = (DAEMON, SUBJECT.to_owned());
    let accepted = Accepted {
        violated: folders,
        ..Accepted::by_daemon((handoff, revision), at, by, title, manifest, now)
    };
    Some((accepted, (sha256, bytes)))
}

/// What was found, for a reader.
fn summary(violated: &Violated) -> String {
    let mut text = format!("{}/ was not as approved:\n", violated.folder);
    for one in &violated.found {
        let _ = write!(text, "\n- {} {}", one.path, one.kind.word());
        if !one.detail.is_empty() {
            let _ = write!(text, " ({})", one.detail);
        }
    }
    if violated.more > 0 {
        let _ = write!(text, "\n- and {} more", violated.more);
    }
    text.push_str(
        "\n\nIt is put right from the sealed bytes. What was foreign is kept in `.countersign/quarantine/`; \
         the activity page says where. To have the change approved instead, hand it over again: only what differs \
         from what was approved is asked about.",
    );
    text
}
