//! The card that shows people which watched files changed.

use std::{collections::BTreeMap, fmt::Write as _};

use countersign_protocol::{
    Digest,
    event::{Accepted, Location},
    manifest::{Manifest, ManifestEntry},
    state::HandoffState,
    watched::{ChangeKind, FilesChanged},
};
use jiff::Timestamp;
use serde_json::json;

use super::compare::Sealed;
use crate::ledger::State;

/// Who hands it over.
const DAEMON: &str = "countersign";

/// The card for `changed`, with its bytes: one for each rule and workspace, with a further revision for each
/// change until somebody answers.
pub(super) fn card(
    state: &State,
    now: Timestamp,
    changed: &FilesChanged,
    sealed: Sealed,
) -> (Accepted, Vec<(Digest, Vec<u8>)>) {
    let subject = format!("watched files: {}", changed.rule);
    let open = state
        .card_of_subject(&changed.workspace, &subject)
        .filter(|card| matches!(card.state, HandoffState::Waiting { .. }));
    let (handoff, revision) = match open {
        Some(card) => (card.id, card.newest().accepted.revision + 1),
        None => (state.next_id(), 1),
    };
    // What nobody has answered yet stays on the card.
    let mut entries: BTreeMap<String, ManifestEntry> = BTreeMap::new();
    let before = open.map(|card| card.newest().accepted.manifest.files());
    let sealed_now = sealed.entries.iter().cloned();
    for entry in before.into_iter().flatten().chain(sealed_now) {
        entries.insert(entry.path.clone(), entry);
    }
    for one in &changed.files {
        if one.kind == ChangeKind::Removed {
            entries.remove(&one.path);
        }
    }
    let title = changed.words();
    let document = json!({
        "handoff_version": "1.0",
        "from_agent": DAEMON,
        "task": title,
        "trigger": "policy",
        "reason": format!("the rule {} watches these files", changed.rule),
        "summary": summary(changed),
        "context": { "changed": changed },
    });
    let bytes = serde_json::to_vec_pretty(&document).unwrap_or_default();
    let sha256 = Digest::of(&bytes);
    let manifest = Manifest::new(sha256, entries.into_values().collect());
    let at = Location {
        workspace: changed.workspace.clone(),
        folder: String::new(),
        file: String::new(),
    };
    let by = (DAEMON, subject);
    let accepted = Accepted::by_daemon((handoff, revision), at, by, title, manifest, now);
    let mut objects = sealed.objects;
    objects.push((sha256, bytes));
    (accepted, objects)
}

/// What changed, for a reader.
fn summary(changed: &FilesChanged) -> String {
    let mut text = format!("Watched by the rule {}:\n", changed.rule);
    for one in &changed.files {
        let _ = write!(text, "\n- {} {}", one.path, one.kind.word());
    }
    if changed.more > 0 {
        let _ = write!(text, "\n- and {} more", changed.more);
    }
    text.push_str("\n\nThe files are as they were when this was noticed. An answer changes nothing about them.");
    text
}
