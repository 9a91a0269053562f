//! The agents of a rule, in its order: the first that can take a task gets it, and the next when that came to nothing.
//!
//! Which one that is follows from the rule, the facts and the time alone. What a step down costs is a gate of the hop, so
//! that whoever looks at it sees who was passed over and why: `next_best` when another agent was named before, `late`
//! when the time limit was lifted because nobody can keep it. After these only people are left.

use countersign_protocol::{
    event::Event,
    fallback::Fallback,
    routing::Routed,
    transfer::{Gate, Proposal, Verdict, Why, judge, work_digest},
};
use jiff::{SignedDuration, Timestamp};

use super::hops::Scene;

/// Another agent was named before.
const NEXT_BEST: &str = "next_best";
/// It is offered without its time limit.
const LATE: &str = "late";

/// The agents that a rule names.
pub(super) struct Line<'a> {
    rule: &'a str,
    agents: Vec<&'a str>,
    late: bool,
}

/// An agent that cannot take it.
pub(super) struct PassedOver {
    agent: String,
    why: Why,
    text: String,
}

impl<'a> Line<'a> {
    /// Those that `routed` asks; `None` where it asks only people.
    pub(super) fn of(routed: &'a Routed) -> Option<Self> {
        let agents = routed.asked.iter();
        let agents: Vec<&str> = agents
            .filter_map(|one| one.target.strip_prefix("agent:"))
            .collect();
        (!agents.is_empty()).then_some(Self {
            rule: &routed.rule,
            agents,
            late: routed.late,
        })
    }

    /// The rule.
    pub(super) fn rule(&self) -> &str {
        self.rule
    }

    /// The agent that is named first.
    pub(super) fn first_agent(&self) -> &str {
        self.agents.first().copied().unwrap_or_default()
    }

    /// Whether it names more than one agent, so that what one does not do is another's, and then people's.
    pub(super) fn is_several(&self) -> bool {
        self.agents.len() > 1
    }

    /// Why a hop goes to one of them.
    pub(super) fn by(&self) -> String {
        format!("rule {}", self.rule)
    }
}

impl PassedOver {
    pub(super) fn new(agent: &str, why: Why, text: String) -> Self {
        Self {
            agent: agent.to_owned(),
            why,
            text,
        }
    }
}

impl Scene<'_> {
    /// The fact that offers the task to the first agent of `line` that can take it, or that people are asked.
    /// `passed` are those that had it, or cannot have it, already.
    pub(super) fn along(&self, line: &Line<'_>, mut passed: Vec<PassedOver>) -> Event {
        let budget = self.time_limit();
        match self.first(line, budget, &mut passed) {
            Some(event) => return event,
            None if budget.is_some() && line.late => {
                let had = passed.len();
                let late = self.first(line, None, &mut passed);
                if let Some(event) = late {
                    return event;
                }
                passed.truncate(had);
            }
            None => {}
        }
        let files = &self.work.accepted.manifest.entries;
        let work = work_digest(&self.work.document, files);
        let (first, texts): (Option<&PassedOver>, Vec<&str>) = (
            passed.first(),
            passed.iter().map(|one| one.text.as_str()).collect(),
        );
        let (why, to) = first.map_or((Why::Declined, ""), |one| (one.why, one.agent.as_str()));
        self.stop(why, texts.join("; "), to, work)
    }

    /// Whether an agent had this revision of the task.
    fn had(&self, agent: &str) -> bool {
        let mesh = &self.settings.mesh;
        let revision = self.work.accepted.revision;
        let mut hops = self.card.hops.iter();
        hops.any(|hop| {
            hop.offered.revision == revision
                && mesh.canonical(&hop.offered.to) == mesh.canonical(agent)
        })
    }

    /// When the task has to be done: by its deadline, and within the latency that was asked for.
    fn time_limit(&self) -> Option<Timestamp> {
        let newest = self.card.newest();
        let budget = newest.accepted.envelope.latency_budget_ms;
        let budget = budget.and_then(|span| i64::try_from(span).ok());
        let within = budget.and_then(|span| {
            let span = SignedDuration::from_millis(span);
            newest.at.checked_add(span).ok()
        });
        [newest.accepted.due, within].into_iter().flatten().min()
    }

    fn first(
        &self,
        line: &Line<'_>,
        due: Option<Timestamp>,
        passed: &mut Vec<PassedOver>,
    ) -> Option<Event> {
        let is_late = due.is_none() && !passed.is_empty() && self.time_limit().is_some();
        for agent in &line.agents {
            if self.had(agent) {
                continue;
            }
            let found = self.judged(line, agent, due, passed, is_late);
            match found {
                Ok(event) => return Some(event),
                // A person is asked about any hop here, or about any further one.
                Err(over) if matches!(over.why, Why::Reviewed | Why::TurnLimit) => {
                    passed.insert(0, over);
                    return None;
                }
                Err(over) if !passed.iter().any(|one| one.agent == over.agent) => passed.push(over),
                Err(_) => {}
            }
        }
        None
    }

    fn judged(
        &self,
        line: &Line<'_>,
        agent: &str,
        due: Option<Timestamp>,
        passed: &[PassedOver],
        is_late: bool,
    ) -> Result<Event, PassedOver> {
        let over = |why, text| PassedOver::new(agent, why, text);
        if due.is_some_and(|due| due <= self.now) {
            let text = format!("`{agent}` cannot do it in time: the time is over");
            return Err(over(Why::TimedOut, text));
        }
        let mesh = &self.settings.mesh;
        let accepted = &self.work.accepted;
        let ends = (accepted.from_agent.as_str(), agent);
        let proposal = Proposal {
            due,
            ..Proposal::of(accepted, &self.work.document, ends, self.class(), self.now)
        };
        match judge(mesh, &self.state.past(Some(self.card)), &proposal) {
            Verdict::Go(mut go) => {
                let gate = |gate: &str, found: String| Gate {
                    gate: gate.to_owned(),
                    found,
                };
                let texts: Vec<&str> = passed.iter().map(|one| one.text.as_str()).collect();
                let texts = texts.join("; ");
                if is_late {
                    go.gates
                        .push(gate(LATE, format!("{texts}; so the time limit was lifted")));
                } else if !texts.is_empty() {
                    go.gates.push(gate(NEXT_BEST, texts));
                }
                let fallback = Fallback::of(&self.work.document);
                let number = u32::try_from(self.card.hops.len() + 1).unwrap_or(u32::MAX);
                let by = (number, &*line.by());
                let mut offered = proposal.offered(mesh, go, accepted, by, fallback.as_ref());
                if let Some(due) = due {
                    offered.acknowledge_by = offered.acknowledge_by.min(due);
                    let until = offered.acknowledge_by;
                    offered.remind_at.retain(|at| *at < until);
                }
                Ok(Event::Offered(Box::new(offered)))
            }
            Verdict::Ask(why, text) => Err(over(why, text)),
            Verdict::Refuse(refusal) => {
                let first = refusal.violations.first();
                let text = first.map_or_else(|| refusal.to_string(), |one| one.message.clone());
                Err(over(Why::Declined, text))
            }
        }
    }
}

#[cfg(test)]
mod tests;
