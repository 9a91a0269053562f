//! Versions of what was handed over, as people ask for them.

use std::sync::Arc;

use async_trait::async_trait;
use countersign_protocol::{
    HandoffId,
    access::Permission,
    anchor::{self, Anchor},
    event::{Event, Marked},
};
use countersign_web::desk::{
    Caller, DeskError, Person, VersionsDesk,
    versions::{
        Archive, ArchiveFormat, Changed, ChangedQuestion, ChangedRow, ChangedSpan, CollectedRow,
        ForgottenRow, MarkRow, MomentRow, NewMark, VersionRow,
    },
};
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::{
    LedgerDesk,
    access::{actor, sees, visible_card},
    commands::refused,
};
use crate::{
    ledger::{Card, Draft, MAX_AGENT_MARKS, Mark, State},
    versions::{self, Asker, Change, Log, Point, Scope, archive},
};

/// Longest note of a mark, in characters.
const MOST_WORDS: usize = 500;

/// Bytes in a piece of an archive.
const PIECE: usize = 128 * 1024;
/// Pieces that wait for a slow reader.
const PIECES: usize = 4;

/// Hands on what is written, and waits while nobody takes it.
struct Pieces(mpsc::Sender<std::io::Result<Vec<u8>>>);

impl std::io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let sent = self.0.blocking_send(Ok(bytes.to_vec()));
        sent.map_err(|_| std::io::Error::from(std::io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A workspace with its log and the two moments.
pub(in crate::review) struct Part {
    pub(in crate::review) log: Log,
    pub(in crate::review) span: ChangedSpan,
}

impl LedgerDesk {
    /// The archive, which is written as it is read.
    fn written(
        &self,
        name: String,
        contents: archive::Contents,
        format: ArchiveFormat,
    ) -> Result<Archive, DeskError> {
        let place = Arc::clone(&self.archives)
            .try_acquire_owned()
            .map_err(|_| {
                DeskError::Unavailable(
                    "too many archives are being written; try again when one is done".to_owned(),
                )
            })?;
        let format = match format {
            ArchiveFormat::Zip => archive::Format::Zip,
            ArchiveFormat::Tar => archive::Format::Tar,
        };
        let (send, pieces) = mpsc::channel(PIECES);
        let (ledger, objects) = (self.ledger.clone(), Arc::clone(&self.objects));
        tokio::task::spawn_blocking(move || {
            let _place = place;
            let open = |sha256| super::files::whole(&ledger, &objects, sha256);
            let out = std::io::BufWriter::with_capacity(PIECE, Pieces(send.clone()));
            if let Err(error) = archive::write(&contents, format, open, out) {
                // Who reads learns that the archive is not whole; who left learns nothing.
                let _ = send.blocking_send(Err(error));
            }
        });
        Ok(Archive { name, pieces })
    }

    fn asker<'a>(&self, who: &'a Caller) -> Asker<'a> {
        Asker {
            person: match who {
                Caller::Person(person) => Some(&person.id),
                Caller::Agent(_) => None,
            },
            now: self.clock.now(),
        }
    }

    /// The workspaces that a question is about.
    fn asked_workspaces(
        &self,
        who: &Caller,
        question: &ChangedQuestion,
        card: Option<&Card>,
    ) -> Result<Vec<String>, DeskError> {
        match (card, &question.workspace) {
            (Some(card), _) => Ok(vec![card.workspace.clone()]),
            (None, Some(workspace)) => {
                self.visible_workspace(who, workspace)?;
                Ok(vec![workspace.clone()])
            }
            (None, None) => {
                let all = self.workspaces.all();
                let names = all.iter().map(|one| one.name.to_string());
                Ok(names.filter(|name| sees(who, name)).collect())
            }
        }
    }

    /// What to fold, taken out of the state.
    pub(in crate::review) fn parts(
        &self,
        who: &Caller,
        question: &ChangedQuestion,
    ) -> Result<(Vec<Part>, Vec<String>), DeskError> {
        let state = self.ledger.state();
        let card = question
            .handoff
            .map(|id| visible_card(&state, who, id))
            .transpose()?;
        let workspaces = self.asked_workspaces(who, question, card.as_deref())?;
        let asker = self.asker(who);
        let is_one = workspaces.len() == 1;
        let (mut parts, mut left_out) = (Vec::new(), Vec::new());
        for workspace in workspaces {
            let scope = Scope {
                workspace: &workspace,
                card: card.as_deref(),
            };
            let moment = |anchor: &Anchor| {
                versions::resolve(&state, scope, asker, anchor)
                    .map(|point| moment_row(point, anchor, card.as_deref()))
            };
            let from = match &question.from {
                Some(anchor) => moment(anchor),
                None => moment(&Anchor::MyLastReview).or_else(|_| moment(&Anchor::Start)),
            };
            let to = moment(question.to.as_ref().unwrap_or(&Anchor::Now));
            match from.and_then(|from| Ok((from, to?))) {
                Ok((from, to)) => parts.push(Part {
                    log: match &card {
                        Some(card) => Log::of_card(card),
                        None => Log::of_workspace(&state, &workspace),
                    },
                    span: ChangedSpan {
                        workspace,
                        from,
                        to,
                    },
                }),
                Err(why) if is_one => return Err(unresolved(why)),
                Err(why) => left_out.push(why.to_string()),
            }
        }
        Ok((parts, left_out))
    }
}

