//! Paths that a document may name.
