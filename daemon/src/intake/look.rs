//! One look at one document.

use std::{fs::File, path::Path, sync::Arc, time::Duration};

use countersign_protocol::{
    Digest,
    contract::{self, Rules},
    dialect::Format,
    event::{Event, Location},
    misnamed::{Misnamed, misnamed},
    names::{self, DocumentKind},
    principal::{Actor, Principal},
    problem::{ProblemKind, Refusal},
};

use super::{
    DONE, Inner, SETTLE_MAX, Task, admit,
    gather::{self, Gather},
    lane::Lane,
    lone,
    queue::News,
    seen::Seen,
    trace::Way,
};
use crate::{
    fault,
    fs::{Dir, Error, FileKind, ReadProblem, Stamp, Writers, is_temporary, read_limited},
    ledger::Draft,
    provenance,
    workspace::{Workspace, package},
};

/// After this time a refusal that may heal by itself is looked at again without a hint.
pub(super) const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// Characters of a name that a refusal shows.
const MAX_SHOWN: usize = 80;

/// Whether `folder` is one that the daemon fills itself. The watcher leaves them out; a hint is not
/// believed either.
pub(super) fn is_ours(folder: &str) -> bool {
    let mut parts = folder.split('/');
    let first = parts.next().unwrap_or_default();
    let done = |part: &str| part.starts_with(DONE) || is_temporary(Path::new(part));
    first == names::OWN_FOLDER
        || first == names::APPROVED
        || names::is_in_package(folder)
        || done(first)
        || parts.any(done)
}

/// Why a look has no result yet.
pub(super) enum Pause {
    /// Somebody is still at it; look again after this time.
    Busy(Duration),
    /// The document breaks a rule.
    Refused(Refusal),
    /// It is not there.
    Gone,
    /// It was taken in before.
    Known,
    /// Our own disk or ledger fails; look again later.
    Ours(String),
    /// It takes longer than the thread that hears of documents may be away.
    Heavy,
    /// Its files are read in that lane.
    Large(Lane),
}

/// The thread that looks at a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worker {
    /// The one that hears of documents.
    Herald,
    /// One that reads files of that size.
    Of(Lane),
}

impl From<Refusal> for Pause {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Whether a refusal of this kind may heal without a change of the document itself.
pub(super) fn may_heal(kind: ProblemKind) -> bool {
    matches!(
        kind,
        ProblemKind::MissingArtifact
            | ProblemKind::DigestMismatch
            | ProblemKind::Unstable
            | ProblemKind::Unreadable
            | ProblemKind::PathRefused
            | ProblemKind::TooLarge
    )
}

/// A document that was read.
pub(super) struct Read {
    /// The folder that it lies in.
    pub(super) folder: Dir,
    pub(super) at: Location,
    pub(super) bytes: Vec<u8>,
    pub(super) sha256: Digest,
    pub(super) stamp: Stamp,
    pub(super) principal: Principal,
    /// Who was seen writing it.
    pub(super) seen: Option<provenance::Seen>,
}

impl Inner {
    /// Looks at a document and sees it through, or puts it back for later.
    pub(super) fn run(self: &Arc<Self>, task: Task, news: News, worker: Worker) {
        let complete = news.complete;
        let known = self.workspace(&task.workspace).and_then(|workspace| {
            let at = workspace.locate(&task.file)?;
            let kind = names::document_in(&at.folder, &at.file)?;
            (!is_ours(&at.folder)).then_some((workspace, kind, at))
        });
        let Some((workspace, kind, at)) = known else {
            return self.queue.finish(task, None);
        };
        let outcome = match kind {
            DocumentKind::Handoff(format) => {
                self.handoff(&workspace, &at, format, (news, worker), &task)
            }
            _ if worker == Worker::Herald => Err(Pause::Heavy),
            // Nobody works in a package: a checkpoint or mark is one of its files.
            DocumentKind::Checkpoint
            | DocumentKind::Mark
            | DocumentKind::Answer(..)
            | DocumentKind::Chunk(_)
                if package(&at.folder).is_some() =>
            {
                return self.queue.finish(task, None);
            }
            DocumentKind::Checkpoint => self.checkpoint(&workspace, &at, complete, &task),
            DocumentKind::Mark => self.mark(&workspace, &at, complete, &task),
            DocumentKind::Misnamed(mistake) => {
                self.misnamed(&workspace, &at, mistake, complete, &task)
            }
            DocumentKind::Chunk(chunk) => self.chunk(&workspace, &at, chunk, complete, &task),
            DocumentKind::Answer(id, hop) => {
                self.answer(&workspace, &at, (id, hop), (complete, worker), &task)
            }
        };
        match outcome {
            // The ledger finishes the task when the commit is done.
            Ok(()) => {}
            Err(Pause::Known) => self.clear_away(&workspace, &at, task),
            Err(Pause::Busy(wait)) => self.queue.finish(task, Some(wait)),
            // A workspace that is away says nothing about what agents removed.
            Err(Pause::Gone) if !workspace.is_there() => {
                self.queue.finish(task, Some(LOOK_AGAIN));
            }
            Err(Pause::Gone) => self.gone(at, task),
            Err(Pause::Refused(refusal)) => {
                self.refuse(at, None, refusal, task);
            }
            Err(Pause::Heavy) => {
                self.queue.finish(task.clone(), None);
                self.queue.add(task, complete);
            }
            Err(Pause::Large(lane)) => self.put_into(lane, task, news),
            Err(Pause::Ours(why)) => {
                tracing::error!(file = %task.file.display(), why, "a delivery waits");
                self.stuck.note(&task.file, self.clock.monotonic(), why);
                self.queue.finish(task, Some(Duration::from_secs(1)));
            }
        }
    }

