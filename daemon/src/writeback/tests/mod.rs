//! What the writeback promises: answers in order, once, whole, and for nobody's fault but their own late.

mod answers;
mod moved;
mod owed;
mod release;
mod replay;
