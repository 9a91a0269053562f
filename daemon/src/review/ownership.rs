//! Who owns a workspace, and how it changes hands. Each step is one job of the ledger; files follow in
//! `ownership`, which reads the entries.

use std::time::Duration;

use async_trait::async_trait;
use countersign_protocol::{
    Digest,
    access::{Access, Grant, Role},
    event::Event,
    ownership::OwnershipOffer,
    principal::{Actor, Method},
};
use countersign_web::desk::{
    Caller, DeskError, OwnershipDesk, Person,
    ownership::{Claimant, Named, NewOffer, OfferMade, OfferRow, OwnershipRow, OwnershipStep},
};

use super::{
    LedgerDesk,
    access::{actor, person_actor, sees},
    commands::{may_act, refused, words},
    person_tokens::check_present,
};
use crate::{
    accounts::secret,
    ledger::{Draft, Offer, Ownership, State},
    message::Claim,
    workspace::Workspace,
};

/// Most characters of a note or a reason.
const MOST: usize = 500;

impl LedgerDesk {
    /// Who answers for a workspace now.
    pub(super) fn owner_of_workspace(&self, state: &State, workspace: &Workspace) -> Named {
        let given = state.ownership(&workspace.name);
        if let Some((id, name)) = given.and_then(|one| one.owner.clone()) {
            return Named { id, name };
        }
        match &workspace.settings.owner {
            Some(id) => Named {
                id: id.clone(),
                name: self.policy.catalog().display(&format!("person:{id}")),
            },
            None => Named {
                id: self.local.id.clone(),
                name: self.local.display.clone(),
            },
        }
    }

    /// Whether `who` may offer a workspace, or give it back: its owner, the operator at this machine, and an agent as long as
    /// agents work in it.
    fn may_hand_on(who: &Caller, workspace: &str, owner: &str, is_held: bool) -> bool {
        match who {
            // A token is narrower than its owner, and what somebody owns is no permission that it could leave out.
            Caller::Person(person) if person.method == Method::Api => false,
            Caller::Person(person) => person.method == Method::Cli || person.id == owner,
            Caller::Agent(_) => !is_held && sees(who, workspace),
        }
    }

    fn ownership_row(&self, state: &State, who: &Caller, workspace: &Workspace) -> OwnershipRow {
        let known = state.ownership(&workspace.name);
        let owner = self.owner_of_workspace(state, workspace);
        let held = known.is_some_and(|one| one.held_by().is_some());
        let offer = known.and_then(|one| one.offer.as_ref());
        let offer = offer.filter(|offer| offer.terms.expires > self.clock.now());
        let turn = known.and_then(|one| one.turn.as_ref());
        let may_hand_on = Self::may_hand_on(who, &workspace.name, &owner.id, held);
        let is_asked = |offer: &Offer| matches!(who, Caller::Person(person) if person.id == offer.terms.to && person.method != Method::Api);
        let steps = [
            (OwnershipStep::Offer, may_hand_on),
            (OwnershipStep::Answer, offer.is_some_and(is_asked)),
            (OwnershipStep::Withdraw, may_hand_on && offer.is_some()),
            (OwnershipStep::Return, may_hand_on && held),
        ];
        let may = steps.into_iter().filter(|(_, may)| *may);
        OwnershipRow {
            workspace: workspace.name.to_string(),
            path: workspace.path.display().to_string(),
            owner,
            held,
            since: turn.map(|turn| turn.at),
            offer: offer.map(|offer| OfferRow {
                id: offer.seq,
                to: Named {
                    id: offer.terms.to.clone(),
                    name: offer.terms.display.clone(),
                },
                by: offer.by.name().to_owned(),
                note: offer.terms.note.clone(),
                at: offer.at,
                expires: offer.terms.expires,
            }),
            files: turn.and_then(|turn| turn.settled.clone()),
            settling: turn.is_some_and(|turn| turn.settled.is_none()),
            may: may.map(|(step, _)| step).collect(),
        }
    }

    fn served(&self, who: &Caller, name: &str) -> Result<std::sync::Arc<Workspace>, DeskError> {
        let served = self.workspaces.get(name).filter(|_| sees(who, name));
        served.ok_or_else(|| DeskError::NotFound(format!("the workspace `{name}`")))
    }

    /// The person of that id, name or address, among those whom the configuration knows and the operator.
    fn person_called(&self, text: &str) -> Result<Named, DeskError> {
        let text = text.trim();
        let text = text.strip_prefix("person:").unwrap_or(text);
        if let Some(person) = self.policy.catalog().find(text) {
            return Ok(Named {
                id: person.id.value.to_string(),
                name: person.name.value.clone(),
            });
        }
        if text == self.local.id || text == self.local.display {
            return Ok(Named {
                id: self.local.id.clone(),
                name: self.local.display.clone(),
            });
        }
        Err(DeskError::Invalid {
            field: "/to".to_owned(),
            message: format!(
                "there is no person called `{text}`; name one by id, name or e-mail address"
            ),
        })
    }

