//! Sealed bytes for previews and downloads. Never the agent's own file, which may have changed since.

use std::io::Read as _;

use countersign_protocol::{Digest, HandoffId};
use countersign_web::desk::{Caller, DeadLetter, DeskError, FileBytes};

use super::{
    LedgerDesk,
    access::{sees, visible_card},
};

/// Most of a refused document that is shown, in bytes.
const SHOWN: usize = 64 * 1024;

impl LedgerDesk {
    pub(super) async fn sealed_file(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: u32,
        path: &str,
        limit: u64,
    ) -> Result<FileBytes, DeskError> {
        let missing = || DeskError::NotFound(format!("`{path}` in {id} revision {revision}"));
        let entry = {
            let state = self.ledger.state();
            let card = visible_card(&state, who, id)?;
            let revision = card.revision(revision).ok_or_else(missing)?;
            revision
                .accepted
                .manifest
                .get(path)
                .cloned()
                .ok_or_else(missing)?
        };
        if !entry.kept {
            return Err(DeskError::NotFound(format!(
                "the content of `{path}`, of which only the digest is kept,"
            )));
        }
        let bytes = self.bytes(entry.sha256, limit).await?.ok_or_else(missing)?;
        Ok(FileBytes {
            path: entry.path,
            sha256: entry.sha256,
            size: entry.size,
            bytes,
        })
    }

    /// The first bytes of a sealed file, at most `limit`.
    pub(super) async fn bytes(
        &self,
        sha256: Digest,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, DeskError> {
        let small = self.ledger.read(move |store| store.object(sha256)).await;
        if let Some(mut bytes) = small.map_err(|error| DeskError::Unavailable(error.to_string()))? {
            bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            return Ok(Some(bytes));
        }
        let objects = std::sync::Arc::clone(&self.objects);
        let read = tokio::task::spawn_blocking(move || -> Result<Option<Vec<u8>>, String> {
            let Some(file) = objects
                .open_object(sha256)
                .map_err(|error| error.to_string())?
            else {
                return Ok(None);
            };
            let mut bytes = Vec::new();
            file.take(limit)
                .read_to_end(&mut bytes)
                .map_err(|error| error.to_string())?;
            Ok(Some(bytes))
        });
        read.await
            .map_err(|error| DeskError::Unavailable(error.to_string()))?
            .map_err(DeskError::Unavailable)
    }

    pub(super) async fn refused_deliveries(
        &self,
        who: &Caller,
    ) -> Result<Vec<DeadLetter>, DeskError> {
        let mut dead: Vec<_> = {
            let state = self.ledger.state();
            state
                .dead_letters()
                .filter(|dead| sees(who, &dead.location.workspace))
                .cloned()
                .collect()
        };
        dead.sort_by_key(|dead| std::cmp::Reverse(dead.seq));
        let mut letters = Vec::with_capacity(dead.len());
        for dead in dead {
            let bytes = match dead.sha256 {
                Some(sha256) => self.bytes(sha256, SHOWN as u64).await?,
                None => None,
            };
            let file = match dead.location.folder.as_str() {
                "" => dead.location.file.clone(),
                folder => format!("{folder}/{}", dead.location.file),
            };
            letters.push(DeadLetter {
                seq: dead.seq,
                workspace: dead.location.workspace.clone(),
                file,
                kind: dead.kind,
                errors: dead.violations.clone(),
                at: dead.at,
                text: bytes.and_then(|bytes| String::from_utf8(bytes).ok()),
            });
        }
        Ok(letters)
    }
}
