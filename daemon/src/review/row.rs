//! A card as a row of the queue.

use countersign_protocol::{decision::Outcome, principal::Actor, state::HandoffState};
use countersign_web::desk::{Caller, DecidedRow, HandoffRow, Risk, RiskLevel};
use jiff::SignedDuration;

use super::LedgerDesk;
use crate::{
    ledger::{Card, State},
    policy::{self, Assessment, Level, Rules},
    workspace::Settings,
};

/// Who opened a handoff is taken to look at it for so long.
const LOOKING: SignedDuration = SignedDuration::from_mins(15);

/// Whether a person is asked.
pub(super) fn is_waiting(card: &Card) -> bool {
    matches!(card.state, HandoffState::Waiting { .. })
}

impl LedgerDesk {
    /// What `look` makes of the settings of a workspace; of the usual ones, where it is not served any more.
    pub(super) fn with_settings<T>(&self, workspace: &str, look: impl FnOnce(&Settings) -> T) -> T {
        match self.workspaces.get(workspace) {
            Some(workspace) => look(&workspace.settings),
            None => look(&Settings::default()),
        }
    }

    /// The verdict about the newest revision of a card, as the rules of the operator set it.
    pub(super) fn verdict(&self, card: &Card) -> Assessment {
        let workspace = &card.newest().accepted.at.workspace;
        self.with_settings(workspace, |settings| verdict(card, settings))
    }

    /// The row with how far the result is that grows beside it.
    pub(super) fn growing_row(&self, state: &State, card: &Card, who: &Caller) -> HandoffRow {
        let row = super::partial::row(state, &card.newest().accepted);
        HandoffRow {
            partial: row.map(Box::new),
            ..self.row_of(card, who)
        }
    }

    pub(super) fn row_of(&self, card: &Card, who: &Caller) -> HandoffRow {
        let newest = card.newest();
        let accepted = &newest.accepted;
        let (mut verdict, floor, class) = self.with_settings(&accepted.at.workspace, |settings| {
            let class = policy::class_of(accepted, &settings.class).to_owned();
            let floor = settings.confidence_floor_of(accepted.contract.as_deref());
            (verdict(card, settings), floor, class)
        });
        if let Some(why) = with_agents(card) {
            verdict.why = why;
        }
        if let Some(stop) = card.stopped().filter(|_| is_waiting(card)) {
            verdict.why = sentence(&stop.stopped.text);
        }
        let mine = last_mine(card, who);
        HandoffRow {
            id: card.id,
            revision: accepted.revision,
            title: accepted.title.clone(),
            why: verdict.why,
            agent: accepted.from_agent.clone(),
            workspace: card.workspace.clone(),
            folder: card
                .place(accepted.revision)
                .unwrap_or(&accepted.at)
                .folder
                .clone(),
            state: card.state.name().to_owned(),
            trigger: accepted.trigger,
            risk: Risk {
                level: level(verdict.level),
                reasons: verdict.reasons,
            },
            confidence: accepted.confidence,
            floor,
            class,
            files: accepted.manifest.entries.len(),
            changed_since_my_review: mine.is_some_and(|revision| accepted.revision > revision),
            handed_over_at: newest.at,
            due_at: super::queue::due_of(card),
            manifest_sha256: accepted.manifest_sha256,
            decided: card.decisions.last().map(|decision| DecidedRow {
                outcome: decision.decided.outcome,
                by: decision.actor.name().to_owned(),
                at: decision.at,
                revision: decision.decided.revision,
                delivered: decision.delivered.is_some(),
                undelivered: card
                    .undelivered
                    .as_ref()
                    .is_some_and(|failed| failed.answer == decision.seq),
            }),
            stalled: accepted.stalled.is_some(),
            claimed_by: card.claim.as_ref().map(|claim| claim.display.clone()),
            looking: self.looking(card, who),
            open_threads: card.open_threads(),
            held: super::undo::held(card, who),
            came_back: super::undo::came_back(card, who),
            partial: None,
        }
    }

    /// Who else opened the newest revision a short while ago.
    fn looking(&self, card: &Card, who: &Caller) -> Option<String> {
        let opened = card.opened.as_ref().filter(|_| is_waiting(card))?;
        let is_me = matches!(who, Caller::Person(person) if person.id == opened.person);
        let is_recent = self.clock.now().duration_since(opened.at) < LOOKING;
        (!is_me && is_recent).then(|| opened.display.clone())
    }
}

fn verdict(card: &Card, settings: &Settings) -> Assessment {
    let accepted = &card.newest().accepted;
    let rules = Rules {
        confidence_floor: settings.confidence_floor_of(accepted.contract.as_deref()),
        class: policy::class_of(accepted, &settings.class),
    };
    let verdict = policy::assess(accepted, rules, answers_a_request(card));
    match &card.routing {
        Some(routing) => verdict.ruled(&routing.routed),
        None => verdict,
    }
}

/// Why nobody is asked about a card that agents have.
fn with_agents(card: &Card) -> Option<String> {
    let to = &card.hops.last()?.offered.to;
    match &card.state {
        HandoffState::WithAgent { .. } => Some(format!("It is with {to}; no person is asked")),
        HandoffState::Returned { .. } => {
            Some(format!("{to} did not take it; its sender has it again"))
        }
        HandoffState::Closed {
            outcome: Outcome::Completed,
            ..
        } => Some(format!("{to} brought it to an end")),
        _ => None,
    }
}

/// The words with a capital at their start, unless they start with a name.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// Whether the newest revision is one that somebody asked for.
fn answers_a_request(card: &Card) -> bool {
    let asked = card
        .decisions
        .iter()
        .rfind(|decision| decision.decided.outcome == Outcome::ChangesRequested);
    asked.is_some_and(|asked| asked.decided.revision < card.newest().accepted.revision)
}

/// The last revision that `who` decided.
pub(super) fn last_mine(card: &Card, who: &Caller) -> Option<u32> {
    let Caller::Person(person) = who else {
        return None;
    };
    let mine = |actor: &Actor| matches!(actor, Actor::Person { id, .. } if *id == person.id);
    card.decisions
        .iter()
        .rfind(|decision| mine(&decision.actor))
        .map(|decision| decision.decided.revision)
}

pub(super) fn level(level: Level) -> RiskLevel {
    match level {
        Level::Low => RiskLevel::Low,
        Level::Medium => RiskLevel::Medium,
        Level::High => RiskLevel::High,
    }
}
