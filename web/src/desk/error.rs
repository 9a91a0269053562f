//! Why the desk cannot do something.

use countersign_protocol::{Digest, HandoffId, access::Permission, problem::Refusal};

/// Why the desk cannot do it. Knows nothing of HTTP.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// There is no such thing, or the caller may not know of it.
    #[error("{0} was not found")]
    NotFound(String),
    /// The caller may not do this.
    #[error("{0}")]
    NotAllowed(String),
    /// The roles of the caller do not allow this.
    #[error("{}", may_not(*permission, workspace.as_deref()))]
    MayNot {
        /// What is missing.
        permission: Permission,
        /// Where; `None` for what belongs to no workspace.
        workspace: Option<String>,
        /// The roles that the caller has there.
        roles: Vec<String>,
    },
    /// Whoever answers has to show once more that it is them.
    #[error("An approval of {0} asks you to show once more that it is you")]
    StepUp(HandoffId),
    /// The revision or the bytes moved since the page was made.
    #[error("{id} has revision {revision} now; you answered revision {answered}")]
    Stale {
        /// The card.
        id: HandoffId,
        /// The newest revision.
        revision: u32,
        /// Its manifest digest.
        manifest_sha256: Digest,
        /// The revision that was answered.
        answered: u32,
    },
    /// Somebody was faster, or nobody is asked.
    #[error("{id} {why}")]
    Conflict {
        /// The card.
        id: HandoffId,
        /// For example `was already approved by Maya Okafor`.
        why: String,
    },
    /// It is no longer, or not yet, as it would have to be.
    #[error("{0}")]
    Overtaken(String),
    /// The input breaks a rule.
    #[error("{message}")]
    Invalid {
        /// The form field or JSON pointer.
        field: String,
        /// What is wrong, as a sentence.
        message: String,
    },
    /// A document breaks the contract.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It cannot be recorded now; nothing was changed.
    #[error("{0}")]
    Unavailable(String),
}

fn may_not(permission: Permission, workspace: Option<&str>) -> String {
    let words = permission.words();
    match workspace {
        Some(name) => format!("You may not {words} in {name}"),
        None => format!("You may not {words} here"),
    }
}
