//! Numbers for Prometheus. What happened is counted from the entries since the start; how things stand is looked
//! up when somebody asks. No label has more values than the operator and the program name.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use countersign_protocol::{chain::Body, event::Event, principal::Actor};
use jiff::Timestamp;
use prometheus::{
    Encoder as _, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

use super::spans;
use crate::{
    ledger::{Ledger, State},
    message::Ended,
    store::StoreError,
};

/// Entries that are counted at a time.
const PAGE: usize = 1_000;
/// Bounds of delays, in seconds: from the way of a file to the wait for a person.
const DELAYS: [f64; 17] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 1_800.0,
    7_200.0, 28_800.0, 86_400.0,
];
/// Bounds of the time that the disk takes, in seconds.
const SYNCS: [f64; 10] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0,
];

/// How one receiver of messages stands.
#[derive(Clone, Debug, Default)]
pub struct ReceiverReading {
    /// Messages that wait for their next attempt.
    pub owed: u64,
    /// Messages that are no longer tried by themselves.
    pub parked: u64,
}

/// How the rest of the program stands, as it is read when somebody asks.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    /// Whether the first scan is done.
    pub ready: bool,
    /// Tasks whose last run failed.
    pub failing: Vec<&'static str>,
    /// Documents that wait or are under way.
    pub intake_queue: u64,
    /// How each workspace is watched: `watching`, `scanning` or `offline`.
    pub watching: Vec<(String, String)>,
    /// State of the index, things in it, and what waits.
    pub index: Option<(&'static str, u64, u64)>,
    /// Receivers of messages, by name.
    pub receivers: BTreeMap<String, ReceiverReading>,
}

struct Numbers {
    registry: Registry,
    up_to: u64,
    events: IntCounterVec,
    decisions: IntCounterVec,
    refusals: IntCounterVec,
    answers: IntCounterVec,
    stages: HistogramVec,
    messages: IntCounterVec,
    spans_sent: IntCounter,
    ready: IntGauge,
    entries: IntGauge,
    handoffs: IntGaugeVec,
    hops: IntGaugeVec,
    overdue: IntGaugeVec,
    dead_letters: IntGaugeVec,
    locks: IntGaugeVec,
    intake_queue: IntGauge,
    watching: IntGaugeVec,
    index_state: IntGaugeVec,
    index_documents: IntGauge,
    index_waiting: IntGauge,
    owed: IntGaugeVec,
    failing: IntGaugeVec,
}

/// The numbers. Clones share them.
#[derive(Clone)]
pub struct Meter {
    ledger: Ledger,
    numbers: Arc<Mutex<Numbers>>,
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter").finish_non_exhaustive()
    }
}

impl Meter {
    /// Numbers that count from now on. The error names one that cannot be made, which is a defect.
    pub fn new(ledger: Ledger) -> Result<Self, String> {
        let up_to = ledger.state().head.seq;
        let (numbers, syncs) = Numbers::new(up_to).map_err(|error| error.to_string())?;
        ledger.watch_commits(move |took, _| syncs.observe(took.as_secs_f64()));
        Ok(Self {
            ledger,
            numbers: Arc::new(Mutex::new(numbers)),
        })
    }

    fn numbers(&self) -> std::sync::MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the entries that came since the last time.
    pub async fn run(&self) -> Result<(), StoreError> {
        loop {
            let after = self.numbers().up_to;
            if after >= self.ledger.state().head.seq {
                return Ok(());
            }
            let entries = self.ledger.entries(after, PAGE).await?;
            let Some(last) = entries.last().map(|entry| entry.body.seq) else {
                return Ok(());
            };
            let state = self.ledger.state();
            let mut numbers = self.numbers();
            for entry in entries {
                // Two that ask at once count each entry once.
                if entry.body.seq > numbers.up_to {
                    numbers.count(&state, &entry.body);
                }
            }
            numbers.up_to = numbers.up_to.max(last);
        }
    }

    /// A message is over.
    pub(super) fn notified(&self, message: &Ended) {
        let numbers = self.numbers();
        let how = if message.failed.is_some() {
            "failed"
        } else {
            "sent"
        };
        numbers
            .messages
            .with_label_values(&[message.receiver.as_str(), how])
            .inc();
        numbers.took("notify", message.since, message.at);
    }

