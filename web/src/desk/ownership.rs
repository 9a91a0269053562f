//! Who owns a workspace, and how it changes hands.

use std::time::Duration;

use async_trait::async_trait;
use countersign_protocol::ownership::Settlement;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Caller, DeskError, Person};

/// How long an offer waits when nothing is said.
pub const USUAL_OFFER: Duration = Duration::from_hours(72);

/// A person by id and name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Named {
    /// The id, for example `maya`.
    pub id: String,
    /// The name for people.
    pub name: String,
}

/// What the caller may do about who owns a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OwnershipStep {
    /// Offer it to a person.
    Offer,
    /// Accept or decline what is offered.
    Answer,
    /// Take the offer back.
    Withdraw,
    /// Let agents work in it again.
    Return,
}

/// An offer that waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfferRow {
    /// The ledger entry.
    pub id: u64,
    /// Who is asked.
    pub to: Named,
    /// Who offers.
    pub by: String,
    /// In which words.
    pub note: Option<String>,
    /// When.
    pub at: Timestamp,
    /// After which it is over.
    pub expires: Timestamp,
}

/// A workspace, whose it is, and what is under way about that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnershipRow {
    /// The workspace.
    pub workspace: String,
    /// Its folder.
    pub path: String,
    /// Who answers for it.
    pub owner: Named,
    /// Whether the owner has it for themselves, so that agents may only read.
    pub held: bool,
    /// When it last changed hands.
    pub since: Option<Timestamp>,
    /// What waits for an answer.
    pub offer: Option<OfferRow>,
    /// What became of the files when it last changed hands; none while that is under way, or when it never did.
    pub files: Option<Settlement>,
    /// Whether files still wait for their new owner.
    pub settling: bool,
    /// What the caller may do now.
    pub may: Vec<OwnershipStep>,
}

/// What is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOffer {
    /// A person, by id, name or e-mail address.
    pub to: String,
    /// In which words.
    pub note: Option<String>,
    /// How long it waits.
    pub waits: Duration,
}

/// An offer as its maker gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfferMade {
    /// How it stands now.
    pub ownership: OwnershipRow,
    /// The address at which the person may answer without signing in, told once and only to people: whoever has
    /// it answers in the name of that person.
    pub claim_url: Option<String>,
}

/// Who answers an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimant {
    /// The person who is asked.
    Person(Person),
    /// Whoever has the secret of the claim.
    Secret(String),
}

/// What pages and API ask about who owns what.
#[async_trait]
pub trait OwnershipDesk: Send + Sync + 'static {
    /// Each workspace that the caller may see.
    async fn ownerships(&self, who: &Caller) -> Result<Vec<OwnershipRow>, DeskError>;
    /// Offers a workspace to a person, in the place of an older offer.
    async fn offer_ownership(
        &self,
        who: &Caller,
        workspace: &str,
        offer: NewOffer,
    ) -> Result<OfferMade, DeskError>;
    /// Takes an offer back.
    async fn withdraw_offer(&self, who: &Caller, workspace: &str) -> Result<(), DeskError>;
    /// What a claim is about; nothing is changed.
    async fn claimed(&self, secret: &str) -> Result<OwnershipRow, DeskError>;
    /// Accepts an offer, or declines it with a reason.
    async fn answer_offer(
        &self,
        who: &Claimant,
        workspace: &str,
        accept: bool,
        reason: Option<String>,
    ) -> Result<(), DeskError>;
    /// Lets agents work in a workspace again.
    async fn return_ownership(
        &self,
        who: &Person,
        workspace: &str,
        note: Option<String>,
    ) -> Result<(), DeskError>;
}
