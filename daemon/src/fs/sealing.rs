//! Files that are sealed together: their copies last with a few syncs for all of them, however many they are.
//!
//! A copy has a temporary name until its bytes last: the name that its digest gives it must never stand over
//! bytes that a power cut left unwritten, since whoever brings the same bytes again would believe it.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{Read as _, Seek as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
};

use countersign_protocol::Digest;
use rustix::fs::RenameFlags;

use super::{
    Dir, Error, SealProblem, Sealed, Stamp,
    condition::Condition,
    pins::{Pin, Pins},
    seal::{INLINE, Stream, hash_stream, place, stream},
};
use crate::fault;

/// Up to so many copies are synced one by one: more are synced with all that is on their file system, which takes
/// about as long as this many.
const FEW: usize = 32;
/// A file of at most so many bytes is read once more when it turns out to be new, and not copied when it is not.
const GLANCE: u64 = 1024 * 1024;

/// Copies that were made and do not last yet. What is not finished is removed when this is dropped.
#[derive(Debug)]
pub struct Sealing<'a> {
    root: &'a Dir,
    pins: &'a Pins,
    condition: &'a Condition,
    copies: Vec<Copied>,
    /// Where objects of this sealing are, or will be.
    shelves: BTreeSet<PathBuf>,
}

#[derive(Debug)]
struct Copied {
    temporary: PathBuf,
    /// Open as long as there are few.
    file: Option<File>,
    sha256: Digest,
}

impl<'a> Sealing<'a> {
    pub(super) fn new(root: &'a Dir, pins: &'a Pins, condition: &'a Condition) -> Self {
        Self {
            root,
            pins,
            condition,
            copies: Vec::new(),
            shelves: BTreeSet::new(),
        }
    }

