//! What a receiver says about a hop: by file in its folder, or over HTTP.

use std::{collections::BTreeMap, convert::Infallible, io::Read as _, path::Path, sync::Arc};

use countersign_protocol::{
    Digest, HandoffId, contract,
    dialect::{self, Format},
    event::{Accepted, Event, Location},
    manifest::Manifest,
    names,
    principal::{Actor, Principal},
    problem::{ProblemKind, Refusal, Violation},
    transfer::{Answer, AnswerKind, AnswerReceipt, Answered, Stopped, Why},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    Inner, Intake, SubmitError, Task,
    gather::{Gather, Problem, place},
    lane::{self, Lane},
    look::{Pause, Worker, still_written, unchanged},
    seen::Seen,
    submit::as_named,
};
use crate::{
    fs::{Dir, Pin, Stamp},
    ledger::{Card, Draft, Hop, HopStage, State, TransactError},
    store::Space,
    workspace::{Answers, FOLDER_MODE, Remembered, Workspace, json},
};

/// Which hop is answered, by whom, and where the answer was found.
#[derive(Clone, Debug)]
struct About {
    id: HandoffId,
    hop: u32,
    agent: String,
    principal: Principal,
    at: Location,
}

/// An answer that keeps all rules that can be looked at before its turn comes.
struct Prepared {
    about: About,
    answer: Answer,
    manifest: Manifest,
    objects: Vec<(Digest, Vec<u8>)>,
    pins: Arc<Vec<Pin>>,
    /// Why a person looks at the result before it goes on.
    unsure: Option<String>,
    /// Whether policy looks at a result first.
    watched: bool,
    /// What is accepted all the same.
    warnings: Vec<Violation>,
}

/// What became of an answer.
enum Told {
    New,
    Duplicate,
    Refused(Refusal),
}

/// An answer that was sent over HTTP.
#[derive(Debug)]
pub struct SubmittedAnswer {
    /// The card.
    pub id: HandoffId,
    /// The hop.
    pub hop: u32,
    /// Who answers.
    pub agent: String,
    /// The document.
    pub document: Vec<u8>,
    /// Files that came with it, by path; the others are read from the folder of the agent.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Who sent it.
    pub principal: Principal,
}

/// A contract for high stakes asks how sure a result is, and takes none that is not sure enough.
fn is_sure(workspace: &Workspace, hop: &Hop, answer: &Answer) -> Result<(), Problem> {
    let contract = hop.offered.contract.as_deref();
    let contract = contract.and_then(|id| workspace.settings.contracts.get(id));
    let least = contract.and_then(|contract| contract.result_confidence);
    let (Some(contract), Some(least)) = (contract, least) else {
        return Ok(());
    };
    let refusal = match &answer.confidence {
        None => Refusal::new(
            ProblemKind::NoReturn,
            "confidence",
            format!("is missing; {} asks how sure a result is", contract.id()),
            "add \"confidence\", a number from 0 to 1",
        ),
        Some(stated) if stated.value < least => Refusal::new(
            ProblemKind::NoReturn,
            "low_confidence",
            format!(
                "is {}, and a result of {} needs {least} or more",
                stated.value,
                contract.id()
            ),
            "answer `fail` with what you have as `result`: the sender gets it, and a person is asked",
        ),
        Some(_) => return Ok(()),
    };
    Err(refusal.at("/confidence").into())
}

/// Returns why a person looks at the result first: it is stated with less confidence than the contract, the
/// workspace or the receiver itself asks for.
fn unsure(workspace: &Workspace, hop: &Hop, answer: &Answer) -> Option<String> {
    let is_done = matches!(
        answer.answer,
        AnswerKind::Complete | AnswerKind::AlreadyDone
    );
    let stated = answer.confidence.as_ref().filter(|_| is_done)?;
    let contract = hop.offered.contract.as_deref();
    let floor = workspace.settings.confidence_floor_of(contract);
    let floor = stated.threshold.map_or(floor, |own| own.max(floor));
    (stated.value < floor).then(|| {
        let (by, value) = (&hop.offered.to, stated.value);
        format!("`{by}` is done, and its confidence {value:.2} is under the {floor:.2} floor")
    })
}

