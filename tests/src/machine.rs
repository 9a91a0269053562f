//! A machine whose power can be cut: disks, a workspace, a daemon, agents and reviewers at work.

use std::{path::PathBuf, time::Duration};

use crate::{
    agent::{Care, put},
    bed::TestBed,
    evidence::Evidence,
    invariants::{self, Case},
    life::{Life, Manners},
    loopdisk::{Cut, Kind, LoopDisk},
    wait,
};

/// What a machine is made of.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// The file system.
    pub kind: Kind,
    /// Whether the daemon's own folder is on a disk of its own. Then a sync of the ledger does not
    /// carry what was written into the workspace along with it.
    pub two_disks: bool,
    /// How the agents behave.
    pub manners: Manners,
    /// Of every choice.
    pub seed: u64,
    /// Durability that is broken on purpose, for `COUNTERSIGN_BREAK`.
    pub broken: Option<&'static str>,
}

/// A machine.
#[derive(Debug)]
pub struct Machine {
    // Dropped in this order: a mounted disk cannot go while the daemon uses it.
    bed: TestBed,
    life: Life,
    disks: Vec<LoopDisk>,
    dice: fastrand::Rng,
    /// How long the daemon may take to bring everything in order.
    patience: Duration,
}

impl Machine {
    /// A machine that was never started; `None` where disks cannot be mounted.
    pub fn new(build: Build) -> Option<Self> {
        let mut disks = vec![LoopDisk::make(build.kind)?];
        if build.two_disks {
            disks.push(LoopDisk::make(build.kind)?);
        }
        let mut bed = TestBed::at(&disks[0].path());
        bed.launch.log = disks[0].outside().join("daemon.log");
        if let Some(own) = disks.get(1) {
            bed.launch.data_dir = own.path().join("data");
        }
        if let Some(broken) = build.broken {
            bed = bed.env("COUNTERSIGN_BREAK", broken);
        }
        let life = Life::new(&bed.workspace(), build.seed, build.manners);
        let dice = life.dice();
        Some(Self {
            bed,
            life,
            disks,
            dice,
            // A program that is broken on purpose need not be given every chance.
            patience: build.broken.map_or(wait::LIMIT, |_| Duration::from_secs(3)),
        })
    }

    /// Starts, lets the daemon finish what it finds, checks everything, works for a while, and has
    /// its power cut. The error says what does not hold.
    pub fn cycle(&mut self) -> Result<(), String> {
        self.recovers()?;
        let before = self.life.history().acknowledged();
        let goal = before + self.dice.usize(1..30);
        let limit = Duration::from_millis(self.dice.u64(10..250));
        let cut = match self.dice.u8(0..10) {
            0 => Cut::Flush,
            1 => Cut::FlushLog,
            _ => Cut::Nothing,
        };
        let reviewer = self.bed.reviewer();
        self.life.goes_on(&reviewer, || {
            wait::within(limit, || {
                (self.life.history().acknowledged() >= goal).then_some(())
            });
            // Nothing may happen between the end of the first disk and the end of the second.
            self.bed.daemon().freeze();
            self.disks.iter().for_each(|disk| disk.cut(cut));
            self.bed.down();
        });
        self.disks.iter_mut().for_each(LoopDisk::remount);
        Ok(())
    }

    /// Starts, lets the daemon finish what it finds, and checks everything.
    pub fn recovers(&mut self) -> Result<(), String> {
        self.bed.start_daemon();
        self.bed.comes_up()?;
        self.life.settles(&self.bed.reviewer())?;
        // What the cut took from the agents nobody waits for, so the daemon may still be at it.
        let mut found = Ok(());
        let holds = wait::within(self.patience, || {
            found = self.check();
            found.is_ok().then_some(())
        });
        holds.map_or(found, Ok)
    }

    fn check(&self) -> Result<(), String> {
        let evidence = Evidence::read(self.bed.data())?;
        let mut broken = invariants::broken(Case {
            evidence: &evidence,
            history: &self.life.history(),
            workspace: &self.bed.workspace(),
        });
        broken.extend(invariants::told_otherwise(&evidence, &self.bed.reviewer()));
        if broken.is_empty() {
            Ok(())
        } else {
            Err(broken.join("\n"))
        }
    }

    /// What was seen, for the report.
    pub fn tally(&self) -> String {
        let history = self.life.history();
        format!(
            "{} delivered, {} receipts, {} decisions",
            history.deliveries.len(),
            history.receipts().count(),
            history.recorded().count(),
        )
    }

    /// Leaves log and history under `target/crash/`, for whoever looks into a failure.
    pub fn keep(&mut self, name: &str) -> PathBuf {
        self.bed.down();
        let folder = crate::repo::root().join("target/crash").join(name);
        let report = format!("{:#?}", self.life.history());
        let kept = put(&folder.join("history.txt"), report.as_bytes(), Care::Plain);
        let log = std::fs::read(&self.bed.launch.log).unwrap_or_default();
        let _ = kept.and_then(|()| put(&folder.join("daemon.log"), &log, Care::Plain));
        folder
    }
}
