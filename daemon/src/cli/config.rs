//! `countersign config`: what holds, and where it came from.

use std::path::{Path, PathBuf};

use countersign_web::desk::transfer::Reread;
use serde_json::json;

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    output::{Cell, Drawing, Style, Table, inert},
    unanswerable::unanswerable,
};
use crate::{
    catalog::Catalog,
    config::{Config, Flags, REFERENCE},
    fs::Dir,
    policy::routing::Owners,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check the configuration and the workspaces
    Check {
        /// Folders that would be served
        roots: Vec<PathBuf>,
    },
    /// Show what holds after all layers
    Show {
        /// Say where each value came from
        #[arg(long)]
        origin: bool,
        /// Folders that would be served
        roots: Vec<PathBuf>,
    },
    /// Let the running daemon read each `workspace.toml` anew
    Reload,
    /// Print every key with its default
    Default,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    match &args.command {
        Command::Check { roots } => check(roots, context),
        Command::Show { origin, roots } => show(roots, *origin, context),
        Command::Reload => reload(context),
        Command::Default => {
            context.out.line(REFERENCE.trim_end());
            Ok(Exit::Done)
        }
    }
}

fn reload(context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let reply = client.post("/api/v1/workspaces/reload", &json!({}))?;
    let read: Vec<Reread> = reply.json()?;
    if context.out.json {
        context.out.object("reload", json!({ "workspaces": read }));
    } else {
        for one in &read {
            let what = match (&one.trouble, one.changed) {
                (Some(why), _) => format!("as it was: {}", inert(why)),
                (None, true) => "read anew".to_owned(),
                (None, false) => "as it was".to_owned(),
            };
            context
                .out
                .line(&format!("{}  {what}", inert(&one.workspace)));
        }
        context
            .out
            .remark("the configuration file itself is read when the daemon starts");
    }
    let failed = read.iter().any(|one| one.trouble.is_some());
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

fn load(roots: &[PathBuf], context: &Context) -> Result<Config, Failure> {
    let flags = Flags {
        roots: roots.iter().map(|root| context.at(root)).collect(),
        ..context.flags()
    };
    Ok(Config::load(&flags, &context.environment)?)
}

fn check(roots: &[PathBuf], context: &mut Context) -> Result<Exit, Failure> {
    let config = load(roots, context)?;
    let found = config.discover();
    if !found.refused.is_empty() {
        let mut failure = Failure::new(Exit::Failed, "some workspaces cannot be served");
        failure.drawings = found
            .refused
            .iter()
            .flat_map(|(_, errors)| errors.0.iter().map(Drawing::of_config))
            .collect();
        return Err(failure);
    }
    let served = found.workspaces.iter();
    let served = served.map(|one| (one.name.value.as_str(), one.path.value.as_path()));
    let doubts = doubts(&config, served);
    if !doubts.is_empty() {
        let mut failure = Failure::new(Exit::Failed, "some owners of files cannot be asked");
        failure.hint = Some("mend the lines of the file; the others count as they are".to_owned());
        for doubt in &doubts {
            context.out.remark(&inert(doubt));
        }
        return Err(failure);
    }
    let names: Vec<&str> = found
        .workspaces
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    // Only the running daemon knows accounts; without one the file is checked by itself.
    let accounts = Client::find(context).and_then(|client| client.get("/api/v1/people"));
    let now = context.clock.now();
    for one in unanswerable(&config, &names, accounts.ok().as_ref(), now) {
        context
            .out
            .remark(&inert(&format!("{}; {}", one.text, one.fix)));
    }
    let file = config.file.as_ref().map(|file| file.display().to_string());
    if context.out.json {
        let workspaces: Vec<_> = found
            .workspaces
            .iter()
            .map(|w| json!({ "name": w.name.as_str(), "path": w.path.display().to_string() }))
            .collect();
        let object = json!({ "ok": true, "file": file, "workspaces": workspaces });
        context.out.object("config-check", object);
    } else {
        let good = context.out.paint(Style::Good, "ok");
        let file = file.unwrap_or_else(|| "no file, defaults".to_owned());
        let count = found.workspaces.len();
        let many = if count == 1 {
            "workspace"
        } else {
            "workspaces"
        };
        context.out.line(&format!("{good}  {file}, {count} {many}"));
    }
    Ok(Exit::Done)
}

/// What the files of owners in workspaces, by name and folder, say and cannot be read, where a rule asks owners.
pub(super) fn doubts<'a>(
    config: &Config,
    workspaces: impl Iterator<Item = (&'a str, &'a Path)>,
) -> Vec<String> {
    if !Owners::are_asked(&config.policy) {
        return Vec::new();
    }
    let catalog = Catalog::new(&config.policy);
    let of = |(name, path): (&'a str, &'a Path)| {
        let owners = Dir::open(path)
            .ok()
            .and_then(|dir| Owners::of_workspace(&dir));
        let doubts = owners.map(|owners| owners.doubts(&catalog));
        let named = move |doubt| format!("{name}: {doubt}");
        doubts.into_iter().flatten().map(named)
    };
    workspaces.flat_map(of).collect()
}

fn show(roots: &[PathBuf], origin: bool, context: &mut Context) -> Result<Exit, Failure> {
    let config = load(roots, context)?;
    let entries = config.entries();
    if context.out.json {
        let values: Vec<_> = entries
            .iter()
            .map(|e| json!({ "key": e.key, "value": e.value, "origin": e.origin.to_string() }))
            .collect();
        context
            .out
            .object("config-show", json!({ "values": values }));
        return Ok(Exit::Done);
    }
    let mut table = Table::new(if origin { &["", "", ""] } else { &["", ""] });
    for entry in entries {
        let mut cells = vec![Cell::new(entry.key), Cell::new(entry.value.to_string())];
        if origin {
            cells.push(Cell::new(entry.origin.to_string()).style(Style::Faint));
        }
        table.row(cells);
    }
    context.out.table(&table);
    Ok(Exit::Done)
}
