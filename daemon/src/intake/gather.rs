//! Sealing what a handoff names, and in a package also what it does not name.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

use countersign_protocol::{
    Digest, HandoffId,
    contract::Checked,
    dialect::Document,
    event::Location,
    handoff::Artifact,
    manifest::{Manifest, ManifestEntry},
    path,
    principal::Principal,
    problem::{ProblemKind, Refusal, Violation},
    provenance::Observed,
    trace::{Steps, TraceParent},
};

use super::{
    artifact::{Opened, open_artifact},
    lane::Lane,
    look::{not_regular, unreadable},
};
use crate::{
    fs::{Dir, FileKind, Identity, Objects, Pin, SealProblem, Sealed, Sealing, Stamp, Writers},
    provenance::{Observer, Seen},
    workspace::Settings,
};

/// How often a file that changes while it is copied is copied again at once.
const TRIES: usize = 3;
/// Bytes of small files of one handoff that go into the ledger's database, by way of memory. What is
/// more goes into the object folder, so that many small files take no more memory than a few.
const INLINE_IN_ALL: usize = 4 * 1024 * 1024;

/// Why not everything could be sealed.
pub(crate) enum Problem {
    /// Somebody writes this file.
    Busy(String),
    /// A rule is broken.
    Refused(Refusal),
    /// Our own disk fails.
    Ours(String),
    /// The files have so many bytes that another lane reads them.
    Large(Lane),
}

/// What was sealed.
pub(super) struct Gathered {
    pub(super) entries: Vec<ManifestEntry>,
    pub(super) objects: Vec<(Digest, Vec<u8>)>,
    pub(super) pins: Vec<Pin>,
    /// What the agent is told although the files were taken.
    pub(super) warnings: Vec<Violation>,
    /// Who was seen writing them, where somebody watches.
    pub(super) observed: Option<Observed>,
}

/// Where to look, and how.
pub(super) struct Gather<'a> {
    /// The folder of the handoff.
    pub(super) folder: &'a Dir,
    pub(super) objects: &'a Objects,
    pub(super) settings: &'a Settings,
    /// User who must be able to read each file.
    pub(super) identity: Option<Identity>,
    /// Files that came with the request and are not in the folder.
    pub(super) given: Option<&'a BTreeMap<String, Vec<u8>>>,
    /// For a package: the name of its document. Everything else in the folder is sealed, too.
    pub(super) package: Option<&'a str>,
    /// How the kernel is asked for writers.
    pub(super) writers: fn(&std::fs::File) -> Writers,
    /// Where the kernel does not say: whether the file of that path has looked like this for long enough.
    pub(super) is_quiet: &'a dyn Fn(&str, Stamp) -> bool,
    /// Who is asked who wrote the files.
    pub(super) observer: Option<&'a Observer>,
    /// The lane in which the files are read.
    pub(super) lane: Lane,
}

