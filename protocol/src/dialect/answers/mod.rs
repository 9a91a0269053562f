//! Answers in the words of other tools: read into ours, and written back without loss.
//!
//! What a tool says beside the answer, such as its own ids, is kept as it was stated. Where a tool has no word
//! for an answer of ours, it gets the one that lets the agent do less.

mod agent_inbox;
mod gotohuman;
mod hrp;
mod langchain;

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::decision::{Outcome, RequestAnswer};

/// A tool whose answers are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tongue {
    /// `HumanResponse` of agent-inbox and of `LangGraph`’s prebuilt interrupt: a list of `{type, args}`.
    AgentInbox,
    /// The response to a `HITLRequest` of `LangChain`: `{decisions: […]}`.
    LangChain,
    /// The result of a review that gotoHuman sends.
    GotoHuman,
    /// The event with which a review ends in the Human Review Protocol of `RealSync Dynamics`.
    Hrp,
}

/// What is written: an answer to a whole handoff, and to its requests where they were answered one by one.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    /// To the whole.
    pub outcome: Outcome,
    /// Words about the whole.
    pub comment: Option<&'a str>,
    /// By whom.
    pub by: &'a str,
    /// When.
    pub at: Timestamp,
    /// One by one; empty when the answer to the whole is that to each.
    pub answers: &'a [RequestAnswer],
    /// Ids of the requests of the handoff, in their order.
    pub requests: &'a [String],
}

/// Why something is no answer in that tongue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pointer}` {why}")]
pub struct NoAnswer {
    /// The place (RFC 6901).
    pub pointer: String,
    /// The end of a sentence that begins with it.
    pub why: &'static str,
}

fn wrong(pointer: impl Into<String>, why: &'static str) -> NoAnswer {
    NoAnswer {
        pointer: pointer.into(),
        why,
    }
}

impl Tongue {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::AgentInbox,
        Self::LangChain,
        Self::GotoHuman,
        Self::Hrp,
    ];

    /// The name in commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::AgentInbox => "agent-inbox",
            Self::LangChain => "langchain",
            Self::GotoHuman => "gotohuman",
            Self::Hrp => "hrp",
        }
    }

    /// Reads answers, in their order.
    pub fn read(self, foreign: &Value) -> Result<Vec<RequestAnswer>, NoAnswer> {
        let answers = match self {
            Self::AgentInbox => agent_inbox::read(foreign),
            Self::LangChain => langchain::read(foreign),
            Self::GotoHuman => gotohuman::read(foreign).map(|answer| vec![answer]),
            Self::Hrp => hrp::read(foreign),
        }?;
        if answers.is_empty() {
            return Err(wrong("", "has no answer"));
        }
        Ok(answers)
    }

    /// Writes an answer.
    pub fn write(self, told: &Told<'_>) -> Value {
        let each = if told.answers.is_empty() {
            &expanded(told)[..]
        } else {
            told.answers
        };
        match self {
            Self::AgentInbox => agent_inbox::write(each),
            Self::LangChain => langchain::write(each),
            Self::GotoHuman => gotohuman::write(told, each),
            Self::Hrp => hrp::write(told, each),
        }
    }
}

/// The answer to the whole, for each request; one when there is none.
fn expanded(told: &Told<'_>) -> Vec<RequestAnswer> {
    let answer = |request: Option<String>| RequestAnswer {
        request,
        outcome: told.outcome,
        comment: told.comment.map(str::to_owned),
        edited: None,
        value: None,
        stated: Map::new(),
    };
    match told.requests {
        [] => vec![answer(None)],
        ids => ids.iter().cloned().map(Some).map(answer).collect(),
    }
}

/// What several answers are together, in the way that lets the agent do least.
pub fn together(answers: &[RequestAnswer]) -> Outcome {
    let mut kinds = answers.iter().map(|one| one.outcome);
    match answers {
        [only, rest @ ..] if rest.iter().all(|one| one.outcome == only.outcome) => {
            if only.outcome == Outcome::Edited {
                // What was edited is what the agent would do, and no file of the handoff.
                Outcome::Approved
            } else {
                only.outcome
            }
        }
        _ if answers.iter().all(|one| one.outcome.is_approval()) => Outcome::Approved,
        _ if kinds.any(|one| one == Outcome::Rejected) => Outcome::Rejected,
        _ => Outcome::Responded,
    }
}

/// What a person put in the place of an action: ours has `name` and `arguments`, and each tool words of its own.
fn edited(edited: &Value, name: &str, arguments: &str) -> Value {
    let Value::Object(action) = edited else {
        return edited.clone();
    };
    match (action.get("name"), action.get("arguments")) {
        (Some(called), Some(with)) => json!({ name: called, arguments: with }),
        _ => edited.clone(),
    }
}

/// The words of a member, which are taken out.
fn take_text(fields: &mut Map<String, Value>, name: &str) -> Option<String> {
    let is_text = fields.get(name).is_some_and(Value::is_string);
    match is_text.then(|| fields.remove(name))? {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

impl fmt::Display for Tongue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Tongue {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|known| known.name() == text);
        found.ok_or("must be `agent-inbox`, `langchain`, `gotohuman` or `hrp`")
    }
}

#[cfg(test)]
mod tests;
