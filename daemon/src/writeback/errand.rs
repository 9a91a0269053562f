//! Where the files go that an entry asks for. Most entries ask for one; a hop has a sender, a receiver, and
//! others who hear of it.

use std::path::Path;

use countersign_protocol::{
    HandoffId,
    chain::Body,
    event::{Event, Location},
    transfer::{ContextTurn, Why},
};

use super::{Page, Writeback, WritebackError, package::folder_of};
use crate::{
    ledger::{Card, Hop},
    workspace::Workspace,
};

/// Something to write in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Errand {
    pub(super) at: Location,
    pub(super) what: What,
}

/// What is written there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The answer to a handoff.
    Answer,
    /// The package of a hop.
    Package,
    /// How the hop stands, for the sender of this revision.
    Acknowledgement { revision: u32, hop: Option<u32> },
    /// That the answer of a receiver was recorded.
    AnswerReceipt,
    /// That the receiver of a hop is waited for.
    Reminder(u32),
    /// What others hand to each other, for this participant.
    Context(String),
}

impl Writeback {
    /// Everything that an entry asks for.
    pub(super) fn errands(&self, body: &Body) -> Vec<Errand> {
        let event = &body.event;
        let hops = self.of_hops(event);
        if !hops.is_empty() {
            return hops;
        }
        let what = What::Answer;
        self.place_of(event)
            .map(|at| Errand { at, what })
            .into_iter()
            .collect()
    }

    /// Where the answer to a handoff goes.
    fn place_of(&self, event: &Event) -> Option<Location> {
        match event {
            // A card that the daemon made itself.
            Event::Accepted(accepted) if !accepted.violated.is_empty() => None,
            Event::Accepted(accepted) => Some(accepted.at.clone()),
            Event::Checked(checked) => {
                let state = self.ledger.state();
                state
                    .card(checked.handoff)?
                    .place(checked.revision)
                    .cloned()
            }
            Event::Refused { at, .. } | Event::RefusedGone { at } | Event::Found { at, .. } => {
                Some(at.clone())
            }
            Event::Decided(decided) => {
                let state = self.ledger.state();
                state
                    .card(decided.handoff)?
                    .place(decided.revision)
                    .cloned()
            }
            Event::Withdrawn {
                handoff, revision, ..
            } => {
                let state = self.ledger.state();
                let card = state.card(*handoff)?;
                let accepted = &card.revision(*revision)?.accepted;
                // What was answered before stays answered, and the card of a silent agent came by no
                // document that somebody waits beside.
                let is_own = accepted.stalled.is_some() || !accepted.violated.is_empty();
                let is_awaited = card.decision(*revision).is_none() && !is_own;
                card.place(*revision).filter(|_| is_awaited).cloned()
            }
            _ => None,
        }
    }

    fn of_hops(&self, event: &Event) -> Vec<Errand> {
        let number = match event {
            Event::Offered(offered) => offered.hop,
            Event::HopTimedOut(overdue) => overdue.hop,
            Event::PackageDelivered { hop, .. }
            | Event::HopResolved { hop, .. }
            | Event::ResultPassed { hop, .. }
            | Event::ReceiverReminded { hop, .. }
            | Event::TaskReturned { hop, .. } => *hop,
            Event::HopStopped(_) => 0,
            _ => match event.answered() {
                Some(answered) => answered.hop,
                None => return Vec::new(),
            },
        };
        let Some(card) = event
            .handoff()
            .and_then(|id| self.ledger.state().card(id).cloned())
        else {
            return Vec::new();
        };
        let hop = match event {
            // The last hop of that revision, where there was one.
            Event::HopStopped(stopped) => {
                let of = |hop: &&Hop| hop.offered.revision == stopped.revision;
                card.hops.iter().rfind(of)
            }
            _ => card.hop(number),
        };
        let mut errands = Vec::new();
        let at = |folder: String| Location {
            workspace: card.workspace.clone(),
            folder,
            file: String::new(),
        };
        let revision = match event {
            Event::HopStopped(stopped) => Some(stopped.revision),
            _ => hop.map(|hop| hop.offered.revision),
        };
        match event {
            Event::Offered(offered) => {
                errands.push(Errand {
                    at: at(folder_of(&offered.to)),
                    what: What::Package,
                });
                // Who handed it to the one that hands it on hears that it went on.
                let before = offered
                    .hop
                    .checked_sub(1)
                    .and_then(|before| card.hop(before));
                let other = before.filter(|one| one.offered.revision != offered.revision);
                errands.extend(other.and_then(|one| {
                    let known = card.revision(one.offered.revision)?;
                    Some(Errand {
                        at: card.place(one.offered.revision)?.clone(),
                        what: What::Acknowledgement {
                            revision: known.accepted.revision,
                            hop: Some(one.offered.hop),
                        },
                    })
                }));
            }
            Event::ReceiverReminded { hop: number, .. } => {
                let to = hop.map(|hop| folder_of(&hop.offered.to));
                let what = What::Reminder(*number);
                errands.extend(to.map(|to| Errand { at: at(to), what }));
            }
            _ => {
                let known = revision.and_then(|revision| card.revision(revision));
                errands.extend(known.map(|known| {
                    Errand {
                        at: card
                            .place(known.accepted.revision)
                            .unwrap_or(&known.accepted.at)
                            .clone(),
                        what: What::Acknowledgement {
                            revision: known.accepted.revision,
                            hop: hop.map(|hop| hop.offered.hop),
                        },
                    }
                }));
            }
        }
        if let Some(answered) = event.answered().filter(|one| !one.at.file.is_empty()) {
            errands.push(Errand {
                at: answered.at.clone(),
                what: What::AnswerReceipt,
            });
        }
        errands.extend(self.listeners(&card, event).into_iter().map(|name| Errand {
            at: at(format!("{}/context", folder_of(&name))),
            what: What::Context(name),
        }));
        errands
    }

