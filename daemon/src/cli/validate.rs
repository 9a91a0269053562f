//! `countersign validate`: the rules of the daemon, without a daemon.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use countersign_protocol::{
    Digest,
    contract::{self, Checked, Rules},
    dialect::{self, Document},
    handoff::{Artifact, Profile},
    names::{self, DocumentKind},
    problem::{ProblemKind, Refusal, Violation},
    receipt::ErrorsDocument,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{
    Context,
    exit::{Exit, Failure},
    folder::{self, Folder, Source},
    output::{Drawing, Style},
};
use crate::{
    contracts::Contracts,
    fs::Dir,
    intake::{Problem, merge, open_artifact, place},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The document or its folder; else the current folder
    path: Option<PathBuf>,
    /// The least strict profile; else the one of the workspace
    #[arg(long, value_name = "PROFILE")]
    profile: Option<ProfileName>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ProfileName {
    Minimal,
    Contract,
    Regulated,
}

/// A handoff that keeps the rules, with its files.
#[derive(Debug)]
pub(super) struct Valid {
    pub(super) source: Source,
    pub(super) checked: Checked,
    /// The contract of the workspace that it keeps, `name@version`.
    contract: Option<String>,
    files: Vec<(String, u64, Digest)>,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let path = args.path.as_deref().unwrap_or(Path::new(""));
    let folder = Folder::open(&context.at(path))?;
    if names::is_document(&folder.document) == Some(DocumentKind::Checkpoint) {
        return checkpoint(&folder, context);
    }
    let mut around = Around::of(&folder, context)?;
    around.least = match args.profile {
        Some(ProfileName::Minimal) => Profile::Minimal,
        Some(ProfileName::Contract) => Profile::Contract,
        Some(ProfileName::Regulated) => Profile::Regulated,
        None => around.least,
    };
    let valid = check(&folder, &around, context)?;
    let handoff = &valid.checked.handoff;
    warn(&valid.checked.warnings, &folder, &valid.source, context);
    if context.out.json {
        let files: Vec<_> = valid
            .files
            .iter()
            .map(|(path, size, sha256)| json!({ "path": path, "size": size, "sha256": sha256 }))
            .collect();
        let object = json!({
            "valid": true,
            "file": folder.document,
            "handoff_sha256": Digest::of(&valid.source.bytes),
            "contract_version": handoff.version,
            "profile": handoff.profile.name(),
            "contract": valid.contract,
            "files": files,
            "warnings": valid.checked.warnings,
        });
        context.out.object("validate", object);
    } else {
        let good = context.out.paint(Style::Good, "valid");
        context.out.line(&format!(
            "{good}  {}  contract {}, profile {}{}, {}, {}",
            folder.document,
            handoff.version,
            handoff.profile.name(),
            valid
                .contract
                .as_ref()
                .map_or_else(String::new, |keeps| format!(", keeps {keeps}")),
            count(valid.files.len(), "file"),
            count(valid.checked.warnings.len(), "warning"),
        ));
    }
    Ok(Exit::Done)
}

fn checkpoint(folder: &Folder, context: &mut Context) -> Result<Exit, Failure> {
    let source = read(folder)?;
    let checked = dialect::read(&source.bytes, source.format)
        .and_then(|document| contract::check_checkpoint(&document));
    let (_, warnings) = checked.map_err(|refusal| failure(&refusal, folder, &source, context))?;
    warn(&warnings, folder, &source, context);
    if context.out.json {
        let object = json!({ "valid": true, "file": folder.document, "warnings": warnings });
        context.out.object("validate", object);
    } else {
        let good = context.out.paint(Style::Good, "valid");
        context
            .out
            .line(&format!("{good}  {}  checkpoint", folder.document));
    }
    Ok(Exit::Done)
}

/// `1 file`, `2 files`.
pub(super) fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// Checks the document of `folder` and the files that it names.
pub(super) fn check(folder: &Folder, around: &Around, context: &Context) -> Result<Valid, Failure> {
    let source = read(folder)?;
    let rules = Rules {
        least: around.least,
    };
    let agent = around.agent.as_deref();
    let read = around
        .contracts
        .read(&source.bytes, source.format, rules, agent);
    let result = read.and_then(|read| {
        let files = files(
            &folder.path,
            &read.checked.handoff.artifacts,
            &read.document,
        )?;
        Ok((read, files))
    });
    match result {
        Ok((read, files)) => Ok(Valid {
            source,
            checked: read.checked,
            contract: read.contract,
            files,
        }),
        Err(refusal) => Err(failure(&refusal, folder, &source, context)),
    }
}

fn read(folder: &Folder) -> Result<Source, Failure> {
    folder.source()?.ok_or_else(|| {
        Failure::new(
            Exit::NotFound,
            format!("there is no handoff in `{}`", folder.path.display()),
        )
        .hint("write `handoff.json`; `countersign schema handoff` prints what may stand in it")
    })
}

fn failure(refusal: &Refusal, folder: &Folder, source: &Source, context: &Context) -> Failure {
    let digest = Some(Digest::of(&source.bytes));
    let now = context.clock.now();
    let errors = ErrorsDocument::new(refusal, &folder.document, digest, now);
    let text = String::from_utf8_lossy(&source.bytes);
    let mut failure = folder::refused(&errors, &text);
    failure.message = format!("`{}` does not match the contract", folder.document);
    failure.hint = Some("fix these and check again. Nothing was sent to reviewers".to_owned());
    failure
}

/// Shows what was accepted all the same, on stderr.
pub(super) fn warn(
    warnings: &[Violation],
    folder: &Folder,
    source: &Source,
    context: &mut Context,
) {
    if context.out.json {
        return;
    }
    let text = String::from_utf8_lossy(&source.bytes);
    for warning in warnings {
        let drawing = Drawing::of_violation(warning, &folder.document, &text).warning();
        context.out.drawing(&drawing);
    }
}

/// What the workspace around a folder asks for; the least where there is none.
#[derive(Debug, Default)]
pub(super) struct Around {
    least: Profile,
    contracts: Contracts,
    /// The agent in whose folder it lies.
    agent: Option<String>,
}

impl Around {
    /// What holds for `folder`. Fails where a daemon would not serve the workspace.
    pub(super) fn of(folder: &Folder, context: &Context) -> Result<Self, Failure> {
        let path = &folder.path;
        let Ok(config) = context.config() else {
            return Ok(Self::default());
        };
        let mut listed = config.discover().workspaces.into_iter();
        let served = listed.find(|workspace| path.starts_with(&workspace.path.value));
        let marked = || config.workspace(workspace_folder(path)?).ok();
        let Some(workspace) = served.or_else(marked) else {
            return Ok(Self::default());
        };
        let contracts = Contracts::of(&workspace).map_err(|why| {
            Failure::new(Exit::Failed, why).hint("`countersign config check` says what is wrong")
        })?;
        let inner = path.strip_prefix(&workspace.path.value).ok();
        let inner = inner.and_then(|inner| inner.to_str());
        Ok(Self {
            least: workspace.profile.value,
            contracts,
            agent: inner.and_then(names::agent_of).map(str::to_owned),
        })
    }
}

/// The nearest folder above that is marked as a workspace.
pub(super) fn workspace_folder(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|above| {
        above.join(names::WORKSPACE_FILE).is_file() || above.join(names::OWN_FOLDER).is_dir()
    })
}

