//! A folder to mount, of the desk in memory: a page of an agent, and a name with everything that has to be escaped.

use async_trait::async_trait;

use super::{Showcase, sample};
use crate::desk::{
    Caller, DeskError, MountDesk, OpenFile,
    mount::{MountFile, MountNode},
};

/// The name that has to be escaped.
#[cfg(test)]
pub(crate) const ODD: &str = "50% <b>&\"ü\u{1}\".html";

/// Path and bytes of each file.
const FILES: [(&str, &[u8]); 2] = [
    (
        "workspaces/a/run/page.html",
        b"<script>alert(1)</script>0123456789",
    ),
    ("workspaces/a/50% <b>&\"ü\u{1}\".html", b"odd"),
];

fn node(path: &str) -> Option<MountNode> {
    let file = FILES.iter().find(|(file, _)| *file == path);
    let beneath = format!("{path}/");
    let is_folder = path.is_empty() || FILES.iter().any(|(file, _)| file.starts_with(&beneath));
    (file.is_some() || is_folder).then(|| MountNode {
        name: path.rsplit('/').next().unwrap_or_default().to_owned(),
        modified: file.map(|_| sample::now()),
        file: file.map(|(_, bytes)| MountFile {
            size: bytes.len() as u64,
            tag: format!("t{}", bytes.len()),
        }),
    })
}

fn missing(path: &str) -> DeskError {
    DeskError::NotFound(format!("`{path}`"))
}

#[async_trait]
impl MountDesk for Showcase {
    async fn mounted(&self, _: &Caller, path: &str) -> Result<MountNode, DeskError> {
        node(path).ok_or_else(|| missing(path))
    }

    async fn mounted_in(&self, _: &Caller, path: &str) -> Result<Vec<MountNode>, DeskError> {
        let prefix = if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        };
        let rests = FILES
            .iter()
            .filter_map(|(file, _)| file.strip_prefix(&prefix));
        let mut names: Vec<_> = rests.filter_map(|rest| rest.split('/').next()).collect();
        names.sort_unstable();
        names.dedup();
        let nodes = names
            .iter()
            .filter_map(|name| node(&format!("{prefix}{name}")));
        Ok(nodes.collect())
    }

    async fn mounted_file(&self, _: &Caller, path: &str) -> Result<(OpenFile, String), DeskError> {
        let (_, bytes) = FILES
            .iter()
            .find(|(file, _)| *file == path)
            .ok_or_else(|| missing(path))?;
        let size = bytes.len() as u64;
        let open = OpenFile::new(path.to_owned(), size, bytes.to_vec());
        Ok((open, format!("t{size}")))
    }
}
