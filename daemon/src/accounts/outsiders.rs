//! People from outside: an invitation to one handoff under the digest of its secret, and the sessions that it opens.
//! What they may do is asked at each request, of the invitation and of whoever made it.

use std::{collections::HashMap, time::Duration};

use countersign_protocol::{
    Digest, HandoffId,
    access::{Permission, Permissions},
    event::AccountChange,
    principal::Actor,
};
use countersign_web::desk::{
    DeskError, NewSession,
    access::Visitor,
    outsiders::{NewOutsider, OutsiderRow},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Accounts, Begin, Change, fact, invalid, secret, sessions::With};
use crate::store::Space;

/// What the id of somebody from outside begins with; no account has a colon.
const PREFIX: &str = "outside:";
const DAY: Duration = Duration::from_hours(24);
/// Longest invitation, in days.
const LONGEST: u32 = 30;
/// Longest name, in characters.
const NAME: usize = 80;
/// Most invitations to one handoff.
const MOST: usize = 50;

/// Somebody who was invited to one handoff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outsider {
    /// Id of the person that they are here.
    id: String,
    /// The handoff.
    pub handoff: HandoffId,
    name: String,
    /// Id of whoever invited them.
    pub by: String,
    by_name: String,
    may: Vec<Permission>,
    made: Timestamp,
    expires: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    opened: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked: Option<Timestamp>,
}

impl Outsider {
    fn holds(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires > now
    }

    fn change(&self, key: Digest) -> Change {
        let text = serde_json::to_string(self).ok();
        (Space::Outsider, key.to_string(), text)
    }

    /// What the invitation gives at the most.
    pub fn may(&self) -> Permissions {
        self.may.iter().copied().collect()
    }

    /// How others read who it is.
    pub fn display(&self) -> String {
        format!(
            "{} (outside reviewer, invited by {})",
            self.name, self.by_name
        )
    }

    fn row(&self, now: Timestamp) -> OutsiderRow {
        OutsiderRow {
            id: self.id.trim_start_matches(PREFIX).to_owned(),
            name: self.name.clone(),
            invited_by: self.by_name.clone(),
            decides: self.may().contains(Permission::Decide),
            state: match self.revoked {
                Some(_) => "revoked",
                None if self.expires <= now => "expired",
                None => "open",
            }
            .to_owned(),
            made_at: self.made,
            expires_at: self.expires,
            opened_at: self.opened,
        }
    }
}

/// Whether `person` is nobody from outside, or their invitation holds.
pub(super) fn still_invited(
    person: &str,
    known: &HashMap<Digest, Outsider>,
    now: Timestamp,
) -> bool {
    let mut all = known.values();
    !person.starts_with(PREFIX) || all.any(|one| one.id == person && one.holds(now))
}

impl Accounts {
    /// How long an invitation is good for when nothing is said.
    pub fn usual_invitation(&self) -> Duration {
        self.0.terms.invitation
    }

    /// Invites somebody to `handoff`: the second value is the secret of the link.
    pub async fn invite(
        &self,
        handoff: HandoffId,
        new: NewOutsider,
        (by, by_name): (&str, &str),
        actor: Actor,
    ) -> Result<(OutsiderRow, String), DeskError> {
        let name = new.name.trim();
        if name.is_empty() || name.chars().count() > NAME || name.chars().any(char::is_control) {
            let why = format!("say in one line of at most {NAME} characters who it is");
            return Err(invalid("name", why));
        }
        let terms = match new.days {
            None => self.0.terms.invitation,
            Some(days) if (1..=LONGEST).contains(&days) => DAY * days,
            Some(_) => {
                let why = format!("an invitation is good for 1 to {LONGEST} days");
                return Err(invalid("days", why));
            }
        };
        let mut may = vec![Permission::Read, Permission::Comment];
        if new.decides {
            may.extend([Permission::RequestChanges, Permission::Decide]);
        }
        let now = self.0.clock.now();
        let secret = secret()?;
        let key = Digest::of(secret.as_bytes());
        let outsider = Outsider {
            id: format!("{PREFIX}{}", &key.to_string()[..16]),
            handoff,
            name: name.to_owned(),
            by: by.to_owned(),
            by_name: by_name.to_owned(),
            may,
            made: now,
            expires: now.checked_add(terms).unwrap_or(Timestamp::MAX),
            opened: None,
            revoked: None,
        };
        let invited = AccountChange::Invited {
            handoff,
            name: outsider.name.clone(),
            may: outsider
                .may
                .iter()
                .map(|one| one.name().to_owned())
                .collect(),
            expires: outsider.expires,
        };
        let _changing = self.0.changing.lock().await;
        if self.outsiders(handoff).len() >= MOST {
            let why = format!("{MOST} people were invited to {handoff} already");
            return Err(invalid("name", why));
        }
        let facts = vec![(actor, fact(&outsider.id, invited))];
        self.record(vec![outsider.change(key)], facts).await?;
        let row = outsider.row(now);
        self.held().outsiders.insert(key, outsider);
        Ok((row, secret))
    }

