//! `countersign serve`: the daemon.

use std::path::{Path, PathBuf};

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::{
    Context,
    exit::{Exit, Failure},
    output::{Output, Style, inert, shell_word},
    start_link::{self, Told},
};
use crate::{
    app::{self, AppError, Started},
    config::{Config, Flags, LogFormat, Origin, WORKSPACE_FILE},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folders to serve: one with a `workspace.toml` is a workspace, of any other each folder in it
    roots: Vec<PathBuf>,
    /// Address and port; also `COUNTERSIGN_LISTEN`
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// How people reach the pages; also `COUNTERSIGN_PUBLIC_URL`
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// `text` or `json`; the level comes from `RUST_LOG`
    #[arg(long, value_name = "FORMAT")]
    log: Option<String>,
    /// Listen in the clear where others can read along; for a closed test network
    #[arg(long)]
    insecure_public: bool,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let config = config(args, context)?;
    start_log(config.observe.log.value, context.out.colours_log());
    let data_dir = &config.server.data_dir;
    let is_named = matches!(data_dir.origin, Origin::Flag(_));
    let data_dir = data_dir.value.clone();
    serve(config, context, move |started, out| {
        let told = start_link::told(&started.start_link, &data_dir);
        if out.json {
            out.object("serve", object(started, &told));
        } else {
            lines(started, &told, out, is_named.then_some(&*data_dir));
        }
    })
}

fn config(args: &Args, context: &Context) -> Result<Config, Failure> {
    let mut roots: Vec<_> = args.roots.iter().map(|root| context.at(root)).collect();
    if roots.is_empty() && context.folder.join(WORKSPACE_FILE).is_file() {
        roots.push(context.folder.clone());
    }
    let flags = Flags {
        listen: args.listen.clone(),
        public_url: args.public_url.clone(),
        log: args.log.clone(),
        insecure_public: args.insecure_public,
        roots,
        ..context.flags()
    };
    let config = Config::load(&flags, &context.environment)?;
    config.require_roots().map_err(|error| {
        let mut failure = Failure::new(Exit::Usage, error.message);
        failure.hint = error.hint;
        failure
    })?;
    Ok(config)
}

/// Runs the daemon until it is asked to stop; tells `started` once it can be reached.
pub(super) fn serve(
    config: Config,
    context: &mut Context,
    started: impl FnOnce(&Started, &mut Output),
) -> Result<Exit, Failure> {
    let failed = |what: &str, error: std::io::Error| {
        Failure::new(Exit::Failed, format!("cannot {what}: {error}"))
    };
    app::hold_little();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| failed("start", error))?;
    let shutdown = CancellationToken::new();
    let clock = std::sync::Arc::clone(&context.clock);
    let out = &mut context.out;
    runtime
        .block_on(async {
            stop_on_signals(&shutdown).map_err(AppError::Signal)?;
            app::run(config, clock, shutdown, |begun| started(begun, out)).await
        })
        .map_err(|error| failure(&error))?;
    Ok(Exit::Done)
}

/// Why the daemon did not start or had to end, and what to do about it.
pub(super) fn failure(error: &AppError) -> Failure {
    let mut failure = Failure::new(Exit::Failed, error.to_string());
    failure.hint = error.hint();
    failure
}

/// The first signal lets what runs come to its end; the second ends the process, and what was
/// accepted is found again at the next start.
fn stop_on_signals(shutdown: &CancellationToken) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        for exit_code in [None, Some(130)] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            match exit_code {
                None => shutdown.cancel(),
                Some(code) => std::process::exit(code),
            }
        }
    });
    Ok(())
}

pub(super) fn start_log(format: LogFormat, is_coloured: bool) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,countersign=info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(is_coloured)
        .with_writer(std::io::stderr);
    // A second subscriber in one process, as in tests, changes nothing.
    let _ = match format {
        LogFormat::Text => log.with_target(false).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}

pub(super) fn object(started: &Started, told: &Told) -> serde_json::Value {
    let workspaces: Vec<_> = started
        .workspaces
        .iter()
        .map(|(name, path)| json!({ "name": name, "path": path.display().to_string() }))
        .collect();
    let refused: Vec<_> = started
        .refused
        .iter()
        .map(|(path, why)| json!({ "path": path.display().to_string(), "why": why }))
        .collect();
    let (link, file) = match told {
        Told::Link(link) => (Some(link), None),
        Told::File(path) => (None, Some(path.display().to_string())),
        Told::Nothing => (None, None),
    };
    json!({
        "url": started.url,
        "start_link": link,
        "start_link_file": file,
        "workspaces": workspaces,
        "refused": refused,
    })
}

/// Says what is served and where. Commands find the daemon by its data folder: `named` is one that only this process
/// was told of.
pub(super) fn lines(started: &Started, told: &Told, out: &mut Output, named: Option<&Path>) {
    let ready = out.paint(Style::Good, "ready");
    for (name, path) in &started.workspaces {
        let path = inert(&path.display().to_string());
        out.line(&format!("{ready}  workspace  {}  {path}", inert(name)));
    }
    let web = match told {
        Told::Link(link) => link,
        Told::File(_) | Told::Nothing => &started.url,
    };
    out.line(&format!("{ready}  web        {web}"));
    for (path, why) in &started.refused {
        let path = inert(&path.display().to_string());
        out.remark(&format!("not served  {path}  {}", inert(why)));
    }
    let open = named.map_or_else(String::new, |dir| {
        format!(" --data-dir {}", shell_word(dir))
    });
    out.hint(&match told {
        Told::Link(_) => format!(
            "the address signs you in and works once; `countersign open{open}` makes a new one"
        ),
        Told::File(path) => format!(
            "others may read this output, so the link that signs you in is in {}; `countersign open{open}` makes a new one",
            inert(&path.display().to_string())
        ),
        Told::Nothing => format!("`countersign open{open}` makes a link that signs you in"),
    });
}
