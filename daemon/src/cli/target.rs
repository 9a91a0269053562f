//! Which handoff is meant: `H-1042`, `1042`, a URL, a path inside a workspace, or nothing.

use std::path::{Path, PathBuf};

use countersign_protocol::HandoffId;
use countersign_web::desk::HandoffRow;

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    folder::Folder,
};

/// What the person or agent named.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A card.
    Id(HandoffId),
    /// A folder whose receipt names the card.
    Folder(Folder),
}

/// The argument that names a handoff.
#[derive(Debug, clap::Args)]
pub(crate) struct TargetArg {
    /// `H-7`, `7`, the address of its page, or a folder; else the current folder
    #[arg(value_name = "HANDOFF")]
    pub(crate) target: Option<String>,
}

impl TargetArg {
    pub(crate) fn read(&self, context: &Context) -> Result<Target, Failure> {
        match parse(self.target.as_deref(), &context.folder) {
            Parsed::Id(id) => Ok(Target::Id(id)),
            Parsed::Path(path) => Folder::open(&path).map(Target::Folder),
            Parsed::Neither(text) => Err(Failure::new(
                Exit::NotFound,
                format!("`{text}` is no handoff and no path"),
            )
            .hint("name a handoff such as `H-7`; `countersign ls` lists them")),
        }
    }

    /// The card, with what the daemon knows about it. A receipt is a file in a folder in which
    /// agents write, so it is believed only when the daemon has that card in that folder.
    pub(crate) fn row(&self, context: &Context, client: &Client) -> Result<HandoffRow, Failure> {
        let folder = match self.read(context)? {
            Target::Id(id) => return client.row(id),
            Target::Folder(folder) => folder,
        };
        let receipt = folder.receipt()?.ok_or_else(|| no_receipt(&folder.path))?;
        let row = client.row(receipt.handoff_id)?;
        let workspaces = client.endpoint.as_ref();
        let place = workspaces.and_then(|endpoint| endpoint.workspace_of(&folder.path));
        if place.is_some_and(|(workspace, inner)| {
            workspace.name != row.workspace || inner != row.folder
        }) {
            return Err(Failure::new(
                Exit::Conflict,
                format!(
                    "the receipt in `{}` names {}, which belongs to `{}/{}`",
                    folder.path.display(),
                    row.id,
                    row.workspace,
                    row.folder
                ),
            )
            .hint("somebody may have copied or forged it; name the handoff by its id"));
        }
        Ok(row)
    }
}

pub(crate) fn no_receipt(folder: &Path) -> Failure {
    Failure::new(
        Exit::NotFound,
        format!("there is no receipt in `{}`", folder.display()),
    )
    .hint("hand over with `countersign submit`, or name a handoff such as `H-7`")
}

#[derive(Debug, PartialEq, Eq)]
enum Parsed {
    Id(HandoffId),
    Path(PathBuf),
    Neither(String),
}

fn parse(text: Option<&str>, here: &Path) -> Parsed {
    let Some(text) = text else {
        return Parsed::Path(here.to_owned());
    };
    if let Ok(id) = text.parse() {
        return Parsed::Id(id);
    }
    if let Some((_, rest)) = text.split_once("://") {
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        let mut parts = path.split('/');
        let found = parts
            .find(|part| matches!(*part, "h" | "handoffs"))
            .and_then(|_| parts.next()?.parse().ok());
        return found.map_or_else(|| Parsed::Neither(text.to_owned()), Parsed::Id);
    }
    let path = here.join(text);
    if path.exists() {
        Parsed::Path(path)
    } else {
        Parsed::Neither(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handoff_has_many_names() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        for text in [
            "H-1042",
            "h-1042",
            "1042",
            "http://127.0.0.1:7420/h/H-1042",
            "https://review.example.org/h/H-1042?revision=2&base=1#f-1",
            "http://127.0.0.1:7420/api/v1/handoffs/H-1042/wait",
        ] {
            let id = Parsed::Id(HandoffId(1042));
            assert_eq!(parse(Some(text), here), id, "{text}");
        }
        assert_eq!(parse(None, here), Parsed::Path(here.to_owned()));
        assert_eq!(parse(Some("."), here), Parsed::Path(here.join(".")));
        for text in ["H-0", "nowhere", "http://127.0.0.1:7420/queue", "x://h/"] {
            let neither = Parsed::Neither(text.to_owned());
            assert_eq!(parse(Some(text), here), neither, "{text}");
        }
    }
}
