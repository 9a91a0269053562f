//! `countersign status`: how one handoff stands. Exit code 8 while it waits.

use serde_json::json;

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    output::{ago, inert},
    target::TargetArg,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: TargetArg,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let row = args.target.row(context, &client)?;
    let exit = match row.decided.as_ref() {
        _ if row.state == "waiting" => Exit::Pending,
        Some(decided) => Exit::of_code(decided.outcome.exit_code()),
        None => Exit::Over,
    };
    if context.out.json {
        let object = json!({ "handoff": row, "url": client.page(row.id) });
        context.out.object("status", object);
        return Ok(exit);
    }
    let state = inert(&row.state.replace('_', " "));
    let title = inert(&row.title);
    if !context.out.terminal {
        let line = format!(
            "{}\t{}\t{}\t{title}",
            row.id,
            row.revision,
            inert(&row.state)
        );
        context.out.line(&line);
        return Ok(exit);
    }
    context.out.line(&format!(
        "{} revision {}  {state}  {title}",
        row.id, row.revision
    ));
    let now = context.clock.now();
    match &row.decided {
        Some(decided) => context.out.line(&format!(
            "{} by {}, {} ago",
            decided.outcome.word(),
            inert(&decided.by),
            ago(decided.at, now)
        )),
        None => context.out.line(&format!(
            "handed over {} ago; {}",
            ago(row.handed_over_at, now),
            inert(&row.why)
        )),
    }
    context.out.line(&client.page(row.id));
    Ok(exit)
}