    /// One fact about the ownership of a workspace that `job` gives, with its number.
    async fn change_hands(
        &self,
        job: impl FnOnce(&State) -> Result<Vec<(Actor, Event)>, DeskError> + Send + 'static,
    ) -> Result<(), DeskError> {
        let done = self
            .ledger
            .transact(move |state, _| Ok(Draft::of(job(state)?, ())));
        done.await.map(drop).map_err(refused)
    }

    /// Who the secret of a claim stands for, where, and the offer that it answers.
    async fn claim(&self, shown: &str) -> Result<(String, u64, Person), DeskError> {
        let secret = shown.to_owned();
        let mailed = self
            .stored(move |store| Claim::find(store, &secret))
            .await?;
        let shown = Digest::of(shown.as_bytes());
        let now = self.clock.now();
        let state = self.ledger.state();
        let offers = state
            .ownerships()
            .filter_map(|(name, one)| Some((name, one.offer.as_ref()?)));
        let found = offers
            .filter(|(_, offer)| offer.terms.expires > now)
            .find(|(_, offer)| {
                let is_mailed =
                    |claim: &Claim| claim.offer == offer.seq && claim.person.id == offer.terms.to;
                offer.terms.claim_sha256 == Some(shown) || mailed.as_ref().is_some_and(is_mailed)
            });
        let (workspace, offer) =
            found.ok_or_else(|| DeskError::NotFound("the offer".to_owned()))?;
        may_act(&state, &offer.terms.to)?;
        // The link shows whom it was made for what it is about, and nothing else.
        let here = [(workspace.to_owned(), Grant::of(&[Role::Viewer]))];
        let person = Person {
            id: offer.terms.to.clone(),
            display: offer.terms.display.clone(),
            method: Method::EmailLink,
            access: Access::new(Grant::default(), here.into()),
        };
        Ok((workspace.to_owned(), offer.seq, person))
    }
}

/// Words that a row can show.
fn short(field: &str, text: Option<String>) -> Result<Option<String>, DeskError> {
    let text = words(field, text)?;
    if text
        .as_ref()
        .is_some_and(|text| text.chars().count() > MOST)
    {
        return Err(DeskError::Invalid {
            field: field.to_owned(),
            message: format!("at most {MOST} characters fit here"),
        });
    }
    Ok(text)
}

/// The facts by which agents let go of what they locked in a workspace that is somebody's now.
fn freed(state: &State, workspace: &str, by: &Actor) -> Vec<(Actor, Event)> {
    let reason = format!("{} has the workspace now", by.name());
    let ends = state.locks_of_agents(workspace).map(|lock| {
        let lock = lock.name();
        let reason = reason.clone();
        (by.clone(), Event::LockBroken { lock, reason })
    });
    ends.collect()
}

fn open_offer(state: &State, workspace: &str) -> Option<Offer> {
    let known: Option<&std::sync::Arc<Ownership>> = state.ownership(workspace);
    known.and_then(|one| one.offer.clone())
}

#[async_trait]
impl OwnershipDesk for LedgerDesk {
    async fn ownerships(&self, who: &Caller) -> Result<Vec<OwnershipRow>, DeskError> {
        let served = self.workspaces.all();
        let state = self.ledger.state();
        let seen = served.iter().filter(|one| sees(who, &one.name));
        Ok(seen
            .map(|workspace| self.ownership_row(&state, who, workspace))
            .collect())
    }

    async fn offer_ownership(
        &self,
        who: &Caller,
        workspace: &str,
        offer: NewOffer,
    ) -> Result<OfferMade, DeskError> {
        let here = self.served(who, workspace)?;
        let to = self.person_called(&offer.to)?;
        let note = short("/note", offer.note)?;
        let waits = jiff::SignedDuration::try_from(offer.waits.max(Duration::from_mins(1)));
        let expires = waits
            .ok()
            .and_then(|waits| self.clock.now().checked_add(waits).ok())
            .unwrap_or(jiff::Timestamp::MAX);
        // An agent that offers must not be able to answer.
        let claim = match who {
            Caller::Person(_) => Some(secret()?),
            Caller::Agent(_) => None,
        };
        let terms = OwnershipOffer {
            workspace: workspace.to_owned(),
            to: to.id.clone(),
            display: to.name.clone(),
            note,
            expires,
            claim_sha256: claim.as_ref().map(|secret| Digest::of(secret.as_bytes())),
        };
        let owner = self.owner_of_workspace(&self.ledger.state(), &here).id;
        let (by, caller, name) = (actor(who), who.clone(), workspace.to_owned());
        self.change_hands(move |state| {
            if state.is_disabled(&to.id) {
                return Err(DeskError::Invalid {
                    field: "/to".to_owned(),
                    message: format!(
                        "the account of {} is disabled; offer it to another person",
                        to.name
                    ),
                });
            }
            let known = state.ownership(&name);
            let held = known.and_then(|one| one.held_by());
            let owner = known
                .and_then(|one| one.owner.as_ref())
                .map_or(owner, |(id, _)| id.clone());
            if !Self::may_hand_on(&caller, &name, &owner, held.is_some()) {
                let why = "only its owner, the operator, or an agent that works in it may offer it";
                return Err(DeskError::NotAllowed(why.to_owned()));
            }
            if held.is_some_and(|(id, _)| id == to.id) {
                let why = format!("{} has `{name}` already", to.name);
                return Err(DeskError::Overtaken(why));
            }
            let mut facts = Vec::new();
            if let Some(earlier) = open_offer(state, &name) {
                let event = Event::OwnershipWithdrawn {
                    workspace: name,
                    offer: earlier.seq,
                };
                facts.push((by.clone(), event));
            }
            facts.push((by, Event::OwnershipOffered(Box::new(terms))));
            Ok(facts)
        })
        .await?;
        let ownership = self.ownership_row(&self.ledger.state(), who, &here);
        let url = |secret| format!("{}/workspaces/claim?t={secret}", self.local.public_url);
        Ok(OfferMade {
            ownership,
            claim_url: claim.map(url),
        })
    }

