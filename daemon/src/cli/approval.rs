//! Who vouches for approved work: the daemon, else its ledger, else the record in the workspace.

use std::path::{Component, Path, PathBuf};

use countersign_protocol::{
    HandoffId,
    decision::DecisionDocument,
    names,
    release::ReleaseRecord,
    terms::{Lapsed, Use},
};
use countersign_web::desk::boundaries::Release;
use jiff::Timestamp;

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
};
use crate::{
    fs::{Dir, InstanceLock, read_limited},
    ledger::{State, released, verify},
    store::SqliteStore,
};

/// Records are as long as their lists of files.
const LONGEST_RECORD: u64 = 64 * 1024 * 1024;

/// A place in `approved/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The real path of the workspace.
    pub(crate) workspace: PathBuf,
    /// The handoff whose release it is in.
    pub(crate) handoff: HandoffId,
    /// The path in the release; empty for all of it.
    pub(crate) below: PathBuf,
}

impl Place {
    /// The place that `path` names. No link in the release is followed: a link is what is looked for there.
    pub(crate) fn of(path: &Path, context: &Context) -> Result<Option<Self>, Failure> {
        let given = context.at(path);
        let missing = |error: std::io::Error| {
            let text = format!("cannot open `{}`: {error}", path.display());
            Failure::new(Exit::NotFound, text)
        };
        let given = std::path::absolute(given).map_err(missing)?;
        let given = if given.components().any(|part| part == Component::ParentDir) {
            given.canonicalize().map_err(missing)?
        } else {
            given
        };
        let parts: Vec<Component<'_>> = given.components().collect();
        let found = (1..parts.len()).rev().find_map(|at| {
            let id: HandoffId = parts[at].as_os_str().to_str()?.parse().ok()?;
            let is_release = parts[at - 1].as_os_str() == names::APPROVED
                && parts[at].as_os_str().to_str() == Some(id.to_string().as_str());
            is_release.then_some((at, id))
        });
        let Some((at, handoff)) = found else {
            return Ok(None);
        };
        let workspace: PathBuf = parts[..at - 1].iter().collect();
        Ok(Some(Self {
            workspace: workspace.canonicalize().map_err(missing)?,
            handoff,
            below: parts[at + 1..].iter().collect(),
        }))
    }

    /// The folder of the release relative to the workspace.
    pub(crate) fn release(&self) -> PathBuf {
        Path::new(names::APPROVED).join(self.handoff.to_string())
    }
}

/// Who said what was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voucher {
    /// The running daemon.
    Daemon,
    /// Its ledger, whose chain was checked.
    Ledger,
    /// The files that the daemon left in the workspace.
    Record,
}

impl Voucher {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Daemon => "daemon",
            Self::Ledger => "ledger",
            Self::Record => "record",
        }
    }
}

/// What was approved.
#[derive(Debug)]
pub(crate) struct Approval {
    pub(crate) voucher: Voucher,
    pub(crate) record: ReleaseRecord,
    pub(crate) decision: DecisionDocument,
    /// The use of it, when it was good for one.
    pub(crate) used: Option<Use>,
    /// What could not be checked, one sentence each.
    pub(crate) unchecked: Vec<String>,
}

impl Approval {
    /// Why it holds no longer at `now`, although every byte may be as it was.
    pub(crate) fn lapsed(&self, now: Timestamp) -> Option<Lapsed> {
        self.decision.terms.lapsed(self.used.as_ref(), now)
    }
}

/// Finds out what was approved as `id`. `workspace` is where its record lies, when that is known.
pub(crate) fn find(
    id: HandoffId,
    workspace: Option<&Path>,
    context: &Context,
) -> Result<Approval, Failure> {
    let asked = Client::find(context).and_then(|client| {
        let serves = |folder: &Path| {
            let endpoint = client.endpoint.as_ref();
            endpoint.is_none_or(|endpoint| endpoint.workspace_of(folder).is_some())
        };
        if !workspace.is_none_or(serves) {
            let text = "the daemon of this machine does not serve that workspace";
            return Err(Failure::new(Exit::Unreachable, text));
        }
        client.get::<Release>(&format!("/api/v1/handoffs/{id}/release"))
    });
    let why = match asked {
        Ok(release) => {
            return checked(Approval {
                voucher: Voucher::Daemon,
                record: release.record,
                decision: release.decision,
                used: release.used,
                unchecked: Vec::new(),
            });
        }
        // What the daemon knows is final; that it cannot be asked is not.
        Err(failure) if matches!(failure.exit, Exit::Unreachable | Exit::NotAllowed) => failure,
        Err(failure) => return Err(failure),
    };
    if context.options.url.is_some() {
        return Err(why);
    }
    let of_ledger = match context.data_dir() {
        Ok(data_dir) => from_ledger(id, &data_dir)?,
        Err(_) => None,
    };
    if let Some((record, decision, used)) = of_ledger {
        return checked(Approval {
            voucher: Voucher::Ledger,
            record,
            decision,
            used,
            unchecked: Vec::new(),
        });
    }
    let Some(workspace) = workspace else {
        return Err(why);
    };
    from_record(id, workspace, &why.message)
}