/// The named files with size and digest, or everything that is wrong with them: by the rules, words and
/// codes of the intake.
fn files(
    folder: &Path,
    artifacts: &[Artifact],
    document: &Document,
) -> Result<Vec<(String, u64, Digest)>, Refusal> {
    let mut found = Vec::new();
    let mut refused = Vec::new();
    for (at, artifact) in artifacts.iter().enumerate() {
        let measured = measure(folder, &artifact.path)
            .map_err(|refusal| refusal.at(format!("/artifacts/{at}")))
            .and_then(|(size, sha256)| {
                artifact.check(at, size, sha256)?;
                Ok((artifact.path.clone(), size, sha256))
            });
        match measured {
            Ok(measured) => found.push(measured),
            Err(refusal) => refused.push(refusal),
        }
    }
    match merge(refused) {
        None => Ok(found),
        Some(refusal) => Err(place(refusal, document)),
    }
}

fn measure(folder: &Path, path: &str) -> Result<(u64, Digest), Refusal> {
    let failed = |error: &dyn std::fmt::Display| {
        Refusal::new(
            ProblemKind::Unreadable,
            "unreadable",
            format!("`{path}` cannot be read: {error}"),
            "try again; nothing is wrong with the handoff itself",
        )
    };
    let dir = Dir::open(folder).map_err(|error| failed(&error))?;
    let opened = open_artifact(&dir, path).map_err(|problem| match problem {
        Problem::Refused(refusal) => refusal,
        Problem::Busy(why) | Problem::Ours(why) => failed(&why),
        Problem::Large(_) => failed(&"it is too large"),
    })?;
    let mut file = opened.file;
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let read = file.read(&mut buffer).map_err(|error| failed(&error))?;
        if read == 0 {
            return Ok((size, Digest(hash.finalize().into())));
        }
        hash.update(&buffer[..read]);
        size += read as u64;
    }
}