impl Inner {
    /// Looks at an answer that lies in the folder of an agent.
    pub(super) fn answer(
        self: &Arc<Self>,
        workspace: &Arc<Workspace>,
        at: &Location,
        (id, hop): (HandoffId, u32),
        (complete, worker): (bool, Worker),
        task: &Task,
    ) -> Result<(), Pause> {
        let Some(agent) = names::agent_of(&at.folder).filter(|name| at.folder.ends_with(name))
        else {
            self.queue.finish(task.clone(), None);
            return Ok(());
        };
        let agent = agent.to_owned();
        let read = self.read(workspace, at, complete)?;
        let about = About {
            id,
            hop,
            agent,
            principal: read.principal.clone(),
            at: at.clone(),
        };
        let lane = match worker {
            Worker::Herald => Lane::Small,
            Worker::Of(lane) => lane,
        };
        let files = (&read.folder, None, lane);
        let prepared = match self.prepare_answer(workspace, files, &read.bytes, about) {
            Ok(prepared) => prepared,
            Err(Problem::Large(lane)) => return Err(Pause::Large(lane)),
            Err(Problem::Busy(_)) => {
                return Err(Pause::Busy(std::time::Duration::from_millis(50)));
            }
            Err(Problem::Ours(why)) => return Err(Pause::Ours(why)),
            Err(Problem::Refused(refusal)) => {
                self.refuse(at.clone(), Some(read), refusal, task.clone());
                return Ok(());
            }
        };
        unchanged(workspace, at, read.stamp)?;
        let (me, place, task, stamp) = (Arc::clone(self), at.clone(), task.clone(), read.stamp);
        let (sha256, answer) = (read.sha256, prepared.answer.answer);
        let warnings = prepared.warnings.clone();
        let pins = Arc::clone(&prepared.pins);
        let values = vec![Seen::value(at, Some(stamp))];
        let workspace = Arc::clone(workspace);
        self.ledger.submit_here(
            move |state, now| Ok::<_, Infallible>(record(state, now, prepared, values)),
            move |done| {
                drop(pins);
                match done {
                    Ok((Told::New, _)) => {
                        me.seen().take(&place, stamp);
                        me.queue.finish(task, None);
                    }
                    Ok((Told::Duplicate, entries)) => {
                        drop(entries);
                        me.seen().take(&place, stamp);
                        let after = Arc::clone(&me);
                        let receipt = AnswerReceipt {
                            receipt_version: "1.0".to_owned(),
                            status: "duplicate".to_owned(),
                            handoff_id: id,
                            hop,
                            answer,
                            received_at: me.clock.now(),
                            answer_sha256: sha256,
                            warnings,
                        };
                        me.queue.chore(Box::new(move || {
                            after.answered_again(&workspace, &place, &receipt);
                            after.queue.finish(task, None);
                        }));
                    }
                    Ok((Told::Refused(refusal), _)) => {
                        me.refuse_answer(place, stamp, sha256, refusal, task);
                    }
                    Err(error) => me.wait_with(task, "an answer", &error),
                }
            },
        );
        Ok(())
    }

