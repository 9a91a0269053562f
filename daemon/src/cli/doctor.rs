//! `countersign doctor`: whether this machine can do what is promised. Each line has one fix.

mod checks;
mod events;

use std::path::{Path, PathBuf};

use countersign_web::desk::{Health, boundaries::Holds};
use serde_json::json;

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    output::{Cell, Style, Table},
    unanswerable::unanswerable,
};
use crate::{
    config::{Config, Flags},
    provenance::Observer,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folders that would be served; else those of the configuration
    roots: Vec<PathBuf>,
}

/// How one check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Ok,
    Warn,
    Fail,
}

/// One line.
#[derive(Clone, Debug)]
struct Finding {
    mark: Mark,
    what: String,
    found: String,
    /// Absent when all is well.
    fix: Option<String>,
}

impl Finding {
    fn ok(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            mark: Mark::Ok,
            what: what.into(),
            found: found.into(),
            fix: None,
        }
    }

    fn bad(
        mark: Mark,
        what: impl Into<String>,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            mark,
            what: what.into(),
            found: found.into(),
            fix: Some(fix.into()),
        }
    }
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let flags = Flags {
        roots: args.roots.iter().map(|root| context.at(root)).collect(),
        ..context.flags()
    };
    let config = crate::config::Config::load(&flags, &context.environment)?;
    let mut findings = vec![Finding::ok(
        "configuration",
        config
            .file
            .as_ref()
            .map_or_else(|| "defaults".to_owned(), |file| file.display().to_string()),
    )];
    let health = Client::find(context).and_then(|client| client.get::<Health>("/api/v1/health"));
    findings.push(daemon(&health));
    findings.extend(checks::data_dir(&config.server.data_dir));
    findings.push(checks::descriptors(config.limits.connections.value));
    findings.push(checks::watches());
    findings.push(checks::reader());
    findings.push(checks::pages());
    findings.push(checks::sessions(&config.server));
    let mut folders: Vec<(String, PathBuf)> = Vec::new();
    let found = config.discover();
    for workspace in found.workspaces {
        folders.push((workspace.name.to_string(), workspace.path.value));
    }
    for (path, errors) in found.refused {
        let fix = errors.0.first().and_then(|error| error.hint.clone());
        let what = format!("workspace {}", path.display());
        findings.push(Finding::bad(
            Mark::Fail,
            what,
            errors.to_string(),
            fix.unwrap_or_else(|| "see `countersign config check`".to_owned()),
        ));
    }
    let mut served = folders.clone();
    if let Ok(health) = &health {
        for row in &health.workspaces {
            if !served.iter().any(|(name, _)| *name == row.name) {
                served.push((row.name.clone(), PathBuf::from(&row.path)));
            }
            folders.retain(|(name, _)| *name != row.name);
            findings.push(checks::served(row));
            findings.extend(checks::workspace(&row.name, row.path.as_ref()));
        }
    }
    for (name, path) in folders {
        findings.extend(checks::workspace(&name, &path));
        findings.push(events::delivery(&name, &path, context.clock.as_ref()));
    }
    let names: Vec<&str> = served.iter().map(|(name, _)| name.as_str()).collect();
    let accounts = Client::find(context).and_then(|client| client.get("/api/v1/people"));
    let now = context.clock.now();
    for one in unanswerable(&config, &names, accounts.ok().as_ref(), now) {
        findings.push(Finding::bad(Mark::Warn, "people", one.text, one.fix));
    }
    let served = served
        .iter()
        .map(|(name, path)| (name.as_str(), path.as_path()));
    for doubt in super::config::doubts(&config, served.clone()) {
        let fix = "mend that line; the others count as they are";
        findings.push(Finding::bad(Mark::Warn, "owners", doubt, fix));
    }
    findings.extend(boundaries(&config, &health));
    findings.extend(provenance(&config, served));
    print(&findings, context);
    let failed = findings.iter().any(|finding| finding.mark == Mark::Fail);
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

/// Whether the kernel would tell who writes the files of each workspace, tried here, with our rights.
fn provenance<'a>(
    config: &Config,
    served: impl Iterator<Item = (&'a str, &'a Path)>,
) -> Vec<Finding> {
    if !config.observe.writers.value {
        let found = "what agents claim; `observe.writers` is off";
        return vec![Finding::ok("who writes files", found)];
    }
    let tried = served.map(|(name, path)| {
        let what = format!("{name}: who writes files");
        match Observer::trial(path) {
            Ok(()) => Finding::ok(what, "heard from the kernel"),
            Err(error) => Finding::bad(
                Mark::Warn,
                what,
                format!("what agents claim: {error}"),
                "run the daemon with CAP_SYS_ADMIN, on Linux 5.15 or newer, with the workspace on ext4, XFS, Btrfs or tmpfs",
            ),
        }
    });
    tried.collect()
}

