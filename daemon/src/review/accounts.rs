//! Who comes in, and who manages that.

use std::collections::BTreeMap;

use async_trait::async_trait;
use countersign_protocol::{Digest, access::Permission, principal::Method};
use countersign_web::desk::{
    AccessDesk, Caller, DeskError, NewSession, Person,
    access::{
        AccountRow, Invitation, Invited, NewAccount, PeopleReport, PersonRow, RoleRow, RolesIn,
        SessionRow, SignInError, Visitor,
    },
};

use super::{LedgerDesk, access::person_actor, person_tokens::check_present};
use crate::{accounts::Linked, config::Id};

/// Longest name of a person, in characters.
const NAME: usize = 80;

impl LedgerDesk {
    /// A link that signs in the person of this machine, once.
    pub fn new_start_link(&self) -> Result<String, DeskError> {
        let secret = self.accounts.new_start()?;
        Ok(format!("{}/start?t={secret}", self.local.public_url))
    }

    fn invitation(&self, linked: Linked) -> Invitation {
        Invitation {
            link: format!("{}/invitation?t={}", self.local.public_url, linked.secret),
            account: linked.account,
            expires_at: linked.expires,
        }
    }

    /// The roles of `id` in each workspace that is served.
    fn roles_of(&self, id: &str) -> Vec<RolesIn> {
        let access = self.access_of(id);
        let all = self.workspaces.all().into_iter();
        let rows = all.map(|workspace| RolesIn {
            roles: access.grant(Some(&workspace.name)).roles.clone(),
            workspace: workspace.name.to_string(),
        });
        rows.filter(|row| !row.roles.is_empty()).collect()
    }

    /// Whoever could set the password of the person of this machine could do all that this person can.
    fn check_local(&self, who: &Person, id: &str) -> Result<(), DeskError> {
        let roster = &self.local.roster;
        if roster.is_local(id) && !roster.is_local(&who.id) {
            return Err(DeskError::NotAllowed(
                "Only the person of this machine changes their own account".to_owned(),
            ));
        }
        Ok(())
    }

    /// The name for a new account, by hand, by the configuration, or its id.
    fn name_for(&self, new: &NewAccount) -> Result<String, DeskError> {
        let invalid = |field: &str, message: String| DeskError::Invalid {
            field: field.to_owned(),
            message,
        };
        let id = new.id.parse::<Id>();
        id.map_err(|why| invalid("id", format!("the name to sign in with {why}")))?;
        let name = new.name.as_deref().map(str::trim).unwrap_or_default();
        if name.chars().count() > NAME || name.chars().any(char::is_control) {
            let message = format!("a name is one line of at most {NAME} characters");
            return Err(invalid("name", message));
        }
        Ok(match name {
            "" => self.policy.catalog().display(&new.id),
            name => name.to_owned(),
        })
    }
}

#[async_trait]
impl AccessDesk for LedgerDesk {
    async fn redeem_start_token(&self, token: &str, from: Visitor) -> Option<NewSession> {
        let person = (self.local.id.as_str(), self.local.display.as_str());
        self.accounts.redeem_start(token, person, from).await
    }

    async fn session(&self, secret: &str) -> Option<Person> {
        let signed = self.accounts.signed(secret, true)?;
        Some(self.person(&signed.id, &signed.display, Method::Web))
    }

    async fn peek(&self, secret: &str) -> Option<Person> {
        let signed = self.accounts.signed(secret, false)?;
        Some(self.person(&signed.id, &signed.display, Method::Web))
    }

    fn holds_page_key(&self, secret: &str, shown: Option<Digest>) -> bool {
        self.accounts.holds_page_key(secret, shown)
    }

    async fn sign_out(&self, secret: &str) {
        self.accounts.end(secret).await;
    }

    async fn bearer(&self, secret: &str) -> Option<Caller> {
        self.caller_of(secret)
    }

    async fn start_link(&self, who: &Person) -> Result<String, DeskError> {
        check_present(who)?;
        if self.local.roster.is_local(&who.id) {
            return self.new_start_link();
        }
        Err(DeskError::NotAllowed(
            "A start link signs in the person of this machine, and only they make one".to_owned(),
        ))
    }

    fn has_accounts(&self) -> bool {
        self.accounts.any()
    }

