//! What the program wires to the desk: the desk imports no other stage of the pipeline.

use std::collections::BTreeMap;

use async_trait::async_trait;
use countersign_protocol::{
    Digest, HandoffId, dialect::Format, event::Location, principal::Principal, receipt::Receipt,
    trace::TraceParent, transfer::AnswerReceipt,
};
use countersign_web::desk::{DeskError, boundaries::WorkspaceBoundaries, transfer::Reread};

use super::OperatorKey;
use crate::{catalog::Roster, sso::Sso};

/// How the rest of the daemon is. The program wires it; the desk imports no other stage.
pub trait Pulse: Send + Sync + 'static {
    /// True once the first scan is done.
    fn ready(&self) -> bool;
    /// What is wrong, one line each.
    fn troubles(&self) -> Vec<String>;
    /// What holds agents back in each workspace, as it was tried. It waits for processes.
    fn boundaries(&self) -> Vec<WorkspaceBoundaries>;
    /// Reads anew what the workspaces for which `wanted` holds say about themselves.
    fn read_anew(&self, wanted: &dyn Fn(&str) -> bool) -> Vec<Reread>;
    /// How a workspace is watched: the mode, and why not better.
    fn watching(&self, workspace: &str) -> (String, Option<String>);
}

/// The numbers for Prometheus. The program wires it to what counts them.
#[async_trait]
pub trait Gauges: Send + Sync + 'static {
    /// All of them, as text.
    async fn read(&self) -> Result<String, String>;
}

/// The way in for deliveries over HTTP. The program wires it to the intake.
#[async_trait]
pub trait Door: Send + Sync + 'static {
    /// Takes a handoff.
    async fn submit(&self, delivery: Delivered) -> Result<Receipt, DeskError>;
    /// Takes the answer of the receiver of a hop.
    async fn answer(&self, answer: AnsweredHop) -> Result<AnswerReceipt, DeskError>;
    /// Reads a refused delivery anew.
    fn look_again(&self, at: &Location);
    /// Keeps a checkpoint.
    async fn checkpoint(
        &self,
        at: Location,
        bytes: Vec<u8>,
        principal: Principal,
    ) -> Result<Digest, DeskError>;
}

/// A handoff that came over HTTP.
#[derive(Debug)]
pub struct Delivered {
    /// The workspace.
    pub workspace: String,
    /// The folder in it.
    pub folder: String,
    /// The document.
    pub document: Vec<u8>,
    /// How it is written.
    pub format: Format,
    /// Files that came with it.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Who sent it.
    pub principal: Principal,
    /// The span of the sender, as its request names it.
    pub traceparent: Option<TraceParent>,
}

/// The answer of a receiver that came over HTTP.
#[derive(Debug)]
pub struct AnsweredHop {
    /// The workspace.
    pub workspace: String,
    /// The card.
    pub id: HandoffId,
    /// The hop.
    pub hop: u32,
    /// Who answers.
    pub agent: String,
    /// The document.
    pub document: Vec<u8>,
    /// Files that came with it.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Who sent it.
    pub principal: Principal,
}

/// Who reviews at this machine, and what everybody may do.
#[derive(Clone, Debug)]
pub struct Local {
    /// Stable id of the person.
    pub id: String,
    /// The name for others.
    pub display: String,
    /// Who may do what.
    pub roster: Roster,
    /// The names of the data classes that people from outside may be invited to.
    pub outside: Vec<&'static str>,
    /// Who else vouches for people.
    pub sso: Option<Sso>,
    /// The key that the command line of this machine shows.
    pub operator_key: OperatorKey,
    /// The address of the pages, without a slash at its end.
    pub public_url: String,
}
