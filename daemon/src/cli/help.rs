//! `countersign help`: a command, or the exit codes.

use serde_json::json;

use super::{
    Context,
    exit::{Exit, Failure, TABLE},
    output::{Cell, Table},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A command, or `exit-codes`
    topic: Vec<String>,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    if args.topic == ["exit-codes"] {
        exit_codes(context);
        return Ok(Exit::Done);
    }
    let mut tree = super::tree();
    tree.build();
    let mut command = &mut tree;
    for name in &args.topic {
        let names: Vec<_> = command
            .get_subcommands()
            .map(|sub| sub.get_name().to_owned())
            .collect();
        command = command.find_subcommand_mut(name).ok_or_else(|| {
            let near = crate::config::nearest(name, names.iter().map(String::as_str));
            Failure::new(Exit::Usage, format!("there is no command `{name}`")).hint(
                near.map_or_else(
                    || "`countersign help` lists them".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                ),
            )
        })?;
    }
    let text = command.render_long_help().to_string();
    context.out.bytes(text.as_bytes());
    Ok(Exit::Done)
}

fn exit_codes(context: &mut Context) {
    if context.out.json {
        let codes: Vec<_> = TABLE
            .iter()
            .map(|(exit, meaning)| json!({ "code": exit.code(), "meaning": meaning }))
            .collect();
        context.out.object("exit-codes", json!({ "codes": codes }));
        return;
    }
    let mut table = Table::new(&["code", "meaning"]);
    for (exit, meaning) in TABLE {
        table.row(vec![Cell::new(exit.code().to_string()), Cell::new(meaning)]);
    }
    table.row(vec![
        Cell::new("130"),
        Cell::new("interrupted; the handoff stays"),
    ]);
    context.out.table(&table);
}
