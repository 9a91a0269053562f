//! Results that grow, as their chunks were kept.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use countersign_protocol::{
    Digest,
    chain::Body,
    event::{Accepted, PartialKept},
    partial::{Chunk, DecideOn, PartialSeen},
    principal::{Actor, Principal},
};
use jiff::Timestamp;

use super::State;

/// One chunk.
#[derive(Clone, Debug)]
pub struct KeptChunk {
    /// Its entry.
    pub seq: u64,
    /// When it was kept.
    pub at: Timestamp,
    /// The name of its file.
    pub file: String,
    /// Digest of its bytes.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// A stream of chunks.
#[derive(Clone, Debug)]
pub struct Growing {
    /// Who wrote the first of them; nobody else may go on with it.
    pub principal: Option<Principal>,
    /// By number.
    pub chunks: BTreeMap<u32, Arc<KeptChunk>>,
    /// The last chunk up to which none is missing; 0 for none.
    pub through: u32,
    /// The number of the last one, once that is known.
    pub last: Option<u32>,
    /// Bytes of all chunks.
    pub bytes: u64,
}

impl Growing {
    /// Whether all of it is there.
    pub fn is_whole(&self) -> bool {
        self.last == Some(self.through)
    }

    /// The numbers that are missing before the newest chunk, at most `most` of them, and how many there are.
    pub fn missing(&self, most: usize) -> (Vec<u32>, usize) {
        let newest = self.chunks.keys().next_back().copied().unwrap_or(0);
        let gaps = (self.through + 1..newest).filter(|number| !self.chunks.contains_key(number));
        let count = usize::try_from(newest).unwrap_or(usize::MAX) - self.chunks.len();
        (gaps.take(most).collect(), count)
    }

    /// The chunks up to `through`, as an answer names them; `None` when they are not all there.
    pub fn seen(&self, folder: &str, through: u32) -> Option<PartialSeen> {
        if through > self.through {
            return None;
        }
        let mut list = String::new();
        for chunk in self.chunks.range(..=through).map(|(_, chunk)| chunk) {
            let _ = writeln!(list, "{}  {}", chunk.sha256, chunk.file);
        }
        Some(PartialSeen {
            folder: folder.to_owned(),
            through,
            whole: self.last == Some(through),
            sha256: Digest::of(list.as_bytes()),
        })
    }
}

impl State {
    /// The stream in `folder`, relative to the workspace.
    pub fn growing(&self, workspace: &str, folder: &str) -> Option<&Arc<Growing>> {
        self.growing.get(workspace)?.get(folder)
    }

    /// The stream that a revision says grows beside it.
    pub fn growing_of(&self, accepted: &Accepted) -> Option<&Arc<Growing>> {
        let folder = accepted.partials.as_ref()?.folder_in(&accepted.at.folder);
        self.growing(&accepted.at.workspace, &folder)
    }

    /// Whether a revision may not be approved yet, since not all of what grows beside it is there.
    pub fn is_awaited(&self, accepted: &Accepted) -> bool {
        accepted.partials.as_ref().is_some_and(|stated| {
            stated.decide == DecideOn::Whole
                && !self.growing_of(accepted).is_some_and(|it| it.is_whole())
        })
    }

    pub(super) fn chunk_kept(&mut self, body: &Body, kept: &PartialKept) {
        let at = &kept.at;
        self.held.add(&at.workspace, kept.sha256, kept.size);
        self.bury(at);
        let Some(chunk) = Chunk::named(&at.file) else {
            return;
        };
        let streams = self.growing.entry(at.workspace.clone()).or_default();
        let growing = streams.entry(at.folder.clone()).or_insert_with(|| {
            let principal = match &body.actor {
                Actor::Agent { principal, .. } => Some(principal.clone()),
                _ => None,
            };
            Arc::new(Growing {
                principal,
                chunks: BTreeMap::new(),
                through: 0,
                last: None,
                bytes: 0,
            })
        });
        let growing = Arc::make_mut(growing);
        let known = KeptChunk {
            seq: body.seq,
            at: body.at,
            file: at.file.clone(),
            sha256: kept.sha256,
            size: kept.size,
        };
        if growing
            .chunks
            .insert(chunk.number, Arc::new(known))
            .is_none()
        {
            growing.bytes += kept.size;
        }
        if chunk.is_final {
            growing.last = Some(chunk.number);
        }
        while growing.chunks.contains_key(&(growing.through + 1)) {
            growing.through += 1;
        }
    }
}
