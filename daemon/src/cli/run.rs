//! `countersign run`: starts an agent that can reach only what its workspace grants.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    str::FromStr,
};

use countersign_protocol::names;
use countersign_web::desk::ownership::OwnershipRow;
use serde_json::{Value, json};

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    output::inert,
};
use crate::{
    config::{Config, Id, Secret},
    confine::{Network, Policy, Site, missing},
    fs::{Dir, PrivateFolder, read_limited},
    supervise::{self, Ended},
    terminal::Terminal,
    workspace::{Account, FILE_MODE, json as pretty, own_box},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The agent reads and writes its work area, moves finished packages into its inbox, reads approved work
and the rest of its workspace, and sees nothing of other workspaces or of the daemon. Its home and its
folder for temporary files are private and empty. Of your environment it gets PATH, TERM, COLORTERM, NO_COLOR,
LANG, LANGUAGE, LC_*, TZ, SHELL, USER, LOGNAME and COUNTERSIGN_URL, and what `--env` names. Exit code and signals
are those of the agent.

Examples:
  countersign run --agent hermes -- python3 agent.py
  countersign run --agent hermes --workspace reports --network none --require -- ./agent
  countersign run --agent hermes --read ~/.config/hermes --network 443 -- hermes
  countersign run --agent hermes --env ANTHROPIC_API_KEY -- hermes")]
pub(crate) struct Args {
    /// The agent, as it names itself in `from_agent`
    #[arg(long, value_name = "NAME")]
    agent: Id,
    /// The workspace, by name or path; else the one you are in
    #[arg(long, value_name = "WORKSPACE")]
    workspace: Option<PathBuf>,
    /// Its work area in the workspace; else the folder you are in, else one that is called like the agent
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Something else that it may read and run
    #[arg(long, value_name = "PATH")]
    read: Vec<PathBuf>,
    /// Something else that it may change
    #[arg(long, value_name = "PATH")]
    write: Vec<PathBuf>,
    /// Its home, which it may change; else a new one that is gone afterwards
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// `any`, `none`, or the TCP ports it may connect to, such as `443,8443`
    #[arg(long, value_name = "WHAT", default_value = "any")]
    network: Reach,
    /// An environment variable to pass on, or `NAME=VALUE`; without it, only the usual ones
    #[arg(long, value_name = "NAME")]
    env: Vec<String>,
    /// Do not start it where this machine cannot enforce all of it
    #[arg(long)]
    require: bool,
    /// The command and its words
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// `--network`.
#[derive(Clone, Debug)]
struct Reach(Network);

impl FromStr for Reach {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(match text {
            "any" => Network::Any,
            "none" => Network::None,
            ports => {
                let ports: Result<Vec<u16>, _> = ports.split(',').map(str::parse).collect();
                Network::Ports(
                    ports.map_err(|_| "must be `any`, `none` or ports such as `443,8443`")?,
                )
            }
        }))
    }
}

/// Environment variables that are passed on, beside `LC_*`.
const PASSED_ON: [&str; 11] = [
    "PATH",
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "LANG",
    "LANGUAGE",
    "TZ",
    "SHELL",
    "USER",
    "LOGNAME",
    "COUNTERSIGN_URL",
];

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let config = context.config()?;
    let site = site(args, &config, context)?;
    still_theirs(&site, context)?;
    let account = account(args, &config, context)?;
    let environment = environment(args, &config, account.is_some(), context)?;
    let root = Dir::open(&site.workspace)?;
    let is_new = root.kind(&site.work)?.is_none();
    let work = root.make_folder(&site.work, 0o755)?;
    let inbox = Path::new(names::INBOX).join(args.agent.as_str());
    match &account {
        Some(account) => {
            let _opens = own_box(&root, args.agent.as_str(), *account)?;
            if is_new {
                work.give_to(account.uid, account.gid)?;
            }
        }
        // Where the daemon protects its rooms it has made the box.
        None => drop(root.make_folder(&inbox, 0o755)),
    }
    let owner = account.as_ref().map(|account| account.uid);
    let private = PrivateFolder::make("countersign-run", owner)?;
    let place = PrivateFolder::make("countersign-view", owner)?;
    let mut policy = policy(args, &site, private.path(), context);
    let mut lacks: Vec<String> = missing(&args.network.0)
        .into_iter()
        .map(str::to_owned)
        .collect();
    lacks.extend(policy.view_of(&site.workspace, place.path(), account).err());
    if args.require && !lacks.is_empty() {
        return Err(Failure::new(Exit::NotAllowed, inert(&lacks.join("; "))).hint(
            "leave out `--require` to start it all the same; docs/boundaries.md says what this machine lacks",
        ));
    }
    for what in lacks {
        context.out.remark(&inert(&format!("not enforced: {what}")));
    }
    let home = match &args.home {
        Some(home) => context.at(home),
        None => private.path().to_owned(),
    };
    let mut command = policy.command(&args.command[0], account);
    command
        .args(&args.command[1..])
        .current_dir(site.workspace.join(&site.work))
        .envs(environment)
        .env("HOME", home)
        .env("TMPDIR", private.path())
        .env("COUNTERSIGN_AGENT", args.agent.as_str())
        .env("COUNTERSIGN_WORKSPACE", &site.workspace);
    let ended = at_a_terminal(command, owner)
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot start the agent: {error}")));
    drop((private, place));
    let ended = ended?;
    if is_crash(ended)
        && let Err(failure) = report(args, &work, ended)
    {
        context.out.failure(&failure);
    }
    ended.pass_on()
}