    /// Who was invited to `handoff`, the newest first.
    pub fn outsiders(&self, handoff: HandoffId) -> Vec<OutsiderRow> {
        let now = self.0.clock.now();
        let held = self.held();
        let here = held.outsiders.values().filter(|one| one.handoff == handoff);
        let mut rows: Vec<_> = here.map(|one| one.row(now)).collect();
        rows.sort_by(|a, b| (b.made_at, &b.id).cmp(&(a.made_at, &a.id)));
        rows
    }

    /// Takes an invitation back; its sessions end.
    pub async fn uninvite(
        &self,
        handoff: HandoffId,
        id: &str,
        actor: Actor,
    ) -> Result<(), DeskError> {
        let _changing = self.0.changing.lock().await;
        let person = format!("{PREFIX}{id}");
        let (key, outsider) = {
            let held = self.held();
            let mut all = held.outsiders.iter();
            let found = all.find(|(_, one)| one.id == person && one.handoff == handoff);
            let found = found.map(|(key, one)| (*key, one.clone()));
            found.ok_or_else(|| DeskError::NotFound(format!("the invitation `{id}`")))?
        };
        if outsider.revoked.is_some() {
            return Ok(());
        }
        let revoked = Outsider {
            revoked: Some(self.0.clock.now()),
            ..outsider
        };
        let ended = self.held().of(&person);
        let mut changes = ended.clone();
        changes.push(revoked.change(key));
        let facts = vec![(actor, fact(&person, AccountChange::Uninvited))];
        self.record(changes, facts).await?;
        let mut held = self.held();
        held.forget(&ended);
        held.outsiders.insert(key, revoked);
        Ok(())
    }

    /// Whose invitation `secret` is, while it holds.
    pub fn invited_outside(&self, secret: &str) -> Option<(Outsider, Timestamp)> {
        let now = self.0.clock.now();
        let held = self.held();
        let found = held.outsiders.get(&Digest::of(secret.as_bytes()));
        let found = found.filter(|one| one.holds(now))?;
        Some((found.clone(), found.expires))
    }

    /// Begins a session for whoever was invited by `secret`.
    pub async fn enter_outside(
        &self,
        secret: &str,
        from: Visitor,
    ) -> Result<(NewSession, HandoffId), DeskError> {
        let _changing = self.0.changing.lock().await;
        let gone = || DeskError::NotFound("this invitation".to_owned());
        let (outsider, until) = self.invited_outside(secret).ok_or_else(gone)?;
        let key = Digest::of(secret.as_bytes());
        let opened = Outsider {
            opened: Some(self.0.clock.now()),
            ..outsider
        };
        let with = With {
            ended: Vec::new(),
            until: Some(until),
            ..With::default()
        };
        let display = opened.display();
        let person = (opened.id.as_str(), display.as_str());
        let session = self.open(person, Begin::OutsideLink, from, with).await?;
        let handoff = opened.handoff;
        self.note(opened.change(key));
        self.held().outsiders.insert(key, opened);
        Ok((session, handoff))
    }

    /// The invitation of the person `id`, when they are from outside and it holds.
    pub fn outsider(&self, id: &str) -> Option<Outsider> {
        if !id.starts_with(PREFIX) {
            return None;
        }
        let now = self.0.clock.now();
        let held = self.held();
        let mut all = held.outsiders.values();
        all.find(|one| one.id == id && one.holds(now)).cloned()
    }
}
