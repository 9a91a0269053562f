//! The state that the entries fold to.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use countersign_protocol::{
    Digest, HandoffId,
    chain::{Body, Head},
    check::Checked,
    decision::Outcome,
    event::{Accepted, CheckpointSaved, Decided, Event, Location, Wish},
    lock::Table,
    manifest::Manifest,
    principal::Actor,
    state::HandoffState,
    terms::Use,
};
use jiff::Timestamp;

use super::known::{
    Card, CardChecks, CardDecision, CardVote, DeadLetter, Kept, KeptSearch, KeyUse, MARKS_WINDOW,
    MAX_AGENT_MARKS, Mark, Opened, Revision, Sittings, TimedOut, Token, Track, Violation,
    Withdrawal,
};
use super::{
    accounts::DisabledAccounts, held::Held, hops::Hops, ownership::Ownership, partial::Growing,
};
use crate::clock::Jump;

/// Everything that is known, as of an entry. What is in it is shared, so a copy is cheap.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The last entry folded in.
    pub head: Head,
    /// Its time.
    pub last_time: Option<Timestamp>,
    /// The last jump of the clock: when it was recorded, and where the clock would have been and was.
    pub clock_jumped: Option<(Timestamp, Jump)>,
    pub(super) cards: BTreeMap<HandoffId, Arc<Card>>,
    /// Those that wait for a person.
    pub(super) waiting: BTreeSet<HandoffId>,
    /// Of these, those that policy has not looked at.
    pub(super) unrouted: BTreeSet<HandoffId>,
    /// Those whose checks are not over.
    pub(super) unchecked: BTreeSet<HandoffId>,
    /// Those that go to an agent now that their checks are over.
    pub(super) owed_hops: BTreeSet<HandoffId>,
    /// Those that a person may be reading.
    pub(super) read: BTreeSet<HandoffId>,
    /// Those with an answer that can still be taken back.
    pub(super) held_cards: BTreeSet<HandoffId>,
    pub(super) locks: Table,
    /// Those whose answer could not be delivered.
    pub(super) undelivered: BTreeSet<HandoffId>,
    /// The last card of which a document was found in a folder, by workspace and folder.
    pub(super) found_in: HashMap<(String, String), HandoffId>,
    /// Those that are with an agent.
    pub(super) with_agents: BTreeSet<HandoffId>,
    pub(super) hops: Hops,
    /// Those of which a person approved that a hop is carried out, and it was not yet.
    pub(super) approved_hops: BTreeSet<HandoffId>,
    /// Cards of which a result waits for policy.
    pub(super) owed_results: BTreeSet<HandoffId>,
    /// The newest card of each workspace and subject.
    subjects: HashMap<(String, String), HandoffId>,
    /// Deliveries by workspace and key.
    keys: HashMap<(String, String), KeyUse>,
    dead: BTreeMap<Location, Arc<DeadLetter>>,
    tracks: BTreeMap<Location, Arc<Track>>,
    /// Results that grow, by workspace and folder.
    pub(super) growing: BTreeMap<String, BTreeMap<String, Arc<Growing>>>,
    tokens: BTreeMap<String, Token>,
    /// Kept searches by id of the person and name.
    searches: BTreeMap<(String, String), KeptSearch>,
    /// The kept bytes that facts speak of.
    pub(super) held: Held,
    /// The marks of each workspace, oldest first.
    marks: BTreeMap<String, Vec<Arc<Mark>>>,
    /// When each person was last at work, by id.
    sittings: BTreeMap<String, Sittings>,
    pub(super) disabled_accounts: DisabledAccounts,
    /// People who want no mail, by id.
    mail_stopped: BTreeSet<String>,
    /// How people chose to be told, by id and topic.
    wishes: BTreeMap<String, BTreeMap<String, Wish>>,
    /// The last violation of each release, and of `approved/` itself in each workspace.
    violations: BTreeMap<(String, Option<HandoffId>), Arc<Violation>>,
    /// How each workspace changed hands, of those that ever did.
    pub(super) ownerships: BTreeMap<String, Arc<Ownership>>,
    /// Receivers of messages that are no longer tried, with when and why.
    disabled: BTreeMap<String, (Timestamp, String)>,
}

impl State {
    /// Folds the next entry in. The chain holds only entries that were possible when they were
    /// written, so one that does not fit is a fact about a thing that is not known, and is passed over.
    pub fn apply(&mut self, body: &Body, hash: Digest) {
        self.fold(body, hash, None);
    }

