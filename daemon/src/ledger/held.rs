//! Which kept bytes the facts still speak of, and how much of them each workspace has.
//!
//! **A new fact that keeps bytes is added here**, or they are collected.

use std::collections::{BTreeMap, HashMap, HashSet};

use countersign_protocol::Digest;

/// What is held, by workspace.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    workspaces: BTreeMap<String, Share>,
    /// What was held once and is no longer.
    spent: HashSet<Digest>,
}

/// What one workspace holds: how often, and how large.
#[derive(Clone, Debug, Default)]
struct Share {
    counts: HashMap<Digest, (u32, u64)>,
    bytes: u64,
}

impl Held {
    /// One more fact of `workspace` speaks of `sha256`, which has `size` bytes.
    pub(super) fn add(&mut self, workspace: &str, sha256: Digest, size: u64) {
        if !self.workspaces.contains_key(workspace) {
            self.workspaces
                .insert(workspace.to_owned(), Share::default());
        }
        if let Some(share) = self.workspaces.get_mut(workspace) {
            let (count, known) = share.counts.entry(sha256).or_default();
            if *count == 0 {
                share.bytes += size;
                *known = size;
            }
            *count += 1;
        }
        self.spent.remove(&sha256);
    }

    /// One less does.
    pub(super) fn drop(&mut self, workspace: &str, sha256: Digest) {
        let Some(share) = self.workspaces.get_mut(workspace) else {
            return;
        };
        let Some((count, size)) = share.counts.get_mut(&sha256) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            share.bytes -= *size;
            share.counts.remove(&sha256);
            if !self.refers(sha256) {
                self.spent.insert(sha256);
            }
        }
    }

    /// Whether any fact speaks of it.
    pub(super) fn refers(&self, sha256: Digest) -> bool {
        self.workspaces
            .values()
            .any(|share| share.counts.contains_key(&sha256))
    }

    /// Bytes of all files of a workspace, the same bytes once.
    pub(super) fn bytes(&self, workspace: &str) -> u64 {
        self.workspaces
            .get(workspace)
            .map_or(0, |share| share.bytes)
    }

    /// Whether that workspace holds it.
    pub(super) fn has(&self, workspace: &str, sha256: Digest) -> bool {
        self.workspaces
            .get(workspace)
            .is_some_and(|share| share.counts.contains_key(&sha256))
    }

    /// What no fact speaks of any more.
    pub(super) fn spent(&self) -> impl Iterator<Item = Digest> {
        self.spent.iter().copied()
    }
}