    /// Seals the regular file `file`; above `keep_up_to` bytes only its digest is taken, and above `inline`
    /// bytes it is not kept in memory.
    pub fn seal(
        &mut self,
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
        } else if stamp.size <= keep_up_to {
            let (sha256, size, pin) = match self.known(file, stamp.size)? {
                Some(known) => known,
                None => self.keep(file)?,
            };
            (sha256, size, None, Some(pin), true)
        } else {
            let (sha256, size) = hash(file)?;
            (sha256, size, None, None, false)
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
    pub fn seal_bytes(&mut self, bytes: Vec<u8>, inline: usize) -> Result<Sealed, SealProblem> {
        let is_inline = bytes.len() as u64 <= INLINE.min(inline as u64);
        let (sha256, pin) = if is_inline {
            (Digest::of(&bytes), None)
        } else {
            let (sha256, _, pin) = self.copy(&mut bytes.as_slice())?;
            (sha256, Some(pin))
        };
        Ok(Sealed {
            sha256,
            size: bytes.len() as u64,
            executable: false,
            inline: is_inline.then_some(bytes),
            kept: true,
            pin,
        })
    }

    /// Makes all of it last, and gives each copy its name.
    pub fn finish(mut self) -> Result<(), SealProblem> {
        let is_few = self.copies.len() <= FEW && self.shelves.len() <= FEW;
        self.sync_copies(is_few)?;
        fault::step("seal.object_written");
        let mut shelves = Vec::new();
        for folder in std::mem::take(&mut self.shelves) {
            shelves.push(self.root.make_folder(&folder, 0o700)?);
        }
        while let Some(copied) = self.copies.pop() {
            let (folder, name) = place(copied.sha256);
            let target = folder.join(name);
            let renamed = rustix::fs::renameat_with(
                self.root.fd(),
                &copied.temporary,
                self.root.fd(),
                &target,
                if self.condition.is_damaged(copied.sha256) {
                    RenameFlags::empty()
                } else {
                    RenameFlags::NOREPLACE
                },
            );
            match renamed {
                Ok(()) => {}
                // Somebody brought the same bytes meanwhile.
                Err(rustix::io::Errno::EXIST) => self.root.remove_own_file(&copied.temporary)?,
                Err(source) => {
                    self.copies.push(copied);
                    return Err(Error::new("keep", self.root.path().join(target), source).into());
                }
            }
        }
        fault::step("seal.object_renamed");
        // Also for objects that were there: another thread, or one before a crash, may have named them a moment ago.
        if !is_few {
            return Ok(self.root.sync_file_system()?);
        }
        for shelf in &shelves {
            shelf.sync()?;
        }
        if !shelves.is_empty() {
            self.root.sync()?;
        }
        Ok(())
    }

    /// A failed sync is never tried again: the copies are thrown away.
    fn sync_copies(&self, is_few: bool) -> Result<(), SealProblem> {
        if self.copies.is_empty() || fault::broken("no-file-fsync") {
            return Ok(());
        }
        let failed = |source| Error::new("sync", self.root.path(), source);
        fault::operation("seal.sync").map_err(failed)?;
        if !is_few {
            return Ok(self.root.sync_file_system()?);
        }
        for file in self.copies.iter().filter_map(|copied| copied.file.as_ref()) {
            file.sync_all().map_err(failed)?;
        }
        Ok(())
    }

    /// Pins the digest, so that from here on nobody removes bytes of it, and says whether they are there already.
    fn pinned(&mut self, sha256: Digest) -> Result<(Pin, bool), SealProblem> {
        let pin = self.pins.pin(sha256);
        let (folder, name) = place(sha256);
        // Damaged bytes are as good as none: those that come now take their place.
        let is_there =
            !self.condition.is_damaged(sha256) && self.root.kind(&folder.join(name))?.is_some();
        self.shelves.insert(folder);
        Ok((pin, is_there))
    }

    /// The digest of a small file whose bytes are kept already. Else the file is at its beginning again.
    fn known(
        &mut self,
        file: &mut File,
        size: u64,
    ) -> Result<Option<(Digest, u64, Pin)>, SealProblem> {
        if size > GLANCE {
            return Ok(None);
        }
        let (sha256, size) = hash(file)?;
        let (pin, is_there) = self.pinned(sha256)?;
        if is_there {
            return Ok(Some((sha256, size, pin)));
        }
        file.rewind().map_err(SealProblem::Source)?;
        Ok(None)
    }

    /// Takes the bytes of `file` into the folder: by sharing its blocks where the file system can do that
    /// (`ioctl_ficlone(2)`; Btrfs, XFS), else by copying. Either way it is our file that is hashed.
    fn keep(&mut self, file: &mut File) -> Result<(Digest, u64, Pin), SealProblem> {
        let (target, temporary) = self.root.create_temporary()?;
        if rustix::fs::ioctl_ficlone(&target, &*file).is_err() {
            return self.fill(target, temporary, |target| {
                stream(file, |bytes| write(target, bytes))
            });
        }
        // Ours was opened to be written only.
        let mut ours = self.root.open_file(&temporary)?;
        self.fill(target, temporary, |_| {
            hash_stream(&mut ours, |_| Ok(())).map_err(Stream::Target)
        })
    }

    /// Copies `source` into the folder while hashing what is written.
    fn copy(&mut self, source: &mut &[u8]) -> Result<(Digest, u64, Pin), SealProblem> {
        let (target, temporary) = self.root.create_temporary()?;
        self.fill(target, temporary, |target| {
            stream(source, |bytes| write(target, bytes))
        })
    }

    /// Fills a temporary file, which gets its name when all is finished.
    fn fill(
        &mut self,
        mut target: File,
        temporary: PathBuf,
        fill: impl FnOnce(&mut File) -> Result<(Digest, u64), Stream>,
    ) -> Result<(Digest, u64, Pin), SealProblem> {
        let filled = fill(&mut target).and_then(|done| {
            let mode = rustix::fs::Mode::from_raw_mode(0o400);
            rustix::fs::fchmod(&target, mode).map_err(|error| Stream::Target(error.into()))?;
            Ok(done)
        });
        let (sha256, size) = filled.map_err(|problem| {
            let _ = self.root.remove_own_file(&temporary);
            match problem {
                Stream::Source(error) => SealProblem::Source(error),
                Stream::Target(error) => {
                    Error::new("write", self.root.path().join(&temporary), error).into()
                }
            }
        })?;
        let (pin, is_there) = self.pinned(sha256)?;
        if is_there {
            self.root.remove_own_file(&temporary)?;
            return Ok((sha256, size, pin));
        }
        self.copies.push(Copied {
            temporary,
            file: Some(target),
            sha256,
        });
        if self.copies.len() > FEW {
            self.copies.iter_mut().for_each(|copied| copied.file = None);
        }
        Ok((sha256, size, pin))
    }
}

impl Drop for Sealing<'_> {
    fn drop(&mut self) {
        for copied in &self.copies {
            let _ = self.root.remove_own_file(&copied.temporary);
        }
    }
}

