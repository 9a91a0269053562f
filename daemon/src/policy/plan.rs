//! The whole of policy for one revision: triggers, risk, rule, who is asked, deadlines, and whether
//! it may pass without a person.

use std::collections::BTreeSet;

use countersign_protocol::{
    Digest,
    approval::{ApprovalPlan, ApprovalStage},
    decision::Outcome,
    event::{Accepted, Decided, Event},
    principal::{Actor, Principal},
    routing::{Asked, Fired, Progressed, Routed},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    Rules, assess, built_in_level,
    deadline::{Fallback, ladder},
    gates::Gates,
    hold::{hold, hold_result},
    routing::{Considered, Owners, choose},
    trigger::{Chance, Firing, firing, millionths},
    work::Work,
};
use crate::{
    catalog::Catalog,
    config::{Level, Policy, Route, Target, TriggerKind},
};

/// The rule of those whom no rule matches.
pub const DEFAULT: &str = "default";

static NONE_DISABLED: BTreeSet<String> = BTreeSet::new();

/// Who can be asked, and when.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Everybody.
    pub catalog: &'a Catalog,
    /// Id of the person who answers where nobody else can.
    pub operator: &'a str,
    /// The time of the clock on the wall.
    pub now: Timestamp,
    /// Ids of the people whose account is disabled: they are not asked.
    pub disabled: &'a BTreeSet<String>,
}

impl Asking<'_> {
    /// The people whom `targets` mean now; the operator where they mean nobody, so that nothing is ever
    /// without somebody who is asked.
    pub fn asked(&self, targets: &[String]) -> Vec<Asked> {
        let resolve = |target: &String| {
            let parsed: Target = target.parse().ok()?;
            // The reviewer of this machine need not be in the catalogue.
            if self.catalog.find(target.strip_prefix("person:")?).is_none()
                && *target == self.name()
            {
                return Some(self.fallback(Vec::new()));
            }
            Some(self.resolve(&parsed))
        };
        let mut asked: Vec<Asked> = targets
            .iter()
            .map(|target| match (resolve(target), target.parse::<Target>()) {
                (Some(asked), _) => asked,
                (None, Ok(parsed)) => self.resolve(&parsed),
                (None, Err(_)) => self.fallback(vec![format!("`{target}` names nobody")]),
            })
            .collect();
        if asked.iter().all(|one| one.people.is_empty()) {
            let notes = asked.iter().flat_map(|one| one.notes.clone()).collect();
            asked.push(self.fallback(notes));
        }
        asked
    }

    /// Returns the people whom `target` means now, and nobody in their place.
    pub(super) fn resolve(&self, target: &Target) -> Asked {
        self.catalog.resolve(target, self.now, self.disabled)
    }

    /// Returns the people whom `targets` mean, with the operator where disabled accounts leave fewer than `needed`.
    pub fn asked_for(&self, targets: &[String], needed: u32) -> Vec<Asked> {
        let mut asked = self.asked(targets);
        let all = Asking {
            disabled: &NONE_DISABLED,
            ..*self
        };
        let usable = number_of_people(&asked);
        let enough = usize::try_from(needed).unwrap_or(usize::MAX);
        if usable < enough && usable < number_of_people(&all.asked(targets)) {
            let is_asked = asked
                .iter()
                .any(|one| one.people.iter().any(|id| id == self.operator));
            if !is_asked {
                let note = "too few of those who are asked have an account that can be used";
                asked.push(self.fallback(vec![note.to_owned()]));
            }
        }
        asked
    }

    fn name(&self) -> String {
        format!("person:{}", self.operator)
    }

    fn fallback(&self, notes: Vec<String>) -> Asked {
        Asked {
            target: self.name(),
            people: vec![self.operator.to_owned()],
            notes,
        }
    }
}

fn number_of_people(asked: &[Asked]) -> usize {
    let people: BTreeSet<&String> = asked.iter().flat_map(|one| &one.people).collect();
    people.len()
}

