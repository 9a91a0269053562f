//! The rules of the contract, version 1.0.

mod build;
mod fields;
mod findings;
mod hidden;
mod listing;
mod profile;
#[cfg(test)]
mod published;
mod relations;
mod rule;
mod text;
mod version;
mod walk;

use crate::{
    checkpoint::Checkpoint,
    dialect::Document,
    handoff::{Handoff, Profile},
    problem::{ProblemKind, Refusal, Violation},
    transfer::Answer,
};
use findings::{Findings, Words};
pub use listing::field_list;
pub use version::SUPPORTED;

/// Largest document, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// Deepest nesting of objects and lists; the document itself is 1.
pub const MAX_DEPTH: usize = 32;

/// What the workspace asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// The least strict profile it accepts.
    pub least: Profile,
}

/// A document that keeps the rules.
#[derive(Debug)]
pub struct Checked {
    /// In canonical form.
    pub handoff: Handoff,
    /// The dialect it was written in.
    pub dialect: &'static str,
    /// What is worth knowing all the same.
    pub warnings: Vec<Violation>,
}

/// Checks a handoff. The refusal lists every broken rule, the most important first; its kind is the
/// kind of that one.
pub fn check(document: &Document, rules: Rules) -> Result<Checked, Refusal> {
    let mut findings = Findings::new(document);
    let content = document.fields();
    let Some(version) = version::check(&mut findings, content, "handoff_version") else {
        return Err(findings.refusal());
    };
    walk::object(&mut findings, fields::HANDOFF, content, "");
    if !content.contains_key("task") && !content.contains_key("task_id") {
        let fix =
            "Add it, for example \"task\": \"Draft the Q3 risk summary\", or a stable \"task_id\".";
        let words = Words::new("required", "is missing, and so is `task_id`", fix);
        findings.missing(ProblemKind::InvalidContract, "", "/task", words);
    }
    let profile = profile::check(&mut findings, content, rules.least);
    relations::check(&mut findings, content);
    hidden::check(&mut findings, &document.value);
    let warnings = findings.finish()?;
    Ok(Checked {
        handoff: build::handoff(content, version, profile),
        dialect: "handoff",
        warnings,
    })
}

/// Reads a handoff that was accepted before. It is not held against the rules again: they may have become stricter
/// since, and what was accepted stays readable.
pub fn read_accepted(document: &Document) -> Option<Handoff> {
    let mut findings = Findings::new(document);
    let content = document.fields();
    let version = version::check(&mut findings, content, "handoff_version")?;
    let profile = profile::check(&mut findings, content, Profile::default());
    Some(build::handoff(content, version, profile))
}

/// Checks a checkpoint; also gives what is worth knowing all the same.
pub fn check_checkpoint(document: &Document) -> Result<(Checkpoint, Vec<Violation>), Refusal> {
    let mut findings = Findings::new(document);
    let content = document.fields();
    if version::check(&mut findings, content, "checkpoint_version").is_none() {
        return Err(findings.refusal());
    }
    walk::object(&mut findings, fields::CHECKPOINT, content, "");
    relations::check_checkpoint(&mut findings, content);
    hidden::check(&mut findings, &document.value);
    let warnings = findings.finish()?;
    Ok((build::checkpoint(content), warnings))
}

/// Checks what a receiver says about a hop; also gives what is worth knowing all the same.
pub fn check_answer(document: &Document) -> Result<(Answer, Vec<Violation>), Refusal> {
    let mut findings = Findings::new(document);
    let content = document.fields();
    if version::check(&mut findings, content, "answer_version").is_none() {
        return Err(findings.refusal());
    }
    walk::object(&mut findings, fields::ANSWER, content, "");
    relations::check_answer(&mut findings, content);
    hidden::check(&mut findings, &document.value);
    let warnings = findings.finish()?;
    build::answer(content)
        .map(|answer| (answer, warnings))
        .ok_or_else(|| {
            Refusal::new(
                ProblemKind::InvalidContract,
                "type",
                "the document is no answer",
                "write for example {\"answer_version\": \"1.0\", \"answer\": \"accept\"}",
            )
        })
}
