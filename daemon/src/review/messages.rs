//! Messages on the desk: how they fared, receivers, and the links in them.

use std::convert::Infallible;

use async_trait::async_trait;
use countersign_protocol::{
    HandoffId,
    access::Permission,
    decision::Outcome,
    event::Event,
    principal::{Actor, Method},
    state::HandoffState,
    terms::Terms,
};
use countersign_web::desk::{
    Answer, Answered, Caller, Care, DeskError, LinkError, LinkView, MessageRow, MessagesDesk,
    Person, ReceiverRow, RiskLevel, TestResult, WishesDesk as _, messages::Disclosed,
};
use jiff::{Timestamp, tz::TimeZone};

use super::{
    LedgerDesk,
    access::{person_actor, visible_card},
    commands::may_act,
    row::level,
    unavailable,
    undo::Ending,
    votes::effects_of,
};
use crate::{
    ledger::{Card, Draft},
    message::{self, Change, Health, Link, LinkAnswer, Owed, State, Status, StopKey},
    policy::Level,
    store::{Store, StoreError},
};

/// Messages of a receiver that are counted, and that one redrive takes.
const MOST: usize = 1_000;
/// Messages about a card that are listed.
const ABOUT: usize = 200;

/// The way out for samples. The program wires it to the outbox.
#[async_trait]
pub trait Courier: Send + Sync + 'static {
    /// What messages may tell, by class.
    fn disclosed(&self) -> Vec<Disclosed>;
    /// Names of all receivers.
    fn receivers(&self) -> Vec<String>;
    /// Sends a sample of each kind.
    async fn test(&self, receiver: Option<&str>, to: Option<&str>) -> Vec<TestResult>;
}

fn row(status: Status, held: bool) -> MessageRow {
    let last = status.attempts.last().map(|attempt| attempt.said.clone());
    let (state, at, said) = match status.state {
        State::Held { until } => ("later", Some(until), None),
        // Its message cannot be found, so it is as if nothing were known of it.
        State::Collected { .. } => ("collected", None, None),
        State::Owed if held => ("held", None, last),
        State::Owed => ("owed", None, last),
        State::Retrying { at } if held => ("held", Some(at), last),
        State::Retrying { at } => ("retrying", Some(at), last),
        State::Sent { at } => ("sent", Some(at), last),
        State::Failed { why } => ("failed", None, Some(why)),
        State::Dropped { why } => ("dropped", None, Some(why)),
    };
    MessageRow {
        id: status.id,
        receiver: status.lane,
        to: status.to,
        kind: status.kind,
        state: state.to_owned(),
        since: status.since,
        at,
        attempts: status.tried,
        said,
    }
}

/// A notice that went into a message with others fares as that message does.
fn collected(store: &mut dyn Store, status: &mut Status) -> Result<(), StoreError> {
    if let State::Collected { into } = &status.state
        && let Some(with) = Status::find(store, into)?
    {
        status.state = with.state;
        status.lane = with.lane;
        status.tried = with.tried;
        status.attempts = with.attempts;
    }
    Ok(())
}

/// Returns what the person decides by a link.
fn outcome(answer: LinkAnswer) -> Outcome {
    match answer {
        LinkAnswer::Approve => Outcome::Approved,
        LinkAnswer::Changes => Outcome::ChangesRequested,
    }
}

/// Returns why an answer by a link was not taken, for its reader.
fn refused_by(id: HandoffId, error: DeskError) -> LinkError {
    match error {
        DeskError::Stale { .. } => {
            LinkError::Overtaken(format!("{id} went on since the mail was sent"))
        }
        DeskError::Conflict { .. } | DeskError::Overtaken(_) => {
            LinkError::Overtaken(error.to_string())
        }
        DeskError::Unavailable(why) => LinkError::Unavailable(why),
        DeskError::NotAllowed(why) => LinkError::Refused(why),
        error => LinkError::SignIn(format!("{error}; open {id} itself")),
    }
}

impl LedgerDesk {
    /// Reads the engine for this desk.
    pub(super) async fn stored<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, DeskError> {
        let found = self.ledger.read(read).await;
        found.map_err(|error| DeskError::Unavailable(error.to_string()))
    }