/// What policy found.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The fact.
    pub routed: Routed,
    /// Every rule with why it won or did not.
    pub considered: Vec<Considered>,
    /// What the rules name and cannot be read, one line each.
    pub doubts: Vec<String>,
    /// Set when it may pass without a person.
    pub progress: Option<Progressed>,
    /// Why a person decides before an agent gets it; `None` where an agent may.
    pub hold: Option<String>,
    /// The same where the work is the result of an agent.
    pub hold_result: Option<String>,
}

impl Plan {
    /// The facts to record, in order.
    pub fn events(self, manifest_sha256: Digest) -> Vec<(Actor, Event)> {
        let actor = Actor::Policy {
            rule: self.routed.rule.clone(),
        };
        let (terms, since) = (self.routed.terms, self.routed.since);
        let mut events = vec![(actor.clone(), Event::Routed(Box::new(self.routed)))];
        if let Some(progress) = self.progress {
            let decided = Decided {
                handoff: progress.handoff,
                revision: progress.revision,
                manifest_sha256,
                outcome: Outcome::Approved,
                comment: None,
                requests: Vec::new(),
                checked: Vec::new(),
                answers: Vec::new(),
                reasons: Vec::new(),
                edited: None,
                verified: None,
                terms: terms.at(since),
                partial: None,
            };
            events.push((actor.clone(), Event::Progressed(Box::new(progress))));
            events.push((actor, Event::Decided(Box::new(decided))));
        }
        events
    }
}

