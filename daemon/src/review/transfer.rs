//! Agents that hand to agents: the routes with what is under way on them, the path of a task, and what
//! waits for an agent.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use countersign_protocol::{
    HandoffId,
    access::Permission,
    state::HandoffState,
    transfer::{AnswerKind, AnswerReceipt, Participant, transfer_document},
};
use countersign_web::desk::{
    Caller, DeskError, Person,
    transfer::{
        HopAnswer, HopRow, Mesh, ParticipantRow, Reread, RouteRow, StopRow, TaskPath, TransferDesk,
        WorkItem,
    },
};
use jiff::Timestamp;

use super::{
    LedgerDesk,
    access::{principal, sees, visible_card},
    seams::AnsweredHop,
};
use crate::{
    contracts::Contract,
    ledger::{Card, Hop, HopStage, State, Stop},
    workspace::Workspace,
};

fn seconds(from: Timestamp, until: Timestamp) -> u64 {
    u64::try_from(until.duration_since(from).as_secs()).unwrap_or(0)
}

fn row(hop: &Hop, now: Timestamp) -> HopRow {
    let offered = &hop.offered;
    let is_over = !hop.stage.is_open() && hop.stage != HopStage::HandedOn;
    let ended_at = is_over.then_some(hop.since);
    let until = ended_at.unwrap_or(now);
    let last = hop.last_answer().map(|answer| &answer.answered);
    HopRow {
        handoff_id: offered.handoff,
        hop: offered.hop,
        revision: offered.revision,
        from: offered.from.clone(),
        to: offered.to.clone(),
        by: offered.by.clone(),
        state: hop.stage.name().to_owned(),
        offered_at: hop.at,
        delivered_at: hop.delivered.as_ref().map(|(_, at, _)| *at),
        taken_at: hop.taken,
        ended_at,
        waited_seconds: seconds(hop.at, hop.taken.unwrap_or(until)),
        held_seconds: hop.taken.map_or(0, |taken| seconds(taken, until)),
        waits_until: hop.deadline(),
        percent: last.and_then(|answered| answered.percent),
        fit: stated(hop, AnswerKind::Accept),
        confidence: stated(hop, AnswerKind::Complete),
        reason: last
            .and_then(|answered| answered.reason)
            .map(|reason| reason.name().to_owned()),
        note: last.and_then(|answered| answered.note.clone()),
        gates: offered.gates.clone(),
        folder: hop.delivered.as_ref().map(|(_, _, folder)| folder.clone()),
    }
}

/// How sure the receiver was when it last said that.
fn stated(hop: &Hop, kind: AnswerKind) -> Option<f64> {
    let mut said = hop.answers.iter().rev().map(|answer| &answer.answered);
    said.find(|answered| answered.answer == kind)?.confidence
}

/// The card and those that it continues, oldest first.
fn whole<'a>(state: &'a State, card: &'a Card) -> Vec<&'a Card> {
    let mut cards = vec![card];
    while let Some(before) = cards
        .last()
        .and_then(|card| card.revisions.first()?.accepted.follows)
        .and_then(|id| state.card(id))
    {
        cards.push(before);
    }
    cards.reverse();
    cards
}

/// When a person was asked no longer, and by whom: the first decision after it, or the next hop.
fn answer_to(card: &Card, stop: &Stop) -> Option<(Timestamp, String)> {
    let mut decisions = card.decisions.iter();
    let decided = decisions.find(|decision| decision.seq > stop.seq);
    let decided = decided.map(|decision| (decision.at, decision.actor.name().to_owned()));
    let next = card
        .revisions
        .iter()
        .find(|revision| revision.seq > stop.seq);
    let next = next.map(|next| (next.at, next.accepted.from_agent.clone()));
    [decided, next].into_iter().flatten().min()
}

