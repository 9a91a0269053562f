//! Which folders are served, and what each of them is.

use std::{
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use super::{
    Config,
    error::{ConfigError, ConfigErrors},
    origin::{Origin, Setting},
    section::{File, Section},
    workspace::{Stated, Workspace},
};

/// The settings of a workspace, in its folder.
pub const WORKSPACE_FILE: &str = "workspace.toml";

/// Settings are short; more is a mistake or an attack.
const MAX_FILE: u64 = 256 * 1024;

/// What a served folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootKind {
    /// A workspace itself.
    Workspace,
    /// Each child folder is a workspace, also one that is made later.
    Parent,
}

/// A folder that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Its real path.
    pub path: PathBuf,
    /// What it is.
    pub kind: RootKind,
}

impl Root {
    /// What it is now: a folder that held workspaces is one itself once its own settings are there, as when a file system
    /// was mounted on it.
    pub fn kind_now(&self) -> RootKind {
        let has_settings = || self.path.join(WORKSPACE_FILE).symlink_metadata().is_ok();
        if self.kind == RootKind::Parent && has_settings() {
            return RootKind::Workspace;
        }
        self.kind
    }
}

/// A `[[workspace]]` section.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) path: Setting<PathBuf>,
    pub(super) stated: Stated,
}

/// The workspaces that are there now.
#[derive(Debug, Default)]
pub struct Discovery {
    /// Those that can be served, in order of their names.
    pub workspaces: Vec<Workspace>,
    /// Folders that cannot be, with the reason.
    pub refused: Vec<(PathBuf, ConfigErrors)>,
}

impl Config {
    /// The settings of the workspace in `folder`: its `[[workspace]]` section, over its
    /// `workspace.toml`, over the defaults.
    pub fn workspace(&self, folder: &Path) -> Result<Workspace, ConfigErrors> {
        let folder = real_folder(folder)?;
        self.keep_apart(&folder)?;
        let listed = self
            .listed
            .iter()
            .find(|listed| listed.path.value == folder);
        let in_folder = read_workspace_file(&folder)?;
        let (stated, origin) = match listed {
            Some(listed) => (
                listed.stated.clone().over(in_folder),
                listed.path.origin.clone(),
            ),
            None => (in_folder, Origin::Flag("DIR")),
        };
        let name = match &stated.name {
            Some(name) => name.clone(),
            None => Setting::default(name_of(&folder)?),
        };
        let path = Setting {
            value: folder,
            origin,
        };
        Ok(stated.complete(path, name, &self.review.undo))
    }

    /// The folders that [`Config::discover`] would look at. Cheap, so that it can be asked often.
    pub fn folders(&self) -> Vec<PathBuf> {
        self.roots
            .iter()
            .flat_map(|root| match root.kind_now() {
                RootKind::Workspace => vec![root.path.clone()],
                RootKind::Parent => children(&root.path).unwrap_or_default(),
            })
            .collect()
    }

    /// The workspaces that are there now. Of two with one name, the second is refused.
    pub fn discover(&self) -> Discovery {
        let mut found = Discovery::default();
        let mut folders = Vec::new();
        for root in &self.roots {
            match root.kind_now() {
                RootKind::Workspace => folders.push(root.path.clone()),
                RootKind::Parent => match children(&root.path) {
                    Ok(children) => folders.extend(children),
                    Err(error) => found.refused.push((
                        root.path.clone(),
                        ConfigError::new(format!("cannot list the folder: {error}")).into(),
                    )),
                },
            }
        }
        for folder in folders {
            let twin = |workspace: &Workspace| {
                found
                    .workspaces
                    .iter()
                    .find(|other| other.name.value == workspace.name.value)
            };
            match self.workspace(&folder) {
                Ok(workspace) => match twin(&workspace) {
                    Some(other) => {
                        let error = same_name(&workspace, other);
                        found.refused.push((folder, error.into()));
                    }
                    None => found.workspaces.push(workspace),
                },
                Err(errors) => found.refused.push((folder, errors)),
            }
        }
        found
            .workspaces
            .sort_by(|a, b| a.name.value.cmp(&b.name.value));
        found
    }

    /// Whether a child of a parent root counts: hidden folders and links do not.
    pub fn is_child_workspace(path: &Path) -> bool {
        let hidden = path
            .file_name()
            .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        !hidden && path.symlink_metadata().is_ok_and(|meta| meta.is_dir())
    }

