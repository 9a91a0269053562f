//! The contracts of a workspace: named, versioned JSON Schemas that handoffs between agents keep.
//!
//! A handoff names its contract in `contract`; the version is negotiated or refused. A document that is
//! no handoff by itself, such as the payload of a monitoring system, is taken in by a contract that
//! says who it is from, to whom it goes and which field names the task.

mod adopt;
mod lint;
mod prompt;
mod response;
mod schema;
#[cfg(test)]
mod tests;

use std::{io::Read as _, path::Path};

use countersign_protocol::{
    contract::MAX_BYTES,
    problem::{ProblemKind, Refusal, Violation},
};
use serde_json::Value;

use crate::{config, fs::Dir};

pub use adopt::Read;
pub use prompt::prompt;
pub use response::{check_response, response_schema_fault};
pub use schema::{check as check_schema, unfit};

/// A contract that is kept in a workspace.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// Its name.
    pub name: String,
    /// Its version: major and minor.
    pub version: (u32, u32),
    /// What it is for, in words.
    pub purpose: Option<String>,
    /// The JSON Schema of its documents.
    pub schema: Value,
    /// The file of the schema, relative to the workspace.
    pub file: String,
    /// Who a document is from that does not say it.
    pub from: Option<String>,
    /// To whom it goes.
    pub to: Option<String>,
    /// The field that names the task of a document that is no handoff by itself.
    pub task: Option<String>,
    /// The fields that the receiver reads; empty for all.
    pub reads: Vec<String>,
    /// Bytes that a document of it needs at most.
    pub max_bytes: Option<u64>,
    /// The checks that a handoff which keeps it is put through, by name.
    pub checks: Vec<String>,
    /// Stated confidence under which a person is asked, 0 to 1; else that of the workspace.
    pub confidence_floor: Option<f64>,
    /// Stated confidence from which a rule may let it pass without a person, 0 to 1.
    pub progress_from: Option<f64>,
    /// A result has to state its confidence, and under this one a person is asked, 0 to 1.
    pub result_confidence: Option<f64>,
}

impl Contract {
    /// Name and version, as a handoff names it.
    pub fn id(&self) -> String {
        let (major, minor) = self.version;
        format!("{}@{major}.{minor}", self.name)
    }

    /// Holds `document` against the schema.
    pub fn check(&self, document: &Value) -> Result<(), Refusal> {
        schema::check(&self.schema, document, "")
            .map_err(|violations| broken(&self.id(), violations))
    }
}

/// All contracts of a workspace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contracts {
    all: Vec<Contract>,
}

impl Contracts {
    /// Those that the settings `stated` of a workspace name.
    pub fn of(stated: &config::Workspace) -> Result<Self, String> {
        let named = &stated.transfers.contracts;
        if named.is_empty() {
            return Ok(Self::default());
        }
        let dir = Dir::open(&stated.path.value).map_err(|error| error.to_string())?;
        Self::load(&dir, named)
    }

    /// These, in this order.
    #[cfg(test)]
    pub(crate) fn new(all: Vec<Contract>) -> Self {
        Self { all }
    }

    /// Reads the schemas of `stated`, files in the workspace `dir`.
    pub fn load(dir: &Dir, stated: &[config::Contract]) -> Result<Self, String> {
        let mut all: Vec<Contract> = Vec::new();
        for one in stated {
            let contract = load(dir, one)
                .map_err(|why| format!("the contract `{}`: {why}", one.name.value))?;
            if all.iter().any(|known| known.id() == contract.id()) {
                return Err(format!("the contract `{}` is there twice", contract.id()));
            }
            all.push(contract);
        }
        Ok(Self { all })
    }

    /// All of them, in the order in which they are named.
    pub fn all(&self) -> &[Contract] {
        &self.all
    }

    /// The contract with this name and version, as a handoff that was taken in says it.
    pub fn get(&self, id: &str) -> Option<&Contract> {
        self.all.iter().find(|one| one.id() == id)
    }

