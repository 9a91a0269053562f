//! The `countersign` program that the suites start.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
};

use serde_json::Value;

use crate::repo;

/// Names the program to test; without it, it is built.
const VARIABLE: &str = "COUNTERSIGN_BIN";

/// Where the program is. It is built with failpoints, so that it can be told to die at a named step.
pub fn path() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| std::env::var_os(VARIABLE).map_or_else(build, PathBuf::from))
        .clone()
}

/// The same selection of packages as `cargo test --workspace`, so that nothing else is built twice.
fn build() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--workspace", "--bins"])
        .args(["--features", "countersign/failpoints"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(repo::root())
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "the program does not build");
    let built: PathBuf = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "countersign")
        .find_map(|message| Some(message["executable"].as_str()?.into()))
        .expect("cargo names the program it built");
    keep(built)
}

/// A link of our own, since the next build replaces the program while it still runs here.
#[expect(clippy::disallowed_methods, reason = "outside of the program")]
fn keep(built: PathBuf) -> PathBuf {
    let folder = repo::root().join("target/bed");
    std::fs::create_dir_all(&folder).expect("target is writable");
    let kept = folder.join(format!("countersign-{}", std::process::id()));
    let _ = std::fs::remove_file(&kept);
    match std::fs::hard_link(&built, &kept) {
        Ok(()) => kept,
        Err(_) => built,
    }
}
