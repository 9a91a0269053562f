//! `countersign transfer`: whose a workspace is. It is offered to a person, who accepts or declines; then agents may
//! only read in it, until it is given back to them.

use countersign_web::desk::ownership::{OfferMade, OwnershipRow};
use serde_json::{Value, json};

use super::{
    Context,
    client::{Client, encode},
    exit::{Exit, Failure},
    output::{Cell, Style, Table, inert},
};
use crate::config::Span;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The workspace; without it, all of them are listed
    #[arg(value_name = "WORKSPACE", required_unless_present = "list")]
    workspace: Option<String>,
    /// List whose each workspace is
    #[arg(long, conflicts_with_all = ["workspace", "to", "accept", "decline", "withdraw"])]
    list: bool,
    /// Offer it to this person, or give it back to `agents`
    #[arg(long, value_name = "PERSON", conflicts_with_all = ["accept", "decline", "withdraw"])]
    to: Option<String>,
    /// Words to them
    #[arg(short, long, value_name = "TEXT")]
    note: Option<String>,
    /// The offer is over after this time
    #[arg(long, value_name = "TIME", default_value = "3d", requires = "to")]
    expires: Span,
    /// Take over what is offered
    #[arg(long, conflicts_with_all = ["decline", "withdraw"])]
    accept: bool,
    /// Do not take it over; say why with `--note`
    #[arg(long, conflicts_with = "withdraw")]
    decline: bool,
    /// Answer in the name of the person who was asked, with the end of the address that the offer printed
    #[arg(long, value_name = "SECRET")]
    claim: Option<String>,
    /// Take the offer back
    #[arg(long)]
    withdraw: bool,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let Some(name) = &args.workspace else {
        return list(&client, context);
    };
    let base = format!("/api/v1/workspaces/{}", encode(name));
    if let Some(to) = &args.to {
        if to == countersign_protocol::ownership::AGENTS {
            client.post(&format!("{base}/return"), &json!({ "note": args.note }))?;
            return done(&client, name, context);
        }
        return offer(args, to, &base, &client, context);
    }
    let answer = || {
        let secret = args.claim.as_deref();
        // The whole address will do.
        let secret = secret.map(|text| text.rsplit("t=").next().unwrap_or(text));
        json!({ "claim": secret, "reason": args.note })
    };
    let without_null = |mut body: Value| {
        if let Some(fields) = body.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        body
    };
    if args.accept {
        client.post(&format!("{base}/accept"), &without_null(answer()))?;
    } else if args.decline {
        client.post(&format!("{base}/decline"), &without_null(answer()))?;
    } else if args.withdraw {
        let path = format!("{base}/offer");
        client.send("DELETE", &path, None, std::time::Duration::from_secs(30))?;
    }
    done(&client, name, context)
}

fn offer(
    args: &Args,
    to: &str,
    base: &str,
    client: &Client,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let body = json!({ "to": to, "note": args.note, "waits_seconds": args.expires.0.as_secs() });
    let made: OfferMade = client.post(&format!("{base}/offer"), &body)?.json()?;
    if context.out.json {
        context.out.object("transfer", json!(made));
        return Ok(Exit::Done);
    }
    let Some(offer) = &made.ownership.offer else {
        return Ok(Exit::Done);
    };
    let line = format!(
        "{} is offered to {} until {:.0}",
        made.ownership.workspace, offer.to.name, offer.expires
    );
    context.out.line(&inert(&line));
    if let Some(url) = &made.claim_url {
        context.out.line(url);
        let name = &offer.to.name;
        let hint =
            format!("who has this address answers in the name of {name}; it is not shown again");
        context.out.hint(&inert(&hint));
    }
    Ok(Exit::Done)
}

fn rows(client: &Client) -> Result<Vec<OwnershipRow>, Failure> {
    client.get("/api/v1/workspaces")
}

/// How the workspace stands after a step, or without one.
fn done(client: &Client, name: &str, context: &mut Context) -> Result<Exit, Failure> {
    let row = rows(client)?.into_iter().find(|row| row.workspace == name);
    let row = row.ok_or_else(|| {
        Failure::new(
            Exit::NotFound,
            format!("the workspace `{name}` was not found"),
        )
        .hint("`countersign transfer --list` shows all of them")
    })?;
    if context.out.json {
        context.out.object("workspace", json!(row));
        return Ok(Exit::Done);
    }
    for line in told(&row) {
        context.out.line(&inert(&line));
    }
    Ok(Exit::Done)
}

fn told(row: &OwnershipRow) -> Vec<String> {
    let whose = if row.held {
        format!(
            "{} is {}’s; agents may only read in it",
            row.workspace, row.owner.name
        )
    } else {
        format!(
            "agents work in {}; {} owns it",
            row.workspace, row.owner.name
        )
    };
    let mut lines = vec![whose];
    if let Some(offer) = &row.offer {
        let note = offer.note.as_ref().map(|note| format!(": {note}"));
        lines.push(format!(
            "{} offers it to {} until {:.0}{}",
            offer.by,
            offer.to.name,
            offer.expires,
            note.unwrap_or_default()
        ));
    }
    if row.settling {
        lines.push("its files get their new owner now; ask again in a moment".to_owned());
    }
    if let Some(files) = &row.files {
        lines.push(format!(
            "{} files and {} folders follow, {} of them by a copy",
            files.files, files.folders, files.copied
        ));
        let left = files.left.iter();
        lines.extend(left.map(|one| format!("not given: {}: {}", one.path, one.why)));
        if files.more > 0 {
            lines.push(format!("not given: {} more", files.more));
        }
        lines.extend(
            files
                .limits
                .iter()
                .map(|limit| format!("not held: {limit}")),
        );
    }
    lines
}

fn list(client: &Client, context: &mut Context) -> Result<Exit, Failure> {
    let rows = rows(client)?;
    if context.out.json {
        context.out.object("workspaces", json!(rows));
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["workspace", "owner", "agents", "offered to", "folder"]);
    for row in rows {
        let agents = if row.held { "read only" } else { "work in it" };
        let offered = row.offer.map(|offer| offer.to.name).unwrap_or_default();
        table.row(vec![
            Cell::new(row.workspace),
            Cell::new(row.owner.name),
            Cell::new(agents),
            Cell::new(offered),
            Cell::new(row.path).style(Style::Faint),
        ]);
    }
    context.out.table(&table);
    Ok(Exit::Done)
}
