//! The form for a `response_schema`: a field for each property of a flat object, one for a plain value, else a box for
//! JSON. The desk holds what comes of it against the schema.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Number, Value};

/// The most fields of a form; a larger schema gets the box.
const MAX_FIELDS: usize = 30;
/// The longest text that one line takes, in characters.
const MAX_LINE: u64 = 200;
/// Keywords by which a schema says more than a form can show.
const COMPOSED: [&str; 10] = [
    "$ref",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "const",
    "patternProperties",
    "dependentSchemas",
    "dependentRequired",
];

/// What was typed into the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TypedValue {
    fields: BTreeMap<usize, String>,
    json: String,
}

impl TypedValue {
    /// Takes what the field `at` says.
    pub(super) fn field(&mut self, at: usize, text: String) -> Option<()> {
        (at < MAX_FIELDS).then(|| drop(self.fields.insert(at, text)))
    }

    /// Takes what the box says.
    pub(super) fn json(&mut self, text: String) {
        self.json = text;
    }

    /// Returns whether anything was typed.
    pub(super) fn is_begun(&self) -> bool {
        let mut texts = self.fields.values().chain([&self.json]);
        texts.any(|text| !text.trim().is_empty())
    }
}

/// The form of a schema.
#[derive(Debug)]
pub(super) enum ValueForm {
    /// A field for each property.
    Object(Vec<Field>),
    /// One field for a plain value.
    Plain(Box<Field>),
    /// A box for JSON.
    Json,
}

/// A field of the form.
#[derive(Debug)]
pub(super) struct Field {
    name: String,
    label: String,
    hint: Option<String>,
    required: bool,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Line,
    Text,
    Date,
    Number,
    Choice(Vec<Value>),
}

impl Kind {
    fn of(schema: &Map<String, Value>) -> Option<Self> {
        if COMPOSED.iter().any(|keyword| schema.contains_key(*keyword)) {
            return None;
        }
        if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
            let is_plain = |one: &Value| !one.is_object() && !one.is_array();
            return choices
                .iter()
                .all(is_plain)
                .then(|| Self::Choice(choices.clone()));
        }
        let text = |name: &str| schema.get(name).and_then(Value::as_str);
        let longest = schema.get("maxLength").and_then(Value::as_u64);
        Some(match text("type")? {
            "string" if text("format") == Some("date") => Self::Date,
            "string" if longest.is_some_and(|most| most > MAX_LINE) => Self::Text,
            "string" => Self::Line,
            "number" | "integer" => Self::Number,
            "boolean" => Self::Choice(vec![Value::Bool(true), Value::Bool(false)]),
            _ => return None,
        })
    }
}

impl Field {
    fn of(name: &str, schema: &Value, required: bool) -> Option<Self> {
        let schema = schema.as_object()?;
        let text = |name: &str| schema.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            name: name.to_owned(),
            label: text("title").unwrap_or_else(|| name.to_owned()),
            hint: text("description")
                .or_else(|| text("format").map(|format| format!("a {format}"))),
            required,
            kind: Kind::of(schema)?,
        })
    }

    /// Returns the value of `text`. What is no number stays text, and the schema says that it is none.
    fn read(&self, text: &str) -> Option<Value> {
        let trimmed = text.trim();
        match &self.kind {
            _ if trimmed.is_empty() => None,
            Kind::Choice(choices) => {
                let at: usize = trimmed.parse().ok()?;
                choices.get(at).cloned()
            }
            Kind::Number => {
                let number: Result<Number, _> = serde_json::from_str(trimmed);
                Some(number.map_or_else(|_| Value::String(trimmed.to_owned()), Value::Number))
            }
            Kind::Date | Kind::Line => Some(Value::String(trimmed.to_owned())),
            Kind::Text => Some(Value::String(text.to_owned())),
        }
    }
}

impl ValueForm {
    /// Returns the form of `schema`.
    pub(super) fn of(schema: &Value) -> Self {
        let object = || Self::object(schema.as_object()?);
        let plain = || Some(Self::Plain(Box::new(Field::of("", schema, true)?)));
        object().or_else(plain).unwrap_or(Self::Json)
    }

    fn object(schema: &Map<String, Value>) -> Option<Self> {
        let is_composed = COMPOSED.iter().any(|keyword| schema.contains_key(*keyword));
        let is_object = schema.get("type").and_then(Value::as_str) == Some("object");
        let properties = schema.get("properties").and_then(Value::as_object)?;
        if is_composed || !is_object || !(1..=MAX_FIELDS).contains(&properties.len()) {
            return None;
        }
        let required = schema.get("required").and_then(Value::as_array);
        let required: Vec<&str> = required
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if required.iter().any(|name| !properties.contains_key(*name)) {
            return None;
        }
        let fields = properties
            .iter()
            .map(|(name, of)| Field::of(name, of, required.contains(&name.as_str())));
        fields.collect::<Option<Vec<_>>>().map(Self::Object)
    }

