//! The test bed: agents that write like agents, reviewers, faults, and the checks that hold after all
//! of it. The suites are in `tests/tests`.

#![expect(
    clippy::missing_panics_doc,
    reason = "a test bed stops the test when the scene cannot be set"
)]

pub mod repo;
