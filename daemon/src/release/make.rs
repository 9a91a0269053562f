//! Making a release: every file from its sealed bytes, hashed once more on the way.

use std::{io::Read, path::Path};

use countersign_protocol::Digest;

use super::{Expected, FOLDER, Wanted};
use crate::{
    fault,
    fs::{Dir, Error},
};

/// From so many files on, one sync of the file system is cheaper than one of each file.
const MANY: usize = 8;

/// Gives the sealed bytes of a digest.
pub trait Sealed {
    /// Why it does not.
    type Error: From<Error>;

    /// Opens them.
    fn open(&self, sha256: Digest) -> Result<Box<dyn Read>, Self::Error>;

    /// Opens the bytes of `wanted`.
    fn bytes_of(&self, wanted: &Wanted) -> Result<Box<dyn Read>, Self::Error> {
        match &wanted.bytes {
            Some(bytes) => Ok(Box::new(std::io::Cursor::new(bytes.clone()))),
            None => self.open(wanted.sha256),
        }
    }
}

/// Makes the folder `id` in `approved`, which must not be there. It appears whole or not at all.
pub fn make<S: Sealed>(
    approved: &Dir,
    id: &str,
    expected: &Expected,
    sealed: &S,
) -> Result<(), S::Error> {
    let (temporary, staged) = approved.stage_folder(id)?;
    let durable = expected.files.len() < MANY;
    for folder in &expected.folders {
        temporary.make_folder(folder, FOLDER)?.set_mode(FOLDER)?;
    }
    for (path, wanted) in &expected.files {
        let folder = temporary.folder(path.parent().unwrap_or(Path::new("")))?;
        let name = path.file_name().map_or(path.as_path(), Path::new);
        // What is released is what was decided: the copy is hashed while it is made.
        let mut bytes = sealed.bytes_of(wanted)?;
        folder.publish_copy(name, &mut *bytes, wanted.sha256, wanted.mode, durable)?;
        fault::step("release.file");
    }
    temporary.set_mode(FOLDER)?;
    if !durable {
        temporary.sync_file_system()?;
    }
    fault::step("release.before_rename");
    approved.publish_folder(&staged, id)?;
    fault::step("release.after_rename");
    Ok(())
}
