//! One receiver with the messages that wait for it. Every receiver has a lane of its own, so a slow one
//! delays nobody else. A lane holds a bounded number of messages in memory, however many are owed.

use std::{
    collections::{HashSet, VecDeque},
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use countersign_protocol::{event::Event, principal::Actor};
use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    Dice,
    channel::{Channel, Outcome},
    disclose::line,
    later, schedule,
};
use crate::{
    clock::SharedClock,
    fault,
    ledger::{Draft, Ledger, TransactError},
    message::{self, Attempt, Change, Ended, Health, Owed, State},
    store::StoreError,
};

/// So many messages per attempt that may be under way are in memory while their outcome is being recorded.
const UNRECORDED: usize = 4;
/// After so many failures in a row one message at a time tries whether the receiver is back.
const DOUBT: u32 = 8;
/// So many messages per attempt that may be under way are taken from the store at a time.
const AHEAD: usize = 4;
/// So many messages are known to be over, should they be offered again.
const OVER: usize = 4_096;
/// The store is looked at so often while something waits there.
const LOOK: Duration = Duration::from_mins(1);
/// When the ledger cannot be read or written, the lane waits so long.
const PAUSE: Duration = Duration::from_secs(1);

/// The way into a lane.
#[derive(Clone, Debug)]
pub(super) struct Door {
    fresh: mpsc::Sender<Owed>,
    more: Arc<AtomicBool>,
    bell: Arc<Notify>,
}

impl Door {
    /// Hands a message over before it is recorded. When there is no room the lane finds it in the store later.
    pub(super) fn offer(&self, owed: Owed) {
        if self.fresh.try_send(owed).is_err() {
            self.more.store(true, Ordering::SeqCst);
        }
    }

    /// Whether something was offered that found no room since the last look.
    pub(super) fn overflowed(&self) -> bool {
        self.more.load(Ordering::SeqCst)
    }

    /// Lets the lane look into the store.
    pub(super) fn ring(&self) {
        self.more.store(true, Ordering::SeqCst);
        self.bell.notify_one();
    }
}

/// An attempt that is over.
struct Tried {
    owed: Owed,
    outcome: Outcome,
    at: Timestamp,
    took: Duration,
}

/// The last messages whose outcome was recorded.
#[derive(Default)]
struct Over {
    known: HashSet<String>,
    order: VecDeque<String>,
}

impl Over {
    fn add(&mut self, id: String) {
        if !self.known.insert(id.clone()) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > OVER
            && let Some(first) = self.order.pop_front()
        {
            self.known.remove(&first);
        }
    }

    fn has(&self, id: &str) -> bool {
        self.known.contains(id)
    }
}

pub(super) struct Lane {
    name: String,
    channel: Arc<dyn Channel>,
    ledger: Ledger,
    clock: SharedClock,
    dice: Dice,
    fresh: mpsc::Receiver<Owed>,
    more: Arc<AtomicBool>,
    bell: Arc<Notify>,
    /// Messages that are tried, or whose outcome is not recorded yet.
    busy: HashSet<String>,
    over: Over,
    /// Messages from the store that are due and wait for room, and their ids.
    ready: VecDeque<Owed>,
    ready_ids: HashSet<String>,
    attempts: JoinSet<Tried>,
    done: Vec<Tried>,
    recording: JoinSet<Recorded>,
    health: Option<Health>,
    failures: u32,
    /// When the next message in the store is due.
    next: Option<Timestamp>,
}

type Recorded = (Vec<String>, Result<(), TransactError<Infallible>>);

impl Lane {
    pub(super) fn new(
        name: String,
        channel: Arc<dyn Channel>,
        ledger: Ledger,
        clock: SharedClock,
        dice: Dice,
    ) -> (Self, Door) {
        let (sender, fresh) = mpsc::channel(channel.width());
        let more = Arc::new(AtomicBool::new(true));
        let bell = Arc::new(Notify::new());
        let door = Door {
            fresh: sender,
            more: Arc::clone(&more),
            bell: Arc::clone(&bell),
        };
        let lane = Self {
            name,
            channel,
            ledger,
            clock,
            dice,
            fresh,
            more,
            bell,
            busy: HashSet::new(),
            over: Over::default(),
            ready: VecDeque::new(),
            ready_ids: HashSet::new(),
            attempts: JoinSet::new(),
            done: Vec::new(),
            recording: JoinSet::new(),
            health: None,
            failures: 0,
            next: None,
        };
        (lane, door)
    }

    /// Delivers until `cancel` says that it is over. What is under way then is tried again after the next start.
    pub(super) async fn run(mut self, cancel: CancellationToken) {
        loop {
            let step = async {
                if let Err(error) = self.step().await {
                    tracing::warn!(receiver = self.name, %error, "messages wait for the ledger");
                    tokio::time::sleep(PAUSE).await;
                }
            };
            tokio::select! {
                () = cancel.cancelled() => return,
                () = step => {}
            }
        }
    }

