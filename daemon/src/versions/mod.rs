//! Versions of everything that was handed over, and what changed between any two moments.
//!
//! A pure reading of the ledger's state: an anchor is looked up there, and the fold goes from entry to
//! entry. No folder is walked, and the same question about the same entries has the same answer.

pub mod archive;
pub mod collect;
#[cfg(test)]
mod collect_tests;
mod log;
mod names;
mod point;
#[cfg(test)]
mod tests;

pub use log::{Change, Changes, Log, Stood};
pub use names::{pairs, renamed};
pub use point::{Asker, Point, Scope, Unresolved, resolve};
