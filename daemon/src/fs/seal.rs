//! Sealing: copies that we made and hashed. A rename is no delivery, since a descriptor that was
//! kept open writes on; so what counts are the bytes of our copy.

use std::{
    fs::File,
    io::Seek as _,
    path::{Path, PathBuf},
};

use countersign_protocol::Digest;
use sha2::Digest as _;

use super::{
    Dir, Error, Stamp,
    condition::Condition,
    pins::{Pin, Pins},
    sealing::Sealing,
};

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
    condition: Condition,
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
            condition: Condition::default(),
        })
    }

    /// Begins to seal files that last together.
    pub fn sealing(&self) -> Sealing<'_> {
        Sealing::new(&self.root, &self.pins, &self.condition)
    }

    /// Seals the regular file `file`, as [`Sealing::seal`] does.
    ///
    /// The copy lasts when this returns, but for the inline ones, which last with their transaction.
    pub fn seal(
        &self,
        file: &mut File,
        keep_up_to: u64,
        inline: usize,
    ) -> Result<Sealed, SealProblem> {
        let mut sealing = self.sealing();
        let sealed = sealing.seal(file, keep_up_to, inline)?;
        sealing.finish()?;
        Ok(sealed)
    }

    /// Keeps bytes that came from elsewhere than a file, in memory up to `inline` of them.
    pub fn seal_bytes(&self, bytes: Vec<u8>, inline: usize) -> Result<Sealed, SealProblem> {
        let mut sealing = self.sealing();
        let sealed = sealing.seal_bytes(bytes, inline)?;
        sealing.finish()?;
        Ok(sealed)
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

    /// Opens the kept bytes of `sha256`, if they are in the folder. Fails when they are others than were sealed.
    pub fn open_object(&self, sha256: Digest) -> Result<Option<File>, Error> {
        let (folder, name) = place(sha256);
        let path = folder.join(name);
        let mut file = match self.root.open_file(&path) {
            Ok(file) => file,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let failed = |source| Error::new("read", self.root.path().join(&path), source);
        let stamp = Stamp::of(&file.metadata().map_err(failed)?);
        if !self.condition.is_sound(sha256, Some(&stamp)) {
            let is_sound = digest_of(&mut file).map_err(failed)? == sha256;
            self.condition.note(sha256, Some(stamp), is_sound);
            if !is_sound {
                return Err(failed(damaged(sha256)));
            }
            file.rewind().map_err(failed)?;
        }
        Ok(Some(file))
    }

    /// Checks whether the small object `sha256` was read, with the bytes that it should have, since the start.
    pub fn is_sound(&self, sha256: Digest) -> bool {
        self.condition.is_sound(sha256, None)
    }

    /// Remembers how the small object `sha256` was found.
    pub fn note(&self, sha256: Digest, is_sound: bool) {
        self.condition.note(sha256, None, is_sound);
    }

    /// Checks whether `sha256` was found damaged since the start.
    pub fn is_damaged(&self, sha256: Digest) -> bool {
        self.condition.is_damaged(sha256)
    }

    /// The objects that were read since the start and were not what they should be.
    pub fn damaged(&self) -> Vec<Digest> {
        self.condition.damaged()
    }
}

/// Says that kept bytes are not what their name says.
pub(crate) fn damaged(sha256: Digest) -> std::io::Error {
    let words = format!(
        "the kept bytes of {sha256} are damaged: the disk gives back others than were sealed"
    );
    std::io::Error::new(std::io::ErrorKind::InvalidData, words)
}

/// The shelf of an object, and its name there.
pub(super) fn place(sha256: Digest) -> (PathBuf, PathBuf) {
    let name = sha256.to_string();
    (PathBuf::from(&name[..2]), PathBuf::from(&name[2..]))
}

/// Which side of a copy failed.
pub(super) enum Stream {
    Source(std::io::Error),
    Target(std::io::Error),
}

/// Reads `source` to its end, hands on and hashes each piece.
pub(super) fn stream(
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
