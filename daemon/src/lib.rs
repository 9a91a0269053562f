//! The daemon: a library in pipeline order, and a short `main.rs`.
//!
//! See ARCHITECTURE.md for the walk of one handoff and for which module may import which.

pub mod clock;
pub mod config;
pub mod fault;
pub mod fs;
pub mod store;
pub mod watch;
