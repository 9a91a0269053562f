//! `[notify]` and `[[webhook]]`: how people and programs are told.

use std::path::PathBuf;

use serde_json::Value as Json;

use super::{
    Class, Entry,
    error::ConfigError,
    layer::Layers,
    origin::Setting,
    reach,
    secret::{Destination, Secret, Secrets},
    section::{File, Section},
    value::Value,
    workspace::WorkspaceName,
};

/// What a message is about. The name is what stands in `events = […]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A revision was accepted, whoever is asked about it. For programs.
    Accepted,
    /// A person is asked.
    Turn,
    /// The answer is due soon.
    Due,
    /// Somebody else is asked now.
    Escalated,
    /// The agent came back with what was asked for.
    Answered,
    /// A person decided.
    Decided,
    /// The agent took it back.
    Withdrawn,
    /// Others are asked instead of a person who was asked. For that person.
    Moved,
    /// An agent stopped without handing over.
    Stopped,
    /// Files that a rule watches were changed.
    FileChanged,
    /// A workspace is offered to a person, who may take it over.
    OwnershipOffered,
    /// The person took it over.
    OwnershipAccepted,
    /// The person does not want it.
    OwnershipDeclined,
    /// The offer was taken back.
    OwnershipWithdrawn,
    /// The offer was not answered in time.
    OwnershipExpired,
    /// A delivery cannot be read.
    DeadLetter,
    /// Messages cannot be delivered.
    Trouble,
    /// What happened since the last one.
    Digest,
    /// Anything happened: one message for each entry of the ledger. For programs.
    Event,
    /// Somebody tries the channel.
    Test,
}

impl Kind {
    /// Every kind, in the order of the manual.
    pub const ALL: [Self; 20] = [
        Self::Accepted,
        Self::Turn,
        Self::Due,
        Self::Escalated,
        Self::Answered,
        Self::Decided,
        Self::Withdrawn,
        Self::Moved,
        Self::Stopped,
        Self::FileChanged,
        Self::OwnershipOffered,
        Self::OwnershipAccepted,
        Self::OwnershipDeclined,
        Self::OwnershipWithdrawn,
        Self::OwnershipExpired,
        Self::DeadLetter,
        Self::Trouble,
        Self::Digest,
        Self::Event,
        Self::Test,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Turn => "turn",
            Self::Due => "due",
            Self::Escalated => "escalated",
            Self::Answered => "answered",
            Self::Decided => "decided",
            Self::Withdrawn => "withdrawn",
            Self::Moved => "moved",
            Self::Stopped => "stopped",
            Self::FileChanged => "file-changed",
            Self::OwnershipOffered => "ownership-offered",
            Self::OwnershipAccepted => "ownership-accepted",
            Self::OwnershipDeclined => "ownership-declined",
            Self::OwnershipWithdrawn => "ownership-withdrawn",
            Self::OwnershipExpired => "ownership-expired",
            Self::DeadLetter => "dead-letter",
            Self::Trouble => "trouble",
            Self::Digest => "digest",
            Self::Event => "event",
            Self::Test => "test",
        }
    }
}

/// How much a message may tell about work of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disclosure {
    /// That there is something, and where.
    LinkOnly,
    /// The number, the reason by its code, risk and counts; no words of the agent.
    IdAndReason,
    /// Title, reason, file names; never contents.
    Full,
}

impl Disclosure {
    /// The name in files and on pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::LinkOnly => "link-only",
            Self::IdAndReason => "id-and-reason",
            Self::Full => "full",
        }
    }
}

/// What a receiver of messages understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// A `CloudEvents` document with a Standard Webhooks signature.
    Generic,
    /// An incoming webhook of Slack.
    Slack,
    /// A workflow of Teams.
    Teams,
    /// A webhook of Discord.
    Discord,
    /// A topic of ntfy.
    Ntfy,
}

/// Up to which risk a message has links that open a page to decide on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecideLinks {
    /// None has.
    Off,
    /// Those of low risk.
    Low,
    /// Those of low and medium risk; medium still asks to sign in.
    Medium,
}

/// How a subject begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectStyle {
    /// With what the reader is to do.
    State,
    /// With the title, always the same, for readers that thread by subject.
    Stable,
}

/// Whether mail may leave in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// It may not: without TLS nothing is sent.
    Required,
    /// It may; for a relay on this machine.
    Off,
}

/// `[notify.email]`.
#[derive(Clone, Debug)]
pub struct Mail {
    /// `smtp://host:port` (TLS by STARTTLS) or `smtps://host:port` (TLS from the start).
    pub smtp: Setting<SmtpUrl>,
    /// To sign in with.
    pub username: Option<Setting<String>>,
    /// To sign in with.
    pub password: Option<Setting<Secret>>,
    /// The sender.
    pub from: Setting<Mailbox>,
    /// Whether mail may leave in the clear.
    pub tls: Setting<MailTls>,
    /// A further authority whose certificates are believed, as PEM.
    pub ca: Option<Setting<PathBuf>>,
    /// Up to which risk mail has links to decide.
    pub decide_links: Setting<DecideLinks>,
    /// How subjects begin.
    pub subject: Setting<SubjectStyle>,
}

