//! Making a release: every file from its sealed bytes, hashed once more on the way.

use std::{io::Read, path::Path};

use countersign_protocol::Digest;

use super::{Expected, FOLDER, Strictness, Wanted, compare};
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
    // Somebody with our own rights could have exchanged a file since it was copied. What is looked at last is
    // what has its name; from there on it is the guard's.
    let checked = compare(&temporary, expected, ours(), &|_, _| false);
    if !checked.differences.is_empty() {
        return Err(changed(approved, id).into());
    }
    fault::step("release.before_rename");
    approved.publish_folder(&staged, id)?;
    fault::step("release.after_rename");
    let is_known = |path: &Path, stamp| {
        checked
            .good
            .iter()
            .any(|known| known.0 == path && known.1 == stamp)
    };
    let now = compare(
        &approved.folder(Path::new(id))?,
        expected,
        ours(),
        &is_known,
    );
    if !now.differences.is_empty() {
        set_aside(approved, id)?;
        return Err(changed(approved, id).into());
    }
    Ok(())
}

fn ours() -> Strictness {
    Strictness {
        owner: Some(rustix::process::geteuid().as_raw()),
        modes: true,
    }
}

fn changed(approved: &Dir, id: &str) -> Error {
    let why = std::io::Error::other("it was changed while it was made");
    Error::new("release", approved.path().join(id), why)
}

/// Whether the folder `id` holds the files that are to be released and nothing else, as they are released.
pub fn is_made(approved: &Dir, id: &str, expected: &Expected) -> bool {
    let folder = approved.folder(Path::new(id));
    folder.is_ok_and(|folder| {
        let found = compare(&folder, expected, ours(), &|_, _| false);
        found.differences.is_empty()
    })
}

/// Moves what stands in the place of a release aside: nobody but us released anything.
pub fn set_aside(approved: &Dir, id: &str) -> Result<(), Error> {
    for number in 1.. {
        let aside = format!("{id}.found-{number}");
        if approved.kind(Path::new(&aside))?.is_none() {
            tracing::warn!(folder = %approved.path().display(), id, aside, "what is not ours stood in the place of a release");
            return approved.rename_new(Path::new(id), Path::new(&aside));
        }
    }
    Ok(())
}
