//! A small HTTP client for the API. A broken connection is an answer too: the crash suites count on it.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::{Request, Response};

/// One place to send requests to, with or without a bearer token.
#[derive(Clone, Debug)]
pub struct Http {
    base: String,
    token: Option<String>,
    agent: ureq::Agent,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The bytes.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as JSON; null for what is not.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as what it should be.
    pub fn read<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{} {error}: {}", self.status, self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// Stops the test unless the status is the expected one.
    #[must_use]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

/// No answer: refused, cut off or too slow.
#[derive(Debug)]
pub struct NoReply(pub String);

impl Http {
    /// A client for `base`, for example `http://127.0.0.1:7420`.
    pub fn new(base: &str, token: Option<&str>) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(90)))
            .build()
            .new_agent();
        Self {
            base: base.trim_end_matches('/').to_owned(),
            token: token.map(str::to_owned),
            agent,
        }
    }

    /// Where it sends requests to.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// One request; `headers` come on top of the token.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Reply, NoReply> {
        let gone = |error: ureq::Error| NoReply(error.to_string());
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = if body.is_empty() && matches!(method, "GET" | "HEAD" | "DELETE") {
            self.agent.run(request.body(()).expect("a request"))
        } else {
            self.agent.run(request.body(body).expect("a request"))
        };
        read(response.map_err(gone)?)
    }

    /// GET.
    pub fn get(&self, path: &str) -> Result<Reply, NoReply> {
        self.send("GET", path, &[], &[])
    }

    /// POST of JSON.
    pub fn post(&self, path: &str, body: &Value) -> Result<Reply, NoReply> {
        let body = body.to_string();
        let json = [("content-type", "application/json")];
        self.send("POST", path, &json, body.as_bytes())
    }

    /// GET that must be answered.
    pub fn fetch(&self, path: &str) -> Reply {
        self.get(path)
            .unwrap_or_else(|NoReply(why)| panic!("GET {path}: {why}"))
    }

    /// POST that must be answered.
    pub fn push(&self, path: &str, body: &Value) -> Reply {
        self.post(path, body)
            .unwrap_or_else(|NoReply(why)| panic!("POST {path}: {why}"))
    }
}

/// Reads a response to its end, at most 64 MiB.
fn read(mut response: Response<ureq::Body>) -> Result<Reply, NoReply> {
    let body = response
        .body_mut()
        .with_config()
        .limit(64 << 20)
        .read_to_vec()
        .map_err(|error| NoReply(error.to_string()))?;
    Ok(Reply {
        status: response.status().as_u16(),
        headers: response
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.as_str().to_owned(), value.into_owned())
            })
            .collect(),
        body,
    })
}

/// The text behind Base64; empty for what is none.
pub fn decoded(text: &str) -> String {
    let bytes = BASE64_STANDARD.decode(text).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Base64 as the API takes files.
pub fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}
