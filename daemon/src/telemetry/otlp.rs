//! Spans on their way to a collector: OTLP over HTTP, in protobuf.
//!
//! How far it is stands beside the ledger, and moves only when the collector took everything. What is sent twice
//! after a crash has the same ids.

use std::{convert::Infallible, time::Duration};

use jiff::Timestamp;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span as Wire, Status, span::SpanKind, status},
};
use prost::Message as _;
use reqwest::{Client, StatusCode, Url, header};

use super::{
    Meter,
    spans::{self, Kind, Span},
};
use crate::{
    fault,
    ledger::{Draft, Ledger},
    message::{Change, Ended},
    store::{Space, StoreError},
};

/// Entries, and messages, that are looked at for one request.
const PAGE: usize = 256;
/// The name of the mark.
const MARK: &str = "otlp";
/// How long the collector may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Of what a collector says, in bytes.
const SAID: usize = 64 * 1024;
/// The W3C flags of a span that is recorded, and that its parent is elsewhere is known (bits 8 and 9).
const RECORDED: u32 = 1;

/// Why spans wait. They are sent later.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entry cannot be read, or the ledger takes no mark.
    #[error("{0}")]
    Ledger(String),
    /// The collector does not take them now.
    #[error("the collector at {url} does not take spans: {why}")]
    Collector {
        /// Where it is.
        url: String,
        /// What came of it.
        why: String,
    },
}

/// Where spans go.
#[derive(Clone, Debug)]
struct Way {
    client: Client,
    url: Url,
    headers: Vec<(String, String)>,
    resource: Resource,
}

/// Sends spans, when there is a collector; counts messages in any case.
#[derive(Clone, Debug)]
pub struct Exporter {
    ledger: Ledger,
    meter: Meter,
    way: Option<Way>,
}

impl Exporter {
    /// Sends to the collector at `endpoint`, with `headers`, if there is one; `instance` names this daemon.
    pub fn new(
        ledger: Ledger,
        meter: Meter,
        endpoint: Option<(Url, Vec<(String, String)>)>,
        instance: &str,
    ) -> Result<Self, String> {
        let way = endpoint
            .map(|(endpoint, headers)| Way::new(&endpoint, headers, instance))
            .transpose()?;
        Ok(Self { ledger, meter, way })
    }

    /// Sends what ended since the last time.
    pub async fn run(&self) -> Result<(), ExportError> {
        if let Some(way) = &self.way {
            while self.entries(way).await? {}
        }
        while self.messages().await? {}
        Ok(())
    }

    /// Sends the spans of the next entries; says whether there were any.
    async fn entries(&self, way: &Way) -> Result<bool, ExportError> {
        let head = self.ledger.state().head.seq;
        let mark = self
            .ledger
            .read(|store| store.value(Space::Progress, MARK))
            .await?;
        let Some(mark) = mark.and_then(|mark| mark.parse::<u64>().ok()) else {
            // Who never sent anything begins with what happens from now on.
            self.record(vec![marked(head)]).await?;
            return Ok(false);
        };
        if mark >= head {
            return Ok(false);
        }
        let entries = self.ledger.entries(mark, PAGE).await?;
        let Some(last) = entries.last().map(|entry| entry.body.seq) else {
            return Ok(false);
        };
        let mut ended = Vec::new();
        for entry in &entries {
            ended.extend(spans::ended(&self.ledger.state(), &entry.body));
        }
        if !ended.is_empty() {
            way.send(&ended).await?;
            self.meter.sent(ended.len());
            fault::step("otlp.after_sent");
        }
        self.record(vec![marked(last)]).await?;
        Ok(true)
    }

    /// Counts messages that are over, and sends their spans; says whether there were any.
    async fn messages(&self) -> Result<bool, ExportError> {
        let over = self.ledger.read(|store| Ended::some(store, PAGE)).await?;
        if over.is_empty() {
            return Ok(false);
        }
        if let Some(way) = &self.way {
            let ended: Vec<Span> = {
                let state = self.ledger.state();
                let spans = over.iter().filter_map(|one| spans::notified(&state, one));
                spans.collect()
            };
            if !ended.is_empty() {
                way.send(&ended).await?;
                self.meter.sent(ended.len());
            }
        }
        self.record(over.iter().map(Ended::told).collect()).await?;
        for one in &over {
            self.meter.notified(one);
        }
        Ok(true)
    }