/// Runs `command` to its end, at a pseudo-terminal where we have a terminal.
fn at_a_terminal(mut command: Command, owner: Option<u32>) -> std::io::Result<Ended> {
    let terminal = Terminal::open()?;
    let _relay = match &terminal {
        Some(terminal) => {
            terminal.give(&mut command, owner)?;
            Some(terminal.relay()?)
        }
        None => None,
    };
    supervise::run_at(command, terminal.as_ref())
}

/// Returns the variables of our environment that the agent gets.
fn environment(
    args: &Args,
    config: &Config,
    is_other_user: bool,
    context: &mut Context,
) -> Result<Vec<(String, OsString)>, Failure> {
    let is_usual = |name: &str| {
        let is_whose = matches!(name, "USER" | "LOGNAME");
        (PASSED_ON.contains(&name) || name.starts_with("LC_")) && !(is_whose && is_other_user)
    };
    let mut passed: Vec<(String, OsString)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| is_usual(name))
        .collect();
    let secrets = config.secrets();
    for named in &args.env {
        if let Some((name, value)) = named.split_once('=') {
            passed.push((name.to_owned(), value.into()));
            continue;
        }
        if secrets.contains(&Secret::Env(named.clone())) {
            let text = format!("`{named}` holds a secret of the daemon");
            return Err(Failure::new(Exit::Usage, inert(&text))
                .hint("give the agent a secret of its own, under another name"));
        }
        if let Some(value) = std::env::var_os(named) {
            passed.push((named.clone(), value));
        } else {
            let text = format!("`--env {named}`: it is not set, so nothing is passed on");
            context.out.remark(&inert(&text));
        }
    }
    Ok(passed)
}

/// No agent is started in a workspace that a person has for themselves, as far as the daemon can be asked.
fn still_theirs(site: &Site, context: &Context) -> Result<(), Failure> {
    let Ok(client) = Client::find(context) else {
        return Ok(());
    };
    let rows: Vec<OwnershipRow> = client.get("/api/v1/workspaces").unwrap_or_default();
    let here = rows
        .into_iter()
        .find(|row| Path::new(&row.path) == site.workspace);
    match here.filter(|row| row.held) {
        Some(row) => {
            let text = format!(
                "{} has `{}` now, and agents may only read in it",
                row.owner.name, row.workspace
            );
            let hint = format!(
                "give it back with `countersign transfer {} --to agents`",
                row.workspace
            );
            Err(Failure::new(Exit::NotAllowed, inert(&text)).hint(inert(&hint)))
        }
        None => Ok(()),
    }
}

/// An agent that was asked to stop has not crashed.
fn is_crash(ended: Ended) -> bool {
    !matches!(
        ended,
        Ended::Code(0 | 129 | 130 | 143)
            | Ended::Signal(libc::SIGHUP | libc::SIGINT | libc::SIGTERM)
    )
}

