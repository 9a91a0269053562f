//! The fields of all documents as a list, for whoever checks that each of them has an effect.

use std::collections::BTreeMap;

use super::{
    fields::{ANSWER, CHECKPOINT, HANDOFF},
    rule::{Field, Rule},
};

/// Returns every field by its path, such as `handoff/requests/id`, with the reason why nothing reads it, if nothing
/// does. What lies below an unread field is left out.
///
/// ```
/// let fields = countersign_protocol::contract::field_list();
/// assert_eq!(fields["handoff/task"], None);
/// assert!(fields["handoff/privacy"].is_some());
/// ```
pub fn field_list() -> BTreeMap<String, Option<&'static str>> {
    let mut found = BTreeMap::new();
    walk(HANDOFF, "handoff", &mut found);
    walk(CHECKPOINT, "checkpoint", &mut found);
    walk(ANSWER, "answer", &mut found);
    found
}

type Found = BTreeMap<String, Option<&'static str>>;

fn walk(fields: &[Field], at: &str, found: &mut Found) {
    for field in fields {
        let here = format!("{at}/{}", field.name);
        found.insert(here.clone(), field.unread);
        if field.unread.is_none() {
            below(field.rule, &here, found);
        }
    }
}

fn below(rule: &Rule, at: &str, found: &mut Found) {
    match rule {
        Rule::Object(fields) | Rule::Closed(fields) => walk(fields, at, found),
        Rule::List { of, .. } | Rule::Map(of) => below(of, at, found),
        Rule::Either(one, other) => {
            below(one, at, found);
            below(other, at, found);
        }
        _ => {}
    }
}
