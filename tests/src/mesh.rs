//! Agents that hand to each other and know nothing but files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::{
    agent::{Agent, Care, Delivery, Package, put},
    wait,
};

/// An agent with a folder of its own below `agents/`.
#[derive(Clone, Debug)]
pub struct Member {
    /// The agent.
    pub agent: Agent,
}

impl Member {
    /// The agent `name` in `workspace`.
    pub fn new(name: &str, workspace: &Path) -> Self {
        Self {
            agent: Agent::new(name, workspace),
        }
    }

    /// Its folder.
    pub fn folder(&self) -> PathBuf {
        self.agent.workspace.join("agents").join(&self.agent.name)
    }

    /// Hands `package` over from the folder `work` below its own.
    pub fn hand(&self, work: &str, package: &Package) -> Delivery {
        let folder = format!("agents/{}/{work}", self.agent.name);
        self.agent
            .write(&folder, package, Care::Rename)
            .expect("agents can write")
    }

    /// A handoff of the task `id` to `to`.
    pub fn package(&self, id: &str, to: &str) -> Package {
        self.agent
            .package(id)
            .with("task_id", id)
            .with("to_agent", to)
    }

    /// The packages that lie in its folder, oldest first.
    pub fn packages(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.folder()) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| countersign_protocol::names::parse_package(name).is_some())
            .collect();
        names.sort();
        names
    }

    /// Waits for the package of that name; gives what it says.
    pub fn takes(&self, name: &str) -> Value {
        let path = self.folder().join(name).join("transfer.json");
        wait::until(&format!("{}", path.display()), || read(&path))
    }

    /// What the package of that name says, when it is there.
    pub fn package_now(&self, name: &str) -> Option<Value> {
        read(&self.folder().join(name).join("transfer.json"))
    }

    /// The receipt of the last answer to a package, when it is there.
    pub fn heard_now(&self, name: &str) -> Option<Value> {
        read(&self.folder().join(format!("{name}.answer.receipt.json")))
    }

    /// Answers a package.
    pub fn answers(&self, name: &str, answer: &Value) {
        let path = self.folder().join(format!("{name}.answer.json"));
        let mut answer = answer.clone();
        answer["answer_version"] = json!("1.0");
        let text = serde_json::to_vec_pretty(&answer).expect("a value is JSON");
        put(&path, &text, Care::Rename).expect("agents can write");
    }

    /// The receipt of the last answer to a package, once it is `word`.
    pub fn was_heard(&self, name: &str, word: &str) -> Value {
        let path = self.folder().join(format!("{name}.answer.receipt.json"));
        wait::until(&format!("{word} in {}", path.display()), || {
            read(&path).filter(|receipt| receipt["answer"] == word)
        })
    }

    /// The refusal of the last answer to a package.
    pub fn was_refused(&self, name: &str) -> Value {
        let path = self.folder().join(format!("{name}.answer.errors.json"));
        wait::until(&format!("{}", path.display()), || read(&path))
    }
}

/// Waits until the sender is told `status`.
pub fn acknowledged(delivery: &Delivery, status: &str) -> Value {
    let mut last = None;
    let told = wait::within(wait::LIMIT, || {
        last = delivery.look::<Value>("handoff.ack.json");
        last.clone().filter(|ack| ack["status"] == status)
    });
    told.unwrap_or_else(|| panic!("the sender was never told `{status}`, but {last:?}"))
}

/// Waits for what came back.
pub fn result(delivery: &Delivery) -> Value {
    wait::until("a result", || delivery.look::<Value>("handoff.result.json"))
}

fn read(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
