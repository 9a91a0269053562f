//! The names of the files that cross the shared folder.

use crate::{
    dialect::Format,
    id::HandoffId,
    misnamed::{self, Misnamed, misnamed},
    partial::Chunk,
};

/// Folder at the root of a workspace that belongs to the daemon.
pub const OWN_FOLDER: &str = ".countersign";
/// Folder of released work.
pub const APPROVED: &str = "approved";
/// Folder where agents drop finished packages, one folder per agent inside.
pub const INBOX: &str = "inbox";
/// Folder, at any depth, in which agents build what they drop. Nobody looks into it.
pub const STAGING: &str = ".staging";
/// Folder in which each participant has one of its own, where work for it appears.
pub const AGENTS: &str = "agents";
/// Folder of a package that holds the sealed bytes.
pub const SEALED: &str = "sealed";
/// What a receiver needs to know of a package.
pub const TRANSFER: &str = "transfer.json";
/// Folder of lock requests and their answers.
pub const LOCKS: &str = "locks";
/// The settings of a workspace.
pub const WORKSPACE_FILE: &str = "workspace.toml";
/// The checkpoint of the agent that works in the folder.
pub const CHECKPOINT: &str = "checkpoint.json";
/// Gives the present moment of the workspace a name.
pub const MARK: &str = "mark.json";

/// The list of events in our folder.
pub const EVENTS: &str = "events.jsonl";
/// Longest name of a document, in bytes. The names of its answers still fit in 255.
pub const MAX_NAME: usize = 200;

/// What the name of an answer ends with.
const ANSWER: &str = ".answer.json";

const HANDOFFS: [(&str, Format); 3] = [
    ("handoff.json", Format::Json),
    ("handoff.yaml", Format::Yaml),
    ("handoff.yml", Format::Yaml),
];

/// What a file is by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// A handoff, written as the format says.
    Handoff(Format),
    /// A checkpoint.
    Checkpoint,
    /// A mark, if it says that it is one.
    Mark,
    /// The answer of a receiver to a hop of a card, if it lies in the folder of that agent.
    Answer(HandoffId, u32),
    /// A chunk of a growing result.
    Chunk(Chunk),
    /// No document: its name is nearly that of a handoff.
    Misnamed(Misnamed),
}

/// The files that answer one handoff. They stand in the folder of the handoff, or in its mirror under
/// `.countersign/inbox/` for a dropped package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerNames {
    /// It was recorded.
    pub receipt: String,
    /// It was refused.
    pub errors: String,
    /// It was decided.
    pub decision: String,
    /// The decision for a reader.
    pub feedback: String,
    /// What a person changed before approving.
    pub patch: String,
    /// How the agent stands to it whom it was handed to.
    pub ack: String,
    /// What came back from that agent.
    pub result: String,
}

/// What the file `name`, a single path part, is. Hidden and temporary names are no documents.
pub fn is_document(name: &str) -> Option<DocumentKind> {
    if name == CHECKPOINT {
        return Some(DocumentKind::Checkpoint);
    }
    if name == MARK {
        return Some(DocumentKind::Mark);
    }
    if let Some((id, hop)) = answer_of(name) {
        return Some(DocumentKind::Answer(id, hop));
    }
    match stem(name) {
        Some((_, format)) => Some(DocumentKind::Handoff(format)),
        None => misnamed(name).map(|(mistake, _)| DocumentKind::Misnamed(mistake)),
    }
}

/// What the file `name` in `folder`, relative to a workspace with `/` between parts, is.
pub fn document_in(folder: &str, name: &str) -> Option<DocumentKind> {
    match Chunk::at(folder, name) {
        Some(chunk) => Some(DocumentKind::Chunk(chunk)),
        None => is_document(name),
    }
}

/// The name of the package for a hop of a card, such as `H-7.2`.
pub fn package_of(id: HandoffId, hop: u32) -> String {
    format!("{id}.{hop}")
}