/// The address of a mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpUrl {
    /// Host.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS from the first byte.
    pub implicit_tls: bool,
}

/// A mail address with an optional name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox(pub lettre::message::Mailbox);

/// `[[webhook]]`.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Its name, unique.
    pub name: Setting<WorkspaceName>,
    /// What it understands.
    pub format: Setting<Format>,
    /// Where it is.
    pub url: Setting<Destination>,
    /// What it is signed with, newest first; a bearer token for ntfy.
    pub secret: Option<Setting<Secrets>>,
    /// The topic of ntfy.
    pub topic: Option<Setting<String>>,
    /// Which kinds it gets.
    pub events: Setting<Vec<Kind>>,
    /// Of which workspaces; of all when empty.
    pub workspaces: Setting<Vec<String>>,
    /// Whether it may be inside the house.
    pub allow_private: Setting<bool>,
}

/// `[notify]` and `[[webhook]]`.
#[derive(Clone, Debug)]
pub struct Notify {
    /// `[notify.email]`, when mail is sent.
    pub email: Option<Mail>,
    /// `[notify.disclose]`, in the order of the classes.
    pub disclose: [Setting<Disclosure>; 4],
    /// Receivers, in the order of the file.
    pub webhooks: Vec<Webhook>,
}

/// The classes, in the order of [`Notify::disclose`].
const CLASSES: [Class; 4] = [
    Class::Public,
    Class::Internal,
    Class::Confidential,
    Class::Restricted,
];

impl Notify {
    pub(super) fn read(top: &Section<'_>, source: &File<'_>, layers: &Layers<'_>) -> Self {
        let notify = top.table("notify");
        let email = notify.table("email");
        let email = (!email.is_absent())
            .then(|| Mail::read(&email, layers))
            .flatten();
        let section = notify.table("disclose");
        let disclose = CLASSES.map(|class| {
            let usual = match class {
                Class::Public | Class::Internal => Disclosure::Full,
                Class::Confidential => Disclosure::IdAndReason,
                Class::Restricted => Disclosure::LinkOnly,
            };
            section
                .take(class.name())
                .unwrap_or_else(|| Setting::default(usual))
        });
        section.finish(&[]);
        notify.finish(&[]);
        let mut webhooks: Vec<Webhook> = Vec::new();
        for (span, section) in top.tables("webhook") {
            match Webhook::read(&section) {
                Ok(one) => {
                    if webhooks
                        .iter()
                        .any(|other| other.name.value == one.name.value)
                    {
                        let error = format!("two webhooks are called `{}`", one.name.value);
                        source.fail(
                            span,
                            ConfigError::new(error).hint("give each a `name` of its own"),
                        );
                    }
                    webhooks.push(one);
                }
                Err(error) => source.fail(span, error),
            }
        }
        Self {
            email,
            disclose,
            webhooks,
        }
    }

    /// The ways to people: `email`, and every webhook by its name.
    pub(super) fn ways(&self) -> Vec<&str> {
        let webhooks = self.webhooks.iter().map(|one| one.name.value.as_str());
        ["email"].into_iter().chain(webhooks).collect()
    }

    /// How much may be told about work of `class`; nothing but the link about a class that nobody knows.
    pub fn disclosure(&self, class: &str) -> Disclosure {
        let known = CLASSES.iter().position(|known| known.name() == class);
        known.map_or(Disclosure::LinkOnly, |at| self.disclose[at].value)
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        if let Some(email) = &self.email {
            entries.extend(email.entries());
        }
        for (class, setting) in CLASSES.iter().zip(&self.disclose) {
            entries.push(Entry::new(
                format!("notify.disclose.{}", class.name()),
                setting,
            ));
        }
        for webhook in &self.webhooks {
            entries.extend(webhook.entries());
        }
        entries
    }
}

impl Mail {
    fn read(section: &Section<'_>, layers: &Layers<'_>) -> Option<Self> {
        let smtp = section.take("smtp");
        let from = section.take("from");
        let username = section.take("username");
        let password = section.take("password");
        let tls = section.take("tls");
        let ca = section.take("ca");
        let decide_links = section.take("decide_links");
        let subject = section.take("subject");
        section.finish(&[]);
        let (Some(smtp), Some(from)) = (smtp, from) else {
            layers.fail(
                ConfigError::new("`[notify.email]` needs `smtp` and `from`")
                    .hint("for example `smtp = \"smtp://mail.example.org:587\"` and `from = \"Countersign <countersign@example.org>\"`"),
            );
            return None;
        };
        Some(Self {
            smtp,
            username,
            password,
            from,
            tls: tls.unwrap_or_else(|| Setting::default(MailTls::Required)),
            ca,
            decide_links: decide_links.unwrap_or_else(|| Setting::default(DecideLinks::Low)),
            subject: subject.unwrap_or_else(|| Setting::default(SubjectStyle::State)),
        })
    }

