//! `countersign user token`: tokens with which programs work in one's own name.

use countersign_protocol::access::Permission;
use countersign_web::desk::person_tokens::{NewPersonToken, PersonTokenRow};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Context,
    client::{Client, encode},
    exit::Failure,
    output::{Cell, Table, ago, inert},
    user::{PATIENCE, unreadable},
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a token with which a program works in your name; its secret is shown once
    Create {
        /// What it is for
        name: String,
        /// What it allows, as `handoff.read`; repeat for more
        #[arg(long = "may", value_name = "PERMISSION", required = true)]
        may: Vec<Permission>,
        /// A workspace it reaches; repeat for more, leave out for all of yours
        #[arg(long = "workspace", value_name = "NAME")]
        workspaces: Vec<String>,
        /// Days it is good for
        #[arg(long, value_name = "N")]
        days: Option<u32>,
    },
    /// List tokens of people, without their secrets
    Ls {
        /// Those of everybody
        #[arg(long)]
        all: bool,
    },
    /// Take a token back
    Revoke {
        /// Its id, as `user token ls` shows it
        id: String,
    },
}

/// What the daemon answers to a new token.
#[derive(Debug, Deserialize)]
struct Created {
    token: PersonTokenRow,
    secret: String,
}

pub(super) fn run(
    command: &Command,
    client: &Client,
    context: &mut Context,
) -> Result<(), Failure> {
    match command {
        Command::Create {
            name,
            may,
            workspaces,
            days,
        } => {
            let new = NewPersonToken {
                name: name.clone(),
                workspaces: (!workspaces.is_empty()).then(|| workspaces.clone()),
                may: may.clone(),
                days: *days,
            };
            let created: Created = client.post("/api/v1/person-tokens", &json!(new))?.json()?;
            if context.out.json {
                let object = json!({ "token": created.token, "secret": created.secret });
                context.out.object("user-token-create", object);
            } else {
                context.out.line(&inert(&created.secret));
                let (id, until) = (inert(&created.token.id), created.token.expires_at);
                context.out.remark("");
                context.out.hint(&format!(
                    "this is shown once, and good until {until:.0}; a program sends it as `Authorization: Bearer`. \
                     Take it back with `countersign user token revoke {id}`"
                ));
            }
        }
        Command::Ls { all } => list(*all, client, context)?,
        Command::Revoke { id } => {
            let path = format!("/api/v1/person-tokens/{}", encode(id));
            client.send("DELETE", &path, None, PATIENCE)?;
            if context.out.json {
                let object = json!({ "id": id, "revoked": true });
                context.out.object("user-token-revoke", object);
            } else {
                context.out.line(&format!("{} was taken back", inert(id)));
            }
        }
    }
    Ok(())
}

fn list(all: bool, client: &Client, context: &mut Context) -> Result<(), Failure> {
    let answer: Value = client.get(&format!("/api/v1/person-tokens?all={all}"))?;
    let rows: Vec<PersonTokenRow> =
        serde_json::from_value(answer).map_err(|error| unreadable(&error))?;
    if context.out.json {
        let object = json!({ "tokens": rows });
        context.out.object("user-token-ls", object);
        return Ok(());
    }
    let now = context.clock.now();
    let mut table = Table::new(&[
        "id",
        "who",
        "for",
        "reaches",
        "may",
        "last used",
        "good until",
    ]);
    for row in rows {
        let may: Vec<_> = row.may.iter().map(|one| one.name()).collect();
        table.row(vec![
            Cell::new(row.id),
            Cell::new(row.person),
            Cell::new(row.name),
            Cell::new(
                row.workspaces
                    .map_or_else(|| "all".to_owned(), |names| names.join(",")),
            ),
            Cell::new(may.join(",")),
            match row.used_at {
                Some(at) => Cell::two(format!("{} ago", ago(at, now)), at.to_string()),
                None => Cell::new("never"),
            },
            Cell::new(format!("{:.0}", row.expires_at)),
        ]);
    }
    context.out.table(&table);
    Ok(())
}