impl Gather<'_> {
    /// Seals every file; finds all broken rules, not only the first.
    pub(super) fn all(&self, artifacts: &[Artifact]) -> Result<Gathered, Problem> {
        let named: HashMap<&str, (usize, &Artifact)> = artifacts
            .iter()
            .enumerate()
            .map(|(at, artifact)| (artifact.path.as_str(), (at, artifact)))
            .collect();
        let mut gathered = Gathered {
            entries: Vec::new(),
            objects: Vec::new(),
            pins: Vec::new(),
            warnings: Vec::new(),
            observed: self.observer.map(|_| Observed::default()),
        };
        let mut refused: Vec<Refusal> = Vec::new();
        let mut paths: Vec<String> = named.keys().map(|path| (*path).to_owned()).collect();
        paths.extend(self.others(&named, &mut refused)?);
        paths.sort_by_key(|path| named.get(path.as_str()).map_or(usize::MAX, |(at, _)| *at));
        if paths.len() > self.settings.max_files {
            return Err(Problem::Refused(too_many(self.settings.max_files)));
        }
        let mut inline = INLINE_IN_ALL;
        let mut sealing = self.objects.sealing();
        let mut left = paths.into_iter();
        let mut bytes = 0_u64;
        let mut told = Vec::new();
        while let Some(path) = left.next() {
            let artifact = named.get(path.as_str()).copied();
            match self.one(&path, &mut sealing, inline, (&mut bytes, &mut told)) {
                Ok((sealed, seen)) => {
                    let pointer =
                        artifact.map_or_else(String::new, |(at, _)| format!("/artifacts/{at}"));
                    for mut warning in told.drain(..) {
                        warning.pointer.clone_from(&pointer);
                        gathered.warnings.push(warning);
                    }
                    gathered.note(&path, seen, self.settings);
                    inline = inline.saturating_sub(sealed.inline.as_ref().map_or(0, Vec::len));
                    refused.extend(artifact.and_then(|(at, artifact)| {
                        artifact.check(at, sealed.size, sealed.sha256).err()
                    }));
                    gathered.add(path, artifact.map(|(_, artifact)| artifact), sealed);
                }
                Err(Problem::Refused(refusal)) => {
                    let pointer =
                        artifact.map_or_else(String::new, |(at, _)| format!("/artifacts/{at}"));
                    refused.push(refusal.at(pointer));
                }
                Err(Problem::Busy(path)) => {
                    // The others are asked for too, so that all quiet periods pass at once.
                    for other in left.filter(|other| !self.is_given(other)) {
                        let _ = open_artifact(self.folder, &other)
                            .map(|opened| self.is_busy(&other, &opened.file));
                    }
                    return Err(Problem::Busy(path));
                }
                Err(other) => return Err(other),
            }
        }
        if let Some(refusal) = merge(refused) {
            return Err(Problem::Refused(refusal));
        }
        let finished = sealing.finish();
        finished.map_err(|problem| Problem::Ours(problem.to_string()))?;
        Ok(gathered)
    }

    /// What a package holds and its handoff does not name.
    fn others(
        &self,
        named: &HashMap<&str, (usize, &Artifact)>,
        refused: &mut Vec<Refusal>,
    ) -> Result<Vec<String>, Problem> {
        let Some(document) = self.package else {
            return Ok(Vec::new());
        };
        let listed = match self.folder.list_deep(self.settings.max_files * 2) {
            Ok(Some(listed)) => listed,
            Ok(None) => return Err(Problem::Refused(too_many(self.settings.max_files))),
            Err(error) if error.is_not_found() => return Err(Problem::Busy(document.to_owned())),
            Err(error) => {
                return Err(match error.source.raw_os_error() {
                    // A folder became a link between two looks.
                    Some(libc::ELOOP) => Problem::Busy(document.to_owned()),
                    Some(libc::EXDEV) => {
                        let name = error.path.file_name().unwrap_or_default().to_string_lossy();
                        Problem::Refused(mount_on_the_way(&name))
                    }
                    Some(libc::EACCES | libc::EPERM | libc::ENAMETOOLONG) => {
                        let name = error.path.file_name().unwrap_or_default().to_string_lossy();
                        Problem::Refused(unreadable(&name, &error.source))
                    }
                    _ => Problem::Ours(error.to_string()),
                });
            }
        };
        let mut paths = Vec::new();
        for one in listed {
            match one.path.to_str() {
                None => refused.push(Refusal::new(
                    ProblemKind::PathRefused,
                    "not_utf8",
                    format!(
                        "the package holds `{}`, a name that is not UTF-8",
                        one.path.display()
                    ),
                    "rename the file",
                )),
                Some(path) if path == document || named.contains_key(&*path::normal(path)) => {}
                Some(path) if one.kind == FileKind::File => paths.push(path.to_owned()),
                Some(path) => refused.push(not_regular(path, one.kind)),
            }
        }
        Ok(paths)
    }

    fn is_given(&self, path: &str) -> bool {
        self.given.is_some_and(|given| given.contains_key(path))
    }

    /// Whether somebody writes the file; or, where the kernel does not say, whether it changed a moment ago.
    fn is_busy(&self, path: &str, file: &std::fs::File) -> bool {
        match (self.writers)(file) {
            Writers::None => false,
            Writers::Some => true,
            Writers::Unknown => file
                .metadata()
                .is_ok_and(|metadata| !(self.is_quiet)(path, Stamp::of(&metadata))),
        }
    }

    /// Refuses a file that the user of the agent could not read by itself.
    fn is_readable(
        &self,
        path: &str,
        lies_at: Option<&str>,
        file: &std::fs::File,
    ) -> Result<(), Problem> {
        let Some(identity) = &self.identity else {
            return Ok(());
        };
        let folder = Path::new(lies_at.unwrap_or(path)).parent();
        let reaches = identity
            .reaches(self.folder, folder.unwrap_or(Path::new("")))
            .map_err(|error| Problem::Ours(error.to_string()))?;
        let reads = identity.reads(file);
        if reaches && reads.map_err(|error| Problem::Ours(error.to_string()))? {
            return Ok(());
        }
        Err(Problem::Refused(Refusal::new(
            ProblemKind::Unreadable,
            "not_readable_by_agent",
            format!("the user of this agent may not read `{path}`, so it cannot hand it over"),
            format!(
                "let the agent read it, for example with `chmod a+r {path}`, or name another file"
            ),
        )))
    }

    /// Seals one file; keeps it in memory, for the ledger, when it has at most `inline` bytes. Adds its size to
    /// `bytes`, those that were read so far.
    fn one(
        &self,
        path: &str,
        sealing: &mut Sealing<'_>,
        inline: usize,
        (bytes, told): (&mut u64, &mut Vec<Violation>),
    ) -> Result<(Sealed, Option<Seen>), Problem> {
        if let Some(bytes) = self.given.and_then(|given| given.get(path)) {
            let sealed = sealing.seal_bytes(bytes.clone(), inline);
            return sealed
                .map(|sealed| (sealed, None))
                .map_err(|problem| Problem::Ours(problem.to_string()));
        }
        for _ in 0..TRIES {
            let Opened { mut file, lies_at } = open_artifact(self.folder, path)?;
            self.is_readable(path, lies_at.as_deref(), &file)?;
            if self.is_busy(path, &file) {
                return Err(Problem::Busy(path.to_owned()));
            }
            let size = file.metadata().map_or(0, |metadata| metadata.len());
            let lane = Lane::of(bytes.saturating_add(size));
            if lane > self.lane {
                return Err(Problem::Large(lane));
            }
            let sealed = sealing.seal(&mut file, self.settings.keep_up_to, inline);
            match sealed {
                // Asked after the bytes were read, so that whoever wrote them is among those who are named.
                Ok(sealed) => {
                    if let Some(there) = &lies_at {
                        told.push(other_form(path, there));
                    }
                    *bytes = bytes.saturating_add(sealed.size);
                    let seen = self.observer.and_then(|observer| observer.writers(&file));
                    return Ok((sealed, seen));
                }
                Err(SealProblem::Changed) => {}
                Err(SealProblem::Source(error)) => {
                    return Err(Problem::Refused(unreadable(path, &error)));
                }
                Err(SealProblem::Store(error)) => return Err(Problem::Ours(error.to_string())),
            }
        }
        Err(Problem::Busy(path.to_owned()))
    }
}