    /// Checks an answer and seals its files.
    fn prepare_answer(
        &self,
        workspace: &Workspace,
        (folder, given, lane): (&Dir, Option<&BTreeMap<String, Vec<u8>>>, Lane),
        bytes: &[u8],
        about: About,
    ) -> Result<Prepared, Problem> {
        let document = dialect::read(bytes, Format::Json)?;
        let (answer, warnings) = contract::check_answer(&document)?;
        let placed = |refusal: Refusal| Problem::Refused(place(refusal, &document));
        agrees(&answer, &about).map_err(placed)?;
        let card = self.ledger.state().card(about.id).cloned();
        let card = card.filter(|card| card.workspace == about.at.workspace);
        let (card, hop) = card
            .as_ref()
            .and_then(|card| Some((card, card.hop(about.hop)?)))
            .ok_or_else(|| unknown(&about))?;
        is_receiver(workspace, hop, &about)?;
        if matches!(
            answer.answer,
            AnswerKind::Complete | AnswerKind::AlreadyDone
        ) {
            self.check_result(workspace, card, hop, &answer)
                .and_then(|()| is_sure(workspace, hop, &answer))
                .map_err(|problem| match problem {
                    Problem::Refused(refusal) => placed(refusal),
                    other => other,
                })?;
        }
        let gather = Gather {
            folder,
            objects: &self.objects,
            settings: &workspace.settings,
            identity: workspace.settings.identity(&about.agent, &about.principal),
            given,
            package: None,
            writers: self.writers,
            is_quiet: &|_, _| true,
            observer: None,
            lane,
        };
        let gathered = gather
            .all(&answer.artifacts)
            .map_err(|problem| match problem {
                Problem::Refused(refusal) => placed(refusal),
                other => other,
            })?;
        let sha256 = Digest::of(bytes);
        let mut objects = gathered.objects;
        objects.push((sha256, bytes.to_vec()));
        Ok(Prepared {
            unsure: unsure(workspace, hop, &answer),
            watched: workspace.settings.watches_results,
            warnings,
            about,
            answer,
            manifest: Manifest::new(sha256, gathered.entries),
            objects,
            pins: Arc::new(gathered.pins),
        })
    }

    /// Holds a result against what is expected back by the sender that it goes to.
    fn check_result(
        &self,
        workspace: &Workspace,
        card: &Card,
        hop: &Hop,
        answer: &Answer,
    ) -> Result<(), Problem> {
        let Some(depth) = Card::expecting(hop) else {
            if answer.result.is_none() && answer.artifacts.is_empty() {
                return Ok(());
            }
            let refusal = Refusal::new(
                ProblemKind::NoReturn,
                "no_return_contract",
                "nobody who handed this on expects a result",
                "leave `result` and `artifacts` out; a sender that wants something back says so in `expected_output` or `return_contract`",
            );
            return Err(refusal.at("/result").into());
        };
        let asked = card
            .hops
            .iter()
            .rfind(|one| one.depth() == depth + 1 && one.seq <= hop.seq);
        let Some(revision) = asked.and_then(|one| card.revision(one.offered.revision)) else {
            return Ok(());
        };
        let document = self
            .sealed_document(workspace, &revision.accepted)
            .map_err(Problem::Ours)?;
        let Some(schema) = document.pointer("/expected_output/schema") else {
            return Ok(());
        };
        let Some(result) = &answer.result else {
            // Work that was done before may be named instead.
            if answer.answer == AnswerKind::AlreadyDone && answer.original.is_some() {
                return Ok(());
            }
            let refusal = Refusal::new(
                ProblemKind::NoReturn,
                "result",
                "is missing; the sender expects one that keeps its schema",
                "add \"result\" as the `expected_output` of the handoff says",
            );
            return Err(refusal.at("/result").into());
        };
        workspace
            .settings
            .contracts
            .check_result(schema, result)
            .map_err(Problem::Refused)
    }

    /// The handoff in canonical form, from its sealed bytes.
    fn sealed_document(&self, workspace: &Workspace, accepted: &Accepted) -> Result<Value, String> {
        let sha256 = accepted.manifest.document;
        let missing = || format!("the sealed bytes {sha256} are missing");
        let kept = self.ledger.object(sha256);
        let bytes = if let Some(bytes) = kept.map_err(|error| error.to_string())? {
            bytes
        } else {
            let file = self.objects.open_object(sha256);
            let file = file.map_err(|error| error.to_string())?;
            let mut bytes = Vec::new();
            file.ok_or_else(missing)?
                .take(contract::MAX_BYTES as u64)
                .read_to_end(&mut bytes)
                .map_err(|error| error.to_string())?;
            bytes
        };
        let contracts = &workspace.settings.contracts;
        contracts
            .sealed(&bytes, &accepted.at)
            .map_err(|refusal| refusal.to_string())
    }

