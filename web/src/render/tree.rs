//! JSON, YAML and TOML against each other by their values: path, old, new.

mod node;

use std::fmt::Write as _;

use serde::Serialize;
use similar::{Algorithm, DiffTag};

use super::visible::visible;

/// The most changes that are shown.
const MAX_CHANGES: usize = 2_000;
/// The most characters of a value that are shown.
const MAX_VALUE: usize = 400;
/// Lists with more elements are compared in their order.
const MAX_ALIGNED: usize = 20_000;

/// A value. Other than in the readers of most programs a key stands once.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A single value as it is written in JSON.
    Leaf(String),
    /// A list.
    List(Vec<Node>),
    /// An object, in the order of the file.
    Object(Vec<(String, Node)>),
}

/// A value that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Where, for example `items[3].price`.
    pub path: String,
    /// What stood there.
    pub old: Option<String>,
    /// What stands there.
    pub new: Option<String>,
}

/// What differs between two values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tree {
    /// The changes in the order of the new file.
    pub changes: Vec<Change>,
    /// What is not shown.
    pub notes: Vec<String>,
}

/// Reads JSON. An error says why no value could be taken from it without losing something.
pub fn json(text: &str) -> Result<Node, String> {
    if has_long_number(text) {
        return Err("It has numbers with more digits than can be compared as values.".to_owned());
    }
    serde_json::from_str(text).map_err(|error| format!("It is not JSON that can be read: {error}."))
}

/// Reads TOML.
pub fn toml(text: &str) -> Result<Node, String> {
    if has_long_number(text) {
        return Err("It has numbers with more digits than can be compared as values.".to_owned());
    }
    toml::from_str(text)
        .map_err(|error| format!("It is not TOML that can be read: {}.", error.message()))
}

/// A value that another reader took.
pub fn of(value: &serde_json::Value) -> Node {
    match value {
        serde_json::Value::Array(items) => Node::List(items.iter().map(of).collect()),
        serde_json::Value::Object(fields) => Node::Object(
            fields
                .iter()
                .map(|(key, value)| (key.clone(), of(value)))
                .collect(),
        ),
        leaf => Node::Leaf(leaf.to_string()),
    }
}

/// A number of more than 15 digits may change when it is read as a double, and then two that differ
/// look the same.
fn has_long_number(text: &str) -> bool {
    let mut digits = 0;
    let mut quote = None;
    let mut escaped = false;
    for c in text.chars() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_ascii_digit() => digits += 1,
            None if matches!(c, '.' | '_' | 'e' | 'E' | '+' | '-') => {}
            None => digits = 0,
        }
        if digits > 15 {
            return true;
        }
        if quote.is_some() {
            digits = 0;
        }
    }
    false
}

/// Compares two values.
pub fn diff(old: &Node, new: &Node) -> Tree {
    let mut tree = Tree::default();
    let mut left_out = 0;
    walk(Some(old), Some(new), &mut String::new(), &mut |change| {
        if tree.changes.len() < MAX_CHANGES {
            tree.changes.push(change());
        } else {
            left_out += 1;
        }
    });
    if left_out > 0 {
        tree.notes.push(format!(
            "{MAX_CHANGES} changes are shown; {left_out} more are not."
        ));
    }
    tree
}

type Found<'f> = dyn FnMut(&dyn Fn() -> Change) + 'f;

fn walk(old: Option<&Node>, new: Option<&Node>, path: &mut String, found: &mut Found<'_>) {
    let length = path.len();
    match (old, new) {
        (Some(old), Some(new)) if old == new => {}
        (Some(Node::Object(old)), Some(Node::Object(new))) => {
            let get =
                |fields: &'_ [(String, Node)], key: &str| fields.iter().position(|(k, _)| k == key);
            let index: std::collections::HashMap<&str, &Node> = old
                .iter()
                .map(|(key, value)| (key.as_str(), value))
                .collect();
            for (key, value) in new {
                push_key(path, key);
                walk(index.get(key.as_str()).copied(), Some(value), path, found);
                path.truncate(length);
            }
            let known: std::collections::HashSet<&str> =
                new.iter().map(|(key, _)| key.as_str()).collect();
            for (key, value) in old.iter().filter(|(key, _)| !known.contains(key.as_str())) {
                push_key(path, key);
                walk(Some(value), None, path, found);
                path.truncate(length);
            }
            // Nothing else differs: the order does.
            if old.len() == new.len()
                && new
                    .iter()
                    .all(|(key, value)| index.get(key.as_str()) == Some(&value))
            {
                let moved = new
                    .iter()
                    .enumerate()
                    .find(|(at, (key, _))| get(old, key) != Some(*at));
                if let Some((_, (key, _))) = moved {
                    let place = shown(path);
                    let words = format!("the order of its keys changed, first at `{key}`");
                    found(&|| Change {
                        path: place.clone(),
                        old: None,
                        new: Some(shown(&words)),
                    });
                }
            }
        }
        (Some(Node::List(old)), Some(Node::List(new))) => lists(old, new, path, found),
        (old, new) => {
            let place = shown(path);
            found(&|| Change {
                path: place.clone(),
                old: old.map(|node| shown(&node.to_string())),
                new: new.map(|node| shown(&node.to_string())),
            });
        }
    }
}

/// Equal elements are found first, so that one that was put in between does not change all after it.
fn lists(old: &[Node], new: &[Node], path: &mut String, found: &mut Found<'_>) {
    let length = path.len();
    let mut element = |old: Option<(usize, &Node)>, new: Option<(usize, &Node)>| {
        let at = new.or(old).map_or(0, |(at, _)| at);
        // Writing to a string cannot fail.
        let _ = write!(path, "[{at}]");
        walk(
            old.map(|(_, node)| node),
            new.map(|(_, node)| node),
            path,
            found,
        );
        path.truncate(length);
    };
    let pairs = |then: std::ops::Range<usize>, now: std::ops::Range<usize>| {
        (0..then.len().max(now.len())).map(move |at| {
            let side =
                |range: &std::ops::Range<usize>| (at < range.len()).then(|| range.start + at);
            (side(&then), side(&now))
        })
    };
    if old.len().max(new.len()) > MAX_ALIGNED {
        for (then, now) in pairs(0..old.len(), 0..new.len()) {
            element(then.map(|at| (at, &old[at])), now.map(|at| (at, &new[at])));
        }
        return;
    }
    let text = |nodes: &[Node]| nodes.iter().map(ToString::to_string).collect::<Vec<_>>();
    let ops = similar::capture_diff_slices(Algorithm::Patience, &text(old), &text(new));
    for op in ops.iter().filter(|op| op.tag() != DiffTag::Equal) {
        for (then, now) in pairs(op.old_range(), op.new_range()) {
            element(then.map(|at| (at, &old[at])), now.map(|at| (at, &new[at])));
        }
    }
}

fn push_key(path: &mut String, key: &str) {
    let plain = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if !plain {
        let _ = write!(path, "[{key:?}]");
    } else if path.is_empty() {
        path.push_str(key);
    } else {
        path.push('.');
        path.push_str(key);
    }
}

fn shown(text: &str) -> String {
    let mut short: String = visible(text).chars().take(MAX_VALUE + 1).collect();
    if short.chars().count() > MAX_VALUE {
        short.pop();
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
