//! Files of ours that appear whole or not at all.

use std::{
    fs::File,
    io::{Read, Write as _},
    path::{Path, PathBuf},
};

use countersign_protocol::Digest;
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};

use super::{Dir, Error, FileKind, seal::hash_stream};
use crate::fault;

/// What the names of files that are not finished start with.
pub const TEMPORARY: &str = ".countersign-tmp-";

/// Bytes in a page of memory, on most machines.
const PAGE: usize = 4_096;

/// Whether `name` is one of our unfinished files.
pub fn is_temporary(name: &Path) -> bool {
    name.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(TEMPORARY.as_bytes()))
}

fn staged(name: &str) -> String {
    format!("{TEMPORARY}folder-{name}-")
}

impl Dir {
    /// A new file in this folder under a name that nobody can foresee. Never opens what is there.
    pub(super) fn create_temporary(&self) -> Result<(File, PathBuf), Error> {
        let random = getrandom::u64().map_err(|error| {
            Error::new(
                "name a temporary file in",
                self.path(),
                std::io::Error::other(error),
            )
        })?;
        let name = PathBuf::from(format!("{TEMPORARY}{random:016x}"));
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(self.fd(), &name, flags, Mode::from_raw_mode(0o600))
            .map_err(|source| Error::new("create", self.path().join(&name), source))?;
        Ok((File::from(fd), name))
    }

    /// Publishes `bytes` as `name`, over an older file of ours if there is one.
    ///
    /// With `durable`, it lasts when this returns; else when the caller has synced the file system.
    pub fn publish(
        &self,
        name: &Path,
        bytes: &[u8],
        mode: u32,
        durable: bool,
    ) -> Result<(), Error> {
        let temporary = self.write_temporary(|file| file.write_all(bytes), mode, durable)?;
        fault::step("publish.written");
        rustix::fs::renameat(self.fd(), &temporary, self.fd(), name).map_err(|source| {
            let _ = self.remove_own_file(&temporary);
            Error::new("publish", self.path().join(name), source)
        })?;
        fault::step("publish.renamed");
        if durable { self.sync() } else { Ok(()) }
    }

    /// Publishes `bytes` as `name` unless there is something of that name; says whether it did.
    pub fn publish_new(&self, name: &Path, bytes: &[u8], mode: u32) -> Result<bool, Error> {
        let temporary = self.write_temporary(|file| file.write_all(bytes), mode, true)?;
        self.name_new(&temporary, name)
    }

    /// Gives the file `temporary` its name unless there is something of that name.
    fn name_new(&self, temporary: &Path, name: &Path) -> Result<bool, Error> {
        let renamed = rustix::fs::renameat_with(
            self.fd(),
            temporary,
            self.fd(),
            name,
            RenameFlags::NOREPLACE,
        );
        match renamed {
            Ok(()) => self.sync().map(|()| true),
            Err(rustix::io::Errno::EXIST) => self.remove_own_file(temporary).map(|()| false),
            Err(source) => {
                let _ = self.remove_own_file(temporary);
                Err(Error::new("publish", self.path().join(name), source))
            }
        }
    }

    /// Makes `name`, a file of `size` zero bytes, unless there is something of that name; says whether it did.
    ///
    /// It is written a page at a time. Written at once, the kernel keeps it in pieces of up to 2 MB, and each
    /// small write to it later costs as much as if it were to that whole piece.
    pub fn publish_zeros(&self, name: &Path, size: usize, mode: u32) -> Result<bool, Error> {
        let temporary = self.write_temporary(
            |file| {
                let full = std::iter::repeat_n(PAGE, size / PAGE);
                full.chain([size % PAGE])
                    .try_for_each(|length| file.write_all(&[0; PAGE][..length]))
            },
            mode,
            true,
        )?;
        self.name_new(&temporary, name)
    }

