//! Trace contexts (W3C Trace Context, level 1): by which trace a handoff is followed from agent to agent.
//!
//! Ids are not drawn but follow from the facts, so that a span that is told twice, also after a restart, is
//! the same span.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::id::{Digest, HandoffId};

/// The trace, 16 bytes that are not all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[0-9a-f]{32}$"))]
pub struct TraceId(pub [u8; 16]);

/// One span of a trace, 8 bytes that are not all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(pub [u8; 8]);

/// The text is not a trace parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a trace parent looks like `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`")]
pub struct BadTraceParent;

/// A span of a trace, as `traceparent` names it. What is sent on is always said to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceParent {
    /// The trace.
    pub trace: TraceId,
    /// The span.
    pub span: SpanId,
}

/// The trace that a revision belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The span that it goes on from: that of the agent, of the hop it came by, or of the revision before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SpanId>,
}

/// The way of a file to the ledger: when the daemon heard of it, and the microseconds from there until each
/// step was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steps {
    /// When the daemon heard of it.
    pub heard: Timestamp,
    /// Until somebody looked.
    pub looked: u64,
    /// Until nobody wrote it any more and it was read.
    pub settled: u64,
    /// Until it was checked against the contract.
    pub validated: u64,
    /// Until its files were sealed.
    pub sealed: u64,
}

impl TraceContext {
    /// The trace of a revision that states none and goes on from nothing. `manifest` and `at` make it one of
    /// its own, also among several daemons.
    pub fn begun(handoff: HandoffId, manifest: Digest, at: Timestamp) -> Self {
        let mut seed = b"countersign-trace\0".to_vec();
        seed.extend(handoff.0.to_be_bytes());
        seed.extend(manifest.0);
        seed.extend(at.as_nanosecond().to_be_bytes());
        Self {
            trace: TraceId(first(Digest::of(&seed))),
            parent: None,
        }
    }

    /// The span of `what`, which is the `number`th of its kind on a card.
    pub fn span(&self, what: &str, handoff: HandoffId, number: u64) -> SpanId {
        let trace = self.trace;
        let text = format!("countersign-span\0{trace}\0{what}\0{handoff}\0{number}");
        SpanId(first(Digest::of(text.as_bytes())))
    }

    /// The span of a whole revision.
    pub fn revision(&self, handoff: HandoffId, revision: u32) -> SpanId {
        self.span("handoff", handoff, u64::from(revision))
    }

    /// The span of a hop from agent to agent.
    pub fn hop(&self, handoff: HandoffId, hop: u32) -> SpanId {
        self.span("hop", handoff, u64::from(hop))
    }

    /// The same trace, seen from `span`.
    pub fn at(&self, span: SpanId) -> TraceParent {
        TraceParent {
            trace: self.trace,
            span,
        }
    }
}

/// The first bytes of a digest.
fn first<const N: usize>(digest: Digest) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&digest.0[..N]);
    bytes
}

fn hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Lower-case digits that are not all zero.
fn bytes<const N: usize>(text: &str) -> Result<[u8; N], BadTraceParent> {
    let mut bytes = [0; N];
    let digits = text.as_bytes();
    let is_hex = |digit: &u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(digit);
    if digits.len() != 2 * N || !digits.iter().all(is_hex) {
        return Err(BadTraceParent);
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let pair = str::from_utf8(pair).map_err(|_| BadTraceParent)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| BadTraceParent)?;
    }
    if bytes.iter().all(|byte| *byte == 0) {
        return Err(BadTraceParent);
    }
    Ok(bytes)
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(f, &self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(f, &self.0)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-01", self.trace, self.span)
    }
}

impl FromStr for TraceId {
    type Err = BadTraceParent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        bytes(text).map(Self)
    }
}

impl FromStr for SpanId {
    type Err = BadTraceParent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        bytes(text).map(Self)
    }
}

impl FromStr for TraceParent {
    type Err = BadTraceParent;

    /// Version 00, and the beginning of later ones (section 3.2.2 and 4.3).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('-');
        let mut next = || parts.next().ok_or(BadTraceParent);
        let (version, trace, span, flags) = (next()?, next()?, next()?, next()?);
        // A sign is a digit to the standard library, and none here.
        let byte = |text: &str| -> Option<u8> {
            let is_hex = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            u8::from_str_radix(text, 16).ok().filter(|_| is_hex)
        };
        let (version, is_flags) = (byte(version), byte(flags).is_some());
        match version {
            Some(0) if parts.next().is_some() => return Err(BadTraceParent),
            Some(0..=0xfe) if is_flags => {}
            _ => return Err(BadTraceParent),
        }
        Ok(Self {
            trace: trace.parse()?,
            span: span.parse()?,
        })
    }
}

macro_rules! as_text {
    ($($name:ident),+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(de::Error::custom)
            }
        }
    )+};
}

as_text!(TraceId, SpanId, TraceParent);

#[cfg(test)]
mod tests;