    /// Who hears of it, but for the one who says it.
    fn listeners(&self, card: &Card, event: &Event) -> Vec<String> {
        let speaker = match event {
            Event::Offered(offered) => offered.from.as_str(),
            Event::HopStopped(_) => "",
            _ => match event.answered() {
                Some(answered) => answered.agent.as_str(),
                None => return Vec::new(),
            },
        };
        let Some(workspace) = self.workspaces.get(&card.workspace) else {
            return Vec::new();
        };
        let mesh = &workspace.settings.mesh;
        if !mesh.share_context {
            return Vec::new();
        }
        let speaker = mesh.canonical(speaker).to_owned();
        let hears = mesh
            .participants
            .iter()
            .filter(|one| one.hears && one.id != speaker);
        hears.map(|one| one.id.clone()).collect()
    }

    /// Does an errand about a hop.
    pub(super) fn hop_errand(
        &self,
        workspace: &Workspace,
        errand: &Errand,
        body: &Body,
        durable: bool,
        page: &mut Page,
    ) -> Result<(), WritebackError> {
        let Some(id) = body.event.handoff() else {
            return Ok(());
        };
        let Some(card) = self.ledger.state().card(id).cloned() else {
            return Ok(());
        };
        if page.inherited
            && let Ok(folder) = workspace.dir().folder(Path::new(&errand.at.folder))
        {
            let _alone = workspace.answering();
            folder.remove_temporaries()?;
        }
        match (&errand.what, &body.event) {
            (What::Package, Event::Offered(offered)) => self.package(workspace, offered, page),
            (What::Acknowledgement { revision, hop }, _) => {
                self.acknowledge(workspace, &card, (*revision, *hop), durable, page)
            }
            (What::Reminder(hop), _) => Self::reminder(workspace, &card, *hop),
            (What::AnswerReceipt, event) => match event.answered() {
                Some(answered) => self.answer_receipt(workspace, answered, body.at, durable, page),
                None => Ok(()),
            },
            (What::Context(name), event) => self.context(workspace, &card, id, body, event, name),
            _ => Ok(()),
        }
    }

    fn context(
        &self,
        workspace: &Workspace,
        card: &Card,
        id: HandoffId,
        body: &Body,
        event: &Event,
        name: &str,
    ) -> Result<(), WritebackError> {
        let newest = &card.newest().accepted;
        let turn = |agent: &str, word: &str, to: &str, class: &str, why: Option<Why>| ContextTurn {
            seq: body.seq,
            at: body.at,
            handoff_id: id,
            agent: agent.to_owned(),
            event: word.to_owned(),
            to: to.to_owned(),
            class: class.to_owned(),
            withheld: false,
            title: Some(newest.title.clone()),
            said: None,
            why,
        };
        match event {
            Event::Offered(offered) => {
                let turn = turn(&offered.from, "offered", &offered.to, &offered.class, None);
                let revision = card.revision(offered.revision);
                let said = || self.said_in(workspace, &revision?.accepted);
                Self::tell(workspace, turn, &said, name)
            }
            Event::HopStopped(stopped) => {
                let class = card
                    .hops
                    .last()
                    .map_or(workspace.settings.class.as_str(), |hop| {
                        hop.offered.class.as_str()
                    });
                let turn = turn(
                    "countersign",
                    "stopped",
                    &stopped.to,
                    class,
                    Some(stopped.why),
                );
                Self::tell(workspace, turn, &|| None, name)
            }
            _ => {
                let answer = event
                    .answered()
                    .zip(card.hop(event.answered().map_or(0, |a| a.hop)));
                let Some((answered, hop)) = answer else {
                    return Ok(());
                };
                let word = answered.answer.name();
                let class = &hop.offered.class;
                let turn = turn(&answered.agent, word, &hop.offered.from, class, None);
                Self::tell(workspace, turn, &|| self.said_by(answered), name)
            }
        }
    }
}
