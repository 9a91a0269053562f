//! What the index holds, by key: the stamp of each document.
//!
//! Stamps are a column of the index itself, so they are exactly as new as the documents: after a crash
//! between reading a file and the commit, the file is read again; after a commit it never is.

use rustc_hash::FxHashMap;
use tantivy::Searcher;

use super::schema::FAST_NAMES;
use crate::fs::Stamp;

/// One thing that is in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    stamp: u64,
    /// The walk that came across it last.
    walk: u32,
    /// Number of its workspace; none for what comes from the ledger.
    workspace: Option<u16>,
    /// Whether a child will read its text in this run of the daemon.
    is_awaited: bool,
}

/// Everything that is in the index, in some 24 bytes each.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By keys that are digests already.
    seen: FxHashMap<u64, Seen>,
    workspaces: Vec<String>,
}

impl Known {
    /// What `searcher` holds.
    pub(super) fn load(searcher: &Searcher) -> tantivy::Result<Self> {
        let mut known = Self::default();
        known
            .seen
            .reserve(usize::try_from(searcher.num_docs()).unwrap_or_default());
        for segment in searcher.segment_readers() {
            let columns = segment.fast_fields();
            let keys = columns.u64(FAST_NAMES.key)?;
            let stamps = columns.u64(FAST_NAMES.stamp)?;
            let of_files = columns.column_opt::<u64>(FAST_NAMES.size)?;
            let ws = columns.str(FAST_NAMES.ws)?;
            let mut numbers = FxHashMap::default();
            let mut text = String::new();
            for doc in segment.doc_ids_alive() {
                let (Some(key), Some(stamp)) = (keys.first(doc), stamps.first(doc)) else {
                    continue;
                };
                let is_file = of_files
                    .as_ref()
                    .is_some_and(|size| size.first(doc).is_some());
                let ord = ws.as_ref().and_then(|ws| ws.ords().first(doc));
                let workspace = match (is_file, &ws, ord) {
                    (true, Some(ws), Some(ord)) => {
                        if let Some(number) = numbers.get(&ord) {
                            Some(*number)
                        } else {
                            text.clear();
                            ws.ord_to_str(ord, &mut text)?;
                            let number = known.number(&text);
                            numbers.insert(ord, number);
                            Some(number)
                        }
                    }
                    _ => None,
                };
                known.seen.insert(
                    key,
                    Seen {
                        stamp,
                        walk: 0,
                        workspace,
                        is_awaited: false,
                    },
                );
            }
        }
        Ok(known)
    }

    /// The number of a workspace, from 0.
    fn number(&mut self, workspace: &str) -> u16 {
        let at = self.workspaces.iter().position(|known| known == workspace);
        let at = at.unwrap_or_else(|| {
            self.workspaces.push(workspace.to_owned());
            self.workspaces.len() - 1
        });
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    /// The keys of everything.
    pub(super) fn keys(&self) -> impl Iterator<Item = u64> {
        self.seen.keys().copied()
    }

    /// How many things are known.
    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether `key` is in the index.
    pub(super) fn has(&self, key: u64) -> bool {
        self.seen.contains_key(&key)
    }

    /// Notes that `walk` came across a file; says whether the index has it as it is.
    pub(super) fn came_across(&mut self, key: u64, stamp: u64, walk: u32) -> bool {
        match self.seen.get_mut(&key) {
            Some(seen) => {
                seen.walk = seen.walk.max(walk);
                seen.stamp == stamp || (seen.is_awaited && seen.stamp == without_text(stamp))
            }
            None => false,
        }
    }

    /// Notes that a child will read the text of `key`.
    pub(super) fn await_text(&mut self, key: u64) {
        if let Some(seen) = self.seen.get_mut(&key) {
            seen.is_awaited = true;
        }
    }

    /// Notes that the text of `key` was read, as it was with `stamp`, and that the index has it from now on as
    /// `now`. Says whether that is the one that is waited for.
    pub(super) fn text_came(&mut self, key: u64, stamp: u64, now: u64) -> bool {
        match self.seen.get_mut(&key) {
            Some(seen) if seen.stamp == without_text(stamp) => {
                (seen.stamp, seen.is_awaited) = (now, false);
                true
            }
            _ => false,
        }
    }

    /// Whether the index has `key` as it is.
    pub(super) fn is_current(&self, key: u64, stamp: u64) -> bool {
        self.seen.get(&key).is_some_and(|seen| seen.stamp == stamp)
    }

    /// Notes that the index has `key`, a file of `workspace` or something of the ledger.
    pub(super) fn note(&mut self, key: u64, stamp: u64, walk: u32, workspace: Option<&str>) {
        let workspace = workspace.map(|name| self.number(name));
        let before = self.seen.get(&key).map_or(0, |seen| seen.walk);
        self.seen.insert(
            key,
            Seen {
                stamp,
                walk: walk.max(before),
                workspace,
                is_awaited: false,
            },
        );
    }

    /// Notes that the index no longer has `key`.
    pub(super) fn forget(&mut self, key: u64) {
        self.seen.remove(&key);
    }

    /// The files of `workspace` that neither `walk` nor anybody since its beginning came across.
    pub(super) fn unseen(&mut self, workspace: &str, walk: u32) -> Vec<u64> {
        let number = self.number(workspace);
        let of_it = |seen: &Seen| seen.workspace == Some(number) && seen.walk < walk;
        self.seen
            .iter()
            .filter(|(_, seen)| of_it(seen))
            .map(|(key, _)| *key)
            .collect()
    }

    /// The keys of what came from the ledger.
    pub(super) fn of_ledger(&self) -> impl Iterator<Item = u64> {
        let of_ledger = self
            .seen
            .iter()
            .filter(|(_, seen)| seen.workspace.is_none());
        of_ledger.map(|(key, _)| *key)
    }
}

/// The stamp of a file with `stamp` whose text is not in the index: it is another one, so
/// that it is read whatever happens in between.
pub(super) fn without_text(stamp: u64) -> u64 {
    !stamp
}

/// The stamp of a file, for the index. The device is left out: a network or removable disk gets
/// another one with every mount.
pub(super) fn of_file(stamp: &Stamp) -> u64 {
    super::schema::stamp(&[
        &stamp.ino.to_be_bytes(),
        &stamp.size.to_be_bytes(),
        &stamp.modified.to_be_bytes(),
        &stamp.changed.to_be_bytes(),
    ])
}