    fn handoff(
        self: &Arc<Self>,
        workspace: &Arc<Workspace>,
        at: &Location,
        format: Format,
        (news, worker): (News, Worker),
        task: &Task,
    ) -> Result<(), Pause> {
        if worker == Worker::Herald && package(&at.folder).is_some() {
            return Err(Pause::Heavy);
        }
        let mut way = Way::begun(news.heard, self.moment());
        let read = self.read(workspace, at, news.complete)?;
        way.settled(self.clock.monotonic());
        fault::step("intake.read");
        let rules = Rules {
            least: workspace.settings.profile,
        };
        let contracts = &workspace.settings.contracts;
        let agent = names::agent_of(&at.folder);
        let known = contracts.read(&read.bytes, format, rules, agent);
        let known = known.and_then(|one| {
            let agent = &one.checked.handoff.from_agent.id;
            let admitted = workspace.settings.admit(agent, &read.principal);
            admitted
                .and_then(|()| {
                    let sender = (agent.as_str(), &read.principal);
                    self.may_deliver_at(workspace, &read.folder, at, sender)
                })
                .map_err(|refusal| gather::place(refusal, &one.document))?;
            Ok(one)
        });
        let (checked, contract, document) = match known {
            Ok(one) => (one.checked, one.contract, one.document),
            Err(refusal) => {
                self.refuse(at.clone(), Some(read), refusal, task.clone());
                return Ok(());
            }
        };
        way.validated(self.clock.monotonic());
        let lane = match worker {
            Worker::Herald if !lone::is_light(&read.folder, &checked.handoff.artifacts) => {
                return Err(Pause::Heavy);
            }
            Worker::Herald => Lane::Small,
            Worker::Of(lane) => lane,
        };
        let gather = Gather {
            folder: &read.folder,
            objects: &self.objects,
            settings: &workspace.settings,
            identity: workspace
                .settings
                .identity(&checked.handoff.from_agent.id, &read.principal),
            given: None,
            package: package(&at.folder).is_some().then_some(at.file.as_str()),
            writers: self.writers,
            is_quiet: &|path, stamp| {
                let now = self.clock.monotonic();
                let settle = workspace.settings.settle;
                let wait = self.seen().quiet_in(at, path, stamp, now, settle);
                wait.is_zero()
            },
            observer: self.observer.as_ref(),
            lane,
        };
        let mut gathered = match gather.all(&checked.handoff.artifacts) {
            Ok(gathered) => gathered,
            Err(gather::Problem::Busy(path)) => {
                let busy_for = self.seen().busy_for(at, self.clock.monotonic());
                if busy_for < SETTLE_MAX {
                    return Err(Pause::Busy(back_off(busy_for)));
                }
                let refusal = still_written(&path);
                self.refuse(at.clone(), Some(read), refusal, task.clone());
                return Ok(());
            }
            Err(gather::Problem::Refused(refusal)) => {
                let refusal = gather::place(refusal, &document);
                self.refuse(at.clone(), Some(read), refusal, task.clone());
                return Ok(());
            }
            Err(gather::Problem::Ours(why)) => return Err(Pause::Ours(why)),
            Err(gather::Problem::Large(lane)) => return Err(Pause::Large(lane)),
        };
        unchanged(workspace, at, read.stamp)?;
        fault::step("intake.sealed");
        let moved = self.moved_card(workspace, &read.folder, at, &checked.handoff);
        let steps = way.sealed(self.clock.monotonic());
        gathered.note(&at.file, read.seen, &workspace.settings);
        let delivery = gather::Delivery::new(
            read.at,
            read.bytes,
            read.sha256,
            read.principal,
            (checked, contract),
            gathered,
            &workspace.settings,
        );
        let delivery = delivery.by_way_of(steps, read.stamp).of_moved(moved);
        self.record(workspace, delivery, read.stamp, task.clone());
        Ok(())
    }

