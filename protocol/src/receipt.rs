//! `handoff.receipt.json` and `handoff.errors.json`: what the daemon tells the agent about a delivery.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    check::{CheckReport, Checked},
    contract,
    event::Accepted,
    id::{Digest, HandoffId},
    principal::Principal,
    problem::{ProblemKind, Refusal, Violation},
    trace::TraceParent,
};

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReceiptStatus {
    /// Recorded, and somebody is asked.
    Accepted,
    /// The same bytes were recorded before; nothing else happened.
    Duplicate,
    /// Recorded, and waits for its turn.
    Queued,
    /// Not recorded; see `handoff.errors.json`.
    Refused,
}

/// `handoff.receipt.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// `1.0`.
    pub receipt_version: String,
    /// What became of it.
    pub status: ReceiptStatus,
    /// The number of the card.
    pub handoff_id: HandoffId,
    /// Which revision of the card this delivery is.
    pub revision: u32,
    /// When it was recorded.
    pub received_at: Timestamp,
    /// Digest of the document as delivered.
    pub handoff_sha256: Digest,
    /// Digest of the manifest; a decision binds to it.
    pub manifest_sha256: Digest,
    /// The contract version that was spoken.
    pub contract_version: String,
    /// The profile it was checked against.
    pub profile: String,
    /// Who delivered it, as found out by the daemon.
    pub principal: Principal,
    /// The agent the document states.
    pub from_agent: String,
    /// How many files are sealed.
    pub files: usize,
    /// What was accepted all the same but is worth knowing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Violation>,
    /// Checks that it is put through, and what they found as soon as all are over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckReport>,
    /// The W3C trace context of this delivery; absent for deliveries of old versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub traceparent: Option<TraceParent>,
    /// Where to look.
    pub links: Links,
}

impl Receipt {
    /// The receipt for a revision that was recorded at `received_at`. `base` is the address of the
    /// daemon's pages, without a slash at its end.
    pub fn of(
        accepted: &Accepted,
        received_at: Timestamp,
        status: ReceiptStatus,
        base: &str,
    ) -> Self {
        let id = accepted.handoff;
        Self {
            receipt_version: "1.0".to_owned(),
            status,
            handoff_id: id,
            revision: accepted.revision,
            received_at,
            handoff_sha256: accepted.manifest.document,
            manifest_sha256: accepted.manifest_sha256,
            contract_version: "1.0".to_owned(),
            profile: accepted.profile.name().to_owned(),
            principal: accepted.principal.clone(),
            from_agent: accepted.from_agent.clone(),
            files: accepted.manifest.entries.len(),
            warnings: accepted.warnings.clone(),
            checks: CheckReport::of(&accepted.checks, None),
            traceparent: accepted
                .trace
                .map(|trace| trace.at(trace.revision(id, accepted.revision))),
            links: Links {
                review: format!("{base}/h/{id}"),
                status: format!("{base}/api/v1/handoffs/{id}"),
            },
        }
    }
}

impl Receipt {
    /// The same, with what the checks found.
    #[must_use]
    pub fn with_checks(self, accepted: &Accepted, checked: Option<&Checked>) -> Self {
        Self {
            checks: CheckReport::of(&accepted.checks, checked),
            ..self
        }
    }
}

/// Where to look at a handoff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Links {
    /// The page for people.
    pub review: String,
    /// The API resource for programs.
    pub status: String,
}

/// `handoff.errors.json`: an RFC 9457 problem with the list of violations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorsDocument {
    /// `handoff.errors/1`.
    pub schema: String,
    /// Problem type URI (RFC 9457, section 3.1.1).
    #[serde(rename = "type")]
    pub type_uri: String,
    /// Short name of the problem type.
    pub code: ProblemKind,
    /// One sentence (RFC 9457, section 3.1.3).
    pub title: String,
    /// HTTP status that the API answers for it (RFC 9457, section 3.1.2).
    pub status: u16,
    /// The file as the agent named it.
    pub file: String,
    /// Digest of the bytes that were refused; absent when they could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handoff_sha256: Option<Digest>,
    /// Always false.
    pub valid: bool,
    /// When it was checked.
    pub at: Timestamp,
    /// Contract versions that are spoken here.
    pub supported: Vec<String>,
    /// The broken rules.
    pub errors: Vec<Violation>,
    /// What to do now.
    pub next: String,
}

impl ErrorsDocument {
    /// The document for a refusal of `file` whose bytes have `handoff_sha256`.
    pub fn new(
        refusal: &Refusal,
        file: &str,
        handoff_sha256: Option<Digest>,
        at: Timestamp,
    ) -> Self {
        Self {
            schema: "handoff.errors/1".to_owned(),
            type_uri: refusal.kind.uri(),
            code: refusal.kind,
            title: refusal.kind.title().to_owned(),
            status: refusal.kind.status(),
            file: file.to_owned(),
            handoff_sha256,
            valid: false,
            at,
            supported: contract::SUPPORTED
                .iter()
                .map(ToString::to_string)
                .collect(),
            errors: refusal.violations.clone(),
            next: format!(
                "Fix {file} and save it again. It is checked again by itself. Nothing was sent to reviewers."
            ),
        }
    }
}
