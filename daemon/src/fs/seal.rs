//! Sealing: copies that we made and hashed. A rename is no delivery, since a descriptor that was
//! kept open writes on; so what counts are the bytes of our copy.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use countersign_protocol::Digest;
use rustix::fs::RenameFlags;
use sha2::Digest as _;

use super::{
    Dir, Error, Stamp,
    pins::{Pin, Pins},
};
use crate::fault;

/// Up to this size, in bytes, a file is kept in the ledger's database, in the very transaction that
/// accepts it, and costs no sync of its own.
pub(crate) const INLINE: u64 = 64 * 1024;

/// A file that was sealed.
#[derive(Debug)]
pub struct Sealed {
    /// Digest of the bytes we kept.
    pub sha256: Digest,
    /// How many there are.
    pub size: u64,
    /// Whether the owner could run it.
    pub executable: bool,
    /// The bytes themselves when they are few; else they are in the object folder, if kept at all.
    pub inline: Option<Vec<u8>>,
    /// Whether the bytes are kept.
    pub kept: bool,
    /// Keeps the bytes from being collected. To be held until a fact names them.
    pub pin: Option<Pin>,
}

/// Why a file was not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealProblem {
    /// It changed while it was copied.
    #[error("it changed while it was read")]
    Changed,
    /// The source cannot be read.
    #[error("it cannot be read: {0}")]
    Source(std::io::Error),
    /// Our copy cannot be written.
    #[error(transparent)]
    Store(#[from] Error),
}

/// The folder of kept bytes, each file named by its digest.
#[derive(Debug)]
pub struct Objects {
    root: Dir,
    pins: Pins,
}

/// Folders that the files are spread over, named by the first two digits.
pub const SHELVES: std::ops::RangeInclusive<u8> = 0..=u8::MAX;

