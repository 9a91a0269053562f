//! The checks that a workspace and its contracts name.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use countersign_protocol::check::{OnFailure, Owed};

/// A command that looks at what was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckCommand {
    /// The program and its words.
    pub command: Vec<String>,
    /// What follows when it fails.
    pub on_failure: OnFailure,
    /// How long it may take.
    pub time: Duration,
    /// Address space of each of its processes, and its largest file, in bytes.
    pub memory: u64,
    /// How much it may say, in bytes.
    pub output: u64,
    /// What else it may read and run.
    pub read: Vec<PathBuf>,
}

/// The checks that may be named, and where they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckSettings {
    known: BTreeMap<String, CheckCommand>,
    /// For every handoff of the workspace.
    every: Vec<String>,
    /// For those that keep a contract, by `name@version`.
    contracts: BTreeMap<String, Vec<String>>,
}

impl CheckSettings {
    /// Fails when a check is named that nobody knows.
    pub fn new(
        known: BTreeMap<String, CheckCommand>,
        every: Vec<String>,
        contracts: BTreeMap<String, Vec<String>>,
    ) -> Result<Self, String> {
        let mut named = every.iter().chain(contracts.values().flatten());
        if let Some(name) = named.find(|name| !known.contains_key(*name)) {
            return Err(format!(
                "the check `{name}` is named, and the configuration has no `[[check]]` of that name"
            ));
        }
        Ok(Self {
            known,
            every,
            contracts,
        })
    }

    /// The command of a check.
    pub fn find(&self, name: &str) -> Option<&CheckCommand> {
        self.known.get(name)
    }

    /// The checks that a handoff is put through, which keeps `contract`; each once.
    pub fn owed(&self, contract: Option<&str>) -> Vec<Owed> {
        let of_contract = contract.and_then(|contract| self.contracts.get(contract));
        let mut owed: Vec<Owed> = Vec::new();
        for name in self.every.iter().chain(of_contract.into_iter().flatten()) {
            let Some(known) = self.known.get(name) else {
                continue;
            };
            if !owed.iter().any(|one| one.name == *name) {
                owed.push(Owed {
                    name: name.clone(),
                    on_failure: known.on_failure,
                });
            }
        }
        owed
    }
}
