//! From bytes to a document with places: JSON and YAML within the limits of the contract.

use serde_json::Value;

use crate::problem::Refusal;

/// How the bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 8259.
    Json,
    /// The JSON-shaped part of YAML 1.2.
    Yaml,
}

/// A document that was read, with the place of each value.
#[derive(Debug)]
pub struct Document {
    /// The content.
    pub value: Value,
}

impl Document {
    /// Line and column, both from 1, of the value at `pointer`.
    pub fn place(&self, _pointer: &str) -> (u32, u32) {
        (0, 0)
    }
}

/// Reads `bytes` as `format`.
pub fn read(_bytes: &[u8], _format: Format) -> Result<Document, Refusal> {
    todo!()
}