    /// Delivers everything that is due now, and returns when nothing is.
    #[cfg(test)]
    pub(super) async fn drain(&mut self) {
        loop {
            if self.is_open() && self.ready.is_empty() {
                self.load().await.unwrap();
            }
            self.start_ready();
            while let Ok(owed) = self.fresh.try_recv() {
                self.start_fresh(owed);
            }
            let idle = self.ready.is_empty()
                && self.attempts.is_empty()
                && self.recording.is_empty()
                && self.done.is_empty();
            if idle {
                return;
            }
            self.happens().await.unwrap();
        }
    }

    fn is_open(&self) -> bool {
        self.ledger.state().receiver_disabled(&self.name).is_none()
    }

    fn width(&self) -> usize {
        if self.failures >= DOUBT {
            1
        } else {
            self.channel.width()
        }
    }

    fn has_room(&self) -> bool {
        self.attempts.len() < self.width() && self.busy.len() < self.channel.width() * UNRECORDED
    }

    /// Looks into the store when there may be something, then waits for the next thing to happen.
    async fn step(&mut self) -> Result<(), StoreError> {
        self.start_ready();
        if self.has_room() && self.more.load(Ordering::SeqCst) {
            if self.is_open() {
                self.load().await?;
                self.start_ready();
            } else {
                self.more.store(false, Ordering::SeqCst);
                self.next = None;
            }
        }
        self.happens().await
    }

