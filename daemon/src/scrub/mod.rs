//! Looks whether the kept bytes are still those that were sealed: before somebody approves them, and all of them now and
//! then, slowly enough that nobody notices.

#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use countersign_protocol::{Digest, manifest::Manifest};

use crate::{
    fs::{Objects, SHELVES},
    ledger::Ledger,
    store::StoreError,
};

/// Small objects that are read at a time, so that commits go on between.
const TOGETHER: usize = 32;
/// Pause after each of these, and after each large file.
const PAUSE: Duration = Duration::from_millis(20);

/// Why it was not looked.
#[derive(Debug, thiserror::Error)]
pub enum ScrubError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder of large files cannot be read.
    #[error(transparent)]
    Fs(#[from] crate::fs::Error),
    /// A thread ended.
    #[error("it was interrupted")]
    Interrupted,
}

/// Reads kept bytes and compares them with their digests.
#[derive(Clone, Debug)]
pub struct Scrub {
    ledger: Ledger,
    objects: Arc<Objects>,
}

impl Scrub {
    /// Of the bytes in `ledger` and in `objects`.
    pub fn new(ledger: Ledger, objects: Arc<Objects>) -> Self {
        Self { ledger, objects }
    }

    /// Names the first file of `manifest`, or its document, whose kept bytes are damaged. Bytes that were read since the start are not
    /// read again while their file looks the same.
    pub async fn damaged_in(&self, manifest: &Manifest) -> Result<Option<String>, ScrubError> {
        let kept = manifest.entries.iter().filter(|entry| entry.kept);
        let kept = kept.map(|entry| entry.sha256);
        let digests: Vec<Digest> = kept.chain([manifest.document]).collect();
        let damaged = self.damaged_of(digests, Duration::ZERO).await?;
        let mut entries = manifest.entries.iter();
        let first = entries.find(|entry| damaged.contains(&entry.sha256));
        let document = || "the handoff document".to_owned();
        let document = damaged.contains(&manifest.document).then(document);
        Ok(first.map(|entry| format!("`{}`", entry.path)).or(document))
    }

    /// Reads everything that is kept, once. Returns how many objects were read, and notes those that are damaged.
    pub async fn run(&self) -> Result<usize, ScrubError> {
        let mut read = 0;
        let mut after = None;
        loop {
            let listed = self
                .ledger
                .read(move |store| store.object_digests(after, TOGETHER));
            let listed = listed.await?;
            let Some(last) = listed.last() else { break };
            after = Some(*last);
            read += listed.len();
            self.damaged_of(listed, PAUSE).await?;
        }
        for shelf in SHELVES {
            let objects = Arc::clone(&self.objects);
            let files = tokio::task::spawn_blocking(move || objects.shelf(shelf));
            for (sha256, _) in files.await.map_err(|_| ScrubError::Interrupted)?? {
                read += 1;
                self.is_large_damaged(sha256).await?;
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(read)
    }

    async fn damaged_of(
        &self,
        digests: Vec<Digest>,
        pause: Duration,
    ) -> Result<BTreeSet<Digest>, ScrubError> {
        let mut damaged = BTreeSet::new();
        let unread = digests
            .into_iter()
            .filter(|one| !self.objects.is_sound(*one));
        let unread: Vec<Digest> = unread.collect();
        for some in unread.chunks(TOGETHER) {
            let asked = some.to_vec();
            let found = self.ledger.read(move |store| {
                let look = |sha256| match store.object(sha256) {
                    Ok(bytes) => Ok((sha256, bytes.map(|_| true))),
                    Err(StoreError::Rotten(_)) => Ok((sha256, Some(false))),
                    Err(error) => Err(error),
                };
                asked.into_iter().map(look).collect::<Result<Vec<_>, _>>()
            });
            for (sha256, small) in found.await? {
                let is_damaged = match small {
                    Some(is_sound) => {
                        self.objects.note(sha256, is_sound);
                        !is_sound
                    }
                    None => self.is_large_damaged(sha256).await?,
                };
                if is_damaged {
                    damaged.insert(sha256);
                }
            }
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
        Ok(damaged)
    }

    async fn is_large_damaged(&self, sha256: Digest) -> Result<bool, ScrubError> {
        let objects = Arc::clone(&self.objects);
        let opened = tokio::task::spawn_blocking(move || objects.open_object(sha256));
        match opened.await.map_err(|_| ScrubError::Interrupted)? {
            Ok(_) => Ok(false),
            // Bytes that the disk does not give back at all are no better.
            Err(error) if error.source.kind() == std::io::ErrorKind::InvalidData => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// What is damaged, as a sentence for whoever runs the daemon.
    pub fn trouble(&self) -> Option<String> {
        let damaged = self.objects.damaged();
        let first = damaged.first()?;
        let files = match damaged.len() {
            1 => "1 sealed file is".to_owned(),
            count => format!("{count} sealed files are"),
        };
        Some(format!(
            "{files} damaged on the disk of the state folder, the first is {first}; hand the same bytes over again, or put \
             the state folder back from a backup"
        ))
    }
}
