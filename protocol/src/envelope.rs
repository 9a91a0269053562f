//! The envelope of a request: who serves it, how fast, for how long, and what the answer must look like.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::IgnoredAny};

/// What the agent states about the request that a handoff is. All of it is a claim; what is enforced is
/// enforced by the daemon's own clock and on the answer's own bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The provider behind the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// Version of the adapter that speaks to the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter_version: Option<String>,
    /// Within this time, in milliseconds, an answer is hoped for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_budget_ms: Option<u64>,
    /// After this time, in milliseconds from acceptance, the agent no longer counts on an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Media type of an answer in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_output_format: Option<String>,
}

/// How an answer kept to the envelope of its request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Answered {
    /// The envelope's provider, given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// The envelope's version of the adapter, given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter_version: Option<String>,
    /// The time that was hoped for, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_budget_ms: Option<u64>,
    /// From acceptance to the decision, in milliseconds, by the ledger.
    pub latency_ms: u64,
    /// Whether the budget was kept; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_budget: Option<bool>,
    /// The time after which the agent no longer counts on an answer, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Whether the decision came after that time.
    pub timed_out: bool,
    /// The media type that an answer in words had to have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_output_format: Option<String>,
}

impl Envelope {
    /// Whether nothing was stated.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// When the time of a request that was accepted at `accepted` is over; `None` without a limit.
    pub fn over_at(&self, accepted: Timestamp) -> Option<Timestamp> {
        let span = i64::try_from(self.timeout_ms?).ok()?;
        accepted
            .checked_add(jiff::SignedDuration::from_millis(span))
            .ok()
    }

    /// How an answer of `decided` kept to it. `None` when nothing was stated.
    pub fn answered(&self, accepted: Timestamp, decided: Timestamp) -> Option<Answered> {
        if self.is_empty() {
            return None;
        }
        let took = decided.duration_since(accepted).as_millis();
        let latency_ms = u64::try_from(took).unwrap_or(0);
        Some(Answered {
            provider_id: self.provider_id.clone(),
            adapter_version: self.adapter_version.clone(),
            latency_budget_ms: self.latency_budget_ms,
            latency_ms,
            within_budget: self.latency_budget_ms.map(|budget| latency_ms <= budget),
            timeout_ms: self.timeout_ms,
            timed_out: self.over_at(accepted).is_some_and(|over| decided > over),
            expected_output_format: self.expected_output_format.clone(),
        })
    }

    /// Checks that `text` can be what was expected; else says why not. Text of any kind is taken for
    /// `text/*`; JSON must parse (RFC 8259); what is no text cannot be an answer in words.
    pub fn check_output(&self, text: &str) -> Result<(), String> {
        let Some(format) = &self.expected_output_format else {
            return Ok(());
        };
        let (kind, subtype) = format.split_once('/').unwrap_or((format, ""));
        let subtype = subtype.split(';').next().unwrap_or_default().trim();
        let is = |name: &str| subtype.eq_ignore_ascii_case(name);
        if kind.eq_ignore_ascii_case("text") {
            Ok(())
        } else if is("json") || subtype.to_ascii_lowercase().ends_with("+json") {
            let parsed: Result<IgnoredAny, _> = serde_json::from_str(text);
            let Err(error) = parsed else { return Ok(()) };
            Err(format!(
                "the agent expects {format}, and this is no JSON: {error}"
            ))
        } else {
            Err(format!(
                "the agent expects {format}, which words cannot be; give another answer"
            ))
        }
    }
}

#[cfg(test)]
mod tests;
