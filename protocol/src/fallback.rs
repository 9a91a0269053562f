//! What a handoff asks for when nobody goes on with it: the fallback of the contract.
//!
//! The text has the form `ACTION[_to_WHOM]_if_not_progressed_within_SPAN`, such as
//! `escalate_to_oncall_if_not_progressed_within_300s`. What cannot be read is kept and shown as it
//! is, and the rules of the operator hold alone.

use jiff::SignedDuration;
use serde_json::Value;

/// What then happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Others are asked as well.
    Escalate,
    /// Others are asked instead.
    Reroute,
    /// It goes to a queue of people.
    HumanQueue,
    /// It goes to the dead letters.
    DeadLetter,
    /// It is closed as expired.
    Expire,
}

/// A fallback that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// What happens.
    pub action: Action,
    /// To whom, as it is written.
    pub to: Option<String>,
    /// After so long without an answer.
    pub after: SignedDuration,
}

const ACTIONS: [(&str, Action); 5] = [
    ("escalate", Action::Escalate),
    ("reroute", Action::Reroute),
    ("human_queue", Action::HumanQueue),
    ("dead_letter", Action::DeadLetter),
    ("expire", Action::Expire),
];

/// An object that states no span means this one.
const USUAL: SignedDuration = SignedDuration::from_hours(1);
/// A fallback later than a year is none.
const LATEST: i64 = 366 * 86_400;

impl Fallback {
    /// The fallback of a document; `None` when it states none that can be read.
    pub fn of(document: &Value) -> Option<Self> {
        match document.get("fallback")? {
            Value::String(text) => Self::parse(text),
            Value::Object(fields) => {
                let action = fields.get("action")?.as_str()?;
                let after = match fields.get("after_seconds").and_then(Value::as_i64) {
                    Some(seconds) => span(seconds)?,
                    None => USUAL,
                };
                Some(Self {
                    action: ACTIONS.iter().find(|(name, _)| *name == action)?.1,
                    to: fields.get("to").and_then(Value::as_str).map(str::to_owned),
                    after,
                })
            }
            _ => None,
        }
    }

    /// Returns the name of those it goes to: the stated one, else what its action goes to by itself; `None` where it
    /// goes to nobody.
    pub fn receiver(&self) -> Option<&str> {
        self.to.as_deref().or(match self.action {
            Action::HumanQueue => Some("queue"),
            Action::Escalate => Some("oncall"),
            Action::Reroute | Action::DeadLetter | Action::Expire => None,
        })
    }

    /// Parses the text form; `None` when it cannot be read.
    pub fn parse(text: &str) -> Option<Self> {
        let (what, within) = text.trim().split_once("_if_not_progressed_within_")?;
        let (name, action) = ACTIONS.iter().find(|(name, _)| {
            what.strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("_to_"))
        })?;
        let to = what.strip_prefix(name)?.strip_prefix("_to_");
        let digits = within.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = within.split_at(digits);
        let factor = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return None,
        };
        Some(Self {
            action: *action,
            to: to.filter(|to| !to.is_empty()).map(str::to_owned),
            after: span(number.parse::<i64>().ok()?.checked_mul(factor)?)?,
        })
    }
}

fn span(seconds: i64) -> Option<SignedDuration> {
    (1..=LATEST)
        .contains(&seconds)
        .then(|| SignedDuration::from_secs(seconds))
}
