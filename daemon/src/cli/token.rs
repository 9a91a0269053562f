//! `countersign token`: what agents elsewhere show to the daemon.

use countersign_web::desk::{NewToken, TokenRow};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Context,
    client::{Client, encode},
    exit::{Exit, Failure},
    output::{Cell, Style, Table, ago, inert},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a token; its secret is shown once
    Create {
        /// The agent it speaks for
        agent: String,
        /// A workspace it reaches; repeat for more
        #[arg(long = "workspace", value_name = "NAME", required = true)]
        workspaces: Vec<String>,
        /// Days it is good for
        #[arg(long, value_name = "N")]
        days: Option<u32>,
    },
    /// List the tokens, without their secrets
    Ls,
    /// Take a token back
    Revoke {
        /// Its id, as `token ls` shows it
        id: String,
    },
}

/// What the daemon answers to a new token.
#[derive(Debug, Deserialize)]
struct Created {
    token: TokenRow,
    secret: String,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    match &args.command {
        Command::Create {
            agent,
            workspaces,
            days,
        } => {
            let new = NewToken {
                agent: agent.clone(),
                workspaces: workspaces.clone(),
                days: *days,
            };
            let created: Created = client.post("/api/v1/tokens", &json!(new))?.json()?;
            if context.out.json {
                let object = json!({ "token": created.token, "secret": created.secret });
                context.out.object("token-create", object);
            } else {
                context.out.line(&inert(&created.secret));
                let id = inert(&created.token.id);
                context.out.remark("");
                context.out.hint(&format!(
                    "this is shown once; the agent sets `COUNTERSIGN_TOKEN` to it. \
                     Take it back with `countersign token revoke {id}`"
                ));
            }
        }
        Command::Ls => ls(&client, context)?,
        Command::Revoke { id } => {
            let path = format!("/api/v1/tokens/{}", encode(id));
            client.send("DELETE", &path, None, std::time::Duration::from_secs(30))?;
            if context.out.json {
                context
                    .out
                    .object("token-revoke", json!({ "id": id, "revoked": true }));
            } else {
                context.out.line(&format!("{} was taken back", inert(id)));
            }
        }
    }
    Ok(Exit::Done)
}

fn ls(client: &Client, context: &mut Context) -> Result<(), Failure> {
    let answer: Value = client.get("/api/v1/tokens")?;
    let list = answer.get("tokens").cloned().unwrap_or(answer);
    let rows: Vec<TokenRow> = serde_json::from_value(list).map_err(|error| {
        Failure::new(
            Exit::Failed,
            format!("the answer of the daemon cannot be read: {error}"),
        )
    })?;
    if context.out.json {
        context.out.object("token-ls", json!({ "tokens": rows }));
        return Ok(());
    }
    let now = context.clock.now();
    let mut table = Table::new(&["id", "agent", "workspaces", "made", "good until", ""]);
    for row in rows {
        let end = row.expires_at.map_or_else(String::new, |at| at.to_string());
        let state = match (row.revoked, row.expires_at) {
            (true, _) => "taken back",
            (false, Some(end)) if end <= now => "expired",
            (false, _) => "",
        };
        table.row(vec![
            Cell::new(row.id),
            Cell::new(row.agent),
            Cell::new(row.workspaces.join(",")),
            Cell::two(
                format!("{} ago", ago(row.created_at, now)),
                row.created_at.to_string(),
            ),
            Cell::new(end),
            Cell::new(state).style(Style::Warning),
        ]);
    }
    context.out.table(&table);
    Ok(())
}
