//! Warns about receivers that a handoff names and that nobody is here.

use countersign_protocol::{
    fallback::{Action, Fallback},
    handoff::Handoff,
    problem::Violation,
};

use super::hop::is_agent;
use crate::workspace::Settings;

/// Fields that are held against an agent that gets the work, and against nothing else.
const FOR_AGENTS: [&str; 3] = [
    "/capabilities_required",
    "/return_contract",
    "/expected_output/schema",
];

/// Returns a warning for a `to_agent` that does not count in this workspace, and for a `fallback` that means nobody.
/// A participant that may not be handed to is refused elsewhere.
pub(super) fn unknown(handoff: &Handoff, settings: &Settings) -> Vec<Violation> {
    let to_agent = handoff.to_agent.as_ref().and_then(|party| {
        let id = &party.id;
        if !is_agent(&handoff.document) {
            return Some(warning(
                "receiver",
                "/to_agent",
                format!("`{id}` is not asked because of it: who is asked follows from the rules of the operator"),
                "Hand to an agent, or leave `to_agent` out.",
            ));
        }
        settings.mesh.is_empty().then(|| {
            warning(
                "receiver",
                "/to_agent",
                format!("`{id}` gets nothing: no agents hand to each other in this workspace, so a person is asked"),
                "Let the operator list it as a `[[participant]]`, or leave `to_agent` out.",
            )
        })
    });
    let fallback = Fallback::of(&handoff.document);
    let fallback = fallback.and_then(|fallback| fallback_to_nobody(&fallback, settings));
    let without_agents = FOR_AGENTS
        .iter()
        .filter(|pointer| settings.mesh.is_empty() && handoff.document.pointer(pointer).is_some())
        .map(|pointer| {
            let message =
                "has no effect: no agents hand to each other in this workspace".to_owned();
            warning("no_effect", pointer, message, "Do not rely on it.")
        });
    to_agent
        .into_iter()
        .chain(fallback)
        .chain(without_agents)
        .collect()
}

fn fallback_to_nobody(fallback: &Fallback, settings: &Settings) -> Option<Violation> {
    if settings.fallback_names.is_empty() {
        return None;
    }
    let to = fallback.receiver()?;
    // Only a task that goes from agent to agent goes on to another one.
    let is_agent = fallback.action == Action::Reroute && settings.mesh.find(to).is_some();
    let is_known = is_agent || settings.knows_receiver(to);
    (!is_known).then(|| {
        warning(
            "fallback",
            "/fallback",
            format!("`{to}` names nobody here, so the operator is asked in their place"),
            "Name a person, group, queue or calendar of the operator, such as `oncall`.",
        )
    })
}

fn warning(code: &str, pointer: &str, message: String, fix: &str) -> Violation {
    Violation {
        code: code.to_owned(),
        pointer: pointer.to_owned(),
        line: 0,
        column: 0,
        message,
        fix: Some(fix.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use countersign_protocol::transfer::{Mesh, Participant};
    use serde_json::{Value, json};

    use crate::{testing::Rig, workspace::Settings};

    /// The codes and places of the warnings in the receipt of `more`.
    fn warned(settings: Settings, more: &Value) -> Vec<(String, String)> {
        let rig = Rig::with(settings);
        let mut document = json!({"handoff_version": "1.0", "from_agent": "a", "task": "t"});
        for (name, value) in more.as_object().unwrap() {
            document[name] = value.clone();
        }
        rig.deliver("handoff.json", document.to_string());
        let receipt = rig.json("handoff.receipt.json");
        let card = rig.card().newest().accepted.warnings.len();
        let warnings = receipt["warnings"].as_array().cloned().unwrap_or_default();
        assert_eq!(warnings.len(), card, "the card has the same");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let each = warnings.iter();
        each.map(|one| (text(&one["code"]), text(&one["pointer"])))
            .collect()
    }

    fn plain() -> Settings {
        Settings::default()
    }

    fn with_people() -> Settings {
        let names = BTreeSet::from(["maya".to_owned(), "oncall".to_owned()]);
        Settings {
            fallback_names: Arc::new(names),
            ..Settings::default()
        }
    }

    fn with_agents() -> Settings {
        let one = |id: &str, hands_to: &[&str]| Participant {
            id: id.to_owned(),
            hands_to: hands_to.iter().map(|to| (*to).to_owned()).collect(),
            ..Participant::default()
        };
        Settings {
            mesh: Arc::new(Mesh {
                participants: vec![one("a", &["b"]), one("b", &[])],
                max_hops: 8,
                ..Mesh::default()
            }),
            ..with_people()
        }
    }

    #[test]
    fn names_receivers_that_nobody_is() {
        let told = |code: &str, pointer: &str| vec![(code.to_owned(), pointer.to_owned())];
        let fallback = |to: &str| json!({"fallback": {"action": "escalate", "to": to}});
        let reroute = |to: &str| json!({"fallback": {"action": "reroute", "to": to}});
        let to_person = json!({"to_agent": {"id": "maya", "kind": "human"}});
        let cases = [
            (
                plain(),
                json!({"to_agent": "b"}),
                told("receiver", "/to_agent"),
            ),
            (with_agents(), json!({"to_agent": "b"}), Vec::new()),
            (with_agents(), to_person, told("receiver", "/to_agent")),
            (plain(), fallback("nobody"), Vec::new()),
            (
                with_people(),
                fallback("nobody"),
                told("fallback", "/fallback"),
            ),
            (with_people(), fallback("maya"), Vec::new()),
            (with_people(), fallback("oncall"), Vec::new()),
            (with_agents(), fallback("b"), told("fallback", "/fallback")),
            (with_agents(), reroute("b"), Vec::new()),
            (
                with_people(),
                json!({"fallback": "human_queue_if_not_progressed_within_5m"}),
                told("fallback", "/fallback"),
            ),
            (
                plain(),
                json!({"capabilities_required": ["x"]}),
                told("no_effect", "/capabilities_required"),
            ),
            (
                with_agents(),
                json!({"capabilities_required": ["x"]}),
                Vec::new(),
            ),
            (
                plain(),
                json!({"return_contract": {"allowed": true}}),
                told("no_effect", "/return_contract"),
            ),
        ];
        for (settings, more, expected) in cases {
            assert_eq!(warned(settings, &more), expected, "{more}");
        }
    }
}
