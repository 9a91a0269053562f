//! `countersign schema`: the published schemas.

use countersign_protocol::schema;
use serde_json::json;

use super::{
    Context,
    exit::{Exit, Failure},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which one, for example `handoff`; without it, their names
    name: Option<String>,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let Some(name) = &args.name else {
        let names: Vec<_> = schema::ALL.iter().map(|schema| schema.name).collect();
        if context.out.json {
            context.out.object("schema", json!({ "names": names }));
        } else {
            for name in names {
                context.out.line(name);
            }
        }
        return Ok(Exit::Done);
    };
    let found = schema::get(name).ok_or_else(|| {
        let known = schema::ALL.iter().map(|schema| schema.name);
        let near = crate::config::nearest(name, known).map_or_else(
            || "`countersign schema` lists them".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        Failure::new(Exit::NotFound, format!("there is no schema `{name}`")).hint(near)
    })?;
    context.out.line(found.text.trim_end());
    Ok(Exit::Done)
}
