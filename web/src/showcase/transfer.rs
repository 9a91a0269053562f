//! Agents that hand to agents, on the desk in memory: one mesh, one path.

use std::time::Duration;

use async_trait::async_trait;
use countersign_protocol::{
    Digest, HandoffId,
    transfer::{AnswerKind, AnswerReceipt, Gate},
};
use jiff::SignedDuration;

use super::{Showcase, sample};
use crate::desk::{
    Caller, DeskError, Person,
    transfer::{
        HopAnswer, HopRow, Mesh, ParticipantRow, Reread, RouteRow, StopRow, TaskPath, TransferDesk,
        WorkItem,
    },
};

/// Three agents of a research house.
pub fn mesh() -> Mesh {
    let one = |id: &str, in_scope: &str, out_of_scope: &str| ParticipantRow {
        id: id.to_owned(),
        in_scope: Some(in_scope.to_owned()),
        out_of_scope: Some(out_of_scope.to_owned()),
        completed: 12,
        ..ParticipantRow::default()
    };
    let route = |from: &str, to: &str, open, lost| RouteRow {
        from: from.to_owned(),
        to: to.to_owned(),
        open,
        completed: 12,
        lost,
    };
    Mesh {
        workspace: "research".to_owned(),
        mode: "autonomous".to_owned(),
        max_hops: 8,
        acknowledge_within_seconds: 300,
        participants: vec![
            ParticipantRow {
                start: true,
                holds: 2,
                ..one(
                    "sec_filing_analyzer",
                    "Financial metrics from filings",
                    "Currency risk",
                )
            },
            ParticipantRow {
                offered: 1,
                holds: 1,
                tools: vec!["fx.rates".to_owned()],
                accepts: vec!["peer-handoff@1.0".to_owned()],
                clearance: Some("internal".to_owned()),
                ..one(
                    "international_risk_assessor",
                    "Currency exposure",
                    "Equity valuation",
                )
            },
            one(
                "credit_analyst",
                "Debt structure and solvency",
                "SEC filing parsing",
            ),
        ],
        routes: vec![
            route("sec_filing_analyzer", "international_risk_assessor", 2, 1),
            route("credit_analyst", "international_risk_assessor", 0, 0),
        ],
        contracts: vec!["peer-handoff@1.0".to_owned()],
        stopped: 1,
    }
}

/// Two hops and a stop.
pub fn path() -> TaskPath {
    let now = sample::now();
    let at = |minutes: i64| now - SignedDuration::from_mins(minutes);
    let hop = |number: u32, to: &str, state: &str, from: i64| HopRow {
        handoff_id: HandoffId(1),
        hop: number,
        revision: number,
        from: "sec_filing_analyzer".to_owned(),
        to: to.to_owned(),
        by: "to_agent".to_owned(),
        state: state.to_owned(),
        offered_at: at(from),
        delivered_at: Some(at(from)),
        taken_at: Some(at(from - 1)),
        ended_at: (state != "accepted").then(|| at(from - 9)),
        waited_seconds: 60,
        held_seconds: 480,
        waits_until: None,
        percent: Some(40),
        fit: Some(0.9),
        confidence: None,
        reason: None,
        note: Some("Brazil and Turkey are done".to_owned()),
        gates: vec![Gate {
            gate: "tools".to_owned(),
            found: "fx.rates".to_owned(),
        }],
        folder: Some(format!("agents/{to}/H-1.{number}")),
    };
    TaskPath {
        holder: Some("international_risk_assessor".to_owned()),
        hops: vec![
            hop(1, "credit_analyst", "declined", 40),
            hop(2, "international_risk_assessor", "accepted", 20),
        ],
        stops: vec![StopRow {
            at: at(30),
            why: "no_progress".to_owned(),
            text: "`credit_analyst` had this task in this very state before".to_owned(),
            to: "credit_analyst".to_owned(),
            by: Some("Maya".to_owned()),
            held_seconds: 1_260,
        }],
    }
}

#[async_trait]
impl TransferDesk for Showcase {
    async fn meshes(&self, _: &Caller) -> Result<Vec<Mesh>, DeskError> {
        Ok(vec![mesh()])
    }

    async fn path(&self, who: &Caller, id: HandoffId) -> Result<TaskPath, DeskError> {
        self.lock().card(who, id)?;
        Ok(path())
    }

    async fn next_work(
        &self,
        who: &Caller,
        agent: &str,
        _: Duration,
    ) -> Result<Option<WorkItem>, DeskError> {
        match who {
            Caller::Agent(own) if own.agent != agent => Err(DeskError::NotAllowed(format!(
                "the token speaks for {}, not for {agent}",
                own.agent
            ))),
            _ => Ok(None),
        }
    }

    async fn read_anew(&self, _: &Person) -> Result<Vec<Reread>, DeskError> {
        Ok(self.record(|_| {
            vec![Reread {
                workspace: "research".to_owned(),
                changed: true,
                trouble: None,
            }]
        }))
    }

    async fn answer_hop(
        &self,
        who: &Caller,
        answer: HopAnswer,
    ) -> Result<AnswerReceipt, DeskError> {
        self.lock().card(who, answer.id)?;
        Ok(self.record(|_| AnswerReceipt {
            receipt_version: "1.0".to_owned(),
            status: "accepted".to_owned(),
            handoff_id: answer.id,
            hop: answer.hop,
            answer: AnswerKind::Accept,
            received_at: sample::now(),
            answer_sha256: Digest::of(&answer.document),
            warnings: Vec::new(),
        }))
    }
}
