//! What becomes of a handoff that names an agent as its receiver. Decided in the job that records it, so
//! that nothing happens in between.

use countersign_protocol::{
    event::{Accepted, Event},
    fallback::Fallback,
    principal::Actor,
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
fn is_agent(document: &Value) -> bool {
    let kind = document.pointer("/to_agent/kind").and_then(Value::as_str);
    kind.is_none_or(|kind| kind == "agent")
}

/// The facts that follow on `accepted`: a hop that is offered, or why a person is asked instead. None where
/// it is for a person anyway.
pub(super) fn hop(
    state: &State,
    now: Timestamp,
    accepted: &Accepted,
    card: Option<&Card>,
    here: Here<'_>,
) -> Result<Option<(Actor, Event)>, Refusal> {
    let Here {
        mesh,
        class,
        document,
    } = here;
    let Some(to) = accepted.to_agent.as_deref() else {
        return Ok(None);
    };
    if mesh.is_empty() || !is_agent(document) {
        return Ok(None);
    }
    let ends = (accepted.from_agent.as_str(), to);
    let proposal = Proposal::of(accepted, document, ends, class, now);
    let actor = Actor::Agent {
        name: accepted.from_agent.clone(),
        principal: accepted.principal.clone(),
    };
    let open = card.filter(|card| card.id == accepted.handoff);
    match judge(mesh, &state.past(card), &proposal) {
        Verdict::Refuse(refusal) => Err(refusal),
        Verdict::Go(go) => {
            let hops = open.map_or(0, |card| card.hops.len());
            let number = u32::try_from(hops + 1).unwrap_or(u32::MAX);
            let fallback = Fallback::of(document);
            let place = (number, "to_agent");
            let offered = proposal.offered(mesh, go, accepted, place, fallback.as_ref());
            Ok(Some((actor, Event::Offered(Box::new(offered)))))
        }
        Verdict::Ask(why, text) => {
            let stopped = Stopped {
                handoff: accepted.handoff,
                revision: accepted.revision,
                why,
                text,
                to: mesh.canonical(to).to_owned(),
                work_sha256: proposal.work_sha256,
            };
            Ok(Some((Actor::Daemon, Event::HopStopped(Box::new(stopped)))))
        }
    }
}
