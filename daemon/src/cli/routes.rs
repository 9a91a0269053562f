//! `countersign routes`: which agents may hand to which; and the path of one task.

use countersign_web::desk::transfer::{Mesh, TaskPath};

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    output::{Cell, Style, Table, span},
    target::TargetArg,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only of this workspace
    #[arg(long, value_name = "NAME")]
    workspace: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PathArgs {
    #[command(flatten)]
    target: TargetArg,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let mut meshes: Vec<Mesh> = client.get("/api/v1/routes")?;
    if let Some(name) = &args.workspace {
        meshes.retain(|mesh| mesh.workspace == *name);
        if meshes.is_empty() {
            return Err(Failure::new(
                Exit::NotFound,
                format!("no agents hand to each other in `{name}`"),
            )
            .hint("name them in `workspace.toml`; see docs/agents.md"));
        }
    }
    if context.out.json {
        let object = serde_json::to_value(&meshes).unwrap_or_default();
        context
            .out
            .object("routes", serde_json::json!({ "workspaces": object }));
        return Ok(Exit::Done);
    }
    if meshes.is_empty() {
        context
            .out
            .remark("no workspace names participants; see docs/agents.md");
    }
    let heads = ["workspace", "from", "to", "open", "done", "lost", "good at"];
    let mut table = Table::new(&heads);
    for mesh in &meshes {
        for route in &mesh.routes {
            let to = mesh.participants.iter().find(|one| one.id == route.to);
            let scope = to.and_then(|one| one.in_scope.clone()).unwrap_or_default();
            table.row(vec![
                Cell::new(&mesh.workspace),
                Cell::new(&route.from),
                Cell::new(&route.to),
                Cell::new(route.open.to_string()),
                Cell::new(route.completed.to_string()),
                Cell::new(route.lost.to_string()),
                Cell::new(scope),
            ]);
        }
    }
    context.out.table(&table);
    for mesh in meshes.iter().filter(|mesh| mesh.stopped > 0) {
        let text = format!(
            "{}: {} stopped and wait for a person",
            mesh.workspace, mesh.stopped
        );
        let text = context.out.paint(Style::Warning, &text);
        context.out.remark(&text);
    }
    Ok(Exit::Done)
}

pub(crate) fn path(args: &PathArgs, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let row = args.target.row(context, &client)?;
    let path: TaskPath = client.get(&format!("/api/v1/handoffs/{}/path", row.id))?;
    if context.out.json {
        let object = serde_json::to_value(&path).unwrap_or_default();
        context.out.object("path", object);
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["package", "from", "to", "state", "waited", "held", "words"]);
    let time = |seconds: u64| {
        let shown = span(i64::try_from(seconds).unwrap_or(i64::MAX));
        Cell::two(shown, seconds.to_string())
    };
    for hop in &path.hops {
        let words = [hop.reason.as_deref(), hop.note.as_deref()];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        table.row(vec![
            Cell::new(format!("{}.{}", hop.handoff_id, hop.hop)),
            Cell::new(&hop.from),
            Cell::new(&hop.to),
            Cell::new(&hop.state),
            time(hop.waited_seconds),
            time(hop.held_seconds),
            Cell::new(words.join(": ")),
        ]);
    }
    context.out.table(&table);
    for stop in &path.stops {
        context.out.remark(&format!("stopped: {}", stop.text));
    }
    if let Some(holder) = &path.holder {
        context.out.remark(&format!("held by {holder}"));
    }
    Ok(Exit::Done)
}