    /// Tells a receiver that its answer was known.
    fn answered_again(&self, workspace: &Workspace, at: &Location, receipt: &AnswerReceipt) {
        let name = names::answers_for(&at.file).receipt;
        let written = Answers::to(workspace, at)
            .map_err(Into::into)
            .and_then(|answers| {
                let mut here = workspace.answering();
                answers.remove_left_over()?;
                let last = |key| self.ledger.value(Space::Written, key);
                let wrote = |digest| self.ledger.wrote(digest);
                let remembered = Remembered {
                    last: &last,
                    wrote: &wrote,
                };
                answers.write(&mut here, &name, &json(receipt), remembered, true)
            });
        match written {
            Ok(written) => self.remember(written),
            // It says nothing that the receiver did not know.
            Err(error) => tracing::warn!(%error, "a repeated answer was not acknowledged"),
        }
    }

    fn refuse_answer(
        self: &Arc<Self>,
        at: Location,
        stamp: Stamp,
        sha256: Digest,
        refusal: Refusal,
        task: Task,
    ) {
        let (me, place) = (Arc::clone(self), at.clone());
        let values = vec![Seen::value(&at, Some(stamp))];
        self.ledger.submit(
            move |state, _| {
                let known = state.dead_letter(&at).is_some_and(|dead| {
                    dead.sha256 == Some(sha256) && dead.violations == refusal.violations
                });
                let event = Event::Refused {
                    at,
                    sha256: None,
                    kind: refusal.kind,
                    violations: refusal.violations,
                };
                let events = (!known).then_some((Actor::Daemon, event));
                Ok::<_, Infallible>(Draft {
                    values,
                    ..Draft::of(events.into_iter().collect(), ())
                })
            },
            move |done| match done {
                Ok(_) => {
                    me.seen().take(&place, stamp);
                    me.queue.finish(task, None);
                }
                Err(error) => me.wait_with(task, "a refusal", &error),
            },
        );
    }
}

impl Intake {
    /// Takes the answer of a receiver; gives the receipt once it is on the disk.
    pub async fn answer(
        &self,
        workspace: Arc<Workspace>,
        submitted: SubmittedAnswer,
    ) -> Result<AnswerReceipt, SubmitError> {
        let SubmittedAnswer {
            id,
            hop,
            agent,
            document,
            files,
            principal,
        } = submitted;
        if let Principal::Token { agent: own, .. } = &principal
            && workspace.settings.mesh.canonical(own) != workspace.settings.mesh.canonical(&agent)
        {
            return Err(SubmitError::Refused(Refusal::new(
                ProblemKind::PrincipalMismatch,
                "not_this_agent",
                format!("the token speaks for `{own}`, and the answer is for `{agent}`"),
                "answer as the agent that the token was made for",
            )));
        }
        let folder = format!("{}/{agent}", names::AGENTS);
        let about = About {
            id,
            hop,
            agent,
            principal,
            at: Location {
                workspace: workspace.name.to_string(),
                folder: folder.clone(),
                file: String::new(),
            },
        };
        let sha256 = Digest::of(&document);
        let name = Arc::clone(&workspace.name);
        let sent = Arc::new((document, as_named(files)));
        let mut lane = Lane::Small;
        let prepared = loop {
            let _turn = self.inner.turns.wait(&name, lane).await;
            let (me, workspace, sent) = (
                Arc::clone(&self.inner),
                Arc::clone(&workspace),
                Arc::clone(&sent),
            );
            let (about, folder) = (about.clone(), folder.clone());
            let prepared = lane::run(lane, move || {
                let here = workspace
                    .dir()
                    .make_folder(Path::new(&folder), FOLDER_MODE)
                    .map_err(|error| Problem::Ours(error.to_string()))?;
                let (document, files) = &*sent;
                me.prepare_answer(&workspace, (&here, Some(files), lane), document, about)
            });
            match prepared.await.map_err(SubmitError::Unavailable)? {
                Ok(prepared) => break prepared,
                Err(Problem::Large(next)) => lane = next,
                Err(Problem::Busy(path)) => {
                    return Err(SubmitError::Refused(still_written(&path)));
                }
                Err(Problem::Refused(refusal)) => return Err(SubmitError::Refused(refusal)),
                Err(Problem::Ours(why)) => return Err(SubmitError::Unavailable(why)),
            }
        };
        let (answer, pins) = (prepared.answer.answer, Arc::clone(&prepared.pins));
        let warnings = prepared.warnings.clone();
        let recorded = self.inner.ledger.transact(move |state, now| {
            let draft = record(state, now, prepared, Vec::new());
            match draft.value {
                Told::Refused(refusal) => Err(refusal),
                _ => Ok(draft),
            }
        });
        let recorded = recorded.await;
        drop(pins);
        let status = match recorded {
            Ok((Told::New, _)) => "accepted",
            Ok((Told::Duplicate, _)) => "duplicate",
            Ok((Told::Refused(refusal), _)) | Err(TransactError::Refused(refusal)) => {
                return Err(refusal.into());
            }
            Err(error) => return Err(SubmitError::Unavailable(error.to_string())),
        };
        Ok(AnswerReceipt {
            receipt_version: "1.0".to_owned(),
            status: status.to_owned(),
            handoff_id: id,
            hop,
            answer,
            received_at: self.inner.clock.now(),
            answer_sha256: sha256,
            warnings,
        })
    }
}

