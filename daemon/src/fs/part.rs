//! A file that comes from elsewhere piece by piece: what came before it broke off is gone on with.

use std::{
    fs::File,
    io::{self, Read, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use countersign_protocol::Digest;
use rustix::fs::Mode;

use super::{Dir, Error, advisory::Locked, append::FLAGS, seal::hash_stream};

/// What is there of a file.
#[derive(Debug)]
pub struct Part {
    file: Locked,
    name: PathBuf,
    path: PathBuf,
    length: u64,
}

impl Dir {
    /// Opens the part `name` in this folder, or begins it; `None` while somebody else is at it.
    pub fn part(&self, name: &Path) -> Result<Option<Part>, Error> {
        let path = self.path().join(name);
        let failed = |source: io::Error| Error::new("open", &path, source);
        let flags = FLAGS | rustix::fs::OFlags::CREATE;
        let opened = rustix::fs::openat(self.fd(), name, flags, Mode::from_raw_mode(0o600));
        let file = File::from(opened.map_err(|source| failed(source.into()))?);
        let Some(mut file) = Locked::take(file, true).map_err(failed)? else {
            return Ok(None);
        };
        let length = file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok(Some(Part {
            file,
            name: name.to_owned(),
            path,
            length,
        }))
    }
}

impl Part {
    /// How many bytes are there.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Lets go of what is there.
    pub fn start_over(&mut self) -> Result<(), Error> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.rewind());
        emptied.map_err(|source| Error::new("empty", &self.path, source))?;
        self.length = 0;
        Ok(())
    }

    /// Adds what `source` gives. What came before it failed stays.
    pub fn add(&mut self, source: &mut dyn Read) -> io::Result<()> {
        let mut buffer = vec![0; 128 * 1024];
        loop {
            match source.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => {
                    self.file.write_all(&buffer[..read])?;
                    self.length += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives it its name `to` in `folder`, its own, if it is whole: all of it is hashed as it lies there. Else it
    /// is removed, since nobody knows which of its bytes are wrong. `Some(false)` when the name is taken.
    pub fn finish(
        mut self,
        folder: &Dir,
        to: &Path,
        sha256: Digest,
    ) -> Result<Option<bool>, Error> {
        let failed = |source: io::Error| Error::new("finish", &self.path, source);
        self.file.rewind().map_err(failed)?;
        let (found, _) = hash_stream(&mut *self.file, |_| Ok(())).map_err(failed)?;
        if found != sha256 {
            folder.remove_own_file(&self.name)?;
            return Ok(None);
        }
        rustix::fs::fchmod(&*self.file, Mode::from_raw_mode(0o644))
            .map_err(|source| failed(source.into()))?;
        self.file.sync_all().map_err(failed)?;
        match folder.rename_new(&self.name, to) {
            Ok(()) => Ok(Some(true)),
            Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => Ok(Some(false)),
            Err(error) => Err(error),
        }
    }
}