    fn keep_apart(&self, folder: &Path) -> Result<(), ConfigError> {
        let data_dir = real_or_planned(&self.server.data_dir);
        if folder.starts_with(&data_dir) || data_dir.starts_with(folder) {
            return Err(ConfigError::new(format!(
                "the workspace `{}` and the data folder `{}` lie inside one another",
                folder.display(),
                data_dir.display()
            ))
            .hint("agents write in a workspace; keep the daemon's own state elsewhere with `--data-dir`"));
        }
        Ok(())
    }
}

fn children(parent: &Path) -> io::Result<Vec<PathBuf>> {
    let mut children: Vec<_> = parent
        .read_dir()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| Config::is_child_workspace(path))
        .collect();
    children.sort();
    Ok(children)
}

pub(super) fn same_name(one: &Workspace, other: &Workspace) -> ConfigError {
    ConfigError::new(format!(
        "two workspaces are called `{}`: `{}` and `{}`",
        one.name.value,
        other.path.display(),
        one.path.display()
    ))
    .hint(format!(
        "set `name` in `{}`",
        one.path.join(WORKSPACE_FILE).display()
    ))
}

/// The real path of a folder that is no link itself.
pub(super) fn real_folder(path: &Path) -> Result<PathBuf, ConfigError> {
    let shown = path.display();
    let meta = path.symlink_metadata().map_err(|error| {
        let missing = ConfigError::new(format!("cannot open the folder `{shown}`: {error}"));
        missing.hint(format!("make it with `countersign init {shown}`"))
    })?;
    if meta.is_symlink() {
        return Err(
            ConfigError::new(format!("the folder `{shown}` is a symbolic link"))
                .hint("name the folder that it points to; a link can be turned elsewhere later"),
        );
    }
    if !meta.is_dir() {
        return Err(ConfigError::new(format!("`{shown}` is not a folder"))
            .hint("name the folder that holds it"));
    }
    path.canonicalize()
        .map_err(|error| ConfigError::new(format!("cannot open the folder `{shown}`: {error}")))
}

/// The real path of a folder that may not be there yet.
pub(super) fn real_or_planned(path: &Path) -> PathBuf {
    path.ancestors()
        .find_map(|there| {
            let real = there.canonicalize().ok()?;
            Some(real.join(path.strip_prefix(there).ok()?))
        })
        .unwrap_or_else(|| path.to_owned())
}

fn name_of(folder: &Path) -> Result<super::WorkspaceName, ConfigError> {
    let name = folder.file_name().and_then(|name| name.to_str());
    name.unwrap_or_default().parse().map_err(|why| {
        ConfigError::new(format!(
            "the name of the folder `{}` {why}",
            folder.display()
        ))
        .hint(format!("set `name = \"…\"` in its `{WORKSPACE_FILE}`"))
    })
}

/// Reads the settings in a folder in which agents write: no link, nothing but a file, not for all
/// to change.
fn read_workspace_file(folder: &Path) -> Result<Stated, ConfigErrors> {
    let path = folder.join(WORKSPACE_FILE);
    let fail = |error: io::Error| {
        ConfigError::new(format!("cannot read `{}`: {error}", path.display()))
            .hint("it must be a plain file that the daemon can read")
    };
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(&path);
    let file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stated::default()),
        Err(error) => return Err(fail(error).into()),
    };
    let meta = file.metadata().map_err(fail)?;
    let problem = if !meta.is_file() {
        Some("is not a plain file")
    } else if meta.len() > MAX_FILE {
        Some("is over 256 KiB")
    } else if meta.mode() & 0o002 != 0 {
        Some("can be changed by everybody")
    } else {
        None
    };
    if let Some(problem) = problem {
        return Err(ConfigError::new(format!("`{}` {problem}", path.display()))
            .hint("replace it with a plain file of your own, mode 0644")
            .into());
    }
    let mut text = String::new();
    file.take(MAX_FILE)
        .read_to_string(&mut text)
        .map_err(fail)?;
    parse_workspace_file(&path, &text)
}

fn parse_workspace_file(path: &Path, text: &str) -> Result<Stated, ConfigErrors> {
    let file = File::new(path, text);
    let table = file.parse()?;
    let section = Section::new(&file, "", Some(table.get_ref()));
    let stated = Stated::read(&section);
    section.finish(&[("path", "the file is in the folder already; leave it out")]);
    let errors = file.errors.take();
    if errors.is_empty() {
        Ok(stated)
    } else {
        Err(ConfigErrors(errors))
    }
}