/// The card and the hop that a package is for, by its name.
pub fn parse_package(name: &str) -> Option<(HandoffId, u32)> {
    let (id, hop) = name.rsplit_once('.')?;
    let hop: u32 = hop.parse().ok().filter(|hop| *hop > 0)?;
    let id: HandoffId = id.parse().ok()?;
    (package_of(id, hop) == name).then_some((id, hop))
}

/// The file in which a receiver answers a package, beside it.
pub fn answer_file(id: HandoffId, hop: u32) -> String {
    format!("{}{ANSWER}", package_of(id, hop))
}

/// The file that tells a receiver that it is waited for, beside the package.
pub fn reminder_file(id: HandoffId, hop: u32) -> String {
    format!("{}.reminder.json", package_of(id, hop))
}

/// The path in the workspace of what lies at `path` below `folder`; the folder of the workspace itself is empty.
pub fn joined(folder: &str, path: &str) -> String {
    if folder.is_empty() {
        path.to_owned()
    } else {
        format!("{folder}/{path}")
    }
}

fn answer_of(name: &str) -> Option<(HandoffId, u32)> {
    parse_package(name.strip_suffix(ANSWER)?)
}

/// The agent in whose folder `folder`, relative to the workspace, is: `agents/<agent>` or below.
pub fn agent_of(folder: &str) -> Option<&str> {
    let rest = folder.strip_prefix(AGENTS)?.strip_prefix('/')?;
    let agent = rest.split('/').next()?;
    (!agent.is_empty()).then_some(agent)
}

/// Whether `folder`, relative to the workspace, is a package in the folder of an agent, or lies in one.
pub fn is_in_package(folder: &str) -> bool {
    let mut parts = folder.split('/');
    parts.next() == Some(AGENTS)
        && parts.next().is_some()
        && parts
            .next()
            .is_some_and(|name| parse_package(name).is_some())
}

/// The names of the answers for the document `name`. For a name that is no handoff they are those of
/// `handoff.json`.
pub fn answers_for(name: &str) -> AnswerNames {
    if answer_of(name).is_some() {
        // What a receiver says is answered under its own name; the other names are never used.
        let stem = name.trim_end_matches(".json");
        return AnswerNames {
            receipt: format!("{stem}.receipt.json"),
            errors: format!("{stem}.errors.json"),
            ..names_with(&format!("{stem}."))
        };
    }
    if Chunk::named(name).is_some() {
        return AnswerNames {
            errors: format!("{name}.chunk.errors.json"),
            ..names_with(&format!("{name}.chunk."))
        };
    }
    let known = stem(name);
    if known.is_none() && misnamed(name).is_some() {
        return AnswerNames {
            errors: misnamed::errors_name(name),
            ..names_with("")
        };
    }
    let prefix = match known {
        Some((stem, _)) if !stem.is_empty() => format!("{stem}."),
        _ => String::new(),
    };
    names_with(&prefix)
}

fn names_with(prefix: &str) -> AnswerNames {
    AnswerNames {
        receipt: format!("{prefix}handoff.receipt.json"),
        errors: format!("{prefix}handoff.errors.json"),
        decision: format!("{prefix}decision.json"),
        feedback: format!("{prefix}feedback.md"),
        patch: format!("{prefix}decision.patch"),
        ack: format!("{prefix}handoff.ack.json"),
        result: format!("{prefix}handoff.result.json"),
    }
}

/// Whether `name` looks like a file that the daemon writes. Good enough to skip an event. What is
/// sealed must be compared with [`answers_for`], or an agent could hide a file behind such a name.
pub fn is_own_file(name: &str) -> bool {
    [
        "handoff.receipt.json",
        "handoff.errors.json",
        "decision.json",
        "feedback.md",
        "decision.patch",
        "handoff.ack.json",
        "handoff.result.json",
        "answer.receipt.json",
        "answer.errors.json",
        "chunk.errors.json",
        "reminder.json",
    ]
    .iter()
    .any(|own| {
        name.strip_suffix(own)
            .is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('.'))
    }) || name == OWN_FOLDER
        || is_about_misnamed(name)
}

