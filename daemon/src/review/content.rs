//! Sealed bytes for previews and downloads, and what the bounded reader finds in them. Never the agent's
//! own file, which may have changed since.

use std::{fs::File, sync::Arc};

use async_trait::async_trait;
use countersign_protocol::{
    Digest, HandoffId,
    content::{Content, Cut, Picture},
    manifest::ManifestEntry,
};
use countersign_web::desk::{Caller, ChunkBytes, ContentDesk, DeskError, PictureOf, SealedFile};

use super::{LedgerDesk, access::visible_card, base};
use crate::{
    extract::{Source, Subject, Urgency, View},
    store::StoreError,
};

/// Where sealed bytes are.
pub(super) enum Bytes {
    /// In the ledger, and now in memory.
    Small(Vec<u8>),
    /// In a file of the object folder.
    Large(File),
}

impl Bytes {
    /// The file that an entry of a manifest names.
    pub(super) fn named(self, entry: ManifestEntry) -> SealedFile {
        let (path, sha256, size) = (entry.path, entry.sha256, entry.size);
        match self {
            Self::Small(bytes) => SealedFile::new(path, sha256, size, bytes),
            Self::Large(file) => SealedFile::new(path, sha256, size, file),
        }
    }
}

impl LedgerDesk {
    /// The bytes with that digest, when they are kept and are still what they were.
    pub(super) async fn sealed(&self, sha256: Digest) -> Result<Option<Bytes>, DeskError> {
        match self.ledger.read(move |store| store.object(sha256)).await {
            Ok(Some(bytes)) => return Ok(Some(Bytes::Small(bytes))),
            Ok(None) => {}
            Err(StoreError::Rotten(_)) => {
                self.objects.note(sha256, false);
                return Ok(None);
            }
            Err(error) => return Err(unavailable(error)),
        }
        let objects = Arc::clone(&self.objects);
        let opened = tokio::task::spawn_blocking(move || objects.open_object(sha256)).await;
        match opened.map_err(unavailable)? {
            Err(_) if self.objects.is_damaged(sha256) => Ok(None),
            opened => Ok(opened.map_err(unavailable)?.map(Bytes::Large)),
        }
    }

    /// A file that `who` may see, with its bytes.
    async fn sealed_at(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: u32,
        path: &str,
    ) -> Result<(ManifestEntry, Bytes), DeskError> {
        let missing = || DeskError::NotFound(format!("`{path}` in {id} revision {revision}"));
        let entry = {
            let state = self.ledger.state();
            let card = visible_card(&state, who, id)?;
            let found = base::numbered(&state, &card, who, revision);
            let found = found.ok().flatten().ok_or_else(missing)?;
            let manifest = &found.revision.accepted.manifest;
            manifest.get(path).cloned().ok_or_else(missing)?
        };
        if !entry.kept {
            return Err(DeskError::NotFound(format!(
                "the content of `{path}`, of which only the digest is kept,"
            )));
        }
        match self.sealed(entry.sha256).await? {
            Some(bytes) => Ok((entry, bytes)),
            None if self.objects.is_damaged(entry.sha256) => Err(DeskError::NotFound(format!(
                "the content of `{path}`, which is damaged on the disk of the daemon,"
            ))),
            None => Err(missing()),
        }
    }
}

fn unavailable(error: impl std::fmt::Display) -> DeskError {
    DeskError::Unavailable(error.to_string())
}

fn source(bytes: Bytes) -> Source {
    match bytes {
        Bytes::Small(bytes) => Source::Bytes(bytes),
        Bytes::Large(file) => Source::File(file),
    }
}

#[async_trait]
impl ContentDesk for LedgerDesk {
    async fn open(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: u32,
        path: &str,
    ) -> Result<SealedFile, DeskError> {
        let (entry, bytes) = self.sealed_at(who, id, revision, path).await?;
        Ok(bytes.named(entry))
    }

    async fn result_file(
        &self,
        who: &Caller,
        id: HandoffId,
        hop: u32,
        path: &str,
    ) -> Result<SealedFile, DeskError> {
        LedgerDesk::result_file(self, who, id, hop, path).await
    }

    fn draws_pages(&self) -> bool {
        crate::extract::draws_pages()
    }

    async fn chunk(
        &self,
        who: &Caller,
        id: HandoffId,
        number: u32,
    ) -> Result<ChunkBytes, DeskError> {
        self.chunk_of(who, id, number).await
    }

    async fn content(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: u32,
        path: &str,
    ) -> Result<Content, DeskError> {
        let (entry, bytes) = self.sealed_at(who, id, revision, path).await?;
        let reader = Arc::clone(&self.reader);
        let read = tokio::task::spawn_blocking(move || {
            let subject = Subject {
                name: &entry.path,
                sha256: Some(entry.sha256),
            };
            reader.content(subject, Urgency::Person, || Ok(source(bytes)))
        });
        read.await.map_err(unavailable)
    }

    async fn picture(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: u32,
        path: &str,
        of: PictureOf,
        side: u32,
    ) -> Result<Result<Picture, Cut>, DeskError> {
        let (entry, bytes) = self.sealed_at(who, id, revision, path).await?;
        let view = match of {
            PictureOf::Image => View::Image,
            PictureOf::Page(page) => View::Page(page),
            PictureOf::Output(output) => View::Output(output),
        };
        let reader = Arc::clone(&self.reader);
        let drawn = tokio::task::spawn_blocking(move || {
            let subject = Subject {
                name: &entry.path,
                sha256: Some(entry.sha256),
            };
            reader.picture(subject, view, side, Urgency::Person, || Ok(source(bytes)))
        });
        drawn.await.map_err(unavailable)
    }
}
