//! The chain, checked here with a hash of our own beside the one of the program.

use countersign_protocol::chain::Verifier;
use sha2::{Digest as _, Sha256};

use super::Case;

/// Numbers without a gap, hashes that follow, time that never runs back.
pub(super) fn holds(case: Case<'_>) -> Vec<String> {
    let mut verifier = Verifier::default();
    let mut previous = [0_u8; 32];
    for (entry, expected) in case.evidence.entries.iter().zip(1_u64..) {
        let mut hash = Sha256::new();
        hash.update(b"countersign-entry-v1\0");
        hash.update(previous);
        hash.update(entry.body.as_bytes());
        previous = hash.finalize().into();
        if entry.seq != expected || entry.hash.0 != previous {
            return vec![format!("entry {expected} does not follow")];
        }
        if let Err(broken) = verifier.next(entry) {
            return vec![broken.to_string()];
        }
    }
    if case.evidence.bodies.len() != case.evidence.entries.len() {
        return vec![format!(
            "entry {} says nothing",
            case.evidence.bodies.len() + 1
        )];
    }
    Vec::new()
}
