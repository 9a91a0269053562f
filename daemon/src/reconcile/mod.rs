//! Runs named tasks again and again: when something hints that there is work, and on a period in
//! case the hint was lost. A task takes no input; it reads what to do from the ledger and the disk,
//! and doing it twice does no harm. This module knows nothing of handoffs.

use std::{
    any::Any,
    collections::BTreeMap,
    fmt::Display,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// After a failure a task waits this long, and twice as long after each further one.
const FIRST_BACK_OFF: Duration = Duration::from_millis(250);
/// After a hint a task waits this long: hints that come together are one run, and who waits for the
/// news itself is told before the task takes processor and disk.
const GATHER: Duration = Duration::from_millis(2);
/// It never waits longer than this.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);

/// The tasks of the program.
#[derive(Clone, Debug)]
pub struct Reconciler {
    tasks: TaskTracker,
    cancel: CancellationToken,
    failing: Arc<Mutex<BTreeMap<&'static str, String>>>,
}

impl Reconciler {
    /// No tasks yet. They end when `cancel` says so, each after the run it is in.
    pub fn new(cancel: CancellationToken) -> Self {
        Self {
            tasks: TaskTracker::new(),
            cancel,
            failing: Arc::default(),
        }
    }

    /// Runs `task` at once, then whenever `hint` moves, and at least every `period`.
    pub fn spawn<F, E>(
        &self,
        name: &'static str,
        period: Duration,
        mut hint: watch::Receiver<u64>,
        task: impl Fn() -> F + Send + 'static,
    ) where
        F: Future<Output = Result<(), E>> + Send,
        E: Display,
    {
        let me = self.clone();
        self.tasks.spawn(async move {
            let mut back_off = FIRST_BACK_OFF;
            loop {
                hint.borrow_and_update();
                let begun = catch_unwind(AssertUnwindSafe(&task));
                let pause = match outcome_of(begun).await {
                    Ok(()) => {
                        me.outcome(name, None);
                        back_off = FIRST_BACK_OFF;
                        None
                    }
                    Err(error) => {
                        tracing::warn!(task = name, %error, "a task failed and is tried again");
                        me.outcome(name, Some(error));
                        let pause = back_off;
                        back_off = (back_off * 2).min(LONGEST_BACK_OFF);
                        Some(pause)
                    }
                };
                let next = async {
                    // Hints do not hurry a task that fails: each would fail again.
                    if let Some(pause) = pause {
                        return tokio::time::sleep(pause).await;
                    }
                    let hinted = tokio::time::timeout(period, moved(&mut hint)).await;
                    if hinted.is_ok() {
                        tokio::time::sleep(GATHER).await;
                    }
                };
                tokio::select! {
                    () = me.cancel.cancelled() => return,
                    () = next => {}
                }
            }
        });
    }

    fn outcome(&self, name: &'static str, failure: Option<String>) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        match failure {
            Some(why) => failing.insert(name, why),
            None => failing.remove(name),
        };
    }

    /// The tasks whose last run failed, with the reason.
    pub fn failing(&self) -> Vec<(&'static str, String)> {
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing
            .iter()
            .map(|(name, why)| (*name, why.clone()))
            .collect()
    }

    /// Waits until every task has ended.
    pub async fn finished(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Waits for a run. A defect in it is a failure like any other: it is told, and the task goes on.
async fn outcome_of<F, E>(begun: std::thread::Result<F>) -> Result<(), String>
where
    F: Future<Output = Result<(), E>>,
    E: Display,
{
    let run = match begun {
        Ok(run) => AssertUnwindSafe(run).catch_unwind().await,
        Err(defect) => Err(defect),
    };
    match run {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(defect) => Err(format!("a defect of the program: {}", words(&*defect))),
    }
}

/// What a panic said.
fn words(defect: &(dyn Any + Send)) -> &str {
    let text = defect.downcast_ref::<&str>().copied();
    text.or_else(|| defect.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it did not say what")
}

/// Waits until the hint moves. One whose sender is gone never does; taken for a move, it would keep
/// its task running without a pause.
async fn moved(hint: &mut watch::Receiver<u64>) {
    if hint.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests;
