//! Why a document was refused: a problem type (RFC 9457) with a list of violations.

use serde::{Deserialize, Serialize};

/// The kind of refusal. Its name is the last part of the problem type URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// Not JSON, empty, cut short, not UTF-8, or ending in NUL bytes.
    MalformedJson,
    /// Not the YAML that the contract allows.
    MalformedYaml,
    /// A key stands twice in one object.
    DuplicateKey,
    /// The document, a file or a package is over its limit.
    TooLarge,
    /// Nested deeper than the contract allows.
    TooDeep,
    /// Not a shape that is known here.
    UnknownDialect,
    /// Another major version of the contract.
    UnsupportedVersion,
    /// A field breaks a rule.
    InvalidContract,
    /// The workspace wants a stricter profile.
    ProfileRequired,
    /// A file that the document names is not there.
    MissingArtifact,
    /// Declared size or SHA-256 differs from the bytes.
    DigestMismatch,
    /// A path leaves its folder, or is no regular file: link, FIFO, device, socket, folder.
    PathRefused,
    /// The file is still being written, or vanished while it was read.
    Unstable,
    /// The file cannot be read by the daemon.
    Unreadable,
    /// Somebody else holds a lock on it.
    Locked,
    /// The route goes in a circle.
    CircularRoute,
    /// The route changes nothing.
    NoProgress,
    /// The route is not allowed.
    RouteNotAllowed,
    /// The idempotency key was used for other bytes.
    IdempotencyConflict,
    /// The stated agent is not the one that delivered.
    PrincipalMismatch,
    /// The workspace keeps as much as it may.
    QuotaExceeded,
    /// Another agent holds the task.
    HeldElsewhere,
    /// The receiver lacks a tool that the handoff requires.
    MissingTools,
    /// The handoff is more than the receiver can read.
    ContextOverflow,
    /// The receiver needs more time than is left.
    DeadlineTooShort,
    /// The named contract is not known here, or the receiver does not take it.
    ContractRefused,
    /// The receiver has done the task in this very state.
    AlreadyDone,
    /// A result without a return contract, or one that does not match what is expected.
    NoReturn,
    /// An answer to a hop that is over, or that its state does not allow.
    NotOpen,
    /// A sign-off gate of a role that too few people hold, or none.
    GateUnknownRole,
}

impl ProblemKind {
    /// Whether what was written is at fault, rather than where or when it was, or what else there is.
    pub fn is_about_content(self) -> bool {
        match self {
            Self::MalformedJson
            | Self::MalformedYaml
            | Self::DuplicateKey
            | Self::TooLarge
            | Self::TooDeep
            | Self::UnknownDialect
            | Self::UnsupportedVersion
            | Self::InvalidContract
            | Self::ProfileRequired
            | Self::MissingArtifact
            | Self::DigestMismatch
            | Self::PathRefused
            | Self::ContractRefused
            | Self::NoReturn => true,
            Self::Unstable
            | Self::Unreadable
            | Self::Locked
            | Self::CircularRoute
            | Self::NoProgress
            | Self::RouteNotAllowed
            | Self::IdempotencyConflict
            | Self::PrincipalMismatch
            | Self::QuotaExceeded
            | Self::HeldElsewhere
            | Self::MissingTools
            | Self::ContextOverflow
            | Self::DeadlineTooShort
            | Self::AlreadyDone
            | Self::NotOpen
            | Self::GateUnknownRole => false,
        }
    }

