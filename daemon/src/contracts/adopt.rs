//! Reading a document of a workspace: a handoff, or what one of its contracts takes for one.

use countersign_protocol::{
    contract::{self, Checked, Rules},
    dialect::{self, Document, Format},
    event::Location,
    names::{self, DocumentKind},
    problem::{ProblemKind, Refusal, Violation},
};
use serde_json::{Map, Value, json};

use super::{Contract, Contracts, response_schema_fault};

/// The dialect of a document that a contract takes for a handoff.
const DIALECT: &str = "contract";

/// A document that was read.
#[derive(Debug)]
pub struct Read {
    /// The handoff, as the contract of the program sees it.
    pub checked: Checked,
    /// The contract of the workspace that it keeps, `name@version`.
    pub contract: Option<String>,
    /// The document with its places.
    pub document: Document,
}

impl Contracts {
    /// Reads `bytes` as a handoff. `agent` is the agent in whose folder it lies, for documents that do not
    /// say who they are from.
    pub fn read(
        &self,
        bytes: &[u8],
        format: Format,
        rules: Rules,
        agent: Option<&str>,
    ) -> Result<Read, Refusal> {
        let mut document = dialect::read(bytes, format)?;
        let is_bare = !document.fields().contains_key("handoff_version");
        let taken = is_bare
            .then(|| self.take(document.fields()))
            .transpose()?
            .flatten();
        if let Some(contract) = taken {
            let bare = std::mem::take(&mut document.value);
            document.value = contract.handoff(&bare, agent);
            let checked = contract::check(&document, rules);
            let whole = std::mem::replace(&mut document.value, bare);
            let mut checked = checked.map_err(|mut refusal| {
                // What is missing cannot be added to such a document: the operator says it.
                for violation in &mut refusal.violations {
                    (violation.line, violation.column) = (0, 0);
                }
                refusal
            })?;
            checked.dialect = DIALECT;
            checked.handoff.document = whole;
            return Ok(Read {
                checked,
                contract: Some(contract.id()),
                document,
            });
        }
        let mut checked = contract::check(&document, rules)?;
        enforceable(&document, &checked)?;
        let (contract, warnings) = self
            .judge(&document.value)
            .map_err(|refusal| placed(refusal, &document))?;
        checked.warnings.extend(warnings);
        Ok(Read {
            checked,
            contract,
            document,
        })
    }

    /// The handoff in canonical form, from the sealed bytes of what was accepted at `at`.
    pub fn sealed(&self, bytes: &[u8], at: &Location) -> Result<Value, Refusal> {
        let format = match names::is_document(&at.file) {
            Some(DocumentKind::Handoff(format)) => format,
            _ if bytes.trim_ascii_start().starts_with(b"{") => Format::Json,
            _ => Format::Yaml,
        };
        let agent = names::agent_of(&at.folder);
        let read = self.read(bytes, format, Rules::default(), agent);
        match read {
            Ok(read) => Ok(read.checked.handoff.document),
            // It was accepted when the rules were less strict.
            Err(refusal) => match contract::read_accepted(&dialect::read(bytes, format)?) {
                Some(handoff) => Ok(handoff.document),
                None => Err(refusal),
            },
        }
    }

    /// The contract that takes `fields` for a handoff. Where none fits, the refusal is that of the one that
    /// names the same task.
    fn take(&self, fields: &Map<String, Value>) -> Result<Option<&Contract>, Refusal> {
        let value = Value::Object(fields.clone());
        let mut refused = None;
        for contract in &self.all {
            let names_task = contract
                .task
                .as_ref()
                .is_some_and(|task| fields.get(task).is_some_and(Value::is_string));
            if !names_task {
                continue;
            }
            match contract.check(&value) {
                Ok(()) => return Ok(Some(contract)),
                Err(refusal) => refused = refused.or(Some(refusal)),
            }
        }
        refused.map_or(Ok(None), Err)
    }
}

impl Contract {
    /// The handoff that a document of this contract stands for. All of it goes into `context`.
    fn handoff(&self, bare: &Value, agent: Option<&str>) -> Value {
        let task = self.task.as_deref().unwrap_or_default();
        let id = bare.get(task).and_then(Value::as_str).unwrap_or_default();
        let mut handoff = json!({
            "handoff_version": "1.0",
            "contract": self.id(),
            "task_id": id,
            "title": format!("{}: {id}", self.name),
            "context": bare,
        });
        if let Some(from) = agent.or(self.from.as_deref()) {
            handoff["from_agent"] = json!(from);
        }
        if let Some(to) = &self.to {
            handoff["to_agent"] = json!(to);
        }
        if let Some(purpose) = &self.purpose {
            handoff["task"] = json!(purpose);
        }
        for lifted in ["confidence", "fallback", "deadline", "timeout_seconds"] {
            if let Some(value) = bare.get(lifted) {
                handoff[lifted] = value.clone();
            }
        }
        handoff
    }
}

/// Refuses a `response_schema` that cannot be enforced: nobody could keep to it.
fn enforceable(document: &Document, checked: &Checked) -> Result<(), Refusal> {
    let requests = checked.handoff.requests.iter().enumerate();
    let faults = requests.filter_map(|(at, request)| {
        let schema = request.stated.get("response_schema")?;
        let why = response_schema_fault(schema)?;
        let pointer = format!("/requests/{at}/response_schema");
        let (line, column) = document.place(&pointer);
        Some(Violation {
            code: "schema".to_owned(),
            pointer,
            line,
            column,
            message: why,
            fix: Some(
                "Write a JSON Schema that stands for itself, or leave the field out.".to_owned(),
            ),
        })
    });
    let violations: Vec<Violation> = faults.collect();
    if violations.is_empty() {
        return Ok(());
    }
    Err(Refusal {
        kind: ProblemKind::InvalidContract,
        violations,
    })
}

fn placed(mut refusal: Refusal, document: &Document) -> Refusal {
    for violation in &mut refusal.violations {
        (violation.line, violation.column) = document.place(&violation.pointer);
    }
    refusal
}