    async fn withdraw_offer(&self, who: &Caller, workspace: &str) -> Result<(), DeskError> {
        let here = self.served(who, workspace)?;
        let owner = self.owner_of_workspace(&self.ledger.state(), &here).id;
        let (by, caller, name) = (actor(who), who.clone(), workspace.to_owned());
        self.change_hands(move |state| {
            let held = state.held_by(&name).is_some();
            if !Self::may_hand_on(&caller, &name, &owner, held) {
                let why = "only who may offer it may take the offer back";
                return Err(DeskError::NotAllowed(why.to_owned()));
            }
            let Some(offer) = open_offer(state, &name) else {
                return Err(DeskError::Overtaken(format!(
                    "`{name}` is not offered to anybody"
                )));
            };
            let event = Event::OwnershipWithdrawn {
                workspace: name,
                offer: offer.seq,
            };
            Ok(vec![(by, event)])
        })
        .await
    }

    async fn claimed(&self, secret: &str) -> Result<OwnershipRow, DeskError> {
        let (name, _, person) = self.claim(secret).await?;
        let who = Caller::Person(person);
        let here = self.served(&who, &name)?;
        Ok(self.ownership_row(&self.ledger.state(), &who, &here))
    }

    async fn answer_offer(
        &self,
        who: &Claimant,
        workspace: &str,
        accept: bool,
        reason: Option<String>,
    ) -> Result<(), DeskError> {
        let (person, claim) = match who {
            Claimant::Person(person) => {
                check_present(person)?;
                (person.clone(), None)
            }
            Claimant::Secret(secret) => {
                let (name, offer, person) = self.claim(secret).await?;
                if name != workspace {
                    return Err(DeskError::NotFound("the offer".to_owned()));
                }
                (person, Some(offer))
            }
        };
        self.served(&Caller::Person(person.clone()), workspace)?;
        let reason = short("/reason", reason)?;
        let (by, name) = (person_actor(&person), workspace.to_owned());
        let now = self.clock.now();
        let account = self.account_behind(&person);
        self.change_hands(move |state| {
            if let Some(account) = &account {
                may_act(state, account)?;
            }
            let offer = open_offer(state, &name).filter(|offer| offer.terms.expires > now);
            let Some(offer) = offer else {
                return Err(DeskError::Overtaken(format!(
                    "`{name}` is not offered to anybody"
                )));
            };
            if offer.terms.to != person.id || claim.is_some_and(|it| it != offer.seq) {
                let whose = offer.terms.display;
                return Err(DeskError::NotAllowed(format!(
                    "`{name}` is offered to {whose}"
                )));
            }
            let (workspace, offer) = (name.clone(), offer.seq);
            if !accept {
                let event = Event::OwnershipDeclined {
                    workspace,
                    offer,
                    reason,
                };
                return Ok(vec![(by, event)]);
            }
            let mut facts = vec![(by.clone(), Event::OwnershipAccepted { workspace, offer })];
            facts.extend(freed(state, &name, &by));
            Ok(facts)
        })
        .await
    }

    async fn return_ownership(
        &self,
        who: &Person,
        workspace: &str,
        note: Option<String>,
    ) -> Result<(), DeskError> {
        let caller = Caller::Person(who.clone());
        self.served(&caller, workspace)?;
        let note = short("/note", note)?;
        let (by, name) = (person_actor(who), workspace.to_owned());
        self.change_hands(move |state| {
            let known = state.ownership(&name);
            let Some((id, display)) = known.and_then(|one| one.held_by()) else {
                return Err(DeskError::Overtaken(format!(
                    "agents work in `{name}` already"
                )));
            };
            if !Self::may_hand_on(&caller, &name, id, true) {
                return Err(DeskError::NotAllowed(format!(
                    "`{name}` is {display}’s to give back"
                )));
            }
            let workspace = name.clone();
            Ok(vec![(by, Event::OwnershipReturned { workspace, note })])
        })
        .await
    }
}
