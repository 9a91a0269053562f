//! `countersign verify`: whether files are what was approved.

use std::path::{Path, PathBuf};

use countersign_protocol::{
    HandoffId, names,
    release::{Difference, DifferenceKind},
    terms::Lapsed,
};
use serde_json::{Value, json};

use super::{
    Context,
    approval::{self, Approval, Place, Voucher},
    exit::{Exit, Failure},
    output::{Cell, Style, Table, inert},
};
use crate::{
    fs::{Dir, FileKind},
    release::{Expected, Strictness, compare, compare_file},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
An approval can end, or be good for one use. What it covered is then no longer approved, although no
byte changed; of all releases of a workspace that is told, and is no failure.

Exit codes: 0 every file is as approved, 3 something is not, or no longer, 5 nothing was released there.

Examples:
  countersign verify approved/H-7                a whole release
  countersign verify approved/H-7/report.md      one file of it
  countersign verify approved                    all releases of a workspace
  countersign verify /srv/www --handoff H-7      a copy elsewhere")]
pub(crate) struct Args {
    /// A file or folder in `approved/`, `approved/` itself, or a copy of a release
    path: PathBuf,
    /// What a copy elsewhere should be, such as `H-7`
    #[arg(long, value_name = "HANDOFF")]
    handoff: Option<HandoffId>,
    /// Fail where only the record in the workspace says what was approved
    #[arg(long)]
    require_ledger: bool,
}

/// One release, looked at.
struct Verdict {
    path: PathBuf,
    approval: Approval,
    files: usize,
    differences: Vec<Difference>,
    lapsed: Option<Lapsed>,
}

impl Verdict {
    fn new(
        path: &Path,
        approval: Approval,
        files: usize,
        differences: Vec<Difference>,
        context: &Context,
    ) -> Self {
        Self {
            path: path.to_owned(),
            lapsed: approval.lapsed(context.clock.now()),
            approval,
            files,
            differences,
        }
    }
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let verdicts = match (args.handoff, Place::of(&args.path, context)?) {
        (Some(id), _) => vec![copy(id, &args.path, context)?],
        (None, Some(place)) => vec![release(&place, &args.path, context)?],
        (None, None) => return all(args, context),
    };
    let ended = verdicts.iter().find_map(|one| {
        let why = one.lapsed.as_ref()?;
        let id = one.approval.record.handoff_id;
        Some(format!("{id} is no longer approved: {why}"))
    });
    let exit = finish(args, verdicts, Vec::new(), context)?;
    match ended.filter(|_| exit == Exit::Done) {
        Some(_) if context.out.json => Ok(Exit::Contract),
        Some(text) => Err(Failure::new(Exit::Contract, inert(&text))),
        None => Ok(exit),
    }
}

/// Looks at one release, or at a part of it.
fn release(place: &Place, shown: &Path, context: &Context) -> Result<Verdict, Failure> {
    let approval = approval::find(place.handoff, Some(&place.workspace), context)?;
    let root = Dir::open(&place.workspace)?;
    let expected = Expected::of(&approval.record);
    let strictness = Strictness {
        owner: root
            .attributes(Path::new(names::APPROVED))?
            .map(|found| found.uid),
        modes: true,
    };
    let (files, differences) = match root.folder(&place.release()) {
        Ok(folder) => {
            if let Some(wanted) = expected.files.get(&place.below) {
                (1, compare_file(&folder, &place.below, wanted, strictness)?)
            } else {
                let is_all = place.below.as_os_str().is_empty();
                if !is_all && !expected.folders.contains(&place.below) {
                    let missing = format!("`{}` was not released", place.below.display());
                    return Err(Failure::new(Exit::Contract, missing)
                        .hint(format!("{} lists what was", approval.record.record_name())));
                }
                let checked = compare(&folder, &expected, strictness, &|_, _| false);
                let below =
                    |one: &Difference| is_all || Path::new(&one.path).starts_with(&place.below);
                let found = checked.differences.into_iter().filter(below).collect();
                (expected.below(&place.below).files.len(), found)
            }
        }
        Err(error) if error.is_not_found() => (0, vec![nothing(DifferenceKind::Missing)]),
        // A link in the place of the folder.
        Err(_) => (0, vec![nothing(DifferenceKind::Replaced)]),
    };
    Ok(Verdict::new(shown, approval, files, differences, context))
}

fn nothing(kind: DifferenceKind) -> Difference {
    Difference {
        path: ".".to_owned(),
        kind,
        detail: String::new(),
        sha256: None,
    }
}

/// Looks at a copy of a release, or of one file of it by its name.
fn copy(id: HandoffId, path: &Path, context: &Context) -> Result<Verdict, Failure> {
    let approval = approval::find(id, None, context)?;
    let at = context.at(path);
    let expected = Expected::of(&approval.record);
    let strictness = Strictness {
        owner: None,
        modes: false,
    };
    let parent = at.parent().unwrap_or(Path::new("/"));
    let parent = Dir::open(&parent.canonicalize().unwrap_or(parent.to_owned()))?;
    let name = Path::new(at.file_name().unwrap_or_default());
    let is_folder = at.file_name().is_none() || parent.kind(name)? == Some(FileKind::Folder);
    if is_folder {
        let checked = compare(&Dir::open(&at)?, &expected, strictness, &|_, _| false);
        let (files, found) = (expected.files.len(), checked.differences);
        return Ok(Verdict::new(path, approval, files, found, context));
    }
    let named: Vec<_> = expected
        .files
        .iter()
        .filter(|(file, _)| file.file_name() == Some(name.as_os_str()))
        .collect();
    let [(_, wanted)] = named[..] else {
        let text = format!(
            "{} files of {id} are called `{}`",
            named.len(),
            name.display()
        );
        return Err(Failure::new(Exit::NotFound, text).hint(
            "give the file the name that it has in the release, or verify the whole folder",
        ));
    };
    let found = compare_file(&parent, name, wanted, strictness)?;
    Ok(Verdict::new(path, approval, 1, found, context))
}

/// Looks at every release of a workspace.
fn all(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let given = context.at(&args.path);
    let workspace = if given
        .file_name()
        .is_some_and(|name| name == names::APPROVED)
    {
        given.parent().unwrap_or(&given).to_owned()
    } else {
        given
    };
    let here = |error: crate::fs::Error| {
        Failure::from(error).hint(format!(
            "`{}` is neither in `{}/` nor a workspace; for a copy elsewhere add `--handoff H-7`",
            args.path.display(),
            names::APPROVED
        ))
    };
    let workspace = workspace.canonicalize().unwrap_or(workspace);
    let root = Dir::open(&workspace).map_err(here)?;
    let mut ids = Vec::new();
    let mut strays = Vec::new();
    let approved = root.folder(Path::new(names::APPROVED)).map_err(here)?;
    for one in approved.list()? {
        let name = one.path.to_string_lossy().into_owned();
        match name.parse::<HandoffId>() {
            Ok(id) if id.to_string() == name => ids.push(id),
            _ => strays.push(Difference {
                path: name,
                kind: DifferenceKind::Extra,
                detail: String::new(),
                sha256: None,
            }),
        }
    }
    ids.sort_unstable();
    let mut verdicts = Vec::new();
    for handoff in ids {
        let place = Place {
            workspace: workspace.clone(),
            handoff,
            below: PathBuf::new(),
        };
        match release(&place, &place.release(), context) {
            Ok(verdict) => verdicts.push(verdict),
            Err(failure) if matches!(failure.exit, Exit::NotFound | Exit::Contract) => {
                strays.push(Difference {
                    path: handoff.to_string(),
                    kind: DifferenceKind::Extra,
                    detail: failure.message,
                    sha256: None,
                });
            }
            Err(failure) => return Err(failure),
        }
    }
    finish(args, verdicts, strays, context)
}

fn finish(
    args: &Args,
    verdicts: Vec<Verdict>,
    strays: Vec<Difference>,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let by_record = verdicts
        .iter()
        .any(|one| one.approval.voucher == Voucher::Record);
    let good = strays.is_empty() && verdicts.iter().all(|one| one.differences.is_empty());
    let trusted = !(args.require_ledger && by_record);
    if context.out.json {
        let releases: Vec<Value> = verdicts.iter().map(object).collect();
        let document = json!({ "ok": good && trusted, "releases": releases, "strays": strays });
        context.out.object("verify", document);
    } else {
        for verdict in &verdicts {
            print(verdict, context);
        }
        if !strays.is_empty() {
            context.out.table(&table(&strays));
        }
    }
    let unchecked = verdicts.iter().flat_map(|one| &one.approval.unchecked);
    let unchecked: std::collections::BTreeSet<&String> = unchecked.collect();
    for sentence in unchecked {
        context
            .out
            .remark(&inert(&format!("not checked: {sentence}.")));
    }
    let failed = |exit, text: &str| {
        if context.out.json {
            Ok(exit)
        } else {
            Err(Failure::new(exit, text))
        }
    };
    if !good {
        return failed(Exit::Contract, "not everything is what was approved");
    }
    if !trusted {
        return failed(
            Exit::Unreachable,
            "only the record in the workspace says what was approved",
        );
    }
    Ok(Exit::Done)
}

fn object(verdict: &Verdict) -> Value {
    let Verdict {
        path,
        approval,
        files,
        differences,
        lapsed,
    } = verdict;
    json!({
        "path": path.display().to_string(),
        "ok": differences.is_empty(),
        "handoff_id": approval.record.handoff_id,
        "revision": approval.record.revision,
        "manifest_sha256": approval.record.manifest_sha256,
        "approved_by": approval.decision.decided_by,
        "approved_at": approval.record.approved_at,
        "terms": approval.decision.terms,
        "lapsed": lapsed.as_ref().map(ToString::to_string),
        "entry": approval.decision.log,
        "vouched_by": approval.voucher.word(),
        "not_checked": approval.unchecked,
        "files": files,
        "differences": differences,
    })
}

fn print(verdict: &Verdict, context: &mut Context) {
    let record = &verdict.approval.record;
    let decision = &verdict.approval.decision;
    let word = if !verdict.differences.is_empty() {
        context.out.paint(Style::Error, "not as approved")
    } else if verdict.lapsed.is_some() {
        context.out.paint(Style::Error, "no longer approved")
    } else {
        context.out.paint(Style::Good, "as approved")
    };
    let files = match verdict.files {
        1 => "1 file".to_owned(),
        files => format!("{files} files"),
    };
    let text = format!(
        "{}  {files} of {} revision {}, approved by {} at {:.0} [e{}]",
        verdict.path.display(),
        record.handoff_id,
        record.revision,
        decision.decided_by.display,
        record.approved_at,
        decision.log.index,
    );
    context.out.line(&format!("{word}  {}", inert(&text)));
    if let Some(why) = &verdict.lapsed {
        context.out.line(&inert(&format!("  {why}")));
    }
    if !verdict.differences.is_empty() {
        context.out.table(&table(&verdict.differences));
    }
}

fn table(differences: &[Difference]) -> Table {
    let mut table = Table::new(&["file", "", ""]);
    for one in differences {
        table.row(vec![
            Cell::new(&one.path),
            Cell::new(one.kind.word()).style(Style::Error),
            Cell::new(&one.detail),
        ]);
    }
    table
}