impl LedgerDesk {
    /// The path of the task of `card`.
    pub(super) fn path_of(&self, state: &State, card: &Card) -> TaskPath {
        let now = self.clock.now();
        let cards = whole(state, card);
        let hops = cards.iter().flat_map(|card| &card.hops);
        let stops = cards
            .iter()
            .flat_map(|card| card.stops.iter().map(move |stop| (card, stop)));
        let holder = card.holding.as_ref().and_then(|chain| chain.last());
        let is_open = card.state.takes_revisions();
        TaskPath {
            holder: holder.filter(|_| is_open).map(|link| link.agent.clone()),
            hops: hops.map(|hop| row(hop, now)).collect(),
            stops: stops
                .map(|(card, stop)| {
                    let answer = answer_to(card, stop);
                    let until = answer.as_ref().map_or(now, |(at, _)| *at);
                    StopRow {
                        at: stop.at,
                        why: stop.stopped.why.name().to_owned(),
                        text: stop.stopped.text.clone(),
                        to: stop.stopped.to.clone(),
                        by: answer.map(|(_, by)| by),
                        held_seconds: seconds(stop.at, until),
                    }
                })
                .collect(),
        }
    }

    /// The oldest work that waits for `agent` in a workspace that `who` sees.
    fn work_for(&self, who: &Caller, agent: &str) -> Option<WorkItem> {
        let state = self.ledger.state();
        let workspaces = self.workspaces.all();
        let seen = workspaces.iter().filter(|one| sees(who, &one.name));
        // Work that was offered to it under a name it had before is its own, too.
        let names = seen.flat_map(|one| {
            let known = one.settings.mesh.find(agent);
            let all = known
                .into_iter()
                .flat_map(|one| [&one.id].into_iter().chain(&one.was));
            let mut names: Vec<String> = all.cloned().collect();
            if names.is_empty() {
                names.push(agent.to_owned());
            }
            names.into_iter().map(|name| (Arc::clone(&one.name), name))
        });
        let offered = names.filter_map(|(workspace, name)| {
            let mut cards = state.offered_to(&workspace, &name);
            cards.find_map(|card| {
                let hop = card.open_hop()?;
                let waited = hop.wait_until.is_none_or(|until| until <= self.clock.now());
                let is_new = hop.stage == HopStage::Offered || waited;
                // What is on its way into the folder is there in a moment.
                (is_new && hop.delivered.is_some()).then(|| item(card, hop))?
            })
        });
        offered.min_by_key(|work| (work.transfer.handoff_id, work.transfer.hop))
    }
}

fn item(card: &Card, hop: &Hop) -> Option<WorkItem> {
    let accepted = &card.revision(hop.offered.revision)?.accepted;
    Some(WorkItem {
        workspace: card.workspace.clone(),
        folder: hop.delivered.as_ref().map(|(_, _, folder)| folder.clone()),
        state: hop.stage.name().to_owned(),
        transfer: transfer_document(accepted, &hop.offered),
    })
}

/// What is under way in a workspace.
#[derive(Default)]
struct Counts {
    routes: BTreeMap<(String, String), RouteRow>,
    agents: BTreeMap<String, ParticipantRow>,
    stopped: usize,
}

impl Counts {
    fn of(state: &State, workspace: &Workspace) -> Self {
        let mesh = &workspace.settings.mesh;
        let mut counts = Self::default();
        let here = state
            .cards()
            .filter(|card| card.workspace == *workspace.name);
        for card in here {
            let is_waiting = matches!(card.state, HandoffState::Waiting { .. });
            counts.stopped += usize::from(is_waiting && card.stopped().is_some());
            for hop in &card.hops {
                let from = mesh.canonical(&hop.offered.from).to_owned();
                let to = mesh.canonical(&hop.offered.to).to_owned();
                let agent = counts.agents.entry(to.clone()).or_default();
                let route = counts.routes.entry((from, to)).or_default();
                match hop.stage {
                    HopStage::Offered | HopStage::Queued => {
                        agent.offered += 1;
                        route.open += 1;
                    }
                    HopStage::Accepted => {
                        agent.holds += 1;
                        route.open += 1;
                    }
                    HopStage::HandedOn => route.open += 1,
                    HopStage::Completed | HopStage::Returned => {
                        agent.completed += 1;
                        route.completed += 1;
                    }
                    _ => route.lost += 1,
                }
            }
        }
        counts
    }

    fn participant(&self, one: &Participant) -> ParticipantRow {
        let counted = self.agents.get(&one.id);
        ParticipantRow {
            id: one.id.clone(),
            in_scope: one.in_scope.clone(),
            out_of_scope: one.out_of_scope.clone(),
            start: one.start,
            tools: one.tools.clone(),
            accepts: one.accepts.clone(),
            clearance: one.clearance.clone(),
            ..counted.cloned().unwrap_or_default()
        }
    }
}