    /// The same, once it was folded into `ahead`. What was accepted takes the most room by far and does not
    /// change, so both states share it.
    pub(super) fn follow(&mut self, body: &Body, hash: Digest, ahead: &Self) {
        self.fold(body, hash, Some(ahead));
    }

    fn fold(&mut self, body: &Body, hash: Digest, ahead: Option<&Self>) {
        let (seq, at) = (body.seq, body.at);
        self.head = Head { seq, hash };
        self.last_time = Some(at);
        if let Actor::Person { id, .. } = &body.actor {
            let sittings = self.sittings.entry(id.clone());
            let first = Sittings {
                earlier: None,
                newest: seq,
                newest_at: at,
            };
            sittings.or_insert(first).step(seq, at);
        }
        match &body.event {
            Event::Accepted(accepted) => self.accepted(seq, at, accepted, ahead),
            Event::Refused {
                at: location,
                sha256,
                kind,
                violations,
            } => {
                let dead = DeadLetter {
                    seq,
                    at,
                    location: location.clone(),
                    sha256: *sha256,
                    kind: *kind,
                    violations: violations.clone(),
                };
                self.bury(location);
                if let Some(sha256) = sha256 {
                    self.held.add(&location.workspace, *sha256, 0);
                }
                self.dead.insert(location.clone(), Arc::new(dead));
            }
            Event::RefusedGone { at } => self.bury(at),
            Event::Viewed {
                handoff, revision, ..
            } => {
                if let Actor::Person { id, display, .. } = &body.actor {
                    self.change(*handoff, |card| {
                        card.viewed.insert((id.clone(), *revision));
                        card.was_seen(at);
                        if *revision == card.newest().accepted.revision {
                            card.opened = Some(Opened {
                                person: id.clone(),
                                at,
                                display: display.clone(),
                            });
                        }
                    });
                }
            }
            Event::AnswerHeld(_) | Event::AnswerUndone { .. } | Event::AnswerLapsed { .. } => {
                self.held_or_not(body);
            }
            Event::Voted(voted) => self.change(voted.handoff, |card| {
                card.answered_by(&body.actor);
                if let Actor::Person { id, display, .. } = &body.actor {
                    card.viewed.insert((id.clone(), voted.revision));
                    card.was_seen(at);
                    card.votes.push(CardVote {
                        seq,
                        at,
                        person: id.clone(),
                        display: display.clone(),
                        voted: (**voted).clone(),
                    });
                }
            }),
            Event::Decided(decided) => {
                self.seals(decided);
                self.change(decided.handoff, |card| {
                    if let Ok(state) = card.state.decided(decided.revision, decided.outcome, at) {
                        card.state = state;
                    }
                    card.was_decided(at);
                    card.answered_by(&body.actor);
                    card.asked_by(body, decided);
                    let actor = body.actor.clone();
                    // Who decides about a revision has seen it.
                    if let Actor::Person { id, .. } = &actor {
                        card.viewed.insert((id.clone(), decided.revision));
                    }
                    let decided = (**decided).clone();
                    card.decisions.push(CardDecision {
                        seq,
                        hash,
                        at,
                        actor,
                        decided,
                        delivered: None,
                    });
                    if card.approved_stop().is_none() && !card.state.takes_revisions() {
                        card.end_hops(at);
                    }
                });
            }
            Event::Withdrawn {
                handoff,
                revision,
                reason,
            } => self.change(*handoff, |card| {
                if let Ok(state) = card.state.decided(*revision, Outcome::Cancelled, at) {
                    card.state = state;
                }
                card.end_hops(at);
                card.withdrawn = Some(Withdrawal {
                    seq,
                    hash,
                    at,
                    actor: body.actor.clone(),
                    revision: *revision,
                    reason: reason.clone(),
                });
            }),
            Event::Commented { .. }
            | Event::ThreadResolved { .. }
            | Event::ThreadReopened { .. } => self.discussed(body),
            Event::Delivered { .. } | Event::Undelivered { .. } | Event::Found { .. } => {
                self.folded_delivery(body);
            }
            Event::Released {
                handoff, folder, ..
            } => {
                self.change(*handoff, |card| {
                    card.released = Some((seq, at, folder.clone()));
                });
            }
            Event::Used(used) => {
                self.change(used.handoff, |card| {
                    card.used = Some(Use::of(used, &body.actor, at, seq));
                });
            }
            Event::Violated(violated) => {
                let key = (violated.workspace.clone(), violated.handoff);
                let violation = Violation {
                    seq,
                    at,
                    violated: (**violated).clone(),
                    restored: None,
                };
                self.violations.insert(key, Arc::new(violation));
            }
            Event::Restored(restored) => {
                let key = (restored.workspace.clone(), restored.handoff);
                if let Some(violation) = self.violations.get_mut(&key)
                    && violation.seq == restored.violation
                {
                    let restored = (seq, at, (**restored).clone());
                    Arc::make_mut(violation).restored = Some(restored);
                }
            }
            Event::Checked(checked) => self.was_checked(seq, at, checked),
            Event::Forgotten { handoff, revision } => self.forget(*handoff, *revision),
            Event::TimedOut {
                handoff,
                revision,
                over,
            } => self.change(*handoff, |card| {
                card.timed_out = Some(TimedOut {
                    seq,
                    at,
                    revision: *revision,
                    over: *over,
                });
            }),
            Event::CheckpointSaved(saved) => self.checkpoint(seq, at, saved),
            Event::PartialKept(kept) => self.chunk_kept(body, kept),
            Event::AgentStalled {
                at: location,
                process_gone,
                ..
            } => {
                if let Some(track) = self.tracks.get_mut(location) {
                    let track = Arc::make_mut(track);
                    track.silences.push((seq, at, *process_gone));
                    track.over = true;
                }
            }
            Event::Marked(marked) => {
                let mark = Mark {
                    seq,
                    at,
                    actor: body.actor.clone(),
                    marked: (**marked).clone(),
                };
                let marks = self.marks.entry(marked.workspace.clone());
                marks.or_default().push(Arc::new(mark));
            }
            Event::Offered(_)
            | Event::PackageDelivered { .. }
            | Event::TaskAccepted(_)
            | Event::TaskDeclined(_)
            | Event::TaskQueued(_)
            | Event::TaskDuplicate(_)
            | Event::TaskProgressed(_)
            | Event::TaskCompleted(_)
            | Event::TaskFailed(_)
            | Event::HopResolved { .. }
            | Event::ResultPassed { .. }
            | Event::ReceiverReminded { .. }
            | Event::HopTimedOut(_)
            | Event::TaskReturned { .. }
            | Event::HopStopped(_) => self.transferred(body),
            Event::Routed(_)
            | Event::Progressed(_)
            | Event::Reminded(_)
            | Event::Reassigned(_)
            | Event::Escalated(_)
            | Event::Expired(_)
            | Event::DeadLettered(_)
            | Event::Redriven { .. }
            | Event::Claimed { .. }
            | Event::Unclaimed { .. }
            | Event::Assigned(_)
            | Event::Snoozed { .. }
            | Event::Rescheduled { .. } => self.asked(body),
            // A fact about the machine; no card changes by it.
            Event::ClockJumped { expected, found } => {
                let (expected, found) = (*expected, *found);
                self.clock_jumped = Some((body.at, Jump { expected, found }));
            }
            // What became of a message stands with the message.
            Event::MessageFailed { .. }
            | Event::FilesChanged(_)
            | Event::MessagesRedriven { .. } => {}
            // Accounts stand beside the chain, where they can be forgotten; only whether they are disabled counts here.
            Event::Account { account, change } => {
                let by = (seq, &body.actor);
                self.disabled_accounts.apply(by, account, change);
            }
            Event::LockRequested { .. }
            | Event::LockAcquired { .. }
            | Event::LockRenewed { .. }
            | Event::LockAsked { .. }
            | Event::LockReleased { .. }
            | Event::LockExpired { .. }
            | Event::LockBroken { .. } => self.locks.apply(body),
            Event::OwnershipOffered(_)
            | Event::OwnershipAccepted { .. }
            | Event::OwnershipDeclined { .. }
            | Event::OwnershipWithdrawn { .. }
            | Event::OwnershipExpired { .. }
            | Event::OwnershipReturned { .. }
            | Event::FilesListed { .. }
            | Event::FilesGiven(_) => self.changes_hands(body),
            Event::TokenCreated {
                id,
                secret_sha256,
                agent,
                workspaces,
                expires,
            } => {
                let token = Token {
                    id: id.clone(),
                    secret_sha256: *secret_sha256,
                    agent: agent.clone(),
                    workspaces: workspaces.clone(),
                    created: at,
                    expires: *expires,
                    revoked: false,
                };
                self.tokens.insert(id.clone(), token);
            }
            Event::TokenRevoked { id } => {
                if let Some(token) = self.tokens.get_mut(id) {
                    token.revoked = true;
                }
            }
            Event::SearchSaved { name, query } => {
                if let Actor::Person { id, .. } = &body.actor {
                    let query = query.clone();
                    let kept = KeptSearch { at, query };
                    self.searches.insert((id.clone(), name.clone()), kept);
                }
            }
            Event::SearchRemoved { name } => {
                if let Actor::Person { id, .. } = &body.actor {
                    self.searches.remove(&(id.clone(), name.clone()));
                }
            }
            Event::MailStopped { person } => drop(self.mail_stopped.insert(person.clone())),
            Event::MailResumed { person } => drop(self.mail_stopped.remove(person)),
            Event::MessagesWished { person, wishes } => {
                self.wishes.insert(person.clone(), wishes.clone());
            }
            Event::ReceiverDisabled { receiver, why } => {
                self.disabled.insert(receiver.clone(), (at, why.clone()));
            }
            Event::ReceiverEnabled { receiver } => drop(self.disabled.remove(receiver)),
        }
    }

