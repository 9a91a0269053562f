//! A disk below the daemon that fails when a test says so.

#![expect(clippy::disallowed_methods, reason = "the scene is set on the disk")]

use std::{path::PathBuf, process::Command};

use crate::bed::TestBed;

/// A library that stands between the daemon and the kernel.
#[derive(Debug)]
pub struct DiskFault {
    rules: PathBuf,
}

impl DiskFault {
    /// Puts it below the daemon of `bed`, which does not run yet.
    ///
    /// # Panics
    /// When there is no compiler of C.
    pub fn of(bed: &mut TestBed) -> Self {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/diskfault.c");
        let library = bed.home.join("diskfault.so");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .arg(source)
            .status();
        assert!(
            built.is_ok_and(|status| status.success()),
            "a compiler of C is installed; `./test` does it"
        );
        let rules = bed.home.join("diskfault");
        for (name, value) in [("LD_PRELOAD", &library), ("COUNTERSIGN_DISK_FAULT", &rules)] {
            let value = value.display().to_string();
            bed.launch.env.push((name.to_owned(), value));
        }
        Self { rules }
    }

    /// From now on no sync of files whose path has `name` in it succeeds.
    pub fn syncs_fail(&self, errno: i32, name: &str) {
        self.says(&format!("sync {errno} {name}"));
    }

    /// From now on writes to files whose path has `name` in it break off halfway.
    pub fn writes_break_off(&self, errno: i32, name: &str) {
        self.says(&format!("write {errno} {name}"));
    }

    fn says(&self, rule: &str) {
        let new = self.rules.with_extension("new");
        std::fs::write(&new, rule).expect("the scene can be set");
        std::fs::rename(&new, &self.rules).expect("the scene can be set");
    }

    /// The disk works again.
    pub fn over(&self) {
        std::fs::remove_file(&self.rules).expect("there was a fault");
    }
}
