//! Commands as scripts and people meet them, against a responder that plays the daemon.

mod agents;
mod hints;
mod operators;
mod responder;
mod reviewers;
mod waiting;

use std::{
    cell::RefCell,
    io::{self, Write},
    path::PathBuf,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Value, json};

use self::responder::{Asked, Responder};
use super::{Context, Options, Output};
use crate::{
    clock::TestClock,
    config::Environment,
    endpoint::{Endpoint, EndpointWorkspace},
    fs::Dir,
};

/// One agent's folder in one workspace, and a daemon that answers as told.
struct Bed {
    folder: tempfile::TempDir,
    clock: Arc<TestClock>,
    variables: Vec<(String, String)>,
    daemon: Option<Responder>,
}

/// What came of a command.
#[derive(Debug)]
struct Ran {
    exit: u8,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A stream that can be read back.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

const START: &str = "2026-11-20T14:20:00Z";

impl Bed {
    /// No daemon runs.
    fn new() -> Self {
        let bed = Self {
            folder: tempfile::tempdir().unwrap(),
            clock: TestClock::at(START.parse::<Timestamp>().unwrap()),
            variables: Vec::new(),
            daemon: None,
        };
        for folder in ["state/countersign", "team/.countersign", "team/job"] {
            Dir::create(&bed.at(folder), 0o700).unwrap();
        }
        bed
    }

    /// A daemon runs on this machine and answers with `answer`.
    fn with_daemon(answer: impl Fn(&Asked) -> (u16, Value) + Send + 'static) -> Self {
        let mut bed = Self::new();
        let daemon = Responder::start(answer);
        bed.leave_endpoint(&daemon.url);
        bed.daemon = Some(daemon);
        bed
    }

    fn leave_endpoint(&self, url: &str) {
        let endpoint = Endpoint {
            url: url.to_owned(),
            pid: 1,
            token: "operator".to_owned(),
            version: "0".to_owned(),
            workspaces: vec![EndpointWorkspace {
                name: "team".to_owned(),
                path: self.at("team").display().to_string(),
            }],
        };
        let dir = Dir::open(&self.at("state/countersign")).unwrap();
        endpoint.write(&dir).unwrap();
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        write(&self.at(path), text);
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.at(path)).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, |_| {})
    }

    /// Runs in the agent's folder; `meanwhile` is called with the number of each pause.
    fn run_with(&self, arguments: &[&str], mut meanwhile: impl FnMut(u32) + 'static) -> Ran {
        let (out, err) = (Shared::default(), Shared::default());
        let clock = Arc::clone(&self.clock);
        let mut pauses = 0;
        let state = self.at("state").display().to_string();
        let home = self.at("").display().to_string();
        let variables = [("XDG_STATE_HOME", state), ("HOME", home)]
            .map(|(name, value)| (name.to_owned(), value));
        let context = Context {
            out: Output::to(Box::new(out.clone()), Box::new(err.clone())),
            clock: self.clock.clone(),
            environment: Environment(
                variables
                    .into_iter()
                    .chain(self.variables.clone())
                    .collect(),
            ),
            folder: self.at("team/job"),
            options: Options::default(),
            pause: Box::new(move |time: Duration| {
                pauses += 1;
                assert!(pauses < 10_000, "it never ends");
                clock.advance(time);
                meanwhile(pauses);
            }),
        };
        let arguments = ["countersign"].iter().chain(arguments).map(Into::into);
        let exit = super::run(arguments.collect::<Vec<_>>(), context);
        Ran {
            exit,
            out: out.text(),
            err: err.text(),
        }
    }

    /// Everything that the daemon was asked.
    fn asked(&self) -> Vec<Asked> {
        self.daemon.as_ref().unwrap().asked()
    }
}

fn write(path: &std::path::Path, text: &str) {
    let dir = Dir::open(path.parent().unwrap()).unwrap();
    let name = std::path::Path::new(path.file_name().unwrap());
    dir.publish(name, text.as_bytes(), 0o644, false).unwrap();
}

const HANDOFF: &str =
    r#"{"handoff_version":"1.0","from_agent":"writer","task":"Draft","artifacts":["a.md"]}"#;

const ZERO: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn digest(text: &str) -> String {
    countersign_protocol::Digest::of(text.as_bytes()).to_string()
}

fn receipt(id: &str, revision: u32, document: &str) -> Value {
    json!({
        "receipt_version": "1.0", "status": "accepted", "handoff_id": id, "revision": revision,
        "received_at": START, "handoff_sha256": digest(document), "manifest_sha256": ZERO,
        "contract_version": "1.0", "profile": "minimal",
        "principal": { "kind": "file_owner", "uid": 1000 }, "from_agent": "writer", "files": 1,
        "links": { "review": "", "status": "" },
    })
}

fn decision(id: &str, revision: u32, outcome: &str) -> Value {
    json!({
        "decision_version": "1.0", "handoff_id": id, "revision": revision,
        "handoff_sha256": ZERO, "manifest_sha256": ZERO, "outcome": outcome,
        "decided_at": START, "comment": "Mention the break",
        "decided_by": { "principal": "local:maya", "display": "Maya", "method": "web" },
        "requests": [{ "id": "q1", "path": "a.md", "line": 3, "text": "Say so" }],
        "artifacts": [],
        "resume": { "dialect": "handoff", "payload": null },
        "log": { "index": 3, "hash": ZERO },
    })
}

fn row(id: &str, revision: u32) -> Value {
    json!({
        "id": id, "revision": revision, "title": "Draft", "why": "The work is done",
        "agent": "writer", "workspace": "team", "folder": "job", "state": "waiting",
        "trigger": "completion", "risk": { "level": "low", "reasons": [] }, "confidence": 0.9,
        "floor": 0.8, "class": "internal", "files": 1, "changed_since_my_review": false,
        "handed_over_at": "2026-11-20T14:02:00Z", "due_at": null, "manifest_sha256": ZERO,
        "decided": null, "stalled": false,
    })
}

fn review(id: &str, revision: u32) -> Value {
    json!({
        "row": row(id, revision), "revision": revision, "manifest_sha256": ZERO,
        "sender": "file owner uid 1000", "ask": "Read it", "completed": [], "remaining": [],
        "pitfalls": [], "choices": [], "questions": [], "effects": [], "answers": [],
        "checks": [], "files": [], "bases": [], "earlier_requests": [], "timeline": [],
        "comments": [], "facts": [], "warnings": [], "delivered": false,
    })
}

fn problem(status: u16, detail: &str) -> (u16, Value) {
    (
        status,
        json!({ "status": status, "title": "T", "detail": detail }),
    )
}
