//! Documents of what the ledger knows: handoffs, decisions, comments, refusals, checkpoints.

use std::{io::Read as _, sync::Arc};

use countersign_protocol::{
    Digest, contract,
    decision::Outcome,
    dialect::{self, Format},
    event::Location,
    handoff::Handoff,
    names::joined,
    problem::Violation,
};
use jiff::Timestamp;

use super::{
    entry::Entry,
    schema::{Fields, flag, key_of_card, key_of_place, kind},
    stated, types,
};
use crate::{
    fs::Objects,
    ledger::{Card, DeadLetter, Ledger, State, Track},
};

/// Something of the ledger, with the key and stamp of its documents.
pub(super) struct Fact {
    pub(super) key: u64,
    pub(super) stamp: u64,
    what: What,
}

enum What {
    Card(Arc<Card>),
    Refused(Arc<DeadLetter>),
    Checkpoint(Location, Arc<Track>),
}

impl Fact {
    /// The files that the newest revision of a handoff names, by workspace and path.
    pub(super) fn files(&self) -> Vec<(String, String)> {
        let What::Card(card) = &self.what else {
            return Vec::new();
        };
        let accepted = &card.newest().accepted;
        let folder = accepted.at.folder.as_str();
        let entries = accepted.manifest.entries.iter();
        entries
            .map(|entry| (card.workspace.clone(), joined(folder, &entry.path)))
            .collect()
    }
}

/// Everything in `state` that has documents.
pub(super) fn facts(state: &State) -> Vec<Fact> {
    let cards = state.cards().map(|card| Fact {
        key: key_of_card(card.id.0),
        stamp: stamp_of(card),
        what: What::Card(Arc::clone(card)),
    });
    let refused = state.dead_letters().map(|dead| Fact {
        key: key_of_place(kind::REFUSED, &dead.location),
        stamp: dead.seq,
        what: What::Refused(Arc::clone(dead)),
    });
    let tracks = state.tracks().map(|(at, track)| Fact {
        key: key_of_place(kind::CHECKPOINT, at),
        stamp: track.last().seq,
        what: What::Checkpoint(at.clone(), Arc::clone(track)),
    });
    cards.chain(refused).chain(tracks).collect()
}

/// Changes with every entry about a card that its documents tell of. The bytes are in it for a ledger
/// that was put back to an older state and went on otherwise from there.
fn stamp_of(card: &Card) -> u64 {
    let newest = card.newest();
    let decided = card.decisions.last().map(|decision| decision.seq);
    let commented = card.comments().map(|comment| comment.seq).max();
    let withdrawn = card.withdrawn.as_ref().map(|withdrawn| withdrawn.seq);
    let last = [Some(newest.seq), decided, commented, withdrawn];
    let last = last.into_iter().flatten().max().unwrap_or_default();
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&newest.accepted.manifest_sha256.0[..8]);
    last ^ u64::from_be_bytes(bytes)
}

/// The path of what lies at `at`, relative to its workspace.
pub(super) fn path_of(at: &Location) -> String {
    match at.file.as_str() {
        "" => at.folder.clone(),
        file => joined(&at.folder, file),
    }
}

/// As queries write it: the name in `decision.json` with hyphens.
fn outcome_of(outcome: Outcome) -> String {
    let name = serde_json::to_value(outcome).unwrap_or_default();
    name.as_str().unwrap_or_default().replace('_', "-")
}

/// The documents of `fact`.
pub(super) fn entries(
    fact: &Fact,
    fields: &Fields,
    ledger: &Ledger,
    objects: &Objects,
) -> Vec<Entry> {
    match &fact.what {
        What::Card(card) => of_card(card, fact, fields, ledger, objects),
        What::Refused(dead) => vec![of_refused(dead, fact, fields)],
        What::Checkpoint(at, track) => vec![of_checkpoint(at, track, fact, fields)],
    }
}

fn base(fact: &Fact, fields: &Fields, kind: &str, ws: &str, at: Timestamp, seq: u64) -> Entry {
    Entry::default()
        .with(fields.key, fact.key)
        .with(fields.stamp, fact.stamp)
        .with(fields.kind, kind)
        .with(fields.ws, ws)
        .with(fields.at, at.as_microsecond())
        .with(fields.seq, seq)
        .with(fields.flags, flag::KEPT)
        .with(fields.flags, flag::TEXT)
}

/// The first line of the text is the title.
fn with_text(entry: Entry, fields: &Fields, title: &str, text: String) -> Entry {
    let text = format!("{title}\n{text}");
    let is_long = super::tokens::has_long_run(&text).then_some(flag::LONG);
    entry
        .with(fields.head, title)
        .with(fields.title, title)
        .with_some(fields.flags, is_long)
        .with(fields.text, text.as_str())
        .with(fields.body, text)
}