    fn accepted(&mut self, seq: u64, at: Timestamp, accepted: &Accepted, ahead: Option<&Self>) {
        let workspace = accepted.at.workspace.clone();
        let known = ahead.and_then(|ahead| {
            let card = ahead.cards.get(&accepted.handoff)?;
            let known = card.revision(accepted.revision)?;
            (known.seq == seq && !known.is_forgotten).then(|| Arc::clone(known))
        });
        let before = self.cards.get(&accepted.handoff);
        let revision = known.unwrap_or_else(|| {
            let mut accepted = accepted.clone();
            if let Some(card) = before {
                accepted.manifest.share(&card.newest().accepted.manifest);
            }
            Arc::new(Revision {
                seq,
                at,
                accepted: Arc::new(accepted),
                is_forgotten: false,
            })
        });
        self.holds(&workspace, &accepted.manifest);
        let key = KeyUse {
            handoff: accepted.handoff,
            revision: accepted.revision,
            manifest_sha256: accepted.manifest_sha256,
        };
        self.keys
            .insert((workspace.clone(), accepted.key.clone()), key);
        self.bury(&accepted.at);
        for track in self.tracks_in_mut(&accepted.at) {
            track.over = true;
        }
        if let Some(card) = self.cards.get_mut(&accepted.handoff) {
            let card = Arc::make_mut(card);
            if let Ok(state) = card.state.revised(accepted.revision) {
                card.state = state;
            }
            card.revisions.push(revision);
            card.opened = None;
            card.found.clear();
            card.undelivered = None;
            self.undelivered.remove(&accepted.handoff);
            card.was_handed_over(at, accepted.due);
        } else {
            self.subjects.insert(
                (workspace.clone(), accepted.subject.clone()),
                accepted.handoff,
            );
            let mut card = Card {
                id: accepted.handoff,
                workspace,
                subject: accepted.subject.clone(),
                state: HandoffState::Waiting {
                    revision: accepted.revision,
                },
                revisions: vec![revision],
                decisions: Vec::new(),
                checks: BTreeMap::new(),
                held: Vec::new(),
                came_back: Vec::new(),
                votes: Vec::new(),
                threads: Vec::new(),
                viewed: BTreeSet::new(),
                opened: None,
                released: None,
                used: None,
                withdrawn: None,
                found: Vec::new(),
                undelivered: None,
                routing: None,
                claim: None,
                snoozed: None,
                moves: Vec::new(),
                service: Vec::new(),
                timed_out: None,
                hops: Vec::new(),
                stops: Vec::new(),
                holding: None,
            };
            card.was_handed_over(at, accepted.due);
            self.cards.insert(accepted.handoff, Arc::new(card));
        }
        self.index(accepted.handoff);
    }

