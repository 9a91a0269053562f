//! What the ledger knows.

use std::{collections::HashSet, sync::Arc, time::Duration};

use super::{
    super::{cards, live::IndexError, schema::key_of_file},
    Indexer, Open, remove,
};

impl Indexer {
    /// Brings the documents of the ledger up to date.
    pub(super) fn facts(&self, open: &mut Open) -> Result<(), IndexError> {
        let (facts, seq) = {
            let state = self.ledger.state();
            (cards::facts(&state), state.head.seq)
        };
        let mut gone: HashSet<u64> = open.known.of_ledger().collect();
        for fact in &facts {
            gone.remove(&fact.key);
            self.name_files(open, fact);
            if open.known.is_current(fact.key, fact.stamp) {
                continue;
            }
            if open.known.has(fact.key) {
                remove(open, fact.key);
            }
            let entries = cards::entries(fact, &open.live.fields, &self.ledger, &self.objects);
            open.uncommitted += entries.len();
            for entry in entries {
                open.writer().add_document(entry)?;
            }
            open.known.note(fact.key, fact.stamp, 0, None);
            open.is_fresh = true;
        }
        for key in gone {
            remove(open, key);
            open.is_fresh = true;
        }
        open.seq = seq;
        if open.uncommitted == 0 {
            self.shared.progress(|progress| progress.seq = seq);
        }
        Ok(())
    }

    /// Notes the files that a handoff names. The index may leave them out, or have them by an older look.
    fn name_files(&self, open: &mut Open, fact: &cards::Fact) {
        if open.told.insert(fact.key, fact.stamp) == Some(fact.stamp) {
            return;
        }
        for (workspace, path) in fact.files() {
            let key = key_of_file(&workspace, &path);
            if !open.known.has(key) {
                let name = Arc::from(workspace.as_str());
                self.shared
                    .pending
                    .changed(name, path.as_str().into(), Duration::ZERO);
            }
            open.named.insert(key, (Arc::from(workspace), path));
        }
    }
}