/// A voucher that contradicts itself vouches for nothing.
fn checked(approval: Approval) -> Result<Approval, Failure> {
    let Approval {
        record, decision, ..
    } = &approval;
    let id = record.handoff_id;
    if !decision.outcome.is_approval() || decision.handoff_id != id {
        let text = format!("{id} was not approved but {}", decision.outcome.word());
        return Err(Failure::new(Exit::Contract, text));
    }
    let digest = record.manifest_digest(decision.handoff_sha256);
    let approved = decision.approved_manifest();
    if digest != approved
        || digest != record.manifest_sha256
        || record.revision != decision.revision
    {
        let text = format!(
            "what is on record about {id} does not belong to its decision: the list of files gives {}, and {} was approved",
            digest.short(),
            approved.short()
        );
        return Err(Failure::new(Exit::Contract, text).hint(
            "somebody changed the record; run this where the daemon or its ledger can be asked",
        ));
    }
    Ok(approval)
}

/// Reads the ledger itself, when no daemon has it and we may.
fn from_ledger(
    id: HandoffId,
    data_dir: &Path,
) -> Result<Option<(ReleaseRecord, DecisionDocument, Option<Use>)>, Failure> {
    let path = data_dir.join(crate::app::LEDGER_FILE);
    if !path.is_file() {
        return Ok(None);
    }
    let Ok(_lock) = InstanceLock::take(data_dir) else {
        return Ok(None);
    };
    let fail = |error: String| {
        Failure::new(Exit::Failed, error)
            .hint("keep the data folder as it is, and compare it with a backup")
    };
    let mut store = SqliteStore::open(&path).map_err(|error| fail(error.to_string()))?;
    let mut state = State::default();
    verify(&mut store, |body, hash| state.apply(body, hash))
        .map_err(|error| fail(error.to_string()))?;
    let Some(card) = state.card(id) else {
        // It may be of another daemon, whose ledger is not here.
        return Ok(None);
    };
    let Some((record, decision)) = released(&state, card) else {
        let text = format!("{id} was not approved, or nothing was released for it");
        return Err(Failure::new(Exit::NotFound, text));
    };
    Ok(Some((record, decision, card.used.clone())))
}

/// Reads what the daemon left in the workspace.
fn from_record(id: HandoffId, workspace: &Path, why: &str) -> Result<Approval, Failure> {
    let root = Dir::open(workspace)?;
    let own = Path::new(names::OWN_FOLDER).join(format!("handoffs/{id}"));
    let no_record = |error: crate::fs::Error| {
        let text = format!("there is no record of {id} in `{}`", workspace.display());
        let failure = if error.is_not_found() {
            Failure::new(Exit::NotFound, text)
        } else {
            Failure::new(Exit::Failed, format!("{text}: {}", error.source))
        };
        failure.hint(format!("nobody else could be asked: {why}"))
    };
    let decisions = root.folder(&own).map_err(no_record)?;
    let mut approvals: Vec<DecisionDocument> = decisions
        .list()?
        .iter()
        .filter(|one| one.path.to_string_lossy().starts_with("decision.r"))
        .filter_map(|one| read(&decisions, &one.path))
        .filter(|decision: &DecisionDocument| decision.outcome.is_approval())
        .collect();
    approvals.sort_by_key(|decision| decision.revision);
    let release = Path::new(names::APPROVED).join(id.to_string());
    let folder = root.folder(&release).map_err(no_record)?;
    let records = folder.list()?;
    let record = records
        .iter()
        .filter(|one| one.path.to_string_lossy().ends_with("release.json"))
        .filter_map(|one| Some((one, read::<ReleaseRecord>(&folder, &one.path)?)))
        .find(|(one, record)| one.path == Path::new(&record.record_name()));
    let (Some(decision), Some((_, record))) = (approvals.pop(), record) else {
        let text = format!("the record of {id} is not whole");
        return Err(Failure::new(Exit::NotFound, text).hint(
            "the decision stands under `.countersign/handoffs/`, the list of files in the release",
        ));
    };
    if record.handoff_id != id {
        let text = format!(
            "the record in `{}` is that of {}",
            release.display(),
            record.handoff_id
        );
        return Err(Failure::new(Exit::Contract, text));
    }
    let owner = root.attributes(&own)?.map(|found| found.uid);
    let by = owner.map_or_else(String::new, |uid| format!(", user {uid},"));
    let mut unchecked = vec![format!(
        "that the decision is entry {} of the ledger: {why}. Whoever may write as the owner of the record{by} could have made it",
        decision.log.index
    )];
    if decision.terms.single_use {
        unchecked.push("whether it was used, as it is good for one use".to_owned());
    }
    checked(Approval {
        voucher: Voucher::Record,
        record,
        decision,
        used: None,
        unchecked,
    })
}

fn read<T: serde::de::DeserializeOwned>(folder: &Dir, name: &Path) -> Option<T> {
    let file = folder.open_file(name).ok()?;
    let (bytes, _) = read_limited(&file, LONGEST_RECORD).ok()?;
    serde_json::from_slice(&bytes).ok()
}