fn write(target: &mut File, bytes: &[u8]) -> std::io::Result<()> {
    fault::operation("seal.write")?;
    target.write_all(bytes)
}

fn hash(file: &mut File) -> Result<(Digest, u64), SealProblem> {
    hash_stream(file, |_| Ok(())).map_err(SealProblem::Source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::{Objects, SHELVES};

    /// Opened files that have nothing in common, beside a folder of objects.
    fn bed(files: usize) -> (tempfile::TempDir, Objects, Vec<File>) {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::open(&folder.path().join("objects")).unwrap();
        let here = Dir::open(folder.path()).unwrap();
        let open = |number: usize| {
            let name = PathBuf::from(number.to_string());
            let bytes = number.to_string().repeat(500);
            here.publish(&name, bytes.as_bytes(), 0o600, false).unwrap();
            here.open_file(&name).unwrap()
        };
        let files = (0..files).map(open).collect();
        (folder, objects, files)
    }

    fn seal(sealing: &mut Sealing<'_>, files: &mut [File]) -> Vec<Sealed> {
        let seal = |file: &mut File| {
            file.rewind().unwrap();
            sealing.seal(file, u64::MAX, 0).unwrap()
        };
        files.iter_mut().map(seal).collect()
    }

    fn named(objects: &Objects) -> usize {
        let shelves = SHELVES.map(|number| objects.shelf(number).unwrap().len());
        shelves.sum()
    }

    fn temporaries(folder: &tempfile::TempDir) -> usize {
        let objects = Dir::open(&folder.path().join("objects")).unwrap();
        let listed = objects.list().unwrap();
        let files = listed.iter();
        files
            .filter(|one| one.kind == crate::fs::FileKind::File)
            .count()
    }

    #[test]
    fn files_have_no_name_before_all_of_them_last() {
        for count in [3, FEW + 8] {
            let (folder, objects, mut files) = bed(count);
            let mut sealing = objects.sealing();
            let sealed = seal(&mut sealing, &mut files);
            assert_eq!((named(&objects), temporaries(&folder)), (0, count));
            sealing.finish().unwrap();
            assert_eq!((named(&objects), temporaries(&folder)), (count, 0));
            for (sealed, file) in sealed.iter().zip(&mut files) {
                let mut kept = objects.open_object(sealed.sha256).unwrap().unwrap();
                file.rewind().unwrap();
                let bytes = |file: &mut File| {
                    let mut bytes = Vec::new();
                    file.read_to_end(&mut bytes).unwrap();
                    bytes
                };
                assert_eq!(bytes(&mut kept), bytes(file));
            }
        }
    }

    #[test]
    fn what_is_kept_already_is_not_copied() {
        let (folder, objects, mut files) = bed(4);
        let mut sealing = objects.sealing();
        let first = seal(&mut sealing, &mut files[..3]);
        sealing.finish().unwrap();
        let mut sealing = objects.sealing();
        let again = seal(&mut sealing, &mut files);
        assert_eq!(sealing.copies.len(), 1);
        assert_eq!(temporaries(&folder), 1);
        for (first, again) in first.iter().zip(&again) {
            assert_eq!(first.sha256, again.sha256);
            assert!(again.pin.is_some(), "nobody may remove it meanwhile");
        }
        sealing.finish().unwrap();
        assert_eq!(named(&objects), 4);
    }

    #[test]
    fn the_same_bytes_twice_in_one_sealing_are_kept_once() {
        let (folder, objects, mut files) = bed(1);
        let mut sealing = objects.sealing();
        seal(&mut sealing, &mut files);
        seal(&mut sealing, &mut files);
        sealing.finish().unwrap();
        assert_eq!((named(&objects), temporaries(&folder)), (1, 0));
    }

    #[test]
    fn what_is_not_finished_is_gone() {
        let (folder, objects, mut files) = bed(FEW + 2);
        let mut sealing = objects.sealing();
        seal(&mut sealing, &mut files);
        drop(sealing);
        assert_eq!((named(&objects), temporaries(&folder)), (0, 0));
    }
}
