//! `countersign gate`: runs a command on approved work that is held still, or not at all.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use countersign_protocol::{HandoffId, names, terms::Lapsed};
use countersign_web::desk::boundaries::UseWish;
use serde_json::json;

use super::{
    Context,
    approval::{self, Approval, Place, Voucher},
    client::Client,
    exit::{Exit, Failure},
    output::inert,
};
use crate::{
    fs::Dir,
    gate::{GateError, hold},
    release::{Expected, Strictness, compare, compare_file},
    supervise,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The command gets a copy that was checked while it was made and that cannot change. `{}` in its words
stands for that copy; without it, words that begin with PATH are replaced.

An approval that is good for one use is used by the gate, just before the command starts; that needs
the daemon, which counts.

Exit codes: that of the command; when it is not started: 3 not what was approved, or no longer
approved, 5 nothing was released there, 7 nobody but the record in the workspace vouches for it, or
the daemon that counts cannot be reached, 1 it cannot be held still.

Examples:
  countersign gate approved/H-7/migrate.sql -- psql -f {}
  countersign gate approved/H-7 -- rsync -a {}/ web:/srv/www")]
pub(crate) struct Args {
    /// A file or folder in `approved/`
    path: PathBuf,
    /// Believe the record in the workspace where neither the daemon nor its ledger can be asked
    #[arg(long)]
    trust_record: bool,
    /// The command and its words
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let Some(place) = Place::of(&args.path, context)? else {
        let text = format!("`{}` is not in `{}/`", args.path.display(), names::APPROVED);
        return Err(Failure::new(Exit::NotFound, text)
            .hint("name a release such as `approved/H-7`, or a file in it"));
    };
    let approval = approval::find(place.handoff, Some(&place.workspace), context)?;
    if approval.voucher == Voucher::Record && !args.trust_record {
        let text = "only the record in the workspace says what was approved";
        return Err(Failure::new(Exit::Unreachable, text).hint(format!(
            "not checked: {}. Add `--trust-record` to believe it all the same",
            approval.unchecked.join("; ")
        )));
    }
    if let Some(why) = approval.lapsed(context.clock.now()) {
        return Err(no_longer(place.handoff, &why));
    }
    let root = Dir::open(&place.workspace)?;
    let folder = root.folder(&place.release())?;
    let expected = Expected::of(&approval.record);
    as_approved(&root, &folder, &expected, &place)?;
    let part = expected.below(&place.below);
    if part.files.is_empty() {
        let text = format!("`{}` was not released", place.below.display());
        return Err(Failure::new(Exit::Contract, text));
    }
    let name = place.handoff.to_string();
    let held = hold(&folder, &name, &part, &place.below).map_err(|error| match error {
        GateError::Differs { .. } => Failure::new(Exit::Contract, error.to_string()),
        GateError::CannotHold(_) => Failure::new(Exit::Failed, error.to_string())
            .hint("allow user namespaces, or run this as root; one file alone needs neither"),
    })?;
    let words = fill(&args.command, &args.path, held.path()).ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            format!(
                "the command does not say where `{}` goes",
                args.path.display()
            ),
        )
        .hint("write `{}` where the command needs the path")
    })?;
    tracing::debug!(how = held.how(), path = %held.path().display(), "held still");
    if approval.decision.terms.single_use {
        spend(&approval, context)?;
    }
    let mut command = std::process::Command::new(&words[0]);
    command
        .args(&words[1..])
        .env("COUNTERSIGN_GATE", held.path());
    let ended = supervise::run(command).map_err(|error| {
        let text = format!("cannot start `{}`: {error}", words[0].display());
        Failure::new(Exit::Failed, inert(&text))
    });
    drop(held);
    ended?.pass_on()
}

fn no_longer(id: HandoffId, why: &Lapsed) -> Failure {
    let text = format!("{id} is no longer approved: {why}");
    Failure::new(Exit::Contract, inert(&text)).hint(
        "hand the work over again, with another `idempotency_key`, to have it approved once more",
    )
}

