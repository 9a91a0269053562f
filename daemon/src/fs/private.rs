//! Bytes that nobody else can reach or change: a file system of our own, or sealed memory.

use std::{
    fs::File,
    io::{Read, Seek as _, Write as _},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use countersign_protocol::Digest;
use rustix::{
    fs::{MemfdFlags, SealFlags},
    mount::{MountFlags, MountPropagationFlags, UnmountFlags},
    thread::UnshareFlags,
};

use super::{Dir, Error, seal::hash_stream};

/// A file system in memory, mounted where only this process and its children see it (`mount_namespaces(7)`).
/// No other user's process has a name for what is in it.
#[derive(Debug)]
pub struct PrivatePlace {
    path: PathBuf,
}

impl PrivatePlace {
    /// Mounts an empty one. The process must have one thread, unless it is the superuser's, and keeps its
    /// private view of the mounts from here on, whether or not this succeeds.
    pub fn make() -> Result<Self, Error> {
        let temporary = std::env::temp_dir();
        let failed = |action| {
            let path = temporary.clone();
            move |error: rustix::io::Errno| Error::new(action, path, error)
        };
        let user = rustix::process::geteuid();
        let group = rustix::process::getegid();
        if user.is_root() {
            unshare(UnshareFlags::NEWNS).map_err(failed("leave the shared mounts of"))?;
        } else {
            unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS)
                .map_err(failed("leave the shared mounts of"))?;
            // Each keeps the name it has (user_namespaces(7)).
            for (file, text) in [
                ("setgroups", "deny".to_owned()),
                ("uid_map", format!("{user} {user} 1", user = user.as_raw())),
                (
                    "gid_map",
                    format!("{group} {group} 1", group = group.as_raw()),
                ),
            ] {
                let path = Path::new("/proc/self").join(file);
                File::options()
                    .write(true)
                    .open(&path)
                    .and_then(|mut map| map.write_all(text.as_bytes()))
                    .map_err(|source| Error::new("write", path, source))?;
            }
        }
        rustix::mount::mount_change(
            "/",
            MountPropagationFlags::REC | MountPropagationFlags::PRIVATE,
        )
        .map_err(failed("keep mounts private below"))?;
        let random = getrandom::u64().map_err(|error| {
            let error = std::io::Error::other(error);
            Error::new("name a folder in", &temporary, error)
        })?;
        let path = temporary.join(format!("countersign-gate-{random:016x}"));
        // Its name is in a folder that others may write, so it must be new and ours.
        rustix::fs::mkdir(&path, rustix::fs::Mode::from_raw_mode(0o700))
            .map_err(|source| Error::new("make the folder", &path, source))?;
        let place = Self { path };
        rustix::mount::mount(
            "countersign-gate",
            &place.path,
            "tmpfs",
            MountFlags::NOSUID | MountFlags::NODEV,
            Some(c"mode=0755"),
        )
        .map_err(|source| Error::new("mount memory at", &place.path, source))?;
        Ok(place)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lets nothing in it be changed any more.
    pub fn freeze(&self) -> Result<(), Error> {
        let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::BIND;
        rustix::mount::mount_remount(&self.path, flags, c"")
            .map_err(|source| Error::new("make read-only", &self.path, source))
    }
}

impl Drop for PrivatePlace {
    fn drop(&mut self) {
        // The mount is gone with the last process that sees it; the empty folder is all that others see.
        let _ = rustix::mount::unmount(&self.path, UnmountFlags::DETACH);
        let _ = rustix::fs::rmdir(&self.path);
    }
}

/// A new folder for temporary files of one process, gone with what is in it when this is dropped.
#[derive(Debug)]
pub struct PrivateFolder {
    parent: Dir,
    name: PathBuf,
    path: PathBuf,
}

impl PrivateFolder {
    /// Makes it, for the user `uid` if it is not to be ours.
    pub fn make(prefix: &str, uid: Option<u32>) -> Result<Self, Error> {
        let temporary = std::env::temp_dir();
        let parent = temporary.canonicalize();
        let parent = parent.map_err(|source| Error::new("open the folder", &temporary, source))?;
        let parent = Dir::open(&parent)?;
        let random = getrandom::u64().map_err(|error| {
            let error = std::io::Error::other(error);
            Error::new("name a folder in", parent.path(), error)
        })?;
        let name = PathBuf::from(format!("{prefix}-{random:016x}"));
        let path = parent.path().join(&name);
        // New and ours, or it fails: others may write in the folder around it.
        rustix::fs::mkdirat(parent.fd(), &name, rustix::fs::Mode::from_raw_mode(0o700))
            .map_err(|source| Error::new("make the folder", &path, source))?;
        if let Some(uid) = uid {
            parent.folder(&name)?.give_to(uid, uid)?;
        }
        Ok(Self { parent, name, path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        if let Err(error) = self.parent.remove_own_folder(&self.name) {
            tracing::debug!(%error, "a private folder stays");
        }
    }
}

#[expect(
    unsafe_code,
    reason = "the call can take descriptors from other threads; these flags cannot"
)]
fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    // SAFETY: neither `FILES` nor `FS` is among the flags that are used here, so no descriptor or folder that
    // another thread relies on is taken from it.
    unsafe { rustix::thread::unshare_unsafe(flags) }
}

/// All of `source`, which must have the digest `sha256`, in memory that can never be changed again, by anybody
/// (`memfd_create(2)`, file sealing). The descriptor is inherited by children.
pub fn sealed_memory(
    name: &str,
    source: &mut dyn Read,
    sha256: Digest,
) -> std::io::Result<OwnedFd> {
    let memory = rustix::fs::memfd_create(name, MemfdFlags::ALLOW_SEALING)?;
    let mut file = File::from(memory);
    let (found, _) = hash_stream(source, |bytes| file.write_all(bytes))?;
    if found != sha256 {
        let wrong = format!("the bytes have SHA-256 {found}, not {sha256}");
        return Err(std::io::Error::other(wrong));
    }
    file.rewind()?;
    rustix::fs::fcntl_add_seals(
        &file,
        SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE,
    )?;
    Ok(file.into())
}
