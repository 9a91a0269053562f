//! Tells people and programs what happened: at least once, each message with one id for all attempts.
//!
//! It reads entries after its mark and, in one transaction with moving that mark, writes down which messages are
//! owed, and which wait until a person may be disturbed. Each receiver has a lane of its own that delivers them, tries again by a schedule, and writes down
//! what became of every attempt. A message may leave before it is written down that it is owed: should the
//! program die in between, the entry is read again and makes the same message with the same id.

mod channel;
mod disclose;
mod http;
mod lane;
mod later;
mod people;
mod plan;
mod render;
mod samples;
mod schedule;
mod sign;
#[cfg(test)]
mod tests;
mod trial;
mod view;

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use countersign_protocol::event::Event;
use countersign_web::templates::Templates;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    catalog::{Catalog, Roster},
    clock::SharedClock,
    config::{Disclosure, Environment, Format, Kind, Notify},
    egress::{Http, Lookup, system_lookup},
    fault,
    ledger::{Draft, Ledger, Recorded},
    message::{self, Held, Owed, StopKey},
    store::{Space, StoreError},
    workspace::Workspaces,
};
use channel::{Channel, Chat, Mail, Webhook};
use lane::{Door, Lane};
use later::{Batch, Last};
use plan::{Offered, Told};
use render::Renderer;
use sign::Key;
pub use trial::{Tried, preview};

/// Entries done at a time.
const PAGE: usize = 64;
/// The lane of mail.
const MAIL: &str = "mail";
/// The name of the mark.
const MARK: &str = "outbox";
/// A mark that passed nothing that is owed may lag behind so many entries.
const LAG: u64 = 1_000;
/// Notices that waited, released at a time.
const RELEASED: usize = 256;
/// A clock that is set is noticed after so long.
const LOOK: Duration = Duration::from_mins(1);

/// A source of 256 random bits; `None` when the system has none.
pub type Random = Arc<dyn Fn() -> Option<[u8; 32]> + Send + Sync>;

/// A source of numbers from 0 to 1.
pub type Dice = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Why it stopped before the newest entry. It goes on from there later.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entry cannot be read, or the ledger does not take what is owed.
    #[error("{0}")]
    Ledger(String),
}

/// What it needs of the rest of the program.
#[derive(Clone)]
pub struct Around {
    /// The ledger.
    pub ledger: Ledger,
    /// The workspaces.
    pub workspaces: Arc<Workspaces>,
    /// Time.
    pub clock: SharedClock,
    /// Chance, to spread what would happen all at once.
    pub dice: Dice,
    /// Chance that nobody can guess, for links.
    pub random: Random,
    /// How messages are written.
    pub templates: Templates,
    /// The address of the pages, without a slash at its end.
    pub home: String,
    /// Who there is to tell.
    pub catalog: Catalog,
    /// What each person may do.
    pub roster: Roster,
    /// Id and name of the person who runs this server.
    pub operator: (String, String),
}

impl Around {
    /// The name that people know, of a target or of a person by id.
    fn name_of(&self, target: &str) -> String {
        let (id, display) = &self.operator;
        if target.strip_prefix("person:").unwrap_or(target) == id {
            return display.clone();
        }
        self.catalog.display(target)
    }
}

impl std::fmt::Debug for Around {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Around")
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

/// A receiver and what it wants.
struct Receiver {
    name: String,
    door: Door,
    channel: Arc<dyn Channel>,
    events: Vec<Kind>,
    workspaces: Vec<String>,
    /// A program gets every kind it wants; people get one message about one thing.
    is_program: bool,
}

impl Receiver {
    fn wants(&self, told: &Told) -> bool {
        if let Some(only) = &told.only {
            return *only == self.name;
        }
        let kind = |name: &str| self.events.iter().any(|kind| kind.name() == name);
        let twice = told
            .instead
            .is_some_and(|more| !self.is_program && self.events.contains(&more));
        let workspace = &told.notice.workspace;
        kind(&told.notice.kind)
            && !twice
            && told.not_to.as_ref() != Some(&self.name)
            && (self.workspaces.is_empty() || self.workspaces.contains(workspace))
    }
}

/// The stage. Clones share one.
#[derive(Clone)]
pub struct Outbox {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.inner.receivers.iter().map(|one| &one.name);
        f.debug_list().entries(names).finish()
    }
}

