//! `countersign demo`: real work to review, within a minute.

use std::{net::TcpListener, path::PathBuf};

use serde_json::json;

use super::{
    Context,
    exit::{Exit, Failure},
    open,
    output::{inert, shell_word},
    serve, start_link,
};
use crate::{
    app::Demo,
    config::{Config, Environment, Flags},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of the demonstration; everything it writes is in there [default: ~/countersign-demo]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Address and port; the usual one, or any free one when that is taken
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Print the address and open no browser
    #[arg(long)]
    no_open: bool,
    /// Remove what the demonstration made and end; anything else in its folder is kept
    #[arg(long)]
    clean: bool,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let folder = folder(args, context)?;
    if args.clean {
        let kept = Demo::clean(&folder).map_err(|error| serve::failure(&error))?;
        let shown = inert(&folder.display().to_string());
        if kept.is_empty() {
            context.out.line(&format!("removed  {shown}"));
        } else {
            context
                .out
                .line(&format!("removed  the demonstration in {shown}"));
            for path in &kept {
                let path = inert(&folder.join(path).display().to_string());
                context.out.line(&format!("kept     {path}"));
            }
            context
                .out
                .hint("what is kept was not made by the demonstration");
        }
        return Ok(Exit::Done);
    }
    let demo = Demo::prepare(&folder).map_err(|error| serve::failure(&error))?;
    let listen = args.listen.clone().unwrap_or_else(free_address);
    let flags = Flags {
        listen: Some(listen),
        data_dir: Some(demo.state.clone()),
        roots: vec![demo.workspaces.clone()],
        ..Flags::default()
    };
    // The demonstration is the same for everybody: no file, no variables but those that find the home folder.
    let environment = Environment(
        ["HOME", "USER"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), context.environment.get(name)?.to_owned())))
            .collect(),
    );
    let config = Config::load(&flags, &environment)?;
    serve::start_log(config.observe.log.value, context.out.colours_log());
    let named = args.dir.as_ref().map(|_| folder.clone());
    let browser = !args.no_open && open::has_screen(&context.environment);
    let environment = context.environment.clone();
    serve::serve(config, context, |started, out| {
        let told = start_link::told(&started.start_link, &demo.state);
        if out.json {
            out.object("demo", json!({ "folder": demo.workspace.display().to_string(), "serve": serve::object(started, &told) }));
        } else {
            serve::lines(started, &told, out, Some(&demo.state));
            out.line("");
            out.line(&format!(
                "Everything is in {}; nothing else is touched and nothing leaves this machine.",
                folder.display()
            ));
            let dir = match &named {
                Some(dir) => format!(" --dir {}", shell_word(dir)),
                None => String::new(),
            };
            out.line(&format!(
                "Ctrl-C stops it; `countersign demo --clean{dir}` removes it."
            ));
            out.line(&format!(
                "`export COUNTERSIGN_DATA_DIR={}` lets commands in another terminal find it.",
                shell_word(&demo.state)
            ));
            out.line("");
        }
        if browser {
            let (link, state) = (started.start_link.clone(), demo.state.clone());
            tokio::task::spawn_blocking(move || {
                if let Err(error) = open::show(&link, &state) {
                    tracing::warn!(%error, "no browser could be started; open the address above");
                }
            });
        }
        tokio::spawn(agent(demo, environment, out.json));
    })
}

/// Shows what the agent says.
async fn agent(demo: Demo, environment: Environment, quiet: bool) {
    let say = move |line: String| {
        if !quiet {
            super::output::Output::of_process(&environment).line(&super::output::inert(&line));
        }
    };
    if let Err(error) = demo.agent(say).await {
        tracing::warn!(%error, "the scripted agent could not run");
    }
}

fn folder(args: &Args, context: &Context) -> Result<PathBuf, Failure> {
    if let Some(dir) = &args.dir {
        return Ok(context.at(dir));
    }
    let home = context.environment.get("HOME").ok_or_else(|| {
        Failure::new(
            Exit::Failed,
            "there is no home folder for the demonstration",
        )
        .hint("name a folder with `--dir`")
    })?;
    Ok(PathBuf::from(home).join("countersign-demo"))
}

/// The usual address, unless another daemon has it.
fn free_address() -> String {
    let usual = "127.0.0.1:7420";
    let free = TcpListener::bind(usual).is_ok();
    if free { usual } else { "127.0.0.1:0" }.to_owned()
}
