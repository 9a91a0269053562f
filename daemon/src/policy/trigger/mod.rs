//! Why a person is needed: one pure rule in each file, and the registry of them.

mod completion;
mod confidence;
mod critical_action;
mod error;
mod file_changed;
mod sample;
mod sensitive;
mod session_end;
mod stalled;
mod step;
#[cfg(test)]
mod tests;

use countersign_protocol::{Digest, routing::Fired};

use super::work::{Work, in_scope};
use crate::config::{Level, Trigger, TriggerKind};

/// Chance as a parameter: the same salt and the same work draw the same lot.
#[derive(Clone, Copy, Debug)]
pub struct Chance(pub Digest);

/// One million; shares are counted in millionths.
pub const WHOLE: u32 = 1_000_000;

impl Chance {
    /// A number under [`WHOLE`] for `rule` and `work`. An agent that does not know the salt cannot tell it.
    pub fn draw(self, rule: &str, work: &Work) -> u32 {
        let text = format!("{} {rule} {}", self.0, work.accepted.manifest_sha256);
        let drawn = Digest::of(text.as_bytes()).to_string();
        let number = u64::from_str_radix(drawn.get(..15).unwrap_or_default(), 16);
        u32::try_from(number.unwrap_or_default() % u64::from(WHOLE)).unwrap_or_default()
    }
}

/// A share as millionths.
pub fn millionths(share: f64) -> u32 {
    // Shares are checked to lie between 0 and 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to a million"
    )]
    let parts = (share.clamp(0.0, 1.0) * f64::from(WHOLE)) as u32;
    parts
}

/// A kind of trigger: its name, the rule, and the least risk that it stands for.
type Rule = fn(&Trigger, &Work, Chance) -> Option<String>;

/// The registry.
const RULES: [(TriggerKind, &str, Rule, Level); 10] = [
    (
        TriggerKind::Confidence,
        "confidence",
        confidence::fires,
        Level::High,
    ),
    (
        TriggerKind::CriticalAction,
        "critical_action",
        critical_action::fires,
        Level::High,
    ),
    (TriggerKind::Error, "error", error::fires, Level::Medium),
    (
        TriggerKind::Completion,
        "completion",
        completion::fires,
        Level::Low,
    ),
    (
        TriggerKind::Sensitive,
        "sensitive",
        sensitive::fires,
        Level::High,
    ),
    (TriggerKind::Step, "step", step::fires, Level::Low),
    (
        TriggerKind::SessionEnd,
        "session_end",
        session_end::fires,
        Level::Low,
    ),
    (
        TriggerKind::Stalled,
        "stalled",
        stalled::fires,
        Level::Medium,
    ),
    (
        TriggerKind::FileChanged,
        "file_changed",
        file_changed::fires,
        Level::Low,
    ),
    (TriggerKind::Sample, "sample", sample::fires, Level::Low),
];

/// What fired, with the risk that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// The fact.
    pub fired: Fired,
    /// At least so careful.
    pub risk: Level,
    /// Whether work that it fired for may never pass without a person.
    pub needs_person: bool,
    /// Whether a person is asked before an agent gets the work.
    pub stops_agents: bool,
}

/// The triggers that fire for `work`: those of the configuration, then the built-in one of each
/// kind that needs no settings and that the configuration does not set for this use case.
pub fn firing(configured: &[Trigger], work: &Work, chance: Chance) -> Vec<Firing> {
    let mut found = Vec::new();
    for (kind, name, rule, risk) in RULES {
        let mut spoken_for = false;
        for trigger in configured.iter().filter(|one| one.kind.value == kind) {
            if in_scope(&trigger.scope, work).is_err() {
                continue;
            }
            // A pattern adds to what is stated; a floor replaces that of the workspace.
            spoken_for |= kind == TriggerKind::Confidence;
            if let Some(why) = rule(trigger, work, chance) {
                let risk = trigger.risk.unwrap_or(risk);
                found.push(firing_of(trigger.name.as_str(), kind, name, why, risk));
            }
        }
        let built_in = super::built_in(kind);
        if !spoken_for
            && let Some(why) = built_in.and_then(|trigger| rule(&trigger, work, chance))
            && !found
                .iter()
                .any(|one| one.fired.kind == name && one.fired.why == why)
        {
            let firing = firing_of(name, kind, name, why, risk);
            found.push(Firing {
                // Agents hand to agents when a session ends; only the operator can want a person then.
                stops_agents: firing.stops_agents && kind != TriggerKind::SessionEnd,
                ..firing
            });
        }
    }
    found
}

fn firing_of(rule: &str, kind: TriggerKind, name: &str, why: String, risk: Level) -> Firing {
    Firing {
        fired: Fired {
            rule: rule.to_owned(),
            kind: name.to_owned(),
            why,
        },
        risk,
        needs_person: kind != TriggerKind::Completion,
        stops_agents: kind != TriggerKind::Completion,
    }
}
