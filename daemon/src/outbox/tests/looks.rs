//! What messages say, and what they never say.

use std::sync::Arc;

use countersign_protocol::{Digest, HandoffId, decision::Outcome, handoff::Trigger};
use countersign_web::templates::Templates;
use serde_json::Value;

use super::delivery::config;
use crate::{
    config::{Disclosure, Format, Kind, Notify},
    message::{Notice, Owed, Risk},
    outbox::{
        disclose::{self, Field, Medium, TABLE},
        preview,
        render::{Extras, Renderer},
        samples,
    },
};

const CLASSES: [&str; 5] = [
    "public",
    "internal",
    "confidential",
    "restricted",
    "unheard-of",
];

fn rules() -> Arc<Notify> {
    Arc::new(config("version = 1\n").notify)
}

fn renderer() -> Renderer {
    Renderer::new(Templates::embedded(), rules(), "https://review.example.org")
}

/// A notice in which every fact is a word that is nowhere else.
fn marked(kind: Kind, class: &str) -> Notice {
    Notice {
        kind: kind.name().to_owned(),
        seq: 5,
        at: "2026-11-20T13:00:00Z".parse().unwrap(),
        handoff: Some(HandoffId(77)),
        revision: 3,
        digest: Some(Digest::of(b"x")),
        class: class.to_owned(),
        workspace: "WORKSPACE".to_owned(),
        agent: "AGENT".to_owned(),
        title: "TITLE".to_owned(),
        why: "WHY".to_owned(),
        trigger: Some(Trigger::Sensitive),
        risk: Some(Risk::High),
        reasons: vec!["REASONS".to_owned()],
        confidence: Some(0.123),
        files: 4177,
        changed: Some(17),
        names: vec!["NAMES".to_owned()],
        due: "2026-11-20T17:31:00Z".parse().ok(),
        otherwise: Some("OTHERWISE".to_owned()),
        outcome: (kind == Kind::Decided).then_some(Outcome::Approved),
        by: Some("BY".to_owned()),
        assignees: vec!["ASSIGNEES".to_owned()],
        to: Some("OFFEREE".to_owned()),
        offer: kind.name().starts_with("ownership").then_some(4),
        was: Some("WAS".to_owned()),
        rule: Some("RULE".to_owned()),
        step: Some((9, Some(12))),
        sampled: false,
        held: false,
        line: Some("LINE".to_owned()),
        trace: None,
        event: None,
        work: None,
    }
}

/// The words by which a fact is recognised.
const MARKS: [(Field, &str); 15] = [
    (Field::Workspace, "WORKSPACE"),
    (Field::Agent, "AGENT"),
    (Field::Title, "TITLE"),
    (Field::Why, "WHY"),
    (Field::Reasons, "REASONS"),
    (Field::Confidence, "0.123"),
    (Field::Counts, "4177"),
    (Field::Names, "NAMES"),
    (Field::Due, "17:31"),
    (Field::Otherwise, "OTHERWISE"),
    (Field::By, "BY"),
    (Field::By, "OFFEREE"),
    (Field::Assignees, "ASSIGNEES"),
    (Field::Rule, "RULE"),
    (Field::Line, "LINE"),
];

fn everything(owed: &Owed, medium: Medium) -> String {
    let render = renderer();
    match medium {
        Medium::Mail => {
            let letter = render.letter(owed, Extras::default()).unwrap();
            format!(
                "{}\n{}\n{}",
                letter.subject,
                letter.text,
                letter.html.unwrap()
            )
        }
        Medium::Chat => [Format::Slack, Format::Teams, Format::Discord, Format::Ntfy]
            .map(|format| String::from_utf8(render.chat(format, owed, Some("topic"))).unwrap())
            .join("\n"),
        Medium::Webhook => String::from_utf8(render.event(owed).unwrap()).unwrap(),
    }
}

