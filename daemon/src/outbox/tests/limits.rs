//! What chats get keeps to the limits that their services document, however long the words of agents are.

use std::sync::Arc;

use countersign_protocol::{Digest, HandoffId};
use countersign_web::templates::Templates;
use serde_json::Value;

use super::delivery::config;
use crate::{
    config::{Format, Kind},
    message::{Notice, Owed},
    outbox::{render::Renderer, samples},
};

/// A sample of each kind, and of each kind with the longest words there can be.
fn messages() -> Vec<(String, Owed)> {
    let now = "2026-11-20T13:00:00Z".parse().unwrap();
    let long = |notice: Notice| Notice {
        title: "*[<&_`".repeat(2_000),
        agent: "🦀".repeat(2_000),
        why: "why ".repeat(2_000),
        workspace: "w".repeat(300),
        line: Some("`x` ".repeat(2_000)),
        reasons: vec!["because ".repeat(500); 40],
        names: vec!["name/".repeat(100); 8],
        otherwise: Some("then ".repeat(100)),
        by: Some("B".repeat(500)),
        rule: Some("r".repeat(500)),
        ..notice
    };
    let mut all = samples::samples("x", None, now);
    for kind in Kind::ALL {
        let notice = long(samples::of(kind, "internal", now));
        let notices = match kind {
            Kind::Digest => {
                let head = Notice {
                    kind: kind.name().to_owned(),
                    at: now,
                    ..Notice::default()
                };
                let rows = (1..=200).map(|number| Notice {
                    handoff: Some(HandoffId(number)),
                    ..long(samples::of(Kind::Turn, "internal", now))
                });
                [head].into_iter().chain(rows).collect()
            }
            _ => vec![notice],
        };
        let owed = Owed::new("x", None, notices, Digest::of(b"cause"));
        all.push((format!("long {}", kind.name()), owed));
    }
    all
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{name}: {value} is no text"))
}

/// Not empty, and at most `most` characters as JavaScript counts them.
fn fits(value: &Value, most: usize, name: &str) -> usize {
    let length = text(value, name).encode_utf16().count();
    assert!(
        (1..=most).contains(&length),
        "{name}: {length} of {most}\n{value}"
    );
    length
}

fn list<'a>(value: &'a Value, most: usize, name: &str) -> &'a [Value] {
    let list = value
        .as_array()
        .unwrap_or_else(|| panic!("{name}: {value}"));
    assert!(list.len() <= most, "{name}: {} of {most}", list.len());
    list
}

/// docs.slack.dev/reference/block-kit/blocks
fn slack(message: &Value, name: &str) {
    fits(&message["text"], 40_000, name);
    for block in list(&message["blocks"], 50, name) {
        match text(&block["type"], name) {
            "section" => drop(fits(&block["text"]["text"], 3_000, name)),
            "context" => {
                for element in list(&block["elements"], 10, name) {
                    fits(&element["text"], 2_000, name);
                }
            }
            "actions" => {
                for element in list(&block["elements"], 25, name) {
                    fits(&element["text"]["text"], 75, name);
                    fits(&element["url"], 3_000, name);
                    fits(&element["action_id"], 255, name);
                }
            }
            other => panic!("{name}: a block of type {other}"),
        }
    }
}

/// discord.com/developers/docs/resources/message#embed-object-embed-limits
fn discord(message: &Value, name: &str) {
    fits(&message["username"], 80, name);
    assert_eq!(message["allowed_mentions"]["parse"], serde_json::json!([]));
    let embed = &list(&message["embeds"], 10, name)[0];
    let mut all = fits(&embed["title"], 256, name)
        + fits(&embed["description"], 4_096, name)
        + fits(&embed["footer"]["text"], 2_048, name);
    for field in list(&embed["fields"], 25, name) {
        all += fits(&field["name"], 256, name) + fits(&field["value"], 1_024, name);
    }
    assert!(all <= 6_000, "{name}: {all}");
}

/// Adaptive Cards 1.4, and 28 KB for a message of a workflow.
fn teams(message: &Value, name: &str) {
    assert!(
        message.to_string().len() <= 28 * 1024,
        "{name}: {}",
        message.to_string().len()
    );
    assert_eq!(message["type"], "message");
    let card = &message["attachments"][0];
    assert_eq!(
        card["contentType"],
        "application/vnd.microsoft.card.adaptive"
    );
    let content = &card["content"];
    assert_eq!(
        (&content["type"], &content["version"]),
        (&"AdaptiveCard".into(), &"1.4".into())
    );
    for element in list(&content["body"], 100, name) {
        match text(&element["type"], name) {
            "TextBlock" => drop(fits(&element["text"], 10_000, name)),
            "FactSet" => {
                for fact in list(&element["facts"], 20, name) {
                    fits(&fact["title"], 100, name);
                    fits(&fact["value"], 20_000, name);
                }
            }
            other => panic!("{name}: an element of type {other}"),
        }
    }
    for action in list(&content["actions"], 6, name) {
        assert_eq!(action["type"], "Action.OpenUrl");
        fits(&action["title"], 100, name);
        assert!(text(&action["url"], name).starts_with("https://"));
    }
}

/// docs.ntfy.sh/publish
fn ntfy(message: &Value, name: &str) {
    assert!(text(&message["message"], name).len() <= 4_096, "{name}");
    fits(&message["title"], 1_000, name);
    assert!(
        (1..=5).contains(&message["priority"].as_u64().unwrap()),
        "{name}"
    );
    for action in list(&message["actions"], 3, name) {
        assert_eq!(
            action["action"], "view",
            "{name}: nothing decides from a phone"
        );
    }
}

/// Holds what a service gets to what it says it takes.
type Check = fn(&Value, &str);

#[test]
fn what_chats_get_keeps_to_the_limits_of_their_services() {
    let rules = Arc::new(config("version = 1\n").notify);
    let home = "https://review.example.org";
    let render = Renderer::new(Templates::embedded(), rules, home);
    let checks: [(Format, Check); 4] = [
        (Format::Slack, slack),
        (Format::Teams, teams),
        (Format::Discord, discord),
        (Format::Ntfy, ntfy),
    ];
    for (name, owed) in messages() {
        for (format, check) in checks {
            let bytes = render.chat(format, &owed, Some("handoffs"));
            let message: Value = serde_json::from_slice(&bytes).unwrap();
            check(&message, &format!("{format:?} {name}"));
        }
    }
}

/// Who reads that it was decided must not read that an answer is due.
#[test]
fn what_is_over_asks_for_nothing_any_more() {
    let rules = Arc::new(config("version = 1\n").notify);
    let render = Renderer::new(Templates::embedded(), rules, "https://review.example.org");
    let now = "2026-11-20T13:00:00Z".parse().unwrap();
    for kind in [Kind::Decided, Kind::Withdrawn, Kind::Moved] {
        let notice = samples::of(kind, "internal", now);
        let owed = Owed::new("x", None, vec![notice], Digest::of(b"cause"));
        for format in [Format::Slack, Format::Teams, Format::Discord, Format::Ntfy] {
            let text = String::from_utf8(render.chat(format, &owed, Some("t"))).unwrap();
            assert!(text.contains("nothing left to do"), "{format:?} {text}");
            for never in ["due", "Answer by", "risk", "Risk", "came back"] {
                assert!(
                    !text.contains(never),
                    "{format:?} {}: {never}\n{text}",
                    kind.name()
                );
            }
        }
    }
}
