//! The one HTTP client. It speaks only to addresses that were checked, follows nobody elsewhere, and reads no
//! more of an answer than it needs.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use jiff::Timestamp;
use reqwest::{
    Client, RequestBuilder, Response, StatusCode, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header,
};

use super::{
    channel::Outcome,
    schedule::{Wish, retry_after},
};
use crate::config::{is_private_literal, is_public};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a receiver may take in all, body included.
const PATIENCE: Duration = Duration::from_secs(20);
/// Of an answer, in bytes; the rest is not read.
const MOST: usize = 64 * 1024;
/// Of what a receiver says, in characters.
const SAID: usize = 200;

/// Finds the addresses of a name. A test has its own.
pub(super) type Lookup = Arc<dyn Fn(String) -> Looking + Send + Sync>;
type Looking = std::pin::Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;

/// The resolver of the system.
pub(super) fn system_lookup() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
    })
}

/// Gives only addresses that everybody can reach. What it gives is what is connected to, so a name cannot
/// mean one address while it is looked at and another one afterwards.
struct Guard(Lookup);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.0)(name.as_str().to_owned());
        Box::pin(async move {
            let mut addresses = found.await?;
            addresses.retain(|address| is_public(address.ip()));
            if addresses.is_empty() {
                return Err(INSIDE.into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// The resolver for receivers that may be inside the house.
struct Open(Lookup);

impl Resolve for Open {
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.0)(name.as_str().to_owned());
        Box::pin(async move { Ok(Box::new(found.await?.into_iter()) as Addrs) })
    }
}

const INSIDE: &str = "the address is inside your house; `allow_private = true` allows that";

/// A client for one receiver.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: Client,
    allow_private: bool,
}

impl Http {
    pub(super) fn new(allow_private: bool, lookup: Lookup) -> Result<Self, String> {
        // Fails only when there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT)
            .timeout(PATIENCE)
            .tcp_nodelay(true)
            .pool_idle_timeout(Duration::from_secs(30))
            .http1_max_headers(64);
        let builder = if allow_private {
            builder.dns_resolver(Arc::new(Open(lookup)))
        } else {
            builder.dns_resolver(Arc::new(Guard(lookup)))
        };
        let client = builder
            .build()
            .map_err(|error| format!("cannot make an HTTP client: {}", causes(&error)))?;
        Ok(Self {
            client,
            allow_private,
        })
    }

    /// A request that carries `body` to `url`; an error where `url` may not be spoken to.
    pub(super) fn post(
        &self,
        url: &Url,
        media_type: &'static str,
        body: Vec<u8>,
    ) -> Result<RequestBuilder, Outcome> {
        // The resolver is never asked about an address that is written out.
        if !self.allow_private && is_private_literal(url) {
            return Err(Outcome::retry(INSIDE, Wish::default()));
        }
        let request = self.client.post(url.clone());
        Ok(request.header(header::CONTENT_TYPE, media_type).body(body))
    }
}

/// Sends and judges the answer.
pub(super) async fn send(request: RequestBuilder, now: Timestamp) -> Outcome {
    match request.send().await {
        Ok(response) => judge(response, now).await,
        Err(error) => Outcome::retry(
            causes(&error),
            Wish {
                throttled: error.is_timeout(),
                after: None,
            },
        ),
    }
}

async fn judge(mut response: Response, now: Timestamp) -> Outcome {
    let status = response.status();
    let after = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| retry_after(text, now));
    let mut said = Vec::new();
    // A connection whose answer was read to its end can be used again.
    while said.len() < MOST {
        match response.chunk().await {
            Ok(Some(chunk)) => said.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    let said = said_line(status, &said);
    match status {
        status if status.is_success() => Outcome::Sent { said },
        StatusCode::GONE => Outcome::Gone { said },
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Outcome::retry(
            said,
            Wish {
                throttled: true,
                after,
            },
        ),
        _ => Outcome::retry(
            said,
            Wish {
                throttled: false,
                after,
            },
        ),
    }
}

/// What the receiver said, on one short line without anything hidden in it.
fn said_line(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(MOST)]);
    let words = super::disclose::line(&text, SAID);
    if words.is_empty() {
        status.as_u16().to_string()
    } else {
        format!("{} {words}", status.as_u16())
    }
}

/// An error with its causes. The address is left out: it may be a secret.
fn causes(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() {
        "it did not answer in time".to_owned()
    } else if error.is_connect() {
        "cannot connect".to_owned()
    } else {
        "the connection broke".to_owned()
    };
    let mut source = std::error::Error::source(error);
    let mut last = String::new();
    while let Some(cause) = source {
        last = cause.to_string();
        source = cause.source();
    }
    if !last.is_empty() && !error.is_timeout() {
        text.push_str(": ");
        text.push_str(&super::disclose::line(&last, SAID));
    }
    text
}
