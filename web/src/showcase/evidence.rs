//! References to evidence, one of each kind.

use crate::desk::{EvidenceRef, Resolution};

pub(super) fn rows() -> Vec<EvidenceRef> {
    let one = |text: &str, is_linked: bool, resolution, why: &str| EvidenceRef {
        from: None,
        text: text.to_owned(),
        url: is_linked.then(|| format!("https://evidence.example.org/{}", text.replace(':', "/"))),
        resolution,
        why: why.to_owned(),
    };
    vec![
        one(
            "trace:4bf92f35",
            true,
            Resolution::Found,
            "The check traces passed",
        ),
        one(
            "deploy:prod-2026-04-17-2247",
            true,
            Resolution::Linked,
            "Nothing has looked whether it is there",
        ),
        one(
            "ticket:RISK-17",
            false,
            Resolution::Unresolved,
            "Nothing here knows what `ticket:` refers to",
        ),
    ]
}
