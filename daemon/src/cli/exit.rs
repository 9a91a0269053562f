//! How a command ends: an exit code that scripts can branch on, and for people a message with a
//! way on.

use serde_json::{Value, json};

use super::output::Drawing;
use crate::config::ConfigErrors;

/// The exit codes of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Contract = 3,
    NotAllowed = 4,
    NotFound = 5,
    Conflict = 6,
    Unreachable = 7,
    Pending = 8,
    ChangesRequested = 10,
    Rejected = 11,
    Over = 12,
}

/// The table that `countersign help exit-codes` prints.
pub(crate) const TABLE: [(Exit, &str); 12] = [
    (Exit::Done, "done; `wait`: approved or answered"),
    (Exit::Failed, "failed"),
    (Exit::Usage, "wrong usage"),
    (
        Exit::Contract,
        "does not match the contract; `verify`, `gate`: not what was approved",
    ),
    (Exit::NotAllowed, "sign-in or permission needed"),
    (Exit::NotFound, "not found"),
    (
        Exit::Conflict,
        "conflict: newer revision, already decided, or locked; `lock renew`, `lock run`: the lock was lost",
    ),
    (Exit::Unreachable, "daemon not reachable"),
    (Exit::Pending, "still pending; `lock`: waited in vain"),
    (Exit::ChangesRequested, "`wait`: changes requested"),
    (Exit::Rejected, "`wait`: rejected"),
    (
        Exit::Over,
        "`wait`: set aside, expired, withdrawn or superseded",
    ),
];

impl Exit {
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    /// The exit with that code, for the codes that a decision has.
    pub(crate) fn of_code(code: u8) -> Self {
        TABLE
            .iter()
            .map(|(exit, _)| *exit)
            .find(|exit| exit.code() == code)
            .unwrap_or(Self::Failed)
    }

    /// The exit for an HTTP status.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::NotAllowed,
            404 | 410 => Self::NotFound,
            409 | 412 => Self::Conflict,
            413 | 422 => Self::Contract,
            _ => Self::Failed,
        }
    }
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// One sentence without a full stop.
    pub(crate) message: String,
    /// The way out.
    pub(crate) hint: Option<String>,
    /// Places in files.
    pub(crate) drawings: Vec<Drawing>,
    /// What `--json` prints to stdout instead of the general error object.
    pub(crate) document: Option<Box<Value>>,
    /// The problem document of the daemon (RFC 9457).
    pub(crate) problem: Option<Box<Value>>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
            drawings: Vec::new(),
            document: None,
            problem: None,
        }
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn json(&self) -> Value {
        self.document.as_deref().cloned().unwrap_or_else(|| {
            json!({
                "schema": "countersign.cli.error/1",
                "exit": self.exit.code(),
                "message": self.message,
                "hint": self.hint,
                "problem": self.problem,
            })
        })
    }
}

impl From<crate::fs::Error> for Failure {
    fn from(error: crate::fs::Error) -> Self {
        let exit = if error.is_not_found() {
            Exit::NotFound
        } else {
            Exit::Failed
        };
        Self::new(exit, error.to_string())
    }
}

impl From<ConfigErrors> for Failure {
    /// One drawing for each error; an error without a place goes into the message.
    fn from(errors: ConfigErrors) -> Self {
        let mut failure = match &errors.0[..] {
            [only] if only.place.is_none() => {
                let mut failure = Self::new(Exit::Failed, only.message.clone());
                failure.hint.clone_from(&only.hint);
                return failure;
            }
            _ => Self::new(Exit::Failed, "the configuration is not good"),
        };
        failure.drawings = errors.0.iter().map(Drawing::of_config).collect();
        failure
    }
}

#[cfg(test)]
mod tests;