/// A question that cannot be answered here is one that could be asked otherwise.
fn unresolved(why: versions::Unresolved) -> DeskError {
    DeskError::Invalid {
        field: "from".to_owned(),
        message: why.to_string(),
    }
}

fn moment_row(point: Point, anchor: &Anchor, card: Option<&Card>) -> MomentRow {
    let revision = card.map(|card| {
        let until = card.revisions.partition_point(|one| one.seq <= point.seq);
        u32::try_from(until).unwrap_or(u32::MAX)
    });
    MomentRow {
        seq: point.seq,
        at: point.at,
        anchor: anchor.to_string(),
        label: point.label,
        revision,
    }
}

fn row(workspace: &str, change: Change) -> ChangedRow {
    ChangedRow {
        workspace: workspace.to_owned(),
        folder: change.folder,
        path: change.path,
        change: change.change,
        from_path: change.from,
        percent: change.percent,
        size_before: change.before.map(|leaf| leaf.size),
        size: change.after.map(|leaf| leaf.size),
        sha256_before: change.before.map(|leaf| leaf.sha256),
        sha256: change.after.map(|leaf| leaf.sha256),
        handoff: change.handoff,
        revision: change.revision,
        agent: change.agent,
        at: change.at,
        seq: change.seq,
    }
}

#[async_trait]
impl VersionsDesk for LedgerDesk {
    async fn changed(&self, who: &Caller, question: ChangedQuestion) -> Result<Changed, DeskError> {
        let (parts, left_out) = self.parts(who, &question)?;
        let (ledger, objects) = (self.ledger.clone(), Arc::clone(&self.objects));
        let folded = tokio::task::spawn_blocking(move || {
            let mut changed = Changed {
                left_out,
                ..Changed::default()
            };
            for Part { log, span } in parts {
                let changes = log.between(span.from.seq, span.to.seq);
                changed.restored += changes.restored.len();
                let text = |sha256| super::files::small(&ledger, &objects, sha256);
                let mut found = versions::renamed(changes.changed, text);
                if question.restored {
                    found.extend(changes.restored);
                    found.sort_by(|a, b| (&a.folder, &a.path).cmp(&(&b.folder, &b.path)));
                }
                let rows = found.into_iter().map(|one| row(&span.workspace, one));
                changed.rows.extend(rows);
                changed.spans.push(span);
            }
            changed
        });
        folded
            .await
            .map_err(|error| DeskError::Unavailable(error.to_string()))
    }

    async fn moment(
        &self,
        who: &Caller,
        id: HandoffId,
        anchor: &Anchor,
    ) -> Result<MomentRow, DeskError> {
        let state = self.ledger.state();
        let card = visible_card(&state, who, id)?;
        let scope = Scope {
            workspace: &card.workspace,
            card: Some(&card),
        };
        let point = versions::resolve(&state, scope, self.asker(who), anchor);
        let point = point.map_err(unresolved)?;
        Ok(moment_row(point, anchor, Some(&card)))
    }

