//! W12, a workspace as it stood: what it costs to keep every revision of very many files, and how soon a question about a
//! moment among them is answered.

use std::{
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Serialize;

use super::{
    BenchError, Spread, agent,
    browser::{Client, percent_encoded},
    corpus::{self, Numbers},
    daemon::Daemon,
    figures::{percentile, ratio},
    indexing, process, system,
};
use crate::clock::SharedClock;

/// What is set against what.
const COMPARES: &str = "copy: the files once, as they lie on the disk; kept: what the daemon has for all revisions, \
     ledger and sealed files; questions: a word among the files of a revision, any of \
     them, from the request to the first byte of the answer over a connection that is kept";
/// Of so many files one changes between two revisions.
const CHURN: usize = 100;
/// Questions that are asked first, and those that count.
const QUESTIONS: usize = 200;
/// Copies that all revisions may cost, and the 95th percentile of a question in milliseconds.
const GOAL: (f64, f64) = (12.0, 100.0);
/// After this time a revision counts as lost.
const PATIENCE: Duration = Duration::from_mins(5);
/// So long nothing about the index has changed when it is at rest.
const QUIET: Duration = Duration::from_secs(2);

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Moments {
    /// What is set against what.
    pub compares: &'static str,
    /// Files of each revision.
    pub files: usize,
    /// Revisions.
    pub revisions: usize,
    /// Bytes of one copy on the disk.
    pub copy: u64,
    /// Bytes that are kept for all revisions: the ledger.
    pub ledger: u64,
    /// Sealed files.
    pub objects: u64,
    /// Both to one copy.
    pub copies: f64,
    /// Bytes of the index of files as they stood, after the questions; it can be thrown away.
    pub index: u64,
    /// From the rename until a revision was taken in.
    pub taken: Spread,
    /// Questions about moments of which some were asked for the first time, in milliseconds.
    pub first: Spread,
    /// Those after them.
    pub later: Spread,
    /// The 95th percentile of these.
    pub p95: f64,
    /// Most memory of the daemon before the questions, in bytes.
    pub memory_before: Option<u64>,
    /// At the end.
    pub memory_after: Option<u64>,
    /// Copies and milliseconds that are aimed at.
    pub goal: (f64, f64),
    /// Whether both were reached.
    pub met: bool,
}

/// Hands over `files` files `revisions` times, a hundredth of them changed each time.
pub(super) fn measure(
    program: &Path,
    place: &Path,
    (files, revisions): (usize, usize),
    clock: &SharedClock,
) -> Result<Moments, BenchError> {
    let workspace = place.join("workspace");
    let staged = workspace.join(".staging/all");
    corpus::make(&staged, files)?;
    let copy = on_disk(&staged)?;
    let inbox = workspace.join("inbox/bench");
    crate::fs::Dir::create(&inbox, 0o755)?;
    let data = place.join("data");
    let daemon = Daemon::start(program, &workspace, data.clone(), clock)?;
    let mut numbers = Numbers::from(7);
    let mut taken = Vec::new();
    for revision in 1..=revisions {
        let changed = if revision == 1 {
            0
        } else {
            files.div_ceil(CHURN)
        };
        for change in 0..changed {
            let number = numbers.below(files);
            corpus::rewrite(&staged, number, revision * files + change)?;
        }
        agent::write(
            &staged.join("handoff.json"),
            &agent::handoff_again(revision),
        )?;
        let begun = clock.monotonic();
        agent::rename(&staged, &inbox.join("all"))?;
        let done = taken_out(&inbox, begun, clock)?;
        taken.push(clock.monotonic().saturating_sub(begun));
        agent::rename(&done, &staged)?;
    }
    indexing::at_rest(&daemon, QUIET, clock)?;
    let memory_before = process::memory(daemon.pid(), "VmHWM");
    let mut client = Client::new(daemon.address()?, daemon.sign_in()?, clock)?;
    let mut ask = |count: usize| -> Result<Vec<Duration>, BenchError> {
        let question = |_| {
            let (word, revision) = (
                corpus::some_word(&mut numbers),
                1 + numbers.below(revisions),
            );
            let query = percent_encoded(&format!("{word} at:@rev:{revision} id:H-1"));
            Ok(client
                .get(&format!("/api/v1/search?verbatim=true&limit=20&q={query}"))?
                .0)
        };
        (0..count).map(question).collect()
    };
    let first = ask(QUESTIONS)?;
    let later = ask(QUESTIONS)?;
    let part = |name: &str| on_disk(&data.join(name));
    let (ledger, objects, index) = (
        part("ledger.db")? + part("ledger.db-wal")?,
        part("objects")?,
        part("index-past")?,
    );
    let memory_after = process::memory(daemon.pid(), "VmHWM");
    daemon.end()?;
    #[expect(clippy::cast_precision_loss, reason = "bytes are far below 2^52")]
    let copies = ratio((ledger + objects) as f64, copy as f64);
    let p95 = percentile(&later, 95);
    Ok(Moments {
        compares: COMPARES,
        files,
        revisions,
        copy,
        ledger,
        objects,
        index,
        copies,
        taken: Spread::of(taken),
        first: Spread::of(first),
        later: Spread::of(later),
        p95,
        memory_before,
        memory_after,
        goal: GOAL,
        met: copies < GOAL.0 && p95 < GOAL.1,
    })
}

/// Waits until the package was taken out of the inbox; gives where it is then.
fn taken_out(inbox: &Path, begun: Duration, clock: &SharedClock) -> Result<PathBuf, BenchError> {
    let done = inbox.join(format!("{}all", crate::intake::DONE));
    while clock.monotonic().saturating_sub(begun) < PATIENCE {
        if done.exists() {
            return Ok(done);
        }
        agent::pause(Duration::from_millis(5));
    }
    Err(BenchError::Daemon("did not take a revision".to_owned()))
}

/// Bytes of the blocks of all files beneath `path`; none when it is not there.
fn on_disk(path: &Path) -> Result<u64, BenchError> {
    let mut bytes = 0;
    for entry in walkdir::WalkDir::new(path) {
        match entry {
            Ok(entry) if entry.file_type().is_file() => {
                let metadata = entry.metadata().map_err(system("look at a file"))?;
                bytes += metadata.blocks() * 512;
            }
            Ok(_) => {}
            Err(error)
                if error
                    .io_error()
                    .is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound) => {}
            Err(error) => return Err(system("list a folder")(error)),
        }
    }
    Ok(bytes)
}