impl Gathered {
    /// Notes who was seen writing the file at `path`. A process belongs to the agent whose user it has, else to the
    /// one that it was started as.
    pub(super) fn note(&mut self, path: &str, seen: Option<Seen>, settings: &Settings) {
        let (Some(observed), Some(mut seen)) = (&mut self.observed, seen) else {
            return;
        };
        for (writer, _) in &mut seen.writers {
            let mut users = settings.users.iter();
            let agent = users.find(|(_, user)| Some(**user) == writer.uid);
            if let Some((agent, _)) = agent {
                writer.agent = Some(agent.clone());
            }
        }
        observed.add(path.to_owned(), seen.whole, seen.writers);
    }

    fn add(&mut self, path: String, artifact: Option<&Artifact>, sealed: Sealed) {
        self.pins.extend(sealed.pin);
        if let Some(bytes) = sealed.inline {
            self.objects.push((sealed.sha256, bytes));
        }
        self.entries.push(ManifestEntry {
            path,
            size: sealed.size,
            sha256: sealed.sha256,
            executable: sealed.executable,
            declared: artifact.is_some(),
            kept: sealed.kept,
            role: artifact.and_then(|artifact| artifact.role.clone()),
            title: artifact.and_then(|artifact| artifact.title.clone()),
        });
    }
}

