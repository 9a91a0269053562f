//! The HTTP client of the commands.

use std::{
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use countersign_protocol::{Digest, HandoffId};
use countersign_web::desk::HandoffRow;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::Agent;

use super::{
    Context,
    exit::{Exit, Failure},
};
use crate::endpoint::Endpoint;

/// No answer of the daemon that a command reads is larger, in bytes.
const MAX_ANSWER: u64 = 256 * 1024 * 1024;

/// How long an ordinary request may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A daemon that was found, reachable or not.
pub(crate) struct Client {
    agent: Agent,
    url: String,
    token: Option<String>,
    /// What the daemon of this machine left for us, when that is the one we talk to.
    pub(crate) endpoint: Option<Endpoint>,
}

/// An answer with a good status.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.bytes).map_err(|error| {
            Failure::new(
                Exit::Failed,
                format!("the answer of the daemon cannot be read: {error}"),
            )
            .hint("compare `countersign version` with the version of the daemon")
        })
    }
}

/// Where a daemon is looked for. One that was started anew is found again by it.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    named: Option<String>,
    /// Not known only when an address is named.
    data_dir: Option<PathBuf>,
    token: Option<String>,
}

impl Source {
    /// What flags, environment and configuration say.
    pub(crate) fn of(context: &Context) -> Result<Self, Failure> {
        let named = context
            .options
            .url
            .as_deref()
            .or(context.environment.get("COUNTERSIGN_URL"))
            .map(|url| url.trim_end_matches('/').to_owned());
        let data_dir = match context.data_dir() {
            Ok(data_dir) => Some(data_dir),
            Err(_) if named.is_some() => None,
            Err(failure) => return Err(failure),
        };
        let token = context.environment.get("COUNTERSIGN_TOKEN");
        Ok(Self {
            named,
            data_dir,
            token: token.map(str::to_owned),
        })
    }

    /// The daemon that is named, else the one that runs on this machine.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let named = self.named.clone();
        let endpoint = match &self.data_dir {
            Some(data_dir) => read_endpoint(data_dir, named.is_some())?,
            None => None,
        };
        let endpoint = endpoint.filter(|here| named.as_ref().is_none_or(|url| *url == here.url));
        let url = match (named, &endpoint) {
            (Some(url), _) => url,
            (None, Some(endpoint)) => endpoint.url.clone(),
            (None, None) => {
                return Err(
                    Failure::new(Exit::Unreachable, "no daemon runs on this machine").hint(
                        "start one with `countersign serve DIR`, or name another with `--url`",
                    ),
                );
            }
        };
        let token = self.token.clone();
        Ok(Client {
            agent: agent(&url),
            token: token.or_else(|| endpoint.as_ref().map(|endpoint| endpoint.token.clone())),
            url,
            endpoint,
        })
    }
}

