//! What crosses the shared folder or the wire.
//!
//! Documents (handoff, checkpoint, receipt, errors, decision), the rules they must keep, the ids and
//! digests they carry, the facts that the ledger chains, and the states they fold to. Invariant:
//! **no I/O, no clock, no randomness** in this crate; an SDK can depend on it.

pub mod access;
pub mod anchor;
pub mod approval;
pub mod chain;
pub mod changes;
pub mod check;
pub mod checkpoint;
pub mod content;
pub mod contract;
pub mod decision;
pub mod dialect;
pub mod edit;
pub mod envelope;
pub mod event;
pub mod fallback;
pub mod handoff;
pub mod id;
pub mod invisible;
pub mod lock;
pub mod log;
pub mod manifest;
pub mod mark;
pub mod misnamed;
pub mod names;
pub mod ownership;
pub mod partial;
pub mod path;
pub mod phrase;
pub mod place;
pub mod principal;
pub mod problem;
pub mod provenance;
pub mod query;
pub mod receipt;
pub mod reference;
pub mod release;
pub mod routing;
pub mod schema;
pub mod sign_off;
pub mod state;
pub mod terms;
pub mod trace;
pub mod transfer;
pub mod watched;

pub use id::{Digest, HandoffId};