impl Objects {
    /// Opens or makes the folder.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let root = Dir::create(path, 0o700)?;
        root.remove_temporaries()?;
        Ok(Self {
            root,
            pins: Pins::default(),
        })
    }

    /// Seals the regular file `file`; above `keep_up_to` bytes only its digest is taken, and above `inline`
    /// bytes it is not kept in memory.
    ///
    /// The copy lasts when this returns, but for the inline ones, which last with their transaction.
    pub fn seal(
        &self,
        file: &mut File,
        keep_up_to: u64,
        inline: usize,
    ) -> Result<Sealed, SealProblem> {
        let metadata = file.metadata().map_err(SealProblem::Source)?;
        let stamp = Stamp::of(&metadata);
        let executable = metadata.permissions().mode() & 0o100 != 0;
        let inline = INLINE.min(inline as u64);
        let (sha256, size, inline, pin, kept) = if stamp.size <= inline {
            let mut bytes = Vec::with_capacity(usize::try_from(stamp.size).unwrap_or_default());
            file.take(inline + 1)
                .read_to_end(&mut bytes)
                .map_err(SealProblem::Source)?;
            let sha256 = Digest::of(&bytes);
            (sha256, bytes.len() as u64, Some(bytes), None, true)
        } else {
            let kept = stamp.size <= keep_up_to;
            let (sha256, size, pin) = if kept {
                let (sha256, size, pin) = self.keep(file)?;
                (sha256, size, Some(pin))
            } else {
                let (sha256, size) = hash(file)?;
                (sha256, size, None)
            };
            (sha256, size, None, pin, kept)
        };
        let after = file.metadata().map_err(SealProblem::Source)?;
        if size != stamp.size || Stamp::of(&after) != stamp {
            return Err(SealProblem::Changed);
        }
        Ok(Sealed {
            sha256,
            size,
            executable,
            inline,
            kept,
            pin,
        })
    }

    /// Keeps bytes that came from elsewhere than a file, in memory up to `inline` of them.
    pub fn seal_bytes(&self, bytes: Vec<u8>, inline: usize) -> Result<Sealed, SealProblem> {
        let size = bytes.len() as u64;
        if size <= INLINE.min(inline as u64) {
            let sha256 = Digest::of(&bytes);
            return Ok(Sealed {
                sha256,
                size,
                executable: false,
                inline: Some(bytes),
                kept: true,
                pin: None,
            });
        }
        let (sha256, size, pin) = self.copy(&mut bytes.as_slice())?;
        Ok(Sealed {
            sha256,
            size,
            executable: false,
            inline: None,
            kept: true,
            pin: Some(pin),
        })
    }

    /// Takes the bytes of `file` into the folder: by sharing its blocks where the file system can do that
    /// (`ioctl_ficlone(2)`; Btrfs, XFS), else by copying. Either way it is our file that is hashed.
    fn keep(&self, file: &mut File) -> Result<(Digest, u64, Pin), SealProblem> {
        let (target, temporary) = self.root.create_temporary()?;
        if rustix::fs::ioctl_ficlone(&target, &*file).is_err() {
            return self.finish(target, temporary, |target| {
                stream(file, |bytes| write(target, bytes))
            });
        }
        // Ours was opened to be written only.
        let mut ours = self.root.open_file(&temporary)?;
        self.finish(target, temporary, |_| {
            hash_stream(&mut ours, |_| Ok(())).map_err(Stream::Target)
        })
    }

    /// Copies `source` into the folder while hashing what is written.
    fn copy(&self, source: &mut impl std::io::Read) -> Result<(Digest, u64, Pin), SealProblem> {
        let (target, temporary) = self.root.create_temporary()?;
        self.finish(target, temporary, |target| {
            stream(source, |bytes| write(target, bytes))
        })
    }

    /// Fills a temporary file and gives it its name, once it lasts.
    fn finish(
        &self,
        mut target: File,
        temporary: PathBuf,
        fill: impl FnOnce(&mut File) -> Result<(Digest, u64), Stream>,
    ) -> Result<(Digest, u64, Pin), SealProblem> {
        let copied = fill(&mut target).and_then(|done| {
            rustix::fs::fchmod(&target, rustix::fs::Mode::from_raw_mode(0o400))
                .map_err(target_failed)?;
            if !fault::broken("no-file-fsync") {
                fault::operation("seal.sync").map_err(target_failed)?;
                target.sync_all().map_err(target_failed)?;
            }
            Ok(done)
        });
        let (sha256, size) = copied.map_err(|problem| {
            let _ = self.root.remove_own_file(&temporary);
            match problem {
                Stream::Source(error) => SealProblem::Source(error),
                Stream::Target(error) => {
                    Error::new("write", self.root.path().join(&temporary), error).into()
                }
            }
        })?;
        fault::step("seal.object_written");
        // From here on nobody removes bytes of that digest, those that are there already among them.
        let pin = self.pins.pin(sha256);
        let (folder, name) = place(sha256);
        let shelf = self.root.make_folder(&folder, 0o700)?;
        let renamed = rustix::fs::renameat_with(
            self.root.fd(),
            &temporary,
            shelf.fd(),
            &name,
            RenameFlags::NOREPLACE,
        );
        match renamed {
            Ok(()) => {}
            // The same bytes are there already; they were synced when they came.
            Err(rustix::io::Errno::EXIST) => self.root.remove_own_file(&temporary)?,
            Err(source) => {
                let _ = self.root.remove_own_file(&temporary);
                return Err(Error::new("keep", shelf.path().join(&name), source).into());
            }
        }
        fault::step("seal.object_renamed");
        shelf.sync()?;
        // The shelf itself may have been made a moment ago, by another thread or before a crash.
        self.root.sync()?;
        Ok((sha256, size, pin))
    }

    /// The files of one shelf, each with how it looks.
    pub fn shelf(&self, number: u8) -> Result<Vec<(Digest, Stamp)>, Error> {
        let name = format!("{number:02x}");
        let shelf = match self.root.folder(Path::new(&name)) {
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            other => other?,
        };
        let mut files = Vec::new();
        for listed in shelf.list()? {
            let text = listed.path.to_str().map(|rest| format!("{name}{rest}"));
            // What is not named by a digest is none of ours.
            let Some(sha256) = text.and_then(|text| text.parse().ok()) else {
                continue;
            };
            match shelf.stamp(&listed.path) {
                Ok(stamp) => files.push((sha256, stamp)),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(files)
    }

    /// Removes the kept bytes of `sha256` unless somebody is about to name them or `is_needed`. Says whether
    /// it did. That it lasts is not waited for: what comes back is removed again.
    pub fn remove(&self, sha256: Digest, is_needed: impl FnOnce() -> bool) -> Result<bool, Error> {
        let (folder, name) = place(sha256);
        let removed = self.pins.unless_pinned(sha256, || {
            if is_needed() {
                return Ok(false);
            }
            self.root
                .folder(&folder)?
                .remove_own_file(&name)
                .map(|()| true)
        });
        removed.unwrap_or(Ok(false))
    }

    /// Opens the kept bytes of `sha256`, if they are in the folder.
    pub fn open_object(&self, sha256: Digest) -> Result<Option<File>, Error> {
        let (folder, name) = place(sha256);
        match self.root.open_file(&folder.join(name)) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn place(sha256: Digest) -> (PathBuf, PathBuf) {
    let name = sha256.to_string();
    (PathBuf::from(&name[..2]), PathBuf::from(&name[2..]))
}

enum Stream {
    Source(std::io::Error),
    Target(std::io::Error),
}

fn target_failed(error: impl Into<std::io::Error>) -> Stream {
    Stream::Target(error.into())
}

fn write(target: &mut File, bytes: &[u8]) -> std::io::Result<()> {
    fault::operation("seal.write")?;
    target.write_all(bytes)
}

/// Reads `source` to its end, hands on and hashes each piece.
fn stream(
    source: &mut impl std::io::Read,
    mut piece: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<(Digest, u64), Stream> {
    let mut hash = sha2::Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok((Digest(hash.finalize().into()), size)),
            Ok(read) => {
                hash.update(&buffer[..read]);
                piece(&buffer[..read]).map_err(Stream::Target)?;
                size += read as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Stream::Source(error)),
        }
    }
}

/// The same where the side that failed does not matter.
pub(super) fn hash_stream(
    mut source: &mut dyn std::io::Read,
    piece: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<(Digest, u64)> {
    stream(&mut source, piece).map_err(|problem| match problem {
        Stream::Source(error) | Stream::Target(error) => error,
    })
}

/// The digest of all that `source` gives.
pub fn digest_of(source: &mut dyn std::io::Read) -> std::io::Result<Digest> {
    hash_stream(source, |_| Ok(())).map(|(sha256, _)| sha256)
}

fn hash(file: &mut File) -> Result<(Digest, u64), SealProblem> {
    hash_stream(file, |_| Ok(())).map_err(SealProblem::Source)
}