struct Inner {
    around: Around,
    rules: Arc<Notify>,
    receivers: Vec<Receiver>,
    /// The last entry that is done, which may be ahead of the mark on the disk.
    done: AtomicU64,
    /// The mark on the disk.
    marked: AtomicU64,
    turn: tokio::sync::Mutex<()>,
    /// When people were last told; after a start everybody may be told at once.
    last: Mutex<Last>,
    /// When the next of what waits is told; `None` until the store was asked.
    next: Mutex<Option<Next>>,
}

/// The time of the next of what waits, if anything does.
type Next = Option<Timestamp>;

impl Outbox {
    /// The stage with a lane for every receiver of `rules`, and the lanes to be run. The error names what is
    /// wrong with the configuration.
    fn build(
        around: Around,
        rules: &Arc<Notify>,
        environment: &Environment,
        lookup: &Lookup,
        stop: StopKey,
    ) -> Result<(Self, Vec<Lane>), String> {
        let render = Renderer::new(around.templates.clone(), Arc::clone(rules), &around.home);
        let mut receivers = Vec::new();
        let mut lanes = Vec::new();
        let mut add = |name: String, channel: Arc<dyn Channel>, events, workspaces, is_program| {
            let (lane, door) = Lane::new(
                name.clone(),
                Arc::clone(&channel),
                around.ledger.clone(),
                Arc::clone(&around.clock),
                Arc::clone(&around.dice),
            );
            lanes.push(lane);
            receivers.push(Receiver {
                name,
                door,
                channel,
                events,
                workspaces,
                is_program,
            });
        };
        for webhook in &rules.webhooks {
            let name = webhook.name.value.to_string();
            let channel = way(webhook, &render, environment, lookup)
                .map_err(|why| format!("the webhook `{name}`: {why}"))?;
            let events = webhook.events.value.clone();
            let workspaces = webhook.workspaces.value.clone();
            let is_program = webhook.format.value == Format::Generic;
            add(name, channel, events, workspaces, is_program);
        }
        if let Some(settings) = &rules.email {
            let (ledger, random) = (around.ledger.clone(), Arc::clone(&around.random));
            let mail = Mail::new(settings, environment, ledger, render, random, stop)
                .map_err(|why| format!("`[notify.email]`: {why}"))?;
            // People are named one by one; no kind goes to all of them.
            add(
                MAIL.to_owned(),
                Arc::new(mail),
                Vec::new(),
                Vec::new(),
                false,
            );
        }
        let inner = Inner {
            around,
            rules: Arc::clone(rules),
            receivers,
            done: AtomicU64::new(u64::MAX),
            marked: AtomicU64::new(0),
            turn: tokio::sync::Mutex::default(),
            last: Mutex::default(),
            next: Mutex::default(),
        };
        let outbox = Self {
            inner: Arc::new(inner),
        };
        Ok((outbox, lanes))
    }

