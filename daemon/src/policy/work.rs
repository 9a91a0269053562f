//! What rules look at: one revision, with what was sealed and what is known of it.

use std::sync::{Arc, OnceLock};

use countersign_protocol::{
    decision::Outcome, event::Accepted, handoff::RequestTerms, manifest::ManifestEntry,
    names::joined,
};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use serde_json::Value;

use crate::config::Scope;

/// A sealed file as rules see it.
#[derive(Clone, Debug)]
pub struct File {
    /// Relative to the workspace.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// Whether it is new or has other bytes than in the revision before.
    pub changed: bool,
}

/// One revision. Everything the agent states in it is a claim.
#[derive(Clone, Debug)]
pub struct Work {
    /// What was accepted.
    pub accepted: Arc<Accepted>,
    /// The document as it was delivered.
    pub document: Value,
    /// Labels: `x-labels` of the document and those of the agent in the configuration.
    pub labels: Vec<String>,
    /// The type of work: `x-type` of the document, else the roles of its files.
    pub kinds: Vec<String>,
    /// The step of its workflow: `x-step` of the document.
    pub step: Option<String>,
    /// The stricter of the class of the workspace and the stated one.
    pub class: String,
    /// Stated confidence under which a person is asked, of the contract or the workspace.
    pub floor: f64,
    /// Stated confidence from which a rule may let it pass, by its contract.
    pub progress_from: Option<f64>,
    /// Checks that did not pass, one line each, and whether a person decides because of it.
    pub failed: Vec<(String, bool)>,
    /// The revision that the files are held against.
    before: Option<Arc<Accepted>>,
    /// The sealed files, made when a rule looks at them.
    files: OnceLock<Vec<File>>,
    /// Why a person is asked instead of an agent, and whether agents had their time.
    pub stopped: Option<(String, bool)>,
    /// The text of sealed files and of the document, as far as limits allow.
    pub texts: Vec<(String, String)>,
}

impl Work {
    /// Reads what the document says about itself.
    pub fn new(accepted: Arc<Accepted>, document: Value, class: &str, floor: f64) -> Self {
        let words = |name: &str| -> Vec<String> {
            match document.get(name) {
                Some(Value::String(word)) => vec![word.clone()],
                Some(Value::Array(list)) => {
                    let words = list.iter().filter_map(Value::as_str);
                    words.take(64).map(str::to_owned).collect()
                }
                _ => Vec::new(),
            }
        };
        let mut kinds = words("x-type");
        if kinds.is_empty() {
            let roles = accepted.manifest.entries.iter();
            kinds = roles.filter_map(|entry| entry.role.clone()).collect();
            kinds.sort();
            kinds.dedup();
        }
        let stated = document.get("classification").and_then(Value::as_str);
        Self {
            labels: words("x-labels"),
            step: words("x-step").into_iter().next(),
            class: stricter(class, stated).to_owned(),
            before: None,
            files: OnceLock::new(),
            floor,
            progress_from: None,
            failed: Vec::new(),
            kinds,
            stopped: None,
            texts: Vec::new(),
            document,
            accepted,
        }
    }

    /// The same, held against `before`.
    #[must_use]
    pub fn since(mut self, before: Option<Arc<Accepted>>) -> Self {
        self.before = before;
        self.files = OnceLock::new();
        self
    }

    /// The same with other files.
    #[cfg(test)]
    pub(super) fn with_files(mut self, files: Vec<File>) -> Self {
        self.files = files.into();
        self
    }

    /// Returns whether each request of the document takes an approval.
    pub fn takes_approval(&self) -> bool {
        let requests = self.document.get("requests").and_then(Value::as_array);
        requests.into_iter().flatten().all(|request| {
            let allowed = request.get("allowed").and_then(Value::as_array);
            let allowed: Vec<String> = allowed
                .into_iter()
                .flatten()
                .filter_map(|word| word.as_str().map(str::to_owned))
                .collect();
            let terms = RequestTerms {
                allowed: &allowed,
                kind: request.get("kind").and_then(Value::as_str),
                has_schema: request.get("response_schema").is_some(),
            };
            terms.take(Outcome::Approved)
        })
    }