    /// Writes what `source` gives as a new file `name`; `None` when there is something of that name. Gives
    /// digest and size.
    pub fn write_new(
        &self,
        name: &Path,
        source: &mut dyn Read,
        mode: u32,
    ) -> Result<Option<(Digest, u64)>, Error> {
        let (mut file, temporary) = self.create_temporary()?;
        let copied = hash_stream(source, |bytes| file.write_all(bytes)).and_then(|copied| {
            rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
            file.sync_all()?;
            Ok(copied)
        });
        let published = copied.and_then(|copied| {
            match rustix::fs::renameat_with(
                self.fd(),
                &temporary,
                self.fd(),
                name,
                RenameFlags::NOREPLACE,
            ) {
                Ok(()) => Ok(Some(copied)),
                Err(rustix::io::Errno::EXIST) => Ok(None),
                Err(error) => Err(error.into()),
            }
        });
        if !matches!(published, Ok(Some(_))) {
            let _ = self.remove_own_file(&temporary);
        }
        published.map_err(|source| Error::new("write", self.path().join(name), source))
    }

    /// Publishes what `source` gives as `name`, if and only if it has the digest `sha256`.
    pub fn publish_copy(
        &self,
        name: &Path,
        source: &mut dyn Read,
        sha256: Digest,
        mode: u32,
        durable: bool,
    ) -> Result<(), Error> {
        let (mut file, temporary) = self.create_temporary()?;
        let mut copy = || -> std::io::Result<()> {
            let copied = hash_stream(source, |bytes| file.write_all(bytes))?;
            if copied.0 != sha256 {
                let damaged = format!("the kept bytes have SHA-256 {}, not {sha256}", copied.0);
                return Err(std::io::Error::other(damaged));
            }
            rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
            if durable && !fault::broken("no-file-fsync") {
                file.sync_all()?;
            }
            rustix::fs::renameat(self.fd(), &temporary, self.fd(), name)?;
            Ok(())
        };
        copy().map_err(|source| {
            let _ = self.remove_own_file(&temporary);
            Error::new("publish", self.path().join(name), source)
        })?;
        if durable { self.sync() } else { Ok(()) }
    }

    /// Puts a copy of what `source` gives, if and only if it has the digest `sha256`, in the place of whatever
    /// bears the name `name`. That goes on under the name that is given back; `None` when there was nothing.
    pub fn replace_by_copy(
        &self,
        name: &Path,
        source: &mut dyn Read,
        sha256: Digest,
        mode: u32,
    ) -> Result<Option<PathBuf>, Error> {
        let (mut file, temporary) = self.create_temporary()?;
        let mut copy = || -> std::io::Result<Option<PathBuf>> {
            let copied = hash_stream(source, |bytes| file.write_all(bytes))?;
            if copied.0 != sha256 {
                let damaged = format!("the kept bytes have SHA-256 {}, not {sha256}", copied.0);
                return Err(std::io::Error::other(damaged));
            }
            rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
            file.sync_all()?;
            let rename =
                |flags| rustix::fs::renameat_with(self.fd(), &temporary, self.fd(), name, flags);
            match rename(RenameFlags::EXCHANGE) {
                Ok(()) => Ok(Some(temporary.clone())),
                Err(rustix::io::Errno::NOENT) => {
                    rename(RenameFlags::NOREPLACE)?;
                    Ok(None)
                }
                Err(error) => Err(error.into()),
            }
        };
        let replaced = copy().map_err(|source| {
            let _ = self.remove_own_file(&temporary);
            Error::new("put right", self.path().join(name), source)
        })?;
        self.sync()?;
        Ok(replaced)
    }

