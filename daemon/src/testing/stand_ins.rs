//! What stands in for the rest of the program and of the machine.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use countersign_protocol::{
    Digest,
    chain::{Entry, Head},
    event::Location,
    principal::Principal,
    receipt::Receipt,
    transfer::AnswerReceipt,
};
use countersign_web::desk::{DeskError, TestResult, messages::Disclosed};

use crate::{
    process::Processes,
    review::{AnsweredHop, Courier, Delivered, Door, Gauges, Pulse},
    store::{Batch, MemoryStore, Space, Store, StoreError},
};

/// A store that outlives the ledger that uses it, as a disk does.
pub(crate) struct SharedStore(pub(crate) Arc<Mutex<MemoryStore>>);

impl SharedStore {
    fn held(&self) -> MutexGuard<'_, MemoryStore> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for SharedStore {
    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.held().append(batch)
    }

    fn head(&mut self) -> Result<Head, StoreError> {
        self.held().head()
    }

    fn entries(&mut self, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.held().entries(after, limit)
    }

    fn object(&mut self, sha256: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.held().object(sha256)
    }

    fn object_digests(
        &mut self,
        after: Option<Digest>,
        limit: usize,
    ) -> Result<Vec<Digest>, StoreError> {
        self.held().object_digests(after, limit)
    }

    fn value(&mut self, space: Space, key: &str) -> Result<Option<String>, StoreError> {
        self.held().value(space, key)
    }

    fn values(&mut self, space: Space) -> Result<Vec<(String, String)>, StoreError> {
        self.held().values(space)
    }

    fn values_under(
        &mut self,
        space: Space,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StoreError> {
        self.held().values_under(space, prefix, limit)
    }

    fn count_under(&mut self, space: Space, prefix: &str) -> Result<u64, StoreError> {
        self.held().count_under(space, prefix)
    }
}

/// Nothing is counted.
pub(super) struct NoGauges;

#[async_trait]
impl Gauges for NoGauges {
    async fn read(&self) -> Result<String, String> {
        Ok(String::new())
    }
}

/// A daemon that is well.
pub(super) struct Steady;

impl Pulse for Steady {
    fn boundaries(&self) -> Vec<countersign_web::desk::boundaries::WorkspaceBoundaries> {
        Vec::new()
    }

    fn read_anew(&self, _: &dyn Fn(&str) -> bool) -> Vec<countersign_web::desk::transfer::Reread> {
        Vec::new()
    }

    fn ready(&self) -> bool {
        true
    }

    fn troubles(&self) -> Vec<String> {
        Vec::new()
    }

    fn watching(&self, _workspace: &str) -> (String, Option<String>) {
        ("watching".to_owned(), None)
    }
}

/// Deliveries are given to the intake by the rig itself.
pub(super) struct ClosedDoor;

#[async_trait]
impl Door for ClosedDoor {
    async fn answer(&self, _: AnsweredHop) -> Result<AnswerReceipt, DeskError> {
        Err(closed())
    }

    async fn submit(&self, _delivery: Delivered) -> Result<Receipt, DeskError> {
        Err(closed())
    }

    fn look_again(&self, _: &Location) {}

    async fn checkpoint(
        &self,
        _at: Location,
        _bytes: Vec<u8>,
        _principal: Principal,
    ) -> Result<Digest, DeskError> {
        Err(closed())
    }
}

fn closed() -> DeskError {
    DeskError::Unavailable("the rig hands over at the intake".to_owned())
}

/// Messages are given to the outbox by the test itself.
pub(super) struct NoCourier;

#[async_trait]
impl Courier for NoCourier {
    fn disclosed(&self) -> Vec<Disclosed> {
        Vec::new()
    }

    fn receivers(&self) -> Vec<String> {
        vec!["ci".to_owned(), "mail".to_owned()]
    }

    async fn test(&self, _: Option<&str>, _: Option<&str>) -> Vec<TestResult> {
        Vec::new()
    }
}

/// A machine on which every process has ended.
pub(crate) struct DeadProcesses;

impl Processes for DeadProcesses {
    fn started(&self, _pid: u32) -> Option<u64> {
        None
    }
}