/// A delivery that keeps all rules, sealed and ready to be recorded.
#[derive(Debug)]
pub struct Delivery {
    /// Where it was found.
    pub at: Location,
    /// Who delivered it.
    pub principal: Principal,
    /// The checked document.
    pub checked: Checked,
    /// The sealed files.
    pub manifest: Manifest,
    /// Small sealed files, and the document itself.
    pub objects: Vec<(Digest, Vec<u8>)>,
    /// Keep the large ones from being collected. To be held until the commit is done.
    pub pins: Arc<Vec<Pin>>,
    /// What holds in the workspace.
    pub settings: Settings,
    /// The contract of the workspace that it keeps.
    pub contract: Option<String>,
    /// Who was seen writing the files.
    pub observed: Option<Observed>,
    /// The span of the sender, when it was not said in the document.
    pub traceparent: Option<TraceParent>,
    /// How long the way here took, when it came by file.
    pub steps: Option<Steps>,
    /// What the file of the document looked like, if it came as one.
    pub stamp: Option<Stamp>,
    /// The card that it goes on with although its folder is another one by now.
    pub moved: Option<HandoffId>,
}

impl Delivery {
    pub(super) fn new(
        at: Location,
        document: Vec<u8>,
        sha256: Digest,
        principal: Principal,
        (mut checked, contract): (Checked, Option<String>),
        gathered: Gathered,
        settings: &Settings,
    ) -> Self {
        let Gathered {
            entries,
            mut objects,
            pins,
            warnings,
            observed,
        } = gathered;
        checked.warnings.extend(warnings);
        objects.push((sha256, document));
        Self {
            at,
            principal,
            checked,
            manifest: Manifest::new(sha256, entries),
            objects,
            pins: Arc::new(pins),
            settings: settings.clone(),
            contract,
            observed: observed.filter(|seen| !seen.files.is_empty()),
            traceparent: None,
            steps: None,
            stamp: None,
            moved: None,
        }
    }

    /// The same from a file that looked like `stamp`, with how long the way here took.
    #[must_use]
    pub(super) fn by_way_of(self, steps: Steps, stamp: Stamp) -> Self {
        Self {
            steps: Some(steps),
            stamp: Some(stamp),
            ..self
        }
    }

    /// The same, as the next revision of that card.
    #[must_use]
    pub(super) fn of_moved(self, moved: Option<HandoffId>) -> Self {
        Self { moved, ..self }
    }

    /// The same, with the span of the sender as its request named it.
    #[must_use]
    pub(super) fn traced(self, traceparent: Option<TraceParent>) -> Self {
        Self {
            traceparent,
            ..self
        }
    }
}

pub(super) fn link_on_the_way(path: &str) -> Refusal {
    Refusal::new(
        ProblemKind::PathRefused,
        "link_on_the_way",
        format!("a folder on the way to `{path}` is a symbolic link"),
        "put the file itself below the folder of the handoff",
    )
}

pub(super) fn mount_on_the_way(path: &str) -> Refusal {
    Refusal::new(
        ProblemKind::PathRefused,
        "mount_on_the_way",
        format!(
            "another folder or file system is mounted at or above `{path}`, and mounts are not entered"
        ),
        "copy the file into the folder of the handoff, or ask the operator to serve the mount as a workspace of its own",
    )
}

fn too_many(limit: usize) -> Refusal {
    Refusal::new(
        ProblemKind::TooLarge,
        "too_many_files",
        format!("the handoff has more than {limit} files"),
        "hand over an archive, or several handoffs",
    )
}

/// Warns that a file was found by another spelling of its name.
fn other_form(path: &str, there: &str) -> Violation {
    Violation {
        code: "other_form".to_owned(),
        message: format!(
            "`{path}` lies there under its name in another Unicode form ({} bytes in place of {}); it was taken",
            there.len(),
            path.len()
        ),
        fix: Some(
            "nothing needs to be done; programs that compare names byte by byte may not find it"
                .to_owned(),
        ),
        pointer: String::new(),
        line: 0,
        column: 0,
    }
}

/// Adds line and column to what points into `document`.
pub(crate) fn place(mut refusal: Refusal, document: &Document) -> Refusal {
    for violation in &mut refusal.violations {
        if violation.line == 0 && !violation.pointer.is_empty() {
            (violation.line, violation.column) = document.place(&violation.pointer);
        }
    }
    refusal
}

/// One refusal of all: the kind of the first, every violation.
pub(crate) fn merge(refused: Vec<Refusal>) -> Option<Refusal> {
    let kind = refused.first()?.kind;
    let violations: Vec<Violation> = refused
        .into_iter()
        .flat_map(|refusal| refusal.violations)
        .collect();
    Some(Refusal { kind, violations })
}
