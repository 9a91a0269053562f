//! Sealed bytes for previews and downloads. Never the agent's own file, which may have changed since.

use std::{fs::File, sync::Arc};

use async_trait::async_trait;
use countersign_protocol::{
    Digest, HandoffId,
    content::{Binary, Body, Content, Cut, CutReason, Kind, Picture, SNIFFED, sniff},
};
use countersign_web::desk::{Caller, ContentDesk, DeskError, PictureOf, SealedFile};

use super::{LedgerDesk, access::visible_card};

/// Where sealed bytes are.
pub(super) enum Bytes {
    /// In the ledger, and now in memory.
    Small(Vec<u8>),
    /// In a file of the object folder.
    Large(File),
}

impl LedgerDesk {
    /// The bytes with that digest, when they are kept.
    pub(super) async fn sealed(&self, sha256: Digest) -> Result<Option<Bytes>, DeskError> {
        let unavailable = |error: String| DeskError::Unavailable(error);
        let small = self.ledger.read(move |store| store.object(sha256)).await;
        if let Some(bytes) = small.map_err(|error| unavailable(error.to_string()))? {
            return Ok(Some(Bytes::Small(bytes)));
        }
        let objects = Arc::clone(&self.objects);
        let opened = tokio::task::spawn_blocking(move || objects.open_object(sha256)).await;
        let opened = opened.map_err(|error| unavailable(error.to_string()))?;
        let file = opened.map_err(|error| unavailable(error.to_string()))?;
        Ok(file.map(Bytes::Large))
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
        let missing = || DeskError::NotFound(format!("`{path}` in {id} revision {revision}"));
        let entry = {
            let state = self.ledger.state();
            let card = visible_card(&state, who, id)?;
            let revision = card.revision(revision).ok_or_else(missing)?;
            let manifest = &revision.accepted.manifest;
            manifest.get(path).cloned().ok_or_else(missing)?
        };
        if !entry.kept {
            return Err(DeskError::NotFound(format!(
                "the content of `{path}`, of which only the digest is kept,"
            )));
        }
        let (path, sha256, size) = (entry.path, entry.sha256, entry.size);
        Ok(match self.sealed(sha256).await?.ok_or_else(missing)? {
            Bytes::Small(bytes) => SealedFile::new(path, sha256, size, bytes),
            Bytes::Large(file) => SealedFile::new(path, sha256, size, file),
        })
    }

    async fn content(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: u32,
        path: &str,
    ) -> Result<Content, DeskError> {
        let file = self.open(who, id, revision, path).await?;
        let head = file.read(0, SNIFFED).await;
        let head = head.map_err(|error| DeskError::Unavailable(error.to_string()))?;
        let file_type = sniff(&head, head.len() as u64 == file.size, path);
        let executable = file_type.kind == Kind::Program;
        let mut content = Content {
            file_type,
            size: file.size,
            body: Body::Binary(Binary::of(&head, executable)),
            text: Vec::new(),
            findings: Vec::new(),
            cut: None,
        };
        content.cut(
            CutReason::Unavailable,
            "Files of this type are not read here.",
        );
        Ok(content)
    }

    async fn picture(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: u32,
        path: &str,
        _: PictureOf,
        _: u32,
    ) -> Result<Result<Picture, Cut>, DeskError> {
        self.open(who, id, revision, path).await?;
        Ok(Err(Cut {
            reason: CutReason::Unavailable,
            message: "Pictures are not drawn here.".to_owned(),
        }))
    }
}