impl Client {
    /// The daemon that `--url` or `COUNTERSIGN_URL` names, else the one that runs on this machine.
    pub(crate) fn find(context: &Context) -> Result<Self, Failure> {
        Source::of(context)?.client()
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The page for people.
    pub(crate) fn page(&self, id: HandoffId) -> String {
        format!("{}/h/{id}", self.url)
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.send("GET", path, None, PATIENCE)?.json()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Reply, Failure> {
        self.send("POST", path, Some(body), PATIENCE)
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Result<Reply, Failure> {
        self.send("PUT", path, Some(body), PATIENCE)
    }

    /// The body of a good answer as it comes, for what may be larger than memory.
    pub(crate) fn stream(&self, path: &str) -> Result<impl Read + use<>, Failure> {
        let response = self.answer("GET", path, None, None)?;
        self.body_of(response)
    }

    /// The digest and the size of the sealed file at `path`.
    pub(crate) fn sealed(&self, path: &str) -> Result<(Digest, u64), Failure> {
        let response = self.answer("HEAD", path, None, Some(PATIENCE))?;
        let status = response.status().as_u16();
        if !(200..300).contains(&status) {
            // There is no body that says why.
            return Err(match self.stream(path) {
                Err(failure) => failure,
                Ok(_) => refused(status, b""),
            });
        }
        let header = |name: &str| response.headers().get(name)?.to_str().ok();
        let sha256 = header("etag").and_then(super::get::digest_of);
        let size = header("content-length").and_then(|text| text.parse().ok());
        sha256.zip(size).ok_or_else(|| {
            Failure::new(Exit::Failed, "the daemon did not say what it sealed")
                .hint("compare `countersign version` with the version of the daemon")
        })
    }

    /// The bytes of the file `sha256` at `path` from `from` on, or all of them when it says that it is no rest.
    pub(crate) fn rest(
        &self,
        path: &str,
        from: u64,
        sha256: Digest,
    ) -> Result<(bool, impl Read + use<>), Failure> {
        let range = [
            ("range", format!("bytes={from}-")),
            ("if-range", format!("\"{sha256}\"")),
        ];
        let range = if from == 0 { &[][..] } else { &range[..] };
        let response = self.answer_with("GET", path, None, None, range)?;
        let is_rest = response.status().as_u16() == 206;
        Ok((is_rest, self.body_of(response)?))
    }

    fn body_of(
        &self,
        mut response: http::Response<ureq::Body>,
    ) -> Result<impl Read + use<>, Failure> {
        let status = response.status().as_u16();
        if (200..300).contains(&status) {
            return Ok(response.into_body().into_reader());
        }
        let read = response.body_mut().with_config().limit(MAX_ANSWER);
        let bytes = read
            .read_to_vec()
            .map_err(|error| self.unreachable(&error))?;
        Err(refused(status, &bytes))
    }

    pub(crate) fn row(&self, id: HandoffId) -> Result<HandoffRow, Failure> {
        self.get(&format!("/api/v1/handoffs/{id}"))
    }

    /// Sends a request. Every status but 2xx is a failure, with the words of the daemon.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        patience: Duration,
    ) -> Result<Reply, Failure> {
        let mut response = self.answer(method, path, body, Some(patience))?;
        let status = response.status().as_u16();
        let bytes = response
            .body_mut()
            .with_config()
            .limit(MAX_ANSWER)
            .read_to_vec()
            .map_err(|error| self.unreachable(&error))?;
        if (200..300).contains(&status) {
            Ok(Reply { status, bytes })
        } else {
            Err(refused(status, &bytes))
        }
    }

    /// Sends a request; gives the answer before its body is read.
    fn answer(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        patience: Option<Duration>,
    ) -> Result<http::Response<ureq::Body>, Failure> {
        self.answer_with(method, path, body, patience, &[])
    }

    fn answer_with(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        patience: Option<Duration>,
        headers: &[(&str, String)],
    ) -> Result<http::Response<ureq::Body>, Failure> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let bad = |error: http::Error| {
            Failure::new(
                Exit::Usage,
                format!("`{}` is not an address: {error}", self.url),
            )
            .hint("it looks like `http://127.0.0.1:7420`")
        };
        let text = body.map(ToString::to_string).unwrap_or_default();
        let request = request.body(text).map_err(bad)?;
        let request = self
            .agent
            .configure_request(request)
            .timeout_global(patience)
            .build();
        self.agent
            .run(request)
            .map_err(|error| self.unreachable(&error))
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                Failure::new(Exit::Usage, format!("`{}` is not an address", self.url))
                    .hint("it looks like `http://127.0.0.1:7420`")
            }
            error => Failure::new(
                Exit::Unreachable,
                format!("no daemon answers at `{}`: {error}", self.url),
            )
            .hint("start it with `countersign serve DIR`, or name another with `--url`"),
        }
    }
}

fn agent(url: &str) -> Agent {
    let host = url.split("://").nth(1).unwrap_or_default();
    let local = ["127.", "localhost", "[::1]"]
        .iter()
        .any(|start| host.starts_with(start));
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(Duration::from_secs(5)))
        .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")));
    // What goes to this machine must not pass through a proxy, with our token in it.
    let config = if local { config.proxy(None) } else { config };
    Agent::new_with_config(config.build())
}

/// With another daemon named, a file that cannot be read does not matter.
fn read_endpoint(data_dir: &Path, optional: bool) -> Result<Option<Endpoint>, Failure> {
    match Endpoint::read(data_dir) {
        Ok(endpoint) => Ok(endpoint),
        Err(_) if optional => Ok(None),
        Err(error) => Err(Failure::new(
            Exit::NotAllowed,
            format!(
                "cannot read what the daemon left in `{}`: {error}",
                data_dir.display()
            ),
        )
        .hint(
            "run this as the user of the daemon, or set `COUNTERSIGN_URL` and `COUNTERSIGN_TOKEN`",
        )),
    }
}

/// The failure that a problem document (RFC 9457) tells of.
fn refused(status: u16, bytes: &[u8]) -> Failure {
    let problem: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let text = |name: &str| problem[name].as_str().map(str::to_owned);
    let message = text("detail")
        .or_else(|| text("title"))
        .unwrap_or_else(|| format!("the daemon answered with status {status}"));
    let mut failure = Failure::new(Exit::of_status(status), message.trim_end_matches('.'));
    failure.hint = text("hint");
    failure.problem = Some(problem).filter(Value::is_object).map(Box::new);
    failure
}

/// A part of a path or the value of a query, percent-encoded (RFC 3986, section 2.1).
pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_path_are_encoded() {
        assert_eq!(encode("März 3/a?b"), "M%C3%A4rz%203%2Fa%3Fb");
    }

    #[test]
    fn the_words_of_the_daemon_are_kept() {
        let body = br#"{"title":"T","detail":"H-1 was not found.","hint":"Look again."}"#;
        let failure = refused(404, body);
        assert_eq!(failure.exit, Exit::NotFound);
        assert_eq!(failure.message, "H-1 was not found");
        assert_eq!(failure.hint.as_deref(), Some("Look again."));
        let plain = refused(502, b"<html>");
        assert_eq!(plain.message, "the daemon answered with status 502");
        assert_eq!(plain.problem, None);
    }
}