    fn known_receiver(&self, name: &str) -> Result<(), DeskError> {
        if self.courier.receivers().iter().any(|known| known == name) {
            Ok(())
        } else {
            Err(DeskError::NotFound(format!("the receiver `{name}`")))
        }
    }

    /// Whether nothing speaks against a card now.
    fn is_low(&self, id: HandoffId) -> bool {
        let card = self.ledger.state().card(id).cloned();
        card.is_some_and(|card| self.verdict(&card).level == Level::Low)
    }

    async fn found_link(&self, id: HandoffId, token: &str) -> Result<Link, LinkError> {
        let secret = token.to_owned();
        let found = self.ledger.read(move |store| {
            let link = Link::find(store, &secret)?;
            let is_replaced = match &link {
                Some(link) => link.is_replaced(store)?,
                None => false,
            };
            Ok((link, is_replaced))
        });
        let found = found.await;
        let (link, is_replaced) =
            found.map_err(|error| LinkError::Unavailable(error.to_string()))?;
        let link = link
            .filter(|link| link.handoff == id)
            .ok_or(LinkError::Unknown)?;
        if is_replaced && link.used.is_none() {
            let why = format!("a newer mail about {id} was sent to you; use the links in that one");
            return Err(LinkError::Overtaken(why));
        }
        Ok(link)
    }

    /// Refuses a link whose person may not give its answer: their account was disabled, or their role no longer
    /// allows it.
    fn check_holder(&self, holder: &Person, link: &Link) -> Result<(), LinkError> {
        let refused = |error: DeskError| LinkError::Refused(error.to_string());
        if let Some(account) = self.account_behind(holder) {
            may_act(&self.ledger.state(), &account).map_err(refused)?;
        }
        self.may_answer(holder, link.handoff, outcome(link.answer))
            .map_err(|error| LinkError::SignIn(error.to_string()))
    }

    /// Returns the names of those who are asked about `card`, when the person `id` is no longer among them.
    fn given_to(&self, card: &Card, id: &str) -> Option<Vec<String>> {
        let routing = card.routing.as_ref()?;
        let people = || routing.asked.iter().flat_map(|one| &one.people);
        if people().any(|asked| asked == id) {
            return None;
        }
        let mut names: Vec<String> = people().map(|id| self.name_of(id)).collect();
        names.sort();
        names.dedup();
        Some(names)
    }

    /// What a link is bound to, when it still holds.
    fn checked_link(&self, link: &Link, now: Timestamp) -> Result<(), LinkError> {
        if link.used.is_some() {
            return Err(LinkError::Used);
        }
        if link.expires <= now {
            return Err(LinkError::Expired(link.expires));
        }
        let state = self.ledger.state();
        let card = state.card(link.handoff).ok_or(LinkError::Unknown)?;
        let same = card.newest().accepted.manifest_sha256 == link.manifest_sha256;
        let id = link.handoff;
        match &card.state {
            HandoffState::Waiting { revision } if *revision == link.revision && same => Ok(()),
            HandoffState::Waiting { revision } => Err(LinkError::Overtaken(format!(
                "{id} has revision {revision} now; the link was for revision {}",
                link.revision
            ))),
            state => Err(LinkError::Overtaken(format!(
                "{id} is {} already",
                state.name().replace('_', " ")
            ))),
        }
    }
}

#[async_trait]
impl MessagesDesk for LedgerDesk {
    async fn messages(&self, who: &Caller, id: HandoffId) -> Result<Vec<MessageRow>, DeskError> {
        drop(visible_card(&self.ledger.state(), who, id)?);
        let all = self
            .stored(move |store| {
                let mut all = Status::about(store, Some(id), ABOUT)?;
                for status in &mut all {
                    collected(store, status)?;
                }
                Ok(all)
            })
            .await?;
        let state = self.ledger.state();
        let rows = all.into_iter().rev().map(|status| {
            let held = state.receiver_disabled(&status.lane).is_some();
            row(status, held)
        });
        Ok(rows.collect())
    }

