//! POSIX access control lists (acl(5)), as the extended attributes `system.posix_acl_*` hold them: a version, then
//! entries of tag, rights and id, little-endian, in the order of the tags.

use std::{collections::BTreeMap, os::fd::AsFd, path::Path};

use rustix::{fs::XattrFlags, io::Errno};

use super::{Dir, Error};

const VERSION: u32 = 2;
const OWNER: u16 = 0x01;
const USER: u16 = 0x02;
const GROUP: u16 = 0x04;
const NAMED_GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;
/// The id of entries that name nobody.
const NOBODY: u32 = u32::MAX;
/// No list that we copy is longer, in bytes.
const LONGEST: usize = 64 * 1024;

/// Which of its two lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AclKind {
    /// Who may do what with it.
    Access,
    /// What new names in a folder begin with.
    Default,
}

impl AclKind {
    const ALL: [Self; 2] = [Self::Access, Self::Default];

    fn attribute(self) -> &'static str {
        match self {
            Self::Access => "system.posix_acl_access",
            Self::Default => "system.posix_acl_default",
        }
    }
}

/// Rights of the owner, of users by number, of the group, and of everybody else: 4 read, 2 write, 1 search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acl {
    /// Of the owner.
    pub owner: u8,
    /// Of users by number.
    pub users: BTreeMap<u32, u8>,
    /// Of the group.
    pub group: u8,
    /// Of everybody else.
    pub other: u8,
}

impl Acl {
    fn encoded(&self) -> Vec<u8> {
        let mask = self.users.values().fold(self.group, |all, one| all | one);
        let users = self.users.iter().map(|(uid, rights)| (USER, *rights, *uid));
        let named = [(GROUP, self.group, NOBODY), (MASK, mask, NOBODY)];
        let entries = [(OWNER, self.owner, NOBODY)]
            .into_iter()
            .chain(users)
            .chain(named)
            .chain([(OTHER, self.other, NOBODY)]);
        let mut bytes = VERSION.to_le_bytes().to_vec();
        for (tag, rights, id) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(u16::from(rights).to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        bytes
    }
}

/// Access list as it was read, with entries of any users and groups.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Permissions {
    users: Vec<(u32, u8)>,
    own_group: u8,
    groups: Vec<(u32, u8)>,
    mask: Option<u8>,
    other: u8,
}

impl Permissions {
    /// Parses the bytes of an extended attribute; `None` when they are of another version or cut.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (version, entries) = bytes.split_first_chunk::<4>()?;
        let (entries, []) = entries.as_chunks::<8>() else {
            return None;
        };
        if u32::from_le_bytes(*version) != VERSION {
            return None;
        }
        let mut parsed = Self::default();
        for [t0, t1, r0, _, id @ ..] in entries {
            let (rights, id) = (*r0 & 7, u32::from_le_bytes(*id));
            match u16::from_le_bytes([*t0, *t1]) {
                USER => parsed.users.push((id, rights)),
                GROUP => parsed.own_group = rights,
                NAMED_GROUP => parsed.groups.push((id, rights)),
                MASK => parsed.mask = Some(rights),
                OTHER => parsed.other = rights,
                _ => {}
            }
        }
        Some(parsed)
    }

    /// Returns the rights of a user who is not the owner (acl(5), "Access check algorithm"): of its own entry, else of a
    /// group that grants all that is `wanted`, else of others.
    pub(super) fn granted(&self, uid: u32, groups: &[u32], owning: u32, wanted: u8) -> u8 {
        let mask = self.mask.unwrap_or(7);
        if let Some((_, rights)) = self.users.iter().find(|(id, _)| *id == uid) {
            return rights & mask;
        }
        let named = self.groups.iter().filter(|(id, _)| groups.contains(id));
        let own = groups.contains(&owning).then_some(self.own_group);
        let mut of_groups: Vec<u8> = own
            .into_iter()
            .chain(named.map(|(_, rights)| *rights))
            .collect();
        for rights in &mut of_groups {
            *rights &= mask;
        }
        let enough = of_groups.iter().find(|rights| **rights & wanted == wanted);
        enough.or(of_groups.first()).copied().unwrap_or(self.other)
    }
}

impl Dir {
    /// Gives this folder a list. Not every file system keeps them.
    pub fn set_acl(&self, kind: AclKind, acl: &Acl) -> Result<(), Error> {
        self.set_acl_bytes(kind, &acl.encoded())
    }

    /// A list of this folder as it is kept; `None` when it has none.
    pub fn acl_bytes(&self, kind: AclKind) -> Result<Option<Vec<u8>>, Error> {
        acl_bytes(self, kind).map_err(|source| Error::new("read the ACL of", self.path(), source))
    }

    /// Gives this folder a list as it was kept.
    pub fn set_acl_bytes(&self, kind: AclKind, bytes: &[u8]) -> Result<(), Error> {
        set_acl_bytes(self, kind, bytes)
            .map_err(|source| Error::new("set the ACL of", self.path(), source))
    }

    /// Takes the lists off this folder: only its mode counts then.
    pub fn remove_acls(&self) -> Result<(), Error> {
        remove_acls(self).map_err(|source| Error::new("take the ACL off", self.path(), source))
    }

    /// The access list of the file `name`; `None` when it has none.
    pub fn acl_bytes_of(&self, name: &Path) -> Result<Option<Vec<u8>>, Error> {
        let file = self.open_file(name)?;
        acl_bytes(&file, AclKind::Access)
            .map_err(|source| Error::new("read the ACL of", self.path().join(name), source))
    }
}

pub(super) fn acl_bytes(of: impl AsFd, kind: AclKind) -> rustix::io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0_u8; LONGEST];
    match rustix::fs::fgetxattr(of, kind.attribute(), &mut bytes) {
        Ok(length) => {
            bytes.truncate(length);
            Ok(Some(bytes))
        }
        Err(Errno::NODATA | Errno::NOTSUP) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn set_acl_bytes(of: impl AsFd, kind: AclKind, bytes: &[u8]) -> rustix::io::Result<()> {
    rustix::fs::fsetxattr(of, kind.attribute(), bytes, XattrFlags::empty())
}

pub(super) fn remove_acls(of: impl AsFd) -> rustix::io::Result<()> {
    for kind in AclKind::ALL {
        match rustix::fs::fremovexattr(&of, kind.attribute()) {
            // A file has no default list, and some file systems have none at all.
            Ok(()) | Err(Errno::NODATA | Errno::NOTSUP | Errno::ACCESS) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
