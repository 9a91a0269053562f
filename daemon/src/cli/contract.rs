//! `countersign contract`: the contracts of a workspace, a check against them, and the words for an agent.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use countersign_protocol::{
    contract::{MAX_BYTES, Rules},
    dialect::Format,
    names::{self, DocumentKind},
    transfer::Mesh,
};
use serde_json::json;

use super::{
    Context,
    exit::{Exit, Failure},
    folder,
    output::{Cell, Drawing, Style, Table},
    validate::workspace_folder,
};
use crate::{
    contracts::{Contracts, prompt},
    fs::Dir,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    /// The workspace; else the one around the current folder
    #[arg(long, value_name = "DIR", global = true)]
    dir: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the contracts
    Ls,
    /// Hold a document against its contract, and say what nobody needs in it
    Check {
        /// The document
        file: PathBuf,
        /// The contract, such as `peer-handoff@1.0`; else the one that the document names
        #[arg(long, value_name = "NAME")]
        contract: Option<String>,
    },
    /// Print a contract as instructions for an agent
    Prompt {
        /// The contract, such as `peer-handoff` or `peer-handoff@1.0`
        name: String,
        /// The agent that is to keep it
        #[arg(long, value_name = "NAME")]
        agent: Option<String>,
    },
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let (contracts, mesh) = load(args.dir.as_deref(), context)?;
    match &args.command {
        Command::Ls => Ok(list(&contracts, context)),
        Command::Check { file, contract } => check(&contracts, file, contract.as_deref(), context),
        Command::Prompt { name, agent } => {
            let contract = contracts
                .negotiate(name)
                .map_err(|refusal| refused(&refusal))?;
            let text = prompt(contract, &mesh, agent.as_deref());
            if context.out.json {
                let object = json!({ "contract": contract.id(), "prompt": text });
                context.out.object("contract-prompt", object);
            } else {
                context.out.bytes(text.as_bytes());
            }
            Ok(Exit::Done)
        }
    }
}

/// The contracts and the participants of the workspace at `dir`, or around the current folder.
fn load(dir: Option<&Path>, context: &Context) -> Result<(Contracts, Mesh), Failure> {
    let here = match dir {
        Some(dir) => context.at(dir),
        None => context.folder.clone(),
    };
    let path = match dir {
        Some(_) => here.as_path(),
        None => workspace_folder(&here).ok_or_else(|| {
            Failure::new(Exit::NotFound, "there is no workspace around this folder")
                .hint("name one with `--dir`")
        })?,
    };
    let workspace = context.config()?.workspace(path)?;
    let root = Dir::open(&workspace.path.value)?;
    let transfers = &workspace.transfers;
    let contracts = Contracts::load(&root, &transfers.contracts).map_err(|why| {
        Failure::new(Exit::Failed, why).hint("mend `[[contract]]` in `workspace.toml`")
    })?;
    Ok((contracts, transfers.mesh()))
}

fn list(contracts: &Contracts, context: &mut Context) -> Exit {
    if context.out.json {
        let rows = contracts.all().iter().map(|one| {
            json!({
                "contract": one.id(), "purpose": one.purpose, "schema": one.file,
                "from": one.from, "to": one.to, "task": one.task,
            })
        });
        let rows: Vec<_> = rows.collect();
        context
            .out
            .object("contracts", json!({ "contracts": rows }));
        return Exit::Done;
    }
    let mut table = Table::new(&["contract", "schema", "purpose"]);
    for one in contracts.all() {
        table.row(vec![
            Cell::new(one.id()),
            Cell::new(&one.file),
            Cell::new(one.purpose.as_deref().unwrap_or_default()),
        ]);
    }
    context.out.table(&table);
    Exit::Done
}

fn check(
    contracts: &Contracts,
    file: &Path,
    named: Option<&str>,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let shown = file.display().to_string();
    let unreadable = |error: std::io::Error| {
        Failure::new(Exit::NotFound, format!("cannot read `{shown}`: {error}"))
    };
    let mut bytes = Vec::new();
    std::fs::File::open(context.at(file))
        .and_then(|open| open.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let format = match names::is_document(name) {
        Some(DocumentKind::Handoff(format)) => format,
        _ if bytes.trim_ascii_start().starts_with(b"{") => Format::Json,
        _ => Format::Yaml,
    };
    let agent = named.is_none().then_some("somebody");
    let read = contracts
        .read(&bytes, format, Rules::default(), agent)
        .and_then(|read| {
            let contract = match named {
                Some(wanted) => {
                    let contract = contracts.negotiate(wanted)?;
                    contract.check(&read.document.value)?;
                    Some(contract.id())
                }
                None => read.contract.clone(),
            };
            Ok((contract, read.checked.warnings))
        });
    let (contract, warnings) = read.map_err(|refusal| {
        let now = context.clock.now();
        let errors = countersign_protocol::receipt::ErrorsDocument::new(&refusal, name, None, now);
        let mut failure = folder::refused(&errors, &String::from_utf8_lossy(&bytes));
        failure.message = format!("`{shown}` does not keep its contract");
        failure
    })?;
    let Some(contract) = contract else {
        return Err(
            Failure::new(Exit::Contract, format!("`{shown}` names no contract"))
                .hint("add \"contract\" to it, or name one with `--contract`"),
        );
    };
    if context.out.json {
        let object = json!({ "valid": true, "contract": contract, "warnings": warnings });
        context.out.object("contract-check", object);
        return Ok(Exit::Done);
    }
    let text = String::from_utf8_lossy(&bytes);
    for warning in &warnings {
        let drawing = Drawing::of_violation(warning, name, &text).warning();
        context.out.drawing(&drawing);
    }
    let good = context.out.paint(Style::Good, "valid");
    context.out.line(&format!(
        "{good}  {name}  {contract}, {}",
        super::validate::count(warnings.len(), "warning")
    ));
    Ok(Exit::Done)
}

fn refused(refusal: &countersign_protocol::problem::Refusal) -> Failure {
    let first = refusal.violations.first();
    let message = first.map_or_else(|| refusal.to_string(), |first| first.message.clone());
    let mut failure = Failure::new(Exit::NotFound, message);
    failure.hint = first.and_then(|first| first.fix.clone());
    failure
}
