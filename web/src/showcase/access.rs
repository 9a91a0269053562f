//! Who comes in: Maya, by her link, by her password, or by a link to set one.

use std::time::Duration;

use async_trait::async_trait;
use countersign_protocol::{
    Digest,
    access::{Permission, Role},
};

use super::{SESSION, START_TOKEN, Showcase, sample};
use crate::desk::{
    AccessDesk, Caller, DeskError, NewSession, Person,
    access::{
        AccountRow, Invitation, Invited, NewAccount, PeopleReport, PersonRow, RoleRow, RolesIn,
        SessionRow, SignInError, Visitor,
    },
};

/// The password of Maya.
pub const PASSWORD: &str = "correct horse battery";
/// A link to set a password that was not used yet.
pub const INVITATION: &str = "invitation-token";

fn account(id: &str, name: &str, state: &str) -> AccountRow {
    AccountRow {
        id: id.to_owned(),
        name: name.to_owned(),
        state: state.to_owned(),
        made_at: sample::now(),
        last_sign_in: (state == "active").then(sample::now),
        sessions: usize::from(state == "active"),
    }
}

fn person(account: Option<AccountRow>, id: &str, name: &str, roles: &[Role]) -> PersonRow {
    let roles: Vec<String> = roles.iter().map(|role| role.name().to_owned()).collect();
    let workspaces = ["billing-backfill", "release-notes"].into_iter();
    let everywhere = workspaces.map(|workspace| RolesIn {
        workspace: workspace.to_owned(),
        roles: roles.clone(),
    });
    PersonRow {
        id: id.to_owned(),
        name: name.to_owned(),
        account,
        local: id.starts_with("local:"),
        roles: everywhere.filter(|row| !row.roles.is_empty()).collect(),
    }
}

/// Five people, each in another way.
pub fn report() -> PeopleReport {
    let active = |id, name| Some(account(id, name, "active"));
    PeopleReport {
        people: vec![
            person(
                None,
                "local:maya",
                "Maya Okafor",
                &[Role::Approver, Role::Operator],
            ),
            person(
                active("sam", "Sam Ito"),
                "sam",
                "Sam Ito",
                &[Role::Reviewer],
            ),
            person(
                Some(account("ines", "Inés Duarte", "invited")),
                "ines",
                "Inés Duarte",
                &[Role::Auditor],
            ),
            person(
                Some(account("tom", sample::HOSTILE, "disabled")),
                "tom",
                sample::HOSTILE,
                &[],
            ),
            person(None, "kim", "Kim Berg", &[Role::Viewer]),
        ],
        roles: Role::ALL
            .into_iter()
            .map(|role| RoleRow {
                name: role.name().to_owned(),
                built_in: true,
                may: role
                    .permissions()
                    .iter()
                    .map(|one| one.name().to_owned())
                    .collect(),
            })
            .chain([RoleRow {
                name: "releaser".to_owned(),
                built_in: false,
                may: vec![Permission::Read.name().to_owned()],
            }])
            .collect(),
    }
}

/// A session of Maya and one of Sam.
pub fn sessions() -> Vec<SessionRow> {
    let session = |id: &str, person: &str, name: &str, browser: &str| SessionRow {
        id: id.to_owned(),
        person: person.to_owned(),
        name: name.to_owned(),
        by: "password".to_owned(),
        address: Some("192.0.2.7".to_owned()),
        browser: browser.to_owned(),
        since: sample::now(),
        seen_at: sample::now(),
        expires_at: sample::now(),
        current: id == "s1",
    };
    vec![
        session("s1", "local:maya", "Maya Okafor", "Firefox on Linux"),
        session("s2", "sam", "Sam Ito", sample::HOSTILE),
    ]
}

impl Showcase {
    fn enter(&self, secret: String) -> NewSession {
        self.record(|state| state.sessions.insert(secret.clone()));
        NewSession {
            secret,
            lifetime: Duration::from_hours(12),
        }
    }

    fn link(&self, id: &str, name: &str) -> Invitation {
        self.moved();
        Invitation {
            account: account(id, name, "invited"),
            link: format!("http://localhost:7420/invitation?t={INVITATION}"),
            expires_at: sample::now(),
        }
    }
}

#[async_trait]
impl AccessDesk for Showcase {
    async fn redeem_start_token(&self, token: &str, _: Visitor) -> Option<NewSession> {
        let secret = if token == START_TOKEN {
            SESSION.to_owned()
        } else if self.lock().start.remove(token) {
            format!("session-by-{token}")
        } else {
            return None;
        };
        Some(self.enter(secret))
    }