    async fn versions(&self, who: &Caller, id: HandoffId) -> Result<Vec<VersionRow>, DeskError> {
        let state = self.ledger.state();
        let card = visible_card(&state, who, id)?;
        Ok(rows_of(&state, &card))
    }

    async fn archive(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: u32,
        format: ArchiveFormat,
    ) -> Result<Archive, DeskError> {
        let contents = {
            let state = self.ledger.state();
            let card = visible_card(&state, who, id)?;
            let found = card
                .revision(revision)
                .ok_or_else(|| DeskError::NotFound(format!("{id} revision {revision}")))?;
            if found.is_forgotten {
                return Err(DeskError::NotFound(format!(
                    "the content of {id} revision {revision}, which was let go of undecided,"
                )));
            }
            archive::contents(&found.accepted, found.at)
        };
        let name = format!("{}.{}", contents.folder, format.extension());
        self.written(name, contents, format)
    }

    async fn snapshot(
        &self,
        who: &Caller,
        workspace: &str,
        at: &Anchor,
        format: ArchiveFormat,
    ) -> Result<Archive, DeskError> {
        self.visible_workspace(who, workspace)?;
        let (log, point) = {
            let state = self.ledger.state();
            let scope = Scope {
                workspace,
                card: None,
            };
            let point = versions::resolve(&state, scope, self.asker(who), at)
                .map_err(|error| DeskError::NotFound(error.to_string()))?;
            (Log::of_workspace(&state, workspace), point)
        };
        let (files, last) = log.standing(point.seq);
        let last = last.unwrap_or(Timestamp::UNIX_EPOCH);
        let contents = archive::of_moment(&files, point.seq, last);
        // It becomes a name in a header.
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let name = workspace.replace(|letter| !plain(letter), "_");
        let name = format!("{name}-{}.{}", contents.folder, format.extension());
        self.written(name, contents, format)
    }

    async fn collect(&self, who: &Person, dry_run: bool) -> Result<CollectedRow, DeskError> {
        who.check(Permission::Maintain, None)?;
        let found = if dry_run {
            self.collector.plan().await
        } else {
            self.collector.run().await
        };
        let found = found.map_err(|error| DeskError::Unavailable(error.to_string()))?;
        let revisions = found.revisions.into_iter();
        Ok(CollectedRow {
            dry_run,
            revisions: revisions
                .map(|(handoff, revision)| ForgottenRow { handoff, revision })
                .collect(),
            files: found.files,
            bytes: found.bytes,
            small: found.small,
        })
    }

    async fn mark(&self, who: &Caller, mark: NewMark) -> Result<MarkRow, DeskError> {
        self.check_workspace(who, &mark.workspace, Permission::Mark)?;
        let marked = checked(mark)?;
        let is_agent = matches!(who, Caller::Agent(_));
        let (actor, workspace) = (actor(who), marked.workspace.clone());
        let recorded = self
            .ledger
            .transact(move |state, now| {
                if is_agent && !state.has_room_for_marks(&marked.workspace, now) {
                    return Err(DeskError::NotAllowed(format!(
                        "Agents set {MAX_AGENT_MARKS} marks in `{}` within a day already; set one for a build, not for a step",
                        marked.workspace
                    )));
                }
                let event = Event::Marked(Box::new(marked));
                Ok::<_, DeskError>(Draft::of(vec![(actor, event)], ()))
            })
            .await;
        let ((), entries) = recorded.map_err(refused)?;
        let seq = entries.last().map(|entry| entry.seq);
        let state = self.ledger.state();
        let mark = state
            .marks(&workspace)
            .iter()
            .rfind(|mark| Some(mark.seq) == seq);
        mark.map(|mark| mark_row(mark))
            .ok_or_else(|| DeskError::Unavailable("it was recorded but cannot be read".to_owned()))
    }

    async fn marks(
        &self,
        who: &Caller,
        workspace: Option<&str>,
    ) -> Result<Vec<MarkRow>, DeskError> {
        let question = ChangedQuestion {
            workspace: workspace.map(str::to_owned),
            ..ChangedQuestion::default()
        };
        let workspaces = self.asked_workspaces(who, &question, None)?;
        let state = self.ledger.state();
        let marks = workspaces.iter().flat_map(|name| state.marks(name));
        let mut rows: Vec<MarkRow> = marks.map(|mark| mark_row(mark)).collect();
        rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.seq));
        Ok(rows)
    }
}