/// The table of ux.md 3.2: what a message may tell, class by channel. Every kind of message of every class
/// is written for every channel, and holds no fact that its row leaves out.
#[test]
fn no_message_tells_more_than_its_class_and_channel_allow() {
    for class in CLASSES {
        let level = rules().disclosure(class);
        for medium in [Medium::Mail, Medium::Chat, Medium::Webhook] {
            let allowed = disclose::allowed(level, medium);
            for kind in Kind::ALL {
                let notices = match kind {
                    Kind::Digest => {
                        let head = Notice {
                            kind: kind.name().to_owned(),
                            ..Notice::default()
                        };
                        let others = [Kind::Decided, Kind::DeadLetter, Kind::Withdrawn];
                        let others = others.map(|kind| marked(kind, class));
                        [head, marked(Kind::Turn, class)]
                            .into_iter()
                            .chain(others)
                            .collect()
                    }
                    _ => vec![marked(kind, class)],
                };
                let owed = Owed::new("x", None, notices, Digest::of(b"cause"));
                let text = everything(&owed, medium);
                for (field, mark) in MARKS {
                    let told = text.contains(mark);
                    assert!(
                        !told || allowed.contains(&field),
                        "{class} {medium:?} {}: tells {field:?}\n{text}",
                        kind.name()
                    );
                }
                if level == Disclosure::LinkOnly {
                    assert!(!text.to_lowercase().contains("high"), "{text}");
                }
            }
        }
    }
}

/// What may be told is told: an empty message would pass the test above.
#[test]
fn a_message_tells_what_helps() {
    let turn = |class| {
        Owed::new(
            "x",
            None,
            vec![marked(Kind::Turn, class)],
            Digest::of(b"cause"),
        )
    };
    let mail = everything(&turn("internal"), Medium::Mail);
    for mark in [
        "TITLE",
        "WHY",
        "REASONS",
        "4177",
        "NAMES",
        "17:31",
        "OTHERWISE",
        "RULE",
        "AGENT",
        "High",
    ] {
        assert!(mail.contains(mark), "{mark}\n{mail}");
    }
    let mail = everything(&turn("confidential"), Medium::Mail);
    for mark in [
        "H-77 needs a decision",
        "A sensitive topic",
        "AGENT",
        "4177",
        "17:31",
        "High",
        "Sign in to review",
    ] {
        assert!(mail.contains(mark), "{mark}\n{mail}");
    }
    let mail = everything(&turn("restricted"), Medium::Mail);
    assert!(
        mail.contains("A handoff needs you") && mail.contains("/h/H-77"),
        "{mail}"
    );
    let hook: Value =
        serde_json::from_str(&everything(&turn("restricted"), Medium::Webhook)).unwrap();
    assert_eq!(hook["data"]["handoff"]["id"], "H-77");
    let redacted = hook["data"]["redacted"].as_array().unwrap();
    for name in [
        "workspace",
        "agent",
        "trigger",
        "title",
        "risk",
        "confidence",
        "digest",
    ] {
        assert!(
            redacted.contains(&Value::from(name)),
            "{name} in {redacted:?}"
        );
    }
    assert_eq!(TABLE.len(), 9);
}

#[test]
fn the_subject_says_first_what_to_do() {
    let subject = |notice: Notice| {
        let owed = Owed::new("x", None, vec![notice], Digest::of(b"cause"));
        renderer().letter(&owed, Extras::default()).unwrap().subject
    };
    let now = "2026-11-20T13:00:00Z".parse().unwrap();
    let of = |kind, class| samples::of(kind, class, now);
    let title = "Stop double retries in the payments client";
    for (notice, expected) in [
        (of(Kind::Turn, "internal"), format!("Your turn: {title}")),
        (
            Notice {
                risk: Some(Risk::High),
                ..of(Kind::Turn, "internal")
            },
            format!("Your turn, high risk: {title}"),
        ),
        (of(Kind::Due, "internal"), format!("Due in 4 h: {title}")),
        (
            of(Kind::Escalated, "internal"),
            format!("Now yours: {title} (was: data-reviewers)"),
        ),
        (of(Kind::Answered, "internal"), format!("Answered: {title}")),
        (
            of(Kind::Decided, "internal"),
            format!("Approved by Maya Okafor: {title}"),
        ),
        (
            of(Kind::Stopped, "internal"),
            "Stopped: patch-runner at checkpoint 3 of 8".to_owned(),
        ),
        (
            of(Kind::Turn, "confidential"),
            "Handoff H-1042 needs you (ledger-migrator)".to_owned(),
        ),
        (
            of(Kind::Decided, "confidential"),
            "Handoff H-1042 was approved (ledger-migrator)".to_owned(),
        ),
        (
            of(Kind::Turn, "restricted"),
            "A handoff needs you".to_owned(),
        ),
    ] {
        assert_eq!(subject(notice), expected);
    }
}