/// Whether `name` is that of the errors file for a misnamed document.
fn is_about_misnamed(name: &str) -> bool {
    name.strip_suffix(".errors.json").is_some_and(|stem| {
        let mut endings = ["json", "yaml", "yml", "txt"].iter();
        endings.any(|ending| misnamed(&format!("{stem}.{ending}")).is_some())
    })
}

/// What stands before `.handoff.json`, empty for `handoff.json` itself.
fn stem(name: &str) -> Option<(&str, Format)> {
    let plain = !name.starts_with(['.', '~', '#'])
        && name.len() <= MAX_NAME
        && !name.chars().any(|c| c.is_control() || c == '/');
    let (rest, format) = HANDOFFS
        .iter()
        .find_map(|(end, format)| Some((name.strip_suffix(end)?, *format)))
        .filter(|_| plain)?;
    match rest.strip_suffix('.') {
        Some(stem) if !stem.is_empty() => Some((stem, format)),
        None if rest.is_empty() => Some(("", format)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_known_by_their_names() {
        let json = Some(DocumentKind::Handoff(Format::Json));
        let yaml = Some(DocumentKind::Handoff(Format::Yaml));
        for (name, kind) in [
            ("handoff.json", json),
            ("handoff.yaml", yaml),
            ("handoff.yml", yaml),
            ("q3.handoff.json", json),
            ("März 3.handoff.yaml", yaml),
            ("checkpoint.json", Some(DocumentKind::Checkpoint)),
            ("mark.json", Some(DocumentKind::Mark)),
            ("q3.mark.json", None),
            (
                "H-7.2.answer.json",
                Some(DocumentKind::Answer(HandoffId(7), 2)),
            ),
            ("7.2.answer.json", None),
            ("H-7.answer.json", None),
            ("H-7.0.answer.json", None),
            ("answer.json", None),
        ] {
            assert_eq!(is_document(name), kind, "{name}");
        }
    }

    #[test]
    fn answers_and_temporary_names_are_never_documents() {
        for name in ["handoff.json", "q3.handoff.json", "a.b.handoff.yaml"] {
            let answers = answers_for(name);
            for own in [
                answers.receipt,
                answers.errors,
                answers.decision,
                answers.feedback,
                answers.ack,
                answers.result,
            ] {
                assert_eq!(is_document(&own), None, "{own}");
                assert!(is_own_file(&own), "{own}");
                assert!(own.len() <= 255);
            }
            assert!(!is_own_file(name));
        }
        for name in [
            "",
            ".handoff.json",
            ".x.handoff.json",
            "~x.handoff.json",
            "#handoff.json#",
            "handoff.json~",
            "handoff.json.tmp",
            "handoff.json.part",
            ".handoff.json.swp",
            "myhandoff.json",
            "a/handoff.json",
            "a\n.handoff.json",
            "q3.checkpoint.json",
        ] {
            assert_eq!(is_document(name), None, "{name:?}");
        }
        let long = format!("{}.handoff.json", "n".repeat(200));
        for (name, mistake) in [
            (long.as_str(), Misnamed::Long),
            ("HANDOFF.JSON", Misnamed::Case),
        ] {
            assert_eq!(is_document(name), Some(DocumentKind::Misnamed(mistake)));
        }
    }

    #[test]
    fn answers_carry_the_name_of_their_document() {
        assert_eq!(answers_for("handoff.yaml").receipt, "handoff.receipt.json");
        let named = answers_for("q3.handoff.json");
        assert_eq!(named.receipt, "q3.handoff.receipt.json");
        assert_eq!(named.errors, "q3.handoff.errors.json");
        assert_eq!(named.decision, "q3.decision.json");
        assert_eq!(named.feedback, "q3.feedback.md");
    }
}
