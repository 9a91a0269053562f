//! Mail by SMTP.
//!
//! One thread for each handoff, a text and an HTML part that say the same, and headers by which a mail
//! program can sort and unsubscribe. Nothing an agent wrote reaches a header but on one cleaned line.

use std::{convert::Infallible, time::Duration};

use async_trait::async_trait;
use countersign_protocol::handoff::Trigger;
use jiff::{SignedDuration, Timestamp};
use lettre::{
    Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};

use super::{
    Channel, Outcome,
    smtp::{SendError, Sessions},
};
use crate::{
    config::{DecideLinks, Disclosure, Environment, Kind, Mail as Settings, MailTls},
    ledger::{Draft, Ledger},
    message::{Change, Claim, Link, LinkAnswer, Notice, Owed, Recipient, Risk, StopKey, mint},
    outbox::{
        Random,
        disclose::line,
        later,
        render::{Extras, Letter, Renderer},
        schedule::Wish,
        view::Action,
    },
};

/// How long a mail may take in all.
const PATIENCE: Duration = Duration::from_mins(2);
/// Sessions with the server at once.
const SESSIONS: usize = 8;
/// How long links to decide are good for.
const LINKS: SignedDuration = SignedDuration::from_hours(8);

/// The way to people by mail.
pub(in crate::outbox) struct Mail {
    sessions: Sessions,
    from: Mailbox,
    decide_links: DecideLinks,
    ledger: Ledger,
    render: Renderer,
    random: Random,
    stop: StopKey,
}

/// Why the server is not asked to be kind: it refused us, not the message.
const NOT_ABOUT_THE_MESSAGE: [u16; 5] = [421, 530, 534, 535, 538];

impl Mail {
    pub(in crate::outbox) fn new(
        settings: &Settings,
        environment: &Environment,
        ledger: Ledger,
        render: Renderer,
        random: Random,
        stop: StopKey,
    ) -> Result<Self, String> {
        let smtp = &settings.smtp.value;
        let tls = || {
            let mut builder = TlsParameters::builder(smtp.host.clone());
            if let Some(ca) = &settings.ca {
                let shown = ca.value.display();
                let pem = std::fs::read(environment.expand(&ca.value))
                    .map_err(|error| format!("cannot read `{shown}`: {error}"))?;
                let certificate = Certificate::from_pem(&pem)
                    .map_err(|error| format!("`{shown}` holds no certificate: {error}"))?;
                builder = builder.add_root_certificate(certificate);
            }
            builder
                .build_rustls()
                .map_err(|error| format!("TLS for `{}`: {error}", smtp.host))
        };
        let security = match (settings.tls.value, smtp.implicit_tls) {
            (_, true) => Tls::Wrapper(tls()?),
            (MailTls::Required, false) => Tls::Required(tls()?),
            (MailTls::Off, false) => Tls::None,
        };
        let credentials = match (&settings.username, &settings.password) {
            (Some(name), Some(password)) => {
                let password = password.value.read(environment)?;
                let (name, password) = (name.value.clone(), password.reveal().to_owned());
                Some(Credentials::new(name, password))
            }
            _ => None,
        };
        Ok(Self {
            sessions: Sessions::new((smtp.host.clone(), smtp.port), security, credentials),
            from: settings.from.value.0.clone(),
            decide_links: settings.decide_links.value,
            ledger,
            render,
            random,
            stop,
        })
    }

    /// Whether this mail has links to decide.
    fn may_decide(&self, notice: &Notice, level: Disclosure) -> bool {
        let up_to = match self.decide_links {
            DecideLinks::Off => return false,
            DecideLinks::Low => Risk::Low,
            DecideLinks::Medium => Risk::Medium,
        };
        let is_critical = notice.held || notice.trigger == Some(Trigger::CriticalAction);
        later::asks(notice)
            && level == Disclosure::Full
            && notice.risk.is_some_and(|risk| risk <= up_to)
            && !is_critical
    }