    async fn record(&self, values: Vec<Change>) -> Result<(), ExportError> {
        let draft = Draft {
            values,
            ..Draft::nothing(())
        };
        let kept = self
            .ledger
            .transact(move |_, _| Ok::<_, Infallible>(draft))
            .await;
        kept.map_err(|error| ExportError::Ledger(error.to_string()))?;
        Ok(())
    }
}

fn marked(seq: u64) -> Change {
    (Space::Progress, MARK.to_owned(), Some(seq.to_string()))
}

impl Way {
    fn new(endpoint: &Url, headers: Vec<(String, String)>, instance: &str) -> Result<Self, String> {
        // Fails only when there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .map_err(|error| format!("cannot make an HTTP client: {error}"))?;
        let mut url = endpoint.clone();
        // OTLP 1.x: the signal is a path below the endpoint.
        url.path_segments_mut()
            .map_err(|()| "the endpoint has no path".to_owned())?
            .pop_if_empty()
            .extend(["v1", "traces"]);
        let text = |key: &str, value: &str| attribute(key, value.to_owned());
        Ok(Self {
            client,
            url,
            headers,
            resource: Resource {
                attributes: vec![
                    text("service.name", "countersign"),
                    text("service.version", env!("CARGO_PKG_VERSION")),
                    text("service.instance.id", instance),
                ],
                ..Resource::default()
            },
        })
    }

    async fn send(&self, ended: &[Span]) -> Result<(), ExportError> {
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(self.resource.clone()),
                scope_spans: vec![ScopeSpans {
                    scope: Some(InstrumentationScope {
                        name: "countersign".to_owned(),
                        version: env!("CARGO_PKG_VERSION").to_owned(),
                        ..InstrumentationScope::default()
                    }),
                    spans: ended.iter().map(wire).collect(),
                    schema_url: String::new(),
                }],
                schema_url: String::new(),
            }],
        };
        let mut post = self
            .client
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/x-protobuf")
            .body(request.encode_to_vec());
        for (name, value) in &self.headers {
            post = post.header(name, value);
        }
        let failed = |why: String| ExportError::Collector {
            url: self.url.to_string(),
            why,
        };
        let answer = post.send().await;
        let answer = answer.map_err(|error| failed(causes(&error)))?;
        let status = answer.status();
        if status.is_success() {
            if let Ok(bytes) = answer.bytes().await
                && bytes.len() <= SAID
                && let Ok(said) = ExportTraceServiceResponse::decode(bytes)
                && let Some(partial) = said.partial_success
                && partial.rejected_spans > 0
            {
                // The sender must not send them again (OTLP, "Partial Success").
                tracing::warn!(
                    rejected = partial.rejected_spans,
                    why = partial.error_message,
                    "the collector rejected spans"
                );
            }
            return Ok(());
        }
        if is_for_good(status) {
            tracing::error!(%status, spans = ended.len(), "the collector refuses spans for good; they are left out");
            return Ok(());
        }
        Err(failed(format!("it answers {status}")))
    }
}

/// Whether the same request would be refused again. The retryable ones are 429, 502, 503 and 504 (OTLP, "Retryable
/// Response Codes"); a key or a path that is wrong is for the operator to mend, and so waits too.
fn is_for_good(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY
    )
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = cause.to_string();
        next = cause.source();
    }
    text
}

fn attribute(key: &str, value: String) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(value)),
        }),
        ..KeyValue::default()
    }
}

fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond()).unwrap_or_default()
}

fn wire(span: &Span) -> Wire {
    let kind = match span.kind {
        Kind::Internal => SpanKind::Internal,
        Kind::Consumer => SpanKind::Consumer,
        Kind::Producer => SpanKind::Producer,
    };
    let status = span.failed.as_ref().map(|why| Status {
        message: why.clone(),
        code: status::StatusCode::Error.into(),
    });
    let attributes = span.attributes.iter();
    Wire {
        trace_id: span.trace.0.to_vec(),
        span_id: span.id.0.to_vec(),
        parent_span_id: span
            .parent
            .map_or_else(Vec::new, |parent| parent.0.to_vec()),
        flags: RECORDED,
        name: span.name.to_owned(),
        kind: kind.into(),
        start_time_unix_nano: nanos(span.start),
        end_time_unix_nano: nanos(span.end),
        attributes: attributes
            .map(|(key, value)| attribute(key, value.clone()))
            .collect(),
        status,
        ..Wire::default()
    }
}
