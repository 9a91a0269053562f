//! Small file systems in memory, to be filled or made read-only.

#![expect(clippy::disallowed_methods, reason = "outside of the program")]

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{skip::skip, wait};

/// A mounted tmpfs; unmounted when dropped.
#[derive(Debug)]
pub struct Mount {
    path: PathBuf,
}

impl Mount {
    /// Mounts one of `mib` MiB on the folder `path`. `None`, with the reason on standard error, where
    /// that is not possible.
    pub fn memory(path: &Path, mib: u32) -> Option<Self> {
        Self::with(path, &format!("size={mib}m,mode=755"))
    }

    /// The same with room for `files` files and folders.
    pub fn inodes(path: &Path, files: u32) -> Option<Self> {
        Self::with(path, &format!("size=8m,mode=755,nr_inodes={files}"))
    }

    fn with(path: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(path).expect("a mount point");
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(path)
            .output()
            .expect("mount is installed");
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            skip(&format!("nothing was mounted: {why}"));
            return None;
        }
        Some(Self {
            path: path.to_owned(),
        })
    }

    /// Writes until there is no room left; removing the file makes room again.
    pub fn fill(&self) -> PathBuf {
        let ballast = self.path.join(".ballast");
        let mut file = File::create(&ballast).expect("a file for ballast");
        for piece in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![0; piece]).is_ok() {}
        }
        ballast
    }

    /// Makes empty files until no more can be made; removing the folder makes room again.
    pub fn use_up_the_inodes(&self) -> PathBuf {
        let ballast = self.path.join(".ballast");
        fs::create_dir(&ballast).expect("a folder for ballast");
        let made = (0..).map(|number: u32| File::create(ballast.join(number.to_string())));
        let last = made.take_while(Result::is_ok).count();
        assert!(last > 0, "there was no room to begin with");
        ballast
    }

    /// Makes it read-only, or writable again.
    pub fn read_only(&self, read_only: bool) {
        let option = if read_only {
            "remount,ro"
        } else {
            "remount,rw"
        };
        // Busy for as long as somebody has a file open for writing.
        wait::until(option, || {
            let status = Command::new("mount")
                .args(["-o", option])
                .arg(&self.path)
                .status();
            status.is_ok_and(|status| status.success()).then_some(())
        });
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(&self.path)
            .status();
    }
}