fn site(args: &Args, config: &Config, context: &Context) -> Result<Site, Failure> {
    let mut known: Vec<(String, PathBuf)> = config
        .discover()
        .workspaces
        .into_iter()
        .map(|one| (one.name.value.to_string(), one.path.value))
        .collect();
    let endpoint = Client::find(context)
        .ok()
        .and_then(|client| client.endpoint);
    known.extend(
        endpoint
            .into_iter()
            .flat_map(|endpoint| endpoint.workspaces)
            .map(|one| (one.name, PathBuf::from(one.path))),
    );
    let here = context
        .folder
        .canonicalize()
        .unwrap_or(context.folder.clone());
    let found = match &args.workspace {
        Some(named) => known
            .iter()
            .find(|(name, _)| Path::new(name) == named)
            .map(|(_, path)| path.clone())
            .or_else(|| context.at(named).canonicalize().ok()),
        None => known
            .iter()
            .map(|(_, path)| path.clone())
            .filter(|path| here.starts_with(path))
            .max_by_key(|path| path.as_os_str().len())
            .or_else(|| {
                let holds = |folder: &&Path| folder.join(names::WORKSPACE_FILE).is_file();
                here.ancestors().find(holds).map(Path::to_owned)
            }),
    };
    let Some(workspace) = found else {
        return Err(Failure::new(Exit::NotFound, "this is no workspace")
            .hint("name one with `--workspace`, or go into one"));
    };
    let work = match &args.dir {
        Some(dir) => dir.clone(),
        None => match here.strip_prefix(&workspace) {
            Ok(inner) if !inner.as_os_str().is_empty() => inner.to_owned(),
            _ => PathBuf::from(args.agent.as_str()),
        },
    };
    let rooms = [names::INBOX, names::APPROVED, names::OWN_FOLDER];
    let first = work.components().next();
    let is_inside = work
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    let is_room = rooms
        .iter()
        .any(|room| first.is_some_and(|first| first.as_os_str() == *room));
    if !is_inside || is_room || work.as_os_str().is_empty() {
        let text = format!("`{}` cannot be a work area", work.display());
        return Err(Failure::new(Exit::Usage, text)
            .hint("name a folder in the workspace that is not one of its rooms"));
    }
    let mut hidden: Vec<PathBuf> = known
        .into_iter()
        .map(|(_, path)| path)
        .filter(|path| *path != workspace)
        .collect();
    hidden.push(config.server.data_dir.value.clone());
    hidden.extend(config.file.as_ref().map(|file| file.value.clone()));
    hidden.extend(config.secrets().into_iter().filter_map(|one| match one {
        Secret::File(path) => Some(context.environment.expand(&path)),
        Secret::Env(_) | Secret::Cmd(_) => None,
    }));
    let real = |path: PathBuf| path.canonicalize().unwrap_or(path);
    Ok(Site {
        workspace,
        work,
        hidden: hidden.into_iter().map(real).collect(),
    })
}

/// The user that the agent becomes: only the superuser can let it become another one.
fn account(
    args: &Args,
    config: &Config,
    context: &mut Context,
) -> Result<Option<Account>, Failure> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let agents = &config.policy.agents;
    let stated = agents
        .iter()
        .find(|one| one.id.value == args.agent)
        .and_then(|one| one.user.as_ref());
    let Some(user) = stated else {
        if args.require {
            let text = format!(
                "{} would run as the superuser, whom no mode holds back",
                args.agent
            );
            return Err(Failure::new(Exit::NotAllowed, text)
                .hint("give it a `user` in its `[[agent]]` section, or start it as another user"));
        }
        context.out.remark(&format!(
            "not enforced: {} runs as the superuser, whom no mode holds back; give it a `user` in its `[[agent]]` section",
            args.agent
        ));
        return Ok(None);
    };
    let found = Account::find(&user.value);
    let missing = || {
        Failure::new(Exit::NotFound, format!("there is no user `{}`", user.value))
            .hint("make one, for example with `useradd --system`, or name it by its number")
    };
    found.map(Some).ok_or_else(missing)
}

fn policy(args: &Args, site: &Site, private: &Path, context: &Context) -> Policy {
    let mut policy = Policy::of_agent(site, args.agent.as_str(), args.network.0.clone());
    for path in &args.read {
        policy.read_also(&context.at(path), &site.hidden);
    }
    let rooms = [names::OWN_FOLDER, names::INBOX, names::APPROVED];
    let mut kept = site.hidden.clone();
    kept.extend(rooms.map(|room| site.workspace.join(room)));
    for path in args.write.iter().chain(&args.home) {
        policy.write_also(&context.at(path), &kept);
    }
    policy.write.push(private.to_owned());
    policy
}

/// Hands over for an agent that can no longer do it, by the same file that it would have written: so it reaches
/// a person also when the daemon is away now.
fn report(args: &Args, work: &Dir, ended: Ended) -> Result<(), Failure> {
    let agent = args.agent.as_str();
    let how = match ended {
        Ended::Code(code) => format!("it ended with exit code {code}"),
        Ended::Signal(signal) => format!("it was ended by signal {signal}"),
    };
    let checkpoint: Value = work
        .open_file(Path::new(names::CHECKPOINT))
        .ok()
        .and_then(|file| read_limited(&file, 256 * 1024).ok())
        .and_then(|(bytes, _)| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let step = checkpoint.get("step").and_then(Value::as_u64);
    let task = match step {
        Some(step) => format!("{agent} crashed after step {step}"),
        None => format!("{agent} crashed before its first checkpoint"),
    };
    let mut document = json!({
        "handoff_version": "1.0",
        "from_agent": agent,
        "task_id": format!("crash-{agent}"),
        "task": task,
        "status": "blocked",
        "trigger": "error",
        "reason": how,
        "completed": checkpoint.get("completed"),
        "remaining": checkpoint.get("remaining"),
        "context": { "checkpoint": checkpoint, "command": args.command[0].to_string_lossy() },
    });
    if let Some(fields) = document.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    let name = format!("{agent}-crash.handoff.json");
    work.publish(Path::new(&name), &pretty(&document), FILE_MODE, true)?;
    Ok(())
}