    /// Returns the value that was typed; `None` when nothing was.
    pub(super) fn read(&self, typed: &TypedValue) -> Result<Option<Value>, String> {
        if !typed.is_begun() {
            return Ok(None);
        }
        let said = |at: usize| typed.fields.get(&at).map_or("", String::as_str);
        match self {
            Self::Plain(field) => Ok(field.read(said(0))),
            Self::Object(fields) => {
                let values = fields
                    .iter()
                    .enumerate()
                    .filter_map(|(at, field)| Some((field.name.clone(), field.read(said(at))?)));
                Ok(Some(Value::Object(values.collect())))
            }
            Self::Json => {
                let value = serde_json::from_str(&typed.json);
                value
                    .map(Some)
                    .map_err(|error| format!("the value is no JSON: {error}"))
            }
        }
    }
}

/// The form on the page.
#[derive(Debug, Serialize)]
pub(super) struct ValueFormView {
    fields: Vec<FieldView>,
    /// The text in the box, and the schema that it keeps; absent where there are fields.
    json: Option<(String, String)>,
}

#[derive(Debug, Serialize)]
struct FieldView {
    at: usize,
    label: String,
    hint: Option<String>,
    required: bool,
    /// `line`, `text`, `date`, `number` or `choice`.
    kind: &'static str,
    value: String,
    /// Place, word, and whether it was chosen.
    choices: Vec<(usize, String, bool)>,
}

impl ValueFormView {
    /// Returns the form of `schema` with what was typed before.
    pub(super) fn new(schema: &Value, typed: &TypedValue) -> Self {
        let view = |(at, field): (usize, &Field)| {
            let value = typed.fields.get(&at).cloned().unwrap_or_default();
            let choices = match &field.kind {
                Kind::Choice(choices) => choices.as_slice(),
                _ => &[],
            };
            let choices = choices.iter().enumerate().map(|(place, choice)| {
                let chosen = value.trim().parse() == Ok(place);
                (place, word(choice), chosen)
            });
            FieldView {
                at,
                label: match field.label.as_str() {
                    "" => "The answer".to_owned(),
                    label => label.to_owned(),
                },
                hint: field.hint.clone(),
                required: field.required,
                kind: match field.kind {
                    Kind::Line => "line",
                    Kind::Text => "text",
                    Kind::Date => "date",
                    Kind::Number => "number",
                    Kind::Choice(_) => "choice",
                },
                choices: choices.collect(),
                value,
            }
        };
        let (fields, json) = match ValueForm::of(schema) {
            ValueForm::Object(fields) => (fields.iter().enumerate().map(view).collect(), None),
            ValueForm::Plain(field) => (vec![view((0, &field))], None),
            ValueForm::Json => {
                let shown = crate::render::visible::visible_json(&format!("{schema:#}"));
                (Vec::new(), Some((typed.json.clone(), shown)))
            }
        };
        Self { fields, json }
    }
}

fn word(choice: &Value) -> String {
    match choice {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "Yes".to_owned(),
        Value::Bool(false) => "No".to_owned(),
        Value::Null => "None".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn typed(fields: &[&str]) -> TypedValue {
        let mut typed = TypedValue::default();
        for (at, text) in fields.iter().enumerate() {
            typed.field(at, (*text).to_owned()).unwrap();
        }
        typed
    }

    fn read(schema: &Value, fields: &[&str]) -> Option<Value> {
        ValueForm::of(schema).read(&typed(fields)).unwrap()
    }

    #[test]
    fn fields_become_typed_values() {
        let schema = json!({
            "type": "object",
            "required": ["date"],
            "properties": {
                "date": { "type": "string", "format": "date" },
                "seats": { "type": "integer" },
                "window": { "type": "boolean" },
                "class": { "enum": ["first", "second"] },
                "note": { "type": "string", "maxLength": 1000 },
            },
        });
        let value = read(&schema, &["2026-12-01", "2", "1", "0", ""]);
        let wanted = json!({ "date": "2026-12-01", "seats": 2, "window": false, "class": "first" });
        assert_eq!(value, Some(wanted));
        // The schema says that this is no number.
        assert_eq!(read(&schema, &["", "two"]), Some(json!({ "seats": "two" })));
        assert_eq!(read(&schema, &["", " "]), None);
        assert_eq!(
            read(&json!({ "type": "number" }), &["1.5"]),
            Some(json!(1.5))
        );
    }

    #[test]
    fn other_schemas_get_a_box() {
        let nested = json!({ "type": "object", "properties": { "a": { "type": "object" } } });
        for schema in [
            nested,
            json!(true),
            json!({}),
            json!({ "type": ["string", "null"] }),
        ] {
            assert!(
                matches!(ValueForm::of(&schema), ValueForm::Json),
                "{schema}"
            );
        }
        let mut typed = TypedValue::default();
        typed.json("{\"a\": {}}".to_owned());
        assert_eq!(ValueForm::Json.read(&typed), Ok(Some(json!({ "a": {} }))));
        typed.json("{".to_owned());
        assert!(ValueForm::Json.read(&typed).is_err());
    }
}
