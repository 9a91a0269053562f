//! Releasing approved work: from the sealed bytes, never from the agent's folder.

use std::{
    io::{Cursor, Read},
    path::Path,
};

use countersign_protocol::{Digest, edit::Edited, event::Accepted, names, release::ReleaseRecord};
use jiff::Timestamp;

use super::{Writeback, WritebackError};
use crate::{
    fs::{Error, damaged},
    release::{Expected, Sealed, is_made, make, set_aside},
    store::StoreError,
    workspace::{FOLDER_MODE, Workspace},
};

impl Writeback {
    /// Puts the approved files into `approved/<id>/`, which appears whole or not at all.
    pub(super) fn release(
        &self,
        workspace: &Workspace,
        (accepted, edited): (&Accepted, Option<&Edited>),
        decided_at: Timestamp,
    ) -> Result<(), WritebackError> {
        // Nobody takes an unfinished folder for a foreign one meanwhile.
        let _alone = workspace.answering();
        let id = accepted.handoff.to_string();
        let expected = Expected::of(&ReleaseRecord::of(accepted, edited, decided_at));
        let approved = workspace
            .dir()
            .make_folder(Path::new(names::APPROVED), FOLDER_MODE)?;
        if approved.kind(Path::new(&id))?.is_some() {
            if is_made(&approved, &id, &expected) {
                // Renamed before a crash; whether that was synced is not known.
                approved.sync()?;
                return Ok(workspace.dir().sync()?);
            }
            set_aside(&approved, &id)?;
        }
        make(&approved, &id, &expected, self)
    }
}

impl Sealed for Writeback {
    type Error = WritebackError;

    fn open(&self, sha256: Digest) -> Result<Box<dyn Read>, WritebackError> {
        self.sealed(sha256)
    }
}

impl Writeback {
    pub(super) fn sealed(&self, sha256: Digest) -> Result<Box<dyn Read>, WritebackError> {
        if let Some(file) = self.objects.open_object(sha256)? {
            return Ok(Box::new(file));
        }
        match self.ledger.object(sha256) {
            Ok(Some(bytes)) => Ok(Box::new(Cursor::new(bytes))),
            Ok(None) => Err(WritebackError::Missing(sha256)),
            // Like a large file that is damaged: the others go on.
            Err(StoreError::Rotten(_)) => {
                Err(Error::new("read", "the sealed bytes", damaged(sha256)).into())
            }
            Err(error) => Err(error.into()),
        }
    }
}
