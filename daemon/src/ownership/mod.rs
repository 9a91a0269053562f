//! Lets the files of a workspace follow its ownership.
//!
//! That a workspace changed hands is an entry; here the files follow it. First it is written down whose
//! everything was, then it is given away, then it is recorded what was given and what could not be. Each step finds what the
//! one before it did, so kill -9 in between is taken up at the next start.
//!
//! Whose bytes an agent could reach by this is the question of every line: a file that has other names is
//! never given itself, and one of a user whom the configuration does not know is left alone.

mod give;
mod listing;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, convert::Infallible, io::Read as _, sync::Arc};

use countersign_protocol::{
    Digest,
    event::Event,
    ownership::{FilesGiven, Settlement},
    principal::Actor,
};

use crate::{
    catalog::Catalog,
    clock::SharedClock,
    fault,
    fs::{Error, Objects},
    ledger::{Draft, Handover, Ledger, Ownership, TransactError},
    store::StoreError,
    workspace::{Account, Workspace, Workspaces},
};
use give::{Terms, to_agents, to_person};
use listing::Listing;

/// The list goes with its entry up to so many bytes.
const INLINE: usize = 64 * 1024;

/// Why files do not follow yet. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    /// A folder cannot be read.
    #[error(transparent)]
    Fs(#[from] Error),
    /// The ledger cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger does not take the facts.
    #[error("{0}")]
    Ledger(String),
    /// The list of whose everything was is not to be had.
    #[error("{0}")]
    Listing(String),
}

impl<E: std::fmt::Display> From<TransactError<E>> for CustodyError {
    fn from(error: TransactError<E>) -> Self {
        Self::Ledger(error.to_string())
    }
}

/// The stage. Clones share everything.
#[derive(Clone, Debug)]
pub struct Custody {
    workspaces: Arc<Workspaces>,
    ledger: Ledger,
    objects: Arc<Objects>,
    clock: SharedClock,
    catalog: Catalog,
}

impl Custody {
    /// The stage.
    pub fn new(
        workspaces: Arc<Workspaces>,
        ledger: Ledger,
        objects: Arc<Objects>,
        clock: SharedClock,
        catalog: Catalog,
    ) -> Self {
        Self {
            workspaces,
            ledger,
            objects,
            clock,
            catalog,
        }
    }

