//! The daemon: a library in pipeline order, and a short `main.rs`.
//!
//! See ARCHITECTURE.md for the walk of one handoff and for which module may import which.

pub mod app;
pub mod bench;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod contracts;
pub mod endpoint;
pub mod extract;
pub mod fault;
pub mod fs;
pub mod intake;
pub mod ledger;
pub mod message;
pub mod outbox;
pub mod policy;
pub mod reconcile;
pub mod review;
pub mod search;
pub mod store;
#[cfg(test)]
mod testing;
pub mod timeout;
pub mod versions;
pub mod walk;
pub mod watch;
pub mod workspace;
pub mod writeback;