    fn was_checked(&mut self, seq: u64, at: Timestamp, checked: &Checked) {
        let Some(card) = self.cards.get(&checked.handoff) else {
            return;
        };
        let workspace = card.workspace.clone();
        for result in &checked.results {
            self.held
                .add(&workspace, result.output_sha256, result.output_bytes);
        }
        self.change(checked.handoff, |card| {
            let checked = checked.clone();
            let known = CardChecks { seq, at, checked };
            card.checks.entry(known.checked.revision).or_insert(known);
        });
    }

    /// A fact speaks of these kept bytes.
    pub(super) fn holds(&mut self, workspace: &str, manifest: &Manifest) {
        self.held.add(workspace, manifest.document, 0);
        for entry in manifest.entries.iter().filter(|entry| entry.kept) {
            self.held.add(workspace, entry.sha256, entry.size);
        }
    }

    /// What a person changed before approving is kept, and what leads to it.
    fn seals(&mut self, decided: &Decided) {
        let Some((edited, card)) = decided
            .edited
            .as_ref()
            .zip(self.cards.get(&decided.handoff))
        else {
            return;
        };
        self.held.add(&card.workspace, edited.patch_sha256, 0);
        for file in &edited.files {
            self.held.add(&card.workspace, file.sha256, file.size);
        }
    }

