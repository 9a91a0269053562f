//! From bytes to a document with places: JSON and YAML within the limits of the contract.

pub mod answers;
mod encoding;
mod json;
mod place;
mod yaml;

use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::{
    contract::{MAX_BYTES, MAX_DEPTH},
    problem::{ProblemKind, Refusal},
};
use place::{Place, Spot};

/// Largest integer that every reader of JSON keeps exactly: 2^53 - 1 (RFC 7493, section 2.2).
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

const MAX_INTEGER_AS_DOUBLE: f64 = 9_007_199_254_740_991.0;

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
    /// The content, always an object.
    pub value: Value,
    format: Format,
    text: String,
    places: OnceLock<Option<Spot>>,
}

impl Document {
    /// The fields of the document.
    ///
    /// # Panics
    /// When [`Self::value`] was replaced by something that is no object.
    pub fn fields(&self) -> &Map<String, Value> {
        #[expect(clippy::expect_used, reason = "`read` refuses every other top level")]
        self.value.as_object().expect("a document is an object")
    }

    /// How it was written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Line and column in characters, both from 1, of the value at `pointer` (RFC 6901). Both are 0
    /// when there is no such value.
    pub fn place(&self, pointer: &str) -> Place {
        self.find(pointer).map_or((0, 0), |(_, value)| value)
    }

    /// The same for the key of that value. In a list it is the place of the value.
    pub fn key_place(&self, pointer: &str) -> Place {
        self.find(pointer).map_or((0, 0), |(key, _)| key)
    }

    fn find(&self, pointer: &str) -> Option<(Place, Place)> {
        self.places
            .get_or_init(|| place::of_json(&self.text))
            .as_ref()?
            .find(pointer)
    }
}

/// Reads `bytes` as `format`. Refuses what is no such text, what is over the limits of the contract
/// in size or depth, a key that stands twice, a number that would be rounded, and everything whose
/// top level is no object.
pub fn read(bytes: &[u8], format: Format) -> Result<Document, Refusal> {
    if bytes.len() > MAX_BYTES {
        return Err(Refusal::new(
            ProblemKind::TooLarge,
            "too_large",
            format!(
                "The file has {} bytes; at most {MAX_BYTES} are allowed.",
                bytes.len()
            ),
            "Put the content into files of their own and name them in `artifacts`.",
        ));
    }
    let text = encoding::text(bytes, format)?;
    let (value, places) = match format {
        Format::Json => (json::read(text)?, OnceLock::new()),
        Format::Yaml => {
            let (value, spot) = yaml::read(text)?;
            (value, OnceLock::from(Some(spot)))
        }
    };
    let document = Document {
        value,
        format,
        text: text.to_owned(),
        places,
    };
    if document.value.is_object() {
        return Ok(document);
    }
    Err(Refusal::new(
        ProblemKind::UnknownDialect,
        "type",
        format!(
            "The document must be an object; {} here.",
            found(&document.value)
        ),
        "Start the file with the fields of the handoff, not with a list or a single value.",
    )
    .in_file(document.place("")))
}

/// What kind of value it is, in words.
pub(crate) fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing (null)",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn too_deep() -> Refusal {
    Refusal::new(
        ProblemKind::TooDeep,
        "too_deep",
        format!("Objects and lists are nested more than {MAX_DEPTH} deep here."),
        "Flatten the document, or put the deep part into a file and name it in `artifacts`.",
    )
}

fn duplicate_key(key: &str) -> Refusal {
    let shown: String = key.chars().take(64).collect();
    Refusal::new(
        ProblemKind::DuplicateKey,
        "duplicate_key",
        format!("The key {shown:?} stands twice in one object."),
        "Keep one of the two. Readers disagree on which one counts.",
    )
}
