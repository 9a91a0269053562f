//! The beginning of sealed documents, and refused deliveries.

use std::io::{self, Read};

use countersign_protocol::{Digest, names::joined};
use countersign_web::desk::{Caller, DeadLetter, DeskError};

use super::{LedgerDesk, access::sees, content::Bytes};
use crate::{fs::Objects, ledger::Ledger};

/// Most of a refused document that is shown, in bytes.
const SHOWN: usize = 64 * 1024;

/// Opens a sealed file, in a thread that may block.
pub(super) fn whole(
    ledger: &Ledger,
    objects: &Objects,
    sha256: Digest,
) -> io::Result<Box<dyn Read>> {
    if let Some(bytes) = ledger.object(sha256).map_err(io::Error::other)? {
        return Ok(Box::new(io::Cursor::new(bytes)));
    }
    match objects.open_object(sha256).map_err(io::Error::other)? {
        Some(file) => Ok(Box::new(file)),
        None => Err(io::Error::other(format!(
            "the bytes of {sha256} are not kept"
        ))),
    }
}

/// Bytes of a small sealed file, waited for in a thread that may block; `None` when they cannot be had.
pub(super) fn small(ledger: &Ledger, objects: &Objects, sha256: Digest) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = whole(ledger, objects, sha256).ok()?;
    file.take(SHOWN as u64 * 16).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

impl LedgerDesk {
    /// The first bytes of a sealed file, at most `limit`.
    pub(super) async fn bytes(
        &self,
        sha256: Digest,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, DeskError> {
        let Some(file) = self.sealed(sha256).await? else {
            return Ok(None);
        };
        let bytes = match file {
            Bytes::Small(mut bytes) => {
                bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                bytes
            }
            Bytes::Large(file) => {
                let read = tokio::task::spawn_blocking(move || {
                    let mut bytes = Vec::new();
                    file.take(limit).read_to_end(&mut bytes).map(|_| bytes)
                });
                let read = read.await.unwrap_or_else(|error| Err(error.into()));
                read.map_err(|error| DeskError::Unavailable(error.to_string()))?
            }
        };
        Ok(Some(bytes))
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
            let file = joined(&dead.location.folder, &dead.location.file);
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
