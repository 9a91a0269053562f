//! From a message to the bytes that leave. A template that fails never keeps a message back: what must be
//! said is then said in plain words, and the log says which template it was.

use std::sync::Arc;

use countersign_web::templates::Templates;
use serde_json::{Value, json};

use super::{
    disclose::{self, Medium, allowed},
    view::{self, Setting, View},
};
use crate::{
    config::{Disclosure, Format, Notify, SubjectStyle},
    message::Owed,
};

/// Makes messages. Clones share one set of templates.
#[derive(Clone, Debug)]
pub(crate) struct Renderer {
    templates: Templates,
    rules: Arc<Notify>,
    home: Arc<str>,
}

/// A mail without its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: Option<String>,
}

/// What only mail has.
#[derive(Clone, Debug, Default)]
pub(super) struct Extras {
    pub(super) decide: Vec<view::Action>,
    pub(super) hours: u64,
    pub(super) unsubscribe: Option<String>,
    /// Where the reader answers an offer without signing in.
    pub(super) claim: Option<String>,
}

impl Renderer {
    pub(crate) fn new(templates: Templates, rules: Arc<Notify>, home: &str) -> Self {
        Self {
            templates,
            rules,
            home: home.into(),
        }
    }

    /// The address of the pages.
    pub(super) fn home(&self) -> &str {
        &self.home
    }

    /// How much may be told of what `owed` is mainly about. In a collection each keeps to the class of its own.
    pub(super) fn level(&self, owed: &Owed) -> Disclosure {
        let first = owed.notice().filter(|notice| !notice.class.is_empty());
        first.map_or(Disclosure::Full, |notice| {
            self.rules.disclosure(&notice.class)
        })
    }

    fn view(&self, owed: &Owed, medium: Medium) -> Option<View> {
        let level = self.level(owed);
        let setting = Setting {
            level,
            fields: allowed(level, medium),
            rules: &self.rules,
            medium,
            home: &self.home,
        };
        let mut view = View::new(owed, setting)?;
        view.subject = self.subject(&view);
        Some(view)
    }

    fn subject(&self, view: &View) -> String {
        let stable = self
            .rules
            .email
            .as_ref()
            .is_some_and(|email| email.subject.value == SubjectStyle::Stable);
        if stable
            && view.level == "full"
            && let Some(id) = &view.id
        {
            return disclose::line(&format!("{} ({id})", view.title), 160);
        }
        let text = self
            .fill("messages/subject.txt", view)
            .unwrap_or_else(|| view.heading.clone());
        // A subject is one line, whatever a template makes of it.
        disclose::line(&text, 160)
    }

    fn fill(&self, name: &str, view: &View) -> Option<String> {
        self.templates
            .fill(name, view)
            .inspect_err(
                |error| tracing::error!(%error, "a message is written without its template"),
            )
            .ok()
    }

    /// A mail.
    pub(super) fn letter(&self, owed: &Owed, extras: Extras) -> Option<Letter> {
        let mut view = self.view(owed, Medium::Mail)?;
        view.decide = extras.decide;
        view.decide_hours = extras.hours;
        view.unsubscribe = extras.unsubscribe;
        view.link = extras.claim.unwrap_or(view.link);
        let text = self.fill("messages/mail.txt", &view);
        Some(Letter {
            text: text.unwrap_or_else(|| format!("{}\n\n{}\n", view.heading, view.link)),
            html: self.fill("messages/mail.html", &view),
            subject: view.subject,
        })
    }

    /// What a chat gets.
    pub(super) fn chat(&self, format: Format, owed: &Owed, topic: Option<&str>) -> Vec<u8> {
        let Some(mut view) = self.view(owed, Medium::Chat) else {
            return Vec::new();
        };
        topic.unwrap_or_default().clone_into(&mut view.topic);
        let name = match format {
            Format::Slack => "messages/slack.json",
            Format::Teams => "messages/teams.json",
            Format::Discord => "messages/discord.json",
            Format::Ntfy | Format::Generic => "messages/ntfy.json",
        };
        let made = self.fill(name, &view).and_then(|text| {
            serde_json::from_str::<Value>(&text)
                .inspect_err(|error| tracing::error!(template = name, %error, "a template does not make JSON"))
                .ok()
        });
        let document = made.unwrap_or_else(|| plain(format, &view));
        serde_json::to_vec(&document).unwrap_or_default()
    }

    /// What a program gets (`CloudEvents` 1.0, section 3). The same bytes at every attempt.
    pub(super) fn event(&self, owed: &Owed) -> Option<Vec<u8>> {
        let notice = owed.notice()?;
        let fields = allowed(self.level(owed), Medium::Webhook);
        let url = view::url(&self.home, notice);
        let mut event = json!({
            "specversion": "1.0",
            "id": owed.id,
            "source": &*self.home,
            "type": format!("handoff.{}.v1", notice.kind.replace('-', "_")),
            "time": notice.at,
            "timestamp": notice.at,
            "datacontenttype": "application/json",
            "data": disclose::data(notice, fields, &url),
        });
        // The extension "Distributed Tracing" of CloudEvents.
        if let (Some(parent), Some(event)) = (owed.traceparent(), event.as_object_mut()) {
            event.insert("traceparent".to_owned(), json!(parent));
        }
        if let (Some(id), Some(event)) = (notice.handoff, event.as_object_mut()) {
            event.insert("subject".to_owned(), json!(id.to_string()));
        }
        // A collection says of each what the class of that one allows.
        let rest = owed.notices.iter().skip(1).map(|notice| {
            let fields = allowed(self.rules.disclosure(&notice.class), Medium::Webhook);
            let mut data = disclose::data(notice, fields, &view::url(&self.home, notice));
            data["kind"] = json!(notice.kind);
            data
        });
        let rest: Vec<Value> = rest.collect();
        if !rest.is_empty() {
            event["data"]["collected"] = json!(rest);
        }
        if let Some(to) = &owed.to {
            event["data"]["person"] = json!(to.id);
        }
        serde_json::to_vec(&event).ok()
    }
}

/// The least that has to be said, in the shape that the receiver takes.
fn plain(format: Format, view: &View) -> Value {
    let text = format!("{}: {}", view.subject, view.link);
    match format {
        Format::Slack => {
            json!({ "text": text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;") })
        }
        Format::Teams => json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "content": { "type": "AdaptiveCard", "version": "1.4", "body": [{ "type": "TextBlock", "text": view.heading, "wrap": true }],
                             "actions": [{ "type": "Action.OpenUrl", "title": view.action, "url": view.link }] }
            }]
        }),
        Format::Discord => json!({ "content": text, "allowed_mentions": { "parse": [] } }),
        Format::Ntfy | Format::Generic => {
            json!({ "topic": view.topic, "title": view.subject, "message": view.heading, "click": view.link })
        }
    }
}