    /// Makes the links of a mail and records what they are bound to, before they leave.
    async fn links(&self, owed: &Owed, to: &Recipient, now: Timestamp) -> Result<Extras, Outcome> {
        let mut extras = Extras {
            unsubscribe: Some(self.stop.link(self.render.home(), &to.id)),
            ..Extras::default()
        };
        let (Some(notice), level) = (owed.notice(), self.render.level(owed)) else {
            return Ok(extras);
        };
        if notice.kind == Kind::OwnershipOffered.name() && level == Disclosure::Full {
            extras.claim = self.claim(owed, notice, to).await?;
            return Ok(extras);
        }
        let (Some(handoff), Some(manifest_sha256)) = (notice.handoff, notice.digest) else {
            return Ok(extras);
        };
        if !self.may_decide(notice, level) {
            return Ok(extras);
        }
        let mut values = Vec::new();
        for answer in [LinkAnswer::Approve, LinkAnswer::Changes] {
            let Some(random) = (self.random)() else {
                return Ok(extras);
            };
            let link = Link {
                message: owed.id.clone(),
                person: to.clone(),
                handoff,
                revision: notice.revision,
                manifest_sha256,
                answer,
                made: now,
                expires: now.saturating_add(LINKS).unwrap_or(Timestamp::MAX),
                alone: notice.risk == Some(Risk::Low)
                    && matches!(notice.class.as_str(), "public" | "internal"),
                used: None,
            };
            let minted = mint(random, &link);
            values.push(minted.change);
            extras.decide.push(Action {
                word: match answer {
                    LinkAnswer::Approve => "approve",
                    LinkAnswer::Changes => "request changes",
                },
                url: format!(
                    "{}/h/{handoff}/confirm?d={}&t={}",
                    self.render.home(),
                    answer.word(),
                    minted.secret
                ),
            });
        }
        extras.hours = u64::try_from(LINKS.as_hours()).unwrap_or_default();
        self.keep(values).await?;
        Ok(extras)
    }

    /// Makes the link by which the reader answers the offer of a workspace.
    async fn claim(
        &self,
        owed: &Owed,
        notice: &Notice,
        to: &Recipient,
    ) -> Result<Option<String>, Outcome> {
        let (Some(offer), Some(random)) = (notice.offer, (self.random)()) else {
            return Ok(None);
        };
        let claim = Claim {
            message: owed.id.clone(),
            person: to.clone(),
            offer,
        };
        let minted = claim.mint(random);
        self.keep(vec![minted.change]).await?;
        let home = self.render.home();
        Ok(Some(format!("{home}/workspaces/claim?t={}", minted.secret)))
    }

    /// Records what links are bound to.
    async fn keep(&self, values: Vec<Change>) -> Result<(), Outcome> {
        let draft = Draft {
            values,
            ..Draft::nothing(())
        };
        let kept = self
            .ledger
            .transact(move |_, _| Ok::<_, Infallible>(draft))
            .await;
        kept.map(drop).map_err(|error| {
            let why = format!("its links cannot be recorded: {error}");
            Outcome::retry(why, Wish::default())
        })
    }

    fn compose(
        &self,
        owed: &Owed,
        to: &Recipient,
        letter: Letter,
        stop: &str,
    ) -> Result<Message, String> {
        let address = to.email.as_deref().unwrap_or_default();
        let address = address
            .parse()
            .map_err(|error| format!("`{address}` is no mail address: {error}"))?;
        let host = self.from.email.domain();
        let mut builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(Some(line(&to.display, 80)), address))
            .subject(letter.subject)
            .message_id(Some(message_id(owed, host)));
        if let Some(root) = thread(owed, host) {
            builder = builder.in_reply_to(root.clone()).references(root);
        }
        let full = self.render.level(owed) == Disclosure::Full;
        for (name, value) in headers(owed, host, full, stop) {
            let name =
                HeaderName::new_from_ascii(name.to_owned()).map_err(|error| error.to_string())?;
            builder = builder.raw_header(HeaderValue::new(name, line(&value, 900)));
        }
        let message = match letter.html {
            Some(html) => builder.multipart(MultiPart::alternative_plain_html(letter.text, html)),
            None => builder.singlepart(SinglePart::plain(letter.text)),
        };
        message.map_err(|error| format!("the mail cannot be written: {error}"))
    }
}

