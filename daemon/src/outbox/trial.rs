//! Messages that are not about work: to try a channel with, and to look at.

use std::sync::Arc;

use countersign_web::templates::Templates;
use jiff::Timestamp;

use super::{
    MAIL, Outbox,
    channel::Outcome,
    render::{Extras, Renderer},
    samples::samples,
    view::Action,
};
use crate::{
    config::{Format, Kind, Notify},
    message::Recipient,
};

/// What became of a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The receiver.
    pub receiver: String,
    /// What it was a sample of.
    pub sample: String,
    /// Whether the receiver took it.
    pub ok: bool,
    /// What it said.
    pub said: String,
}

impl Outbox {
    /// Sends a sample of each kind to the receivers that are meant, and waits for what they say. Nothing of it is
    /// written down. `None` means all receivers; mail needs `to`.
    pub async fn try_out(&self, receiver: Option<&str>, to: Option<&Recipient>) -> Vec<Tried> {
        let inner = &self.inner;
        let mut results = Vec::new();
        let meant = inner.receivers.iter().filter(|one| {
            receiver.map_or(one.name != MAIL || to.is_some(), |name| one.name == name)
        });
        for one in meant {
            let now = inner.around.clock.now();
            for (sample, owed) in samples(&one.name, to, now) {
                let outcome = one.channel.deliver(&owed, now).await;
                let (ok, said) = match outcome {
                    Outcome::Sent { said } => (true, said),
                    Outcome::Retry { said, .. }
                    | Outcome::Dead { said }
                    | Outcome::Gone { said }
                    | Outcome::Dropped { why: said } => (false, said),
                };
                let receiver = one.name.clone();
                results.push(Tried {
                    receiver,
                    sample,
                    ok,
                    said,
                });
            }
        }
        results
    }
}

/// Every message with samples, as files: name and content.
pub fn preview(
    templates: &Templates,
    rules: &Arc<Notify>,
    home: &str,
    now: Timestamp,
) -> Vec<(String, Vec<u8>)> {
    let render = Renderer::new(templates.clone(), Arc::clone(rules), home);
    let maya = Recipient {
        id: "maya".to_owned(),
        display: "Maya Okafor".to_owned(),
        email: Some("maya@example.org".to_owned()),
        address: None,
        zone: None,
    };
    let mut files = Vec::new();
    for (name, owed) in samples(MAIL, Some(&maya), now) {
        let mut extras = Extras {
            unsubscribe: Some(format!("{home}/mail/stop?t=sample")),
            ..Extras::default()
        };
        if name == "turn" {
            extras.hours = 8;
            extras.decide = ["approve", "request changes"]
                .map(|word| Action {
                    word,
                    url: format!(
                        "{home}/h/H-1050/confirm?d={}&t=sample",
                        word.split(' ').next_back().unwrap_or(word)
                    ),
                })
                .into();
        }
        // That something was handed over is told to programs only.
        let is_for_people = name != Kind::Accepted.name();
        let letter = render.letter(&owed, extras);
        if let Some(letter) = letter.filter(|_| is_for_people) {
            let text = format!("Subject: {}\n\n{}", letter.subject, letter.text);
            files.push((format!("mail-{name}.txt"), text.into_bytes()));
            files.extend(
                letter
                    .html
                    .map(|html| (format!("mail-{name}.html"), html.into_bytes())),
            );
        }
        for (word, format) in [
            ("slack", Format::Slack),
            ("teams", Format::Teams),
            ("discord", Format::Discord),
            ("ntfy", Format::Ntfy),
        ] {
            files.push((
                format!("{word}-{name}.json"),
                render.chat(format, &owed, Some("handoffs")),
            ));
        }
        files.extend(
            render
                .event(&owed)
                .map(|body| (format!("webhook-{name}.json"), body)),
        );
    }
    files
}