fn of_card(
    card: &Card,
    fact: &Fact,
    fields: &Fields,
    ledger: &Ledger,
    objects: &Objects,
) -> Vec<Entry> {
    let newest = card.newest();
    let accepted = &newest.accepted;
    let handoff = document(accepted.manifest.document, ledger, objects);
    let ws = card.workspace.as_str();
    let one = |kind, at, seq| {
        base(fact, fields, kind, ws, at, seq)
            .with(fields.card, card.id.0)
            .with(fields.path, path_of(&accepted.at))
    };
    let handed_over = one(kind::HANDOFF, newest.at, newest.seq)
        .with(fields.by, accepted.from_agent.as_str())
        .with(
            fields.head,
            format!("{} {}", card.id, path_of(&accepted.at)),
        );
    let handed_over = match &handoff {
        Some(handoff) => handed_over.with_all(fields.flags, stated::flags(handoff)),
        None => handed_over,
    };
    let text = handoff.as_ref().map(text_of).unwrap_or_default();
    let text = text + &violations(&accepted.warnings);
    let mut entries = vec![with_text(handed_over, fields, &accepted.title, text)];
    for decision in &card.decisions {
        let decided = &decision.decided;
        let mut text = decided.comment.clone().unwrap_or_default();
        for request in &decided.requests {
            text.push('\n');
            text.push_str(&request.text);
        }
        let entry = one(kind::DECISION, decision.at, decision.seq)
            .with(fields.by, decision.actor.name())
            .with(fields.flags, flag::outcome(&outcome_of(decided.outcome)));
        entries.push(with_text(entry, fields, &accepted.title, text));
    }
    for comment in card.comments() {
        let entry =
            one(kind::COMMENT, comment.at, comment.seq).with(fields.by, comment.actor.name());
        entries.push(with_text(
            entry,
            fields,
            &accepted.title,
            comment.text.clone(),
        ));
    }
    entries
}

fn of_refused(dead: &DeadLetter, fact: &Fact, fields: &Fields) -> Entry {
    let path = path_of(&dead.location);
    let name = dead.location.file.as_str();
    let entry = base(
        fact,
        fields,
        kind::REFUSED,
        &dead.location.workspace,
        dead.at,
        dead.seq,
    )
    .with(fields.path, path.as_str())
    .with_some(
        fields.flags,
        dead.kind.is_about_content().then_some(flag::INVALID),
    )
    .with_some(fields.ext, types::ending(name))
    .with_all(fields.file_type, types::of_name(name));
    with_text(
        entry,
        fields,
        &path,
        format!("{}\n{}", dead.kind.title(), violations(&dead.violations)),
    )
}

fn of_checkpoint(at: &Location, track: &Track, fact: &Fact, fields: &Fields) -> Entry {
    let last = track.last();
    let path = path_of(at);
    let title = last.saved.title.clone().unwrap_or_else(|| path.clone());
    let entry = base(
        fact,
        fields,
        kind::CHECKPOINT,
        &at.workspace,
        last.at,
        last.seq,
    )
    .with(fields.path, path.as_str())
    .with(fields.by, last.saved.agent.as_str());
    let task = last.saved.task_id.clone().unwrap_or_default();
    with_text(entry, fields, &title, task)
}

fn violations(violations: &[Violation]) -> String {
    let mut text = String::new();
    for violation in violations {
        text.push_str(&violation.message);
        text.push(' ');
        text.push_str(&violation.pointer);
        text.push('\n');
    }
    text
}

/// The handoff as it was sealed, if it is still there and still a handoff.
fn document(sha256: Digest, ledger: &Ledger, objects: &Objects) -> Option<Handoff> {
    let bytes = if let Some(bytes) = ledger.object(sha256).ok()? {
        bytes
    } else {
        let mut bytes = Vec::new();
        let limit = contract::MAX_BYTES as u64;
        objects
            .open_object(sha256)
            .ok()??
            .take(limit)
            .read_to_end(&mut bytes)
            .ok()?;
        bytes
    };
    let format = if bytes.trim_ascii_start().starts_with(b"{") {
        Format::Json
    } else {
        Format::Yaml
    };
    let document = dialect::read(&bytes, format).ok()?;
    contract::read_accepted(&document)
}

/// What a handoff says in words, one field a line or more.
fn text_of(handoff: &Handoff) -> String {
    let one = [
        &handoff.task,
        &handoff.task_id,
        &handoff.summary,
        &handoff.reason,
    ];
    let asked = handoff
        .requests
        .iter()
        .filter_map(|request| request.prompt.as_ref());
    let lists = [
        &handoff.questions,
        &handoff.completed,
        &handoff.remaining,
        &handoff.decisions,
        &handoff.pitfalls_hit,
    ];
    let named = handoff
        .artifacts
        .iter()
        .flat_map(|file| std::iter::once(&file.path).chain(file.title.as_ref()));
    let lines = one.into_iter().flatten();
    let lines = lines
        .chain(asked)
        .chain(lists.into_iter().flatten())
        .chain(named);
    let mut text = String::new();
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    for (name, value) in &handoff.context {
        text.push_str(name);
        text.push_str(": ");
        match value.as_str() {
            Some(words) => text.push_str(words),
            None => text.push_str(&value.to_string()),
        }
        text.push('\n');
    }
    text
}
