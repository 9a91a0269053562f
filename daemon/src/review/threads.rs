//! Threads and drafts. What is said is a fact; what is not sent yet is a value of the person who wrote it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use countersign_protocol::{
    Digest, HandoffId,
    access::Permission,
    decision::ChangeRequest,
    event::{Accepted, Event},
    place::Place,
    principal::Actor,
};
use countersign_web::desk::{
    Caller, DeskError, Person,
    threads::{DraftRow, Remark, ThreadRow, ThreadsDesk},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    LedgerDesk,
    access::{actor, person_actor, visible_card},
    commands::{refused, visible, words},
    landing::Lander,
    timeline,
};
use crate::{
    ledger::{Card, Draft, Revision},
    store::Space,
};

/// Limits of the comments of all agents on one handoff: how many, and bytes of their text.
const MAX_AGENT_COMMENTS: usize = 200;
const MAX_AGENT_COMMENT_BYTES: usize = 256 * 1024;
/// Most drafts that a person keeps about one handoff.
const MOST_DRAFTS: usize = 200;
/// Most ticks that are read for a page.
const MOST_TICKS: usize = 20_000;

/// A draft as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    revision: u32,
    place: Place,
    text: String,
}

/// What a person wrote about a card and did not send yet, with the keys under which it is kept.
pub(super) struct Unsent {
    pub(super) keys: Vec<String>,
    pub(super) requests: Vec<ChangeRequest>,
}

/// What the keys of all that somebody keeps about a handoff begin with.
pub(super) fn prefix(who: &Person, id: HandoffId) -> String {
    // Ids of people hold no line ends.
    format!("{id}\n{}\n", who.id)
}

fn no_such(what: &str, id: HandoffId) -> DeskError {
    DeskError::NotFound(format!("{what} of {id}"))
}

impl LedgerDesk {
    /// What `who` keeps about `id` in `space`, at most `most` values, each with what its key says besides.
    pub(super) async fn kept<T: DeserializeOwned>(
        &self,
        space: Space,
        (who, id): (&Person, HandoffId),
        most: usize,
    ) -> Result<Vec<(String, T)>, DeskError> {
        let prefix = prefix(who, id);
        let length = prefix.len();
        let read =
            move |store: &mut dyn crate::store::Store| store.values_under(space, &prefix, most);
        let found = self.ledger.read(read).await;
        let found = found.map_err(|error| DeskError::Unavailable(error.to_string()))?;
        let kept = found.into_iter().filter_map(|(key, value)| {
            let kept = serde_json::from_str(&value).ok()?;
            Some((key[length..].to_owned(), kept))
        });
        Ok(kept.collect())
    }

    async fn kept_drafts(
        &self,
        who: &Person,
        id: HandoffId,
    ) -> Result<Vec<(String, Kept)>, DeskError> {
        self.kept(Space::Draft, (who, id), MOST_DRAFTS).await
    }

    /// The drafts that go with a decision of `who` about `id`. Each names its place in the newest revision, where that is
    /// known, else the one that it was said about.
    pub(super) async fn to_send(&self, who: &Person, id: HandoffId) -> Result<Unsent, DeskError> {
        let prefix = prefix(who, id);
        let drafts = self.kept_drafts(who, id).await?;
        let card = self.ledger.state().card(id).cloned();
        let mut lander = card
            .as_ref()
            .map(|card| Lander::new(self, card, card.newest()));
        let (mut keys, mut requests) = (Vec::new(), Vec::new());
        for (name, kept) in drafts {
            keys.push(format!("{prefix}{name}"));
            let now = match &mut lander {
                Some(lander) => lander.place_now(&kept.place, kept.revision).await?,
                None => None,
            };
            requests.push(ChangeRequest::at(now.unwrap_or(kept.place), kept.text));
        }
        Ok(Unsent { keys, requests })
    }

    /// The digests of the files of `id` that `who` has viewed.
    pub(super) async fn ticked(
        &self,
        who: &Person,
        id: HandoffId,
    ) -> Result<BTreeSet<Digest>, DeskError> {
        let prefix = prefix(who, id);
        let length = prefix.len();
        let read = move |store: &mut dyn crate::store::Store| {
            store.values_under(Space::Ticked, &prefix, MOST_TICKS)
        };
        let found = self.ledger.read(read).await;
        let found = found.map_err(|error| DeskError::Unavailable(error.to_string()))?;
        Ok(found
            .into_iter()
            .filter_map(|(key, _)| key[length..].parse().ok())
            .collect())
    }

