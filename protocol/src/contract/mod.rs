//! The rules of the contract, version 1.0.

use crate::{
    checkpoint::Checkpoint,
    dialect::Document,
    handoff::{Handoff, Profile},
    problem::{Refusal, Violation},
};

/// Largest document, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// What the workspace asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// The least strict profile it accepts.
    pub least: Profile,
}

/// A document that keeps the rules.
#[derive(Debug)]
pub struct Checked {
    /// In canonical form.
    pub handoff: Handoff,
    /// The dialect it was written in.
    pub dialect: &'static str,
    /// What is worth knowing all the same.
    pub warnings: Vec<Violation>,
}

/// Checks a handoff.
pub fn check(_document: &Document, _rules: Rules) -> Result<Checked, Refusal> {
    todo!()
}

/// Checks a checkpoint; also gives what is worth knowing all the same.
pub fn check_checkpoint(_document: &Document) -> Result<(Checkpoint, Vec<Violation>), Refusal> {
    todo!()
}