    async fn sign_in(
        &self,
        name: &str,
        password: &str,
        from: Visitor,
    ) -> Result<NewSession, SignInError> {
        self.accounts.sign_in(name, password, from).await
    }

    async fn enter_by_proxy(&self, name: &str, from: Visitor) -> Option<NewSession> {
        let person = self.policy.catalog().person(name);
        let named = person.map(|person| person.name.value.as_str());
        self.accounts.enter_by_proxy(name, named, from).await.ok()
    }

    async fn invited(&self, token: &str) -> Option<Invited> {
        self.accounts.invited(token)
    }

    async fn accept_invitation(
        &self,
        token: &str,
        password: &str,
        from: Visitor,
    ) -> Result<NewSession, DeskError> {
        self.accounts.accept(token, password, from).await
    }

    async fn change_password(
        &self,
        who: &Person,
        old: &str,
        new: &str,
        from: Visitor,
    ) -> Result<NewSession, SignInError> {
        self.accounts.change_password(&who.id, old, new, from).await
    }

    async fn sessions(
        &self,
        who: &Person,
        all: bool,
        current: Option<&str>,
    ) -> Result<Vec<SessionRow>, DeskError> {
        check_present(who)?;
        if all {
            who.check(Permission::People, None)?;
        }
        let of = (!all).then_some(who.id.as_str());
        Ok(self.accounts.list(of, current))
    }

    async fn end_session(&self, who: &Person, id: &str) -> Result<(), DeskError> {
        check_present(who)?;
        let anybody = who.access.may(Permission::ManagePeople, None);
        let of = (!anybody).then_some(who.id.as_str());
        self.accounts.end_one(id, of, person_actor(who)).await
    }

    async fn own_account(&self, who: &Person) -> Result<PersonRow, DeskError> {
        let mut accounts = self.accounts.rows().into_iter();
        Ok(PersonRow {
            id: who.id.clone(),
            name: who.display.clone(),
            account: accounts.find(|account| account.id == who.id),
            local: self.local.roster.is_local(&who.id),
            roles: self.roles_of(&who.id),
        })
    }

    async fn people(&self, who: &Person) -> Result<PeopleReport, DeskError> {
        who.check(Permission::People, None)?;
        let catalog = self.policy.catalog();
        let accounts = self.accounts.rows().into_iter();
        let mut accounts: BTreeMap<String, AccountRow> =
            accounts.map(|row| (row.id.clone(), row)).collect();
        let mut names = BTreeMap::from([(self.local.id.clone(), self.local.display.clone())]);
        for person in catalog.people() {
            names
                .entry(person.id.to_string())
                .or_insert_with(|| person.name.value.clone());
        }
        for account in accounts.values() {
            names.insert(account.id.clone(), account.name.clone());
        }
        let people = names.into_iter().map(|(id, name)| PersonRow {
            account: accounts.remove(&id),
            local: self.local.roster.is_local(&id),
            roles: self.roles_of(&id),
            id,
            name,
        });
        let people = people.collect();
        let roles = self.local.roster.roles().into_iter();
        let roles = roles.map(|(name, built_in, may)| RoleRow {
            name,
            built_in,
            may: may.into_iter().map(|one| one.name().to_owned()).collect(),
        });
        Ok(PeopleReport {
            people,
            roles: roles.collect(),
        })
    }

    async fn add_account(&self, who: &Person, new: NewAccount) -> Result<Invitation, DeskError> {
        who.check(Permission::ManagePeople, None)?;
        self.check_local(who, &new.id)?;
        let name = self.name_for(&new)?;
        let linked = self.accounts.add(&new.id, &name, person_actor(who)).await?;
        Ok(self.invitation(linked))
    }

    async fn reset_account(&self, who: &Person, id: &str) -> Result<Invitation, DeskError> {
        who.check(Permission::ManagePeople, None)?;
        self.check_local(who, id)?;
        let linked = self.accounts.reset(id, person_actor(who)).await?;
        Ok(self.invitation(linked))
    }

    async fn disable_account(&self, who: &Person, id: &str, off: bool) -> Result<(), DeskError> {
        who.check(Permission::ManagePeople, None)?;
        self.check_local(who, id)?;
        self.accounts.disable(id, off, person_actor(who)).await
    }
}
