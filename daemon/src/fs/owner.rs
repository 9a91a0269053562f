//! Giving files and folders to another owner.
//!
//! A file that somebody has open for writing, or that has other names, is not given but replaced by a copy: an open
//! descriptor writes on whoever owns the file, and another name may be that of a file which never was in this folder.

use std::{
    fs::File,
    os::{fd::AsFd, unix::fs::MetadataExt as _},
    path::Path,
};

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, Uid};

use super::{
    Attributes, Dir, Error, FileKind, Writers,
    acl::{AclKind, remove_acls, set_acl_bytes},
    writers,
};

/// Whose something is to be, and with which rights.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Permissions.
    pub mode: u32,
    /// The access list as it is kept, if it is to have one.
    pub acl: Option<Vec<u8>>,
    /// Of a folder, the default list.
    pub default_acl: Option<Vec<u8>>,
}

impl Owner {
    /// Sets owner, mode and lists, in this order: who owned it before must not get around a later one.
    fn set_on(&self, it: impl AsFd, (uid, gid): (u32, u32)) -> std::io::Result<()> {
        if (uid, gid) != (self.uid, self.gid) {
            let (user, group) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
            rustix::fs::fchown(&it, Some(user), Some(group))?;
        }
        remove_acls(&it)?;
        rustix::fs::fchmod(&it, Mode::from_raw_mode(self.mode))?;
        if let Some(bytes) = &self.acl {
            set_acl_bytes(&it, AclKind::Access, bytes)?;
        }
        if let Some(bytes) = &self.default_acl {
            set_acl_bytes(&it, AclKind::Default, bytes)?;
        }
        Ok(())
    }
}

impl Dir {
    /// Gives this folder to `owner`; not what is in it.
    pub fn hand_over(&self, owner: &Owner) -> Result<(), Error> {
        let give = || {
            let stat = rustix::fs::fstat(self)?;
            owner.set_on(self, (stat.st_uid, stat.st_gid))
        };
        give().map_err(|source| Error::new("give away", self.path(), source))
    }

    /// Gives the file `name` of this folder, which looked like `seen`, to `owner`; says whether by a copy. Nobody
    /// but us and its new owner may write in this folder.
    pub fn hand_over_file(
        &self,
        name: &Path,
        seen: &Attributes,
        owner: &Owner,
    ) -> Result<bool, Error> {
        let mut file = self.open_file(name)?;
        let failed =
            |source: std::io::Error| Error::new("give away", self.path().join(name), source);
        let now = file.metadata().map_err(failed)?;
        if !now.is_file() || (now.dev(), now.ino()) != (seen.stamp.dev, seen.stamp.ino) {
            return Err(failed(std::io::Error::other("it is another file by now")));
        }
        if now.nlink() == 1 {
            owner
                .set_on(&file, (now.uid(), now.gid()))
                .map_err(failed)?;
            if writers(&file) != Writers::Some {
                return Ok(false);
            }
        }
        self.replace_for(name, &mut file, owner).map_err(failed)?;
        Ok(true)
    }

    /// Puts a copy of `source` that belongs to `owner` in the place of `name`.
    fn replace_for(&self, name: &Path, source: &mut File, owner: &Owner) -> std::io::Result<()> {
        let (mut copy, temporary) = self.create_temporary().map_err(|error| error.source)?;
        let mut fill = || -> std::io::Result<()> {
            std::io::copy(source, &mut copy)?;
            let stat = rustix::fs::fstat(&*source)?;
            let own = rustix::fs::fstat(&copy)?;
            owner.set_on(&copy, (own.st_uid, own.st_gid))?;
            let time = |seconds, nanos: u64| Timespec {
                tv_sec: seconds,
                tv_nsec: nanos.cast_signed(),
            };
            let times = Timestamps {
                last_access: time(stat.st_atime, stat.st_atime_nsec),
                last_modification: time(stat.st_mtime, stat.st_mtime_nsec),
            };
            rustix::fs::futimens(&copy, &times)?;
            copy.sync_all()?;
            rustix::fs::renameat(self.fd(), &temporary, self.fd(), name)?;
            Ok(())
        };
        fill().inspect_err(|_| drop(self.remove_own_file(&temporary)))
    }

    /// Gives the link `name` of this folder, not what it leads to, to a user.
    pub fn hand_over_link(&self, name: &Path, uid: u32, gid: u32) -> Result<(), Error> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let give = || -> rustix::io::Result<()> {
            let link = rustix::fs::openat(self.fd(), name, flags, Mode::empty())?;
            let kind = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&link)?.st_mode);
            if kind != rustix::fs::FileType::Symlink {
                return Err(rustix::io::Errno::INVAL);
            }
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            rustix::fs::chownat(&link, "", Some(uid), Some(gid), AtFlags::EMPTY_PATH)
        };
        give().map_err(|source| Error::new("give away", self.path().join(name), source))
    }

    /// Whose `name` is, for [`Dir::hand_over`] and its like to give it back one day.
    pub fn owner_of(&self, name: &Path, seen: &Attributes) -> Result<Owner, Error> {
        let (acl, default_acl) = match seen.kind {
            FileKind::Folder => {
                let folder = self.folder(name)?;
                let default = folder.acl_bytes(AclKind::Default)?;
                (folder.acl_bytes(AclKind::Access)?, default)
            }
            // One that we may not even open has rights that we cannot change either.
            FileKind::File => (self.acl_bytes_of(name).unwrap_or_default(), None),
            FileKind::Link | FileKind::Special => (None, None),
        };
        Ok(Owner {
            uid: seen.uid,
            gid: seen.gid,
            mode: seen.mode,
            acl,
            default_acl,
        })
    }
}
