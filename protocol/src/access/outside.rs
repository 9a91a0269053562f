//! What somebody from outside may do: something about one card, and nothing of any workspace, so that whatever asks
//! about a workspace refuses them without knowing of them.

use std::{collections::BTreeMap, sync::Arc};

use super::{Access, Grant, Held, Permission};
use crate::id::HandoffId;

impl Access {
    /// What an invitation to `card` gives.
    pub fn for_card(card: HandoffId, grant: Grant) -> Self {
        Self(Arc::new(Held {
            elsewhere: Grant::default(),
            named: BTreeMap::new(),
            card: Some((card, grant)),
        }))
    }

    /// The one card of somebody from outside, with what they may do about it.
    pub fn card(&self) -> Option<(HandoffId, &Grant)> {
        self.0.card.as_ref().map(|(card, grant)| (*card, grant))
    }

    /// What is held about `card`, which is in `workspace`.
    pub fn grant_on(&self, card: HandoffId, workspace: &str) -> &Grant {
        match &self.0.card {
            Some((one, grant)) if *one == card => grant,
            _ => self.grant(Some(workspace)),
        }
    }

    /// Whether `permission` is held about `card`, which is in `workspace`.
    pub fn may_on(&self, permission: Permission, card: HandoffId, workspace: &str) -> bool {
        self.grant_on(card, workspace).may.contains(permission)
    }
}
