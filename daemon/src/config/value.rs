//! How each kind of value is read from a file or from text, and shown again.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use countersign_protocol::{
    access::Permission, check::OnFailure, decision::Outcome, handoff::Profile, phrase::Phrase,
    reference::Template, transfer::Mode,
};
use http::HeaderName;
use ipnet::IpNet;
use serde_json::Value as Json;
use toml::de::DeValue;

use super::{
    Channel, Class, DecideLinks, Digest, Disclosure, Email, Expiry, Expression, Format, Heartbeat,
    Hours, Id, Kind, Level, LogFormat, MailTls, MetricsFor, Moment, Pattern, PublicUrl, Raise,
    Scheme, SubjectStyle, Target, TriggerKind, Undo, UsualRole, WorkspaceName, Zone,
    quantity::{Size, Span},
    retention::Limit,
};

/// A kind of value. The error is the end of a sentence that begins with the name of the setting.
pub(super) trait Value: Sized {
    /// From the text of a flag or an environment variable.
    fn from_text(text: &str) -> Result<Self, String>;

    /// From a file. Text unless said otherwise.
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        match value.as_str() {
            Some(text) => Self::from_text(text),
            None => Err(format!("must be text, not {}", kind(value))),
        }
    }

    /// For `config show`.
    fn show(&self) -> Json;
}

pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

macro_rules! parsed {
    ($($kind:ty),+) => {$(
        impl Value for $kind {
            fn from_text(text: &str) -> Result<Self, String> {
                text.parse().map_err(|error| format!("{error}"))
            }

            fn show(&self) -> Json {
                Json::from(self.to_string())
            }
        }
    )+};
}

parsed!(
    Span,
    Size,
    PublicUrl,
    WorkspaceName,
    Heartbeat,
    Undo,
    Id,
    Email,
    Channel,
    Target,
    Zone,
    Hours,
    Digest,
    Moment,
    Limit<Span>,
    Limit<Size>,
    Expiry,
    Expression,
    Pattern,
    Permission,
    UsualRole,
    Scheme,
    Template,
    Phrase
);

/// Values of which there are only a few.
macro_rules! choice {
    ($kind:ty, $($name:literal => $value:expr),+) => {
        impl Value for $kind {
            fn from_text(text: &str) -> Result<Self, String> {
                match text {
                    $($name => Ok($value),)+
                    _ => Err(one_of(text, &[$($name),+])),
                }
            }

            fn show(&self) -> Json {
                $(if *self == $value {
                    return Json::from($name);
                })+
                Json::Null
            }
        }
    };
}

choice!(Class, "public" => Class::Public, "internal" => Class::Internal,
    "confidential" => Class::Confidential, "restricted" => Class::Restricted);
choice!(Profile, "minimal" => Profile::Minimal, "contract" => Profile::Contract,
    "regulated" => Profile::Regulated);
choice!(Outcome, "approve" => Outcome::Approved, "edit" => Outcome::Edited, "changes" => Outcome::ChangesRequested,
    "reject" => Outcome::Rejected, "respond" => Outcome::Responded, "ignore" => Outcome::Ignored,
    "abstain" => Outcome::Abstained);
choice!(OnFailure, "note" => OnFailure::Note, "hold" => OnFailure::Hold, "refuse" => OnFailure::Refuse);
choice!(Mode, "autonomous" => Mode::Autonomous, "reviewed" => Mode::Reviewed);
choice!(MetricsFor, "signed-in" => MetricsFor::SignedIn, "loopback" => MetricsFor::Loopback);
choice!(LogFormat, "text" => LogFormat::Text, "json" => LogFormat::Json);

choice!(Level, "low" => Level::Low, "medium" => Level::Medium, "high" => Level::High);
choice!(Raise, "event" => Raise::Event, "card" => Raise::Card);
choice!(TriggerKind, "confidence" => TriggerKind::Confidence,
    "critical_action" => TriggerKind::CriticalAction, "error" => TriggerKind::Error,
    "completion" => TriggerKind::Completion, "sensitive" => TriggerKind::Sensitive,
    "step" => TriggerKind::Step, "session_end" => TriggerKind::SessionEnd,
    "stalled" => TriggerKind::Stalled, "file_changed" => TriggerKind::FileChanged,
    "sample" => TriggerKind::Sample);

choice!(Disclosure, "full" => Disclosure::Full, "id-and-reason" => Disclosure::IdAndReason,
    "link-only" => Disclosure::LinkOnly);
choice!(Format, "generic" => Format::Generic, "slack" => Format::Slack, "teams" => Format::Teams,
    "discord" => Format::Discord, "ntfy" => Format::Ntfy);
