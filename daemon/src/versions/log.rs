//! The change log of a workspace: its accepted revisions, in order.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use countersign_protocol::{
    HandoffId,
    changes::{self, Delivery, FileChange, Leaf},
    names::joined,
};
use jiff::Timestamp;

use crate::{
    ledger::{Card, Revision, State},
    workspace::package,
};

/// The cards that a question is about, taken out of the state so that nobody waits for the answer.
#[derive(Clone, Debug)]
pub struct Log {
    cards: Vec<Arc<Card>>,
    /// Whether paths are relative to the handoff, not to the workspace.
    is_one: bool,
}

/// A path that changed, with who changed it last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Folder of the handoff in the workspace.
    pub folder: String,
    /// Path relative to that folder.
    pub path: String,
    /// How it changed.
    pub change: FileChange,
    /// The path it had before, for a renamed one.
    pub from: Option<String>,
    /// How many percent both share, for a renamed one.
    pub percent: Option<u8>,
    /// What was there.
    pub before: Option<Leaf>,
    /// What is there.
    pub after: Option<Leaf>,
    /// The last entry that changed it.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// By which card.
    pub handoff: HandoffId,
    /// By which revision of it.
    pub revision: u32,
    /// By whom, as stated.
    pub agent: String,
}

/// What changed between two moments, by folder and path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// What differs.
    pub changed: Vec<Change>,
    /// What changed on the way and came back.
    pub restored: Vec<Change>,
}

impl Log {
    /// Everything of a workspace.
    pub fn of_workspace(state: &State, workspace: &str) -> Self {
        let cards = state.cards().filter(|card| card.workspace == workspace);
        Self {
            cards: cards.cloned().collect(),
            is_one: false,
        }
    }

    /// One card. Its paths are relative to its folder, wherever that was.
    pub fn of_card(card: &Arc<Card>) -> Self {
        Self {
            cards: vec![Arc::clone(card)],
            is_one: true,
        }
    }

    /// Folds what was accepted after the entry `from`, up to the entry `to`.
    pub fn between(&self, from: u64, to: u64) -> Changes {
        let roots: Roots = self.roots(from, to);
        let mut before = Vec::new();
        let mut window: Vec<Delivery<'_>> = Vec::new();
        let mut by_seq: HashMap<u64, &Revision> = HashMap::new();
        for card in &self.cards {
            let start = card.revisions.partition_point(|one| one.seq <= from);
            let end = card.revisions.partition_point(|one| one.seq <= to);
            if let Some(last) = card.revisions[..start].last()
                && let Some(root) = roots.get(&root(last, self.is_one))
            {
                before.push(delivery(last, root));
            }
            for revision in &card.revisions[start..end.max(start)] {
                if let Some(root) = roots.get(&root(revision, self.is_one)) {
                    window.push(delivery(revision, root));
                    by_seq.insert(revision.seq, revision);
                }
            }
        }
        window.sort_unstable_by_key(|one| one.seq);
        let folded = changes::fold(&before, &window);
        let told = |moved: Vec<changes::Moved<'_>>| {
            let rows = moved.iter().filter_map(|one| {
                let by = by_seq.get(&one.seq)?;
                Some(self.told(one, by))
            });
            let mut rows: Vec<Change> = rows.collect();
            rows.sort_unstable_by(|a, b| (&a.folder, &a.path).cmp(&(&b.folder, &b.path)));
            rows
        };
        Changes {
            changed: told(folded.moved),
            restored: told(folded.restored),
        }
    }

    fn told(&self, moved: &changes::Moved<'_>, by: &Revision) -> Change {
        let accepted = &by.accepted;
        // A card that moved on takes its files from the folder where it was.
        let folder = if self.is_one || moved.root.starts_with('/') {
            &accepted.at.folder
        } else {
            moved.root
        };
        Change {
            folder: folder.to_owned(),
            path: moved.path.to_owned(),
            change: moved.change,
            from: None,
            percent: None,
            before: moved.before,
            after: moved.after,
            seq: moved.seq,
            at: by.at,
            handoff: accepted.handoff,
            revision: accepted.revision,
            agent: accepted.from_agent.clone(),
        }
    }

    /// The roots that something was delivered to, or taken from, in the window.
    fn roots(&self, from: u64, to: u64) -> Roots {
        let mut roots = HashSet::new();
        for card in &self.cards {
            let start = card.revisions.partition_point(|one| one.seq <= from);
            let end = card.revisions.partition_point(|one| one.seq <= to);
            if start < end {
                let touched = &card.revisions[start.saturating_sub(1)..end];
                roots.extend(touched.iter().map(|one| root(one, self.is_one)));
            }
        }
        roots
    }

    /// The newest revision of each card at the entry `to`, oldest first: of a path that several have, the last one stood.
    pub fn newest(&self, to: u64) -> Vec<&Arc<Revision>> {
        let newest = self.cards.iter().filter_map(|card| {
            let end = card.revisions.partition_point(|one| one.seq <= to);
            card.revisions[..end].last()
        });
        let mut newest: Vec<_> = newest.collect();
        newest.sort_unstable_by_key(|one| one.seq);
        newest
    }

    /// The files of the workspace as last handed over at the entry `to`, by path in the workspace, and when the last
    /// of them came.
    pub fn standing(&self, to: u64) -> (BTreeMap<String, Stood>, Option<Timestamp>) {
        let newest = self.newest(to);
        let mut files = BTreeMap::new();
        for one in &newest {
            for entry in &one.accepted.manifest.entries {
                let stood = Stood {
                    leaf: Leaf {
                        sha256: entry.sha256,
                        size: entry.size,
                        executable: entry.executable,
                    },
                    is_kept: entry.kept && !one.is_forgotten,
                    handoff: one.accepted.handoff,
                    revision: one.accepted.revision,
                    seq: one.seq,
                    at: one.at,
                };
                files.insert(joined(&one.accepted.at.folder, &entry.path), stood);
            }
        }
        (files, newest.last().map(|one| one.at))
    }
}

/// A file as it stood at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stood {
    /// Its content.
    pub leaf: Leaf,
    /// Whether its bytes can still be had.
    pub is_kept: bool,
    /// The card that handed it over.
    pub handoff: HandoffId,
    /// The revision of it that did so last.
    pub revision: u32,
    /// The entry with which that was.
    pub seq: u64,
    /// When that was.
    pub at: Timestamp,
}

type Roots = HashSet<String>;

/// What two deliveries must share for their paths to mean the same file. Each package has a folder of its
/// own, so there it is the card.
fn root(revision: &Revision, is_one: bool) -> String {
    let at = &revision.accepted.at;
    match package(&at.folder) {
        _ if is_one => String::new(),
        Some(_) => format!("/{}", revision.accepted.handoff),
        None => at.folder.clone(),
    }
}

fn delivery<'a>(revision: &'a Revision, root: &'a str) -> Delivery<'a> {
    Delivery {
        seq: revision.seq,
        card: revision.accepted.handoff,
        root,
        manifest: &revision.accepted.manifest,
    }
}
