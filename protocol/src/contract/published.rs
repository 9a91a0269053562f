//! Holds the rules in the code to the published schemas, field by field.

use serde_json::{Value, json};

use super::{
    fields::{ANSWER, CHECKPOINT, HANDOFF},
    rule::{Field, Rule},
};
use crate::schema;

struct Published {
    handoff: Value,
    document: Value,
}

impl Published {
    fn new(name: &str) -> Self {
        let parse = |name| serde_json::from_str(schema::get(name).unwrap().text).unwrap();
        Self {
            handoff: parse("handoff"),
            document: parse(name),
        }
    }

    /// What `schema` says, behind its reference.
    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema.get("$ref").and_then(Value::as_str) {
            None => schema,
            Some(reference) => {
                let (_, pointer) = reference.split_once('#').unwrap();
                self.resolve(self.handoff.pointer(pointer).unwrap())
            }
        }
    }

    fn object(&self, fields: &[Field], schema: &Value, at: &str) {
        let properties = schema["properties"].as_object().unwrap();
        let mut names: Vec<_> = fields.iter().map(|field| field.name).collect();
        let mut published: Vec<_> = properties.keys().map(String::as_str).collect();
        names.sort_unstable();
        published.sort_unstable();
        assert_eq!(names, published, "{at}");
        for field in fields {
            let here = format!("{at}/{}", field.name);
            let required = schema["required"]
                .as_array()
                .is_some_and(|names| names.contains(&json!(field.name)));
            let checked_apart = matches!(
                field.name,
                "handoff_version" | "checkpoint_version" | "answer_version"
            ) && at.is_empty();
            assert_eq!(field.required || checked_apart, required, "{here}");
            if !checked_apart {
                self.same(field.rule, &properties[field.name], &here);
            }
        }
    }

    fn same(&self, rule: &Rule, schema: &Value, at: &str) {
        let schema = self.resolve(schema);
        let number = |name: &str| schema[name].as_u64().unwrap_or_default();
        match rule {
            Rule::Any => assert_eq!(*schema, json!(true), "{at}"),
            Rule::Text { min, max } => {
                assert_eq!(schema["type"], "string", "{at}");
                assert_eq!(number("minLength"), *min as u64, "{at}");
                assert_eq!(number("maxLength"), *max as u64, "{at}");
            }
            Rule::Id
            | Rule::Time
            | Rule::Path
            | Rule::Media
            | Rule::Sha256
            | Rule::Traceparent
            | Rule::Amount
            | Rule::Currency => {
                assert_eq!(schema["type"], "string", "{at}");
                assert!(schema["pattern"].is_string(), "{at}");
            }
            Rule::Unit => {
                let unit = json!({"type": "number", "minimum": 0, "maximum": 1});
                assert_eq!(*schema, unit, "{at}");
            }
            Rule::Integer { min, max } => {
                let whole = json!({"type": "integer", "minimum": min, "maximum": max});
                assert_eq!(*schema, whole, "{at}");
            }
            Rule::Flag => assert_eq!(schema["type"], "boolean", "{at}"),
            Rule::Word(words) => assert_eq!(schema["enum"], json!(words), "{at}"),
            Rule::List {
                of,
                min,
                max,
                unique,
            } => {
                assert_eq!(schema["type"], "array", "{at}");
                assert_eq!(number("minItems"), *min as u64, "{at}");
                assert_eq!(number("maxItems"), *max as u64, "{at}");
                assert_eq!(schema.get("uniqueItems").is_some(), *unique, "{at}");
                self.same(of, &schema["items"], &format!("{at}/0"));
            }
            Rule::Object(fields) => {
                assert_eq!(schema["type"], "object", "{at}");
                self.object(fields, schema, at);
            }
            Rule::Closed(fields) => {
                assert_eq!(schema["type"], "object", "{at}");
                assert_eq!(schema["additionalProperties"], false, "{at}");
                let extensions = json!({"^x[-_]": true});
                assert_eq!(schema["patternProperties"], extensions, "{at}");
                self.object(fields, schema, at);
            }
            Rule::Map(of) => {
                assert_eq!(schema["type"], "object", "{at}");
                self.same(of, &schema["additionalProperties"], &format!("{at}/*"));
            }
            Rule::Free { max } => {
                assert_eq!(schema["type"], json!(["object", "null"]), "{at}");
                assert_eq!(number("maxProperties"), *max as u64, "{at}");
            }
            Rule::Schema => assert_eq!(schema["type"], json!(["object", "boolean"]), "{at}"),
            Rule::Either(one, other) => {
                let either = schema["anyOf"].as_array().unwrap();
                assert_eq!(either.len(), 2, "{at}");
                self.same(one, &either[0], at);
                self.same(other, &either[1], at);
            }
        }
    }
}

#[test]
fn the_schemas_say_what_the_code_checks() {
    for (name, fields) in [
        ("handoff", HANDOFF),
        ("checkpoint", CHECKPOINT),
        ("answer", ANSWER),
    ] {
        let published = Published::new(name);
        published.object(fields, &published.document, "");
    }
}
