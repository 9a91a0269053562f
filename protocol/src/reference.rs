//! References to evidence that lies elsewhere: `deploy:prod-2026-04-17`, `trace:4bf92f35`.
//!
//! They are data, under the key `evidence_refs` wherever it stands in a document. What a scheme means is the
//! operator's to say: a [`Template`] makes an address of the part behind the colon, and nothing that an agent writes
//! can choose the host.

use std::{
    fmt::{self, Write as _},
    str::FromStr,
};

use serde_json::Value;

/// The key whose texts are references.
pub const KEY: &str = "evidence_refs";
/// Most references of one document that are looked at.
const MOST: usize = 64;
/// Longest reference, in bytes.
const LONGEST: usize = 512;
/// Longest scheme, in bytes.
const LONGEST_SCHEME: usize = 32;
/// How deep a document is searched.
const DEEPEST: usize = 16;
/// What stands for the reference in a template.
const PLACE: &str = "{id}";

/// One reference, as the agent wrote it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference(String);

impl Reference {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the colon and behind it; `None` where there is no scheme.
    pub fn parts(&self) -> Option<(&str, &str)> {
        let (scheme, id) = self.0.split_once(':')?;
        (is_scheme(scheme) && !id.is_empty()).then_some((scheme, id))
    }
}

/// Whether `text` is a scheme: a small letter, then small letters, digits, `-`, `_`, `.` and `+`.
pub fn is_scheme(text: &str) -> bool {
    text.len() <= LONGEST_SCHEME
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'+'))
}

/// The references in `document`, each once, in their order.
pub fn references(document: &Value) -> Vec<Reference> {
    let mut found = Vec::new();
    collect(document, 0, &mut found);
    found
}

fn collect(value: &Value, depth: usize, found: &mut Vec<Reference>) {
    if depth > DEEPEST || found.len() >= MOST {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::Array(listed) if key == KEY => {
                        for text in listed.iter().filter_map(Value::as_str) {
                            take(text, found);
                        }
                    }
                    Value::String(text) if key == KEY => take(text, found),
                    other => collect(other, depth + 1, found),
                }
            }
        }
        Value::Array(listed) => {
            for value in listed {
                collect(value, depth + 1, found);
            }
        }
        _ => {}
    }
}

fn take(text: &str, found: &mut Vec<Reference>) {
    let text = text.trim();
    let is_known = found.iter().any(|known| known.0 == text);
    if !text.is_empty() && text.len() <= LONGEST && !is_known && found.len() < MOST {
        found.push(Reference(text.to_owned()));
    }
}

/// The address of what references of a scheme name: `https://traces.example.org/trace/{id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    before: String,
    behind: String,
}

impl Template {
    /// The address for `id`. Every letter that is not *unreserved* (RFC 3986, section 2.3) is escaped, so that
    /// it stays one part of a path or one value of a query. `None` for `.` and `..`, which a browser would
    /// take for folders even when they are escaped.
    pub fn address(&self, id: &str) -> Option<String> {
        if matches!(id, "." | "..") {
            return None;
        }
        let mut address = self.before.clone();
        for byte in id.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    address.push(char::from(byte));
                }
                other => {
                    // Writing to a text cannot fail.
                    let _ = write!(address, "%{other:02X}");
                }
            }
        }
        address.push_str(&self.behind);
        Some(address)
    }
}

impl FromStr for Template {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix("https://");
        let rest = rest.or_else(|| text.strip_prefix("http://"));
        let rest = rest.ok_or("must begin with `https://` or `http://`")?;
        let Some((before, behind)) = text.split_once(PLACE) else {
            return Err("must have `{id}` where the part behind the colon belongs");
        };
        let host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let authority = &rest[..host];
        if authority.is_empty() || authority.contains(['{', '@', '\\']) {
            return Err("must have a host of its own, without `{id}` or a name of a user in it");
        }
        if behind.contains(['{', '}']) || before.contains(['{', '}']) {
            return Err("must have `{id}` once, and no other braces");
        }
        if text.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
            return Err("must be an address without spaces");
        }
        Ok(Self {
            before: before.to_owned(),
            behind: behind.to_owned(),
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{PLACE}{}", self.before, self.behind)
    }
}

#[cfg(test)]
mod tests;
