//! A request against a router, in words.

use axum::{Router, body::Body, response::Response};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::{PORT, SESSION};
use crate::security::csrf;

/// A request that is being made.
pub(crate) struct Ask {
    request: http::request::Builder,
    body: Body,
}

/// What came back, read to its end. A live stream is left unread.
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Ask {
    /// A request of nobody.
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            request: Request::builder()
                .method(method.parse::<Method>().unwrap())
                .uri(path)
                .header(header::HOST, format!("localhost:{PORT}")),
            body: Body::empty(),
        }
    }

    /// A `GET`.
    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A `POST`.
    pub(crate) fn post(path: &str) -> Self {
        Self::new("POST", path)
    }

    /// The same with one more header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// The same with a header in place of others of that name.
    pub(crate) fn instead(mut self, name: &'static str, value: &str) -> Self {
        let headers = self.request.headers_mut().unwrap();
        headers.insert(name, value.parse().unwrap());
        self
    }

    /// The same from Maya's browser, without a form token.
    pub(crate) fn cookie(self) -> Self {
        let cookie = format!("theme=dark; countersign-{PORT}={SESSION}");
        self.header("cookie", &cookie)
    }

    /// The same from a page of ours in Maya's browser.
    pub(crate) fn maya(self) -> Self {
        self.cookie().header("x-csrf-token", &csrf::token(SESSION))
    }

    /// The same with a token.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// The same with a JSON body.
    pub(crate) fn json(mut self, body: impl Into<String>) -> Self {
        self.body = Body::from(body.into());
        self.header("content-type", "application/json")
    }

    /// The same with a form.
    pub(crate) fn form(mut self, body: impl Into<String>) -> Self {
        self.body = Body::from(body.into());
        self.header("content-type", "application/x-www-form-urlencoded")
    }

    /// The same with a body of no kind.
    pub(crate) fn body(mut self, body: &str) -> Self {
        self.body = Body::from(body.to_owned());
        self
    }

    /// The same with something that the server puts into requests.
    pub(crate) fn extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.request = self.request.extension(value);
        self
    }

    /// Sends it; the body is not read.
    pub(crate) async fn open(self, router: &Router) -> Response {
        let request = self.request.body(self.body).unwrap();
        router.clone().oneshot(request).await.unwrap()
    }

    /// Sends it.
    pub(crate) async fn send(self, router: &Router) -> Told {
        let response = self.open(router).await;
        let (parts, body) = response.into_parts();
        let live = parts
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind == "text/event-stream");
        let bytes = if live {
            Vec::new()
        } else {
            body.collect().await.unwrap().to_bytes().to_vec()
        };
        Told {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

impl Told {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// A header as text, empty when there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}