    fn checkpoint(&mut self, seq: u64, at: Timestamp, saved: &CheckpointSaved) {
        let kept = Arc::new(Kept {
            seq,
            at,
            saved: saved.clone(),
        });
        self.held.add(&saved.at.workspace, saved.sha256, 0);
        self.bury(&saved.at);
        if let Some(track) = self.tracks.get_mut(&saved.at) {
            let track = Arc::make_mut(track);
            track.versions.push(kept);
            track.over = saved.finished;
        } else {
            let track = Track {
                versions: vec![kept],
                silences: Vec::new(),
                over: saved.finished,
            };
            self.tracks.insert(saved.at.clone(), Arc::new(track));
        }
    }

    /// The refusal at `at` is over.
    pub(super) fn bury(&mut self, at: &Location) {
        if let Some(sha256) = self.dead.remove(at).and_then(|dead| dead.sha256) {
            self.held.drop(&at.workspace, sha256);
        }
    }

    /// The bytes of a revision are no longer kept. What was decided about is not let go of, whatever the
    /// fact says.
    pub(crate) fn forget(&mut self, id: HandoffId, number: u32) {
        let Some(card) = self.cards.get_mut(&id) else {
            return;
        };
        let card = Arc::make_mut(card);
        let at = usize::try_from(number)
            .ok()
            .and_then(|number| number.checked_sub(1));
        let is_decided = card.decision(number).is_some();
        let revision = at.and_then(|at| card.revisions.get_mut(at));
        if let Some(revision) = revision.filter(|one| !one.is_forgotten && !is_decided) {
            Arc::make_mut(revision).is_forgotten = true;
            let entries = revision.accepted.manifest.entries.iter();
            for entry in entries.filter(|entry| entry.kept) {
                self.held.drop(&card.workspace, entry.sha256);
            }
        }
    }

    /// Whether any fact speaks of kept bytes with that digest.
    pub fn refers(&self, sha256: Digest) -> bool {
        self.held.refers(sha256)
    }

    /// Digests of which no fact speaks any more.
    pub fn spent(&self) -> impl Iterator<Item = Digest> {
        self.held.spent()
    }

    /// Bytes of all files that are kept for a workspace, the same bytes once.
    pub fn kept_bytes(&self, workspace: &str) -> u64 {
        self.held.bytes(workspace)
    }

    /// Whether bytes with that digest are kept for a workspace already.
    pub fn keeps(&self, workspace: &str, sha256: Digest) -> bool {
        self.held.has(workspace, sha256)
    }

    pub(super) fn change(&mut self, id: HandoffId, change: impl FnOnce(&mut Card)) {
        if let Some(card) = self.cards.get_mut(&id) {
            change(Arc::make_mut(card));
            self.index(id);
        }
    }

    /// The tracks whose checkpoint lies in the folder of `at`.
    fn tracks_in_mut(&mut self, at: &Location) -> impl Iterator<Item = &mut Track> {
        let first = Location {
            file: String::new(),
            ..at.clone()
        };
        self.tracks
            .range_mut(first..)
            .take_while(|(place, _)| place.workspace == at.workspace && place.folder == at.folder)
            .map(|(_, track)| Arc::make_mut(track))
    }

    /// The tracks whose checkpoint lies in the folder of `at`.
    pub fn tracks_in(&self, at: &Location) -> impl Iterator<Item = &Arc<Track>> {
        let first = Location {
            file: String::new(),
            ..at.clone()
        };
        self.tracks
            .range(first..)
            .take_while(|(place, _)| place.workspace == at.workspace && place.folder == at.folder)
            .map(|(_, track)| track)
    }

    /// All tracks with their place.
    pub fn tracks(&self) -> impl Iterator<Item = (&Location, &Arc<Track>)> {
        self.tracks.iter()
    }

