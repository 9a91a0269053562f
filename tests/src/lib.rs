//! The test bed: agents that write like agents, reviewers, faults, and the checks that hold after all
//! of it. The suites are in `tests/tests`.

#![expect(
    clippy::missing_panics_doc,
    reason = "a test bed stops the test when the scene cannot be set"
)]

pub mod agent;
pub mod attack;
pub mod axe;
pub mod bed;
pub mod certificates;
pub mod collector;
pub mod confined;
pub mod diskfault;
pub mod evidence;
pub mod history;
pub mod hook;
pub mod http;
pub mod idp;
pub mod invariants;
pub mod life;
pub mod loopdisk;
pub mod machine;
pub mod mesh;
pub mod mount;
pub mod process;
pub mod program;
pub mod python;
pub mod repo;
pub mod reviewer;
pub mod samples;
pub mod skip;
pub mod smtp;
pub mod standard_webhooks;
pub mod timeshift;
pub mod wait;
pub mod webdriver;
