//! Chats: Slack, Teams, Discord and ntfy take a JSON document that a template makes.

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::Url;

use super::{Channel, Outcome};
use crate::{
    config::{Format, Hidden},
    egress::Http,
    message::Owed,
    outbox::{http, render::Renderer},
};

#[derive(Debug)]
pub(in crate::outbox) struct Chat {
    pub(in crate::outbox) format: Format,
    pub(in crate::outbox) url: Url,
    pub(in crate::outbox) topic: Option<String>,
    /// A bearer token, for ntfy.
    pub(in crate::outbox) token: Option<Hidden>,
    pub(in crate::outbox) http: Http,
    pub(in crate::outbox) render: Renderer,
}

#[async_trait]
impl Channel for Chat {
    async fn deliver(&self, owed: &Owed, now: Timestamp) -> Outcome {
        let own = owed.to.as_ref().and_then(|to| to.address.as_deref());
        let topic = own.or(self.topic.as_deref());
        let body = self.render.chat(self.format, owed, topic);
        let request = match http::post(&self.http, &self.url, "application/json", body) {
            Ok(request) => request,
            Err(outcome) => return outcome,
        };
        let request = match &self.token {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        };
        http::send(request, now).await
    }

    /// Chats throttle: Slack takes one message a second for each address.
    fn width(&self) -> usize {
        2
    }
}