    /// Ends offers whose time is over, and lets files follow.
    pub async fn run(&self) -> Result<(), CustodyError> {
        self.expire().await?;
        let all: Vec<(String, Arc<Ownership>)> = {
            let state = self.ledger.state();
            let open = state
                .ownerships()
                .filter(|(_, one)| one.unsettled().is_some());
            open.map(|(name, one)| (name.to_owned(), Arc::clone(one)))
                .collect()
        };
        let mut failed = None;
        for (name, ownership) in all {
            let Some(workspace) = self.workspaces.get(&name).filter(|one| one.is_there()) else {
                continue;
            };
            if let Some(turn) = ownership.unsettled()
                && let Err(error) = self.settle(&workspace, &ownership, turn).await
            {
                tracing::warn!(workspace = name, %error, "its files do not have their new owner yet");
                failed.get_or_insert(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn expire(&self) -> Result<(), CustodyError> {
        let now = self.clock.now();
        let is_over = move |one: &Ownership| {
            let offer = one.offer.as_ref();
            offer.is_some_and(|offer| offer.terms.expires <= now)
        };
        if !self
            .ledger
            .state()
            .ownerships()
            .any(|(_, one)| is_over(one))
        {
            return Ok(());
        }
        let done = self.ledger.transact(move |state, _| {
            let over = state.ownerships().filter(|(_, one)| is_over(one));
            let facts = over.filter_map(|(workspace, one)| {
                let offer = one.offer.as_ref()?.seq;
                let workspace = workspace.to_owned();
                Some((Actor::Daemon, Event::OwnershipExpired { workspace, offer }))
            });
            Ok::<_, Infallible>(Draft::of(facts.collect(), ()))
        });
        done.await?;
        Ok(())
    }

    async fn settle(
        &self,
        workspace: &Arc<Workspace>,
        ownership: &Ownership,
        turn: &Handover,
    ) -> Result<(), CustodyError> {
        let terms = self.terms(workspace, ownership);
        let mut settlement = if turn.person.is_some() {
            if ownership.listing.is_none() {
                self.list(workspace, turn.seq).await?;
                fault::step("ownership.listed");
            }
            let (here, terms) = (Arc::clone(workspace), terms.clone());
            blocking(move || Ok(to_person(here.dir(), &terms))).await?
        } else if let Some(listing) = ownership.listing {
            let (me, here, terms) = (self.clone(), Arc::clone(workspace), terms.clone());
            blocking(move || {
                let listing = me.listing(listing)?;
                Ok(to_agents(here.dir(), &terms, &listing))
            })
            .await?
        } else {
            // Nothing was given away yet.
            Settlement::default()
        };
        if turn.person.is_some() {
            settlement.limits = self.limits(workspace, ownership, &terms);
        }
        fault::step("ownership.given");
        tracing::info!(workspace = %workspace.name, ?settlement, "its files follow its ownership");
        self.record(
            turn.seq,
            Event::FilesGiven(Box::new(FilesGiven {
                workspace: workspace.name.to_string(),
                turn: turn.seq,
                settlement,
            })),
            Vec::new(),
        )
        .await
    }

    /// Writes down whose everything is.
    async fn list(&self, workspace: &Arc<Workspace>, turn: u64) -> Result<(), CustodyError> {
        let (me, here) = (self.clone(), Arc::clone(workspace));
        let sealed = blocking(move || {
            let bytes = Listing::of(here.dir())?.to_bytes();
            let sealed = me.objects.seal_bytes(bytes, INLINE);
            sealed.map_err(|problem| CustodyError::Listing(problem.to_string()))
        })
        .await?;
        let event = Event::FilesListed {
            workspace: workspace.name.to_string(),
            turn,
            listing: sealed.sha256,
        };
        let inline = sealed.inline.into_iter();
        let objects = inline.map(|bytes| (sealed.sha256, bytes)).collect();
        self.record(turn, event, objects).await?;
        drop(sealed.pin);
        Ok(())
    }

    /// Records what was done for a change of hands, unless another one came since.
    async fn record(
        &self,
        turn: u64,
        event: Event,
        objects: Vec<(Digest, Vec<u8>)>,
    ) -> Result<(), CustodyError> {
        let done = self.ledger.transact(move |state, _| {
            let ownership = event.owned().and_then(|name| state.ownership(name));
            let open = ownership.and_then(|one| one.unsettled());
            if open.is_none_or(|open| open.seq != turn) {
                return Ok::<_, Infallible>(Draft::nothing(()));
            }
            Ok(Draft {
                objects,
                ..Draft::of(vec![(Actor::Daemon, event)], ())
            })
        });
        done.await?;
        Ok(())
    }

    fn listing(&self, sha256: Digest) -> Result<Listing, CustodyError> {
        let bytes = match self.objects.open_object(sha256)? {
            Some(mut file) => {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes)
                    .map_err(|error| CustodyError::Listing(error.to_string()))?;
                Some(bytes)
            }
            None => self.ledger.object(sha256)?,
        };
        let missing = || CustodyError::Listing(format!("the list {sha256} is missing"));
        Listing::of_bytes(&bytes.ok_or_else(missing)?).map_err(CustodyError::Listing)
    }

    /// The user of the operating system that a person has, when one is configured.
    fn account_of(&self, person: &str) -> Option<Account> {
        let user = self.catalog.person(person)?.user.as_ref()?;
        Account::find(&user.value)
    }

    fn terms(&self, workspace: &Workspace, ownership: &Ownership) -> Terms {
        let own = Account {
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
        };
        let owner = ownership.owner.as_ref();
        let agents: BTreeSet<u32> = workspace.settings.users.values().copied().collect();
        let people = self.catalog.people().iter();
        let people = people.filter_map(|one| self.account_of(one.id.as_str()));
        let mut known: BTreeSet<u32> = people.map(|account| account.uid).collect();
        known.extend(&agents);
        known.insert(own.uid);
        Terms {
            to: owner.and_then(|(id, _)| self.account_of(id)).unwrap_or(own),
            known,
            agents,
            is_root: own.uid == 0,
        }
    }

    /// What the setup does not let us promise.
    fn limits(&self, workspace: &Workspace, ownership: &Ownership, terms: &Terms) -> Vec<String> {
        let mut limits = Vec::new();
        let own = rustix::process::geteuid().as_raw();
        if !terms.is_root {
            limits.push(format!(
                "the daemon runs as user {own} and not as the superuser: nothing has another owner, and only from what is its own were rights to write taken"
            ));
        } else if let Some((id, display)) = &ownership.owner
            && self.account_of(id).is_none()
        {
            limits.push(format!(
                "no `user` is configured for {display}: the files belong to user {own}, that of the daemon"
            ));
        }
        if workspace.settings.users.is_empty() {
            limits.push(
                "no agent has a `user` of its own: what runs as the owner of a file can still write it".to_owned(),
            );
        }
        if terms.agents.contains(&terms.to.uid) || (!terms.is_root && terms.agents.contains(&own)) {
            limits.push(format!(
                "user {} is also that of an agent, which can still write",
                terms.to.uid
            ));
        }
        limits
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CustodyError> + Send + 'static,
) -> Result<T, CustodyError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(CustodyError::Ledger(error.to_string())))
}