    /// The threads of `card` and the drafts of `who`, with where they are in `shown`.
    pub(super) async fn said(
        &self,
        who: &Caller,
        card: &Card,
        shown: &Revision,
    ) -> Result<(Vec<ThreadRow>, Vec<DraftRow>), DeskError> {
        let mut lander = Lander::new(self, card, shown);
        let mut threads = Vec::with_capacity(card.threads.len());
        for thread in &card.threads {
            let resolved = thread.resolved();
            threads.push(ThreadRow {
                thread: thread.number,
                revision: thread.revision,
                now: lander.land(&thread.place, thread.revision).await?,
                place: thread.place.clone(),
                request: thread.request.clone(),
                resolved: resolved.map(|turn| (turn.actor.name().to_owned(), turn.at)),
                comments: thread.comments.iter().map(timeline::comment).collect(),
            });
        }
        let mut drafts = Vec::new();
        if let Caller::Person(person) = who {
            for (name, kept) in self.kept_drafts(person, card.id).await? {
                drafts.push(DraftRow {
                    draft: name,
                    revision: kept.revision,
                    now: lander.land(&kept.place, kept.revision).await?,
                    place: kept.place,
                    text: kept.text,
                });
            }
        }
        Ok((threads, drafts))
    }

    /// The revision and the place that `remark` is about, as they are.
    async fn placed(
        &self,
        who: &Caller,
        id: HandoffId,
        remark: Remark,
    ) -> Result<(u32, Place, String), DeskError> {
        let card = visible_card(&self.ledger.state(), who, id)?;
        who.check_on(Permission::Comment, id, &card.workspace)?;
        let revision = match remark.revision {
            None => card.newest(),
            Some(number) => card
                .revision(number)
                .ok_or_else(|| no_such(&format!("revision {number}"), id))?,
        };
        let accepted = &revision.accepted;
        let place = self.quoted(sealed(remark.place, accepted)?).await?;
        let text = words("text", Some(remark.text))?.ok_or_else(|| DeskError::Invalid {
            field: "text".to_owned(),
            message: "Write what you want to say.".to_owned(),
        })?;
        Ok((accepted.revision, place, text))
    }
}

/// The place with the digest of its file.
pub(super) fn sealed(mut place: Place, accepted: &Accepted) -> Result<Place, DeskError> {
    let invalid = |message: String| DeskError::Invalid {
        field: "place".to_owned(),
        message,
    };
    place.path = place.path.filter(|path| !path.is_empty());
    place.quote = place.quote.filter(|quote| !quote.is_empty());
    place.check().map_err(|why| invalid(why.to_owned()))?;
    place.sha256 = match &place.path {
        None => None,
        Some(path) => {
            let entry = accepted.manifest.get(path).ok_or_else(|| {
                let revision = accepted.revision;
                invalid(format!("There is no `{path}` in revision {revision}."))
            })?;
            Some(entry.sha256)
        }
    };
    Ok(place)
}

/// Refuses a comment of an agent beyond the limits; people have none.
fn has_room(who: &Caller, card: &Card, text: &str) -> Result<(), DeskError> {
    if matches!(who, Caller::Person(_)) {
        return Ok(());
    }
    let said = card.comments();
    let said = said.filter(|comment| matches!(comment.actor, Actor::Agent { .. }));
    let (count, bytes) = said.fold((0, text.len()), |(count, bytes), comment| {
        (count + 1, bytes + comment.text.len())
    });
    if count < MAX_AGENT_COMMENTS && bytes <= MAX_AGENT_COMMENT_BYTES {
        return Ok(());
    }
    Err(DeskError::Conflict {
        id: card.id,
        why: format!(
            "has as many comments of agents as it takes ({MAX_AGENT_COMMENTS}, of {} KiB in all); hand over a revision instead",
            MAX_AGENT_COMMENT_BYTES / 1024
        ),
    })
}

#[async_trait]
impl ThreadsDesk for LedgerDesk {
    async fn say(&self, who: &Caller, id: HandoffId, remark: Remark) -> Result<u32, DeskError> {
        let (revision, place, text) = self.placed(who, id, remark).await?;
        let (who, actor) = (who.clone(), actor(who));
        let place = (place != Place::default()).then(|| Box::new(place));
        let recorded = self.ledger.transact(move |state, _| {
            let card = visible(state, &who, id)?;
            has_room(&who, card, &text)?;
            let number = card.next_thread();
            let event = Event::Commented {
                handoff: id,
                revision,
                thread: None,
                place,
                text,
            };
            Ok(Draft::of(vec![(actor, event)], number))
        });
        recorded.await.map(|(number, _)| number).map_err(refused)
    }

    async fn reply(
        &self,
        who: &Caller,
        id: HandoffId,
        thread: u32,
        text: String,
    ) -> Result<(), DeskError> {
        let remark = Remark {
            revision: None,
            place: Place::default(),
            text,
        };
        let (revision, _, text) = self.placed(who, id, remark).await?;
        let (who, actor) = (who.clone(), actor(who));
        let recorded = self.ledger.transact(move |state, _| {
            let card = visible(state, &who, id)?;
            if card.thread(thread).is_none() {
                return Err(no_such(&format!("thread {thread}"), id));
            }
            has_room(&who, card, &text)?;
            let event = Event::Commented {
                handoff: id,
                revision,
                thread: Some(thread),
                place: None,
                text,
            };
            Ok(Draft::of(vec![(actor, event)], ()))
        });
        recorded.await.map(drop).map_err(refused)
    }