    /// Builds it and runs its lanes until `cancel`.
    pub async fn start(
        around: Around,
        rules: &Arc<Notify>,
        environment: &Environment,
        tasks: &TaskTracker,
        cancel: &CancellationToken,
    ) -> Result<Self, String> {
        let stop = stop_key(&around).await?;
        let (outbox, lanes) = Self::build(around, rules, environment, &system_lookup(), stop)?;
        for lane in lanes {
            tasks.spawn(lane.run(cancel.clone()));
        }
        // What happens from here on is told, also what happens before the task below has its first turn.
        // A ledger that cannot be written now keeps nobody from the pages: the task tries again.
        if let Err(error) = outbox.run().await {
            tracing::error!(%error, "what is owed to receivers cannot be recorded; it is tried again");
        }
        let (me, cancel) = (outbox.clone(), cancel.clone());
        tasks.spawn(async move {
            // Without a pause after a hint: whoever is told waits for it.
            let mut head = me.inner.around.ledger.work();
            loop {
                head.borrow_and_update();
                let ran = me.run().await;
                let pause = match ran {
                    Ok(None) => None,
                    Ok(Some(next)) => Some(me.until(next).min(LOOK)),
                    Err(_) => Some(Duration::from_secs(1)),
                };
                let time = async {
                    match pause {
                        Some(pause) => tokio::time::sleep(pause).await,
                        None => std::future::pending().await,
                    }
                };
                let news = async {
                    if ran.is_err() || head.changed().await.is_err() {
                        std::future::pending::<()>().await;
                    }
                };
                tokio::select! {
                    () = cancel.cancelled() => return,
                    () = time => {}
                    () = news => {}
                }
            }
        });
        Ok(outbox)
    }

    /// How much messages may tell about work of `class`.
    pub fn disclosure(&self, class: &str) -> Disclosure {
        self.inner.rules.disclosure(class)
    }

    /// Names of all receivers.
    pub fn receivers(&self) -> Vec<String> {
        self.inner
            .receivers
            .iter()
            .map(|one| one.name.clone())
            .collect()
    }

    fn until(&self, at: Timestamp) -> Duration {
        let wait = at.duration_since(self.inner.around.clock.now());
        Duration::try_from(wait.max(SignedDuration::ZERO)).unwrap_or_default()
    }

    /// Writes down what is owed for every new entry, and what waited until now. Gives the time at which the
    /// next of what waits is told.
    pub async fn run(&self) -> Result<Option<Timestamp>, OutboxError> {
        let _turn = self.inner.turn.lock().await;
        loop {
            let done = self.done().await?;
            let ledger = &self.inner.around.ledger;
            let entries = ledger.entries(done, PAGE).await?;
            let Some(last) = entries.last().map(|entry| entry.body.seq) else {
                break;
            };
            let batch = self.batch(&entries).await?;
            self.record(batch, last).await.inspect_err(|error| {
                tracing::warn!(%error, "it is not written down yet which messages are owed");
            })?;
            self.inner.done.store(last, Ordering::SeqCst);
        }
        self.release().await
    }

    fn next(&self) -> MutexGuard<'_, Option<Next>> {
        let next = self.inner.next.lock();
        next.unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells people what waited until now.
    async fn release(&self) -> Result<Option<Timestamp>, OutboxError> {
        let now = self.inner.around.clock.now();
        if let Some(next) = *self.next()
            && next.is_none_or(|at| at > now)
        {
            return Ok(next);
        }
        loop {
            let ledger = &self.inner.around.ledger;
            let first = ledger.read(|store| Held::first(store, RELEASED)).await?;
            let now = self.inner.around.clock.now();
            let next = first.iter().map(|held| held.until).find(|at| *at > now);
            let due: Vec<Held> = first.into_iter().filter(|held| held.until <= now).collect();
            if due.is_empty() {
                *self.next() = Some(next);
                return Ok(next);
            }
            let mut batch = self.begun();
            batch.release(&self.inner, &ledger.state(), due);
            // Not before it is written down: what waits on may be told together with something else.
            let owed = batch.owed.clone();
            self.write(batch, None, false).await?;
            for one in owed {
                self.offer(one);
            }
            self.ring();
        }
    }

    fn begun(&self) -> Batch {
        let last = self.inner.last.lock();
        Batch {
            last: last.unwrap_or_else(PoisonError::into_inner).clone(),
            ..Batch::default()
        }
    }