    /// Moves `name` of this folder to the new name `to` in the folder `into`; false when that is taken. What it
    /// is does not matter: it is not opened.
    pub fn move_into(&self, name: &Path, into: &Self, to: &Path) -> Result<bool, Error> {
        let moved =
            rustix::fs::renameat_with(self.fd(), name, into.fd(), to, RenameFlags::NOREPLACE);
        match moved {
            Ok(()) => {
                into.sync()?;
                self.sync().map(|()| true)
            }
            Err(rustix::io::Errno::EXIST) => Ok(false),
            Err(source) => Err(Error::new("move", self.path().join(name), source)),
        }
    }

    /// A new folder to fill before it gets the name `name` by [`Dir::publish_folder`], under a name that
    /// nobody can foresee. What an interrupted run left of it is removed first.
    pub fn stage_folder(&self, name: &str) -> Result<(Self, PathBuf), Error> {
        let prefix = staged(name);
        for listed in self.list()? {
            let left = listed.path.as_os_str().as_encoded_bytes();
            if listed.kind == FileKind::Folder && left.starts_with(prefix.as_bytes()) {
                self.remove_own_folder(&listed.path)?;
            }
        }
        let random = getrandom::u64().map_err(|error| {
            let error = std::io::Error::other(error);
            Error::new("name a temporary folder in", self.path(), error)
        })?;
        let staged = PathBuf::from(format!("{prefix}{random:016x}"));
        rustix::fs::mkdirat(self.fd(), &staged, Mode::from_raw_mode(0o755))
            .map_err(|source| Error::new("make the folder", self.path().join(&staged), source))?;
        Ok((self.folder(&staged)?, staged))
    }

    /// Gives a filled folder its name, unless that is taken, and makes it last.
    pub fn publish_folder(&self, staged: &Path, name: &str) -> Result<(), Error> {
        self.rename_new(staged, Path::new(name))
    }

    /// Removes the folder `name` if nothing is in it.
    pub fn remove_empty_folder(&self, name: &Path) -> Result<(), Error> {
        use rustix::io::Errno;
        match rustix::fs::unlinkat(self.fd(), name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
            Err(source) => {
                let path = self.path().join(name);
                Err(Error::new("remove the folder", path, source))
            }
        }
    }

    /// Removes a folder that only we write, with all that is in it; follows no link.
    pub fn remove_own_folder(&self, name: &Path) -> Result<(), Error> {
        let folder = match self.folder(name) {
            Err(error) if error.is_not_found() => return Ok(()),
            other => other?,
        };
        for listed in folder.list()? {
            match listed.kind {
                FileKind::Folder => folder.remove_own_folder(&listed.path)?,
                _ => folder.remove_own_file(&listed.path)?,
            }
        }
        rustix::fs::unlinkat(self.fd(), name, AtFlags::REMOVEDIR)
            .map_err(|source| Error::new("remove the folder", self.path().join(name), source))
    }

    /// A temporary file with `bytes`. A failed sync is never tried again: the file is thrown away,
    /// since the kernel may call the next sync of the same lost pages a success.
    fn write_temporary(
        &self,
        fill: impl FnOnce(&mut File) -> std::io::Result<()>,
        mode: u32,
        durable: bool,
    ) -> Result<PathBuf, Error> {
        let (mut file, name) = self.create_temporary()?;
        let write = || -> std::io::Result<()> {
            fill(&mut file)?;
            rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
            if durable && !fault::broken("no-file-fsync") {
                fault::operation("publish.sync")?;
                file.sync_all()?;
            }
            Ok(())
        };
        write().map_err(|source| {
            let _ = self.remove_own_file(&name);
            Error::new("write", self.path().join(&name), source)
        })?;
        Ok(name)
    }

    /// Removes what an interrupted run left unfinished in this folder, so that it does not come back
    /// with the next power cut.
    pub fn remove_temporaries(&self) -> Result<(), Error> {
        let mut removed = false;
        for listed in self.list()? {
            if is_temporary(&listed.path) && listed.kind == FileKind::File {
                self.remove_own_file(&listed.path)?;
                removed = true;
            }
        }
        if removed { self.sync() } else { Ok(()) }
    }
}
