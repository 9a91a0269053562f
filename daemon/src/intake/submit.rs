//! A delivery over HTTP: the same rules, the same seal, the same job.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use countersign_protocol::{
    Digest,
    contract::Rules,
    dialect::Format,
    event::Location,
    names, path,
    principal::Principal,
    problem::{ProblemKind, Refusal},
    receipt::{Receipt, ReceiptStatus},
    trace::TraceParent,
};

use super::{
    Admitted, Delivery, Intake, admit,
    gather::{Gather, Problem, place},
    lane::{self, Lane},
    look::{is_ours, still_written},
};
use crate::{fs::Dir, ledger::TransactError, workspace::Workspace};

/// A document that was sent, with where it belongs.
#[derive(Debug)]
pub struct Submitted {
    /// Folder in the workspace that its paths are relative to; empty for the workspace itself.
    pub folder: String,
    /// The document.
    pub document: Vec<u8>,
    /// How it is written.
    pub format: Format,
    /// Files that came with it, by path.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Who sent it.
    pub principal: Principal,
    /// The span of the sender, as its request names it.
    pub traceparent: Option<TraceParent>,
}

/// Why it was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// It breaks a rule. The sender was told; nothing is recorded, since the sender holds the bytes.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It cannot be recorded now.
    #[error("{0}")]
    Unavailable(String),
}

impl Intake {
    /// Takes a delivery; gives the receipt once it is on the disk.
    pub async fn submit(
        &self,
        workspace: Arc<Workspace>,
        submitted: Submitted,
    ) -> Result<Receipt, SubmitError> {
        let submitted = Arc::new(Submitted {
            folder: folder_as_named(&submitted.folder),
            files: as_named(submitted.files),
            ..submitted
        });
        let mut lane = Lane::Small;
        let delivery = loop {
            let _turn = self.inner.turns.wait(&workspace.name, lane).await;
            let (me, workspace, submitted) =
                (self.clone(), Arc::clone(&workspace), Arc::clone(&submitted));
            let prepared = lane::run(lane, move || me.prepare(&workspace, &submitted, lane));
            match prepared.await.map_err(SubmitError::Unavailable)?? {
                Prepared::Ready(delivery) => break *delivery,
                Prepared::Large(next) => lane = next,
            }
        };
        let pins = Arc::clone(&delivery.pins);
        let recorded = self
            .inner
            .ledger
            .transact(move |state, now| {
                // A key that was used for other bytes is told to the sender and is no dead letter.
                let draft = admit::admit(state, now, delivery);
                match draft.value {
                    Admitted::Conflict(refusal) => Err(refusal),
                    _ => Ok(draft),
                }
            })
            .await;
        drop(pins);
        let (id, revision, status) = match recorded {
            Ok((Admitted::New(id, revision), _)) => (id, revision, ReceiptStatus::Accepted),
            Ok((Admitted::Duplicate(id, revision), _)) => (id, revision, ReceiptStatus::Duplicate),
            Ok((Admitted::Conflict(refusal), _)) | Err(TransactError::Refused(refusal)) => {
                return Err(refusal.into());
            }
            Err(error) => return Err(SubmitError::Unavailable(error.to_string())),
        };
        let state = self.inner.ledger.state();
        let revision = state
            .card(id)
            .and_then(|card| card.revision(revision).cloned());
        revision
            .map(|first| Receipt::of(&first.accepted, first.at, status, &self.inner.public_url))
            .ok_or_else(|| {
                SubmitError::Unavailable(format!("{id} was recorded but cannot be read"))
            })
    }

