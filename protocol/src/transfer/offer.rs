//! From what was handed over to a proposal, and from a proposal that goes to the fact.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Go, Mesh, Offered, Proposal, work_digest};
use crate::{event::Accepted, fallback::Fallback};

/// Where a return contract names no number of hops.
const HOPS: u32 = 32;

impl<'a> Proposal<'a> {
    /// To hand what was accepted with `document` to `to`. `class` is the class of the data.
    pub fn of(
        accepted: &'a Accepted,
        document: &Value,
        (from, to): (&'a str, &'a str),
        class: &'a str,
        now: Timestamp,
    ) -> Self {
        let tools = document.get("capabilities_required");
        let tools = tools.and_then(Value::as_array).into_iter().flatten();
        let back = document.get("return_contract");
        let may_return = back.and_then(|back| back.get("allowed")?.as_bool()) == Some(true);
        let hops = back.and_then(|back| back.get("max_hops")?.as_u64());
        let hops = hops.map_or(HOPS, |hops| u32::try_from(hops).unwrap_or(HOPS));
        let expects = document
            .get("expected_output")
            .is_some_and(|output| !output.is_null());
        let manifest = &accepted.manifest;
        Self {
            from,
            to,
            principal: &accepted.principal,
            work_sha256: work_digest(document, &manifest.entries),
            bytes: manifest.total_size() + document.to_string().len() as u64,
            tools: tools
                .filter_map(|tool| Some(tool.as_str()?.to_owned()))
                .collect(),
            contract: accepted.contract.as_deref(),
            class,
            checked: format!(
                "profile {}, {} sealed",
                accepted.profile.name(),
                match manifest.entries.len() {
                    1 => "1 file".to_owned(),
                    many => format!("{many} files"),
                }
            ),
            returns_within: may_return.then_some(hops),
            expects: may_return || expects,
            due: accepted.due,
            now,
        }
    }

    /// The fact that this is offered. `hop` is its place among the hops of the card, `by` why it goes
    /// there, and `fallback` what the handoff asks for when nobody goes on with it.
    pub fn offered(
        &self,
        mesh: &Mesh,
        go: Go,
        accepted: &Accepted,
        (hop, by): (u32, &str),
        fallback: Option<&Fallback>,
    ) -> Offered {
        let mut patience = SignedDuration::try_from(mesh.acknowledge_within)
            .unwrap_or(SignedDuration::from_mins(5));
        let mut at = self.now;
        let mut next = || {
            at = at.checked_add(patience).unwrap_or(Timestamp::MAX);
            patience = patience.checked_mul(2).unwrap_or(SignedDuration::MAX);
            at
        };
        let mut remind_at: Vec<Timestamp> = (0..mesh.reminders).map(|_| next()).collect();
        let mut acknowledge_by = next();
        if let Some(fallback) = fallback {
            // The handoff itself wants to go elsewhere sooner.
            let stated = self.now.checked_add(fallback.after);
            acknowledge_by = acknowledge_by.min(stated.unwrap_or(Timestamp::MAX));
            remind_at.retain(|at| *at < acknowledge_by);
        }
        Offered {
            handoff: accepted.handoff,
            revision: accepted.revision,
            hop,
            from: mesh.canonical(self.from).to_owned(),
            to: mesh.canonical(self.to).to_owned(),
            by: by.to_owned(),
            chain: go.chain,
            work_sha256: self.work_sha256,
            contract: accepted.contract.clone(),
            gates: go.gates,
            class: self.class.to_owned(),
            since: self.now,
            remind_at,
            acknowledge_by,
            due: self.due,
            progress_within_seconds: fallback
                .and_then(|fallback| u64::try_from(fallback.after.as_secs()).ok()),
            traceparent: accepted
                .trace
                .map(|trace| trace.at(trace.hop(accepted.handoff, hop))),
        }
    }
}

/// The stricter of the class of the workspace and the one that a document states.
pub fn stricter<'a>(workspace: &'a str, stated: Option<&'a str>) -> &'a str {
    match stated {
        Some(stated) if super::rank(stated) > super::rank(workspace) => stated,
        _ => workspace,
    }
}
