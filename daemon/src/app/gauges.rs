//! How the parts of the program stand, gathered for the numbers.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;

use super::serving::Serving;
use crate::{
    intake::Intake,
    ledger::Ledger,
    message,
    reconcile::Reconciler,
    review::{self, Pulse as _},
    search::Search,
    telemetry::{Meter, Readings, ReceiverReading},
};

/// What is asked.
pub(super) struct Gauges {
    pub(super) meter: Meter,
    pub(super) ledger: Ledger,
    pub(super) serving: Arc<Serving>,
    pub(super) intake: Intake,
    pub(super) search: Search,
    pub(super) reconciler: Reconciler,
    /// Names of the receivers of messages.
    pub(super) receivers: Vec<String>,
}

#[async_trait]
impl review::Gauges for Gauges {
    async fn read(&self) -> Result<String, String> {
        let names = self.receivers.clone();
        let counted = self.ledger.read(move |store| {
            let mut receivers = BTreeMap::new();
            for name in names {
                let (owed, parked) = message::count(store, &name)?;
                receivers.insert(name, ReceiverReading { owed, parked });
            }
            Ok(receivers)
        });
        let receivers = counted.await.map_err(|error| error.to_string())?;
        let index = self.search.status();
        let workspaces = self.serving.workspaces().all();
        let watching = workspaces.iter().map(|one| {
            let (mode, _) = self.serving.watching(&one.name);
            (one.name.to_string(), mode)
        });
        let readings = Readings {
            ready: self.serving.ready(),
            failing: self
                .reconciler
                .failing()
                .into_iter()
                .map(|(task, _)| task)
                .collect(),
            intake_queue: self.intake.backlog() as u64,
            watching: watching.collect(),
            index: Some((index.state.name(), index.documents, index.waiting)),
            receivers,
        };
        let text = self.meter.render(&readings).await;
        text.map_err(|error| error.to_string())
    }
}
