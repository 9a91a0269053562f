//! Whether a hop is carried out.
//!
//! A route that is not allowed is refused, so that nothing happened. A hop that would bring a task back to
//! an agent in a state that it had it in before, and one too many without a person, are not refused:
//! they are stopped, and a person is asked.

use core::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Gate, Link, Mesh, Participant, Why, rank};
use crate::{
    id::{Digest, HandoffId},
    principal::Principal,
    problem::{ProblemKind, Refusal},
};

/// The most agents in one chain.
const LONGEST: usize = 32;

/// A hop that somebody wants.
#[derive(Clone, Debug)]
pub struct Proposal<'a> {
    /// Who hands.
    pub from: &'a str,
    /// Who is to take it.
    pub to: &'a str,
    /// Who delivered the document.
    pub principal: &'a Principal,
    /// Digest of the state of the work.
    pub work_sha256: Digest,
    /// Bytes of the document and its files.
    pub bytes: u64,
    /// Tools that the receiver must have.
    pub tools: Vec<String>,
    /// The contract it was checked against, `name@version`.
    pub contract: Option<&'a str>,
    /// The class of its data.
    pub class: &'a str,
    /// What was checked of its content, one line.
    pub checked: String,
    /// The hops after which it may come back at the latest; `None` without a return contract.
    pub returns_within: Option<u32>,
    /// Whether a result is expected back.
    pub expects: bool,
    /// When it has to be done.
    pub due: Option<Timestamp>,
    /// The time.
    pub now: Timestamp,
}

/// Who holds a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Through whom it came, the holder last.
    pub chain: Vec<Link>,
}

/// What happened to the task before.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Who holds it; `None` for a new task.
    pub holder: Option<Holding>,
    /// Who had it in which state since a person last decided about it.
    pub visits: Vec<(String, Digest)>,
    /// Hops since then.
    pub turns: u32,
    /// The handoffs that were brought to an end: the receiver, the state they began in, the number.
    pub done: Vec<(String, Digest, HandoffId)>,
}

/// A hop that may be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Go {
    /// Through whom the task came then, the receiver last.
    pub chain: Vec<Link>,
    /// What was looked at.
    pub gates: Vec<Gate>,
}

/// What becomes of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is carried out.
    Go(Go),
    /// It breaks a rule; nothing happens.
    Refuse(Refusal),
    /// A person is asked instead: why, and the same in words.
    Ask(Why, String),
}

/// Judges `proposal` by the rules of `mesh` and what happened before.
pub fn judge(mesh: &Mesh, past: &Past, proposal: &Proposal<'_>) -> Verdict {
    let hop = match Hop::find(mesh, past, proposal) {
        Ok(hop) => hop,
        Err(refusal) => return Verdict::Refuse(refusal.at("/to_agent")),
    };
    let gates = match hop.gates(proposal) {
        Ok(gates) => gates,
        Err(refusal) => return Verdict::Refuse(refusal),
    };
    let to = hop.receiver.id.as_str();
    if let Some((_, _, id)) = past
        .done
        .iter()
        .find(|(who, work, _)| mesh.canonical(who) == to && *work == proposal.work_sha256)
    {
        return Verdict::Refuse(
            Refusal::new(
                ProblemKind::AlreadyDone,
                "already_done",
                format!("`{to}` has done this task in this very state; see {id}"),
                "use the result of that handoff, or hand over what has changed since",
            )
            .at("/to_agent"),
        );
    }
    let visited =
        |(who, work): &(String, Digest)| mesh.canonical(who) == to && *work == proposal.work_sha256;
    if past.visits.iter().any(visited) {
        let text = format!(
            "`{to}` had this task in this very state before, so it would go round in a circle"
        );
        return Verdict::Ask(Why::NoProgress, text);
    }
    if past.turns >= mesh.max_hops {
        let text = format!(
            "it went from agent to agent {} times without a person",
            past.turns
        );
        return Verdict::Ask(Why::TurnLimit, text);
    }
    if mesh.mode == super::Mode::Reviewed {
        let text = format!("a person approves each hop here, and `{to}` is next");
        return Verdict::Ask(Why::Reviewed, text);
    }
    Verdict::Go(Go {
        chain: hop.chain,
        gates,
    })
}

/// A proposal whose ends are known and whose route is allowed.
struct Hop<'a> {
    receiver: &'a Participant,
    chain: Vec<Link>,
}

