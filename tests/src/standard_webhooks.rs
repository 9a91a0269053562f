//! Signatures, as a library in another language sees them: that of Standard Webhooks for Python.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

use serde_json::json;

use crate::{hook::Got, http, python};

/// The release that is installed.
const RELEASE: &str = "standardwebhooks==1.0.0";

/// Checks each message as its receiver would, at the time at which it was sent: the library has a clock of its
/// own only for what comes too late.
const SCRIPT: &str = r#"
import base64, datetime, json, sys
from standardwebhooks import webhooks

class At(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(at, tz)

webhooks.datetime = At
for line in sys.stdin:
    one = json.loads(line)
    at = one["at"]
    try:
        webhooks.Webhook(one["secret"]).verify(base64.b64decode(one["body"]), one["headers"])
        print("ok")
    except Exception as error:
        print(error)
"#;

/// A Python with the library, installed when it is missing.
fn python() -> &'static Path {
    static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| {
        let needs = ["--no-deps", RELEASE];
        python::environment("standard-webhooks", "standardwebhooks", &needs).join("python")
    });
    &PYTHON
}

/// What the library says of each message that came, when it is looked at `late` seconds after it was sent: `ok`,
/// or why not.
///
/// # Panics
/// When Python does not run.
pub fn verify(secret: &str, messages: &[Got], late: i64) -> Vec<String> {
    let mut child = Command::new(python())
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs");
    let mut input = child.stdin.take().expect("a pipe");
    let lines: Vec<String> = messages
        .iter()
        .map(|one| {
            let sent: i64 = one
                .headers
                .get("webhook-timestamp")
                .map_or(0, |at| at.parse().unwrap_or(0));
            let body = http::base64(&one.body);
            json!({ "secret": secret, "headers": one.headers, "body": body, "at": sent + late })
                .to_string()
        })
        .collect();
    let writer = std::thread::spawn(move || {
        for line in lines {
            // A script that ended early has said why.
            let _ = writeln!(input, "{line}");
        }
    });
    let output = child.wait_with_output().expect("python ends");
    writer.join().expect("the lines were made");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(str::to_owned).collect()
}