    /// The last entry that is done. Who never sent anything begins with what happens from now on.
    async fn done(&self) -> Result<u64, OutboxError> {
        let inner = &self.inner;
        let done = inner.done.load(Ordering::SeqCst);
        if done != u64::MAX {
            return Ok(done);
        }
        let mark = inner
            .around
            .ledger
            .read(|store| store.value(Space::Progress, MARK))
            .await?;
        let mark = match mark.and_then(|mark| mark.parse().ok()) {
            Some(mark) if !inner.receivers.is_empty() => mark,
            _ => {
                let head = inner.around.ledger.state().head.seq;
                self.write(self.begun(), Some(head), false).await?;
                head
            }
        };
        inner.marked.store(mark, Ordering::SeqCst);
        inner.done.store(mark, Ordering::SeqCst);
        Ok(mark)
    }

    /// The messages that `entries` lead to, each at its place.
    async fn batch(&self, entries: &[Arc<Recorded>]) -> Result<Batch, OutboxError> {
        let inner = &self.inner;
        let mut batch = self.begun();
        let wants = |one: &Receiver| one.events.contains(&Kind::Event);
        let each = inner.receivers.iter().any(wants);
        for entry in entries {
            let body = &entry.body;
            self.wake(&body.event);
            if inner.receivers.is_empty() {
                continue;
            }
            let failed = self.failed(&body.event).await?;
            let ended = self.ended_offer(&body.event).await?;
            let state = inner.around.ledger.state();
            if let Some(failed) = failed
                && let Some((lane, to)) = people::next_way(inner, &state, &failed)
            {
                let again = Owed::new(&lane, Some(to), failed.notices, entry.hash);
                batch.owed.push(again.placed());
            }
            for told in plan::told(&inner.around, &state, entry, ended.as_ref(), each) {
                for receiver in inner.receivers.iter().filter(|one| one.wants(&told)) {
                    let notices = vec![told.notice.clone()];
                    let owed = Owed::new(&receiver.name, None, notices, entry.hash);
                    batch.owed.push(owed.placed());
                }
                for id in &told.people {
                    if let Some(person) = inner.around.catalog.person(id) {
                        let what = (&told.notice, entry.hash);
                        batch.tell(inner, &state, person, what, told.pace);
                    }
                }
            }
        }
        Ok(batch)
    }

    /// The message to a person that failed for good, if that is what happened.
    async fn failed(&self, event: &Event) -> Result<Option<Owed>, StoreError> {
        let Event::MessageFailed {
            message,
            receiver,
            to: Some(_),
            ..
        } = event
        else {
            return Ok(None);
        };
        let (lane, id) = (receiver.clone(), message.clone());
        let ledger = &self.inner.around.ledger;
        let found = ledger.read(move |store| message::parked_one(store, &lane, &id));
        found.await
    }

    /// The offer of a workspace that an event ends.
    async fn ended_offer(&self, event: &Event) -> Result<Option<Offered>, OutboxError> {
        let Some(seq) = plan::ends(event) else {
            return Ok(None);
        };
        let ledger = &self.inner.around.ledger;
        let before = seq.saturating_sub(1);
        let found = ledger.entries(before, 1).await?;
        let body = found.first().map(|entry| entry.body.clone());
        Ok(body.and_then(Offered::of))
    }

    /// What a person did to a lane.
    fn wake(&self, event: &Event) {
        let (Event::ReceiverEnabled { receiver } | Event::MessagesRedriven { receiver, .. }) =
            event
        else {
            return;
        };
        for known in &self.inner.receivers {
            if known.name == *receiver {
                known.door.ring();
            }
        }
    }

    /// Writes down what is owed together with the mark; meanwhile the lanes begin.
    async fn record(&self, batch: Batch, last: u64) -> Result<(), OutboxError> {
        let behind = last.saturating_sub(self.inner.marked.load(Ordering::SeqCst));
        if batch.owed.is_empty() && batch.changes.is_empty() && behind < LAG {
            return Ok(());
        }
        self.write(batch, Some(last), true).await
    }