    async fn resolve(
        &self,
        who: &Person,
        id: HandoffId,
        thread: u32,
        resolved: bool,
    ) -> Result<(), DeskError> {
        let (caller, actor) = (Caller::Person(who.clone()), person_actor(who));
        let recorded = self.ledger.transact(move |state, _| {
            let card = visible(state, &caller, id)?;
            caller.check_on(Permission::Comment, id, &card.workspace)?;
            let Some(known) = card.thread(thread) else {
                return Err(no_such(&format!("thread {thread}"), id));
            };
            // Resolved twice is resolved.
            if known.is_open() != resolved {
                return Ok(Draft::nothing(()));
            }
            let handoff = id;
            let event = if resolved {
                Event::ThreadResolved { handoff, thread }
            } else {
                Event::ThreadReopened { handoff, thread }
            };
            Ok(Draft::of(vec![(actor, event)], ()))
        });
        recorded.await.map(drop).map_err(refused)
    }

    async fn keep_draft(
        &self,
        who: &Person,
        id: HandoffId,
        draft: Option<&str>,
        remark: Remark,
    ) -> Result<String, DeskError> {
        let caller = Caller::Person(who.clone());
        let (revision, place, text) = self.placed(&caller, id, remark).await?;
        let known = self.kept_drafts(who, id).await?;
        let (name, place, revision) = match draft {
            // Only the words of a draft change; it stays where it is.
            Some(name) => match known.into_iter().find(|(known, _)| known == name) {
                Some((name, kept)) => (name, kept.place, kept.revision),
                None => return Err(no_such("that draft", id)),
            },
            None if known.len() >= MOST_DRAFTS => {
                return Err(DeskError::Invalid {
                    field: "text".to_owned(),
                    message: format!("You keep {MOST_DRAFTS} comments already. Send them first."),
                });
            }
            None => (self.new_draft()?, place, revision),
        };
        let key = format!("{}{name}", prefix(who, id));
        let kept = Kept {
            revision,
            place,
            text,
        };
        let value = serde_json::to_string(&kept).unwrap_or_default();
        self.keep(Space::Draft, key, Some(value)).await?;
        Ok(name)
    }

    async fn unsent(&self, who: &Person, id: HandoffId) -> Result<usize, DeskError> {
        Ok(self.kept_drafts(who, id).await?.len())
    }

    async fn drop_draft(&self, who: &Person, id: HandoffId, draft: &str) -> Result<(), DeskError> {
        let known = self.kept_drafts(who, id).await?;
        if known.iter().any(|(name, _)| name == draft) {
            let key = format!("{}{draft}", prefix(who, id));
            self.keep(Space::Draft, key, None).await?;
        }
        // Thrown away twice is thrown away.
        Ok(())
    }

    async fn tick(
        &self,
        who: &Person,
        id: HandoffId,
        sha256: Digest,
        viewed: bool,
    ) -> Result<(), DeskError> {
        let has_file = {
            let state = self.ledger.state();
            let card = visible_card(&state, &Caller::Person(who.clone()), id)?;
            let manifests = card.revisions.iter().map(|one| &one.accepted.manifest);
            let mut entries = manifests.flat_map(|manifest| &manifest.entries);
            entries.any(|entry| entry.sha256 == sha256)
        };
        if !has_file {
            return Err(no_such(&format!("a file {sha256}"), id));
        }
        let key = format!("{}{sha256}", prefix(who, id));
        let value = viewed.then(|| self.clock.now().to_string());
        self.keep(Space::Ticked, key, value).await
    }
}

impl LedgerDesk {
    /// A name that sorts by the time at which it was made.
    fn new_draft(&self) -> Result<String, DeskError> {
        let at = self.clock.now().as_microsecond();
        let random = getrandom::u32().map_err(|error| DeskError::Unavailable(error.to_string()))?;
        Ok(format!("{at:016x}{random:08x}"))
    }

    /// Keeps or removes one value. It is no fact, so nobody is told.
    pub(super) async fn keep(
        &self,
        space: Space,
        key: String,
        value: Option<String>,
    ) -> Result<(), DeskError> {
        let recorded = self.ledger.transact(move |_, _| {
            let mut draft = Draft::nothing(());
            draft.values.push((space, key, value));
            Ok(draft)
        });
        recorded.await.map(drop).map_err(refused)
    }
}

#[cfg(test)]
mod tests;
