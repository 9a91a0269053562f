//! Deliveries.

use std::{collections::BTreeMap, os::unix::fs::MetadataExt as _, path::Path};

use countersign_protocol::{Digest, event::Accepted, receipt::Receipt};

use super::Case;
use crate::{agent::Delivery, evidence::OBJECTS, history::Delivered};

/// Every receipt that an agent holds names exactly one accepted revision with these very bytes.
pub(super) fn no_acknowledged_loss(case: Case<'_>) -> Vec<String> {
    case.history
        .receipts()
        .filter_map(|receipt| {
            let found = case
                .evidence
                .accepted()
                .filter(|accepted| is_receipt_of(receipt, accepted))
                .count();
            (found != 1).then(|| {
                format!(
                    "{} revision {} was acknowledged and is in the ledger {found} times",
                    receipt.handoff_id, receipt.revision
                )
            })
        })
        .collect()
}

fn is_receipt_of(receipt: &Receipt, accepted: &Accepted) -> bool {
    accepted.handoff == receipt.handoff_id
        && accepted.revision == receipt.revision
        && accepted.manifest.document == receipt.handoff_sha256
        && accepted.manifest_sha256 == receipt.manifest_sha256
}

/// Every delivery that is still on the disk was accepted or refused; what was synced is not gone.
pub(super) fn exactly_one_place(case: Case<'_>) -> Vec<String> {
    case.history
        .deliveries
        .iter()
        .filter_map(|delivered| {
            let Delivered {
                delivery,
                synced,
                receipt,
                ..
            } = delivered;
            let there = delivery.is_there();
            match case.evidence.fate(delivery.sha256) {
                // A refusal may heal, for example when a missing file comes; an acceptance stays.
                // Only what was not synced may come back from a cut as an older document with
                // newer files, which is refused rightly.
                (Some(accepted), Some(refused))
                    if refused > accepted && *synced && is_last_at_its_place(case, delivery) =>
                {
                    Some("was accepted and then refused")
                }
                (None, None) if there => Some("is there and was never answered"),
                (None, None) if *synced || receipt.is_some() => Some("is nowhere"),
                _ => None,
            }
            .map(|what| format!("{} {what}", delivery.document.display()))
        })
        .collect()
}

/// Whether no agent wrote another document in its place.
fn is_last_at_its_place(case: Case<'_>, delivery: &Delivery) -> bool {
    let mut there = case.history.deliveries.iter().rev();
    there
        .find(|other| other.delivery.document == delivery.document)
        .is_some_and(|last| last.delivery.sha256 == delivery.sha256)
}

/// Nothing was accepted that no agent wrote.
pub(super) fn no_ghosts(case: Case<'_>) -> Vec<String> {
    case.evidence
        .accepted()
        .flat_map(|accepted| {
            let files = accepted.manifest.entries.iter().map(|entry| entry.sha256);
            files
                .chain([accepted.manifest.document])
                .filter(|sha256| !case.history.written.contains(sha256))
                .map(|sha256| {
                    format!(
                        "{} revision {} holds {}, which nobody wrote",
                        accepted.handoff,
                        accepted.revision,
                        sha256.short()
                    )
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

/// What was accepted is kept, byte for byte, and nobody else can write it.
pub(super) fn objects_real(case: Case<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    for accepted in case.evidence.accepted() {
        let kept = accepted.manifest.entries.iter().filter(|entry| entry.kept);
        let digests = kept
            .map(|entry| entry.sha256)
            .chain([accepted.manifest.document]);
        for sha256 in digests {
            let name = format!("object {} of {}", sha256.short(), accepted.handoff);
            match case.evidence.object(sha256) {
                None => wrong.push(format!("{name} is missing")),
                Some(bytes) if Digest::of(&bytes) != sha256 => {
                    wrong.push(format!("{name} holds other bytes"));
                }
                Some(_) => {}
            }
            if let Ok(metadata) = case.evidence.object_path(sha256).symlink_metadata()
                && (metadata.mode() & 0o222 != 0 || metadata.nlink() != 1 || !metadata.is_file())
            {
                wrong.push(format!("{name} can be changed: mode {:o}", metadata.mode()));
            }
        }
        if accepted.manifest.digest() != accepted.manifest_sha256 {
            wrong.push(format!(
                "the manifest of {} has another digest",
                accepted.handoff
            ));
        }
    }
    wrong
}

/// The same delivery was recorded once.
pub(super) fn idempotent(case: Case<'_>) -> Vec<String> {
    let mut seen: BTreeMap<(&str, &str, Digest), u32> = BTreeMap::new();
    let mut numbers: BTreeMap<_, u32> = BTreeMap::new();
    for accepted in case.evidence.accepted() {
        let key = (
            accepted.at.workspace.as_str(),
            accepted.key.as_str(),
            accepted.manifest_sha256,
        );
        *seen.entry(key).or_default() += 1;
        *numbers
            .entry((accepted.handoff, accepted.revision))
            .or_default() += 1;
    }
    let twice = seen.iter().filter(|(_, times)| **times > 1);
    let same_number = numbers.iter().filter(|(_, times)| **times > 1);
    twice
        .map(|((_, key, _), times)| format!("`{key}` was recorded {times} times"))
        .chain(
            same_number.map(|((id, revision), _)| format!("{id} revision {revision} is doubled")),
        )
        .collect()
}

/// No answer is empty or unreadable, and nothing unfinished is left after a start.
pub(super) fn nothing_half(case: Case<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    walk(case.workspace, &mut |path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let ours = name.ends_with("handoff.receipt.json")
            || name.ends_with("handoff.errors.json")
            || name.ends_with("decision.json");
        let readable = || {
            std::fs::read(path)
                .is_ok_and(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).is_ok())
        };
        if ours && !readable() {
            wrong.push(format!("{} is half an answer", path.display()));
        }
        if name.starts_with(".countersign-tmp-") {
            wrong.push(format!("{} is left over", path.display()));
        }
    });
    walk(&case.evidence.data_dir.join(OBJECTS), &mut |path| {
        if path.to_string_lossy().contains(".countersign-tmp-") {
            wrong.push(format!("{} is left over", path.display()));
        }
    });
    wrong
}

/// Calls `visit` for every file below `folder`; links are not followed.
pub(super) fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&path, visit),
            Ok(_) => visit(&path),
            Err(_) => {}
        }
    }
}
