//! `countersign open`: signs the browser of this machine in.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
};
use crate::{
    config::Environment,
    fs::{self, Dir},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print the address and open nothing
    #[arg(long)]
    print: bool,
}

/// Name of the page that leads on; only its owner can read it.
const PAGE: &str = "open.html";

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let answer: Value = client.post("/api/v1/start-links", &json!({}))?.json()?;
    let url = answer["url"].as_str().ok_or_else(|| {
        Failure::new(Exit::Failed, "the daemon gave no address")
            .hint("compare `countersign version` with the version of the daemon")
    })?;
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