    /// So many spans were sent.
    pub(super) fn sent(&self, spans: usize) {
        self.numbers().spans_sent.inc_by(spans as u64);
    }

    /// Everything, in the text format 0.0.4 of Prometheus.
    pub async fn render(&self, readings: &Readings) -> Result<String, StoreError> {
        self.run().await?;
        let state = self.ledger.state();
        let numbers = self.numbers();
        numbers.look(&state, readings);
        let families = numbers.registry.gather();
        drop((numbers, state));
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&families, &mut text)
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        String::from_utf8(text).map_err(|error| StoreError::Failed(error.to_string()))
    }
}

impl Numbers {
    fn new(up_to: u64) -> prometheus::Result<(Self, Histogram)> {
        let registry = Registry::new_custom(Some("countersign".to_owned()), None)?;
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let made = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(made.clone()))?;
            prometheus::Result::Ok(made)
        };
        let gauges = |name: &str, help: &str, labels: &[&str]| {
            let made = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(made.clone()))?;
            prometheus::Result::Ok(made)
        };
        let gauge = |name: &str, help: &str| {
            let made = IntGauge::new(name, help)?;
            registry.register(Box::new(made.clone()))?;
            prometheus::Result::Ok(made)
        };
        let stages = HistogramVec::new(
            HistogramOpts::new(
                "stage_duration_seconds",
                "How long each step of a handoff took, from the news of a file to the delivery of the answer.",
            )
            .buckets(DELAYS.to_vec()),
            &["stage"],
        )?;
        registry.register(Box::new(stages.clone()))?;
        let syncs = Histogram::with_opts(
            HistogramOpts::new(
                "ledger_commit_duration_seconds",
                "How long a transaction of the ledger took, its sync to the disk included.",
            )
            .buckets(SYNCS.to_vec()),
        )?;
        registry.register(Box::new(syncs.clone()))?;
        let spans_sent = IntCounter::new("spans_sent_total", "Spans that the collector took.")?;
        registry.register(Box::new(spans_sent.clone()))?;
        let build = gauges(
            "build_info",
            "The version of the program, as a label.",
            &["version"],
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let numbers = Self {
            up_to,
            events: counters(
                "events_total",
                "Entries of the ledger since the start, by the name of the event.",
                &["event"],
            )?,
            decisions: counters(
                "decisions_total",
                "Decisions since the start.",
                &["workspace", "outcome", "by"],
            )?,
            refusals: counters(
                "refusals_total",
                "Deliveries that were refused since the start, by the kind of the rule.",
                &["workspace", "kind"],
            )?,
            answers: counters(
                "hop_answers_total",
                "What agents answered to what was handed to them since the start.",
                &["workspace", "answer"],
            )?,
            stages,
            messages: counters(
                "messages_total",
                "Messages that are over since the start.",
                &["receiver", "how"],
            )?,
            spans_sent,
            ready: gauge(
                "ready",
                "Whether every workspace of this machine was scanned once.",
            )?,
            entries: gauge("ledger_entries", "Entries of the ledger.")?,
            handoffs: gauges(
                "handoffs",
                "Handoffs by their state.",
                &["workspace", "state"],
            )?,
            hops: gauges(
                "hops_open",
                "Hops from agent to agent whose receiver is expected to say something.",
                &["workspace", "stage"],
            )?,
            overdue: gauges(
                "handoffs_overdue",
                "Handoffs that wait for a person longer than was promised.",
                &["workspace"],
            )?,
            dead_letters: gauges(
                "dead_letters",
                "What nobody has seen to: refused deliveries, and cards that nobody is left to be asked about.",
                &["workspace", "kind"],
            )?,
            locks: gauges("locks_held", "Locks that are held.", &["workspace"])?,
            intake_queue: gauge(
                "intake_queue_length",
                "Documents that wait to be looked at, or are.",
            )?,
            watching: gauges(
                "workspace_watched",
                "How a workspace is watched: 1 for the mode it is in.",
                &["workspace", "mode"],
            )?,
            index_state: gauges(
                "index_state",
                "How the search index is: 1 for the state it is in.",
                &["state"],
            )?,
            index_documents: gauge("index_documents", "Things in the search index.")?,
            index_waiting: gauge(
                "index_waiting",
                "Changed paths that the search index waits for.",
            )?,
            owed: gauges(
                "outbox_messages",
                "Messages that wait for their next attempt (owed), or are no longer tried (parked).",
                &["receiver", "state"],
            )?,
            failing: gauges("task_failing", "Tasks whose last run failed.", &["task"])?,
            registry,
        };
        Ok((numbers, syncs))
    }

    fn took(&self, stage: &str, start: Timestamp, end: Timestamp) {
        let span = Duration::try_from(end.duration_since(start)).unwrap_or_default();
        self.stages
            .with_label_values(&[stage])
            .observe(span.as_secs_f64());
    }

    /// Counts one entry.
    fn count(&self, state: &State, body: &Body) {
        self.events.with_label_values(&[body.event.name()]).inc();
        for span in spans::ended(state, body) {
            self.took(span.name, span.start, span.end);
        }
        let card = body.event.handoff().and_then(|id| state.card(id));
        let workspace = card.map_or("", |card| card.workspace.as_str());
        match &body.event {
            Event::Decided(decided) => {
                let by = match &body.actor {
                    Actor::Person { .. } => "person",
                    Actor::Policy { .. } => "policy",
                    Actor::Agent { .. } => "agent",
                    Actor::Daemon => "daemon",
                };
                let labels = [workspace, decided.outcome.word(), by];
                self.decisions.with_label_values(&labels).inc();
            }
            Event::Refused { at, kind, .. } => {
                let labels = [at.workspace.as_str(), kind.name()];
                self.refusals.with_label_values(&labels).inc();
            }
            event => {
                if let Some(answered) = event.answered() {
                    let labels = [workspace, answered.answer.name()];
                    self.answers.with_label_values(&labels).inc();
                }
            }
        }
    }

    /// Looks at how things stand.
    fn look(&self, state: &State, readings: &Readings) {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.ready.set(i64::from(readings.ready));
        self.entries.set(count(state.head.seq));
        self.intake_queue.set(count(readings.intake_queue));
        for gauges in [
            &self.handoffs,
            &self.hops,
            &self.overdue,
            &self.dead_letters,
            &self.locks,
            &self.watching,
            &self.index_state,
            &self.owed,
            &self.failing,
        ] {
            gauges.reset();
        }
        let now = state.last_time.unwrap_or(Timestamp::MIN);
        for card in state.cards() {
            let workspace = card.workspace.as_str();
            let labels = [workspace, card.state.name()];
            self.handoffs.with_label_values(&labels).inc();
            if let Some(routing) = &card.routing
                && matches!(
                    card.state,
                    countersign_protocol::state::HandoffState::Waiting { .. }
                )
            {
                if routing.routed.due.is_some_and(|due| due < now) {
                    self.overdue.with_label_values(&[workspace]).inc();
                }
                if routing.dead.is_some() {
                    let labels = [workspace, "unanswered"];
                    self.dead_letters.with_label_values(&labels).inc();
                }
            }
        }
        for card in state.with_agents() {
            for hop in card.hops.iter().filter(|hop| hop.stage.is_open()) {
                let labels = [card.workspace.as_str(), hop.stage.name()];
                self.hops.with_label_values(&labels).inc();
            }
        }
        for dead in state.dead_letters() {
            let labels = [dead.location.workspace.as_str(), "refused"];
            self.dead_letters.with_label_values(&labels).inc();
        }
        for (workspace, mode) in &readings.watching {
            let held = number(state.locks().held(workspace).count());
            self.locks
                .with_label_values(&[workspace.as_str()])
                .set(held);
            let labels = [workspace.as_str(), mode.as_str()];
            self.watching.with_label_values(&labels).set(1);
        }
        if let Some((name, documents, waiting)) = readings.index {
            self.index_state.with_label_values(&[name]).set(1);
            self.index_documents.set(count(documents));
            self.index_waiting.set(count(waiting));
        }
        for (receiver, reading) in &readings.receivers {
            for (how, messages) in [("owed", reading.owed), ("parked", reading.parked)] {
                let labels = [receiver.as_str(), how];
                self.owed.with_label_values(&labels).set(count(messages));
            }
        }
        for task in &readings.failing {
            self.failing.with_label_values(&[*task]).set(1);
        }
    }
}
