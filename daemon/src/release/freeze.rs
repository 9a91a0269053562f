//! The immutable flag: what has it cannot be changed by anybody until it is taken off (`FS_IOC_SETFLAGS`,
//! `chattr(1)`). It needs `CAP_LINUX_IMMUTABLE` and a file system that knows it.

use std::path::Path;

use super::Expected;
use crate::fs::{Dir, Error};

/// Sets or takes off the flag of everything in the release `folder`, and of the folder.
pub fn freeze(folder: &Dir, expected: &Expected, on: bool) -> Result<(), Error> {
    let own = Path::new("");
    if !on {
        folder.set_immutable(own, false)?;
    }
    let inside = expected.folders.iter().chain(expected.files.keys());
    for path in inside {
        match folder.set_immutable(path, on) {
            Err(error) if error.is_not_found() && !on => {}
            other => other?,
        }
    }
    if on {
        folder.set_immutable(own, true)?;
    }
    Ok(())
}