    /// Refuses what has nearly the name of a handoff, so that its agent does not wait for ever. A number may be meant
    /// where the handoff stands beside it, and everything in a package that has one.
    fn misnamed(
        self: &Arc<Self>,
        workspace: &Arc<Workspace>,
        at: &Location,
        mistake: Misnamed,
        complete: bool,
        task: &Task,
    ) -> Result<(), Pause> {
        let read = self.read(workspace, at, complete)?;
        let meant = misnamed(&at.file).map_or_else(|| at.file.clone(), |(_, meant)| meant);
        let has_handoff = matches!(read.folder.kind(Path::new(&meant)), Ok(Some(_)));
        let may_be_meant = mistake == Misnamed::Numbered || package(&at.folder).is_some();
        if has_handoff && may_be_meant {
            self.queue.finish(task.clone(), None);
            return Ok(());
        }
        let shown: String = at.file.chars().take(MAX_SHOWN).collect();
        let refusal = Refusal::new(
            ProblemKind::InvalidContract,
            "misnamed",
            format!("`{shown}` {}", mistake.message()),
            if has_handoff {
                format!("remove it, or put what is newer in it into `{meant}`")
            } else {
                format!("rename it to `{meant}`")
            },
        );
        self.refuse(at.clone(), Some(read), refusal, task.clone());
        Ok(())
    }

    /// Reads a document once nobody writes it any more.
    pub(super) fn read(
        &self,
        workspace: &Workspace,
        at: &Location,
        complete: bool,
    ) -> Result<Read, Pause> {
        let folder = workspace
            .dir()
            .folder(Path::new(&at.folder))
            .map_err(|error| failed(&at.file, &error))?;
        let file = open(&folder, &at.file)?;
        let metadata = file
            .metadata()
            .map_err(|error| Pause::Refused(unreadable(&at.file, &error)))?;
        let stamp = Stamp::of(&metadata);
        if self.seen().is_taken(at, stamp) {
            return Err(Pause::Known);
        }
        let now = self.clock.monotonic();
        let busy = match (self.writers)(&file) {
            Writers::None => false,
            Writers::Some => true,
            Writers::Unknown => {
                let settle = if complete {
                    Duration::ZERO
                } else {
                    workspace.settings.settle
                };
                let wait = self.seen().quiet_in(at, "", stamp, now, settle);
                if !wait.is_zero() {
                    return Err(Pause::Busy(wait));
                }
                false
            }
        };
        if busy {
            let busy_for = self.seen().busy_for(at, now);
            return if busy_for < SETTLE_MAX {
                Err(Pause::Busy(back_off(busy_for)))
            } else {
                Err(still_written(&at.file).into())
            };
        }
        let (bytes, stamp) = match read_limited(&file, contract::MAX_BYTES as u64) {
            Ok(read) => read,
            Err(ReadProblem::Changed) => return Err(Pause::Busy(Duration::from_millis(50))),
            Err(problem) => return Err(refused(&at.file, &problem).into()),
        };
        let seen = self
            .observer
            .as_ref()
            .and_then(|observer| observer.writers(&file));
        let owner = std::os::unix::fs::MetadataExt::uid(&metadata);
        let sha256 = Digest::of(&bytes);
        Ok(Read {
            folder,
            at: at.clone(),
            bytes,
            sha256,
            stamp,
            principal: Principal::FileOwner { uid: owner },
            seen,
        })
    }

