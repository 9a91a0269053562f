//! Work for the tests of rules, as their JSON cases describe it.

use std::collections::BTreeMap;

use countersign_protocol::{Digest, event::Stalled, handoff::Trigger};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::work::{File, Work};
use crate::testing::accepted;

/// One case: the work, and the rest of the object.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Scene {
    pub(super) agent: String,
    pub(super) workspace: String,
    pub(super) trigger: Trigger,
    pub(super) confidence: Option<f64>,
    pub(super) revision: u32,
    pub(super) class: String,
    pub(super) stalled: bool,
    pub(super) document: Value,
    pub(super) files: BTreeMap<String, u64>,
    pub(super) unchanged: Vec<String>,
    pub(super) texts: BTreeMap<String, String>,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            agent: "writer".to_owned(),
            workspace: "w".to_owned(),
            trigger: Trigger::Completion,
            confidence: Some(0.96),
            revision: 1,
            class: "internal".to_owned(),
            stalled: false,
            document: Value::Null,
            files: BTreeMap::new(),
            unchanged: Vec::new(),
            texts: BTreeMap::new(),
        }
    }
}

impl Scene {
    pub(super) fn work(self) -> Work {
        let accepted = accepted(|a| {
            a.from_agent.clone_from(&self.agent);
            a.at.workspace.clone_from(&self.workspace);
            a.trigger = self.trigger;
            a.confidence = self.confidence;
            a.revision = self.revision;
            a.manifest.entries.clear();
            a.stalled = self.stalled.then_some(Stalled {
                checkpoint: Digest::ZERO,
                step: 3,
                last_seen: Timestamp::UNIX_EPOCH,
                process_gone: false,
            });
        });
        let files = self.files.into_iter().map(|(path, size)| File {
            changed: !self.unchanged.contains(&path),
            path,
            size,
        });
        let work = Work::new(accepted.into(), self.document, &self.class, 0.8);
        let mut work = work.with_files(files.collect());
        work.texts = self.texts.into_iter().collect();
        work
    }
}
