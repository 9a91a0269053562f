//! A file that comes and goes, to see whether the kernel still reports changes.

use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::{Dir, Error};

impl Dir {
    /// Makes the empty file `name` in this folder and removes it at once.
    pub fn knock(&self, name: &Path) -> Result<(), Error> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(self.fd(), name, flags, Mode::from_raw_mode(0o600)) {
            // One that a crash left behind; the removal is reported as well.
            Ok(_) | Err(Errno::EXIST) => {}
            Err(source) => return Err(Error::new("create", self.path().join(name), source)),
        }
        rustix::fs::unlinkat(self.fd(), name, AtFlags::empty())
            .map_err(|source| Error::new("remove", self.path().join(name), source))
    }
}
