//! What the operator and the daemon set for the web side.

use std::{net::IpAddr, str::FromStr, sync::Arc};

use countersign_protocol::Digest;
use http::{HeaderName, Uri, uri::Scheme};
use ipnet::IpNet;
use jiff::Timestamp;

use crate::{security::client::Place, templates::Templates};

/// Who may read the numbers for Prometheus without being signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsFor {
    /// Nobody.
    SignedIn,
    /// Whoever asks from this machine, by no proxy.
    Loopback,
}

/// Settings of one router.
#[derive(Clone)]
pub struct Settings {
    /// The port that is listened on.
    pub port: u16,
    /// How people reach it, when not by a loopback name and the port.
    pub public_url: Option<PublicUrl>,
    /// The host name that is this daemon's alone; `None` keeps sessions at the address.
    pub own_host: Option<OwnHost>,
    /// Signs what browsers keep of accounts that were signed in in them.
    pub device_key: [u8; 32],
    /// Whose `X-Forwarded-For`, `-Proto` and `-Host` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Who may read the numbers without being signed in.
    pub metrics: MetricsFor,
    /// Digest of what a program shows to read the numbers.
    pub metrics_token: Option<Digest>,
    /// The header in which a trusted proxy says who signed in.
    pub proxy_user: Option<HeaderName>,
    /// Live streams and waits at the same time: that many for people, and for agents.
    pub streams: usize,
    /// Most bytes of a request that brings a handoff with its files, as JSON.
    pub max_delivery: usize,
    /// The templates of the pages.
    pub templates: Templates,
    /// The clock.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Fills the bytes of a nonce.
    pub random: fn(&mut [u8; 16]),
}

impl Settings {
    /// The settings of a daemon that only this machine reaches, on `port`.
    pub fn local(port: u16, now: Arc<dyn Fn() -> Timestamp + Send + Sync>) -> Self {
        Self {
            port,
            public_url: None,
            own_host: None,
            device_key: [0; 32],
            trusted_proxies: Vec::new(),
            metrics: MetricsFor::SignedIn,
            metrics_token: None,
            proxy_user: None,
            streams: 64,
            max_delivery: 16 << 20,
            templates: Templates::embedded(),
            now,
            random: system_random,
        }
    }

    /// Whether people come over TLS.
    pub fn https(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.https)
    }

    /// Whether cookies of `place` go over TLS only.
    pub(crate) fn https_at(&self, place: Place) -> bool {
        self.https() && place != Place::Own
    }

    /// Whether `peer` may speak for others.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|net| net.contains(&peer))
    }
}

/// A host name under `localhost` that only browsers of signed-in people know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnHost {
    /// The name, in lower case, for example `cs-k3b7….localhost`.
    pub name: String,
    /// Where programs reach the daemon, without a slash at the end.
    pub address: String,
}

impl OwnHost {
    /// As in the `Origin` header, for a daemon at `port`.
    pub fn origin(&self, port: u16) -> String {
        match port {
            80 => format!("http://{}", self.name),
            _ => format!("http://{}:{port}", self.name),
        }
    }
}

/// A public URL: scheme, host and port, without a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    /// Whether the scheme is https.
    pub https: bool,
    /// Host with the port when one is written, in lower case.
    pub authority: String,
}

impl PublicUrl {
    /// As in the `Origin` header (RFC 6454, section 6.2).
    pub fn origin(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }
}

/// The text is not a public URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a URL like https://review.example.org")]
pub struct BadPublicUrl(String);

impl FromStr for PublicUrl {
    type Err = BadPublicUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadPublicUrl(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| bad())?;
        let https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(bad()),
        };
        let authority = uri.authority().ok_or_else(bad)?;
        let bare = uri.path() == "/" && uri.query().is_none();
        if !bare || authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(bad());
        }
        let default = if https { ":443" } else { ":80" };
        let authority = authority.as_str().to_ascii_lowercase();
        Ok(Self {
            https,
            authority: authority
                .strip_suffix(default)
                .unwrap_or(&authority)
                .to_owned(),
        })
    }
}

#[expect(
    clippy::expect_used,
    reason = "without randomness no answer is safe to give"
)]
fn system_random(bytes: &mut [u8; 16]) {
    getrandom::fill(bytes).expect("the system gives random bytes");
}

#[cfg(test)]
mod tests;
