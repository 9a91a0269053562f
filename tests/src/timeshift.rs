//! A wall clock for the daemon that a test sets.

#![expect(clippy::disallowed_methods, reason = "the scene is set on the disk")]

use std::path::{Path, PathBuf};

use crate::bed::TestBed;

/// The clock of a daemon, beside that of the machine.
#[derive(Debug)]
pub struct Timeshift {
    file: PathBuf,
}

impl Timeshift {
    /// Gives the daemon of `bed`, which does not run yet, a clock to set.
    ///
    /// # Panics
    /// When libfaketime is not there.
    pub fn of(bed: &mut TestBed) -> Self {
        let library = ["x86_64", "aarch64"]
            .iter()
            .map(|arch| format!("/usr/lib/{arch}-linux-gnu/faketime/libfaketime.so.1"))
            .find(|path| Path::new(path).exists())
            .expect("libfaketime is installed; `./test` does it");
        let me = Self {
            file: bed.home.join("clock"),
        };
        me.set("+0");
        let file = me.file.display().to_string();
        for (name, value) in [
            ("LD_PRELOAD", library.as_str()),
            ("FAKETIME_TIMESTAMP_FILE", &file),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            // What a test sets is the time, and no jump to be doubted for minutes.
            ("COUNTERSIGN_BREAK", "steady-clock"),
        ] {
            bed.launch.env.push((name.to_owned(), value.to_owned()));
        }
        me
    }

    /// Lets it show another time from now on, for example `+10m` or `-3650d`: so much from the true one.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn set(&self, offset: &str) {
        // Written whole under another name first: the daemon reads it at every look at the clock.
        let new = self.file.with_extension("new");
        std::fs::write(&new, offset).expect("the scene can be set");
        std::fs::rename(&new, &self.file).expect("the scene can be set");
    }
}