    async fn receivers(&self, who: &Person) -> Result<Vec<ReceiverRow>, DeskError> {
        who.check(Permission::Messages, None)?;
        let mut rows = Vec::new();
        for name in self.courier.receivers() {
            let lane = name.clone();
            let (health, waiting, failed) = self
                .stored(move |store| {
                    let health = Health::of(store, &lane)?;
                    let waiting = message::waiting(store, &lane, MOST)?.len();
                    Ok((health, waiting, message::parked(store, &lane, MOST)?.len()))
                })
                .await?;
            let disabled = self.ledger.state().receiver_disabled(&name).cloned();
            rows.push(ReceiverRow {
                name,
                disabled_since: disabled.as_ref().map(|(since, _)| *since),
                disabled_why: disabled.map(|(_, why)| why),
                last_sent: health.last_sent,
                failing_since: health.failing_since,
                last_failure: health.last_failure,
                waiting,
                failed,
            });
        }
        Ok(rows)
    }

    async fn disclosed(&self, _: &Person) -> Result<Vec<Disclosed>, DeskError> {
        Ok(self.courier.disclosed())
    }

    async fn enable_receiver(&self, who: &Person, name: &str) -> Result<(), DeskError> {
        who.check(Permission::Messages, None)?;
        self.known_receiver(name)?;
        let (actor, receiver) = (person_actor(who), name.to_owned());
        let lane = receiver.clone();
        let (health, waiting) = self
            .stored(move |store| {
                let waiting = message::waiting(store, &lane, MOST)?;
                Ok((Health::of(store, &lane)?, waiting))
            })
            .await?;
        // Five days begin anew.
        let health = Health {
            failing_since: None,
            ..health
        };
        // What had been put off for hours is tried at once.
        let now = self.clock.now();
        let sooner = waiting.into_iter().filter(|owed| owed.next > now);
        let sooner: Vec<Change> = sooner
            .flat_map(|owed| Owed { next: now, ..owed }.again())
            .collect();
        let recorded = self.ledger.transact(move |state, _| {
            let mut draft = Draft::nothing(());
            if state.receiver_disabled(&receiver).is_some() {
                draft.values.extend(sooner);
                draft.values.push(health.change(&receiver));
                draft
                    .events
                    .push((actor, Event::ReceiverEnabled { receiver }));
            }
            Ok::<_, Infallible>(draft)
        });
        recorded.await.map(drop).map_err(unavailable)
    }

    async fn redrive_receiver(&self, who: &Person, name: &str) -> Result<u64, DeskError> {
        who.check(Permission::Messages, None)?;
        self.known_receiver(name)?;
        let lane = name.to_owned();
        let parked: Vec<Owed> = self
            .stored(move |store| message::parked(store, &lane, MOST))
            .await?;
        let count = u64::try_from(parked.len()).unwrap_or(u64::MAX);
        if count == 0 {
            return Ok(0);
        }
        let now = self.clock.now();
        let values: Vec<Change> = parked
            .into_iter()
            .flat_map(|mut owed| {
                owed.next = now;
                // The schedule begins anew; what was tried before stays to be read.
                owed.tried = 0;
                owed.again()
            })
            .collect();
        let event = Event::MessagesRedriven {
            receiver: name.to_owned(),
            count,
        };
        let draft = Draft {
            values,
            ..Draft::of(vec![(person_actor(who), event)], ())
        };
        let recorded = self
            .ledger
            .transact(move |_, _| Ok::<_, Infallible>(draft))
            .await;
        recorded.map_err(unavailable)?;
        Ok(count)
    }

    async fn test_messages(
        &self,
        who: &Person,
        receiver: Option<&str>,
        to: Option<&str>,
    ) -> Result<Vec<TestResult>, DeskError> {
        who.check(Permission::Messages, None)?;
        if let Some(name) = receiver {
            self.known_receiver(name)?;
        }
        Ok(self.courier.test(receiver, to).await)
    }

