//! `countersign dead-letters`: what could not be read, what nobody answered, and the way back.

use countersign_web::desk::{DeadLetter, routing::Stranded};
use serde_json::json;

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    output::{Cell, Style, Table},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List them, newest first
    Ls,
    /// Show what is wrong with one
    Show {
        /// Its number, as `ls` prints it
        number: u64,
    },
    /// Send one on its way again: read a delivery anew, or ask again about a handoff
    Redrive {
        /// Its number, as `ls` prints it
        number: u64,
    },
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    if let Command::Redrive { number } = args.command {
        client.post(
            &format!("/api/v1/dead-letters/{number}/redrive"),
            &json!({}),
        )?;
        if context.out.json {
            context
                .out
                .object("dead-letters-redrive", json!({ "number": number }));
        } else {
            context.out.line(&format!("{number} is on its way again"));
        }
        return Ok(Exit::Done);
    }
    let refused: Vec<DeadLetter> = client.get("/api/v1/dead-letters")?;
    let stranded: Vec<Stranded> = client.get("/api/v1/stranded")?;
    match args.command {
        Command::Show { number } => {
            let refused: Vec<_> = refused
                .into_iter()
                .filter(|one| one.seq == number)
                .collect();
            let stranded: Vec<_> = stranded
                .into_iter()
                .filter(|one| one.seq == number)
                .collect();
            if refused.is_empty() && stranded.is_empty() {
                return Err(Failure::new(
                    Exit::NotFound,
                    format!("there is no dead letter {number}"),
                )
                .hint("`countersign dead-letters ls` lists them"));
            }
            list(&refused, &stranded, true, context);
        }
        _ => list(&refused, &stranded, false, context),
    }
    Ok(Exit::Done)
}

fn list(refused: &[DeadLetter], stranded: &[Stranded], in_full: bool, context: &mut Context) {
    if context.out.json {
        let object = json!({ "refused": refused, "unanswered": stranded });
        context.out.object("dead-letters", object);
        return;
    }
    if refused.is_empty() && stranded.is_empty() {
        context.out.line("no dead letters");
        return;
    }
    let mut table = Table::new(&["number", "what", "why"]);
    for one in refused {
        table.row(vec![
            Cell::new(one.seq.to_string()),
            Cell::new(format!("{}/{}", one.workspace, one.file)),
            Cell::new(one.kind.title()),
        ]);
        for error in one.errors.iter().filter(|_| in_full) {
            table.row(vec![
                Cell::new(String::new()),
                Cell::new(format!("{} line {}", error.pointer, error.line)).style(Style::Faint),
                Cell::new(error.message.clone()),
            ]);
        }
    }
    for one in stranded {
        table.row(vec![
            Cell::new(one.seq.to_string()),
            Cell::new(format!("{} {}", one.id, one.title)),
            Cell::new(format!("nobody answered by the rule {}", one.rule)),
        ]);
    }
    context.out.table(&table);
}
