//! What looks like a credential in a text.
//!
//! Only shapes whose issuer gave them a beginning of their own are known, since everything else (`password = …`)
//! finds more examples and tests than secrets.

use std::sync::LazyLock;

use regex::Regex;

/// The shapes, each as its issuer documents it. Every one begins with letters that are rare in other text, so that a
/// text without them costs one pass of a search for many words at once.
const SHAPES: &[&str] = &[
    // RFC 7468, OpenSSH and OpenPGP armour.
    r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----",
    // AWS access key ids, long-lived and temporary.
    r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
    // GitHub: personal, OAuth, user, server and refresh tokens; fine-grained ones.
    r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b",
    r"\bgithub_pat_[A-Za-z0-9_]{22,255}\b",
    // GitLab.
    r"\bglpat-[A-Za-z0-9_-]{20,}",
    // Slack.
    r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    // Google API keys.
    r"\bAIza[A-Za-z0-9_-]{35}",
    // Stripe, secret and restricted.
    r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",
    // Model providers.
    r"\bsk-(?:ant|proj)-[A-Za-z0-9_-]{20,}",
    // Package registries.
    r"\bnpm_[A-Za-z0-9]{36}\b",
    r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}",
    // SendGrid.
    r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",
    // Standard Webhooks signing secrets.
    r"\bwhsec_[A-Za-z0-9+/]{24,}={0,2}",
    // A signed JSON Web Token: RFC 7515, compact serialisation of two JSON objects.
    r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{16,}",
    // Our own tokens for agents.
    r"\bcs[tp]_[A-Za-z0-9]+_[A-Za-z0-9_-]{20,}",
];

/// All of them as one pattern.
#[expect(
    clippy::expect_used,
    reason = "the pattern is a constant that a test builds"
)]
static ANY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&SHAPES.join("|")).expect("the shapes are patterns"));

/// The pattern that finds them in a line.
pub(super) fn pattern() -> &'static Regex {
    &ANY
}

/// Whether `text` has one.
pub(super) fn are_in(text: &str) -> bool {
    ANY.is_match(text)
}

#[cfg(test)]
mod tests;