/// What an answer says about itself must be what its place says.
fn agrees(answer: &Answer, about: &About) -> Result<(), Refusal> {
    let other = |field: &str, stated: &str, found: String| {
        let refusal = Refusal::new(
            ProblemKind::InvalidContract,
            "other_place",
            format!("is {stated}, and the answer lies where one to {found} belongs"),
            "leave the field out, or put the answer beside the package that it is about",
        );
        Err(refusal.at(format!("/{field}")))
    };
    match (&answer.handoff_id, answer.hop, &answer.agent) {
        (Some(id), _, _) if *id != about.id.to_string() => {
            other("handoff_id", id, about.id.to_string())
        }
        (_, Some(hop), _) if hop != about.hop => {
            other("hop", &hop.to_string(), about.hop.to_string())
        }
        (_, _, Some(agent)) if *agent != about.agent => other("agent", agent, about.agent.clone()),
        _ => Ok(()),
    }
}

fn unknown(about: &About) -> Refusal {
    let package = names::package_of(about.id, about.hop);
    Refusal::new(
        ProblemKind::NotOpen,
        "no_such_hop",
        format!("there is no package {package} in this workspace"),
        "answer a package that lies in your folder, under its name",
    )
}

/// Only the receiver of a hop answers it.
fn is_receiver(workspace: &Workspace, hop: &Hop, about: &About) -> Result<(), Refusal> {
    let mesh = &workspace.settings.mesh;
    if mesh.canonical(&hop.offered.to) != mesh.canonical(&about.agent) {
        return Err(Refusal::new(
            ProblemKind::PrincipalMismatch,
            "not_the_receiver",
            format!("the package is for `{}`", hop.offered.to),
            "answer packages of your own",
        ));
    }
    let user = mesh.find(&about.agent).and_then(|one| one.user);
    match (&about.principal, user) {
        (Principal::FileOwner { uid }, Some(user)) if *uid != user => Err(Refusal::new(
            ProblemKind::PrincipalMismatch,
            "not_this_user",
            format!(
                "the file belongs to user {uid}, and `{}` is user {user}",
                about.agent
            ),
            "let the agent write the file itself",
        )),
        _ => Ok(()),
    }
}