impl<'a> Hop<'a> {
    fn find(mesh: &'a Mesh, past: &Past, proposal: &Proposal<'_>) -> Result<Self, Refusal> {
        let Some(sender) = mesh.find(proposal.from) else {
            return Err(route(
                "unknown_sender",
                format!("`{}` takes no part in this workspace", proposal.from),
                "hand over as one of the participants of `countersign routes`",
            ));
        };
        let Some(receiver) = mesh.find(proposal.to) else {
            return Err(route(
                "unknown_receiver",
                format!("`{}` takes no part in this workspace", proposal.to),
                known(sender),
            ));
        };
        if let (Some(user), Principal::FileOwner { uid }) = (sender.user, proposal.principal)
            && user != *uid
        {
            return Err(Refusal::new(
                ProblemKind::PrincipalMismatch,
                "not_this_user",
                format!(
                    "the file belongs to user {uid}, and `{}` is user {user}",
                    sender.id
                ),
                "let the agent write the file itself",
            ));
        }
        if !mesh.allows(&sender.id, &receiver.id) {
            return Err(route(
                "route",
                format!("`{}` may not hand to `{}`", sender.id, receiver.id),
                known(sender),
            ));
        }
        let chain = chain(mesh, past, sender)?;
        let chain = extend(mesh, chain, receiver, proposal)?;
        Ok(Self { receiver, chain })
    }

    fn gates(&self, proposal: &Proposal<'_>) -> Result<Vec<Gate>, Refusal> {
        let receiver = self.receiver;
        let missing: Vec<&str> = proposal
            .tools
            .iter()
            .filter(|tool| !receiver.tools.contains(tool))
            .map(String::as_str)
            .collect();
        if !missing.is_empty() {
            return Err(Refusal::new(
                ProblemKind::MissingTools,
                "missing_tools",
                format!("`{}` does not have: {}", receiver.id, missing.join(", ")),
                "hand to an agent that has them, or leave them out of `capabilities_required`",
            )
            .at("/capabilities_required"));
        }
        if let Some(limit) = receiver.max_bytes.filter(|limit| proposal.bytes > *limit) {
            return Err(Refusal::new(
                ProblemKind::ContextOverflow,
                "context_overflow",
                format!(
                    "the handoff has {} bytes with its files, and `{}` takes {limit}",
                    proposal.bytes, receiver.id
                ),
                "hand over less: a summary and the files that are needed",
            ));
        }
        self.may_see(proposal)?;
        let left = proposal.due.map(|due| due.duration_since(proposal.now));
        if let (Some(needs), Some(left)) = (receiver.needs, left)
            && left < signed(needs)
        {
            return Err(Refusal::new(
                ProblemKind::DeadlineTooShort,
                "deadline_too_short",
                format!(
                    "it is due in {} s, and `{}` needs {} s",
                    left.as_secs().max(0),
                    receiver.id,
                    needs.as_secs()
                ),
                "give a later `deadline` or a longer `timeout_seconds`",
            )
            .at("/deadline"));
        }
        let gate = |gate: &str, found: String| Gate {
            gate: gate.to_owned(),
            found,
        };
        Ok(vec![
            gate("sender", delivered_by(proposal.principal)),
            gate("context", proposal.checked.clone()),
            gate(
                "tools",
                match proposal.tools.as_slice() {
                    [] => "none required".to_owned(),
                    tools => tools.join(", "),
                },
            ),
            gate(
                "capability",
                match proposal.contract {
                    Some(contract) => format!("{} takes {contract}", receiver.id),
                    None => format!("{} takes any contract", receiver.id),
                },
            ),
            gate("conflict", "nobody else holds the task".to_owned()),
            gate(
                "deadline",
                match left {
                    Some(left) => format!("{} s are left", left.as_secs().max(0)),
                    None => "none given".to_owned(),
                },
            ),
        ])
    }

