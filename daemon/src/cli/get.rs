//! `countersign get`: one sealed file. What was cut off is gone on with, and all of it is checked.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use countersign_protocol::{Digest, HandoffId};
use serde_json::json;

use super::{
    Context,
    client::{Client, encode},
    exit::{Exit, Failure},
    output::inert,
};
use crate::fs::{Dir, Error};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// `H-7` or `7`
    handoff: HandoffId,
    /// The file, relative to the folder of the handoff
    path: String,
    /// The revision, such as `2`; else the newest
    #[arg(long, value_name = "REV")]
    revision: Option<u32>,
    /// Where to put it; else under its name in the current folder
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let id = args.handoff;
    let revision = match args.revision {
        Some(number) => number,
        None => client.row(id)?.revision,
    };
    let parts: Vec<String> = args.path.split('/').map(encode).collect();
    let from = format!(
        "/api/v1/handoffs/{id}/revisions/{revision}/files/{}",
        parts.join("/")
    );
    let name = Path::new(args.path.rsplit('/').next().unwrap_or_default());
    let output = context.at(args.output.as_deref().unwrap_or(name));
    let (Some(folder), Some(name)) = (output.parent(), output.file_name()) else {
        return Err(Failure::new(Exit::Usage, "the output needs a name"));
    };
    let folder = Dir::open(folder).map_err(|error| failed(&error))?;
    let (sha256, size) = client.sealed(&from)?;
    if folder
        .kind(Path::new(name))
        .map_err(|error| failed(&error))?
        .is_some()
    {
        return Err(taken(&output));
    }
    // The name tells of which bytes it is a part, so that it is never gone on with as one of others.
    let part_name = PathBuf::from(format!(".countersign-{sha256}.part"));
    let part = folder.part(&part_name).map_err(|error| failed(&error))?;
    let Some(mut part) = part else {
        let message = format!("another command gets `{}` here", args.path);
        return Err(Failure::new(Exit::Conflict, message).hint("wait until it is over"));
    };
    if part.length() > size {
        part.start_over().map_err(|error| failed(&error))?;
    }
    let begun = part.length();
    if begun < size {
        let (is_rest, bytes) = client.rest(&from, begun, sha256)?;
        if !is_rest {
            part.start_over().map_err(|error| failed(&error))?;
        }
        part.add(&mut bytes.take(size)).map_err(|error| {
            let message = format!("`{}` broke off: {error}", args.path);
            Failure::new(Exit::Unreachable, message).hint("run it again; it goes on from there")
        })?;
    }
    let is_named = part
        .finish(&folder, Path::new(name), sha256)
        .map_err(|error| failed(&error))?;
    match is_named {
        Some(true) => {}
        Some(false) => return Err(taken(&output)),
        None => {
            let message = format!("`{}` came with other bytes than were sealed", args.path);
            return Err(
                Failure::new(Exit::Failed, message).hint("nothing of it was kept; run it again")
            );
        }
    }
    if context.out.json {
        let object = json!({
            "file": output, "size": size, "sha256": sha256, "resumed_at": begun,
        });
        context.out.object("get", object);
    } else {
        let line = format!("{}  {size} bytes, SHA-256 {sha256}", output.display());
        context.out.line(&inert(&line));
    }
    Ok(Exit::Done)
}

/// The digest that an entity tag of ours names.
pub(super) fn digest_of(tag: &str) -> Option<Digest> {
    tag.trim_matches('"').parse().ok()
}

fn failed(error: &Error) -> Failure {
    Failure::new(Exit::Failed, error.to_string())
}

fn taken(path: &Path) -> Failure {
    let message = format!("`{}` is there already", path.display());
    Failure::new(Exit::Conflict, message).hint("name another file with `--output`")
}
