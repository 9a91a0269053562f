//! `countersign user` and `countersign session`: who can sign in, and who is signed in.

use std::time::Duration;

use countersign_web::desk::access::{Invitation, PeopleReport, SessionRow};
use serde_json::{Value, json};

use super::{
    Context,
    client::{Client, encode},
    exit::{Exit, Failure},
    output::{Cell, Style, Table, ago, inert},
    person_token,
};

/// How long an answer may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub(crate) struct UserArgs {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Debug, clap::Subcommand)]
enum UserCommand {
    /// Make an account; prints a link with which its owner sets a password, once
    Add {
        /// The name to sign in with; as in `[[person]]` where the configuration knows them
        id: String,
        /// The name for others
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// List people with their accounts and roles
    Ls,
    /// Print a link with which the owner of an account sets another password, once
    Reset {
        /// The name to sign in with
        id: String,
    },
    /// Let nobody sign in with an account any more; its sessions end
    Disable {
        /// The name to sign in with
        id: String,
    },
    /// Let an account be used again
    Enable {
        /// The name to sign in with
        id: String,
    },
    /// Make, list and take back tokens with which programs work in your name
    #[command(subcommand)]
    Token(person_token::Command),
}

#[derive(Debug, clap::Args)]
pub(crate) struct SessionArgs {
    #[command(subcommand)]
    command: SessionCommand,
}

#[derive(Debug, clap::Subcommand)]
enum SessionCommand {
    /// List who is signed in, and from where
    Ls,
    /// End a session
    Revoke {
        /// Its id, as `session ls` shows it
        id: String,
    },
}

pub(super) fn unreadable(error: &serde_json::Error) -> Failure {
    let message = format!("the answer of the daemon cannot be read: {error}");
    Failure::new(Exit::Failed, message)
}

pub(crate) fn user(args: &UserArgs, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    match &args.command {
        UserCommand::Add { id, name } => {
            let body = json!({ "id": id, "name": name });
            let made: Invitation = client.post("/api/v1/accounts", &body)?.json()?;
            invitation("user-add", &made, context);
        }
        UserCommand::Reset { id } => {
            let path = format!("/api/v1/accounts/{}/reset", encode(id));
            let made: Invitation = client.post(&path, &json!({}))?.json()?;
            invitation("user-reset", &made, context);
        }
        UserCommand::Disable { id } => switch(&client, id, "disable", "is disabled", context)?,
        UserCommand::Enable { id } => switch(&client, id, "enable", "can be used again", context)?,
        UserCommand::Token(command) => person_token::run(command, &client, context)?,
        UserCommand::Ls => people(&client, context)?,
    }
    Ok(Exit::Done)
}

fn invitation(command: &str, made: &Invitation, context: &mut Context) {
    if context.out.json {
        context.out.object(command, json!(made));
        return;
    }
    context.out.line(&inert(&made.link));
    let (name, until) = (inert(&made.account.name), made.expires_at);
    context.out.remark("");
    context.out.hint(&format!(
        "give it to {name} alone: it sets the password of `{}`, once, until {until:.0}",
        inert(&made.account.id)
    ));
}

fn switch(
    client: &Client,
    id: &str,
    verb: &str,
    words: &str,
    context: &mut Context,
) -> Result<(), Failure> {
    let path = format!("/api/v1/accounts/{}/{verb}", encode(id));
    client.post(&path, &json!({}))?;
    if context.out.json {
        let command = format!("user-{verb}");
        context.out.object(&command, json!({ "account": id }));
    } else {
        context.out.line(&format!("{} {words}", inert(id)));
    }
    Ok(())
}

fn people(client: &Client, context: &mut Context) -> Result<(), Failure> {
    let answer: Value = client.get("/api/v1/people")?;
    let report: PeopleReport =
        serde_json::from_value(answer).map_err(|error| unreadable(&error))?;
    if context.out.json {
        context.out.object("user-ls", json!(report));
        return Ok(());
    }
    let now = context.clock.now();
    let mut table = Table::new(&["name", "signs in as", "account", "last here", "roles"]);
    for person in report.people {
        let (state, last) = match &person.account {
            Some(account) => (account.state.clone(), account.last_sign_in),
            None if person.local => ("this machine".to_owned(), None),
            None => ("none".to_owned(), None),
        };
        let roles = person.roles.iter();
        let roles: Vec<String> = roles
            .map(|one| format!("{}: {}", one.workspace, one.roles.join(", ")))
            .collect();
        let marked = matches!(state.as_str(), "disabled" | "invited");
        let state = Cell::new(state);
        table.row(vec![
            Cell::new(person.name),
            Cell::new(person.id),
            if marked {
                state.style(Style::Warning)
            } else {
                state
            },
            match last {
                Some(at) => Cell::two(format!("{} ago", ago(at, now)), at.to_string()),
                None => Cell::new(""),
            },
            Cell::new(roles.join("; ")),
        ]);
    }
    context.out.table(&table);
    Ok(())
}

pub(crate) fn session(args: &SessionArgs, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    match &args.command {
        SessionCommand::Ls => {
            let answer: Value = client.get("/api/v1/sessions?all=true")?;
            let rows: Vec<SessionRow> =
                serde_json::from_value(answer).map_err(|error| unreadable(&error))?;
            if context.out.json {
                context
                    .out
                    .object("session-ls", json!({ "sessions": rows }));
                return Ok(Exit::Done);
            }
            let now = context.clock.now();
            let mut table = Table::new(&[
                "id",
                "who",
                "by",
                "address",
                "began",
                "last request",
                "browser",
            ]);
            for row in rows {
                let moment = |at| Cell::two(format!("{} ago", ago(at, now)), format!("{at}"));
                table.row(vec![
                    Cell::new(row.id),
                    Cell::new(row.name),
                    Cell::new(row.by.replace('_', " ")),
                    Cell::new(row.address.unwrap_or_default()),
                    moment(row.since),
                    moment(row.seen_at),
                    Cell::new(row.browser),
                ]);
            }
            context.out.table(&table);
        }
        SessionCommand::Revoke { id } => {
            let path = format!("/api/v1/sessions/{}", encode(id));
            client.send("DELETE", &path, None, PATIENCE)?;
            if context.out.json {
                let object = json!({ "id": id, "ended": true });
                context.out.object("session-revoke", object);
            } else {
                context.out.line(&format!("{} ended", inert(id)));
            }
        }
    }
    Ok(Exit::Done)
}
