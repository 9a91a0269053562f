//! A collector of spans that is not ours: the receiver of `OtelTap`, a process on loopback that decodes OTLP with code
//! of its own and prints each span as a line of JSON.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, LazyLock, Mutex, PoisonError},
    thread,
};

use serde_json::Value;

use crate::{python, wait};

/// The releases that are installed.
const RELEASES: &[&str] = &["oteltap==1.0.0", "opentelemetry-proto==1.45.2"];

/// A Python with the receiver, installed when it is missing.
fn python() -> &'static Path {
    static PYTHON: LazyLock<PathBuf> =
        LazyLock::new(|| python::environment("oteltap", "oteltap", RELEASES).join("python"));
    &PYTHON
}

/// A span that came, with ids as hexadecimal digits.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Its name.
    pub name: String,
    /// The trace.
    pub trace: String,
    /// Its id.
    pub id: String,
    /// The span that it is a part of; empty for none.
    pub parent: String,
    /// Nanoseconds since 1970.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub end: u64,
    /// What it says.
    pub attributes: BTreeMap<String, String>,
    /// Whether it says that it failed.
    pub failed: bool,
}

/// The collector; stopped when dropped.
#[derive(Debug)]
pub struct Collector {
    child: Child,
    /// The port it listens on.
    pub port: u16,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Collector {
    /// One on a free port.
    pub fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = free.local_addr().expect("it listens").port();
        drop(free);
        Self::at(port)
    }

    /// One on that port, which nobody else has.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn at(port: u16) -> Self {
        let mut child = Command::new(python())
            .args(["-u", "-m", "oteltap", "--port", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let output = child.stdout.take().expect("a pipe");
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let read = Arc::clone(&lines);
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                read.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line);
            }
        });
        let me = Self { child, port, lines };
        wait::until("the collector to listen", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        me
    }

    /// The section of a configuration that sends here.
    pub fn section(&self) -> String {
        let port = self.port;
        format!("[observe.otlp]\nendpoint = \"http://127.0.0.1:{port}\"\n")
    }

    /// Every span that came, in order; one that came twice is there twice.
    pub fn spans(&self) -> Vec<Seen> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let values = lines
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok());
        let mut found = Vec::new();
        values.for_each(|value: Value| collect(&value, &mut found));
        found
    }

    /// Waits for a span of that name that `is` right.
    pub fn span(&self, name: &str, is: impl Fn(&Seen) -> bool) -> Seen {
        let found = wait::within(wait::LIMIT, || {
            let mut spans = self.spans().into_iter();
            spans.find(|span| span.name == name && is(span))
        });
        found.unwrap_or_else(|| panic!("no span `{name}` came: {:#?}", self.spans()))
    }
}

/// Finds what looks like a span, however it is wrapped.
fn collect(value: &Value, found: &mut Vec<Seen>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) => {
            let any = |names: [&str; 2]| names.iter().find_map(|name| fields.get(*name));
            if let (Some(trace), Some(id)) =
                (any(["traceId", "trace_id"]), any(["spanId", "span_id"]))
                && fields.contains_key("name")
            {
                let parent = any(["parentSpanId", "parent_span_id"]);
                let nanos = |value: Option<&Value>| {
                    let text = value.map(|value| value.to_string().replace('"', ""));
                    text.and_then(|text| text.parse().ok()).unwrap_or_default()
                };
                let attributes = fields.get("attributes").and_then(Value::as_array);
                let pair = |one: &Value| {
                    let value = &one["value"];
                    let text = value.get("stringValue").or(value.get("string_value"))?;
                    Some((one["key"].as_str()?.to_owned(), text.as_str()?.to_owned()))
                };
                let code = fields
                    .get("status")
                    .map(|status| status["code"].to_string());
                found.push(Seen {
                    name: fields["name"].as_str().unwrap_or_default().to_owned(),
                    trace: hex(trace),
                    id: hex(id),
                    parent: parent.map(hex).unwrap_or_default(),
                    start: nanos(any(["startTimeUnixNano", "start_time_unix_nano"])),
                    end: nanos(any(["endTimeUnixNano", "end_time_unix_nano"])),
                    attributes: attributes.into_iter().flatten().filter_map(pair).collect(),
                    failed: code.is_some_and(|code| code.contains("ERROR") || code == "2"),
                });
            } else {
                fields.values().for_each(|value| collect(value, found));
            }
        }
        _ => {}
    }
}

/// An id as hexadecimal digits: written so, or as base64, or as a list of bytes.
fn hex(value: &Value) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let digits = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut digits, byte| {
            let _ = write!(digits, "{byte:02x}");
            digits
        })
    };
    match value {
        Value::String(text)
            if text.bytes().all(|byte| byte.is_ascii_hexdigit())
                && text.len().is_multiple_of(16) =>
        {
            text.to_lowercase()
        }
        Value::String(text) => digits(&BASE64_STANDARD.decode(text).unwrap_or_default()),
        Value::Array(bytes) => {
            let bytes = bytes
                .iter()
                .filter_map(|byte| u8::try_from(byte.as_u64()?).ok());
            digits(&bytes.collect::<Vec<u8>>())
        }
        _ => String::new(),
    }
}
