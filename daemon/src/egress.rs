//! The one HTTP client. It speaks only to addresses that were checked, and follows nobody elsewhere.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use reqwest::{
    Client, Method, RequestBuilder, Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

use crate::config::{is_private_literal, is_public};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a receiver may take in all, body included.
const PATIENCE: Duration = Duration::from_secs(20);
/// Of a text that another program said, in characters.
const SAID: usize = 200;

/// Finds the addresses of a name. A test has its own.
pub type Lookup = Arc<dyn Fn(String) -> Looking + Send + Sync>;
pub type Looking = std::pin::Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;

/// The resolver of the system.
pub fn system_lookup() -> Lookup {
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
                return Err(Inside.into());
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

/// The address is not for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address is inside your house; `allow_private = true` allows that")]
pub struct Inside;

/// A client for one receiver.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client,
    allow_private: bool,
}

impl Http {
    pub fn new(allow_private: bool, lookup: Lookup) -> Result<Self, String> {
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

    /// A request to `url`; an error where `url` may not be spoken to.
    pub fn request(&self, method: Method, url: &Url) -> Result<RequestBuilder, Inside> {
        // The resolver is never asked about an address that is written out.
        if !self.allow_private && is_private_literal(url) {
            return Err(Inside);
        }
        Ok(self.client.request(method, url.clone()))
    }
}

/// An error with its causes. The address is left out: it may be a secret.
pub fn causes(error: &reqwest::Error) -> String {
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
        text.push_str(&one_line(&last));
    }
    text
}

/// Words of another program on one short line.
fn one_line(text: &str) -> String {
    let visible = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    visible.take(SAID).collect()
}
