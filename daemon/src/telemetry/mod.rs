//! What the program tells those who watch over it: spans, whole, when a step has ended; numbers; the list of events.
//!
//! All of it is read from the ledger, after the fact and away from the way of a handoff: a span is made of the
//! entries that begin and end it, so that it outlives a wait of days and a restart, and has the same id whenever it
//! is made. No span is held open.

mod events;
mod meter;
mod otlp;
mod spans;
#[cfg(test)]
mod tests;

pub use events::EventFiles;
pub use meter::{Meter, Readings, ReceiverReading};
pub use otlp::{ExportError, Exporter};
pub use spans::{Kind, Span, ended, notified};
