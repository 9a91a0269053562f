//! From a path as one types it to a workspace and a path in it.

use std::path::{Component, Path, PathBuf};

use crate::cli::{
    Context,
    client::Client,
    exit::{Exit, Failure},
};

/// What to lock, as the daemon wants it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) workspace: String,
    pub(super) path: String,
    /// Told by what stands there, or by the spelling.
    pub(super) kind: Option<&'static str>,
    /// Where it is on this machine, when it is one file or folder.
    pub(super) here: Option<PathBuf>,
}

impl Place {
    pub(super) fn find(
        path: &str,
        workspace: Option<&str>,
        kind: Option<&str>,
        client: &Client,
        context: &Context,
    ) -> Result<Self, Failure> {
        let kind = kind.map(|kind| match kind {
            "folder" => "folder",
            "glob" => "glob",
            _ => "file",
        });
        let served = client
            .endpoint
            .as_ref()
            .map(|one| one.workspaces.as_slice());
        let served = served.unwrap_or_default();
        let (workspace, root, inner) = if let Some(name) = workspace {
            let root = served.iter().find(|one| one.name == name);
            let inner = path.strip_prefix("./").unwrap_or(path).to_owned();
            (
                name.to_owned(),
                root.map(|one| PathBuf::from(&one.path)),
                inner,
            )
        } else {
            let whole = plain(&context.folder.join(path));
            let found = served.iter().find_map(|one| {
                let inner = whole.strip_prefix(&one.path).ok()?.to_str()?;
                // A glob for folders keeps its slash, which says so.
                let end = if path.ends_with('/') && is_glob(inner) {
                    "/"
                } else {
                    ""
                };
                Some((one, format!("{inner}{end}")))
            });
            let Some((one, inner)) = found else {
                let why = format!("`{path}` is in no workspace that is served here");
                return Err(Failure::new(Exit::Usage, why)
                    .hint("name the workspace with `--workspace` and the path relative to it"));
            };
            (one.name.clone(), Some(PathBuf::from(&one.path)), inner)
        };
        let here = root.map(|root| root.join(inner.trim_end_matches('/')));
        let there = here.as_ref().and_then(|here| here.symlink_metadata().ok());
        let kind = kind.or_else(|| match &there {
            Some(metadata) if metadata.is_dir() => Some("folder"),
            Some(_) => Some("file"),
            None if path.ends_with('/') && !is_glob(path) => Some("folder"),
            None => None,
        });
        let inner = match inner.as_str() {
            "" => ".".to_owned(),
            _ => inner,
        };
        Ok(Self {
            workspace,
            path: inner,
            kind,
            here: here.filter(|_| there.is_some() && kind != Some("glob")),
        })
    }
}

fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '[', '{'])
}

/// The path without `.` and `..`, by its letters alone: what it names need not exist.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_by_its_letters() {
        assert_eq!(
            plain(Path::new("/srv/w/./a/../b/*.rs")),
            Path::new("/srv/w/b/*.rs")
        );
        assert_eq!(plain(Path::new("/srv/w/..")), Path::new("/srv"));
    }
}
