//! Bytes of agents in, plain data for templates out. Invariant: nothing here makes HTML, so nothing
//! an agent wrote can become markup; the templates escape every value.

pub mod diff;
pub mod image;
pub mod kind;
pub mod preview;
pub mod visible;
pub mod words;
