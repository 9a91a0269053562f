//! `[observe]`: what the daemon says about itself, and what it asks the kernel about others.

use std::ops::Range;

use super::{
    Entry,
    error::ConfigError,
    layer::{Environment, Flags, Layers},
    origin::Setting,
    secret::{Destination, Secret},
    section::Section,
};

/// The shape of log lines. The level comes from `RUST_LOG`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object for each line.
    Json,
}

/// Who may read `/metrics` without being signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsFor {
    /// Nobody.
    SignedIn,
    /// Programs of this machine.
    Loopback,
}

/// `[observe.otlp]`: the collector that spans are sent to.
#[derive(Clone, Debug)]
pub struct Otlp {
    /// Where it is, without `/v1/traces`.
    pub endpoint: Setting<Destination>,
    /// Headers with secrets, by name.
    pub headers: Vec<(String, Setting<Secret>)>,
}

/// `[observe]`.
#[derive(Clone, Debug)]
pub struct Observe {
    /// The shape of log lines.
    pub log: Setting<LogFormat>,
    /// Who may read the numbers besides people who are signed in.
    pub metrics: Setting<MetricsFor>,
    /// What a program shows to read the numbers.
    pub metrics_token: Option<Setting<Secret>>,
    /// Whether each workspace gets a list of its events.
    pub events: Setting<bool>,
    /// Whether the kernel is asked who writes the files of workspaces.
    pub writers: Setting<bool>,
    /// Where spans go, if anywhere.
    pub otlp: Option<Otlp>,
}

impl Otlp {
    fn read(section: &Section<'_>, layers: &Layers<'_>) -> Option<Self> {
        let endpoint = layers.pick(section.take("endpoint"), "COUNTERSIGN_OTLP", None);
        let mut headers = Vec::new();
        for (span, header) in section.tables("header") {
            headers.extend(Self::header(span, &header));
        }
        section.finish(&[]);
        if endpoint.is_none() && !section.is_absent() {
            let error = ConfigError::new("`[observe.otlp]` needs `endpoint`");
            layers.fail(
                error.hint("add `endpoint = \"http://127.0.0.1:4318\"`, or leave the section out"),
            );
        }
        endpoint.map(|endpoint| Self { endpoint, headers })
    }

    fn header(span: Range<usize>, section: &Section<'_>) -> Option<(String, Setting<Secret>)> {
        let name = section.need::<String>("name", span.clone(), "`name = \"authorization\"`")?;
        let value = section.need::<Secret>("value", span, "`value = { env = \"OTLP_TOKEN\" }`");
        section.finish(&[]);
        Some((name.value, value?))
    }

    /// The address and the headers, with what is secret in them.
    pub fn way(
        &self,
        environment: &Environment,
    ) -> Result<(reqwest::Url, Vec<(String, String)>), String> {
        let url = self.endpoint.value.read(environment)?;
        let mut headers = Vec::new();
        for (name, secret) in &self.headers {
            let value = secret.value.read(environment)?;
            headers.push((name.clone(), value.reveal().to_owned()));
        }
        Ok((url, headers))
    }
}

impl Observe {
    pub(super) fn read(section: &Section<'_>, layers: &Layers<'_>, flags: &Flags) -> Self {
        let log = layers.pick(
            section.take("log"),
            "COUNTERSIGN_LOG",
            Some(("--log", flags.log.as_deref())),
        );
        let metrics = section.take("metrics");
        let metrics_token = section.take("metrics_token");
        let events = section.take("events");
        let writers = section.take("writers");
        let otlp = Otlp::read(&section.table("otlp"), layers);
        section.finish(&[]);
        Self {
            log: log.unwrap_or_else(|| Setting::default(LogFormat::Text)),
            metrics: metrics.unwrap_or_else(|| Setting::default(MetricsFor::SignedIn)),
            metrics_token,
            events: events.unwrap_or_else(|| Setting::default(true)),
            writers: writers.unwrap_or_else(|| Setting::default(false)),
            otlp,
        }
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut entries = vec![
            Entry::new("observe.log", &self.log),
            Entry::new("observe.metrics", &self.metrics),
            Entry::new("observe.events", &self.events),
            Entry::new("observe.writers", &self.writers),
        ];
        let token = self.metrics_token.iter();
        entries.extend(token.map(|token| Entry::new("observe.metrics_token", token)));
        if let Some(otlp) = &self.otlp {
            entries.push(Entry::new("observe.otlp.endpoint", &otlp.endpoint));
            let headers = otlp.headers.iter();
            entries.extend(
                headers.map(|(name, value)| {
                    Entry::new(format!("observe.otlp.header.\"{name}\""), value)
                }),
            );
        }
        entries
    }
}
