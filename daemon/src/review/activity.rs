//! The newest entries of the ledger as lines for people.

use countersign_protocol::{
    access::Permission,
    event::{AccountChange, Event, Location},
    lock::LockName,
    ownership::FilesGiven,
    release::{Restored, Violated},
    routing::Asked,
    transfer::{AnswerKind, Answered, Phase},
};
use countersign_web::desk::{ActivityRow, Caller, DeskError};

use super::{LedgerDesk, timeline};
use crate::policy::words::{self, Name};

/// Most lines on one page.
const MOST: usize = 500;

impl LedgerDesk {
    pub(super) async fn recent(
        &self,
        who: &Caller,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ActivityRow>, DeskError> {
        self.check_anywhere(who, Permission::Activity)?;
        let limit = limit.clamp(1, MOST);
        let end = before
            .unwrap_or(u64::MAX)
            .min(self.ledger.state().head.seq + 1);
        let start = end.saturating_sub(limit as u64 + 1);
        let mut entries = Vec::new();
        let mut after = start;
        while after + 1 < end {
            let more = self.ledger.entries(after, limit).await;
            let more = more.map_err(|error| DeskError::Unavailable(error.to_string()))?;
            let Some(last) = more.last() else { break };
            after = last.body.seq;
            entries.extend(more);
        }
        let mut rows = Vec::new();
        let newest = entries.iter().rev();
        for entry in newest.filter(|entry| entry.body.seq < end) {
            let body = &entry.body;
            let place = self.ledger.state().log_line(body, entry.hash).workspace;
            if matches!(who, Caller::Agent(_)) && body.event.stays_at_desk() {
                continue;
            }
            if who.may(Permission::Activity, place.as_deref()) {
                rows.push(ActivityRow {
                    seq: body.seq,
                    at: body.at,
                    actor: body.actor.name().to_owned(),
                    event: body.event.name().to_owned(),
                    handoff: body.event.handoff(),
                    workspace: place,
                    text: line(&body.event, &|id| self.name_of(id)),
                });
            }
        }
        Ok(rows)
    }
}

fn account_line(account: &str, change: &AccountChange) -> String {
    match change {
        AccountChange::Made => format!("made the account {account}"),
        AccountChange::Reset => format!("made a link to set the password of {account}"),
        AccountChange::PasswordSet => format!("set the password of {account}"),
        AccountChange::Disabled => format!("disabled the account {account}"),
        AccountChange::Enabled => format!("enabled the account {account}"),
        AccountChange::Bound { issuer } => format!("bound the account {account} to {issuer}"),
        AccountChange::SignedIn { by } => format!("signed in by {}", by.replace('_', " ")),
        AccountChange::PasskeyAdded { passkey } => {
            format!("added the passkey {passkey} to the account {account}")
        }
        AccountChange::PasskeyRemoved { passkey } => {
            format!("removed the passkey {passkey} of the account {account}")
        }
        AccountChange::Invited { handoff, name, .. } => {
            format!("invited {name} from outside to {handoff}")
        }
        AccountChange::Uninvited => format!("took the invitation {account} back"),
        AccountChange::SessionEnded => format!("ended a session of {account}"),
        AccountChange::TokenMade {
            token, workspaces, ..
        } => {
            let reach = match workspaces {
                Some(names) => names.join(", "),
                None => "every workspace".to_owned(),
            };
            format!("made the token {token} of {account} for {reach}")
        }
        AccountChange::TokenRevoked { token } => {
            format!("took back the token {token} of {account}")
        }
    }
}

/// What became of the files of a workspace that changed hands.
fn given_away(given: &FilesGiven) -> String {
    let FilesGiven {
        workspace,
        settlement,
        ..
    } = given;
    let left = settlement.left.len() as u64 + settlement.more;
    let but = if left == 0 {
        String::new()
    } else {
        format!(", {left} could not be given")
    };
    format!(
        "{} files and {} folders of {workspace} have their new owner{but}",
        settlement.files, settlement.folders
    )
}

/// What happened, in words, with people by their names.
pub(super) fn line(event: &Event, name: Name<'_>) -> String {
    let names = |asked: &[Asked]| words::names(asked, name);
    match event {
        Event::Accepted(accepted) => format!(
            "handed over revision {}: {}",
            accepted.revision, accepted.title
        ),
        Event::Refused { at, kind, .. } => format!("{} was refused: {}", path(at), kind.title()),
        Event::RefusedGone { at } => format!("{} is gone; it had been refused", path(at)),
        Event::Viewed { revision, .. } => format!("opened revision {revision}"),
        Event::Checked(checked) => {
            let all = checked.results.iter();
            let all: Vec<String> = all
                .map(|one| format!("{} {}", one.name, one.ended.words()))
                .collect();
            format!("checked revision {}: {}", checked.revision, all.join(", "))
        }
        Event::AnswerHeld(held) => format!(
            "answered revision {}, {}, and can take it back until {:.0}",
            held.decided.revision,
            held.decided.outcome.word(),
            held.until
        ),
        Event::AnswerUndone { .. } => "took the answer back".to_owned(),
        Event::AnswerLapsed { why, .. } => format!("the answer was not given: {why}"),
        Event::Voted(voted) => match &voted.comment {
            Some(comment) => format!(
                "voted on revision {}, {}: {comment}",
                voted.revision,
                voted.outcome.word()
            ),
            None => format!(
                "voted on revision {}, {}",
                voted.revision,
                voted.outcome.word()
            ),
        },
        Event::Decided(decided) => match &decided.comment {
            Some(comment) => format!(
                "revision {} {}: {comment}",
                decided.revision,
                decided.outcome.word()
            ),
            None => format!("revision {} {}", decided.revision, decided.outcome.word()),
        },
        Event::Withdrawn {
            reason: Some(reason),
            ..
        } => format!("withdrawn: {reason}"),
        Event::Withdrawn { reason: None, .. } => "withdrawn".to_owned(),
        Event::Commented {
            thread: Some(thread),
            text,
            ..
        } => format!("answered in thread {thread}: {text}"),
        Event::Commented { text, .. } => format!("commented: {text}"),
        Event::ThreadResolved { thread, .. } => format!("resolved thread {thread}"),
        Event::ThreadReopened { thread, .. } => format!("opened thread {thread} anew"),
        Event::Delivered { revision, at, .. } if at.is_empty() => {
            format!("the answer to revision {revision} stands in the agent’s folder")
        }
        Event::Delivered { revision, at, .. } => format!(
            "the answer to revision {revision} stands in {}",
            timeline::folders(at)
        ),
        Event::Undelivered { revision, at, .. } => format!(
            "the answer to revision {revision} was not delivered: {} is gone",
            timeline::folder(at)
        ),
        Event::Found { revision, at, .. } => {
            format!("revision {revision} was found in {}", timeline::folder(at))
        }
        Event::Released { folder, .. } => format!("files released to {folder}/"),
        Event::Used(used) => format!("used the approval of revision {}", used.revision),
        Event::Violated(violated) => violation(violated),
        Event::Restored(restored) => put_right(restored),
        Event::Routed(routed) => format!(
            "rule {} asks {} about revision {}",
            routed.rule,
            names(&routed.asked),
            routed.revision
        ),
        Event::Progressed(passed) => format!(
            "rule {} let revision {} pass: {}",
            passed.rule, passed.revision, passed.why
        ),
        Event::Reminded(step) => format!("nobody answered; reminded {}", names(&step.asked)),
        Event::Reassigned(step) => {
            format!("nobody answered; now {} is asked", names(&step.asked))
        }
        Event::Escalated(step) => format!("nobody answered; also asked {}", names(&step.asked)),
        Event::Expired(step) => format!("nobody answered; rule {} closed it", step.rule),
        Event::DeadLettered(_) => "nobody answered; it is among the dead letters".to_owned(),
        Event::Redriven { revision, .. } => format!("sent revision {revision} on its way again"),
        Event::Claimed { revision, .. } => format!("took revision {revision}"),
        Event::Unclaimed { .. } => "gave it back".to_owned(),
        Event::Assigned(assigned) => {
            let how = if assigned.beside {
                "as well"
            } else {
                "instead"
            };
            let asked = format!("asked {} {how}", names(&assigned.asked));
            match &assigned.note {
                Some(note) => format!("{asked}: {note}"),
                None => asked,
            }
        }
        Event::Snoozed { until, .. } => format!("put it off until {until:.0}"),
        Event::Rescheduled { .. } => "set its deadlines anew after the clock was wrong".to_owned(),
        Event::Account { account, change } => account_line(account, change),
        Event::ClockJumped { expected, found } => {
            format!("the clock of this machine showed {found:.0} instead of {expected:.0}")
        }
        Event::Forgotten { revision, .. } => {
            format!("the bytes of revision {revision} are no longer kept")
        }
        Event::TimedOut { revision, .. } => {
            format!("the agent no longer counts on an answer to revision {revision}")
        }
        Event::Offered(offered) => format!(
            "handed revision {} to {} (hop {}, {})",
            offered.revision, offered.to, offered.hop, offered.by
        ),
        Event::PackageDelivered { folder, .. } => format!("the package stands in {folder}/"),
        Event::TaskAccepted(_)
        | Event::TaskDeclined(_)
        | Event::TaskQueued(_)
        | Event::TaskDuplicate(_)
        | Event::TaskProgressed(_)
        | Event::TaskCompleted(_)
        | Event::TaskFailed(_) => event.answered().map_or_else(String::new, said),
        Event::HopResolved { hop, by, .. } => format!("hop {hop} came to an end with hop {by}"),
        Event::ResultPassed { hop, .. } => {
            format!("a person let the result of hop {hop} through")
        }
        Event::ReceiverReminded { hop, number, .. } => {
            format!("the receiver of hop {hop} was reminded ({number})")
        }
        Event::HopTimedOut(overdue) => match overdue.phase {
            Phase::Acknowledge => format!("nobody took hop {} in time", overdue.hop),
            Phase::Complete => format!("hop {} was not finished in time", overdue.hop),
        },
        Event::TaskReturned { hop, .. } => {
            format!("hop {hop} came to nothing; its sender has the task again")
        }
        Event::HopStopped(stopped) => format!("stopped, a person is asked: {}", stopped.text),
        Event::CheckpointSaved(saved) => {
            let title = saved
                .title
                .as_ref()
                .map(|title| format!(": {title}"))
                .unwrap_or_default();
            format!("checkpoint {} in {}{title}", saved.step, path(&saved.at))
        }
        Event::PartialKept(kept) => format!("chunk {} of a result was kept", path(&kept.at)),
        Event::AgentStalled {
            at,
            agent,
            process_gone,
            ..
        } => {
            let how = if *process_gone {
                "its process is gone"
            } else {
                "no sign of life"
            };
            format!("{agent} in {}: {how}", path(at))
        }
        Event::FilesChanged(changed) => format!("{} (rule {})", changed.words(), changed.rule),
        Event::Marked(marked) => {
            let value = marked.value.as_ref().map(|value| format!(" {value}"));
            let note = marked.note.as_ref().map(|note| format!(": {note}"));
            format!(
                "marked {}{}{}",
                marked.kind,
                value.unwrap_or_default(),
                note.unwrap_or_default()
            )
        }
        Event::LockRequested { lock, request } => {
            format!("waits for {}{}", on(lock), because(request.reason.as_ref()))
        }
        Event::LockAcquired { lock, request } => {
            let reason = request.as_ref().and_then(|request| request.reason.as_ref());
            format!("has {}{}", on(lock), because(reason))
        }
        Event::LockRenewed {
            lock, ttl_seconds, ..
        } => format!("keeps {} for {ttl_seconds} s at a time", on(lock)),
        Event::LockAsked { lock, note } => {
            format!("asks to release {}{}", on(lock), because(note.as_ref()))
        }
        Event::LockReleased { lock, handoff } => match handoff {
            Some(handoff) => format!("released {}, handed over as {handoff}", on(lock)),
            None => format!("released {}", on(lock)),
        },
        Event::LockExpired { lock, process_gone } => {
            let why = if *process_gone {
                "its process is gone"
            } else {
                "nothing was heard of its owner"
            };
            format!("{} ended: {why}", on(lock))
        }
        Event::OwnershipOffered(offer) => match &offer.note {
            Some(note) => format!("offered {} to {}: {note}", offer.workspace, offer.display),
            None => format!("offered {} to {}", offer.workspace, offer.display),
        },
        Event::OwnershipAccepted { workspace, .. } => format!("owns {workspace} now"),
        Event::OwnershipDeclined {
            workspace, reason, ..
        } => match reason {
            Some(reason) => format!("declined {workspace}: {reason}"),
            None => format!("declined {workspace}"),
        },
        Event::OwnershipWithdrawn { workspace, .. } => {
            format!("took the offer of {workspace} back")
        }
        Event::OwnershipExpired { workspace, .. } => {
            format!("nobody answered the offer of {workspace} in time")
        }
        Event::OwnershipReturned { workspace, note } => match note {
            Some(note) => format!("lets agents work in {workspace} again: {note}"),
            None => format!("lets agents work in {workspace} again"),
        },
        Event::FilesListed { workspace, .. } => {
            format!("wrote down whose the files of {workspace} are")
        }
        Event::FilesGiven(given) => given_away(given),
        Event::LockBroken { lock, reason } => format!("broke {}: {reason}", on(lock)),
        Event::TokenCreated { id, agent, .. } => format!("token {id} made for {agent}"),
        Event::TokenRevoked { id } => format!("token {id} taken back"),
        Event::SearchSaved { name, query } => format!("keeps the search “{name}”: {query}"),
        Event::SearchRemoved { name } => format!("keeps the search “{name}” no longer"),
        Event::MailStopped { person } => format!("{person} gets no more mail"),
        Event::MailResumed { person } => format!("{person} gets mail again"),
        Event::MessagesWished { person, .. } => format!("{person} chose how to be told"),
        Event::ReceiverDisabled { receiver, why } => {
            format!("{receiver} gets no more messages: {why}")
        }
        Event::ReceiverEnabled { receiver } => format!("{receiver} gets messages again"),
        Event::MessageFailed { receiver, why, .. } => {
            format!("a message to {receiver} failed for good: {why}")
        }
        Event::MessagesRedriven { receiver, count } => {
            format!("{count} failed messages to {receiver} go out again")
        }
    }
}

/// What a receiver said, one line.
pub(super) fn said(answered: &Answered) -> String {
    let what = match answered.answer {
        AnswerKind::Accept => "took hop",
        AnswerKind::Decline => "declined hop",
        AnswerKind::Queue => "takes later hop",
        AnswerKind::Duplicate => "is at it already: hop",
        AnswerKind::AlreadyDone => "had done before hop",
        AnswerKind::Progress => "is at work on hop",
        AnswerKind::Complete => "completed hop",
        AnswerKind::Fail => "gave up hop",
    };
    let percent = answered.percent.map(|percent| format!(", {percent} %"));
    let reason = answered
        .reason
        .map(|reason| format!(" ({})", reason.name()));
    let note = answered.note.as_ref().map(|note| format!(": {note}"));
    let more: String = [percent, reason, note].into_iter().flatten().collect();
    format!("{what} {}{more}", answered.hop)
}

/// That it was put right, with where the foreign things are.
fn put_right(restored: &Restored) -> String {
    let said = "approved work is as approved again".to_owned();
    let named = restored.taken.iter().take(3).map(|one| match &one.kept_at {
        Some(place) => format!("{} is kept in {place}", one.path),
        None => format!("{} was too large to keep", one.path),
    });
    let named: Vec<String> = named.collect();
    match restored.taken.len() {
        0 => said,
        taken if taken > named.len() => format!(
            "{said}; {}, and {} more",
            named.join(", "),
            taken - named.len()
        ),
        _ => format!("{said}; {}", named.join(", ")),
    }
}

/// What was found, in one line.
pub(super) fn violation(violated: &Violated) -> String {
    let named: Vec<String> = violated
        .found
        .iter()
        .take(3)
        .map(|one| format!("{} {}", one.path, one.kind.word()))
        .collect();
    let left = violated.found.len() + violated.more - named.len();
    let more = match left {
        0 => String::new(),
        left => format!(", and {left} more"),
    };
    format!(
        "{}/ was not as approved: {}{more}",
        violated.folder,
        named.join(", ")
    )
}

/// A lock with what it is on.
fn on(lock: &LockName) -> String {
    format!("{} on {}/{}", lock.id, lock.workspace, lock.path)
}

fn because(reason: Option<&String>) -> String {
    reason.map_or_else(String::new, |reason| format!(": {reason}"))
}

fn path(at: &Location) -> String {
    match at.folder.as_str() {
        "" => format!("{}/{}", at.workspace, at.file),
        folder => format!("{}/{folder}/{}", at.workspace, at.file),
    }
}
