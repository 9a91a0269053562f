//! Makes approval stages of the sign-off gates of a handoff.

use countersign_protocol::{
    approval::ApprovalStage,
    routing::Asked,
    sign_off::{SignOffGate, gates},
};

use super::{plan::Asking, work::Work};

/// The gates of a handoff as stages, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Gates {
    stated: Vec<SignOffGate>,
}

impl Gates {
    /// Reads the gates of `work`.
    pub(super) fn of(work: &Work) -> Self {
        Self {
            stated: gates(&work.document),
        }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.stated.is_empty()
    }

    /// Whether a gate keeps those from approving who ran the agent or answer for it.
    pub(super) fn exclude_submitter(&self) -> bool {
        self.stated.iter().any(|gate| gate.exclude_submitter)
    }

    /// Returns the targets of the first gate that names a role, for who is asked first.
    pub(super) fn first_targets(&self, asking: &Asking<'_>) -> Vec<String> {
        let first = self.stated.first().and_then(|gate| gate.role.as_deref());
        let target = first.and_then(|role| asking.catalog.role(role));
        target
            .map(|target| target.to_string())
            .into_iter()
            .collect()
    }

    /// Returns one stage for each gate. Nobody stands in for a role that nobody holds any more: its stage cannot be
    /// passed until somebody does.
    pub(super) fn stages(&self, asking: &Asking<'_>) -> Vec<ApprovalStage> {
        let stage = |gate: &SignOffGate| ApprovalStage {
            name: gate.label(),
            needed: gate.min_approvals,
            asked: gate.role.iter().map(|role| holders(role, asking)).collect(),
            widens: false,
            by_role: gate.role.is_some(),
        };
        self.stated.iter().map(stage).collect()
    }
}

fn holders(role: &str, asking: &Asking<'_>) -> Asked {
    match asking.catalog.role(role) {
        Some(target) => asking.resolve(&target),
        None => Asked {
            target: format!("role:{role}"),
            people: Vec::new(),
            notes: vec![format!("nobody holds the role `{role}`")],
        },
    }
}

#[cfg(test)]
mod tests;
