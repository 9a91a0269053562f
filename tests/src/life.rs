//! Agents and reviewers at work all at once, until somebody pulls the plug.

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use countersign_protocol::decision::{DecisionDocument, Outcome};

use crate::{
    agent::{Agent, Care, Delivery, Package},
    history::{History, Sent, SentResult},
    http::NoReply,
    reviewer::{Reviewer, Shown},
    wait,
};

/// How the agents behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manners {
    /// They sync nothing.
    Careless,
    /// They sync what they deliver.
    Careful,
    /// Some do, some do not.
    Mixed,
}

/// What goes on in one workspace.
#[derive(Debug)]
pub struct Life {
    workspace: PathBuf,
    manners: Manners,
    seed: AtomicU64,
    serial: AtomicU64,
    history: Mutex<History>,
    over: AtomicBool,
}

impl Life {
    /// Life in `workspace`; the same seed makes the same choices.
    pub fn new(workspace: &Path, seed: u64, manners: Manners) -> Self {
        Self {
            workspace: workspace.to_owned(),
            manners,
            seed: AtomicU64::new(seed),
            serial: AtomicU64::new(0),
            history: Mutex::default(),
            over: AtomicBool::new(false),
        }
    }

    /// What was seen so far.
    pub fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A source of choices of its own.
    pub fn dice(&self) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed.fetch_add(1, Ordering::SeqCst))
    }

    /// Agents deliver and reviewers decide while `meanwhile` runs in the middle of it. When it
    /// returns they stop.
    pub fn goes_on<T>(&self, reviewer: &Reviewer, meanwhile: impl FnOnce() -> T) -> T {
        self.over.store(false, Ordering::SeqCst);
        thread::scope(|scope| {
            for name in ["ada", "ben"] {
                scope.spawn(move || self.agent_works(name));
            }
            scope.spawn(|| self.reviewer_works(reviewer));
            scope.spawn(|| {
                while !self.is_over() {
                    self.history().look();
                    self.breathe(5);
                }
            });
            let result = meanwhile();
            self.over.store(true, Ordering::SeqCst);
            result
        })
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// A pause of up to `millis`, shorter when it is over.
    fn breathe(&self, millis: u64) {
        wait::within(Duration::from_millis(millis), || {
            self.is_over().then_some(())
        });
    }

    fn care(&self, dice: &mut fastrand::Rng) -> Care {
        match self.manners {
            Manners::Careful => Care::Synced,
            Manners::Careless => dice
                .choice([Care::Plain, Care::Rename])
                .unwrap_or(Care::Rename),
            Manners::Mixed => dice
                .choice([Care::Plain, Care::Rename, Care::Synced])
                .unwrap_or(Care::Synced),
        }
    }

    fn agent_works(&self, name: &str) {
        let mut dice = self.dice();
        let agent = Agent::new(name, &self.workspace);
        let mut open: Vec<(String, String, Delivery)> = Vec::new();
        while !self.is_over() {
            let care = self.care(&mut dice);
            let sent_back = open.iter().position(|(_, _, delivery)| {
                delivery
                    .look::<DecisionDocument>("decision.json")
                    .is_some_and(|decision| decision.outcome == Outcome::ChangesRequested)
            });
            let serial = self.serial.fetch_add(1, Ordering::SeqCst);
            let done = if sent_back.is_none() && dice.bool() {
                let package = self.work(&mut dice, &agent, &format!("task {serial}"), serial);
                self.deliver(care, || {
                    agent.drop_package(&format!("p{serial}"), &package, care)
                })
            } else {
                let (task, folder) = match sent_back {
                    Some(at) => {
                        let (task, folder, _) = open.swap_remove(at);
                        (task, folder)
                    }
                    None => (format!("task {serial}"), format!("tasks/{name}-{serial}")),
                };
                let package = self.work(&mut dice, &agent, &task, serial);
                let done = self.deliver(care, || agent.write(&folder, &package, care));
                done.inspect(|delivery| open.push((task, folder, delivery.clone())))
            };
            if done.is_none() {
                break;
            }
            self.breathe(dice.u64(2..20));
        }
    }

    /// Something to hand over, with words and bytes that no other delivery has. Without a sync a
    /// file may come back torn, so careless agents state what it should be.
    fn work(&self, dice: &mut fastrand::Rng, agent: &Agent, task: &str, serial: u64) -> Package {
        let mut package = agent
            .package(task)
            .with("summary", format!("delivery {serial}"));
        // Now and then more than are synced one by one.
        let is_many = dice.u8(0..16) == 0;
        let files = if is_many { 40 } else { dice.usize(0..3) };
        for number in 0..files {
            let length = match dice.u8(0..10) {
                _ if is_many => 66_000,
                0 => 0,
                // Above the size up to which bytes are kept in the database.
                1..=3 => dice.usize(66_000..90_000),
                _ => dice.usize(1..4_000),
            };
            let mut bytes = vec![b'a' + u8::try_from(serial % 26).unwrap_or_default(); length];
            bytes.extend_from_slice(format!("{serial}.{number}").as_bytes());
            package = package.sealed_file(&format!("out/{number}.txt"), bytes);
        }
        self.history().writes(&package);
        package
    }

    fn deliver(
        &self,
        care: Care,
        write: impl FnOnce() -> std::io::Result<Delivery>,
    ) -> Option<Delivery> {
        // Fails once the power is cut.
        let delivery = write().ok()?;
        self.history()
            .delivers(delivery.clone(), care == Care::Synced);
        Some(delivery)
    }

    fn reviewer_works(&self, reviewer: &Reviewer) {
        let mut dice = self.dice();
        while !self.is_over() {
            let Ok(mut turn) = reviewer.turn() else { break };
            if turn.is_empty() {
                self.breathe(10);
            }
            dice.shuffle(&mut turn);
            turn.truncate(6);
            let answered = turn
                .into_iter()
                .all(|shown| self.answer(&mut dice, reviewer, shown));
            if !answered {
                break;
            }
        }
    }

    /// Answers about one card; false when the daemon is gone.
    fn answer(&self, dice: &mut fastrand::Rng, reviewer: &Reviewer, shown: Shown) -> bool {
        let outcome = match dice.u8(0..10) {
            0..=4 => Outcome::Approved,
            5..=7 => Outcome::ChangesRequested,
            _ => Outcome::Rejected,
        };
        let words = format!("words {}", self.serial.fetch_add(1, Ordering::SeqCst));
        let result = match reviewer.answer(shown, outcome, &words) {
            Ok(reply) if reply.status == 201 => SentResult::Recorded(Box::new(reply.read())),
            // 503 says that nothing was recorded; any other failure says nothing.
            Ok(reply) if reply.status < 500 || reply.status == 503 => {
                SentResult::Refused(reply.status)
            }
            Ok(_) | Err(NoReply(_)) => SentResult::Unknown,
        };
        let alive = !matches!(result, SentResult::Unknown);
        self.history().answers.push(Sent {
            shown,
            outcome,
            words,
            result,
        });
        alive
    }

    /// Waits until the daemon has answered everything that is there, and every decision stands in
    /// its folder. The error says what never came.
    pub fn settles(&self, reviewer: &Reviewer) -> Result<(), String> {
        let mut open = Vec::new();
        let answered = wait::within(wait::LIMIT, || {
            let mut history = self.history();
            history.look();
            open = history.unanswered();
            open.is_empty().then_some(())
        });
        answered.ok_or_else(|| format!("never answered: {open:#?}"))?;
        let decided = wait::within(wait::LIMIT, || reviewer.all_delivered().then_some(()));
        decided.ok_or_else(|| "a decision never reached its folder".to_owned())
    }
}
