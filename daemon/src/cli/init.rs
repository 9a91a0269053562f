//! `countersign init`: makes a workspace. Never writes over anything.

use std::path::{Path, PathBuf};

use countersign_protocol::names;
use serde_json::json;

use super::{
    Context,
    exit::{Exit, Failure},
    output::Style,
};
use crate::fs::{Dir, FileKind};

/// What `workspace.toml` says at first: every key with its default.
const SETTINGS: &str = include_str!("workspace_example.toml");
/// What agents are told.
const INSTRUCTIONS: &str = include_str!("agents_example.md");

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder; made when it is not there
    dir: PathBuf,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let path = context.at(&args.dir);
    let root = Dir::create(&path, 0o755).map_err(|error| {
        Failure::from(error).hint("name a folder in a place where you may write, and no link")
    })?;
    let mut made = Vec::new();
    let mut kept = Vec::new();
    let mut note = |name: &str, new: bool| {
        if new { &mut made } else { &mut kept }.push(name.to_owned());
    };
    for name in [names::INBOX, names::APPROVED] {
        match root.kind(Path::new(name))? {
            Some(FileKind::Folder) => note(name, false),
            Some(_) => {
                let taken = path.join(name);
                return Err(Failure::new(
                    Exit::Conflict,
                    format!("`{}` is in the way of a folder", taken.display()),
                )
                .hint("move it elsewhere and run this again"));
            }
            None => {
                root.make_folder(Path::new(name), 0o755)?;
                note(name, true);
            }
        }
    }
    for (name, text) in [
        (names::WORKSPACE_FILE, SETTINGS),
        ("AGENTS.md", INSTRUCTIONS),
    ] {
        let new = root.publish_new(Path::new(name), text.as_bytes(), 0o644)?;
        note(name, new);
    }
    let shown = args.dir.display().to_string();
    if context.out.json {
        let real = path.canonicalize().unwrap_or(path);
        let object = json!({ "path": real.display().to_string(), "made": made, "kept": kept });
        context.out.object("init", object);
        return Ok(Exit::Done);
    }
    for name in &made {
        let word = context.out.paint(Style::Good, "made");
        context.out.line(&format!("{word}  {shown}/{name}"));
    }
    for name in &kept {
        let word = context.out.paint(Style::Faint, "kept");
        context.out.line(&format!("{word}  {shown}/{name}"));
    }
    context.out.remark("");
    context
        .out
        .hint(&format!("start with `countersign serve {shown}`"));
    if kept.iter().any(|name| name == "AGENTS.md") {
        context.out.hint(
            "`AGENTS.md` was there; `countersign help` and docs/contract.md say what belongs in it",
        );
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commented lines are the reference that the configuration tests check.
    #[test]
    fn the_settings_are_those_of_the_reference() {
        let keys = |text: &str| -> Vec<String> {
            text.lines()
                .filter_map(|line| line.strip_prefix("# "))
                .filter(|line| line.contains(" = "))
                .map(str::to_owned)
                .collect()
        };
        let (_, reference) = crate::config::REFERENCE
            .split_once("# [[workspace]]")
            .expect("the reference has the section");
        // The section ends with its paragraph.
        let section = reference.split("\n\n").next().unwrap_or_default();
        let mut reference = keys(section);
        reference.retain(|line| !line.starts_with("path"));
        assert_eq!(keys(SETTINGS), reference);
    }
}
