//! Conditions over the fields of a handoff.
//!
//! An expression is compiled when the configuration is read. Here it only runs: what it names and
//! is not there makes it untrue, with the reason, and never an error that stops the others.

use cel::{Context, Value as Cel};
use countersign_protocol::routing::Fired;
use serde_json::{Value, json};

use crate::{
    config::{Expression, Level},
    policy::work::Work,
};

/// Longest list that an expression with loops inside of each other is run over.
const LONGEST: usize = 1_000;

/// Whether `expression` holds, or why that cannot be told.
pub fn holds(
    expression: &Expression,
    work: &Work,
    fired: &[Fired],
    risk: Level,
) -> Result<bool, String> {
    if expression.loops() > 1 && (longest(&work.document) > LONGEST || work.files().len() > LONGEST)
    {
        return Err(format!("it loops over lists of more than {LONGEST}"));
    }
    let mut context = Context::default();
    let accepted = &work.accepted;
    let paths: Vec<&str> = work.files().iter().map(|file| file.path.as_str()).collect();
    let kinds: Vec<&str> = fired.iter().map(|one| one.kind.as_str()).collect();
    let variables = [
        ("handoff", floats(&work.document)),
        ("workspace", json!(accepted.at.workspace)),
        ("agent", json!(accepted.from_agent)),
        ("labels", json!(work.labels)),
        ("types", json!(work.kinds)),
        ("files", json!(paths)),
        ("size", floats(&json!(work.size()))),
        ("class", json!(work.class)),
        ("risk", json!(risk.name())),
        ("triggers", json!(kinds)),
        ("revision", json!(f64::from(accepted.revision))),
        // Under every floor when nothing is stated, and never a reason to let work pass.
        ("confidence", json!(accepted.confidence.unwrap_or(-1.0))),
    ];
    for (name, value) in variables {
        let value =
            cel::to_value(&value).map_err(|error| format!("`{name}` cannot be read: {error}"))?;
        context.add_variable_from_value(name, value);
    }
    match expression.program().execute(&context) {
        Ok(Cel::Bool(holds)) => Ok(holds),
        Ok(_) => Err(format!("`{expression}` is neither true nor false")),
        Err(error) => Err(format!("`{expression}` cannot be told: {error}")),
    }
}

/// The same with every number as one of the same kind, so that `3` and `0.3` compare with both.
fn floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(list) => list.iter().map(floats).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), floats(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

fn longest(value: &Value) -> usize {
    match value {
        Value::Array(list) => list.iter().map(longest).max().unwrap_or(0).max(list.len()),
        Value::Object(fields) => fields
            .values()
            .map(longest)
            .max()
            .unwrap_or(0)
            .max(fields.len()),
        _ => 0,
    }
}