choice!(DecideLinks, "off" => DecideLinks::Off, "low" => DecideLinks::Low, "medium" => DecideLinks::Medium);
choice!(SubjectStyle, "state" => SubjectStyle::State, "stable" => SubjectStyle::Stable);
choice!(MailTls, "required" => MailTls::Required, "off" => MailTls::Off);

impl Value for bool {
    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        }
    }

    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        value
            .as_bool()
            .ok_or_else(|| format!("must be true or false, not {}", kind(value)))
    }

    fn show(&self) -> Json {
        Json::from(*self)
    }
}

impl Value for Kind {
    fn from_text(text: &str) -> Result<Self, String> {
        let names = Self::ALL.map(Self::name);
        let known = Self::ALL.into_iter().find(|kind| kind.name() == text);
        known.ok_or_else(|| format!("holds `{text}`; each {}", one_of(text, &names)))
    }

    fn show(&self) -> Json {
        Json::from(self.name())
    }
}

fn one_of(text: &str, names: &[&str]) -> String {
    let list: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    let nearest = super::nearest(text, names.iter().copied())
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default();
    format!("must be one of {}{nearest}", list.join(", "))
}

impl Value for String {
    fn from_text(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("must not be empty".to_owned());
        }
        if text.chars().any(char::is_control) || text.len() > 256 {
            return Err("must be one line of at most 256 bytes".to_owned());
        }
        Ok(text.to_owned())
    }

    fn show(&self) -> Json {
        Json::from(self.as_str())
    }
}

impl Value for PathBuf {
    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.contains('\0') {
            return Err("must be a path".to_owned());
        }
        Ok(Self::from(text))
    }

    fn show(&self) -> Json {
        Json::from(self.display().to_string())
    }
}

impl Value for SocketAddr {
    fn from_text(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse() {
            return Ok(address);
        }
        // A port alone is on this machine, never on all its addresses.
        let port = match text.rsplit_once(':') {
            None => text,
            Some(("" | "localhost", port)) => port,
            Some(_) => "",
        };
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        match port.parse() {
            Ok(port) if digits => Ok((Ipv4Addr::LOCALHOST, port).into()),
            _ => Err(
                "must be an address and a port such as `127.0.0.1:7420`, or a port on this machine such as `7420`"
                    .to_owned(),
            ),
        }
    }

    fn show(&self) -> Json {
        Json::from(self.to_string())
    }
}

impl<T: Value> Value for Vec<T> {
    /// Separated by commas.
    fn from_text(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(T::from_text)
            .collect()
    }

    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let list = value
            .as_array()
            .ok_or_else(|| format!("must be a list, not {}", kind(value)))?;
        list.iter()
            .map(|item| T::from_toml(item.get_ref()))
            .collect()
    }

    fn show(&self) -> Json {
        self.iter().map(T::show).collect()
    }
}

impl Value for HeaderName {
    fn from_text(text: &str) -> Result<Self, String> {
        // These say other things already.
        let taken = ["authorization", "cookie", "host", "origin", "x-csrf-token"];
        text.parse()
            .ok()
            .filter(|name: &Self| !taken.contains(&name.as_str()))
            .ok_or_else(|| "must be the name of a header such as `X-Remote-User`".to_owned())
    }

    fn show(&self) -> Json {
        Json::from(self.as_str())
    }
}

impl Value for IpNet {
    fn from_text(text: &str) -> Result<Self, String> {
        network(text)
    }

    fn show(&self) -> Json {
        Json::from(self.to_string())
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
        .map_err(|_| "must hold addresses or networks such as `10.0.0.0/8`".to_owned())
}

impl Value for u64 {
    fn from_text(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err("must be a whole number above 0".to_owned()),
        }
    }

    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        match value.as_integer() {
            Some(number) if number.radix() == 10 => Self::from_text(number.as_str()),
            _ => Err("must be a whole number above 0".to_owned()),
        }
    }

    fn show(&self) -> Json {
        Json::from(*self)
    }
}

impl Value for f64 {
    fn from_text(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(number) if (0.0..=1.0).contains(&number) => Ok(number),
            _ => Err("must be a number from 0 to 1".to_owned()),
        }
    }

    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        match value {
            DeValue::Float(number) => Self::from_text(number.as_str()),
            DeValue::Integer(number) => Self::from_text(number.as_str()),
            _ => Err(format!("must be a number from 0 to 1, not {}", kind(value))),
        }
    }

    fn show(&self) -> Json {
        Json::from(*self)
    }
}
