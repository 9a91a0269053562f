//! Decides whether a person is asked before an agent gets a piece of work.
//!
//! The same triggers and rules count as for work that is for people anyway. Two things are different for work that
//! goes to an agent: that a session ended, or that the work is finished, is why agents hand over at all; and a rule
//! that hands to agents for a trigger that it names is how the operator wants that trigger answered.

use countersign_protocol::handoff::Trigger as Stated;

use super::{gates::Gates, trigger::Firing, work::Work};
use crate::config::Route;

/// Returns why a person decides first, one line, or `None` where an agent may get the work.
///
/// `route` is the rule that won and `targets` are those whom it names; `passes` says that the rule lets the work
/// pass without a person.
pub(super) fn hold(
    work: &Work,
    firing: &[Firing],
    route: Option<&Route>,
    targets: &[String],
    gates: &Gates,
    passes: bool,
) -> Option<String> {
    let hands_on = targets.iter().any(|target| target.starts_with("agent:"));
    let answered_by_rule = |one: &Firing| {
        let names = |name: &String| *name == one.fired.rule || *name == one.fired.kind;
        hands_on && route.is_some_and(|route| route.triggers.iter().any(names))
    };
    let fired = firing
        .iter()
        .find(|one| one.stops_agents && !answered_by_rule(one))
        .map(|one| one.fired.why.clone());
    fired
        .or_else(|| stated(work.accepted.trigger).map(str::to_owned))
        .or_else(|| (!gates.is_empty()).then(|| "It has sign-off gates".to_owned()))
        .or_else(|| {
            let route = route.filter(|_| !hands_on && !passes)?;
            Some(format!("The rule {} asks people", route.name.value))
        })
}

/// Returns why a person looks at a result before it goes on, one line. Rules do not count here: they are about what is
/// handed over.
pub(super) fn hold_result(firing: &[Firing]) -> Option<String> {
    let counts = |one: &&Firing| ["confidence", "sensitive", "sample"].contains(&&*one.fired.kind);
    let fired = firing.iter().filter(|one| one.stops_agents).find(counts);
    fired.map(|one| one.fired.why.clone())
}

/// Returns why the agent itself wants a person, where no trigger has a rule for it.
fn stated(trigger: Stated) -> Option<&'static str> {
    match trigger {
        Stated::Confidence => Some("It is not sure enough by its own measure"),
        Stated::Policy => Some("The agent says that a rule sends it to a person"),
        Stated::Manual => Some("The agent asks for a person"),
        Stated::Completion
        | Stated::CriticalAction
        | Stated::Error
        | Stated::Sensitive
        | Stated::SessionEnd => None,
    }
}