    async fn session(&self, secret: &str) -> Option<Person> {
        self.lock().sessions.contains(secret).then(sample::maya)
    }

    async fn peek(&self, secret: &str) -> Option<Person> {
        self.session(secret).await
    }

    fn holds_page_key(&self, secret: &str, shown: Option<Digest>) -> bool {
        let mut state = self.lock();
        let known = state.page_keys.get(secret).copied();
        if let (None, Some(shown)) = (known, shown) {
            state.page_keys.insert(secret.to_owned(), shown);
        }
        known.is_none() || known == shown
    }

    async fn sign_out(&self, secret: &str) {
        self.record(|state| state.sessions.remove(secret));
    }

    async fn bearer(&self, secret: &str) -> Option<Caller> {
        self.lock().bearers.get(secret).cloned()
    }

    async fn start_link(&self, _: &Person) -> Result<String, DeskError> {
        let token = format!("start-{}", self.seq());
        self.record(|state| state.start.insert(token.clone()));
        Ok(format!("http://localhost:7420/start?t={token}"))
    }

    fn has_accounts(&self) -> bool {
        true
    }

    async fn sign_in(
        &self,
        name: &str,
        password: &str,
        from: Visitor,
    ) -> Result<NewSession, SignInError> {
        if name != "maya" || password != PASSWORD {
            return Err(SignInError::Refused);
        }
        if let Some(shown) = from.shown {
            self.record(|state| state.sessions.remove(&shown));
        }
        let secret = format!("session-by-password-{}", self.seq());
        Ok(self.enter(secret))
    }

    async fn enter_by_proxy(&self, name: &str, _: Visitor) -> Option<NewSession> {
        (name == "sam").then(|| self.enter("session-by-proxy".to_owned()))
    }

    async fn invited(&self, token: &str) -> Option<Invited> {
        (token == INVITATION).then(|| Invited {
            id: "sam".to_owned(),
            name: "Sam Ito".to_owned(),
            is_reset: false,
        })
    }

    async fn accept_invitation(
        &self,
        _: &str,
        password: &str,
        _: Visitor,
    ) -> Result<NewSession, DeskError> {
        if password.len() < 12 {
            return Err(DeskError::Invalid {
                field: "password".to_owned(),
                message: "A password has at least 12 characters.".to_owned(),
            });
        }
        Ok(self.enter("session-by-invitation".to_owned()))
    }

    async fn change_password(
        &self,
        _: &Person,
        old: &str,
        _: &str,
        _: Visitor,
    ) -> Result<NewSession, SignInError> {
        if old != PASSWORD {
            return Err(SignInError::Refused);
        }
        Ok(self.enter("session-after-change".to_owned()))
    }

    async fn sessions(
        &self,
        who: &Person,
        all: bool,
        _: Option<&str>,
    ) -> Result<Vec<SessionRow>, DeskError> {
        let rows = sessions().into_iter();
        Ok(rows.filter(|row| all || row.person == who.id).collect())
    }

    async fn end_session(&self, _: &Person, id: &str) -> Result<(), DeskError> {
        if !sessions().iter().any(|row| row.id == id) {
            return Err(DeskError::NotFound(format!("the session `{id}`")));
        }
        self.moved();
        Ok(())
    }

    async fn own_account(&self, who: &Person) -> Result<PersonRow, DeskError> {
        let own = account("maya", &who.display, "active");
        let roles = [Role::Approver, Role::Operator];
        Ok(person(Some(own), &who.id, &who.display, &roles))
    }

    async fn people(&self, who: &Person) -> Result<PeopleReport, DeskError> {
        who.check(Permission::People, None)?;
        Ok(report())
    }

    async fn add_account(&self, who: &Person, new: NewAccount) -> Result<Invitation, DeskError> {
        who.check(Permission::ManagePeople, None)?;
        if new.id.contains(' ') {
            return Err(DeskError::Invalid {
                field: "id".to_owned(),
                message: "A name to sign in with has no spaces.".to_owned(),
            });
        }
        Ok(self.link(&new.id, new.name.as_deref().unwrap_or(&new.id)))
    }

    async fn reset_account(&self, who: &Person, id: &str) -> Result<Invitation, DeskError> {
        who.check(Permission::ManagePeople, None)?;
        Ok(self.link(id, id))
    }

    async fn disable_account(&self, who: &Person, _: &str, _: bool) -> Result<(), DeskError> {
        who.check(Permission::ManagePeople, None)?;
        self.moved();
        Ok(())
    }
}
