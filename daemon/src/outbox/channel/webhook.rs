//! A generic receiver: a `CloudEvents` 1.0 document in structured form, signed as Standard Webhooks.

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::Url;

use super::{Channel, Outcome};
use crate::{
    egress::Http,
    message::Owed,
    outbox::{
        http,
        render::Renderer,
        sign::{self, Key},
    },
};

/// Media type of the structured form (`CloudEvents` HTTP binding, section 3.2).
const MEDIA_TYPE: &str = "application/cloudevents+json; charset=UTF-8";

#[derive(Debug)]
pub(in crate::outbox) struct Webhook {
    pub(in crate::outbox) url: Url,
    pub(in crate::outbox) keys: Vec<Key>,
    pub(in crate::outbox) http: Http,
    pub(in crate::outbox) render: Renderer,
}

#[async_trait]
impl Channel for Webhook {
    async fn deliver(&self, owed: &Owed, now: Timestamp) -> Outcome {
        let Some(body) = self.render.event(owed) else {
            return Outcome::Dead {
                said: "it is about nothing".to_owned(),
            };
        };
        let seconds = now.as_second();
        let signature = sign::signature(&self.keys, &owed.id, seconds, &body);
        match http::post(&self.http, &self.url, MEDIA_TYPE, body) {
            Ok(request) => {
                let request = request
                    .header("webhook-id", &owed.id)
                    .header("webhook-timestamp", seconds)
                    .header("webhook-signature", signature);
                let request = match owed.traceparent() {
                    Some(parent) => request.header("traceparent", parent.to_string()),
                    None => request,
                };
                http::send(request, now).await
            }
            Err(outcome) => outcome,
        }
    }

    fn width(&self) -> usize {
        32
    }
}
