//! Outside reviewers: Rui was invited to everything, and his link works every time.

use std::time::Duration;

use async_trait::async_trait;
use countersign_protocol::{HandoffId, access::Permission};

use super::{Showcase, sample};
use crate::desk::{
    Caller, DeskError, NewSession, OutsidersDesk, Person,
    access::Visitor,
    outsiders::{NewOutsider, OutsideLink, OutsiderRow},
};

/// The secret of the link of Rui.
pub const OUTSIDE: &str = "outside-token";

/// The invitation of Rui.
pub fn row() -> OutsiderRow {
    OutsiderRow {
        id: "o1".to_owned(),
        name: sample::HOSTILE.to_owned(),
        invited_by: "Maya Okafor".to_owned(),
        decides: true,
        state: "open".to_owned(),
        made_at: sample::now(),
        expires_at: sample::now(),
        opened_at: None,
    }
}

fn link() -> OutsideLink {
    OutsideLink {
        handoff: HandoffId(1),
        display: "Rui (outside reviewer, invited by Maya Okafor)".to_owned(),
        until: sample::now(),
    }
}

#[async_trait]
impl OutsidersDesk for Showcase {
    fn usual_invitation(&self) -> Duration {
        Duration::from_hours(72)
    }

    async fn outsiders(&self, who: &Person, id: HandoffId) -> Result<Vec<OutsiderRow>, DeskError> {
        let caller = Caller::Person(who.clone());
        self.lock().card(&caller, id)?;
        who.check(Permission::Invite, None)?;
        Ok(vec![row()])
    }

    async fn invite_outsider(
        &self,
        who: &Person,
        id: HandoffId,
        new: NewOutsider,
    ) -> Result<(OutsiderRow, String), DeskError> {
        drop(self.outsiders(who, id).await?);
        self.moved();
        let made = OutsiderRow {
            name: new.name,
            decides: new.decides,
            ..row()
        };
        Ok((made, format!("http://localhost/outside?t={OUTSIDE}")))
    }

    async fn revoke_outsider(
        &self,
        who: &Person,
        id: HandoffId,
        invitation: &str,
    ) -> Result<(), DeskError> {
        drop(self.outsiders(who, id).await?);
        if invitation != row().id {
            return Err(DeskError::NotFound(format!(
                "the invitation `{invitation}`"
            )));
        }
        self.moved();
        Ok(())
    }

    async fn outside_link(&self, token: &str) -> Option<OutsideLink> {
        (token == OUTSIDE).then(link)
    }

    async fn enter_outside(
        &self,
        token: &str,
        _: Visitor,
    ) -> Result<(NewSession, HandoffId), DeskError> {
        if token != OUTSIDE {
            return Err(DeskError::NotFound("this invitation".to_owned()));
        }
        let secret = "session-from-outside".to_owned();
        self.record(|state| state.sessions.insert(secret.clone()));
        let session = NewSession {
            secret,
            lifetime: Duration::from_hours(12),
        };
        Ok((session, link().handoff))
    }
}
