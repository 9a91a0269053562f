//! The daemon: a library in pipeline order, and a short `main.rs`.
//!
//! See ARCHITECTURE.md for the walk of one handoff and for which module may import which.

pub mod accounts;
pub mod app;
pub mod bench;
pub mod boundary;
pub mod catalog;
pub mod changes;
pub mod checks;
pub mod cli;
pub mod clock;
pub mod config;
pub mod confine;
pub mod contracts;
pub mod egress;
pub mod endpoint;
pub mod extract;
pub mod fault;
pub mod fs;
pub mod gate;
pub mod guard;
pub mod intake;
pub mod ledger;
pub mod locks;
pub mod message;
pub mod outbox;
pub mod ownership;
pub mod passkey;
pub mod policy;
pub mod process;
pub mod provenance;
pub mod reconcile;
pub mod release;
pub mod review;
pub mod scrub;
pub mod search;
pub mod sso;
pub mod store;
pub mod supervise;
pub mod telemetry;
pub mod terminal;
#[cfg(test)]
mod testing;
pub mod timeout;
pub mod versions;
pub mod walk;
pub mod watch;
pub mod workspace;
pub mod writeback;
