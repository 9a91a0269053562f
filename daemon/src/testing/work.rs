//! Work that was handed over, as the ledger has it, for tests that need no rig.

use countersign_protocol::{
    Digest, HandoffId,
    envelope::Envelope,
    event::{Accepted, Location},
    handoff::{Profile, Trigger},
    manifest::{Manifest, ManifestEntry},
    principal::Principal,
};

/// A small file that the handoff names, whose content is its path.
pub(crate) fn entry(path: &str) -> ManifestEntry {
    ManifestEntry {
        path: path.to_owned(),
        size: 1,
        sha256: Digest::of(path.as_bytes()),
        executable: false,
        declared: true,
        kept: true,
        role: None,
        title: None,
    }
}

/// Finished work that no rule has anything against, with `change` made to it.
pub(crate) fn accepted(change: impl FnOnce(&mut Accepted)) -> Accepted {
    let manifest = Manifest::new(Digest::of(b"document"), vec![entry("report.md")]);
    let mut accepted = Accepted {
        checks: Vec::new(),
        is_hop_owed: false,
        handoff: HandoffId(7),
        revision: 1,
        at: Location {
            workspace: "w".to_owned(),
            folder: String::new(),
            file: "handoff.json".to_owned(),
        },
        subject: "id:t".to_owned(),
        key: "k".to_owned(),
        principal: Principal::FileOwner { uid: 1000 },
        from_agent: "writer".to_owned(),
        to_agent: None,
        agent_handoff_id: None,
        task_id: None,
        session_id: None,
        title: "Report".to_owned(),
        trigger: Trigger::Completion,
        confidence: Some(0.95),
        classification: None,
        due: None,
        envelope: Envelope::default(),
        partials: None,
        dialect: "handoff".to_owned(),
        profile: Profile::Minimal,
        contract: None,
        manifest_sha256: manifest.digest(),
        manifest,
        warnings: Vec::new(),
        follows: None,
        stalled: None,
        violated: Vec::new(),
        trace: None,
        correlation_id: None,
        steps: None,
        stamp: None,
        observed: None,
    };
    change(&mut accepted);
    accepted
}
