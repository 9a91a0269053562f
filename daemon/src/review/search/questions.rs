//! Reads what was asked, with the names that the asker may know, and keeps the questions that no rule
//! understood.

use std::{collections::BTreeSet, sync::Arc};

use countersign_protocol::{
    principal::Actor,
    query::{
        self, Now,
        question::{self, Reading, Vocabulary},
    },
};
use countersign_web::desk::{Caller, DeskError, SearchError, SearchRequest, Unmatched};
use jiff::tz::TimeZone;

use super::super::{LedgerDesk, access::sees};
use crate::{
    ledger::{Draft, State},
    store::Space,
};

/// Questions that are kept; the oldest make room.
const KEPT: usize = 500;
/// Longest question that is kept, in characters.
const LENGTH: usize = 300;

impl LedgerDesk {
    /// The time of the asker: in the zone that was asked for, else in the one that the catalogue has of the
    /// person, else in UTC.
    pub(super) fn now_of(&self, who: &Caller, zone: Option<&str>) -> Result<Now, SearchError> {
        let zone = match (zone, who) {
            (Some(name), _) => {
                TimeZone::get(name).map_err(|_| SearchError::Zone(name.to_owned()))?
            }
            (None, who) => self.zone_of(who),
        };
        Ok(Now {
            at: self.clock.now(),
            zone,
        })
    }

    pub(super) async fn read_text(
        &self,
        who: &Caller,
        request: &SearchRequest,
        now: &Now,
    ) -> Result<Reading, SearchError> {
        if request.verbatim {
            let parsed = query::parse(&request.text)?;
            return Ok(Reading {
                query: parsed.query,
                notes: parsed.notes,
                ..Reading::default()
            });
        }
        let vocabulary = self.vocabulary(who);
        let reading = question::read(&request.text, &vocabulary, now)?;
        if reading.unmatched && request.cursor.is_none() && matches!(who, Caller::Person(_)) {
            self.keep_question(&request.text).await;
        }
        Ok(reading)
    }

    /// The names in what `who` may see, as they were found before where nothing of it changed.
    pub(in crate::review) fn vocabulary(&self, who: &Caller) -> Arc<Vocabulary> {
        let state = self.ledger.state();
        let served = self.workspaces.all();
        let names = served.iter().map(|workspace| workspace.name.to_string());
        let workspaces: Vec<String> = names.filter(|name| sees(who, name)).collect();
        match who {
            Caller::Person(_) => self
                .seen(&state, who)
                .vocabulary(&workspaces, || names_in(&state, who, &workspaces)),
            Caller::Agent(_) => Arc::new(names_in(&state, who, &workspaces)),
        }
    }

    /// Keeps a question for the operator. That fails when the ledger does; the answer is worth more.
    async fn keep_question(&self, text: &str) {
        let question: String = text.trim().chars().take(LENGTH).collect();
        let key = question.to_lowercase();
        let known = self.questions().await.unwrap_or_default();
        let count = known.iter().find(|(other, _)| *other == key);
        let count = count.map_or(0, |(_, known)| known.count) + 1;
        let oldest = known.iter().min_by_key(|(_, known)| known.at);
        let full = known.len() >= KEPT && count == 1;
        let gone = oldest.filter(|_| full).map(|(key, _)| key.clone());
        let kept = self.ledger.transact(move |_, now| {
            let at = now;
            let unmatched = Unmatched {
                question,
                count,
                at,
            };
            let text = serde_json::to_string(&unmatched).map_err(|error| error.to_string())?;
            let mut draft = Draft::nothing(());
            draft.values.push((Space::Question, key, Some(text)));
            draft
                .values
                .extend(gone.map(|key| (Space::Question, key, None)));
            Ok::<_, String>(draft)
        });
        if let Err(error) = kept.await {
            tracing::warn!(%error, "a question that no rule understood was not kept");
        }
    }

    async fn questions(&self) -> Result<Vec<(String, Unmatched)>, DeskError> {
        let values = self
            .ledger
            .read(|store| store.values(Space::Question))
            .await;
        let values = values.map_err(|error| DeskError::Unavailable(error.to_string()))?;
        let read = values
            .into_iter()
            .filter_map(|(key, text)| Some((key, serde_json::from_str(&text).ok()?)));
        Ok(read.collect())
    }

    /// The questions that no rule understood, newest first.
    pub(super) async fn unmatched(&self) -> Result<Vec<Unmatched>, DeskError> {
        let mut questions = self.questions().await?;
        questions.sort_by_key(|(_, question)| std::cmp::Reverse(question.at));
        Ok(questions
            .into_iter()
            .map(|(_, question)| question)
            .collect())
    }
}

fn names_in(state: &State, who: &Caller, workspaces: &[String]) -> Vocabulary {
    let mut agents = BTreeSet::new();
    let mut people = BTreeSet::new();
    let mut folders = BTreeSet::new();
    for card in state.cards().filter(|card| sees(who, &card.workspace)) {
        for revision in &card.revisions {
            agents.insert(revision.accepted.from_agent.as_str());
        }
        folders.insert(card.newest().accepted.at.folder.as_str());
        let decided = card.decisions.iter().map(|decision| &decision.actor);
        let said = card.comments().map(|comment| &comment.actor);
        for actor in decided.chain(said) {
            if let Actor::Person { display, .. } = actor {
                people.insert(display.as_str());
            }
        }
    }
    folders.remove("");
    if let Caller::Person(person) = who {
        people.insert(&person.display);
    }
    let owned = |names: BTreeSet<&str>| names.into_iter().map(str::to_owned).collect();
    Vocabulary {
        agents: owned(agents),
        workspaces: workspaces.to_vec(),
        people: owned(people),
        paths: owned(folders),
    }
}
