//! `countersign versions`, `archive` and `restore`: every version of what was handed over.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use countersign_protocol::HandoffId;
use countersign_web::desk::versions::VersionRow;
use serde_json::json;

use super::{
    Context,
    client::{Client, encode},
    exit::{Exit, Failure},
    output::{Cell, Style, Table, ago, inert},
    target::TargetArg,
};
use crate::{fs::Dir, versions::archive::SUMS};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: TargetArg,
}

/// A revision, or a workspace as it stood at some moment.
#[derive(Debug, clap::Args)]
struct What {
    /// `H-7` or `7`
    #[arg(required_unless_present = "workspace", conflicts_with = "workspace")]
    handoff: Option<HandoffId>,
    /// The revision, such as `2`; else the newest
    #[arg(long, value_name = "REV", value_parser = revision, requires = "handoff")]
    revision: Option<u32>,
    /// All that had been handed over in this workspace
    #[arg(long, value_name = "NAME")]
    workspace: Option<String>,
    /// At which moment: `@last-build`, `@entry:17`, `2h` or `2026-11-01`; else now
    #[arg(long, value_name = "WHEN", requires = "workspace")]
    at: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ArchiveArgs {
    #[command(flatten)]
    what: What,
    /// The file to make; `.tar` for a tar archive, else zip
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    what: What,
    /// The folder to put the files in; what is there already stays as it is
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

/// `r3` or `3`.
fn revision(text: &str) -> Result<u32, &'static str> {
    match text.strip_prefix('r').unwrap_or(text).parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("a revision looks like `r3` or `3`"),
    }
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let row = args.target.row(context, &client)?;
    let versions: Vec<VersionRow> = client.get(&format!("/api/v1/handoffs/{}/versions", row.id))?;
    if context.out.json {
        let object = json!({ "handoff": row.id, "versions": versions });
        context.out.object("versions", object);
        return Ok(Exit::Done);
    }
    let now = context.clock.now();
    let mut table = Table::new(&["moment", "kind", "rev", "files", "bytes", "by", "when", ""]);
    for one in versions {
        table.row(vec![
            Cell::new(&one.anchor).style(Style::Strong),
            Cell::new(&one.kind),
            Cell::new(one.revision.to_string()),
            Cell::new(one.files.to_string()),
            Cell::new(one.size.to_string()),
            Cell::new(&one.by),
            Cell::two(ago(one.at, now), one.at.to_string()),
            Cell::new(&one.title),
        ]);
    }
    context.out.table(&table);
    Ok(Exit::Done)
}

pub(crate) fn archive(args: &ArchiveArgs, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let is_tar = args.output.extension().is_some_and(|end| end == "tar");
    let path = address(&client, &args.what, is_tar)?;
    let output = context.at(&args.output);
    let (folder, name) = match (output.parent(), output.file_name()) {
        (Some(folder), Some(name)) => (folder, Path::new(name)),
        _ => return Err(Failure::new(Exit::Usage, "the output needs a name")),
    };
    let folder = Dir::open(folder).map_err(|error| failed(&error))?;
    let mut bytes = client.stream(&path)?;
    let written = folder.write_new(name, &mut bytes, 0o644);
    let Some((sha256, size)) = written.map_err(|error| failed(&error))? else {
        return Err(taken(&output));
    };
    if context.out.json {
        let object = json!({ "file": output, "size": size, "sha256": sha256 });
        context.out.object("archive", object);
    } else {
        let line = format!("{}  {size} bytes, SHA-256 {sha256}", output.display());
        context.out.line(&inert(&line));
    }
    Ok(Exit::Done)
}

pub(crate) fn restore(args: &RestoreArgs, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let path = address(&client, &args.what, true)?;
    let to = context.at(&args.to);
    let folder = Dir::create(&to, 0o755).map_err(|error| failed(&error))?;
    let outcome = unpack(&folder, client.stream(&path)?)?;
    if context.out.json {
        let object = json!({
            "folder": to, "restored": outcome.restored, "kept": outcome.taken,
        });
        context.out.object("restore", object);
    } else {
        let line = format!("{} files restored to {}", outcome.restored, to.display());
        context.out.line(&inert(&line));
        for path in &outcome.taken {
            let line = format!("{path} was there already and stays as it is");
            context.out.remark(&inert(&line));
        }
    }
    Ok(if outcome.taken.is_empty() {
        Exit::Done
    } else {
        Exit::Conflict
    })
}

/// What became of the files of an archive.
#[derive(Debug, Default, PartialEq, Eq)]
struct Unpacked {
    restored: usize,
    /// Paths that were taken.
    taken: Vec<String>,
}

