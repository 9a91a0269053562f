//! The published JSON Schemas (draft 2020-12), as `countersign schema` prints them.
//!
//! They say what a schema can say without look-around, so that an engine with linear patterns takes
//! them. The rest is checked in [`crate::contract`], which judges alone; tests hold the two together.

/// One published schema.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// What it is called on the command line, for example `handoff-1.0`.
    pub name: &'static str,
    /// The schema as JSON text. Its `$id` is how the others refer to it.
    pub text: &'static str,
}

/// All published schemas, those for agents' documents first.
pub const ALL: &[Schema] = &[
    Schema {
        name: "handoff-1.0",
        text: include_str!("../schemas/handoff-1.0.schema.json"),
    },
    Schema {
        name: "profile-contract-1.0",
        text: include_str!("../schemas/profile-contract-1.0.schema.json"),
    },
    Schema {
        name: "profile-regulated-1.0",
        text: include_str!("../schemas/profile-regulated-1.0.schema.json"),
    },
    Schema {
        name: "checkpoint-1.0",
        text: include_str!("../schemas/checkpoint-1.0.schema.json"),
    },
    Schema {
        name: "answer-1.0",
        text: include_str!("../schemas/answer-1.0.schema.json"),
    },
    Schema {
        name: "decision-1.0",
        text: include_str!("../schemas/decision-1.0.schema.json"),
    },
    Schema {
        name: "receipt-1.0",
        text: include_str!("../schemas/receipt-1.0.schema.json"),
    },
    Schema {
        name: "errors-1.0",
        text: include_str!("../schemas/errors-1.0.schema.json"),
    },
];

/// The schema called `name`, also without its version: `handoff` is `handoff-1.0`.
pub fn get(name: &str) -> Option<Schema> {
    ALL.iter()
        .find(|schema| schema.name == name || schema.name.strip_suffix("-1.0") == Some(name))
        .copied()
}
