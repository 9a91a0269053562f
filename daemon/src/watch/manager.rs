//! The loop: changes, scans and probes, one after the other on one thread.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use countersign_protocol::names::INBOX;

use super::sensor::{Change, Herald, Message, Sensor, innermost};
use super::site::{Hands, Later, Site};
use super::status::Shared;
use super::visit::{Pace, Reach, Visit};
use super::{Root, Settings};
use crate::clock::SharedClock;

/// How many messages are handled before the walk goes on.
const MESSAGES_AT_ONCE: usize = 256;
/// How many names the walk lists before messages are handled again.
const NAMES_AT_ONCE: usize = 512;

pub(crate) struct Manager {
    sites: Vec<Site>,
    settings: Settings,
    clock: SharedClock,
    now: Duration,
    herald: Arc<Herald>,
    sensor: Sensor,
    inlet: Receiver<Message>,
    shared: Arc<Shared>,
    /// Who waits until nothing is left to do.
    waiting: Vec<SyncSender<()>>,
}

impl Manager {
    pub(crate) fn new(
        roots: Vec<Root>,
        settings: Settings,
        clock: SharedClock,
        herald: Arc<Herald>,
        sensor: Sensor,
        inlet: Receiver<Message>,
        shared: Arc<Shared>,
    ) -> Self {
        let now = clock.monotonic();
        let mut manager = Self {
            sites: Vec::new(),
            settings,
            clock,
            now,
            herald,
            sensor,
            inlet,
            shared,
            waiting: Vec::new(),
        };
        for root in roots {
            manager.add(root);
        }
        manager.publish();
        manager
    }

    fn add(&mut self, root: Root) {
        let seed = self.settings.seed.wrapping_add(self.sites.len() as u64);
        let site = Site::new(root, &self.settings, seed, self.now);
        self.herald.add(Root {
            workspace: Arc::clone(&site.workspace),
            path: site.path.clone(),
        });
        self.sites.push(site);
    }

    /// Runs until it is told to stop.
    pub(crate) fn run(mut self) {
        while let Ok(message) = self.next_message() {
            self.now = self.clock.monotonic();
            let mut next = message;
            let mut handled = 0;
            while let Some(message) = next {
                if !self.handle(message) {
                    return;
                }
                handled += 1;
                next = (handled < MESSAGES_AT_ONCE)
                    .then(|| self.inlet.try_recv().ok())
                    .flatten();
            }
            if self.sensor.sink.take_overflow() {
                self.lost("more changes at once than may wait");
            }
            self.do_what_is_due();
            self.walk();
            self.publish();
            if !self.is_busy() {
                for done in self.waiting.drain(..) {
                    // Who asked may have given up.
                    let _ = done.send(());
                }
            }
        }
    }

    /// Whether there is something to do without a message.
    fn is_busy(&self) -> bool {
        let is_due = |site: &Site| site.next_due(&self.settings) <= self.now;
        self.sites
            .iter()
            .any(|site| !site.is_idle() || is_due(site))
    }

    /// Waits for a message for as long as there is nothing else to do. An error means that no message can
    /// come any more.
    fn next_message(&self) -> Result<Option<Message>, RecvTimeoutError> {
        let due = self
            .sites
            .iter()
            .map(|site| site.next_due(&self.settings))
            .min();
        let received = if self.is_busy() {
            self.inlet.recv_timeout(Duration::ZERO)
        } else if let Some(due) = due.filter(|_| !self.settings.is_stepped) {
            let pause = due.saturating_sub(self.clock.monotonic());
            self.inlet.recv_timeout(pause)
        } else {
            self.inlet
                .recv()
                .map_err(|_| RecvTimeoutError::Disconnected)
        };
        match received {
            Ok(message) => Ok(Some(message)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(gone) => Err(gone),
        }
    }

    /// Handles one message. `false` to stop.
    fn handle(&mut self, message: Message) -> bool {
        match message {
            Message::Change(change) => self.change(change),
            Message::Lost(why) => self.lost(&why),
            Message::Broken(why) => {
                self.lost(&why);
                self.reopen();
            }
            Message::Add(root) => self.add(root),
            Message::Rescan => self.sites.iter_mut().for_each(Site::begin_scan),
            Message::Settle(done) => self.waiting.push(done),
            Message::Stop => return false,
        }
        true
    }

    fn change(&mut self, change: Change) {
        let (sites, mut hands) = self.parts();
        let nearest = innermost(sites.iter_mut(), &change.path, |site| &site.path);
        if let Some((site, relative)) = nearest {
            site.change(&change, relative, &mut hands);
        }
    }

    /// Events were lost, and nobody knows which.
    fn lost(&mut self, why: &str) {
        tracing::warn!(why, "changes were lost; scanning everything");
        for site in &mut self.sites {
            site.counts.losses += 1;
            site.begin_scan();
        }
    }

    /// Makes a new watcher and sets every watch again.
    fn reopen(&mut self) {
        self.sensor.reopen();
        for site in &mut self.sites {
            site.drop_watches();
            site.begin_scan();
        }
    }

    fn do_what_is_due(&mut self) {
        let now = self.now;
        let mut is_reopened = false;
        let (sites, mut hands) = self.parts();
        for site in sites {
            if now >= site.schedule.inbox {
                site.schedule.after_inbox(hands.settings, now);
                let is_there = site.is_there();
                is_reopened |= site.take_replacement(&hands);
                if is_there {
                    site.urgent.push(Visit {
                        folder: INBOX.into(),
                        reach: Reach::Children,
                        is_rewatched: false,
                    });
                }
            }
            if site.is_offline() {
                continue;
            }
            while let Some((until, _)) = site.later.first()
                && *until <= now
            {
                let Some((_, work)) = site.later.pop_first() else {
                    break;
                };
                site.put_off.remove(&work);
                match work {
                    Later::Look(document) => {
                        site.look_at(&document, &mut hands);
                    }
                    Later::Visit(folder) => site.urgent.push(Visit {
                        folder,
                        reach: Reach::Unknown,
                        is_rewatched: false,
                    }),
                }
            }
            if now >= site.schedule.tree {
                // The end of the scan says when the next one is due.
                site.schedule.tree = Duration::MAX;
                site.begin_scan();
            }
            is_reopened |= site.see_to_probe(&mut hands);
        }
        if is_reopened {
            self.reopen();
        }
    }

    /// Takes the walk of every site a slice further.
    fn walk(&mut self) {
        let (sites, mut hands) = self.parts();
        for site in sites {
            let left = site.slice(Pace::Urgent, NAMES_AT_ONCE, &mut hands);
            // A flood of new folders must not put the full scan off for ever.
            site.slice(Pace::Full, left.max(NAMES_AT_ONCE / 4), &mut hands);
        }
    }

    fn parts(&mut self) -> (&mut [Site], Hands<'_>) {
        let hands = Hands {
            sensor: &mut self.sensor,
            settings: &self.settings,
            herald: &self.herald,
            now: self.now,
        };
        (&mut self.sites, hands)
    }

    fn publish(&self) {
        let status = self.sites.iter().map(|site| site.status(&self.sensor));
        self.shared.write(status.collect());
    }
}
