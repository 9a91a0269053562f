//! Who comes in and how: accounts, sign-in, sessions, links that work once.

use std::net::IpAddr;

use async_trait::async_trait;
use countersign_protocol::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Caller, DeskError, NewSession, Person};

/// Where a sign-in comes from, for the list of sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visitor {
    /// The address, behind trusted proxies.
    pub address: Option<IpAddr>,
    /// What the browser calls itself, plain text that anybody may have written.
    pub browser: String,
    /// The session that this browser showed; it ends, so that nobody who knew it is signed in by it.
    pub shown: Option<String>,
}

/// An account, without anything secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountRow {
    /// The name to sign in with, and the id of the person.
    pub id: String,
    /// The name for others.
    pub name: String,
    /// `invited` until a password is set, `active`, `disabled`.
    pub state: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// When somebody last signed in with it.
    pub last_sign_in: Option<Timestamp>,
    /// Sessions that are open.
    pub sessions: usize,
}

/// A person with the roles that they have where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonRow {
    /// Id of the person.
    pub id: String,
    /// The name for others.
    pub name: String,
    /// The account to sign in with; without it, this person gets messages and nothing more.
    pub account: Option<AccountRow>,
    /// True for the person at the machine of the daemon, who comes in by a start link.
    pub local: bool,
    /// Workspace and roles there, by name of the workspace; those without any are left out.
    pub roles: Vec<RolesIn>,
}

/// The roles of a person in a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RolesIn {
    /// The workspace.
    pub workspace: String,
    /// Names of the roles.
    pub roles: Vec<String>,
}

/// A role with what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoleRow {
    /// Its name.
    pub name: String,
    /// False for one of the operator's own making.
    pub built_in: bool,
    /// Names of its permissions.
    pub may: Vec<String>,
}

/// Who there is, and what each role may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeopleReport {
    /// People with an account or in the configuration, by id.
    pub people: Vec<PersonRow>,
    /// The roles there are.
    pub roles: Vec<RoleRow>,
}

/// Somebody to make an account for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// The name to sign in with; the id of the person where one is configured.
    pub id: String,
    /// The name for others; else that of the configuration, else the id.
    #[serde(default)]
    pub name: Option<String>,
}

/// A link with which somebody sets a password, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// The account.
    pub account: AccountRow,
    /// The whole link. It is shown this once.
    pub link: String,
    /// After which it is refused.
    pub expires_at: Timestamp,
}

/// Whom a link to set a password is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// The account.
    pub id: String,
    /// The name for others.
    pub name: String,
    /// True when there was a password before.
    pub is_reset: bool,
}

/// An open session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionRow {
    /// Public id, which signs nobody in.
    pub id: String,
    /// Id of the person.
    pub person: String,
    /// The name of the person.
    pub name: String,
    /// How it began: `start_link`, `password`, `invitation`, `proxy`, `sso`.
    pub by: String,
    /// From where.
    pub address: Option<String>,
    /// What the browser called itself.
    pub browser: String,
    /// Since when.
    pub since: Timestamp,
    /// The last request, to the minute.
    pub seen_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// True for the session of whoever asks.
    pub current: bool,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The name or the password is wrong, or the account is disabled; which of them is not told.
    #[error("the name or the password is not right")]
    Refused,
    /// Too many sign-ins are being checked.
    #[error("too many sign-ins are being checked")]
    Busy,
    /// It cannot be recorded now.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

/// Who comes in and how.
#[async_trait]
pub trait AccessDesk: Send + Sync + 'static {
    /// Spends a one-time start token.
    async fn redeem_start_token(&self, token: &str, from: Visitor) -> Option<NewSession>;
    /// The person of a session cookie. The request counts as a sign of life.
    async fn session(&self, secret: &str) -> Option<Person>;
    /// The same for what a page does by itself while nobody is at it.
    async fn peek(&self, secret: &str) -> Option<Person>;
    /// Checks the key that the page of a session shows beside the form token. The first one that is shown soon after the
    /// sign-in belongs to the session from then on; a session without one, since no script runs, asks for none.
    fn holds_page_key(&self, secret: &str, shown: Option<Digest>) -> bool;
    /// Ends a session.
    async fn sign_out(&self, secret: &str);
    /// Who a bearer token stands for.
    async fn bearer(&self, secret: &str) -> Option<Caller>;
    /// Makes a one-time start link. It signs in the person of this machine, so only they may.
    async fn start_link(&self, who: &Person) -> Result<String, DeskError>;

    /// Whether anybody can sign in with a password.
    fn has_accounts(&self) -> bool;
    /// Signs in with name and password. The session is a new one each time.
    async fn sign_in(
        &self,
        name: &str,
        password: &str,
        from: Visitor,
    ) -> Result<NewSession, SignInError>;
    /// Signs in somebody of whom a trusted proxy says who they are; only who has an account that can be used, or
    /// is in the configuration.
    async fn enter_by_proxy(&self, name: &str, from: Visitor) -> Option<NewSession>;
    /// Whom a link is for, when it still works. Nothing is spent.
    async fn invited(&self, token: &str) -> Option<Invited>;
    /// Spends a link: sets the password and signs in. Sessions from before end.
    async fn accept_invitation(
        &self,
        token: &str,
        password: &str,
        from: Visitor,
    ) -> Result<NewSession, DeskError>;
    /// Sets another password. All sessions of the account end; the one that is given back is new.
    async fn change_password(
        &self,
        who: &Person,
        old: &str,
        new: &str,
        from: Visitor,
    ) -> Result<NewSession, SignInError>;

    /// The open sessions of `who`, or of everybody; `current` is the secret that `who` showed.
    async fn sessions(
        &self,
        who: &Person,
        all: bool,
        current: Option<&str>,
    ) -> Result<Vec<SessionRow>, DeskError>;
    /// Ends a session by its public id: one's own, or with the permission anybody's.
    async fn end_session(&self, who: &Person, id: &str) -> Result<(), DeskError>;

    /// The account and the roles of `who`.
    async fn own_account(&self, who: &Person) -> Result<PersonRow, DeskError>;
    /// Who there is, with roles.
    async fn people(&self, who: &Person) -> Result<PeopleReport, DeskError>;
    /// Makes an account, and a link with which its owner sets the password.
    async fn add_account(&self, who: &Person, new: NewAccount) -> Result<Invitation, DeskError>;
    /// Makes a link with which the owner of an account sets another password.
    async fn reset_account(&self, who: &Person, id: &str) -> Result<Invitation, DeskError>;
    /// Disables an account, which ends its sessions, or enables it again.
    async fn disable_account(&self, who: &Person, id: &str, off: bool) -> Result<(), DeskError>;
}