    async fn happens(&mut self) -> Result<(), StoreError> {
        if self.recording.is_empty() && !self.done.is_empty() {
            self.record().await?;
        }
        let has_room = self.has_room();
        let until = self.next.map(|next| {
            let wait = next
                .duration_since(self.clock.now())
                .max(SignedDuration::ZERO);
            // A clock that is set meanwhile is noticed by looking.
            Duration::try_from(wait).unwrap_or_default().min(LOOK)
        });
        let due = async {
            match until {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(tried) = self.attempts.join_next(), if !self.attempts.is_empty() => {
                self.done.extend(tried.ok());
                while let Some(tried) = self.attempts.try_join_next() {
                    self.done.extend(tried.ok());
                }
            }
            Some(recorded) = self.recording.join_next(), if !self.recording.is_empty() => {
                let (ids, result) = recorded.map_err(|error| StoreError::Failed(error.to_string()))?;
                for id in ids {
                    self.busy.remove(&id);
                    if result.is_ok() {
                        self.over.add(id);
                    }
                }
                if let Err(error) = result {
                    // Still owed in the store, and tried again: the receiver may get it twice, under the same id.
                    self.more.store(true, Ordering::SeqCst);
                    return Err(StoreError::Failed(error.to_string()));
                }
            }
            Some(owed) = self.fresh.recv(), if has_room => self.start_fresh(owed),
            () = self.bell.notified() => self.forget_ready(),
            () = due, if has_room => {
                self.next = None;
                self.more.store(true, Ordering::SeqCst);
            }
        }
        Ok(())
    }

    /// Takes what is due from the store, enough for a while: those that are under way stand there, too, and are
    /// passed over each time.
    async fn load(&mut self) -> Result<(), StoreError> {
        self.more.store(false, Ordering::SeqCst);
        let lane = self.name.clone();
        let known: HashSet<String> = self.busy.clone();
        let limit = known.len() + self.channel.width() * AHEAD + 1;
        let (is_known, found) = (self.health.is_some(), lane.clone());
        let ((waiting, is_full), health) = self
            .ledger
            .read(move |store| {
                let health = if is_known {
                    None
                } else {
                    Some(Health::of(store, &found)?)
                };
                Ok((
                    message::waiting_but(store, &lane, limit, |id| known.contains(id))?,
                    health,
                ))
            })
            .await?;
        if let Some(health) = health {
            self.health = Some(health);
        }
        let now = self.clock.now();
        self.next = None;
        for owed in waiting {
            if owed.next > now {
                self.next = Some(owed.next);
                return Ok(());
            }
            // It may have been started while the store was read.
            if !self.busy.contains(&owed.id) && self.ready_ids.insert(owed.id.clone()) {
                self.ready.push_back(owed);
            }
        }
        if is_full {
            self.more.store(true, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Starts what was taken from the store, as much as there is room for.
    fn start_ready(&mut self) {
        while self.has_room()
            && let Some(owed) = self.ready.pop_front()
        {
            self.ready_ids.remove(&owed.id);
            self.start(owed);
        }
    }

    /// Somebody may have changed what waits in the store.
    fn forget_ready(&mut self) {
        self.ready.clear();
        self.ready_ids.clear();
    }

    /// Starts what was offered, unless it was found in the store sooner and its outcome is recorded already.
    fn start_fresh(&mut self, owed: Owed) {
        if !self.over.has(&owed.id) && !self.ready_ids.contains(&owed.id) {
            self.start(owed);
        }
    }

    fn start(&mut self, owed: Owed) {
        if !self.is_open() || !self.busy.insert(owed.id.clone()) {
            return;
        }
        // A program is told what happened; a person, what is still to do; an agent, what it has not answered.
        let notice = owed.notice();
        let over = {
            let state = self.ledger.state();
            match &owed.to {
                Some(to) => later::barred(&state, to)
                    .or_else(|| notice.and_then(|notice| later::overtaken(&state, notice))),
                None => notice.and_then(|notice| later::answered(&state, notice)),
            }
        };
        if let Some(why) = over {
            return self.done.push(Tried {
                owed,
                outcome: Outcome::Dropped {
                    why: why.to_owned(),
                },
                at: self.clock.now(),
                took: Duration::ZERO,
            });
        }
        let (channel, clock) = (Arc::clone(&self.channel), Arc::clone(&self.clock));
        self.attempts.spawn(async move {
            let (at, started) = (clock.now(), clock.monotonic());
            fault::step("outbox.before_send");
            let outcome = channel.deliver(&owed, at).await;
            fault::step("outbox.after_send");
            let took = clock.monotonic().saturating_sub(started);
            Tried {
                owed,
                outcome,
                at,
                took,
            }
        });
    }

    /// Writes down what became of all attempts that are over, in one transaction.
    async fn record(&mut self) -> Result<(), StoreError> {
        let lane = self.name.clone();
        let mut health = if let Some(health) = self.health.clone() {
            health
        } else {
            self.ledger
                .read(move |store| Health::of(store, &lane))
                .await?
        };
        let mut values: Vec<Change> = Vec::new();
        let mut events = Vec::new();
        let mut ids = Vec::new();
        for tried in std::mem::take(&mut self.done) {
            ids.push(tried.owed.id.clone());
            self.judge(tried, &mut health, &mut values, &mut events);
        }
        values.push(health.change(&self.name));
        self.health = Some(health);
        let ledger = self.ledger.clone();
        self.recording.spawn(async move {
            let draft = Draft {
                events,
                values,
                ..Draft::nothing(())
            };
            let recorded = ledger
                .transact(move |_, _| Ok::<_, Infallible>(draft))
                .await;
            fault::step("outbox.after_recorded");
            (ids, recorded.map(drop))
        });
        Ok(())
    }

    fn judge(
        &mut self,
        tried: Tried,
        health: &mut Health,
        values: &mut Vec<Change>,
        events: &mut Vec<(Actor, Event)>,
    ) {
        let Tried {
            mut owed,
            outcome,
            at,
            took,
        } = tried;
        let now = self.clock.now();
        let said = match &outcome {
            Outcome::Sent { said }
            | Outcome::Retry { said, .. }
            | Outcome::Dead { said }
            | Outcome::Gone { said }
            | Outcome::Dropped { why: said } => line(said, 240),
        };
        owed.note(Attempt {
            at,
            took: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            said: said.clone(),
        });
        match outcome {
            Outcome::Sent { .. } => {
                self.failures = 0;
                health.last_sent = Some(now);
                health.failing_since = None;
                values.extend(owed.end(&State::Sent { at: now }));
                values.push(Ended::of(&owed, now, false).change());
                return;
            }
            Outcome::Dropped { why } => return values.extend(owed.end(&State::Dropped { why })),
            // The message is at fault, not the receiver.
            Outcome::Dead { .. } => {
                values.extend(owed.park(&said));
                values.push(Ended::of(&owed, now, true).change());
                return events.push((Actor::Daemon, failed(&owed, said)));
            }
            Outcome::Gone { .. } => {
                owed.next = now;
                values.extend(owed.again());
                let why = format!("it wants no more messages: {said}");
                self.disable(why, events);
            }
            Outcome::Retry { wish, .. } => {
                if let Some(wait) = schedule::wait(owed.tried, wish, (self.dice)()) {
                    owed.next = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
                    values.extend(owed.again());
                    self.next = Some(self.next.map_or(owed.next, |next| next.min(owed.next)));
                } else {
                    values.extend(owed.park(&said));
                    values.push(Ended::of(&owed, now, true).change());
                    events.push((Actor::Daemon, failed(&owed, said.clone())));
                }
            }
        }
        self.failures = self.failures.saturating_add(1);
        health.last_failure = Some(said.clone());
        let since = *health.failing_since.get_or_insert(now);
        if now.duration_since(since)
            >= SignedDuration::try_from(schedule::GIVE_UP).unwrap_or(SignedDuration::MAX)
        {
            self.disable(format!("it has failed since {since}: {said}"), events);
        }
    }

    fn disable(&self, why: String, events: &mut Vec<(Actor, Event)>) {
        let is_new = !events
            .iter()
            .any(|(_, event)| matches!(event, Event::ReceiverDisabled { .. }));
        if is_new && self.is_open() {
            let receiver = self.name.clone();
            events.push((Actor::Daemon, Event::ReceiverDisabled { receiver, why }));
        }
    }
}

fn failed(owed: &Owed, why: String) -> Event {
    let notice = owed.notice();
    Event::MessageFailed {
        message: owed.id.clone(),
        receiver: owed.lane.clone(),
        to: owed.to.as_ref().map(|to| to.id.clone()),
        handoff: notice.and_then(|notice| notice.handoff),
        kind: notice.map_or_else(String::new, |notice| notice.kind.clone()),
        why,
    }
}