/// The same at every attempt, so that a receiver that has it twice can tell.
fn message_id(owed: &Owed, host: &str) -> String {
    let about = owed.notice().and_then(|notice| {
        let id = notice.handoff?;
        Some(format!("{id}.r{}.{}", notice.revision, notice.kind))
    });
    let about = about.unwrap_or_else(|| "countersign".to_owned());
    format!("<{about}.{}@{host}>", owed.id)
}

/// What all mails about a handoff answer to (RFC 5322, section 3.6.4).
fn thread(owed: &Owed, host: &str) -> Option<String> {
    Some(format!("<{}@{host}>", owed.notice()?.handoff?))
}

/// Headers for mail programs and filters. About work that may not be described there is only what and which.
fn headers(owed: &Owed, host: &str, full: bool, stop: &str) -> Vec<(&'static str, String)> {
    let mut all = vec![
        // RFC 3834: nobody's holiday notice answers it.
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("X-Auto-Response-Suppress", "All".to_owned()),
        ("List-Id", format!("<handoffs.{host}>")),
        // RFC 8058: one click, without a page in between.
        ("List-Unsubscribe", format!("<{stop}>")),
        (
            "List-Unsubscribe-Post",
            "List-Unsubscribe=One-Click".to_owned(),
        ),
    ];
    let Some(notice) = owed.notice() else {
        return all;
    };
    all.push(("X-Handoff-Event", notice.kind.clone()));
    if let Some(id) = notice.handoff {
        all.push(("X-Handoff-Id", id.to_string()));
        if full {
            all.push(("X-Handoff-Revision", notice.revision.to_string()));
            let risk = notice.risk.map(|risk| risk.word().to_owned());
            all.extend(risk.map(|risk| ("X-Handoff-Risk", risk)));
            all.push(("X-Handoff-Class", notice.class.clone()));
            all.push(("X-Handoff-Attention", "you".to_owned()));
        }
    }
    all
}

#[async_trait]
impl Channel for Mail {
    async fn deliver(&self, owed: &Owed, now: Timestamp) -> Outcome {
        let Some(to) = owed.to.as_ref().filter(|to| to.email.is_some()) else {
            return Outcome::Dead {
                said: "the person has no mail address".to_owned(),
            };
        };
        if self.ledger.state().mail_stopped(&to.id) {
            return Outcome::Dropped {
                why: "the person wants no more mail".to_owned(),
            };
        }
        let extras = match self.links(owed, to, now).await {
            Ok(extras) => extras,
            Err(outcome) => return outcome,
        };
        let stop = extras.unsubscribe.clone().unwrap_or_default();
        let letter = self.render.letter(owed, extras);
        let message = letter
            .ok_or_else(|| "it is about nothing".to_owned())
            .and_then(|letter| self.compose(owed, to, letter, &stop));
        let message = match message {
            Ok(message) => message,
            Err(said) => return Outcome::Dead { said },
        };
        match tokio::time::timeout(PATIENCE, self.sessions.send(&message)).await {
            Ok(Ok(response)) => Outcome::Sent {
                said: format!(
                    "{} {}",
                    response.code(),
                    response.message().collect::<Vec<_>>().join(" ")
                ),
            },
            Ok(Err(error)) => failed(&error),
            Err(_) => Outcome::retry(
                "the server did not finish in time",
                Wish {
                    throttled: true,
                    after: None,
                },
            ),
        }
    }

    fn width(&self) -> usize {
        SESSIONS
    }
}

fn failed(error: &SendError) -> Outcome {
    let smtp = match error {
        SendError::Smtp(error) => Some(error),
        SendError::Connect(_) => None,
    };
    let code = smtp
        .and_then(lettre::transport::smtp::Error::status)
        .map(u16::from);
    let mut said = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let more = cause.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        source = cause.source();
    }
    let about_the_message = code.is_some_and(|code| !NOT_ABOUT_THE_MESSAGE.contains(&code));
    if smtp.is_some_and(lettre::transport::smtp::Error::is_permanent) && about_the_message {
        return Outcome::Dead { said };
    }
    Outcome::retry(
        said,
        Wish {
            throttled: code.is_some(),
            after: None,
        },
    )
}