    /// The name in kebab case, as it stands in files and URIs.
    pub fn name(self) -> &'static str {
        match self {
            Self::MalformedJson => "malformed-json",
            Self::MalformedYaml => "malformed-yaml",
            Self::DuplicateKey => "duplicate-key",
            Self::TooLarge => "too-large",
            Self::TooDeep => "too-deep",
            Self::UnknownDialect => "unknown-dialect",
            Self::UnsupportedVersion => "unsupported-version",
            Self::InvalidContract => "invalid-contract",
            Self::ProfileRequired => "profile-required",
            Self::MissingArtifact => "missing-artifact",
            Self::DigestMismatch => "digest-mismatch",
            Self::PathRefused => "path-refused",
            Self::Unstable => "unstable",
            Self::Unreadable => "unreadable",
            Self::Locked => "locked",
            Self::CircularRoute => "circular-route",
            Self::NoProgress => "no-progress",
            Self::RouteNotAllowed => "route-not-allowed",
            Self::IdempotencyConflict => "idempotency-conflict",
            Self::PrincipalMismatch => "principal-mismatch",
            Self::QuotaExceeded => "quota-exceeded",
            Self::HeldElsewhere => "held-elsewhere",
            Self::MissingTools => "missing-tools",
            Self::ContextOverflow => "context-overflow",
            Self::DeadlineTooShort => "deadline-too-short",
            Self::ContractRefused => "contract-refused",
            Self::AlreadyDone => "already-done",
            Self::NoReturn => "no-return",
            Self::NotOpen => "not-open",
            Self::GateUnknownRole => "gate-unknown-role",
        }
    }

    /// The HTTP status that the API answers for it.
    pub fn status(self) -> u16 {
        match self {
            Self::IdempotencyConflict | Self::HeldElsewhere | Self::AlreadyDone | Self::NotOpen => {
                409
            }
            _ => 422,
        }
    }

    /// The problem type URI (RFC 9457, section 3.1.1).
    pub fn uri(self) -> String {
        format!("urn:countersign:problem:{}", self.name())
    }

    /// One sentence for people (RFC 9457 `title`).
    pub fn title(self) -> &'static str {
        match self {
            Self::MalformedJson => "The file is not valid JSON",
            Self::MalformedYaml => "The file is not the YAML that the contract allows",
            Self::DuplicateKey => "A key stands twice",
            Self::TooLarge => "Something is over its size limit",
            Self::TooDeep => "The document is nested too deeply",
            Self::UnknownDialect => "The document has a shape that is not known here",
            Self::UnsupportedVersion => "This version of the contract is not spoken here",
            Self::InvalidContract => "The document does not match the contract",
            Self::ProfileRequired => "The workspace asks for a stricter profile",
            Self::MissingArtifact => "A file that the handoff names is missing",
            Self::DigestMismatch => "A file differs from what the handoff declares",
            Self::PathRefused => "A path is not allowed",
            Self::Unstable => "A file kept changing while it was read",
            Self::Unreadable => "A file cannot be read",
            Self::Locked => "A file is locked by somebody else",
            Self::CircularRoute => "The route goes in a circle",
            Self::NoProgress => "The handoff changes nothing",
            Self::RouteNotAllowed => "The route is not allowed",
            Self::IdempotencyConflict => "The idempotency key was used for other content",
            Self::PrincipalMismatch => "The stated agent is not the one that delivered",
            Self::QuotaExceeded => "The workspace has no room for it",
            Self::HeldElsewhere => "Another agent holds the task",
            Self::MissingTools => "The receiver lacks a tool",
            Self::ContextOverflow => "The receiver cannot read that much",
            Self::DeadlineTooShort => "The receiver cannot do it in time",
            Self::ContractRefused => "The contract is not spoken here",
            Self::AlreadyDone => "The task is done already",
            Self::NoReturn => "Nothing is expected back",
            Self::NotOpen => "The hop does not wait for that",
            Self::GateUnknownRole => "A sign-off gate cannot be passed by anybody",
        }
    }
}

/// One broken rule, with the place and the way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Violation {
    /// Short stable name of the rule, for example `type`, `required`, `range`, `unknown_field`.
    pub code: String,
    /// JSON pointer (RFC 6901) of the value; empty for the whole document.
    pub pointer: String,
    /// Line in the file as delivered, from 1; 0 when the place is not in the file.
    pub line: u32,
    /// Column in characters, from 1; 0 when the place is not in the file.
    pub column: u32,
    /// What is wrong, as a sentence without the pointer.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// A refusal: nothing was sent to anybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", .kind.title())]
pub struct Refusal {
    /// The kind, which is also the problem type.
    pub kind: ProblemKind,
    /// At least one, the most important first.
    pub violations: Vec<Violation>,
}

impl Refusal {
    /// A refusal with one violation that has no place in the file.
    pub fn new(
        kind: ProblemKind,
        code: &str,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        let violation = Violation {
            code: code.to_owned(),
            pointer: String::new(),
            line: 0,
            column: 0,
            message: message.into(),
            fix: Some(fix.into()),
        };
        Self {
            kind,
            violations: vec![violation],
        }
    }

    /// The same refusal, pointing at `pointer`.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        let pointer = pointer.into();
        for violation in &mut self.violations {
            violation.pointer.clone_from(&pointer);
        }
        self
    }

    /// The same refusal at `place` in the file: line and column, both from 1.
    #[must_use]
    pub fn in_file(mut self, (line, column): (u32, u32)) -> Self {
        for violation in &mut self.violations {
            (violation.line, violation.column) = (line, column);
        }
        self
    }
}