/// Applies `policy` to `work`. The same input gives the same plan.
pub fn plan(
    policy: &Policy,
    policy_sha256: Digest,
    work: &Work,
    owners: Option<&Owners>,
    chance: Chance,
    asking: &Asking<'_>,
) -> Plan {
    let accepted = &work.accepted;
    let firing = firing(&policy.triggers, work, chance);
    let rules = Rules {
        confidence_floor: work.floor,
        class: &work.class,
    };
    let stated = assess(accepted, rules, false);
    let configured_floor = policy
        .triggers
        .iter()
        .any(|one| one.kind.value == TriggerKind::Confidence);
    let mut risk = if configured_floor {
        built_in_level(accepted, work)
    } else {
        stated.level
    };
    risk = firing.iter().map(|one| one.risk).fold(risk, Level::max);
    let fired: Vec<Fired> = firing.iter().map(|one| one.fired.clone()).collect();
    let (route, considered) = choose(&policy.routes, work, &fired, risk);
    let mut reasons: Vec<String> = firing
        .iter()
        .filter(|one| one.risk > Level::Low)
        .map(|one| one.fired.why.clone())
        .collect();
    for reason in stated.reasons {
        if !reasons.contains(&reason) && reason != super::NO_RULE {
            reasons.push(reason);
        }
    }
    if let Some(level) = route.and_then(|route| route.risk) {
        risk = level;
        let rule = route
            .map(|route| route.name.value.to_string())
            .unwrap_or_default();
        reasons.insert(0, format!("The rule {rule} says {}", level.name()));
    }
    let won = considered.iter().find(|one| one.won);
    let (rule, why) = match won {
        Some(won) => (won.rule.clone(), won.why.clone()),
        None if policy.routes.is_empty() => (DEFAULT.to_owned(), "there are no rules".to_owned()),
        None => (DEFAULT.to_owned(), "no rule matches".to_owned()),
    };
    let targets = match route {
        Some(route) => route
            .to
            .value
            .iter()
            .flat_map(|to| named(to, work, owners))
            .collect(),
        None => default_targets(work, asking),
    };
    // With stages, those of the first one are asked first.
    let first = route.and_then(|route| route.approvals.stages.first());
    let targets = first.map_or(targets, |stage| texts(&stage.of.value));
    let gates = Gates::of(work);
    let hands_on = targets.iter().any(|target| target.starts_with("agent:"));
    let is_special = route.is_some_and(|route| route.approvals.is_special());
    let targets = match gates.first_targets(asking) {
        // The people of the rule have no say of their own in it: those of the gates are asked.
        first if !first.is_empty() && !is_special && !hands_on => first,
        _ => targets,
    };
    let mut fallback = Fallback::of(&work.document);
    if let Some((text, is_over)) = &work.stopped {
        risk = risk.max(Level::Medium);
        if !reasons.contains(text) {
            reasons.insert(0, text.clone());
        }
        // The time that the handoff gave has passed with the agent that was asked first.
        if let Some(fallback) = fallback.as_mut().filter(|_| *is_over) {
            fallback.after = SignedDuration::ZERO;
        }
    }
    let is_held = work.failed.iter().any(|(_, holds)| *holds);
    if !work.failed.is_empty() {
        risk = risk.max(if is_held { Level::High } else { Level::Medium });
        let failed = work.failed.iter().map(|(text, _)| text.clone());
        reasons = failed.chain(reasons).collect();
    }
    let (due, ladder) = ladder(route, fallback.as_ref(), accepted.due, asking);
    let held = fired.iter().any(|one| one.kind == "critical_action");
    let is_sure = work
        .progress_from
        .is_none_or(|from| accepted.confidence.is_some_and(|stated| stated >= from));
    // Nobody can say of what still grows that it is good.
    let may_pass = route.is_some_and(|route| route.progress)
        && passes(&firing)
        && is_sure
        && !is_held
        && gates.is_empty()
        // A person is asked about what was stopped; no rule answers in their place.
        && work.stopped.is_none()
        && work.takes_approval()
        && accepted.partials.is_none();
    let sample = millionths(route.map(|route| route.sample).unwrap_or_default());
    let draw = chance.draw(&rule, work);
    let sampled = (may_pass && draw < sample) || fired.iter().any(|one| one.kind == "sample");
    let hold = hold(
        work,
        &firing,
        route,
        &targets,
        &gates,
        may_pass && draw >= sample,
    );
    let progress = (may_pass && draw >= sample).then(|| Progressed {
        handoff: accepted.handoff,
        revision: accepted.revision,
        rule: rule.clone(),
        why: why.clone(),
        policy_sha256,
        sample,
        draw,
    });
    let mut asked = if progress.is_some() {
        Vec::new()
    } else {
        asking.asked_for(&targets, first_needed(route))
    };
    let asks_owners = route.is_some_and(|route| route.to.value.contains(&Target::Owners));
    if asks_owners && let (Some(owners), Some(first)) = (owners, asked.first_mut()) {
        first
            .notes
            .extend(owners.written_by_agent(&accepted.principal));
    }
    let routed = Routed {
        handoff: accepted.handoff,
        revision: accepted.revision,
        rule,
        why,
        policy_sha256,
        triggers: fired,
        risk: risk.name().to_owned(),
        reasons,
        asked: asked.clone(),
        since: asking.now,
        due,
        ladder: if progress.is_some() {
            Vec::new()
        } else {
            ladder
        },
        approval: if progress.is_some() {
            None
        } else {
            approval(route, &gates, accepted, &asked, asking)
        },
        terms: route
            .map(|route| route.approvals.terms())
            .unwrap_or_default(),
        held,
        digest: route.is_some_and(|route| route.digest),
        late: route.is_some_and(|route| route.late),
        sampled,
    };
    Plan {
        routed,
        considered,
        doubts: owners
            .map(|owners| owners.doubts(asking.catalog))
            .unwrap_or_default(),
        progress,
        hold,
        hold_result: hold_result(&firing),
    }
}

fn texts(targets: &[Target]) -> Vec<String> {
    targets.iter().map(ToString::to_string).collect()
}

/// The approvals that the first stage of `route` needs.
fn first_needed(route: Option<&Route>) -> u32 {
    let rule = route.map(|route| &route.approvals);
    let stage = rule.and_then(|rule| rule.stages.first());
    let needed = match (stage, rule.and_then(|rule| rule.needed.as_ref())) {
        (Some(stage), _) => stage.needed.value,
        (None, Some(needed)) => needed.value,
        (None, None) => 1,
    };
    u32::try_from(needed).unwrap_or(u32::MAX)
}

