//! A view of the machine in which only what a policy names is there at all: user, mount, PID and IPC namespaces
//! (`namespaces(7)`), which the kernel gives without rights where the operator of the machine did not forbid it.
//!
//! Landlock has no word for looking (`stat`), for modes and times, for watches and for sockets that are files.
//! What cannot be named cannot be looked at, changed, watched or talked to.

#![expect(
    clippy::disallowed_methods,
    reason = "folders and links are made in a file system in memory that only the agent sees"
)]

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use rustix::{
    mount::{MountFlags, MountPropagationFlags, UnmountFlags},
    thread::{CapabilitySet, CapabilitySets, UnshareFlags},
};
use serde::{Deserialize, Serialize};

use super::{Network, Policy};

/// Layout of a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Folder that is one mount: files are moved in it from writable folders to add-only ones, and `rename(2)` refuses
    /// to move a file between two mounts.
    pub shared: PathBuf,
    /// Empty folder of the user that becomes the mount point of the new root.
    pub folder: PathBuf,
}

/// Devices that exist only in a view.
pub(super) const OWN_DEVICES: [&str; 4] = ["/dev/pts", "/dev/ptmx", "/dev/shm", "/dev/console"];

/// Unshares user, mount, PID and IPC namespaces. The process must have a single thread; its next child is the first
/// process of the PID namespace and keeps `CAP_SYS_ADMIN` in the user namespace, to build the view.
pub(super) fn leave(network: &Network) -> io::Result<()> {
    let user = rustix::process::geteuid().as_raw();
    let group = rustix::process::getegid().as_raw();
    let mut flags =
        UnshareFlags::NEWUSER | UnshareFlags::NEWNS | UnshareFlags::NEWPID | UnshareFlags::NEWIPC;
    flags.set(UnshareFlags::NEWNET, *network == Network::None);
    unshare(flags)?;
    // Each keeps the name it has (user_namespaces(7)).
    for (file, text) in [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("{user} {user} 1")),
        ("gid_map", format!("{group} {group} 1")),
    ] {
        File::options()
            .write(true)
            .open(Path::new("/proc/self").join(file))?
            .write_all(text.as_bytes())?;
    }
    // The program that is started next would lose all rights in the new namespace but for this one.
    let mut sets = rustix::thread::capabilities(None)?;
    sets.inheritable |= CapabilitySet::SYS_ADMIN;
    rustix::thread::set_capabilities(None, sets)?;
    rustix::thread::configure_capability_in_ambient_set(CapabilitySet::SYS_ADMIN, true)?;
    Ok(())
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

/// Kind of a mount in a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// Writable bind mount.
    Change,
    /// Read-only bind mount.
    Read,
    /// Empty file system over what is there.
    Cover,
}

impl Policy {
    /// Builds the view, makes it the root and drops all capabilities. For the first process of a PID namespace.
    pub(super) fn build(&self, view: &View) -> io::Result<()> {
        let here = std::env::current_dir()?;
        let root = Builder::at(&view.folder)?;
        let steps = self.steps(view);
        for (path, step) in &steps {
            root.place(path, *step)?;
        }
        // What lies in a cover has its place by now.
        for (path, _) in steps.iter().filter(|(_, step)| *step == Step::Cover) {
            read_only(&root.inside(path))?;
        }
        for link in &self.links {
            root.link(link)?;
        }
        root.proc()?;
        root.devices()?;
        root.enter()?;
        std::env::set_current_dir(here)?;
        drop_capabilities()
    }

    /// Lists the mounts of the view, outer ones first.
    fn steps(&self, view: &View) -> Vec<(PathBuf, Step)> {
        let mut steps = vec![(view.shared.clone(), Step::Change)];
        self.within(&view.shared, &mut steps);
        let outside = |path: &&PathBuf| !path.starts_with(&view.shared);
        let is_own = |path: &&PathBuf| !path.starts_with("/proc") && !path.starts_with("/dev");
        for path in self.write.iter().filter(outside).filter(is_own) {
            steps.push((path.clone(), Step::Change));
        }
        for path in self.read.iter().filter(outside).filter(is_own) {
            steps.push((path.clone(), Step::Read));
        }
        // Among equals what may be changed comes last and counts.
        steps.sort_by(|one, other| {
            let depth = |path: &Path| path.components().count();
            (depth(&one.0), &one.0, other.1).cmp(&(depth(&other.0), &other.0, one.1))
        });
        steps
    }

    /// Adds the mounts that narrow `folder`, which as a whole is writable.
    fn within(&self, folder: &Path, steps: &mut Vec<(PathBuf, Step)>) {
        let Ok(entries) = std::fs::read_dir(folder) else {
            return;
        };
        let above = |list: &[PathBuf], path: &Path| list.iter().any(|one| one.starts_with(path));
        let in_one = |list: &[PathBuf], path: &Path| list.iter().any(|one| path.starts_with(one));
        let entries = entries
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()));
        for path in entries.map(|entry| entry.path()) {
            if in_one(&self.write, &path) || in_one(&self.add, &path) {
                continue;
            }
            if above(&self.write, &path) || above(&self.add, &path) {
                self.within(&path, steps);
            } else if in_one(&self.read, &path) {
                steps.push((path, Step::Read));
            } else {
                let inside = self.read.iter().filter(|one| one.starts_with(&path));
                steps.extend(inside.map(|one| (one.clone(), Step::Read)));
                steps.push((path, Step::Cover));
            }
        }
    }
}

