//! Finding files by inode: what the kernel names so, a reader wants by path.

use std::{
    collections::HashMap,
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use super::{Dir, Error};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inodes {
    /// A path relative to the folder for each inode; one that has several names has one of them here.
    pub paths: HashMap<u64, PathBuf>,
    /// Whether every name was looked at.
    pub complete: bool,
}

impl Dir {
    /// The paths beneath this folder of the inodes that `wanted` holds for, among the first `limit` names. Nothing is
    /// opened but folders; a folder that cannot be read is passed over, and no link is followed.
    pub fn find_inodes(&self, limit: usize, wanted: impl Fn(u64) -> bool) -> Result<Inodes, Error> {
        let mut found = Inodes {
            complete: true,
            ..Inodes::default()
        };
        let mut left = limit;
        let mut open = vec![PathBuf::new()];
        while let Some(path) = open.pop() {
            let folder = match self.folder(&path) {
                Ok(folder) => folder,
                Err(error) if path.as_os_str().is_empty() => return Err(error),
                Err(_) => {
                    found.complete = false;
                    continue;
                }
            };
            let problem = |source: rustix::io::Errno| Error::new("list", folder.path(), source);
            for entry in rustix::fs::Dir::read_from(folder.fd()).map_err(problem)? {
                let entry = entry.map_err(problem)?;
                let name = entry.file_name().to_bytes();
                if name == b"." || name == b".." {
                    continue;
                }
                let Some(rest) = left.checked_sub(1) else {
                    found.complete = false;
                    return Ok(found);
                };
                left = rest;
                let path = path.join(Path::new(OsStr::from_bytes(name)));
                if wanted(entry.ino()) {
                    found.paths.insert(entry.ino(), path.clone());
                }
                if entry.file_type() == rustix::fs::FileType::Directory {
                    open.push(path);
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn a_file_is_found_by_its_inode_as_far_as_names_are_looked_at() {
        let root = tempfile::tempdir().unwrap();
        let dir = Dir::open(root.path()).unwrap();
        dir.make_folder(Path::new("a/b"), 0o755).unwrap();
        let inner = dir.folder(Path::new("a/b")).unwrap();
        inner
            .publish(Path::new("c.txt"), b"c", 0o644, false)
            .unwrap();
        let wanted = root.path().join("a/b/c.txt").metadata().unwrap().ino();
        let found = dir.find_inodes(10, |inode| inode == wanted).unwrap();
        assert_eq!(found.paths[&wanted], Path::new("a/b/c.txt"));
        assert!(found.complete);
        let cut = dir.find_inodes(2, |inode| inode == wanted).unwrap();
        assert_eq!(cut, Inodes::default());
    }
}
