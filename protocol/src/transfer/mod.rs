//! Work that goes from agent to agent: who may hand to whom, when a hop is refused, when a person is
//! asked instead, and what a receiver answers.
//!
//! Pure: the rules of the workspace, what happened before and a proposal in, a verdict out. See
//! `docs/decisions/0020-hops.md`.

mod answer;
mod documents;
mod facts;
mod judge;
mod mesh;
mod offer;
mod work;

pub use answer::{Answer, AnswerKind, Reason};
pub use documents::{
    Acknowledgement, AcknowledgementStatus, AnswerReceipt, ContextTurn, PackageFile,
    ResultDocument, TransferDocument, document_name, transfer_document,
};
pub use facts::{Answered, Gate, Link, Offered, Overdue, Phase, Stopped, Why};
pub use judge::{Go, Holding, Past, Proposal, Verdict, judge};
pub use mesh::{Mesh, Mode, NotAMesh, Participant, rank};
pub use offer::stricter;
pub use work::work_digest;