    /// Records a delivery that keeps all rules, and consumes a package once that is on the disk.
    fn record(
        self: &Arc<Self>,
        workspace: &Arc<Workspace>,
        delivery: gather::Delivery,
        stamp: Stamp,
        task: Task,
    ) {
        let me = Arc::clone(self);
        let workspace = Arc::clone(workspace);
        let at = delivery.at.clone();
        let pins = Arc::clone(&delivery.pins);
        self.ledger.submit_here(
            move |state, now| {
                let at = delivery.at.clone();
                let mut draft = admit::admit(state, now, delivery);
                // Of what is new the fact itself says it, and a duplicate's sender is told first.
                if matches!(draft.value, admit::Admitted::Conflict(_)) {
                    draft.values.push(Seen::value(&at, Some(stamp)));
                }
                Ok::<_, std::convert::Infallible>(draft)
            },
            move |done| {
                // The facts name the bytes now, or nobody does.
                drop(pins);
                match done {
                    Ok((admitted, _)) => {
                        me.seen().take(&at, stamp);
                        if !admitted.asks_for_more(&at) {
                            return me.queue.finish(task, None);
                        }
                        let after = Arc::clone(&me);
                        me.queue.chore(Box::new(move || {
                            after.after(&workspace, &at, admitted, stamp, task);
                        }));
                    }
                    Err(error) => me.wait_with(task, "a delivery", &error),
                }
            },
        );
    }
}

/// Makes sure that the document is still the one that was read.
pub(super) fn unchanged(workspace: &Workspace, at: &Location, stamp: Stamp) -> Result<(), Pause> {
    match workspace.dir().stamp(&Path::new(&at.folder).join(&at.file)) {
        Ok(now) if now == stamp => Ok(()),
        // The next look says what stands there instead.
        _ => Err(Pause::Busy(Duration::from_millis(50))),
    }
}

fn open(folder: &Dir, name: &str) -> Result<File, Pause> {
    match folder.kind(Path::new(name)) {
        Ok(Some(FileKind::File)) => {}
        Ok(None) => return Err(Pause::Gone),
        Ok(Some(kind)) => return Err(not_regular(name, kind).into()),
        Err(error) => return Err(failed(name, &error)),
    }
    folder
        .open_file(Path::new(name))
        .map_err(|error| failed(name, &error))
}

/// What a failed look at the document `shown` means. A link on its way makes it one that is not there:
/// what a link leads to is no part of the workspace. Rights and names are the agent's to mend; the rest,
/// such as too few descriptors, is ours.
fn failed(shown: &str, error: &Error) -> Pause {
    match error.source.raw_os_error() {
        _ if error.is_not_found() => Pause::Gone,
        Some(libc::ELOOP | libc::EXDEV) => Pause::Gone,
        Some(libc::EACCES | libc::EPERM | libc::ENAMETOOLONG) => {
            unreadable(shown, &error.source).into()
        }
        _ => Pause::Ours(error.to_string()),
    }
}

/// From 20 ms at first to 2 s for what has been busy for long.
fn back_off(busy_for: Duration) -> Duration {
    (busy_for / 4).clamp(Duration::from_millis(20), Duration::from_secs(2))
}

pub(super) fn not_regular(name: &str, kind: FileKind) -> Refusal {
    let what = match kind {
        FileKind::Link => "a symbolic link",
        FileKind::Folder => "a folder",
        FileKind::File | FileKind::Special => "a device, FIFO or socket",
    };
    Refusal::new(
        ProblemKind::PathRefused,
        "not_regular",
        format!("`{name}` is {what}"),
        "write a regular file in its place",
    )
}

pub(super) fn unreadable(name: &str, error: &std::io::Error) -> Refusal {
    Refusal::new(
        ProblemKind::Unreadable,
        "unreadable",
        format!("`{name}` cannot be read: {error}"),
        format!("let the daemon read it, for example with `chmod a+r {name}`"),
    )
}

pub(super) fn still_written(name: &str) -> Refusal {
    Refusal::new(
        ProblemKind::Unstable,
        "still_written",
        format!(
            "`{name}` is still open for writing after {} s",
            SETTLE_MAX.as_secs()
        ),
        "close it, or write it under another name and rename it when it is finished",
    )
}

fn refused(name: &str, problem: &ReadProblem) -> Refusal {
    match problem {
        ReadProblem::NotRegular => not_regular(name, FileKind::Special),
        ReadProblem::TooLarge { size, limit } => Refusal::new(
            ProblemKind::TooLarge,
            "document_too_large",
            format!("`{name}` has {size} bytes; a document may have {limit}"),
            "put the content into files and name them in `artifacts`",
        ),
        ReadProblem::Changed => still_written(name),
        ReadProblem::Io(error) => unreadable(name, error),
    }
}

impl Inner {
    /// Records a refusal, once for the same bytes and reason.
    pub(super) fn refuse(
        self: &Arc<Self>,
        at: Location,
        read: Option<Read>,
        refusal: Refusal,
        task: Task,
    ) {
        let stamp = read.as_ref().map(|read| read.stamp);
        let sha256 = read.as_ref().map(|read| read.sha256);
        let actor = match &read {
            Some(read) => Actor::Agent {
                name: String::new(),
                principal: read.principal.clone(),
            },
            None => Actor::Daemon,
        };
        let objects = read
            .map(|read| (read.sha256, read.bytes))
            .into_iter()
            .collect();
        let kind = refusal.kind;
        // What may heal is looked at again after a restart, too.
        let remember = stamp.filter(|_| !may_heal(kind));
        let values = remember
            .map(|stamp| Seen::value(&at, Some(stamp)))
            .into_iter()
            .collect();
        let (me, place) = (Arc::clone(self), at.clone());
        self.ledger.submit(
            move |state, _| {
                let known = state.dead_letter(&at).is_some_and(|dead| {
                    dead.sha256 == sha256
                        && dead.kind == refusal.kind
                        && dead.violations == refusal.violations
                });
                if known {
                    return Ok::<_, std::convert::Infallible>(Draft {
                        values,
                        ..Draft::nothing(())
                    });
                }
                let event = Event::Refused {
                    at,
                    sha256,
                    kind: refusal.kind,
                    violations: refusal.violations,
                };
                Ok(Draft {
                    events: vec![(actor, event)],
                    objects,
                    values,
                    value: (),
                })
            },
            move |done| match done {
                Ok(_) => {
                    match remember {
                        Some(stamp) => me.seen().take(&place, stamp),
                        None => me.seen().forget(&place),
                    }
                    me.queue.finish(task, may_heal(kind).then_some(LOOK_AGAIN));
                }
                Err(error) => me.wait_with(task, "a refusal", &error),
            },
        );
    }

    /// The document is not there. If a refused one was, that is over.
    fn gone(self: &Arc<Self>, at: Location, task: Task) {
        let known = self.ledger.state().dead_letter(&at).is_some() || self.seen().was_taken(&at);
        if !known {
            return self.queue.finish(task, None);
        }
        self.seen().forget(&at);
        let me = Arc::clone(self);
        self.ledger.submit(
            move |state, _| {
                let events = match state.dead_letter(&at) {
                    Some(_) => vec![(Actor::Daemon, Event::RefusedGone { at: at.clone() })],
                    None => Vec::new(),
                };
                let values = vec![Seen::value(&at, None)];
                Ok::<_, std::convert::Infallible>(Draft {
                    events,
                    objects: Vec::new(),
                    values,
                    value: (),
                })
            },
            move |_| me.queue.finish(task, None),
        );
    }
}