/// Returns what it takes to decide: the stages of the rule, then those of the sign-off gates; `None` where one
/// answer of anybody who may decide is enough.
fn approval(
    route: Option<&Route>,
    gates: &Gates,
    accepted: &Accepted,
    asked: &[Asked],
    asking: &Asking<'_>,
) -> Option<ApprovalPlan> {
    let route = route.filter(|route| route.approvals.is_special());
    let of_rule = route.map(|route| approval_of_rule(route, accepted, asked, asking));
    if gates.is_empty() {
        return of_rule;
    }
    let mut plan = of_rule.unwrap_or_default();
    plan.stages.extend(gates.stages(asking));
    if gates.exclude_submitter() {
        for id in owners_of(accepted, asking) {
            if !plan.barred.contains(&id) {
                plan.barred.push(id);
            }
        }
    }
    Some(plan)
}

fn approval_of_rule(
    route: &Route,
    accepted: &Accepted,
    asked: &[Asked],
    asking: &Asking<'_>,
) -> ApprovalPlan {
    let rule = &route.approvals;
    let number = |needed: u64| u32::try_from(needed).unwrap_or(u32::MAX);
    let stages = rule.stages.iter().map(|stage| ApprovalStage {
        name: stage.name.value.clone(),
        needed: number(stage.needed.value),
        asked: asking.asked_for(&texts(&stage.of.value), number(stage.needed.value)),
        widens: false,
        by_role: false,
    });
    let mut stages: Vec<ApprovalStage> = stages.collect();
    if stages.is_empty() {
        stages.push(ApprovalStage {
            name: String::new(),
            needed: rule
                .needed
                .as_ref()
                .map_or(1, |needed| number(needed.value)),
            // Without a number, everybody whose role allows it answers, as everywhere.
            asked: rule.needed.iter().flat_map(|_| asked.to_vec()).collect(),
            widens: true,
            by_role: false,
        });
    }
    let veto = rule.veto.as_ref().map(|veto| texts(&veto.value));
    ApprovalPlan {
        stages,
        veto: veto.map(|veto| asking.asked(&veto)).unwrap_or_default(),
        barred: if rule.own.value {
            Vec::new()
        } else {
            owners_of(accepted, asking)
        },
    }
}

/// Ids of the people who ran the agent or answer for it.
fn owners_of(accepted: &Accepted, asking: &Asking<'_>) -> Vec<String> {
    let agent = asking.catalog.agent(&accepted.from_agent);
    let owner = agent.and_then(|agent| agent.owner.as_ref());
    let mut people = owner
        .map(|owner| asking.catalog.named(&owner.value))
        .unwrap_or_default();
    let by_hand = match &accepted.principal {
        Principal::Operator => Some(asking.operator),
        Principal::Person { id } => Some(id.as_str()),
        Principal::FileOwner { .. } | Principal::Token { .. } | Principal::Daemon => None,
    };
    let is_new = |id: &&str| !people.iter().any(|known| known == id);
    let by_hand = by_hand.filter(is_new).map(str::to_owned);
    people.extend(by_hand);
    people
}

/// Whether nothing that fired needs a person, and something says that the work is done.
fn passes(firing: &[Firing]) -> bool {
    !firing.is_empty() && firing.iter().all(|one| !one.needs_person)
}

/// What a target of a rule means for this work.
fn named(to: &Target, work: &Work, owners: Option<&Owners>) -> Vec<String> {
    if *to != Target::Owners {
        return vec![to.to_string()];
    }
    let paths = work.files().iter().map(|file| file.path.as_str());
    let found = owners.map(|owners| owners.of(paths)).unwrap_or_default();
    found.iter().map(ToString::to_string).collect()
}

/// Without a rule: who answers for the agent, else nobody, which is the operator.
fn default_targets(work: &Work, asking: &Asking<'_>) -> Vec<String> {
    let agent = asking.catalog.agent(&work.accepted.from_agent);
    let owner = agent.and_then(|agent| agent.owner.as_ref());
    owner
        .map(|owner| owner.value.to_string())
        .into_iter()
        .collect()
}
