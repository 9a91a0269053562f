//! Permission checks for another user (`path_resolution(7)`, `acl(5)`), so that the daemon, which may read
//! everything, does for an agent only what the agent's own user could do.

use std::{fs::File, os::unix::fs::MetadataExt as _, path::Path};

use super::{
    Dir, Error,
    acl::{AclKind, Permissions, acl_bytes},
};

/// Read, write and search permission, as bits of a mode.
const READ: u8 = 4;
const WRITE: u8 = 2;
const SEARCH: u8 = 1;

/// User of the operating system with its groups, from `/etc/passwd` and `/etc/group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    uid: u32,
    groups: Vec<u32>,
}

impl Identity {
    /// Returns the identity of the user `uid`; `None` when permissions do not hold it back: it is the superuser or
    /// the user of this process.
    pub fn of(uid: u32) -> Option<Self> {
        let own = rustix::process::geteuid().as_raw();
        if uid == 0 || uid == own {
            return None;
        }
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
        Some(Self::listed(uid, &users, &groups))
    }

    /// Returns an identity that owns nothing and is in no group: what it may, others may.
    pub fn others() -> Self {
        Self {
            // Numbers of users end before it (setfsuid(2)).
            uid: u32::MAX - 1,
            groups: Vec::new(),
        }
    }

    /// Number of the user.
    pub fn uid(&self) -> u32 {
        self.uid
    }

    fn listed(uid: u32, users: &str, groups: &str) -> Self {
        let user = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let mut numbers = fields.skip(1);
            let found: u32 = numbers.next()?.parse().ok()?;
            let group: u32 = numbers.next()?.parse().ok()?;
            (found == uid).then_some((name, group))
        });
        // A number without an entry has a group of the same number, as in `Account::find`.
        let (name, primary) = user.unwrap_or(("", uid));
        let member_of = groups.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let number = fields.nth(2)?.parse().ok()?;
            let members = fields.next()?;
            let is_member = !name.is_empty() && members.split(',').any(|member| member == name);
            is_member.then_some(number)
        });
        Self {
            uid,
            groups: std::iter::once(primary).chain(member_of).collect(),
        }
    }

    /// Checks whether this user has the permissions `wanted` on an open file or folder.
    fn has(&self, wanted: u8, file: &File) -> std::io::Result<bool> {
        let found = file.metadata()?;
        let bits = |shift: u32| u8::try_from((found.mode() >> shift) & 7).unwrap_or_default();
        let acl = acl_bytes(file, AclKind::Access)?;
        let acl = acl.as_deref().and_then(Permissions::parse);
        let granted = match acl {
            _ if found.uid() == self.uid => bits(6),
            Some(acl) => acl.granted(self.uid, &self.groups, found.gid(), wanted),
            None if self.groups.contains(&found.gid()) => bits(3),
            None => bits(0),
        };
        Ok(granted & wanted == wanted)
    }

    /// Checks whether this user can read the open `file`; its folders are checked by [`reaches`](Self::reaches).
    pub fn reads(&self, file: &File) -> std::io::Result<bool> {
        self.has(READ, file)
    }

    /// Checks whether this user can search every folder on the way from `root`, exclusive, to `folder`, inclusive.
    pub fn reaches(&self, root: &Dir, folder: &Path) -> Result<bool, Error> {
        let mut path = std::path::PathBuf::new();
        for part in folder.components() {
            path.push(part);
            if !self.has_in(SEARCH, root, &path)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Opens the file at `path` beneath `root` if this user can read it.
    pub fn opens(&self, root: &Dir, path: &Path) -> Result<Option<File>, Error> {
        let folder = path.parent().unwrap_or(Path::new(""));
        if !self.reaches(root, folder)? {
            return Ok(None);
        }
        let file = root.open_file(path)?;
        let reads = self
            .reads(&file)
            .map_err(|source| Error::new("look at", root.path().join(path), source))?;
        Ok(reads.then_some(file))
    }

    /// Checks whether this user can make files in `folder` beneath `root`.
    pub fn writes_in(&self, root: &Dir, folder: &Path) -> Result<bool, Error> {
        Ok(self.reaches(root, folder)? && self.has_in(WRITE | SEARCH, root, folder)?)
    }

    fn has_in(&self, wanted: u8, root: &Dir, folder: &Path) -> Result<bool, Error> {
        let dir = root.folder(folder)?;
        let failed = |source| Error::new("look at", dir.path(), source);
        let file = dir.fd().try_clone().map(File::from).map_err(failed)?;
        self.has(wanted, &file)
            .map_err(|source| Error::new("look at", dir.path(), source))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make the files")]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn lists_primary_and_further_groups() {
        let users = "root:x:0:0::/:/bin/sh\nhermes:x:40001:500::/:/bin/sh\n";
        let groups = "staff:x:50:zeus,hermes\nother:x:60:zeus\n";
        let hermes = Identity::listed(40_001, users, groups);
        assert_eq!(hermes.groups, [500, 50]);
        assert_eq!(Identity::listed(7, users, groups).groups, [7]);
    }

    #[test]
    fn checks_modes_of_files_and_folders() {
        let temporary = tempfile::tempdir().unwrap();
        let root = Dir::open(temporary.path()).unwrap();
        let at = |name: &str| temporary.path().join(name);
        fs::create_dir_all(at("open/closed")).unwrap();
        fs::write(at("open/closed/file"), "x").unwrap();
        let mode = |name: &str, mode| {
            fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
        };
        mode("open", 0o755);
        let stranger = Identity {
            uid: 40_001,
            groups: vec![40_001],
        };
        let reads = |name: &str| stranger.reads(&File::open(at(name)).unwrap()).unwrap();
        mode("open/closed/file", 0o644);
        assert!(reads("open/closed/file"));
        mode("open/closed/file", 0o640);
        assert!(!reads("open/closed/file"));
        mode("open/closed", 0o700);
        assert!(!stranger.reaches(&root, Path::new("open/closed")).unwrap());
        assert!(stranger.reaches(&root, Path::new("open")).unwrap());
        assert!(!stranger.writes_in(&root, Path::new("open")).unwrap());
        mode("open", 0o777);
        assert!(stranger.writes_in(&root, Path::new("open")).unwrap());
        let own = fs::metadata(at("open")).unwrap();
        let member = Identity {
            uid: 40_001,
            groups: vec![own.gid()],
        };
        assert!(
            member
                .reads(&File::open(at("open/closed/file")).unwrap())
                .unwrap()
        );
    }
}