    /// The contract that `wanted` means: `name` for the newest version, `name@1` for the newest of a major
    /// one, `name@1.0` for that one or, where it is gone, the next minor one that still reads it.
    pub fn negotiate(&self, wanted: &str) -> Result<&Contract, Refusal> {
        let (name, version) = match wanted.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (wanted, None),
        };
        let mut known: Vec<&Contract> = self.all.iter().filter(|one| one.name == name).collect();
        known.sort_by_key(|one| one.version);
        let found = match version.map(parts) {
            None => known.last().copied(),
            Some(Some((major, None))) => known.iter().rfind(|one| one.version.0 == major).copied(),
            Some(Some((major, Some(minor)))) => {
                let reads = |one: &&&Contract| one.version.0 == major && one.version.1 >= minor;
                known.iter().find(reads).copied()
            }
            Some(None) => None,
        };
        found.ok_or_else(|| {
            let listed: Vec<String> = match known.as_slice() {
                [] => self.all.iter().map(Contract::id).collect(),
                some => some.iter().map(|one| one.id()).collect(),
            };
            let fix = match listed.as_slice() {
                [] => "this workspace keeps no contracts; leave `contract` out".to_owned(),
                some => format!("spoken here: {}", some.join(", ")),
            };
            Refusal::new(
                ProblemKind::ContractRefused,
                "unknown_contract",
                format!("the contract `{wanted}` is not spoken here"),
                fix,
            )
            .at("/contract")
        })
    }

    /// Holds a result against the schema of what is expected back.
    pub fn check_result(&self, schema: &Value, result: &Value) -> Result<(), Refusal> {
        schema::check(schema, result, "/result").map_err(|violations| Refusal {
            kind: ProblemKind::NoReturn,
            violations,
        })
    }

    /// What `document` names as its contract, checked against it: name and version, and what is worth
    /// knowing all the same.
    pub fn judge(&self, document: &Value) -> Result<(Option<String>, Vec<Violation>), Refusal> {
        let Some(wanted) = document.get("contract").and_then(Value::as_str) else {
            return Ok((None, Vec::new()));
        };
        let contract = self.negotiate(wanted)?;
        contract.check(document)?;
        let mut warnings = lint::lint(contract, document);
        if wanted.contains('.') && wanted != contract.id() {
            warnings.push(Violation {
                code: "negotiated".to_owned(),
                pointer: "/contract".to_owned(),
                line: 0,
                column: 0,
                message: format!("is read as {}", contract.id()),
                fix: Some("state that version once the document keeps it".to_owned()),
            });
        }
        Ok((Some(contract.id()), warnings))
    }
}

/// Major, and minor where it is stated.
fn parts(version: &str) -> Option<(u32, Option<u32>)> {
    match version.split_once('.') {
        None => Some((version.parse().ok()?, None)),
        Some((major, minor)) => Some((major.parse().ok()?, Some(minor.parse().ok()?))),
    }
}

fn load(dir: &Dir, stated: &config::Contract) -> Result<Contract, String> {
    let version = match parts(&stated.version.value) {
        Some((major, minor)) => (major, minor.unwrap_or(0)),
        None => {
            return Err(format!(
                "`{}` is no version; write for example `1.0`",
                stated.version.value
            ));
        }
    };
    let path = &stated.schema.value;
    let shown = path.display();
    let unreadable = |why: String| format!("`{shown}` cannot be read: {why}");
    let file = dir
        .open_file(Path::new(path))
        .map_err(|error| unreadable(error.source.to_string()))?;
    let mut text = String::new();
    file.take(MAX_BYTES as u64 + 1)
        .read_to_string(&mut text)
        .map_err(|error| unreadable(error.to_string()))?;
    if text.len() > MAX_BYTES {
        return Err(format!("`{shown}` has more than {MAX_BYTES} bytes"));
    }
    let schema: Value =
        serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    if let Some(why) = schema::unfit(&schema) {
        return Err(format!("`{shown}` {why}"));
    }
    let text = |setting: &Option<config::Setting<config::Id>>| {
        setting.as_ref().map(|one| one.value.to_string())
    };
    Ok(Contract {
        name: stated.name.value.to_string(),
        version,
        purpose: stated.purpose.as_ref().map(|one| one.value.clone()),
        schema,
        file: shown.to_string(),
        from: text(&stated.from),
        to: text(&stated.to),
        task: stated.task.as_ref().map(|one| one.value.clone()),
        reads: stated
            .reads
            .as_ref()
            .map(|one| one.value.clone())
            .unwrap_or_default(),
        max_bytes: stated.max_bytes.as_ref().map(|one| one.value.0),
        checks: stated
            .checks
            .iter()
            .flat_map(|one| &one.value)
            .map(ToString::to_string)
            .collect(),
        confidence_floor: stated.confidence_floor.as_ref().map(|one| one.value),
        progress_from: stated.progress_from.as_ref().map(|one| one.value),
        result_confidence: stated.result_confidence.as_ref().map(|one| one.value),
    })
}

fn broken(contract: &str, mut violations: Vec<Violation>) -> Refusal {
    for violation in &mut violations {
        violation.message = format!("{} ({contract})", violation.message);
    }
    Refusal {
        kind: ProblemKind::InvalidContract,
        violations,
    }
}
