//! What an agent does to a workspace, carelessly where real ones are careless.

#![expect(
    clippy::disallowed_methods,
    reason = "agents do not use our door to the file system"
)]

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::Rig;

/// A handoff of `task` that names `artifacts`.
pub(crate) fn handoff(task: &str, artifacts: &[&str]) -> String {
    json!({
        "handoff_version": "1.0",
        "from_agent": "hermes",
        "task": task,
        "artifacts": artifacts,
    })
    .to_string()
}

impl Rig {
    pub(crate) fn make_folder(&self, name: &str) {
        fs::create_dir_all(self.path(name)).unwrap();
    }

    /// Writes a file in place.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Writes a file beside its place and renames it, as careful agents do.
    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let aside = format!("{name}.part");
        self.write(&aside, bytes);
        self.rename(&aside, name);
    }

    /// Hands over `document` at `name`.
    pub(crate) fn deliver(&self, name: &str, document: impl AsRef<[u8]>) {
        self.put(name, document);
        self.look(name);
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        let path = self.path(name);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    pub(crate) fn link(&self, target: impl AsRef<Path>, name: &str) {
        std::os::unix::fs::symlink(target, self.path(name)).unwrap();
    }

    pub(crate) fn hard_link(&self, from: impl AsRef<Path>, name: &str) {
        fs::hard_link(from, self.path(name)).unwrap();
    }

    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A file that stays open for writing until it is dropped.
    pub(crate) fn open_to_write(&self, name: &str) -> fs::File {
        fs::File::options()
            .create(true)
            .append(true)
            .open(self.path(name))
            .unwrap()
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        let text = self
            .text(name)
            .unwrap_or_else(|| panic!("{name} is missing; there are {:?}", self.files()));
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    /// The paths of all files in the workspace, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let root = self.path("");
        let mut files: Vec<String> = walkdir::WalkDir::new(&root)
            .into_iter()
            .map(Result::unwrap)
            .filter(|entry| !entry.file_type().is_dir())
            .map(|entry| {
                let path = entry.path().strip_prefix(&root).unwrap();
                path.to_str().unwrap().to_owned()
            })
            .collect();
        files.sort();
        files
    }
}
