//! A file system in a file, whose power can be cut.
//!
//! `EXT4_IOC_SHUTDOWN` and `XFS_IOC_GOINGDOWN` are the same request: the file system stops as it
//! stands, and what was not synced is gone after the next mount.

#![expect(clippy::disallowed_methods, reason = "outside of the program")]

use std::{
    fs::{self, File},
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    process::Command,
};

use rustix::ioctl;
use tempfile::TempDir;

use crate::skip::skip;

/// `_IOR('X', 125, __u32)`.
const SHUTDOWN: ioctl::Opcode = 0x8004_587d;

/// The file systems that are tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ext4 with its defaults.
    Ext4,
    /// XFS with its defaults.
    Xfs,
    /// Btrfs with its defaults, which can set quotas without more of the kernel. Its power is not cut.
    Btrfs,
}

/// How the file system goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Cut {
    /// Everything is written first.
    Flush = 0,
    /// The journal is written first.
    FlushLog = 1,
    /// Nothing more is written: as when the plug is pulled.
    Nothing = 2,
}

/// A mounted file system of its own; unmounted and removed when dropped.
#[derive(Debug)]
pub struct LoopDisk {
    folder: TempDir,
    mounted: bool,
}

impl LoopDisk {
    /// Makes and mounts one. `None`, with the reason on standard error, where that is not possible.
    pub fn make(kind: Kind) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            skip("mounting needs root");
            return None;
        }
        let folder = tempfile::Builder::new()
            .prefix("countersign-disk-")
            .tempdir()
            .expect("there is a folder for temporary files");
        let image = folder.path().join("image");
        let (program, args, size): (_, &[&str], u64) = match kind {
            Kind::Ext4 => ("mkfs.ext4", &["-q", "-F"], 256 << 20),
            // The smallest that mkfs.xfs makes.
            Kind::Xfs => ("mkfs.xfs", &["-q", "-f"], 320 << 20),
            Kind::Btrfs => ("mkfs.btrfs", &["-q"], 256 << 20),
        };
        File::create(&image)
            .and_then(|file| file.set_len(size))
            .expect("the image can be made");
        let made = Command::new(program).args(args).arg(&image).status();
        if !made.is_ok_and(|status| status.success()) {
            skip(&format!("`{program}` did not work"));
            return None;
        }
        let mut disk = Self {
            folder,
            mounted: false,
        };
        fs::create_dir(disk.path()).expect("a mount point");
        if let Err(why) = disk.try_mount() {
            skip(&why);
            return None;
        }
        Some(disk)
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("mount")
    }

    /// A folder beside it, on the file system that keeps its power.
    pub fn outside(&self) -> &Path {
        self.folder.path()
    }

    /// Makes a folder `name` that may hold `mib` MiB, of a disk with btrfs.
    ///
    /// # Panics
    /// When the file system grants no quotas.
    pub fn with_quota(&self, name: &str, mib: u32) -> PathBuf {
        let folder = self.path().join(name);
        let (root, limit) = (self.path(), format!("{mib}M"));
        let steps: [&[&str]; 3] = [
            &["quota", "enable"],
            &["subvolume", "create"],
            &["qgroup", "limit", &limit],
        ];
        for (words, path) in steps.into_iter().zip([&root, &folder, &folder]) {
            let done = Command::new("btrfs").args(words).arg(path).output();
            assert!(
                done.is_ok_and(|output| output.status.success()),
                "btrfs {words:?}"
            );
        }
        folder
    }

    /// Stops the file system. Everything on it fails from now on.
    pub fn cut(&self, how: Cut) {
        let root = File::open(self.path()).expect("it is mounted");
        let flags = how as u32;
        // SAFETY: the request reads one u32 from the pointer, which `flags` is; `Setter` passes
        // exactly that, and the descriptor is open.
        #[expect(unsafe_code, reason = "the shutdown request has no safe wrapper")]
        unsafe {
            let request = ioctl::Setter::<SHUTDOWN, u32>::new(flags);
            ioctl::ioctl(root.as_fd(), request).expect("the file system can be shut down");
        }
    }

    /// Takes it down and brings it back, as a machine that starts again does. Nothing may use it.
    pub fn remount(&mut self) {
        self.unmount();
        if let Err(why) = self.try_mount() {
            panic!("after the power cut: {why}");
        }
    }

    fn try_mount(&mut self) -> Result<(), String> {
        let output = Command::new("mount")
            .args(["-o", "loop"])
            .args([self.folder.path().join("image"), self.path()])
            .output()
            .map_err(|error| format!("`mount`: {error}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
        }
        self.mounted = true;
        Ok(())
    }

    fn unmount(&mut self) {
        if !std::mem::take(&mut self.mounted) {
            return;
        }
        let target = self.path();
        // Busy for as long as a killed process is still being taken apart.
        let gone = crate::wait::within(crate::wait::LIMIT, || {
            let status = Command::new("umount").arg("-q").arg(&target).status();
            status.is_ok_and(|status| status.success()).then_some(())
        });
        if gone.is_none() {
            let _ = Command::new("umount").arg("--lazy").arg(&target).status();
        }
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        self.unmount();
    }
}

/// Loop devices that still hold a file below `folder`; none after a clean end.
pub fn left_behind(folder: &Path) -> Vec<String> {
    let name = folder.to_string_lossy();
    let output = Command::new("losetup")
        .arg("--list")
        .arg("--noheadings")
        .output();
    let list = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&list)
        .lines()
        .filter(|line| line.contains(&*name))
        .map(str::to_owned)
        .collect()
}
