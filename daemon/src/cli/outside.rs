//! `countersign outside`: people without an account who look at one handoff.

use countersign_protocol::HandoffId;
use countersign_web::desk::outsiders::{NewOutsider, OutsiderRow};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Context,
    client::{Client, encode},
    exit::{Exit, Failure},
    output::{Cell, Table, ago, inert},
    user::{PATIENCE, unreadable},
};

#[derive(Debug, clap::Args)]
pub(super) struct OutsideArgs {
    #[command(subcommand)]
    command: OutsideCommand,
}

#[derive(Debug, clap::Subcommand)]
enum OutsideCommand {
    /// Make a link by which somebody without an account sees one handoff; it is shown once
    Invite {
        /// The handoff, `H-7` or `7`
        id: HandoffId,
        /// Who it is, for others to read
        name: String,
        /// They may decide, and not only look and comment
        #[arg(long)]
        decides: bool,
        /// Days the link is good for
        #[arg(long, value_name = "N")]
        days: Option<u32>,
    },
    /// List who was invited, without the links
    Ls {
        /// The handoff
        id: HandoffId,
    },
    /// Take an invitation back; its sessions end at once
    Revoke {
        /// The handoff
        id: HandoffId,
        /// The id of the invitation, as `outside ls` shows it
        invitation: String,
    },
}

/// What the daemon answers to an invitation.
#[derive(Debug, Deserialize)]
struct Invited {
    outsider: OutsiderRow,
    link: String,
}

pub(super) fn outside(args: &OutsideArgs, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    match &args.command {
        OutsideCommand::Invite {
            id,
            name,
            decides,
            days,
        } => {
            let new = NewOutsider {
                name: name.clone(),
                decides: *decides,
                days: *days,
            };
            let path = format!("/api/v1/handoffs/{id}/outsiders");
            let made: Invited = client.post(&path, &json!(new))?.json()?;
            if context.out.json {
                let object = json!({ "outsider": made.outsider, "link": made.link });
                context.out.object("outside-invite", object);
            } else {
                context.out.line(&inert(&made.link));
                let (invitation, until) = (inert(&made.outsider.id), made.outsider.expires_at);
                context.out.remark("");
                context.out.hint(&format!(
                    "this is shown once, and good until {until:.0}; whoever has it sees {id} and nothing else. Take it back \
                     with `countersign outside revoke {id} {invitation}`"
                ));
            }
        }
        OutsideCommand::Ls { id } => list(*id, &client, context)?,
        OutsideCommand::Revoke { id, invitation } => {
            let path = format!("/api/v1/handoffs/{id}/outsiders/{}", encode(invitation));
            client.send("DELETE", &path, None, PATIENCE)?;
            if context.out.json {
                let object = json!({ "id": invitation, "revoked": true });
                context.out.object("outside-revoke", object);
            } else {
                let invitation = inert(invitation);
                context.out.line(&format!("{invitation} was taken back"));
            }
        }
    }
    Ok(Exit::Done)
}

fn list(id: HandoffId, client: &Client, context: &mut Context) -> Result<(), Failure> {
    let answer: Value = client.get(&format!("/api/v1/handoffs/{id}/outsiders"))?;
    let rows: Vec<OutsiderRow> =
        serde_json::from_value(answer).map_err(|error| unreadable(&error))?;
    if context.out.json {
        let object = json!({ "outsiders": rows });
        context.out.object("outside-ls", object);
        return Ok(());
    }
    let now = context.clock.now();
    let mut table = Table::new(&[
        "id",
        "who",
        "by",
        "may",
        "state",
        "last opened",
        "good until",
    ]);
    for row in rows {
        table.row(vec![
            Cell::new(row.id),
            Cell::new(row.name),
            Cell::new(row.invited_by),
            Cell::new(if row.decides { "decide" } else { "comment" }),
            Cell::new(row.state),
            match row.opened_at {
                Some(at) => Cell::two(format!("{} ago", ago(at, now)), at.to_string()),
                None => Cell::new("never"),
            },
            Cell::new(format!("{:.0}", row.expires_at)),
        ]);
    }
    context.out.table(&table);
    Ok(())
}
