//! `countersign submit`: hands over what is in a folder.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign_protocol::{
    dialect::Format,
    receipt::{Receipt, ReceiptStatus},
};
use serde_json::{Value, json};

use super::{
    Context,
    client::{Client, encode},
    exit::{Exit, Failure},
    folder::{self, Folder, Verdict},
    output::{Style, inert},
    validate::{self, Around, Valid, count},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder or the document; else the current folder
    path: Option<PathBuf>,
    /// Deliver by upload to this workspace of a daemon elsewhere; also `COUNTERSIGN_WORKSPACE`
    #[arg(long, value_name = "NAME")]
    workspace: Option<String>,
    /// Folder in that workspace where answers go
    #[arg(long, value_name = "PATH", requires = "workspace")]
    folder: Option<String>,
}

/// How long the receipt in the folder may lag behind the answer of the daemon.
const RECEIPT_LOOKS: u32 = 40;
const LOOK: Duration = Duration::from_millis(50);

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let path = args.path.as_deref().unwrap_or(Path::new(""));
    let folder = Folder::open(&context.at(path))?;
    let around = Around::of(&folder, context)?;
    let valid = validate::check(&folder, &around, context)?;
    validate::warn(&valid.checked.warnings, &folder, &valid.source, context);
    let client = match Client::find(context) {
        Ok(client) => client,
        Err(failure) if failure.exit == Exit::Unreachable => {
            return left_in_place(&folder, failure, context);
        }
        Err(failure) => return Err(failure),
    };
    let named = args
        .workspace
        .as_deref()
        .or(context.environment.get("COUNTERSIGN_WORKSPACE"));
    let (workspace, inner, upload) = match (named, &client.endpoint) {
        (Some(name), _) => (
            name.to_owned(),
            args.folder.clone().unwrap_or_default(),
            true,
        ),
        (None, Some(endpoint)) => match endpoint.workspace_of(&folder.path) {
            Some((workspace, inner)) => (workspace.name.clone(), inner, false),
            None => return Err(outside(&folder.path)),
        },
        (None, None) => return Err(outside(&folder.path)),
    };
    let body = body(&folder, &valid, &inner, upload)?;
    // The daemon may see the file before our request: that is the same delivery, not a second one.
    let known = upload || matches!(folder.verdict(), Ok(Some(Verdict::Accepted(_))));
    let path = format!("/api/v1/workspaces/{}/handoffs", encode(&workspace));
    let reply = match client.post(&path, &body) {
        Ok(reply) => reply,
        Err(failure) if failure.exit == Exit::Unreachable && !upload => {
            return left_in_place(&folder, failure, context);
        }
        Err(failure) => return Err(explain(failure, &folder, &valid)),
    };
    let receipt: Receipt = reply.json()?;
    if !upload {
        wait_for_receipt(&folder, &receipt, context);
    }
    let again = reply.status == 200 || receipt.status == ReceiptStatus::Duplicate;
    let duplicate = known && again;
    print(&receipt, duplicate, &workspace, &client, context);
    Ok(Exit::Done)
}

fn outside(folder: &Path) -> Failure {
    Failure::new(
        Exit::NotFound,
        format!("`{}` is in no workspace of the daemon", folder.display()),
    )
    .hint("work in a folder that is served, or upload with `--workspace NAME`")
}

fn body(folder: &Folder, valid: &Valid, inner: &str, upload: bool) -> Result<Value, Failure> {
    let mut files = BTreeMap::new();
    if upload {
        for artifact in &valid.checked.handoff.artifacts {
            let bytes = folder::read(&folder.path, &artifact.path, u64::MAX - 1)?;
            files.insert(
                artifact.path.clone(),
                STANDARD.encode(bytes.unwrap_or_default()),
            );
        }
    }
    let document = String::from_utf8_lossy(&valid.source.bytes);
    let mut body = json!({
        "folder": inner,
        "document": document,
        "yaml": valid.source.format == Format::Yaml,
    });
    if upload {
        body["files"] = json!(files);
    }
    Ok(body)
}

/// The answer is in the ledger; lets the file catch up, so that a `wait` that follows sees it.
fn wait_for_receipt(folder: &Folder, receipt: &Receipt, context: &mut Context) {
    for _ in 0..RECEIPT_LOOKS {
        match folder.verdict() {
            Ok(Some(Verdict::Accepted(found))) if found.revision == receipt.revision => return,
            _ => (context.pause)(LOOK),
        }
    }
}

fn explain(mut failure: Failure, folder: &Folder, valid: &Valid) -> Failure {
    let problem = failure.problem.as_deref().cloned().unwrap_or_default();
    if let Ok(violations) = serde_json::from_value::<Vec<countersign_protocol::problem::Violation>>(
        problem["errors"].clone(),
    ) {
        let text = String::from_utf8_lossy(&valid.source.bytes);
        failure.drawings = violations
            .iter()
            .map(|violation| {
                super::output::Drawing::of_violation(violation, &folder.document, &text)
            })
            .collect();
    }
    failure
}

/// The document stands where the daemon finds it; that is a delivery too.
fn left_in_place(
    folder: &Folder,
    unreachable: Failure,
    context: &mut Context,
) -> Result<Exit, Failure> {
    if validate::workspace_folder(&folder.path).is_none() {
        return Err(unreachable);
    }
    let file = folder.path.join(&folder.document);
    if context.out.json {
        let object = json!({ "status": "left_for_daemon", "file": file.display().to_string() });
        context.out.object("submit", object);
    } else {
        context
            .out
            .line(&format!("left for the daemon  {}", file.display()));
        context.out.remark(&format!(
            "{}; it takes the file when it runs",
            unreachable.message
        ));
    }
    Ok(Exit::Done)
}

fn print(
    receipt: &Receipt,
    duplicate: bool,
    workspace: &str,
    client: &Client,
    context: &mut Context,
) {
    let id = receipt.handoff_id;
    let url = client.page(id);
    if context.out.json {
        let object = json!({
            "duplicate": duplicate,
            "handoff": { "id": id, "revision": receipt.revision, "url": url },
            "workspace": workspace,
            "receipt": receipt,
        });
        context.out.object("submit", object);
        return;
    }
    if !context.out.terminal {
        let word = if duplicate { "duplicate" } else { "accepted" };
        let line = format!(
            "{word}\t{id}\t{}\t{}\t{url}",
            receipt.revision,
            inert(workspace)
        );
        context.out.line(&line);
        return;
    }
    let word = if duplicate {
        "handed over before"
    } else {
        "handed over"
    };
    let head = context.out.paint(Style::Good, word);
    let indent = " ".repeat(word.len() + 2);
    let lines = [
        format!(
            "{head}  {id} revision {}   {}",
            receipt.revision,
            inert(workspace)
        ),
        format!(
            "{indent}{}, contract {}, {}",
            count(receipt.files, "file"),
            inert(&receipt.contract_version),
            count(receipt.warnings.len(), "warning")
        ),
        format!("{indent}{url}"),
    ];
    for line in lines {
        context.out.line(&line);
    }
}
