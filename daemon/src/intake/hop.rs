//! What becomes of a handoff that names an agent as its receiver. Decided in the job that records it, so
//! that nothing happens in between.
//!
//! A hop that no rule of the workspace forbids is only noted as owed here. The `policy` stage offers it, after
//! checks and triggers had their say: a person may have to be asked first.

use countersign_protocol::{
    event::Accepted,
    problem::Refusal,
    transfer::{Mesh, Proposal, Stopped, Verdict, judge},
};
use jiff::Timestamp;
use serde_json::Value;

use crate::ledger::{Card, State};

/// What holds where the handoff was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Here<'a> {
    /// Which agents hand to which.
    pub(super) mesh: &'a Mesh,
    /// The class of the data.
    pub(super) class: &'a str,
    /// The handoff in canonical form.
    pub(super) document: &'a Value,
}

/// Whether the receiver that a document names is an agent: a person, queue or service is none.
pub(super) fn is_agent(document: &Value) -> bool {
    let kind = document.pointer("/to_agent/kind").and_then(Value::as_str);
    kind.is_none_or(|kind| kind == "agent")
}

/// Who is next after a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// People, as the handoff names no agent of this workspace.
    People,
    /// The stated agent, unless checks or policy ask for a person first.
    Agent,
    /// People instead of the stated agent, and why.
    Stopped(Stopped),
}

/// Judges the hop that `accepted` asks for.
pub(super) fn hop(
    state: &State,
    now: Timestamp,
    accepted: &Accepted,
    card: Option<&Card>,
    here: Here<'_>,
) -> Result<Next, Refusal> {
    let Here {
        mesh,
        class,
        document,
    } = here;
    let Some(to) = accepted.to_agent.as_deref() else {
        return Ok(Next::People);
    };
    if mesh.is_empty() || !is_agent(document) {
        return Ok(Next::People);
    }
    let ends = (accepted.from_agent.as_str(), to);
    let proposal = Proposal::of(accepted, document, ends, class, now);
    match judge(mesh, &state.past(card), &proposal) {
        Verdict::Refuse(refusal) => Err(refusal),
        Verdict::Go(_) => Ok(Next::Agent),
        Verdict::Ask(why, text) => Ok(Next::Stopped(Stopped {
            handoff: accepted.handoff,
            revision: accepted.revision,
            why,
            text,
            to: mesh.canonical(to).to_owned(),
            work_sha256: proposal.work_sha256,
        })),
    }
}
