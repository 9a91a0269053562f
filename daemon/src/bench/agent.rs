//! The agent of the benchmarks: it knows nothing but files.

#![expect(
    clippy::disallowed_methods,
    reason = "agents write into the shared folder and do not use our door"
)]

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::fs::Error;

/// The smallest handoff there is; no two are the same.
pub(super) fn handoff(number: usize) -> Vec<u8> {
    document(number, &json!({}))
}

/// The same with one artifact, `result.md`.
pub(super) fn handoff_with_artifact(number: usize) -> Vec<u8> {
    document(number, &json!({ "artifacts": [{ "path": "result.md" }] }))
}

/// A further revision of one task.
pub(super) fn handoff_again(revision: usize) -> Vec<u8> {
    document(0, &json!({ "task_id": "again", "revision": revision }))
}

/// One with an artifact, from agent to agent.
pub(super) fn handoff_between(number: usize, from: &str, to: &str) -> Vec<u8> {
    document(
        number,
        &json!({
            "from_agent": from,
            "to_agent": to,
            "task_id": format!("region-{number}"),
            "artifacts": ["result.md"],
        }),
    )
}

/// Writes `count` small files into folders of `folder` files below `root`; no two are the same.
pub(super) fn many_files(root: &Path, count: usize, folder: usize) -> Result<(), Error> {
    folders(root, count.div_ceil(folder.max(1)))?;
    for number in 0..count {
        write(&root.join(path(number, folder)), &artifact(number))?;
    }
    Ok(())
}

fn path(number: usize, folder: usize) -> String {
    format!("{}/{number}.md", number / folder.max(1))
}

fn document(number: usize, more: &serde_json::Value) -> Vec<u8> {
    let mut document = json!({
        "handoff_version": "1.0",
        "from_agent": "bench",
        "task": format!("Check the figures of region {number}"),
    });
    if let (Some(fields), Some(more)) = (document.as_object_mut(), more.as_object()) {
        fields.extend(more.clone());
    }
    document.to_string().into_bytes()
}

/// A small artifact; no two are the same.
pub(super) fn artifact(number: usize) -> Vec<u8> {
    let line = format!("Region {number}: the figures agree with the invoices.\n");
    line.repeat(8).into_bytes()
}

/// Writes a file, as it is and without a sync.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(path, bytes).map_err(|source| Error::new("write", path, source))
}

/// Renames a file.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::rename(from, to).map_err(|source| Error::new("rename", from, source))
}

/// Makes the folders `0` up to `count` in `root`.
pub(super) fn folders(root: &Path, count: usize) -> Result<Vec<PathBuf>, Error> {
    let paths: Vec<PathBuf> = (0..count)
        .map(|number| root.join(number.to_string()))
        .collect();
    for path in &paths {
        std::fs::create_dir_all(path)
            .map_err(|source| Error::new("make the folder", path, source))?;
    }
    Ok(paths)
}

/// Writes `count` handoffs into `folders` in turn, each under another name first and renamed, as fast
/// as it can be done by one writer. Gives their paths.
pub(super) fn burst(folders: &[PathBuf], count: usize) -> Result<Vec<PathBuf>, Error> {
    let documents: Vec<Vec<u8>> = (0..count).map(handoff).collect();
    let mut paths = Vec::with_capacity(count);
    for (number, (folder, document)) in folders.iter().cycle().zip(&documents).enumerate() {
        let unfinished = folder.join(format!("{number}.tmp"));
        let path = folder.join(format!("{number}.handoff.json"));
        write(&unfinished, document)?;
        rename(&unfinished, &path)?;
        paths.push(path);
    }
    Ok(paths)
}

/// Writes into each of `folders` a handoff whose next step cannot be undone: nobody is told of it later.
pub(super) fn urgent(folders: &[PathBuf]) -> Result<(), Error> {
    for (number, folder) in folders.iter().enumerate() {
        let unfinished = folder.join("handoff.tmp");
        let urgent = json!({ "trigger": "critical_action" });
        write(&unfinished, &document(number, &urgent))?;
        rename(&unfinished, &folder.join("handoff.json"))?;
    }
    Ok(())
}

/// Lets some time pass.
pub(super) fn pause(time: std::time::Duration) {
    std::thread::sleep(time);
}