/// Puts the files of a tar archive of ours into `folder`, never over a file and never out of it, whatever
/// the archive says.
fn unpack(folder: &Dir, bytes: impl Read) -> Result<Unpacked, Failure> {
    let bad = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Failed, format!("the archive cannot be read: {error}"))
            .hint("what was restored until then stays; try again into another folder")
    };
    let mut outcome = Unpacked::default();
    let mut archive = tar::Archive::new(bytes);
    for entry in archive.entries().map_err(|error| bad(&error))? {
        let mut entry = entry.map_err(|error| bad(&error))?;
        let path = entry.path().map_err(|error| bad(&error))?.into_owned();
        let inner = path
            .to_str()
            .and_then(|path| path.split_once('/'))
            .filter(|(folder, _)| folder.starts_with("H-") || folder.starts_with("at-"))
            .map(|(_, inner)| inner.to_owned());
        let Some(inner) = inner else {
            return Err(bad(&"a name is not one of ours"));
        };
        if inner == SUMS || inner.starts_with(&format!("{SUMS}.countersign")) {
            continue;
        }
        countersign_protocol::path::check(&inner)
            .map_err(|problem| bad(&format!("`{inner}` {problem}")))?;
        let inner = PathBuf::from(inner);
        let parent = inner.parent().unwrap_or(Path::new(""));
        let name = Path::new(inner.file_name().unwrap_or_default());
        let target = folder
            .make_folder(parent, 0o755)
            .map_err(|error| failed(&error))?;
        let mode = entry.header().mode().map_err(|error| bad(&error))?;
        let mode = if mode & 0o100 == 0 { 0o644 } else { 0o755 };
        let written = target.write_new(name, &mut entry, mode);
        match written.map_err(|error| failed(&error))? {
            Some(_) => outcome.restored += 1,
            None => outcome.taken.push(inner.display().to_string()),
        }
    }
    Ok(outcome)
}

fn address(client: &Client, what: &What, is_tar: bool) -> Result<String, Failure> {
    let format = if is_tar { "tar" } else { "zip" };
    if let Some(workspace) = &what.workspace {
        let workspace = encode(workspace);
        let at = what.at.as_deref().unwrap_or("@now");
        let at = encode(at);
        return Ok(format!(
            "/api/v1/workspaces/{workspace}/archive?at={at}&format={format}"
        ));
    }
    let id = what
        .handoff
        .ok_or_else(|| Failure::new(Exit::Usage, "name a handoff or a workspace"))?;
    let revision = match what.revision {
        Some(number) => number,
        None => client.row(id)?.revision,
    };
    Ok(format!(
        "/api/v1/handoffs/{id}/revisions/{revision}/archive?format={format}"
    ))
}

fn failed(error: &crate::fs::Error) -> Failure {
    Failure::new(Exit::Failed, error.to_string())
}

fn taken(path: &Path) -> Failure {
    Failure::new(
        Exit::Conflict,
        format!("`{}` is there already", path.display()),
    )
    .hint("name another file")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            // As a hostile program writes it: `append_data` would refuse such names.
            header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            tar.append(&header, text.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap()
    }

    #[test]
    fn nothing_is_restored_over_a_file_or_out_of_the_folder() {
        let place = tempfile::tempdir().unwrap();
        let folder = Dir::create(&place.path().join("to"), 0o755).unwrap();
        let bytes = archive(&[("H-1-r2/a.md", "one"), ("H-1-r2/b/c.md", "two")]);
        let outcome = unpack(&folder, bytes.as_slice()).unwrap();
        assert_eq!((outcome.restored, outcome.taken.len()), (2, 0));
        let bytes = archive(&[("H-1-r2/a.md", "other"), ("H-1-r2/d.md", "new")]);
        let outcome = unpack(&folder, bytes.as_slice()).unwrap();
        assert_eq!(
            (outcome.restored, outcome.taken),
            (1, vec!["a.md".to_owned()])
        );
        let text =
            |name: &str| std::fs::read_to_string(place.path().join("to").join(name)).unwrap();
        assert_eq!(
            (text("a.md"), text("d.md")),
            ("one".to_owned(), "new".to_owned())
        );
        for hostile in ["H-1-r2/../../x", "/etc/x", "H-1-r2//etc/x", "x"] {
            let bytes = archive(&[(hostile, "bad")]);
            assert!(unpack(&folder, bytes.as_slice()).is_err(), "{hostile}");
        }
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
    }
}