/// Decides about an answer against the state: the same a second time is a duplicate, and what the hop does
/// not wait for is refused.
fn record(
    state: &State,
    now: Timestamp,
    prepared: Prepared,
    values: Vec<(Space, String, Option<String>)>,
) -> Draft<Told> {
    let Prepared {
        about,
        answer,
        manifest,
        objects,
        pins: _,
        unsure,
        watched,
        warnings,
    } = prepared;
    let healed = state.dead_letter(&about.at).map(|dead| Event::RefusedGone {
        at: dead.location.clone(),
    });
    let mut events: Vec<_> = healed
        .into_iter()
        .map(|event| (Actor::Daemon, event))
        .collect();
    let found = state
        .card(about.id)
        .and_then(|card| Some((card, card.hop(about.hop)?)));
    let Some((card, hop)) = found else {
        return Draft {
            values,
            ..Draft::nothing(Told::Refused(unknown(&about)))
        };
    };
    match fits(hop, &answer, manifest.document) {
        Fits::New => {}
        Fits::Known => {
            return Draft {
                values,
                ..Draft::of(events, Told::Duplicate)
            };
        }
        Fits::Not(refusal) => return Draft::nothing(Told::Refused(refusal)),
    }
    let until = answer.retry_after_seconds.and_then(|seconds| {
        let span = SignedDuration::from_secs(i64::try_from(seconds).ok()?);
        now.checked_add(span).ok()
    });
    let actor = Actor::Agent {
        name: about.agent.clone(),
        principal: about.principal,
    };
    let is_done = matches!(
        answer.answer,
        AnswerKind::Complete | AnswerKind::AlreadyDone
    );
    let answered = Answered {
        handoff: about.id,
        hop: about.hop,
        agent: about.agent,
        answer: answer.answer,
        reason: answer.reason,
        note: answer.note,
        percent: answer.percent,
        confidence: answer.confidence.map(|confidence| confidence.value),
        until,
        original: answer.original,
        has_result: answer.result.is_some(),
        held: unsure.is_some() || (is_done && watched),
        warnings,
        manifest,
        at: about.at,
    };
    events.push((actor, Event::of_answer(answered)));
    if let Some(text) = unsure {
        let stopped = Stopped {
            handoff: about.id,
            revision: hop.offered.revision,
            why: Why::UnsureResult,
            text,
            to: hop.offered.to.clone(),
            work_sha256: hop.offered.work_sha256,
        };
        events.push((Actor::Daemon, Event::HopStopped(Box::new(stopped))));
    } else if is_done && !watched {
        let resolved = card
            .ended_with(hop)
            .into_iter()
            .map(|earlier| Event::HopResolved {
                handoff: about.id,
                hop: earlier,
                by: about.hop,
            });
        events.extend(resolved.map(|event| (Actor::Daemon, event)));
    }
    Draft {
        events,
        objects,
        values,
        value: Told::New,
    }
}

/// How an answer stands to the hop that it is about.
enum Fits {
    New,
    Known,
    Not(Refusal),
}

fn fits(hop: &Hop, answer: &Answer, document: Digest) -> Fits {
    use AnswerKind::{Accept, AlreadyDone, Complete, Decline, Duplicate, Fail, Progress, Queue};
    let last = hop.last_answer();
    if last.is_some_and(|last| last.answered.manifest.document == document) {
        return Fits::Known;
    }
    match (hop.stage, answer.answer) {
        (HopStage::Offered | HopStage::Queued, _)
        | (HopStage::Accepted, Progress | Complete | AlreadyDone | Fail) => Fits::New,
        // Said again in other bytes, for example with another time in it.
        (HopStage::Accepted, Accept)
        | (HopStage::Completed | HopStage::InReview, Complete | AlreadyDone)
        | (HopStage::Declined, Decline)
        | (HopStage::Duplicate, Duplicate)
        | (HopStage::Failed, Fail) => Fits::Known,
        (HopStage::Accepted, Decline | Queue | Duplicate) => Fits::Not(not_open(
            "the task was accepted already",
            "answer `fail` with a reason to give it back, or `complete` it",
        )),
        (stage, _) => Fits::Not(not_open(over(stage), "nothing is expected of you any more")),
    }
}

fn over(stage: HopStage) -> &'static str {
    match stage {
        HopStage::HandedOn => "you handed the task on, and it has not come back",
        HopStage::Returned => "you handed the task back",
        HopStage::InReview => "you are done, and a person looks at your result",
        HopStage::Completed => "the task is completed",
        HopStage::Declined => "you declined it",
        HopStage::Duplicate => "you said that it is a duplicate",
        HopStage::Failed => "you gave it up",
        HopStage::TimedOut => "the time for an answer is over, and others were asked",
        HopStage::Withdrawn => "the sender took it back",
        HopStage::Offered | HopStage::Queued | HopStage::Accepted => "it waits for another answer",
    }
}

fn not_open(message: &str, fix: &str) -> Refusal {
    Refusal::new(ProblemKind::NotOpen, "not_open", message, fix).at("/answer")
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