    fn prepare(
        &self,
        workspace: &Workspace,
        submitted: &Submitted,
        lane: Lane,
    ) -> Result<Prepared, SubmitError> {
        let Submitted {
            folder,
            document,
            format,
            files,
            principal,
            traceparent,
        } = submitted;
        if !folder.is_empty() {
            path::check(folder).map_err(|problem| {
                Refusal::new(
                    ProblemKind::PathRefused,
                    "folder",
                    format!("the folder `{folder}` is not allowed: {problem}"),
                    "name a folder of the workspace by its relative path",
                )
            })?;
        }
        if is_ours(folder) {
            return Err(SubmitError::Refused(Refusal::new(
                ProblemKind::PathRefused,
                "folder",
                format!("the folder `{folder}` belongs to the daemon"),
                "name a folder of your own",
            )));
        }
        let rules = Rules {
            least: workspace.settings.profile,
        };
        let read =
            workspace
                .settings
                .contracts
                .read(document, *format, rules, names::agent_of(folder))?;
        let (checked, contract, read) = (read.checked, read.contract, read.document);
        let agent = &checked.handoff.from_agent.id;
        speaks_for_itself(principal, agent)
            .and_then(|()| workspace.settings.admit(agent, principal))
            .map_err(|refusal| SubmitError::Refused(place(refusal, &read)))?;
        let here = folder_of(workspace, folder)?;
        let identity = workspace.settings.identity(agent, principal);
        let at = Location {
            workspace: workspace.name.to_string(),
            folder: folder.clone(),
            file: String::new(),
        };
        self.inner
            .may_deliver_at(workspace, &here, &at, (agent, principal))
            .map_err(|problem| SubmitError::Refused(place(problem, &read)))?;
        let gather = Gather {
            folder: &here,
            objects: &self.inner.objects,
            settings: &workspace.settings,
            identity,
            given: Some(files),
            package: None,
            writers: self.inner.writers,
            // Who sends it says that it is finished.
            is_quiet: &|_, _| true,
            observer: self.inner.observer.as_ref(),
            lane,
        };
        let gathered = match gather.all(&checked.handoff.artifacts) {
            Ok(gathered) => gathered,
            Err(Problem::Large(lane)) => return Ok(Prepared::Large(lane)),
            Err(Problem::Busy(path)) => return Err(SubmitError::Refused(still_written(&path))),
            Err(Problem::Refused(refusal)) => {
                return Err(SubmitError::Refused(place(refusal, &read)));
            }
            Err(Problem::Ours(why)) => return Err(SubmitError::Unavailable(why)),
        };
        let sha256 = Digest::of(document);
        let moved = self
            .inner
            .moved_card(workspace, &here, &at, &checked.handoff);
        let delivery = Delivery::new(
            at,
            document.clone(),
            sha256,
            principal.clone(),
            (checked, contract),
            gathered,
            &workspace.settings,
        )
        .traced(*traceparent)
        .of_moved(moved);
        Ok(Prepared::Ready(Box::new(delivery)))
    }
}

/// Returns files by the one way to write their paths, which is that of the manifest.
pub(super) fn as_named(files: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let named = files.into_iter();
    named
        .map(|(path, bytes)| (path::normal(&path).into_owned(), bytes))
        .collect()
}

/// Returns the folder that a sender names; `.` is the workspace itself.
fn folder_as_named(folder: &str) -> String {
    let folder = path::normal(folder);
    match folder.strip_suffix('/').unwrap_or(&folder) {
        "." => String::new(),
        folder => folder.to_owned(),
    }
}

/// What came of an attempt to seal a delivery.
enum Prepared {
    Ready(Box<Delivery>),
    /// Its files are read in that lane.
    Large(Lane),
}

/// A token speaks for one agent. A file only has an owner, and an owner may run many agents.
fn speaks_for_itself(principal: &Principal, stated: &str) -> Result<(), Refusal> {
    match principal {
        Principal::Token { agent, .. } if agent != stated => Err(Refusal::new(
            ProblemKind::PrincipalMismatch,
            "not_this_agent",
            format!("the token speaks for `{agent}`, and the handoff says it is from `{stated}`"),
            "state the agent that the token was made for, or use its own token",
        )
        .at("/from_agent")),
        _ => Ok(()),
    }
}

fn folder_of(workspace: &Workspace, folder: &str) -> Result<Dir, SubmitError> {
    workspace.dir().folder(Path::new(folder)).map_err(|error| {
        let refusal = Refusal::new(
            ProblemKind::PathRefused,
            "folder",
            format!("the workspace has no folder `{folder}`: {}", error.source),
            "make the folder first, or leave it out",
        );
        SubmitError::Refused(refusal)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_speaks_for_its_own_agent_only() {
        let token = Principal::Token {
            id: "t".to_owned(),
            agent: "hermes".to_owned(),
        };
        assert_eq!(speaks_for_itself(&token, "hermes"), Ok(()));
        let refusal = speaks_for_itself(&token, "ares").unwrap_err();
        assert_eq!(refusal.kind, ProblemKind::PrincipalMismatch);
        assert_eq!(refusal.violations[0].pointer, "/from_agent");
        for other in [Principal::Operator, Principal::FileOwner { uid: 1000 }] {
            assert_eq!(speaks_for_itself(&other, "ares"), Ok(()));
        }
    }
}