/// Uses an approval that is good for one use. The daemon counts; nobody else can.
fn spend(approval: &Approval, context: &mut Context) -> Result<(), Failure> {
    let id = approval.record.handoff_id;
    let random = || getrandom::u64().map_err(|error| Failure::new(Exit::Failed, error.to_string()));
    let wish = UseWish {
        use_id: format!("{:016x}{:016x}", random()?, random()?),
        manifest_sha256: approval.record.manifest_sha256,
    };
    let ask = |context: &Context| {
        let client = Client::find(context)?;
        client.post(&format!("/api/v1/handoffs/{id}/use"), &json!(wish))
    };
    let mut asked = ask(context);
    // Whether it was counted is not known when the answer got lost. Asking again with the same id counts once.
    for _ in 1..TRIES {
        match &asked {
            Err(failure) if failure.exit == Exit::Unreachable => (context.pause)(BETWEEN),
            _ => break,
        }
        asked = ask(context);
    }
    match asked {
        Ok(_) => Ok(()),
        Err(failure) if failure.exit == Exit::Unreachable => Err(failure
            .hint("this approval is good for one use, and only the running daemon counts it")),
        Err(failure) => Err(failure),
    }
}

/// So often the daemon is asked while it cannot be reached, such as while it starts again.
const TRIES: u32 = 10;
/// And so long after each time.
const BETWEEN: Duration = Duration::from_millis(500);

/// Refuses at once what is not as approved; the copy is checked again as it is made.
fn as_approved(
    root: &Dir,
    folder: &Dir,
    expected: &Expected,
    place: &Place,
) -> Result<(), Failure> {
    let approved = root.attributes(Path::new(names::APPROVED))?;
    let strictness = Strictness {
        owner: approved.map(|found| found.uid),
        modes: true,
    };
    let found = match expected.files.get(&place.below) {
        Some(wanted) => compare_file(folder, &place.below, wanted, strictness)?,
        None => compare(folder, expected, strictness, &|_, _| false).differences,
    };
    let Some(first) = found.first() else {
        return Ok(());
    };
    let more = match found.len() {
        1 => String::new(),
        many => format!(", and {} more", many - 1),
    };
    let text = format!(
        "{} is not as approved: `{}` {}{more}",
        place.handoff,
        first.path,
        first.kind.word()
    );
    Err(Failure::new(Exit::Contract, inert(&text))
        .hint("`countersign verify` lists all of it; a running daemon puts it right"))
}

/// The command with the held path in its words; `None` when it names it nowhere.
fn fill(words: &[OsString], given: &Path, held: &Path) -> Option<Vec<OsString>> {
    const MARK: &[u8] = b"{}";
    let marked = |word: &OsString| word.as_bytes().windows(MARK.len()).any(|two| two == MARK);
    if words.iter().any(marked) {
        let held = held.as_os_str().as_bytes();
        return Some(words.iter().map(|word| replace(word, MARK, held)).collect());
    }
    let moved = |word: &OsString| {
        let rest = Path::new(word).strip_prefix(given).ok()?;
        Some(if rest.as_os_str().is_empty() {
            held.into()
        } else {
            held.join(rest).into_os_string()
        })
    };
    words.iter().any(|word| moved(word).is_some()).then(|| {
        words
            .iter()
            .map(|word| moved(word).unwrap_or_else(|| word.clone()))
            .collect()
    })
}

fn replace(word: &OsStr, mark: &[u8], by: &[u8]) -> OsString {
    let mut out = Vec::new();
    let mut rest = word.as_bytes();
    while let Some(at) = rest.windows(mark.len()).position(|here| here == mark) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(by);
        rest = &rest[at + mark.len()..];
    }
    out.extend_from_slice(rest);
    OsString::from_vec(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(words: &[&str]) -> Option<Vec<String>> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let filled = fill(&words, Path::new("approved/H-1"), Path::new("/held/H-1"))?;
        Some(
            filled
                .into_iter()
                .map(|word| word.into_string().unwrap())
                .collect(),
        )
    }

    #[test]
    fn the_command_gets_the_held_path_or_is_not_run() {
        assert_eq!(
            filled(&["rsync", "{}/", "--from={}"]).unwrap(),
            ["rsync", "/held/H-1/", "--from=/held/H-1"]
        );
        assert_eq!(
            filled(&["cat", "approved/H-1/a", "approved/H-10/a"]).unwrap(),
            ["cat", "/held/H-1/a", "approved/H-10/a"]
        );
        assert_eq!(filled(&["deploy", "--now"]), None);
    }
}