    /// The track of the checkpoint at `at`.
    pub fn track(&self, at: &Location) -> Option<&Arc<Track>> {
        self.tracks.get(at)
    }

    /// The card of that number.
    pub fn card(&self, id: HandoffId) -> Option<&Arc<Card>> {
        self.cards.get(&id)
    }

    /// All cards, oldest first.
    pub fn cards(&self) -> impl DoubleEndedIterator<Item = &Arc<Card>> {
        self.cards.values()
    }

    /// The number for the next new card.
    pub fn next_id(&self) -> HandoffId {
        HandoffId(self.cards.last_key_value().map_or(0, |(id, _)| id.0) + 1)
    }

    /// The newest card of a subject.
    pub fn card_of_subject(&self, workspace: &str, subject: &str) -> Option<&Arc<Card>> {
        self.cards.get(
            self.subjects
                .get(&(workspace.to_owned(), subject.to_owned()))?,
        )
    }

    /// What a key was used for.
    pub fn key_use(&self, workspace: &str, key: &str) -> Option<KeyUse> {
        self.keys
            .get(&(workspace.to_owned(), key.to_owned()))
            .copied()
    }

    /// Refused deliveries that nobody has fixed yet, by place.
    pub fn dead_letters(&self) -> impl Iterator<Item = &Arc<DeadLetter>> {
        self.dead.values()
    }

    /// Of these, the ones in the folder of `at`.
    pub fn dead_letters_in(&self, at: &Location) -> impl Iterator<Item = &Arc<DeadLetter>> {
        let first = Location {
            file: String::new(),
            ..at.clone()
        };
        self.dead
            .range(first..)
            .take_while(|(place, _)| place.workspace == at.workspace && place.folder == at.folder)
            .map(|(_, dead)| dead)
    }

    /// The refused delivery at `at`.
    pub fn dead_letter(&self, at: &Location) -> Option<&Arc<DeadLetter>> {
        self.dead.get(at)
    }

    /// The searches that a person keeps, by name.
    pub fn searches(&self, person: &str) -> impl Iterator<Item = (&str, &KeptSearch)> {
        self.searches
            .range((person.to_owned(), String::new())..)
            .take_while(move |((owner, _), _)| owner == person)
            .map(|((_, name), kept)| (name.as_str(), kept))
    }

    /// The marks of a workspace, oldest first.
    pub fn marks(&self, workspace: &str) -> &[Arc<Mark>] {
        self.marks.get(workspace).map_or(&[], Vec::as_slice)
    }

    /// Checks whether agents may set another mark in `workspace` at `now`: by all doors and names together, since a
    /// file may give any.
    pub fn has_room_for_marks(&self, workspace: &str, now: Timestamp) -> bool {
        let newest = self.marks(workspace).iter().rev();
        let of_agents = newest.filter(|mark| matches!(mark.actor, Actor::Agent { .. }));
        let today = of_agents.take_while(|mark| now.duration_since(mark.at) < MARKS_WINDOW);
        today.take(MAX_AGENT_MARKS).count() < MAX_AGENT_MARKS
    }

    /// When that person was last at work.
    pub fn sittings(&self, person: &str) -> Option<Sittings> {
        self.sittings.get(person).copied()
    }

    /// Whether the person of that id wants no mail.
    pub fn mail_stopped(&self, person: &str) -> bool {
        self.mail_stopped.contains(person)
    }

    /// What a person chose of how to be told, by topic.
    pub fn wishes(&self, person: &str) -> Option<&BTreeMap<String, Wish>> {
        self.wishes.get(person)
    }

    /// What they chose of one topic.
    pub fn wish(&self, person: &str, topic: &str) -> Option<&Wish> {
        self.wishes.get(person)?.get(topic)
    }

    /// Since when and why a receiver of messages is no longer tried, when it is not.
    pub fn receiver_disabled(&self, receiver: &str) -> Option<&(Timestamp, String)> {
        self.disabled.get(receiver)
    }

    /// The last violation of the release of `handoff`, or of `approved/` itself.
    pub fn violation(
        &self,
        workspace: &str,
        handoff: Option<HandoffId>,
    ) -> Option<&Arc<Violation>> {
        self.violations.get(&(workspace.to_owned(), handoff))
    }

    /// All of them, by workspace.
    pub fn violations(&self) -> impl Iterator<Item = &Arc<Violation>> {
        self.violations.values()
    }

    /// All tokens.
    pub fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.tokens.values()
    }
}