    /// Writes a batch, and the mark when it moves. With `at_once` the lanes begin before it is written.
    async fn write(
        &self,
        batch: Batch,
        mark: Option<u64>,
        at_once: bool,
    ) -> Result<(), OutboxError> {
        let inner = &self.inner;
        let Batch {
            owed,
            changes: mut values,
            last,
        } = batch;
        // What waits changes; the store is asked again.
        if !values.is_empty() {
            *self.next() = None;
        }
        values.extend(owed.iter().flat_map(Owed::owe));
        values.extend(mark.map(|mark| (Space::Progress, MARK.to_owned(), Some(mark.to_string()))));
        let (send, recorded) = oneshot::channel();
        let draft = Draft {
            values,
            ..Draft::nothing(())
        };
        // Queued before a lane can queue what became of it.
        inner.around.ledger.submit(
            move |_, _| Ok::<_, Infallible>(draft),
            move |done| drop(send.send(done.map(drop).map_err(|error| error.to_string()))),
        );
        if at_once {
            for one in owed {
                self.offer(one);
            }
        }
        recorded
            .await
            .unwrap_or_else(|_| Err("the ledger is closed".to_owned()))
            .map_err(OutboxError::Ledger)?;
        fault::step("outbox.after_owed");
        *inner.last.lock().unwrap_or_else(PoisonError::into_inner) = last;
        if let Some(mark) = mark {
            inner.marked.store(mark, Ordering::SeqCst);
        }
        self.ring();
        Ok(())
    }

    /// Lets the lanes look for what was offered and found no room.
    fn ring(&self) {
        let receivers = self.inner.receivers.iter();
        for receiver in receivers.filter(|receiver| receiver.door.overflowed()) {
            receiver.door.ring();
        }
    }

    fn offer(&self, owed: Owed) {
        let mut receivers = self.inner.receivers.iter();
        if let Some(receiver) = receivers.find(|one| one.name == owed.lane) {
            receiver.door.offer(owed);
        }
    }
}

/// What links out of the mailing list are signed with; made at the first start.
async fn stop_key(around: &Around) -> Result<StopKey, String> {
    let found = around
        .ledger
        .read(StopKey::find)
        .await
        .map_err(|error| error.to_string())?;
    if let Some(key) = found {
        return Ok(key);
    }
    let random = (around.random)().ok_or("the system gives no randomness")?;
    let (key, change) = StopKey::new(random);
    let draft = Draft {
        values: vec![change],
        ..Draft::nothing(())
    };
    let kept = around
        .ledger
        .transact(move |_, _| Ok::<_, Infallible>(draft))
        .await;
    kept.map_err(|error| error.to_string())?;
    Ok(key)
}

/// The way to a webhook, with its secrets read.
fn way(
    webhook: &crate::config::Webhook,
    render: &Renderer,
    environment: &Environment,
    lookup: &Lookup,
) -> Result<Arc<dyn Channel>, String> {
    let url = webhook.url.value.read(environment)?;
    let secrets = webhook.secret.iter().flat_map(|secrets| &secrets.value.0);
    let secrets = secrets
        .map(|secret| secret.read(environment))
        .collect::<Result<Vec<_>, _>>()?;
    let http = Http::new(webhook.allow_private.value, Arc::clone(lookup))?;
    let render = render.clone();
    Ok(match webhook.format.value {
        Format::Generic => Arc::new(Webhook {
            url,
            keys: secrets
                .iter()
                .map(Key::read)
                .collect::<Result<_, _>>()
                .map_err(|why| format!("its secret {why}"))?,
            http,
            render,
        }),
        format => Arc::new(Chat {
            format,
            url,
            topic: webhook.topic.as_ref().map(|topic| topic.value.clone()),
            token: secrets.into_iter().next(),
            http,
            render,
        }),
    })
}