    /// The contract and the class of the data.
    fn may_see(&self, proposal: &Proposal<'_>) -> Result<(), Refusal> {
        let receiver = self.receiver;
        let takes = |contract: &str| {
            let name = contract.split('@').next().unwrap_or_default();
            receiver
                .accepts
                .iter()
                .any(|known| known == contract || known == name)
        };
        if !receiver.accepts.is_empty() && !proposal.contract.is_some_and(takes) {
            let spoken = match proposal.contract {
                Some(contract) => format!("the contract `{contract}`"),
                None => "a handoff without a contract".to_owned(),
            };
            return Err(Refusal::new(
                ProblemKind::ContractRefused,
                "contract",
                format!("`{}` does not take {spoken}", receiver.id),
                format!("it takes: {}", receiver.accepts.join(", ")),
            )
            .at("/contract"));
        }
        if let Some(clearance) = &receiver.clearance
            && rank(proposal.class) > rank(clearance)
        {
            return Err(route(
                "clearance",
                format!(
                    "the data is {}, and `{}` may see {clearance} data at most",
                    proposal.class, receiver.id
                ),
                "hand to an agent that may see it, or to a person",
            ));
        }
        Ok(())
    }
}

/// Through whom the task came to `sender`, who must hold it.
fn chain(mesh: &Mesh, past: &Past, sender: &Participant) -> Result<Vec<Link>, Refusal> {
    let Some(holding) = &past.holder else {
        if !mesh.may_start(&sender.id) {
            let start: Vec<&str> = mesh
                .participants
                .iter()
                .filter(|one| one.start)
                .map(|one| one.id.as_str())
                .collect();
            return Err(route(
                "start",
                format!("`{}` may not begin a task", sender.id),
                format!("tasks begin with: {}", start.join(", ")),
            ));
        }
        return Ok(vec![Link {
            agent: sender.id.clone(),
            returns_within: None,
            expects: false,
        }]);
    };
    let holder = holding
        .chain
        .last()
        .map_or("", |link| mesh.canonical(&link.agent));
    if holder == sender.id {
        return Ok(holding.chain.clone());
    }
    Err(Refusal::new(
        ProblemKind::HeldElsewhere,
        "held_elsewhere",
        format!("the task is held by `{holder}`, not by `{}`", sender.id),
        "wait until it comes back, or hand over another task",
    ))
}

/// The chain with `receiver` at its end: longer by one, or cut back to where the task was before.
fn extend(
    mesh: &Mesh,
    mut chain: Vec<Link>,
    receiver: &Participant,
    proposal: &Proposal<'_>,
) -> Result<Vec<Link>, Refusal> {
    if let Some(sender) = chain.last_mut() {
        sender.returns_within = proposal.returns_within;
        sender.expects = proposal.expects;
    }
    let length = chain.len();
    let before = chain
        .iter()
        .position(|link| mesh.canonical(&link.agent) == receiver.id);
    match before {
        // To itself: a new session of the same agent.
        Some(at) if at + 1 == length => Ok(chain),
        Some(at) => {
            let hops = length - at;
            match chain[at].returns_within {
                Some(most) if hops <= most as usize => {
                    chain.truncate(at + 1);
                    Ok(chain)
                }
                Some(most) => Err(circle(
                    format!(
                        "the return contract of `{}` ends after {most} hops",
                        receiver.id
                    ),
                    "finish the task with an answer, or hand it to somebody else",
                )),
                None => Err(circle(
                    format!(
                        "`{}` had the task and handed it on without a return contract",
                        receiver.id
                    ),
                    "decline it, or finish it with an answer; a task only goes back where the handoff has a `return_contract`",
                )),
            }
        }
        None if length >= LONGEST => Err(circle(
            format!("the task came through {length} agents already"),
            "finish it with an answer, or hand it to a person",
        )),
        None => {
            chain.push(Link {
                agent: receiver.id.clone(),
                returns_within: None,
                expects: false,
            });
            Ok(chain)
        }
    }
}

fn route(code: &str, message: String, fix: impl Into<String>) -> Refusal {
    Refusal::new(ProblemKind::RouteNotAllowed, code, message, fix)
}

fn circle(message: String, fix: &str) -> Refusal {
    Refusal::new(ProblemKind::CircularRoute, "return", message, fix)
}

fn known(sender: &Participant) -> String {
    match sender.hands_to.as_slice() {
        [] => format!("`{}` hands to nobody; finish the task yourself", sender.id),
        some => format!("`{}` may hand to: {}", sender.id, some.join(", ")),
    }
}

fn delivered_by(principal: &Principal) -> String {
    match principal {
        Principal::FileOwner { uid } => format!("a file of user {uid}"),
        Principal::Token { id, agent } => format!("the token {id} of {agent}"),
        Principal::Person { id } => format!("the session of {id}"),
        Principal::Operator => "the key of the operator".to_owned(),
        Principal::Daemon => "the daemon".to_owned(),
    }
}

fn signed(span: Duration) -> SignedDuration {
    SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests;