    fn entries(&self) -> Vec<Entry> {
        let mut entries = vec![
            Entry::new("notify.email.smtp", &self.smtp),
            Entry::new("notify.email.from", &self.from),
            Entry::new("notify.email.tls", &self.tls),
            Entry::new("notify.email.decide_links", &self.decide_links),
            Entry::new("notify.email.subject", &self.subject),
        ];
        entries.extend(
            self.username
                .iter()
                .map(|one| Entry::new("notify.email.username", one)),
        );
        entries.extend(
            self.password
                .iter()
                .map(|one| Entry::new("notify.email.password", one)),
        );
        entries.extend(self.ca.iter().map(|one| Entry::new("notify.email.ca", one)));
        entries
    }
}

impl Webhook {
    fn read(section: &Section<'_>) -> Result<Self, ConfigError> {
        let name: Option<Setting<WorkspaceName>> = section.take("name");
        let format = section.take("format");
        let url: Option<Setting<Destination>> = section.take("url");
        let secret = section.take("secret");
        let topic = section.take("topic");
        let events = section.take("events");
        let workspaces = section.take("workspaces");
        let allow_private = section.take("allow_private");
        section.finish(&[]);
        let format = format.unwrap_or_else(|| Setting::default(Format::Generic));
        let allow_private = allow_private.unwrap_or_else(|| Setting::default(false));
        let (Some(name), Some(url)) = (name, url) else {
            return Err(ConfigError::new("a webhook needs a `name` and a `url`")
                .hint("for example `name = \"ci\"` and `url = \"https://ci.example.org/hook\"`"));
        };
        if name.value.as_str() == "mail" {
            return Err(ConfigError::new("a webhook cannot be called `mail`")
                .hint("that is the name under which the mail server is listed"));
        }
        if format.value == Format::Generic && secret.is_none() {
            return Err(ConfigError::new(format!("the webhook `{}` needs a `secret`", name.value))
                .hint("its receiver checks the signature with it; make one of `whsec_` and 32 random bytes in base64"));
        }
        if format.value == Format::Ntfy && topic.is_none() {
            return Err(ConfigError::new(format!("the webhook `{}` needs a `topic`", name.value))
                .hint("`url` is the server, such as `https://ntfy.sh`, and `topic` is what people subscribe to"));
        }
        if let Destination::Plain(url) = &url.value
            && !allow_private.value
            && reach::is_private_literal(url)
        {
            return Err(ConfigError::new(format!(
                "the webhook `{}` is sent to an address inside your house: `{url}`",
                name.value
            ))
            .hint("when that is what you want, say `allow_private = true` in the same section"));
        }
        let is_generic = format.value == Format::Generic;
        Ok(Self {
            name,
            format,
            url,
            secret,
            topic,
            events: events.unwrap_or_else(|| {
                // A program hears of a revision at once; people hear of it when it is their turn.
                let usual = |kind: &Kind| match kind {
                    Kind::Digest | Kind::Moved | Kind::Event => false,
                    Kind::Accepted => is_generic,
                    _ => true,
                };
                Setting::default(Kind::ALL.into_iter().filter(usual).collect())
            }),
            workspaces: workspaces.unwrap_or_else(|| Setting::default(Vec::new())),
            allow_private,
        })
    }

    fn entries(&self) -> Vec<Entry> {
        let key = |name: &str| format!("webhook.\"{}\".{name}", self.name.value);
        let mut entries = vec![
            Entry::new(key("format"), &self.format),
            Entry::new(key("url"), &self.url),
            Entry::new(key("events"), &self.events),
            Entry::new(key("workspaces"), &self.workspaces),
            Entry::new(key("allow_private"), &self.allow_private),
        ];
        entries.extend(self.secret.iter().map(|one| Entry::new(key("secret"), one)));
        entries.extend(self.topic.iter().map(|one| Entry::new(key("topic"), one)));
        entries
    }
}

impl Value for SmtpUrl {
    fn from_text(text: &str) -> Result<Self, String> {
        let bad = "must be an address such as `smtp://mail.example.org:587` or `smtps://mail.example.org`";
        let url: reqwest::Url = text.parse().map_err(|_| bad.to_owned())?;
        let implicit_tls = match url.scheme() {
            "smtp" => false,
            "smtps" => true,
            _ => return Err(bad.to_owned()),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(bad)?;
        let bare = matches!(url.path(), "" | "/") && url.query().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() {
            return Err(format!("{bad}; user and password have keys of their own"));
        }
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let port = url.port().unwrap_or(if implicit_tls { 465 } else { 587 });
        Ok(Self {
            host,
            port,
            implicit_tls,
        })
    }

    fn show(&self) -> Json {
        let scheme = if self.implicit_tls { "smtps" } else { "smtp" };
        Json::from(format!("{scheme}://{}:{}", self.host, self.port))
    }
}

impl Value for Mailbox {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| {
            "must be a mail address such as `Countersign <countersign@example.org>`".to_owned()
        })
    }

    fn show(&self) -> Json {
        Json::from(self.0.to_string())
    }
}