    async fn link(
        &self,
        id: HandoffId,
        token: &str,
        now: Timestamp,
    ) -> Result<LinkView, LinkError> {
        let link = self.found_link(id, token).await?;
        self.checked_link(&link, now)?;
        let holder = self.person(&link.person.id, &link.person.display, Method::EmailLink);
        self.check_holder(&holder, &link)?;
        let card = self
            .ledger
            .state()
            .card(id)
            .cloned()
            .ok_or(LinkError::Unknown)?;
        let accepted = &card.newest().accepted;
        let verdict = self.verdict(&card);
        let answer = link.answer.word();
        let effects = effects_of(&card);
        let effect = effects.into_iter().find(|effect| effect.answer == answer);
        let names = accepted
            .manifest
            .entries
            .iter()
            .take(8)
            .map(|entry| entry.path.clone());
        let risk: RiskLevel = level(verdict.level);
        let given_to = self.given_to(&card, &link.person.id);
        Ok(LinkView {
            id,
            revision: link.revision,
            answer: answer.to_owned(),
            title: accepted.title.clone(),
            agent: accepted.from_agent.clone(),
            files: accepted.manifest.entries.len(),
            names: names.collect(),
            risk,
            effect: effect.map(|effect| effect.text).unwrap_or_default(),
            sent_to: link.person.email.unwrap_or(link.person.display),
            sent_at: link.made,
            expires: link.expires,
            zone: self.zone(&link.person.id).unwrap_or(TimeZone::UTC),
            given_to,
        })
    }

    async fn answer_by_link(
        &self,
        id: HandoffId,
        token: &str,
        signed_in: Option<&Person>,
        note: Option<String>,
    ) -> Result<Answered, LinkError> {
        let link = self.found_link(id, token).await?;
        let now = self.clock.now();
        self.checked_link(&link, now)?;
        // A link alone decides what does little harm; else the session decides, and the link only led here.
        let person = match signed_in {
            Some(person) if person.id != link.person.id => {
                return Err(LinkError::SignIn(format!(
                    "This link was made for {}; open {id} itself to decide as {}",
                    link.person.display, person.display
                )));
            }
            Some(person) => person.clone(),
            // The rules may have become stricter since the mail was sent.
            None if link.alone && self.is_low(id) => {
                self.person(&link.person.id, &link.person.display, Method::EmailLink)
            }
            None => {
                return Err(LinkError::SignIn(format!(
                    "{id} is decided by somebody who is signed in"
                )));
            }
        };
        self.check_holder(&person, &link)?;
        let is_approval = matches!(link.answer, LinkAnswer::Approve);
        if is_approval && self.needs_page(&person, id).await {
            return Err(LinkError::SignIn(format!(
                "An approval of {id} needs more than a link can tell; open {id} itself"
            )));
        }
        let answer = Answer {
            revision: link.revision,
            manifest_sha256: link.manifest_sha256,
            outcome: outcome(link.answer),
            comment: note,
            reasons: Vec::new(),
            answers: Vec::new(),
            requests: Vec::new(),
            edits: Vec::new(),
            terms: Terms::default(),
            care: Care::default(),
            partial: None,
        };
        let spent = Link {
            used: Some(now),
            ..link.clone()
        };
        let spent = vec![spent.change(token)];
        self.record_answer(&person, id, answer, (Ending::Now, None), spent)
            .await
            .map_err(|error| refused_by(id, error))
    }

    async fn mail_stopped(&self, token: &str) -> Option<bool> {
        let key = self.ledger.read(StopKey::find).await.ok()??;
        let person = key.person(token)?;
        Some(self.ledger.state().mail_stopped(&person))
    }

    async fn stop_mail(&self, token: &str, stop: bool) -> Result<bool, DeskError> {
        let key = self.stored(StopKey::find).await?;
        let Some(person) = key.and_then(|key| key.person(token)) else {
            return Ok(false);
        };
        let recorded = self.ledger.transact(move |state, _| {
            if state.mail_stopped(&person) == stop {
                return Ok::<_, Infallible>(Draft::nothing(()));
            }
            let actor = Actor::Person {
                id: person.clone(),
                display: person.clone(),
                method: Method::EmailLink,
            };
            let event = if stop {
                Event::MailStopped { person }
            } else {
                Event::MailResumed { person }
            };
            Ok(Draft::of(vec![(actor, event)], ()))
        });
        recorded.await.map(|_| true).map_err(unavailable)
    }
}
