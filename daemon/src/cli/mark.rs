//! `countersign mark`: gives the present moment of a workspace a name.

use countersign_web::desk::versions::MarkRow;
use serde_json::json;

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    output::inert,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What it is, for example `build`
    kind: String,
    /// Which one, for example `318`
    value: Option<String>,
    /// The workspace; else the one you are in
    #[arg(long, value_name = "NAME", env = "COUNTERSIGN_WORKSPACE")]
    workspace: Option<String>,
    /// More words
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let workspace = match &args.workspace {
        Some(name) => name.clone(),
        None => here(context, &client)?,
    };
    let body = json!({
        "workspace": workspace,
        "kind": args.kind,
        "value": args.value,
        "note": args.note,
    });
    let mark: MarkRow = client.post("/api/v1/marks", &body)?.json()?;
    if context.out.json {
        context.out.object("mark", json!(mark));
        return Ok(Exit::Done);
    }
    let line = format!(
        "marked {} {} at e{}; ask with `countersign changed --since {}`",
        mark.kind,
        mark.value.as_deref().unwrap_or_default(),
        mark.seq,
        mark.anchor
    );
    context.out.line(&inert(&line.replace("  ", " ")));
    Ok(Exit::Done)
}

/// The workspace of the current folder; the only one, when it is in none.
pub(super) fn here(context: &Context, client: &Client) -> Result<String, Failure> {
    let endpoint = client.endpoint.as_ref();
    if let Some((workspace, _)) = endpoint.and_then(|one| one.workspace_of(&context.folder)) {
        return Ok(workspace.name.clone());
    }
    match endpoint.map(|one| one.workspaces.as_slice()) {
        Some([only]) => Ok(only.name.clone()),
        _ => Err(
            Failure::new(Exit::Usage, "the current folder is in no workspace")
                .hint("name one with `--workspace`"),
        ),
    }
}