fn checked(mark: NewMark) -> Result<Marked, DeskError> {
    let invalid = |field: &str, message: &str| {
        Err(DeskError::Invalid {
            field: field.to_owned(),
            message: message.to_owned(),
        })
    };
    if !anchor::is_kind(&mark.kind) {
        return invalid(
            "kind",
            "a kind is a word of at most 32 small letters, digits and hyphens, such as `build`, and none that anchors use",
        );
    }
    if mark
        .value
        .as_deref()
        .is_some_and(|value| !anchor::is_value(value))
    {
        return invalid(
            "value",
            "a value has at most 100 visible characters and no spaces, such as `318`",
        );
    }
    if mark
        .note
        .as_ref()
        .is_some_and(|note| note.chars().count() > MOST_WORDS)
    {
        return invalid("note", "a note has at most 500 characters");
    }
    Ok(Marked {
        workspace: mark.workspace,
        kind: mark.kind,
        value: mark.value,
        note: mark.note,
        at: None,
        sha256: None,
    })
}

fn mark_row(mark: &Mark) -> MarkRow {
    let marked = &mark.marked;
    let anchor = Anchor::Mark {
        kind: marked.kind.clone(),
        value: marked.value.clone(),
    };
    MarkRow {
        workspace: marked.workspace.clone(),
        kind: marked.kind.clone(),
        value: marked.value.clone(),
        note: marked.note.clone(),
        by: mark.actor.name().to_owned(),
        at: mark.at,
        seq: mark.seq,
        anchor: anchor.to_string(),
    }
}

/// Revisions, checkpoints and decisions of a card, newest first.
fn rows_of(state: &State, card: &Card) -> Vec<VersionRow> {
    let revision_at = |seq: u64| {
        let until = card.revisions.partition_point(|one| one.seq <= seq);
        let revision = until.checked_sub(1).map(|last| &card.revisions[last]);
        (u32::try_from(until).unwrap_or(u32::MAX), revision)
    };
    let of = |kind: &str, anchor: Anchor, title: String, by: &str, at: Timestamp, seq: u64| {
        let (number, revision) = revision_at(seq);
        let manifest = revision.map(|one| &one.accepted.manifest);
        VersionRow {
            kind: kind.to_owned(),
            anchor: anchor.to_string(),
            title,
            by: by.to_owned(),
            at,
            seq,
            revision: number,
            sha256: revision.map_or(countersign_protocol::Digest::ZERO, |one| {
                one.accepted.manifest_sha256
            }),
            files: manifest.map_or(0, |manifest| manifest.entries.len()),
            size: manifest.map_or(0, countersign_protocol::manifest::Manifest::total_size),
            kept: revision.is_none_or(|one| !one.is_forgotten),
        }
    };
    let mut rows: Vec<VersionRow> = card
        .revisions
        .iter()
        .map(|one| {
            let accepted = &one.accepted;
            let anchor = Anchor::Revision(accepted.revision);
            let title = accepted.title.clone();
            of(
                "revision",
                anchor,
                title,
                &accepted.from_agent,
                one.at,
                one.seq,
            )
        })
        .collect();
    rows.extend(card.decisions.iter().map(|one| {
        let outcome = one.decided.outcome.word().to_owned();
        of(
            "decision",
            Anchor::Entry(one.seq),
            outcome,
            one.actor.name(),
            one.at,
            one.seq,
        )
    }));
    let here = &card.newest().accepted.at;
    let checkpoints = state.tracks_in(here).flat_map(|track| &track.versions);
    rows.extend(checkpoints.map(|one| {
        let title = one.saved.title.clone().unwrap_or_default();
        let anchor = Anchor::Entry(one.seq);
        let row = of(
            "checkpoint",
            anchor,
            title,
            &one.saved.agent,
            one.at,
            one.seq,
        );
        VersionRow {
            sha256: one.saved.sha256,
            ..row
        }
    }));
    rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.seq));
    rows
}