#[test]
fn every_message_renders_with_samples_and_chats_get_json() {
    let files = preview(
        &Templates::embedded(),
        &rules(),
        "https://review.example.org",
        jiff::Timestamp::UNIX_EPOCH,
    );
    assert!(files.len() > 80, "{}", files.len());
    for (name, bytes) in files {
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.trim().is_empty(), "{name}");
        assert!(
            !text.contains(">none<") && !text.contains(": none") && !text.contains("undefined"),
            "{name}: {text}"
        );
        if !name.starts_with("mail-") {
            let json: Value = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
            assert!(json.is_object(), "{name}");
            assert!(!name.starts_with("ntfy") || text.len() <= 4_096, "{name}");
        }
    }
}

#[test]
fn what_an_agent_writes_is_only_text() {
    let hostile = "a\r\nBcc: evil@example.org\u{202E}\u{200B}<!channel> *b* [x](http://evil) {{ 7 * 7 }} \"}],\"text\":\"pwned";
    let notice = Notice {
        title: hostile.to_owned(),
        agent: hostile.to_owned(),
        why: hostile.to_owned(),
        names: vec![hostile.to_owned()],
        ..marked(Kind::Turn, "internal")
    };
    let owed = Owed::new("x", None, vec![notice], Digest::of(b"cause"));
    let letter = renderer().letter(&owed, Extras::default()).unwrap();
    assert!(
        !letter
            .subject
            .contains(['\r', '\n', '\u{202E}', '\u{200B}']),
        "{:?}",
        letter.subject
    );
    assert!(!letter.text.contains(['\r', '\u{202E}', '\u{200B}']));
    let html = letter.html.unwrap();
    assert!(
        !html.contains("<!channel>") && html.contains("{{ 7 * 7 }}"),
        "{html}"
    );
    for format in [Format::Slack, Format::Teams, Format::Discord, Format::Ntfy] {
        let text = String::from_utf8(renderer().chat(format, &owed, Some("t"))).unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_ne!(json["text"], "pwned", "{format:?}");
        match format {
            Format::Slack => assert!(!text.contains("<!channel>"), "{text}"),
            Format::Teams => assert!(!text.contains("[x](http"), "{text}"),
            // The footer of an embed is plain text; everything else is Markdown.
            Format::Discord => {
                let embed = json["embeds"][0].clone();
                for name in ["title", "description", "fields"] {
                    assert!(!embed[name].to_string().contains("[x](http"), "{embed}");
                }
            }
            Format::Ntfy | Format::Generic => {}
        }
    }
}

#[test]
fn a_template_of_the_operator_replaces_ours_and_a_broken_one_keeps_nothing_back() {
    let folder = tempfile::tempdir().unwrap();
    let messages = folder.path().join("messages");
    #[expect(clippy::disallowed_methods, reason = "the test plays the operator")]
    {
        std::fs::create_dir(&messages).unwrap();
        std::fs::write(messages.join("subject.txt"), "Ours: {{ title }}").unwrap();
        std::fs::write(messages.join("slack.json"), "{\"text\": {{ nothing }} }").unwrap();
        std::fs::write(messages.join("teams.json"), "not json").unwrap();
    }
    let templates = Templates::load(Some(folder.path().to_owned())).unwrap();
    let render = Renderer::new(templates, rules(), "https://review.example.org");
    let owed = Owed::new(
        "x",
        None,
        vec![marked(Kind::Turn, "internal")],
        Digest::of(b"cause"),
    );
    assert_eq!(
        render.letter(&owed, Extras::default()).unwrap().subject,
        "Ours: TITLE"
    );
    for format in [Format::Slack, Format::Teams] {
        let json: Value = serde_json::from_slice(&render.chat(format, &owed, None)).unwrap();
        assert!(
            json.to_string()
                .contains("https://review.example.org/h/H-77"),
            "{json}"
        );
    }
}