/// What holds agents back in each workspace, tried here, with our rights.
fn boundaries(config: &Config, health: &Result<Health, Failure>) -> Vec<Finding> {
    let found = config.discover().workspaces;
    let mut served: Vec<(String, PathBuf)> = found
        .into_iter()
        .map(|one| (one.name.value.to_string(), one.path.value))
        .collect();
    for row in health.iter().flat_map(|health| &health.workspaces) {
        let path = PathBuf::from(&row.path);
        if !served.iter().any(|(_, known)| *known == path) {
            served.push((row.name.clone(), path));
        }
    }
    let tried = crate::app::try_all(config, &served);
    let rows = tried
        .iter()
        .flat_map(|one| one.rows.iter().map(move |row| (one, row)));
    let mechanisms = tried
        .iter()
        .flat_map(|one| one.mechanisms.iter().map(move |row| (one, row)));
    let mechanisms = mechanisms.map(|(one, row)| {
        let what = format!("{}: {}", one.workspace, row.name);
        Finding::ok(what, format!("{}: {}", row.holds.words(), row.detail))
    });
    let rooms = rows.map(|(one, row)| {
        let what = format!("{} {}", one.workspace, row.room);
        let held = format!(
            "{}: {} in the shared folder, {} with `run`",
            row.promise,
            row.shared.words(),
            row.run.words()
        );
        let is_good = |holds| matches!(holds, Holds::Kernel | Holds::Modes);
        match (is_good(row.shared), is_good(row.run)) {
            (true, _) => Finding::ok(what, held),
            (false, true) => Finding::bad(
                Mark::Warn,
                what,
                format!("{held} ({})", row.detail),
                "start agents with `countersign run`, give each its own `user`, and set `protect = true`",
            ),
            (false, false) => Finding::bad(
                Mark::Warn,
                what,
                format!("{held} ({})", row.detail),
                "see docs/boundaries.md for what this machine can enforce",
            ),
        }
    });
    rooms.chain(mechanisms).collect()
}

fn daemon(health: &Result<Health, Failure>) -> Finding {
    match health {
        Ok(health) if health.ready && health.troubles.is_empty() => {
            Finding::ok("daemon", format!("running, version {}", health.version))
        }
        Ok(health) if health.troubles.is_empty() => Finding::bad(
            Mark::Warn,
            "daemon",
            "still looking at the workspaces",
            "wait a moment and run this again",
        ),
        Ok(health) => Finding::bad(
            Mark::Fail,
            "daemon",
            health.troubles.join("; "),
            "the log of the daemon says more",
        ),
        Err(failure) if failure.exit == Exit::Unreachable => Finding::bad(
            Mark::Warn,
            "daemon",
            "not running",
            "start it with `countersign serve DIR`",
        ),
        Err(failure) => Finding::bad(
            Mark::Fail,
            "daemon",
            failure.message.clone(),
            failure
                .hint
                .clone()
                .unwrap_or_else(|| "the log of the daemon says more".to_owned()),
        ),
    }
}

fn print(findings: &[Finding], context: &mut Context) {
    let word = |mark: Mark| match mark {
        Mark::Ok => "ok",
        Mark::Warn => "warn",
        Mark::Fail => "fail",
    };
    if context.out.json {
        let checks: Vec<_> = findings
            .iter()
            .map(|f| {
                json!({ "result": word(f.mark), "check": f.what, "found": f.found, "fix": f.fix })
            })
            .collect();
        context.out.object("doctor", json!({ "checks": checks }));
        return;
    }
    let mut table = Table::new(&["", "", "", ""]);
    for finding in findings {
        let style = match finding.mark {
            Mark::Ok => Style::Good,
            Mark::Warn => Style::Warning,
            Mark::Fail => Style::Error,
        };
        table.row(vec![
            Cell::new(word(finding.mark)).style(style),
            Cell::new(&finding.what),
            Cell::new(&finding.found),
            Cell::new(finding.fix.as_deref().unwrap_or_default()),
        ]);
    }
    context.out.table(&table);
}
