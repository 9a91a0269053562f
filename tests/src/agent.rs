//! An agent that knows nothing but files.

#![expect(
    clippy::disallowed_methods,
    reason = "agents write into the shared folder"
)]

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use countersign_protocol::{
    Digest,
    decision::DecisionDocument,
    receipt::{ErrorsDocument, Receipt},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::wait;

/// What an agent hands over: a document and its files.
#[derive(Clone, Debug)]
pub struct Package {
    /// The handoff document.
    pub document: Value,
    /// Files by path.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Package {
    /// The smallest handoff that the contract knows.
    pub fn new(agent: &str, task: &str) -> Self {
        Self {
            document: json!({ "handoff_version": "1.0", "from_agent": agent, "task": task }),
            files: BTreeMap::new(),
        }
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.document[field] = value.into();
        self
    }

    /// Adds a file and names it in the document.
    #[must_use]
    pub fn file(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), bytes.into());
        self.name_artifact(json!(path));
        self
    }

    /// Adds a file and states its size and digest too.
    #[must_use]
    pub fn sealed_file(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let stated =
            json!({ "path": path, "size": bytes.len(), "sha256": Digest::of(&bytes).to_string() });
        self.files.insert(path.to_owned(), bytes);
        self.name_artifact(stated);
        self
    }

    fn name_artifact(&mut self, stated: Value) {
        match &mut self.document["artifacts"] {
            Value::Array(list) => list.push(stated),
            other => *other = json!([stated]),
        }
    }

    /// The bytes of the document.
    pub fn text(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(&self.document).expect("a value is JSON")
    }
}

/// How an agent puts a file where it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// Written in place, nothing synced.
    Plain,
    /// Written beside and renamed, nothing synced.
    Rename,
    /// As it should be: synced, renamed, folder synced.
    Synced,
}

/// A delivery that the agent believes done.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Where answers to it appear.
    pub answers: PathBuf,
    /// What stands before the names of the answers.
    pub prefix: String,
    /// Where the document is.
    pub document: PathBuf,
    /// Where the document of a package is once the package was taken out of the inbox.
    pub taken: Option<PathBuf>,
    /// Digest of the document.
    pub sha256: Digest,
}

/// An agent at work in one workspace.
#[derive(Clone, Debug)]
pub struct Agent {
    /// What it calls itself.
    pub name: String,
    /// The workspace.
    pub workspace: PathBuf,
}

impl Agent {
    /// An agent in `workspace`.
    pub fn new(name: &str, workspace: &Path) -> Self {
        Self {
            name: name.to_owned(),
            workspace: workspace.to_owned(),
        }
    }

    /// Something to hand over.
    pub fn package(&self, task: &str) -> Package {
        Package::new(&self.name, task)
    }

    /// Writes the files of `package` into `folder`, then its document as `handoff.json`.
    pub fn write(&self, folder: &str, package: &Package, care: Care) -> std::io::Result<Delivery> {
        self.write_as(
            folder,
            "handoff.json",
            &package.text(),
            &package.files,
            care,
        )
    }

    /// The same with any text as the document and any name for it.
    pub fn write_as(
        &self,
        folder: &str,
        name: &str,
        text: &[u8],
        files: &BTreeMap<String, Vec<u8>>,
        care: Care,
    ) -> std::io::Result<Delivery> {
        let answers = self.workspace.join(folder);
        fs::create_dir_all(&answers)?;
        for (path, bytes) in files {
            put(&answers.join(path), bytes, care)?;
        }
        let document = answers.join(name);
        put(&document, text, care)?;
        if care == Care::Synced {
            sync_up_to(&answers, &self.workspace)?;
        }
        Ok(Delivery {
            answers,
            prefix: prefix(name),
            document,
            taken: None,
            sha256: Digest::of(text),
        })
    }

    /// Builds a package in the staging folder and renames it into the inbox, finished.
    pub fn drop_package(
        &self,
        name: &str,
        package: &Package,
        care: Care,
    ) -> std::io::Result<Delivery> {
        let staging = self.workspace.join(".staging").join(&self.name).join(name);
        fs::create_dir_all(&staging)?;
        for (path, bytes) in &package.files {
            put(&staging.join(path), bytes, care)?;
        }
        let text = package.text();
        put(&staging.join("handoff.json"), &text, care)?;
        let inbox = self.workspace.join("inbox").join(&self.name);
        fs::create_dir_all(&inbox)?;
        fs::rename(&staging, inbox.join(name))?;
        if care == Care::Synced {
            sync_up_to(&inbox, &self.workspace)?;
        }
        let mirror = ".countersign/inbox";
        Ok(Delivery {
            answers: self.workspace.join(mirror).join(&self.name).join(name),
            prefix: String::new(),
            document: inbox.join(name).join("handoff.json"),
            taken: Some(inbox.join(format!(".done-{name}")).join("handoff.json")),
            sha256: Digest::of(&text),
        })
    }
}

impl Delivery {
    /// Whether the delivered bytes are still on the disk.
    pub fn is_there(&self) -> bool {
        let holds =
            |path: &PathBuf| fs::read(path).is_ok_and(|bytes| Digest::of(&bytes) == self.sha256);
        holds(&self.document) || self.taken.as_ref().is_some_and(holds)
    }

    /// An answer of that name as it stands there now.
    pub fn look<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let path = self.answers.join(format!("{}{name}", self.prefix));
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// The receipt for these very bytes, when it is there.
    pub fn receipt_now(&self) -> Option<Receipt> {
        self.look("handoff.receipt.json")
            .filter(|receipt: &Receipt| receipt.handoff_sha256 == self.sha256)
    }

    /// The refusal of these very bytes, when it is there.
    pub fn errors_now(&self) -> Option<ErrorsDocument> {
        self.look("handoff.errors.json")
            .filter(|errors: &ErrorsDocument| {
                errors.handoff_sha256.is_none_or(|d| d == self.sha256)
            })
    }

    /// Waits for the receipt.
    pub fn receipt(&self) -> Receipt {
        wait::until(&format!("a receipt in {}", self.answers.display()), || {
            if let Some(errors) = self.errors_now() {
                panic!("refused: {errors:#?}");
            }
            self.receipt_now()
        })
    }

    /// Waits for the refusal.
    pub fn errors(&self) -> ErrorsDocument {
        wait::until(&format!("a refusal in {}", self.answers.display()), || {
            assert!(
                self.receipt_now().is_none(),
                "accepted: {:?}",
                self.receipt_now()
            );
            self.errors_now()
        })
    }

    /// Waits for the answer of a person to `revision`.
    pub fn decision(&self, revision: u32) -> DecisionDocument {
        wait::until(&format!("a decision in {}", self.answers.display()), || {
            self.look("decision.json")
                .filter(|decision: &DecisionDocument| decision.revision == revision)
        })
    }
}

/// What stands before the names of the answers to the document `name`.
fn prefix(name: &str) -> String {
    ["handoff.json", "handoff.yaml", "handoff.yml"]
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or_default()
        .to_owned()
}

/// Writes one file with the given care; makes its folders.
pub fn put(path: &Path, bytes: &[u8], care: Care) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)?;
    if care == Care::Plain {
        return fs::write(path, bytes);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.part"));
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    if care == Care::Synced {
        file.sync_all()?;
    }
    drop(file);
    fs::rename(&beside, path)?;
    if care == Care::Synced {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Syncs `folder` and what is above it, up to and with `top`.
fn sync_up_to(folder: &Path, top: &Path) -> std::io::Result<()> {
    for at in folder.ancestors() {
        File::open(at)?.sync_all()?;
        if at == top {
            break;
        }
    }
    Ok(())
}
