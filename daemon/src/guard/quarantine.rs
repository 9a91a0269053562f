//! Where foreign things go that were found in approved work. Nothing in it is ever removed by us.
//!
//! They are moved and never opened by name again. The same bytes are kept once. Files above the quota of the
//! workspace are let go of, so that an attack cannot fill the disk; their digest stays in the ledger.

use std::path::{Path, PathBuf};

use countersign_protocol::{Digest, names, release::Taken};

use crate::{
    fs::{Dir, Error, FileKind, digest_of},
    workspace::Workspace,
};

/// Its folder in ours. Only the daemon may look into it: what is in it is hostile.
const FOLDER: &str = "quarantine";
const MODE: u32 = 0o700;

/// The quarantine of a workspace, open for what one violation brings.
pub(super) struct Quarantine {
    dir: Dir,
    /// The entry of the violation.
    violation: u64,
    /// Bytes that files may still take.
    left: u64,
}

impl Quarantine {
    pub(super) fn open(workspace: &Workspace, violation: u64) -> Result<Self, Error> {
        let dir = workspace.own()?.make_folder(Path::new(FOLDER), MODE)?;
        let mut used = 0_u64;
        for one in dir.list()? {
            if let Some(found) = dir.attributes(&one.path)?
                && found.kind == FileKind::File
            {
                used = used.saturating_add(found.stamp.size);
            }
        }
        Ok(Self {
            dir,
            violation,
            left: workspace.settings.quarantine.saturating_sub(used),
        })
    }

    /// Takes `name` out of `from`; `shown` is where it was, for people. `None` when it is gone already.
    pub(super) fn take(
        &mut self,
        from: &Dir,
        name: &Path,
        shown: &Path,
    ) -> Result<Option<Taken>, Error> {
        let Some(found) = from.attributes(name)? else {
            return Ok(None);
        };
        let mut taken = Taken {
            path: shown.to_string_lossy().into_owned(),
            kept_at: None,
            sha256: None,
            size: found.stamp.size,
        };
        if found.kind != FileKind::File {
            let to = self.free_name(shown)?;
            from.move_into(name, &self.dir, &to)?;
            taken.kept_at = Some(place(&to));
            return Ok(Some(taken));
        }
        let is_small = found.stamp.size <= self.left;
        // What cannot be kept is not read to its end either, which may be far away.
        taken.sha256 = if is_small { digest(from, name) } else { None };
        let to = match taken.sha256 {
            Some(sha256) => PathBuf::from(sha256.to_string()),
            None => self.free_name(shown)?,
        };
        let is_new = from.move_into(name, &self.dir, &to)?;
        if !is_new {
            // The same bytes are kept already.
            from.remove_own_file(name)?;
        } else if is_small {
            self.left -= found.stamp.size;
        } else {
            self.dir.remove_own_file(&to)?;
            tracing::warn!(
                path = taken.path,
                size = taken.size,
                "the quarantine has no room for it"
            );
            return Ok(Some(taken));
        }
        taken.kept_at = Some(place(&to));
        Ok(Some(taken))
    }

    /// A name that says where it came from, and that nothing has.
    fn free_name(&self, shown: &Path) -> Result<PathBuf, Error> {
        let base = shown.file_name().unwrap_or_default().to_string_lossy();
        let base: String = base
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
            .take(40)
            .collect();
        for number in 1.. {
            let name = PathBuf::from(format!("e{}-{number}-{base}", self.violation));
            if self.dir.kind(&name)?.is_none() {
                return Ok(name);
            }
        }
        Ok(PathBuf::from(format!("e{}", self.violation)))
    }
}

fn digest(from: &Dir, name: &Path) -> Option<Digest> {
    let mut file = from.open_file(name).ok()?;
    digest_of(&mut file).ok()
}

/// Where it lies, relative to the workspace.
fn place(name: &Path) -> String {
    format!("{}/{FOLDER}/{}", names::OWN_FOLDER, name.display())
}
