//! Sealed bytes, in parts and without ever holding a large file in memory.

use std::{io, sync::Arc};

use async_trait::async_trait;
use countersign_protocol::{
    Digest, HandoffId,
    content::{Content, Cut, Picture},
};

use super::{Caller, ChunkBytes, DeskError};

/// Something that can be read at any place, by many at once.
pub trait ReadAt: Send + Sync + 'static {
    /// Reads from `offset`, as many bytes as come at once; 0 only at the end or for an empty buffer.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let start = usize::try_from(offset).map_or(self.len(), |offset| offset.min(self.len()));
        let count = buffer.len().min(self.len() - start);
        buffer[..count].copy_from_slice(&self[start..start + count]);
        Ok(count)
    }
}

impl ReadAt for std::fs::File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }
}

/// A file that is open. A clone shares it.
#[derive(Clone)]
pub struct OpenFile {
    /// Path relative to the folder that it was found in.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    bytes: Arc<dyn ReadAt>,
}

impl std::fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenFile")
            .field("path", &self.path)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl OpenFile {
    /// A file of `size` bytes.
    pub fn new(path: String, size: u64, bytes: impl ReadAt) -> Self {
        Self {
            path,
            size,
            bytes: Arc::new(bytes),
        }
    }

    /// Fills `buffer` from `offset` and says how far; less than all of it only at the end of the file.
    /// Waits for the disk, so it belongs on a thread that may wait.
    pub fn fill(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self
                .bytes
                .read_at(&mut buffer[filled..], offset + filled as u64)
            {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// At most `limit` bytes from `offset`. Never takes more memory than the file has bytes there.
    pub async fn read(&self, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
        let file = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let left = usize::try_from(file.size.saturating_sub(offset)).unwrap_or(usize::MAX);
            let mut buffer = vec![0; limit.min(left)];
            let count = file.fill(&mut buffer, offset)?;
            buffer.truncate(count);
            Ok(buffer)
        });
        read.await
            .unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

/// A sealed file that is open. A clone shares it.
#[derive(Clone, Debug)]
pub struct SealedFile {
    /// Digest of all bytes.
    pub sha256: Digest,
    /// The bytes, by their path in the folder of the handoff.
    pub open: OpenFile,
}

impl SealedFile {
    /// A file whose `bytes` were sealed as `sha256`.
    pub fn new(path: String, sha256: Digest, size: u64, bytes: impl ReadAt) -> Self {
        let open = OpenFile::new(path, size, bytes);
        Self { sha256, open }
    }
}

/// The bytes of a sealed file from its start.
#[derive(Clone, Debug)]
pub struct FileBytes {
    /// Path relative to the folder of the handoff.
    pub path: String,
    /// Digest of all bytes.
    pub sha256: Digest,
    /// Size of the whole file.
    pub size: u64,
    /// From the start, at most as many as were asked for.
    pub bytes: Vec<u8>,
}

/// Which picture of a file is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureOf {
    /// The image itself, made smaller.
    Image,
    /// A page of a PDF, from 1.
    Page(u32),
    /// The picture among the outputs of a notebook whose bytes have this digest.
    Output(Digest),
}

/// What pages ask about the content of sealed files.
#[async_trait]
pub trait ContentDesk: Send + Sync + 'static {
    /// Opens a sealed file.
    async fn open(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: u32,
        path: &str,
    ) -> Result<SealedFile, DeskError>;

    /// Opens a file of the result that waits for a decision behind a hop. Nobody but people may.
    async fn result_file(
        &self,
        who: &Caller,
        id: HandoffId,
        hop: u32,
        path: &str,
    ) -> Result<SealedFile, DeskError>;

    /// What a sealed file is and says, read by the bounded reader. What cannot be read is described,
    /// with the reason in [`Content::cut`].
    async fn content(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: u32,
        path: &str,
    ) -> Result<Content, DeskError>;

    /// A picture of a sealed file, drawn anew from its pixels, at most `side` pixels wide and high; or
    /// why there is none.
    async fn picture(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: u32,
        path: &str,
        of: PictureOf,
        side: u32,
    ) -> Result<Result<Picture, Cut>, DeskError>;

    /// Whether this machine can draw pages of a PDF.
    fn draws_pages(&self) -> bool {
        true
    }

    /// A chunk of the result that grows beside a handoff.
    async fn chunk(
        &self,
        who: &Caller,
        id: HandoffId,
        number: u32,
    ) -> Result<ChunkBytes, DeskError>;

    /// Sealed bytes from the start of a file, at most `limit`.
    async fn file(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: u32,
        path: &str,
        limit: u64,
    ) -> Result<FileBytes, DeskError> {
        let SealedFile { sha256, open } = self.open(who, id, revision, path).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let bytes = open.read(0, limit).await;
        Ok(FileBytes {
            bytes: bytes.map_err(|error| DeskError::Unavailable(error.to_string()))?,
            path: open.path,
            sha256,
            size: open.size,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_is_read_where_it_is_and_never_past_the_end() {
        let bytes = b"0123456789".to_vec();
        let file = OpenFile::new("a".to_owned(), 10, bytes);
        for (offset, limit, part) in [
            (0, 4, &b"0123"[..]),
            (8, 4, b"89"),
            (10, 4, b""),
            (u64::MAX, 4, b""),
            (0, usize::MAX, b"0123456789"),
        ] {
            assert_eq!(file.read(offset, limit).await.unwrap(), part);
        }
    }

    /// Gives one byte at a time, and is interrupted before each.
    struct Slow(std::sync::atomic::AtomicBool);

    impl ReadAt for Slow {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            let was = self.0.fetch_xor(true, std::sync::atomic::Ordering::Relaxed);
            if was || buffer.is_empty() || offset >= 3 {
                let end = buffer.is_empty() || offset >= 3;
                return if end {
                    Ok(0)
                } else {
                    Err(io::ErrorKind::Interrupted.into())
                };
            }
            buffer[0] = b'x';
            Ok(1)
        }
    }

    #[tokio::test]
    async fn a_short_read_is_not_the_end() {
        let file = OpenFile::new("a".to_owned(), 3, Slow(true.into()));
        assert_eq!(file.read(0, 9).await.unwrap(), b"xxx");
    }
}