#[async_trait]
impl TransferDesk for LedgerDesk {
    async fn meshes(&self, who: &Caller) -> Result<Vec<Mesh>, DeskError> {
        let workspaces = self.workspaces.all();
        let state = self.ledger.state();
        let seen = workspaces
            .iter()
            .filter(|one| sees(who, &one.name) && !one.settings.mesh.is_empty());
        let meshes = seen.map(|workspace| {
            let mesh = &workspace.settings.mesh;
            let counts = Counts::of(&state, workspace);
            let participants = mesh.participants.iter();
            let routes = mesh.participants.iter().flat_map(|one| {
                one.hands_to.iter().map(|to| {
                    let ends = (one.id.clone(), mesh.canonical(to).to_owned());
                    let (from, to) = ends.clone();
                    let counted = counts.routes.get(&ends).cloned().unwrap_or_default();
                    RouteRow {
                        from,
                        to,
                        ..counted
                    }
                })
            });
            let contracts = workspace.settings.contracts.all().iter();
            Mesh {
                workspace: workspace.name.to_string(),
                mode: mesh.mode.name().to_owned(),
                max_hops: mesh.max_hops,
                acknowledge_within_seconds: mesh.acknowledge_within.as_secs(),
                participants: participants.map(|one| counts.participant(one)).collect(),
                routes: routes.collect(),
                contracts: contracts.map(Contract::id).collect(),
                stopped: counts.stopped,
            }
        });
        Ok(meshes.collect())
    }

    async fn path(&self, who: &Caller, id: HandoffId) -> Result<TaskPath, DeskError> {
        let state = self.ledger.state();
        let card = visible_card(&state, who, id)?;
        Ok(self.path_of(&state, &card))
    }

    async fn next_work(
        &self,
        who: &Caller,
        agent: &str,
        timeout: Duration,
    ) -> Result<Option<WorkItem>, DeskError> {
        if let Caller::Agent(own) = who
            && own.agent != agent
        {
            return Err(DeskError::NotAllowed(format!(
                "the token speaks for {}, not for {agent}",
                own.agent
            )));
        }
        let mut head = self.ledger.head();
        let found = async {
            loop {
                head.borrow_and_update();
                let work = self.work_for(who, agent);
                if work.is_some() || head.changed().await.is_err() {
                    return work;
                }
            }
        };
        match tokio::time::timeout(timeout, found).await {
            Ok(work) => Ok(work),
            Err(_) => Ok(self.work_for(who, agent)),
        }
    }

    async fn read_anew(&self, who: &Person) -> Result<Vec<Reread>, DeskError> {
        let caller = Caller::Person(who.clone());
        self.check_anywhere(&caller, Permission::Maintain)?;
        let pulse = Arc::clone(&self.pulse);
        let may = move |name: &str| caller.may(Permission::Maintain, Some(name));
        let read = tokio::task::spawn_blocking(move || pulse.read_anew(&may));
        read.await
            .map_err(|error| DeskError::Unavailable(error.to_string()))
    }

    async fn answer_hop(
        &self,
        who: &Caller,
        answer: HopAnswer,
    ) -> Result<AnswerReceipt, DeskError> {
        let HopAnswer {
            id,
            hop: number,
            document,
            files,
        } = answer;
        let (workspace, receiver) = {
            let state = self.ledger.state();
            let card = visible_card(&state, who, id)?;
            let hop = card.hop(number);
            let hop = hop.ok_or_else(|| DeskError::NotFound(format!("hop {id}.{number}")))?;
            (card.workspace.clone(), hop.offered.to.clone())
        };
        who.check(Permission::Submit, Some(&workspace))?;
        // An agent answers under its own name, and learns there that the hop is not for it.
        let agent = match who {
            Caller::Agent(agent) => agent.agent.clone(),
            Caller::Person(_) => receiver,
        };
        self.door
            .answer(AnsweredHop {
                workspace,
                id,
                hop: number,
                agent,
                document,
                files,
                principal: principal(who),
            })
            .await
    }
}
