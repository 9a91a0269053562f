//! What goes back to the agents.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use countersign_protocol::{
    Digest,
    decision::DecisionDocument,
    event::{Accepted, Event},
};

use super::{Case, intake::walk};

/// Every file under `approved/` belongs to a release and holds the sealed bytes; none is missing.
pub(super) fn published_is_sealed(case: Case<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut expected = BTreeMap::new();
    for body in &case.evidence.bodies {
        let Event::Released {
            handoff,
            revision,
            folder,
            manifest_sha256,
        } = &body.event
        else {
            continue;
        };
        let Some(accepted) = case.evidence.revision(*handoff, *revision) else {
            wrong.push(format!(
                "{handoff} revision {revision} was released and never accepted"
            ));
            continue;
        };
        let mut decided = case.evidence.decided();
        let edited = decided.find_map(|(_, decided)| {
            let is_its = (decided.handoff, decided.revision) == (*handoff, *revision);
            decided.edited.as_ref().filter(|_| is_its)
        });
        let approved = edited.map_or(accepted.manifest_sha256, |edited| edited.manifest_sha256);
        if approved != *manifest_sha256 {
            wrong.push(format!("{handoff} released another manifest"));
        }
        let folder = case.workspace.join(folder);
        let entries = edited.map_or_else(
            || accepted.manifest.files(),
            |edited| edited.entries(&accepted.manifest),
        );
        for entry in entries.iter().filter(|entry| entry.kept && entry.declared) {
            let path = folder.join(&entry.path);
            if expected.insert(path.clone(), entry.sha256).is_some() {
                wrong.push(format!("{} was released twice", path.display()));
            }
        }
    }
    for (path, sha256) in &expected {
        match std::fs::read(path) {
            Ok(bytes) if Digest::of(&bytes) == *sha256 => {}
            Ok(_) => wrong.push(format!("{} holds other bytes", path.display())),
            Err(error) => wrong.push(format!("{}: {error}", path.display())),
        }
    }
    walk(&case.workspace.join("approved"), &mut |path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let manifest = name == "SHA256SUMS" || name == "release.json";
        if !expected.contains_key(path) && !manifest {
            wrong.push(format!("{} belongs to no release", path.display()));
        }
    });
    wrong
}

/// Every decision reached its agent once, unless the folder is gone and that was said, and the newest of each place stands there in full.
pub(super) fn every_decision_is_delivered(case: Case<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut delivered: BTreeMap<u64, u32> = BTreeMap::new();
    let mut undelivered: BTreeMap<u64, PathBuf> = BTreeMap::new();
    let mut released = BTreeSet::new();
    for body in &case.evidence.bodies {
        match &body.event {
            Event::Delivered { decision, .. } => *delivered.entry(*decision).or_default() += 1,
            Event::Undelivered { decision, at, .. } => {
                undelivered.insert(*decision, case.workspace.join(&at.folder));
            }
            Event::Released {
                handoff, revision, ..
            } => drop(released.insert((*handoff, *revision))),
            _ => {}
        }
    }
    for (seq, decided) in case.evidence.decided() {
        let id = decided.handoff;
        match delivered.get(&seq) {
            Some(1) => {}
            None if undelivered.get(&seq).is_some_and(|folder| !folder.exists()) => {}
            None => wrong.push(format!("decision {seq} about {id} was not delivered")),
            Some(times) => wrong.push(format!("decision {seq} was delivered {times} times")),
        }
        let Some(accepted) = case.evidence.revision(id, decided.revision) else {
            continue;
        };
        if decided.outcome.is_approval()
            && !accepted.manifest.entries.is_empty()
            && !released.contains(&(id, decided.revision))
        {
            wrong.push(format!("{id} was approved and not released"));
        }
        let record = format!(
            ".countersign/handoffs/{id}/decision.r{}.json",
            decided.revision
        );
        if !is_decision(&case.workspace.join(&record), seq) {
            wrong.push(format!("{record} is not decision {seq}"));
        }
        if is_newest_at(case, seq, accepted) {
            let places = case
                .history
                .deliveries
                .iter()
                .map(|delivered| &delivered.delivery);
            for place in places.filter(|place| place.sha256 == accepted.manifest.document) {
                // A folder that its agent did not sync may be gone, and the record stays.
                if place.answers.exists() && !is_decision(&place.answers.join("decision.json"), seq)
                {
                    wrong.push(format!(
                        "{} lacks decision {seq} about {id}",
                        place.answers.display()
                    ));
                }
            }
        }
    }
    wrong
}

/// Every accepted delivery has its receipt in its folder, until a later one takes the place, or a power cut undoes what was
/// not synced and an earlier one is there again, which is answered then.
pub(super) fn every_acceptance_is_answered(case: Case<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    for body in &case.evidence.bodies {
        let Event::Accepted(accepted) = &body.event else {
            continue;
        };
        if !is_newest_at(case, body.seq, accepted) {
            continue;
        }
        let deliveries = case.history.deliveries.iter().enumerate();
        for (at, delivered) in deliveries {
            let place = &delivered.delivery;
            if place.sha256 != accepted.manifest.document {
                continue;
            }
            // The mirror of a package is ours, so it is always there.
            let kept = place.taken.is_some() || place.answers.exists();
            let undone = !delivered.synced && an_earlier_one_is_back(case, at);
            if kept && !undone && place.receipt_now().is_none() {
                wrong.push(format!("{} has no receipt", place.answers.display()));
            }
        }
    }
    wrong
}

/// Whether a document that was delivered before that delivery stands in its place.
fn an_earlier_one_is_back(case: Case<'_>, at: usize) -> bool {
    let (before, from) = case.history.deliveries.split_at(at);
    let mut before = before.iter().map(|one| &one.delivery);
    before.any(|one| {
        let place = &from[0].delivery;
        one.document == place.document && one.sha256 != place.sha256 && one.is_there()
    })
}

/// Whether the file holds that decision.
fn is_decision(path: &Path, seq: u64) -> bool {
    std::fs::read(path)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<DecisionDocument>(&bytes).ok())
        .is_some_and(|document| document.log.index == seq)
}

/// Whether no later delivery to the same place took the answer away.
fn is_newest_at(case: Case<'_>, seq: u64, decided: &Accepted) -> bool {
    !case.evidence.bodies.iter().any(|body| match &body.event {
        Event::Accepted(later) => body.seq > seq && later.at == decided.at,
        _ => false,
    })
}
