//! `[server]`: where the daemon listens, how people reach it, where its own state is.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

use http::{Uri, uri::Scheme};
use ipnet::IpNet;

use super::{
    Entry,
    error::ConfigError,
    layer::{Flags, Layers},
    origin::{Origin, Setting},
    section::Section,
};

/// How people reach the pages: scheme, host and port, without a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    https: bool,
    loopback: bool,
}

impl PublicUrl {
    /// Whether the way there is encrypted.
    pub fn https(&self) -> bool {
        self.https
    }

    /// Without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const BAD: &str = "must be an address such as `https://review.example.org`, without a path";
        let uri: Uri = text.parse().map_err(|_| BAD)?;
        let https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(BAD),
        };
        let authority = uri.authority().ok_or(BAD)?;
        let bare = uri.path() == "/" && uri.query().is_none();
        if !bare || authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(BAD);
        }
        let host = authority.host().trim_matches(['[', ']']);
        let loopback = host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback());
        Ok(Self {
            text: text.trim_end_matches('/').to_ascii_lowercase(),
            https,
            loopback,
        })
    }
}

/// `[server]`.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where to listen.
    pub listen: Setting<SocketAddr>,
    /// How people reach the pages; else the address that is listened on.
    pub public_url: Option<Setting<PublicUrl>>,
    /// Whether browsers are led to a host name of the daemon's own.
    pub own_host: Setting<bool>,
    /// Whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Setting<Vec<IpNet>>,
    /// Ledger, kept bytes and sessions. Never inside a workspace.
    pub data_dir: Setting<PathBuf>,
    /// A folder with templates that replace ours, by path.
    pub templates: Option<Setting<PathBuf>>,
    /// `--insecure-public`: listen in the clear where others can read along.
    pub insecure_public: bool,
}

impl Server {
    pub(super) fn read(section: &Section<'_>, layers: &Layers<'_>, flags: &Flags) -> Self {
        let listen = layers.pick(
            section.take("listen"),
            "COUNTERSIGN_LISTEN",
            Some(("--listen", flags.listen.as_deref())),
        );
        let public_url = layers.pick(
            section.take("public_url"),
            "COUNTERSIGN_PUBLIC_URL",
            Some(("--public-url", flags.public_url.as_deref())),
        );
        let own_host = layers.pick(section.take("own_host"), "COUNTERSIGN_OWN_HOST", None);
        let trusted_proxies = layers.pick(
            section.take("trusted_proxies"),
            "COUNTERSIGN_TRUSTED_PROXIES",
            None,
        );
        let data_dir = match &flags.data_dir {
            Some(path) => Some(Setting {
                value: path.clone(),
                origin: Origin::Flag("--data-dir"),
            }),
            None => layers.pick(section.take("data_dir"), "COUNTERSIGN_DATA_DIR", None),
        };
        let templates = layers
            .pick(section.take("templates"), "COUNTERSIGN_TEMPLATES", None)
            .map(|setting: Setting<PathBuf>| Setting {
                value: layers.environment.expand(&setting.value),
                origin: setting.origin,
            });
        section.finish(&[
            (
                "insecure_public",
                "it is a flag only, so that nobody forgets it in a file: `--insecure-public`",
            ),
            (
                "tls",
                "put a proxy that speaks TLS in front and set `trusted_proxies` and `public_url`",
            ),
        ]);
        let server = Self {
            listen: listen.unwrap_or_else(|| Setting::default((Ipv4Addr::LOCALHOST, 7420).into())),
            public_url,
            own_host: own_host.unwrap_or_else(|| Setting::default(true)),
            trusted_proxies: trusted_proxies.unwrap_or_else(|| Setting::default(Vec::new())),
            data_dir: data_dir.unwrap_or_else(|| {
                let state = layers.environment.xdg("XDG_STATE_HOME", ".local/state");
                Setting::default(state.unwrap_or_default().join("countersign"))
            }),
            templates,
            insecure_public: flags.insecure_public,
        };
        let server = server.with_absolute_data_dir(layers);
        if let Err(error) = server.check() {
            layers.fail(error);
        }
        server
    }

    fn with_absolute_data_dir(mut self, layers: &Layers<'_>) -> Self {
        let path = layers.environment.expand(&self.data_dir.value);
        if self.data_dir.origin == Origin::Default && !path.is_absolute() {
            layers.fail(
                ConfigError::new("there is no place for the state of the daemon")
                    .hint("set `HOME` or `XDG_STATE_HOME`, or use `--data-dir DIR`"),
            );
        }
        self.data_dir.value = std::path::absolute(&path).unwrap_or(path);
        self
    }

    /// Listening beyond this machine needs a proxy that speaks TLS in front.
    fn check(&self) -> Result<(), ConfigError> {
        if let Some(url) = &self.public_url
            && !(url.https || url.loopback || self.insecure_public)
        {
            return Err(ConfigError::new(format!(
                "`public_url` sends cookies in the clear: {url}",
                url = url.value
            ))
            .hint("use https. For a closed test network: `--insecure-public`"));
        }
        let loopback = self.listen.ip().to_canonical().is_loopback();
        let https = self.public_url.as_ref().is_some_and(|url| url.https);
        let proxied = https && !self.trusted_proxies.is_empty();
        if loopback || proxied || self.insecure_public {
            return Ok(());
        }
        Err(ConfigError::new(format!(
            "refusing to listen on `{}` without TLS",
            self.listen.value
        ))
        .hint(
            "put a proxy that speaks TLS in front, and set `trusted_proxies` and an https \
             `public_url`. For a closed test network: `--insecure-public`",
        ))
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut entries = vec![
            Entry::new("server.listen", &self.listen),
            Entry::new("server.own_host", &self.own_host),
            Entry::new("server.trusted_proxies", &self.trusted_proxies),
            Entry::new("server.data_dir", &self.data_dir),
        ];
        if let Some(url) = &self.public_url {
            entries.insert(1, Entry::new("server.public_url", url));
        }
        if let Some(templates) = &self.templates {
            entries.push(Entry::new("server.templates", templates));
        }
        entries
    }
}
