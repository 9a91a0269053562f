//! Bytes of agents in, plain data for templates out. Invariant: nothing here makes HTML, so nothing
//! an agent wrote can become markup; the templates escape every value. The one exception is
//! [`markdown`], whose elements are a closed list.

pub mod agent;
pub mod archive;
pub mod captions;
pub mod chart;
pub mod diff;
pub mod kind;
pub mod markdown;
pub mod notebook;
pub mod preview;
pub mod table;
pub mod text;
pub mod tree;
pub mod trouble;
pub mod visible;
pub mod window;
pub mod words;