/// Root under construction.
struct Builder {
    root: PathBuf,
}

impl Builder {
    fn at(folder: &Path) -> io::Result<Self> {
        let propagation = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
        rustix::mount::mount_change("/", propagation)?;
        memory(folder, c"mode=0755")?;
        Ok(Self {
            root: folder.to_owned(),
        })
    }

    fn inside(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Mounts `path` at the same path of the new root.
    fn place(&self, path: &Path, step: Step) -> io::Result<()> {
        let target = self.inside(path);
        let Ok(found) = path.symlink_metadata() else {
            // It went between the listing and now.
            return Ok(());
        };
        if found.is_dir() {
            std::fs::create_dir_all(&target)?;
        } else if !target.exists() {
            target.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            File::options().write(true).create_new(true).open(&target)?;
        }
        match step {
            Step::Cover if found.is_dir() => return memory(&target, c"mode=0755"),
            Step::Cover => rustix::mount::mount_bind("/dev/null", &target)?,
            Step::Read | Step::Change => rustix::mount::mount_bind_recursive(path, &target)?,
        }
        if step == Step::Change {
            Ok(())
        } else {
            read_only(&target)
        }
    }

    fn link(&self, link: &Path) -> io::Result<()> {
        let target = std::fs::read_link(link)?;
        let place = self.inside(link);
        if place.symlink_metadata().is_ok() {
            return Ok(());
        }
        place.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::os::unix::fs::symlink(target, place)
    }

    fn proc(&self) -> io::Result<()> {
        let place = self.inside(Path::new("/proc"));
        std::fs::create_dir_all(&place)?;
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        Ok(rustix::mount::mount("proc", &place, "proc", flags, None)?)
    }

    /// Mounts `/dev`: harmless devices, a new `devpts` instance and an own `/dev/shm`.
    fn devices(&self) -> io::Result<()> {
        let place = self.inside(Path::new("/dev"));
        std::fs::create_dir_all(&place)?;
        memory(&place, c"mode=0755")?;
        for device in super::DEVICES {
            let device = Path::new(device);
            if device.exists() {
                self.place(device, Step::Change)?;
            }
        }
        for (name, target) in [
            ("fd", "/proc/self/fd"),
            ("stdin", "/proc/self/fd/0"),
            ("stdout", "/proc/self/fd/1"),
            ("stderr", "/proc/self/fd/2"),
            ("ptmx", "pts/ptmx"),
        ] {
            std::os::unix::fs::symlink(target, place.join(name))?;
        }
        let terminals = place.join("pts");
        std::fs::create_dir(&terminals)?;
        let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
        let options = c"newinstance,ptmxmode=0666,mode=0620";
        rustix::mount::mount("devpts", &terminals, "devpts", flags, Some(options))?;
        let shared = place.join("shm");
        std::fs::create_dir(&shared)?;
        memory(&shared, c"mode=1777")?;
        // The terminal that the agent has comes from outside; under this name it is found (ttyname(3)).
        if let Some(terminal) = own_terminal() {
            let console = place.join("console");
            File::options()
                .write(true)
                .create_new(true)
                .open(&console)?;
            rustix::mount::mount_bind(terminal, console)?;
        }
        Ok(())
    }

    /// Makes it the root and detaches the old one.
    fn enter(self) -> io::Result<()> {
        std::env::set_current_dir(&self.root)?;
        // Both in one place: the old root lies on the new one and is taken off (pivot_root(2)).
        rustix::process::pivot_root(".", ".")?;
        rustix::mount::unmount(".", UnmountFlags::DETACH)?;
        std::env::set_current_dir("/")
    }
}

/// Returns the path of the terminal among the standard streams.
fn own_terminal() -> Option<PathBuf> {
    let streams = [
        rustix::termios::ttyname(std::io::stdin(), Vec::new()),
        rustix::termios::ttyname(std::io::stdout(), Vec::new()),
        rustix::termios::ttyname(std::io::stderr(), Vec::new()),
    ];
    let name = streams.into_iter().find_map(Result::ok)?;
    Some(PathBuf::from(name.into_string().ok()?))
}

fn memory(at: &Path, options: &std::ffi::CStr) -> io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    Ok(rustix::mount::mount(
        "none",
        at,
        "tmpfs",
        flags,
        Some(options),
    )?)
}

/// Makes a mount and all mounts beneath it read-only (`mount_setattr(2)`).
#[expect(unsafe_code, reason = "no crate of ours has mount_setattr(2)")]
fn read_only(path: &Path) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes())?;
    let change = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_RDONLY,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    // SAFETY: the path ends with a zero byte and the structure is as long as is said; both live until the call
    // returns, and the kernel writes to neither.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE,
            &raw const change,
            size_of::<libc::mount_attr>(),
        )
    };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Drops all capabilities in the user namespace.
fn drop_capabilities() -> io::Result<()> {
    rustix::thread::clear_ambient_capability_set()?;
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    Ok(rustix::thread::set_capabilities(None, none)?)
}
