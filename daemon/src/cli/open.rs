//! `countersign open`: signs the browser of this machine in, and shows a handoff or its folder.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use countersign_web::desk::HandoffRow;
use serde_json::{Value, json};

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    output::inert,
    target::TargetArg,
};
use crate::{
    config::Environment,
    fs::{self, Dir},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// `H-7`, `7`, the address of its page, or a folder; else the queue
    #[arg(value_name = "HANDOFF")]
    target: Option<String>,
    /// Open the folder of the handoff, where the agent works, instead of its page
    #[arg(long, requires = "target")]
    folder: bool,
    /// Print the address or path and open nothing
    #[arg(long)]
    print: bool,
}

/// Name of the page that leads on; only its owner can read it.
const PAGE: &str = "open.html";

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let row = match &args.target {
        Some(target) => {
            let target = TargetArg {
                target: Some(target.clone()),
            };
            Some(target.row(context, &client)?)
        }
        None => None,
    };
    if let Some(row) = row.as_ref().filter(|_| args.folder) {
        return folder(args, row, &client, context);
    }
    let answer: Value = client.post("/api/v1/start-links", &json!({}))?.json()?;
    let url = answer["url"].as_str().ok_or_else(|| {
        Failure::new(Exit::Failed, "the daemon gave no address")
            .hint("compare `countersign version` with the version of the daemon")
    })?;
    let url = match &row {
        Some(row) => format!("{url}&h={}", row.id),
        None => url.to_owned(),
    };
    let url = url.as_str();
    if context.out.json {
        context.out.object("open", json!({ "url": url }));
        return Ok(Exit::Done);
    }
    if args.print || !has_screen(&context.environment) {
        context.out.line(url);
        if !args.print {
            remote_hint(url, context);
        }
        return Ok(Exit::Done);
    }
    match show(url, &context.data_dir()?) {
        Ok(()) => context.out.remark("opened in your browser"),
        Err(error) => {
            context
                .out
                .remark(&format!("no browser could be started: {error}"));
            context.out.line(url);
        }
    }
    Ok(Exit::Done)
}

/// Shows the folder of a handoff where the files are: on this machine, or on a mount of it.
fn folder(
    args: &Args,
    row: &HandoffRow,
    client: &Client,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let endpoint = client.endpoint.as_ref();
    let known = endpoint.and_then(|here| {
        let mut workspaces = here.workspaces.iter();
        workspaces.find(|one| one.name == row.workspace)
    });
    let path = known.map(|one| Path::new(&one.path).join(&row.folder));
    let path = path.filter(|path| path.is_dir()).ok_or_else(|| {
        let text = format!("the folder of {} is not on this machine", row.id);
        Failure::new(Exit::NotFound, text).hint("open its page instead: leave out `--folder`")
    })?;
    let shown = path.display().to_string();
    if context.out.json {
        context.out.object("open", json!({ "path": shown }));
    } else if args.print || !has_screen(&context.environment) {
        context.out.line(&inert(&shown));
    } else if let Err(error) = start_browser(&path) {
        context
            .out
            .remark(&format!("nothing could be started: {error}"));
        context.out.line(&inert(&shown));
    }
    Ok(Exit::Done)
}

/// Whether a browser that is started here has somewhere to appear.
pub(super) fn has_screen(environment: &Environment) -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| environment.get(name).is_some())
}

/// Opens `url` in the browser of this machine.
pub(super) fn show(url: &str, data_dir: &Path) -> std::io::Result<()> {
    let page = leading_page(url, data_dir).map_err(std::io::Error::other)?;
    start_browser(&page)
}

/// Without a screen the browser is most likely elsewhere.
fn remote_hint(url: &str, context: &mut Context) {
    let port = url
        .split("://")
        .nth(1)
        .and_then(|rest| rest.split('/').next())
        .and_then(|authority| authority.rsplit_once(':'))
        .filter(|(host, _)| host.starts_with("127.") || *host == "localhost" || *host == "[::1]");
    if let Some((host, port)) = port {
        context.out.remark("");
        context.out.hint(&format!(
            "the address works once. From another machine first run `ssh -L {port}:{host}:{port} HOST`"
        ));
    }
}

/// Every user of a machine can list the arguments of processes, so the browser is given a file that
/// only its owner can read instead of the address with its secret.
fn leading_page(url: &str, data_dir: &Path) -> Result<PathBuf, fs::Error> {
    let escaped = url
        .replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;");
    let html = format!(
        "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">\
         <meta http-equiv=\"refresh\" content=\"0;url={escaped}\"><title>Countersign</title>\
         <p><a href=\"{escaped}\">Go on</a></p>\n"
    );
    let dir = Dir::create(data_dir, 0o700)?;
    dir.publish(Path::new(PAGE), html.as_bytes(), 0o600, false)?;
    Ok(data_dir.join(PAGE))
}

fn start_browser(page: &Path) -> std::io::Result<()> {
    let mut child = Command::new("xdg-open")
        .arg(page)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let status = child.wait()?;
    if status.success() {
        Ok(())
    } else {
        Err(std::io::Error::other(format!(
            "`xdg-open` ended with {status}"
        )))
    }
}