    /// The sealed files.
    pub fn files(&self) -> &[File] {
        self.files.get_or_init(|| {
            let folder = self.accepted.at.folder.as_str();
            let before = self.before.as_ref();
            let entries = self.accepted.manifest.entries.iter();
            let file = |entry: &Arc<ManifestEntry>| {
                let same = before.and_then(|before| before.manifest.get(&entry.path));
                File {
                    path: joined(folder, &entry.path),
                    size: entry.size,
                    changed: same.is_none_or(|same| same.sha256 != entry.sha256),
                }
            };
            entries.map(file).collect()
        })
    }

    /// The size of all files together, in bytes.
    pub fn size(&self) -> u64 {
        self.files().iter().map(|file| file.size).sum()
    }
}

const CLASSES: [&str; 4] = ["public", "internal", "confidential", "restricted"];

/// The class of a revision: the stricter of that of its workspace and the stated one.
pub fn class_of<'a>(accepted: &'a Accepted, workspace: &'a str) -> &'a str {
    stricter(workspace, accepted.classification.as_deref())
}

fn stricter<'a>(workspace: &'a str, stated: Option<&'a str>) -> &'a str {
    let rank = |class: &str| CLASSES.iter().position(|known| *known == class);
    match stated {
        Some(stated) if rank(stated) > rank(workspace) => stated,
        _ => workspace,
    }
}

/// Patterns as in `.gitignore`.
#[derive(Debug)]
pub struct Globs(Gitignore);

impl Globs {
    /// Patterns that cannot be read match nothing.
    pub fn new<T: AsRef<str>>(patterns: &[T]) -> Self {
        let mut builder = GitignoreBuilder::new("");
        for pattern in patterns {
            // A wrong pattern leaves the others as they are.
            let _ = builder.add_line(None, pattern.as_ref());
        }
        Self(builder.build().unwrap_or_else(|_| Gitignore::empty()))
    }

    /// Whether a pattern can be read, or why not.
    pub fn check(pattern: &str) -> Result<(), String> {
        let mut builder = GitignoreBuilder::new("");
        match builder.add_line(None, pattern) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("cannot be read: {error}")),
        }
    }

    /// Whether one of them matches `path` or a folder above it.
    pub fn matches(&self, path: &str) -> bool {
        !path.is_empty()
            && !path.starts_with('/')
            && self.0.matched_path_or_any_parents(path, false).is_ignore()
    }
}

/// Whether `scope` is about `work`: why, or why not.
pub fn in_scope(scope: &Scope, work: &Work) -> Result<Vec<String>, String> {
    let mut why = Vec::new();
    let mut list = |name: &str, patterns: &[String], found: Vec<&str>| {
        if patterns.is_empty() {
            return Ok(());
        }
        let globs = Globs::new(patterns);
        match found.iter().find(|one| globs.matches(one)) {
            Some(one) => {
                why.push(format!("{name} `{one}`"));
                Ok(())
            }
            None if found.is_empty() => Err(format!("no {name} is stated")),
            None => Err(format!("no {name} matches {}", quoted(patterns))),
        }
    };
    let accepted = &work.accepted;
    list("workspace", &scope.workspace, vec![&accepted.at.workspace])?;
    list("agent", &scope.agent, vec![&accepted.from_agent])?;
    list(
        "label",
        &scope.label,
        work.labels.iter().map(String::as_str).collect(),
    )?;
    list(
        "type",
        &scope.kind,
        work.kinds.iter().map(String::as_str).collect(),
    )?;
    if !scope.path.is_empty() {
        let paths = work.files().iter().map(|file| file.path.as_str());
        list("path", &scope.path, paths.collect())?;
    }
    if !scope.class.is_empty() {
        if !scope.class.iter().any(|class| class.name() == work.class) {
            return Err(format!("the class is {}", work.class));
        }
        why.push(format!("class {}", work.class));
    }
    Ok(why)
}

fn quoted(patterns: &[String]) -> String {
    let all: Vec<String> = patterns.iter().map(|one| format!("`{one}`")).collect();
    all.join(", ")
}
