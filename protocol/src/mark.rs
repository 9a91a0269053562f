//! `mark.json`: gives the present moment of a workspace a name, for a build server that only writes files.
//!
//! `{"mark_version": "1.0", "kind": "build", "value": "318"}`. The same bytes in the same place mark once.

use serde_json::Value;

use crate::{
    anchor,
    dialect::{self, Document, Format},
    problem::{ProblemKind, Refusal},
};

/// Longest note, in characters.
const MAX_NOTE: usize = 500;

/// What the file asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What it is, for example `build`.
    pub kind: String,
    /// Which one, for example `318`.
    pub value: Option<String>,
    /// More words.
    pub note: Option<String>,
    /// Who sets it, as stated.
    pub by: Option<String>,
}

/// Reads a mark. `None` for a file of that name without `mark_version`, which is none of ours.
pub fn read(bytes: &[u8]) -> Result<Option<Mark>, Refusal> {
    let document = match dialect::read(bytes, Format::Json) {
        Ok(document) => document,
        // Somebody else's file need not even be JSON.
        Err(_) if !String::from_utf8_lossy(bytes).contains("mark_version") => return Ok(None),
        Err(refusal) => return Err(refusal),
    };
    let fields = document.fields();
    let Some(version) = fields.get("mark_version") else {
        return Ok(None);
    };
    let text = |name: &str| -> Result<Option<String>, Refusal> {
        match fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            // Build numbers are numbers to many a tool.
            Some(Value::Number(number)) if name == "value" => Ok(Some(number.to_string())),
            Some(_) => Err(broken(&document, name, "must be text", "put it in quotes")),
        }
    };
    if !version
        .as_str()
        .is_some_and(|text| text == "1" || text.starts_with("1."))
    {
        let message = "is not a version that is spoken here";
        return Err(broken(&document, "mark_version", message, "write \"1.0\""));
    }
    if let Some(unknown) = fields
        .keys()
        .find(|name| !["mark_version", "kind", "value", "note", "by"].contains(&name.as_str()))
    {
        let fix = "a mark has `kind`, `value`, `note` and `by`";
        return Err(broken(&document, unknown, "is not a known field", fix));
    }
    let (kind, value, note, by) = (text("kind")?, text("value")?, text("note")?, text("by")?);
    let Some(kind) = kind.filter(|kind| anchor::is_kind(kind)) else {
        let message =
            "must be a word of at most 32 small letters, digits and hyphens that no anchor uses";
        return Err(broken(
            &document,
            "kind",
            message,
            "write for example \"build\"",
        ));
    };
    if value
        .as_deref()
        .is_some_and(|value| !anchor::is_value(value))
    {
        let message = "must have at most 100 visible characters and no spaces";
        return Err(broken(
            &document,
            "value",
            message,
            "write for example \"318\"",
        ));
    }
    for (name, text) in [("note", &note), ("by", &by)] {
        if text
            .as_ref()
            .is_some_and(|text| text.chars().count() > MAX_NOTE)
        {
            let message = "must have at most 500 characters";
            return Err(broken(&document, name, message, "make it shorter"));
        }
    }
    Ok(Some(Mark {
        kind,
        value,
        note,
        by,
    }))
}

fn broken(document: &Document, field: &str, message: &str, fix: &str) -> Refusal {
    let pointer = format!("/{}", field.replace('~', "~0").replace('/', "~1"));
    let place = document.place(&pointer);
    Refusal::new(ProblemKind::InvalidContract, "mark", message, fix)
        .at(pointer)
        .in_file(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_server_writes_what_it_has() {
        let mark = read(br#"{"mark_version":"1.0","kind":"build","value":318,"by":"ci"}"#).unwrap();
        let mark = mark.unwrap();
        assert_eq!(
            (mark.kind.as_str(), mark.value.as_deref()),
            ("build", Some("318"))
        );
        assert_eq!(mark.by.as_deref(), Some("ci"));
    }

    #[test]
    fn somebody_elses_file_of_that_name_is_none_of_ours() {
        assert_eq!(read(br#"{"marks": [1, 2]}"#), Ok(None));
        assert_eq!(read(b"# not json"), Ok(None));
        assert_eq!(read(b"[1]"), Ok(None));
    }

    #[test]
    fn a_broken_mark_says_where() {
        let text = b"{\n  \"mark_version\": \"1.0\",\n  \"kind\": \"Build 3\"\n}";
        let violation = &read(text).unwrap_err().violations[0];
        assert_eq!((violation.pointer.as_str(), violation.line), ("/kind", 3));
        for bad in [
            &br#"{"mark_version":"2.0","kind":"build"}"#[..],
            br#"{"mark_version":"1.0"}"#,
            br#"{"mark_version":"1.0","kind":"rev"}"#,
            br#"{"mark_version":"1.0","kind":"build","value":"a b"}"#,
            br#"{"mark_version":"1.0","kind":"build","vaule":"1"}"#,
            br#"{"mark_version":"1.0","kind":"#,
        ] {
            assert!(read(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
