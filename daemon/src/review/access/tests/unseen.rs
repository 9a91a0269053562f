//! Every route of the API's description, asked about a workspace by those who may not know of it: what is there is answered as
//! what is not, and nothing is recorded.

use countersign_web::desk::Desk as _;
use serde_json::{Map, Value, json};

use super::{Bed, Permissions, State, Who};
use crate::{
    testing::{WORKSPACE, maya},
    workspace::{Settings, Workspace},
};

/// Times that the answers of one route are made.
const CALLERS: usize = 3;

/// A route with its body.
struct Route {
    method: String,
    path: String,
    body: Value,
}

fn description() -> Value {
    serde_json::from_str(include_str!("../../../../../web/openapi.json")).unwrap()
}

/// Returns the smallest value that `schema` allows, as far as types and required members say.
fn smallest(document: &Value, schema: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or_default();
        return smallest(document, &document["components"]["schemas"][name]);
    }
    for of in ["oneOf", "anyOf", "allOf"] {
        if let Some(first) = schema[of].as_array().and_then(|all| all.last()) {
            return smallest(document, first);
        }
    }
    if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
        return first.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds[0].as_str(),
        kind => kind.as_str(),
    };
    match kind {
        Some("string") => json!("words"),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        _ => {
            let needed = schema["required"].as_array().into_iter().flatten();
            let members = needed.filter_map(Value::as_str).map(|name| {
                let member = smallest(document, &schema["properties"][name]);
                (name.to_owned(), member)
            });
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}

/// All routes but those that never end.
fn routes() -> Vec<Route> {
    let document = description();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let content = &operation["requestBody"]["content"]["application/json"]["schema"];
            if path.ends_with("/events") || path.ends_with("/stream") || path.ends_with("/next") {
                continue;
            }
            all.push(Route {
                method: method.to_uppercase(),
                path: path.replace("/wait", "/wait?timeout=0"),
                body: smallest(&document, content),
            });
        }
    }
    assert!(all.len() > 95, "{}", all.len());
    all
}

/// The path and the body about one place; `there` or not.
fn about(bed: &Bed, route: &Route, (id, lock): (&str, &str), there: bool) -> (String, String) {
    let workspace = if there { WORKSPACE } else { "x" };
    let is_lock = route.path.contains("/locks/");
    let id = match (is_lock, there) {
        (true, true) => lock,
        (true, false) => "L-999999",
        (false, true) => id,
        (false, false) => "H-999999",
    };
    let path = route
        .path
        .replace("{id}", id)
        .replace("{workspace}", workspace)
        .replace("{seq}", &if there { bed.dead } else { 999_999 }.to_string())
        .replace("{revision}", "1")
        .replace("{path}", "a.txt");
    let path = path.replace(['{', '}'], "");
    let mut body = route.body.clone();
    if let Some(members) = body.as_object_mut() {
        for (name, value) in [
            ("workspace", json!(workspace)),
            ("workspaces", json!([workspace])),
        ] {
            if members.contains_key(name) {
                members.insert(name.to_owned(), value);
            }
        }
    }
    (path, body.to_string())
}

#[test]
fn what_may_not_be_seen_is_not_there() {
    let bed = Bed::new();
    let id = bed.card(State::Waiting).to_string();
    let lock = bed.lock();
    let mut callers: Vec<Who> = bed
        .people()
        .into_iter()
        .filter(|who| ["nobody", "elsewhere"].contains(&who.name))
        .collect();
    let new = super::NewToken {
        agent: "ares".to_owned(),
        workspaces: vec!["other".to_owned()],
        days: None,
    };
    // A workspace that the agent has, and in which nothing is.
    let folder = bed.rig.outside("other");
    crate::fs::Dir::create(&folder, 0o755).unwrap();
    let other = Workspace::open("other", &folder, Settings::default()).unwrap();
    bed.rig.workspaces().add(other);
    let maya = maya();
    let made = bed.rig.desk().create_token(&maya, new);
    callers.push(Who {
        name: "agent elsewhere",
        here: Permissions::NONE,
        elsewhere: Permissions::of_agents(),
        session: None,
        token: Some(bed.rig.wait(made).unwrap().1),
    });
    assert_eq!(callers.len(), CALLERS);
    let card = bed.rig.cards()[0].clone();
    let mut wrong = Vec::new();
    for route in routes() {
        for who in &callers {
            let [told, missing] = [true, false].map(|there| {
                let (path, body) = about(&bed, &route, (&id, &lock), there);
                let (status, text) =
                    bed.send(who, &route.method, &path, ("application/json", body));
                // Each names what was asked for.
                let dead = [
                    format!("letter {}", bed.dead),
                    format!("letters/{}", bed.dead),
                ];
                let names = [
                    (&*dead[0], "letter 999999"),
                    (&*dead[1], "letters/999999"),
                    (&*id, "H-999999"),
                    (&*lock, "L-999999"),
                    ("`w`", "`x`"),
                    ("/w/", "/x/"),
                ];
                let text = names
                    .iter()
                    .fold(text, |text, (one, other)| text.replace(one, other));
                (status, text)
            });
            let place = format!("{}: {} {}", who.name, route.method, route.path);
            let is_own = told.0.is_success() && missing.0.is_success();
            if !is_own && told != missing {
                wrong.push(format!("{place}: {told:?} | {missing:?}"));
            }
            for secret in [
                "a.txt",
                "/c1",
                "broken",
                &*card.newest().accepted.manifest_sha256.to_string(),
            ] {
                let asked = route.path.contains("{path}") && secret == "a.txt";
                if !asked && told.1.contains(secret) {
                    wrong.push(format!("{place}: {secret}: {}", told.1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(bed.rig.cards()[0].newest().accepted, card.newest().accepted);
    assert_eq!(bed.rig.cards().len(), 1);
}
