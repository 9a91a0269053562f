//! Bytes to be read, and how they reach a child.

use std::{
    fs::File,
    io::{self, Read, Seek as _, SeekFrom, Write as _},
};

use rustix::fs::{MemfdFlags, SealFlags};

/// The bytes of a file.
#[derive(Debug)]
pub enum Source {
    /// An open regular file; it is read from its start.
    File(File),
    /// The bytes themselves.
    Bytes(Vec<u8>),
}

impl Source {
    /// How many bytes there are.
    pub(super) fn size(&self) -> io::Result<u64> {
        match self {
            Self::File(file) => {
                let metadata = file.metadata()?;
                if !metadata.is_file() {
                    return Err(io::Error::other("it is no regular file"));
                }
                Ok(metadata.len())
            }
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
        }
    }

    /// The first `limit` bytes.
    pub(super) fn head(&mut self, limit: usize) -> io::Result<Vec<u8>> {
        match self {
            Self::File(file) => {
                let mut head = Vec::new();
                file.seek(SeekFrom::Start(0))?;
                file.take(limit as u64).read_to_end(&mut head)?;
                Ok(head)
            }
            Self::Bytes(bytes) => Ok(bytes[..bytes.len().min(limit)].to_vec()),
        }
    }

    /// A descriptor that a child reads and can seek in, and cannot write through.
    pub(super) fn into_input(self) -> io::Result<File> {
        match self {
            Self::File(mut file) => {
                file.seek(SeekFrom::Start(0))?;
                Ok(file)
            }
            Self::Bytes(bytes) => {
                let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
                let mut file = File::from(rustix::fs::memfd_create("countersign", flags)?);
                file.write_all(&bytes)?;
                let all = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
                rustix::fs::fcntl_add_seals(&file, all)?;
                file.seek(SeekFrom::Start(0))?;
                Ok(file)
            }
        }
    }
}
