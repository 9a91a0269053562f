//! A desk in memory with sample work, for tests of pages and API and for looking at the pages.

mod desk;
pub mod sample;

pub use desk::{SESSION, START_TOKEN, Showcase};
