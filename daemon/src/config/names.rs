//! Names of people and of what they belong to, and the ways to write that somebody is meant.

use std::{fmt, str::FromStr};

/// The name of a person, group, queue, calendar, agent or rule, as other sections and facts use it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(String);

impl Id {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Id {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let good = |c: char| c.is_ascii_alphanumeric() || "._@+-".contains(c);
        let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if first && text.len() <= 64 && text.chars().all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(
                "must begin with a letter or digit and hold only ASCII letters, digits and \
                 `.`, `_`, `@`, `+`, `-`, at most 64 of them",
            )
        }
    }
}

/// An e-mail address, as far as it can be checked without sending to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Email {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let odd = |c: char| c.is_whitespace() || c.is_control() || "<>(),;:\"\\[]".contains(c);
        match text.split_once('@') {
            Some((local, domain))
                if !local.is_empty()
                    && !domain.is_empty()
                    && !domain.contains('@')
                    && text.len() <= 254
                    && !text.contains(odd) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err("must be an e-mail address such as `maya@example.org`"),
        }
    }
}

/// A way to reach a person: the channel, and the address in it where the channel needs one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// For example `email` or `ntfy`.
    pub name: String,
    /// For example a topic; `None` where the channel knows the person otherwise.
    pub address: Option<String>,
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Some(address) => write!(f, "{}:{address}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl FromStr for Channel {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, address) = match text.split_once(':') {
            Some((name, address)) => (name, Some(address)),
            None => (text, None),
        };
        let named = name.parse::<Id>().is_ok();
        let reachable = address.is_none_or(|address| {
            !address.is_empty() && address.len() <= 254 && !address.chars().any(char::is_control)
        });
        if !named || !reachable {
            return Err("must be a channel such as `email`, or with an address `ntfy:my-topic`");
        }
        Ok(Self {
            name: name.to_owned(),
            address: address.map(str::to_owned),
        })
    }
}

/// Somebody who is asked, as rules name them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// `person:maya`, `maya`, or the e-mail address of a person.
    Person(Id),
    /// `group:editors`: every member is asked.
    Group(Id),
    /// `queue:claims`: lies there until a member takes it.
    Queue(Id),
    /// `oncall:data`: whoever is on call at that moment.
    OnCall(Id),
    /// `agent:fixer`: another agent goes on. It never decides.
    Agent(Id),
    /// `owners`: those whom the file of owners in the workspace names for the files of the handoff.
    Owners,
}

impl Target {
    /// The kind and the name, as in facts.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Person(id) => ("person", id.as_str()),
            Self::Group(id) => ("group", id.as_str()),
            Self::Queue(id) => ("queue", id.as_str()),
            Self::OnCall(id) => ("oncall", id.as_str()),
            Self::Agent(id) => ("agent", id.as_str()),
            Self::Owners => ("owners", ""),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (kind, "") => f.write_str(kind),
            (kind, id) => write!(f, "{kind}:{id}"),
        }
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "owners" {
            return Ok(Self::Owners);
        }
        let (kind, id) = text.split_once(':').unwrap_or(("person", text));
        let id = || id.parse::<Id>().map_err(|why| format!("`{id}` {why}"));
        match kind {
            "person" => Ok(Self::Person(id()?)),
            "group" => Ok(Self::Group(id()?)),
            "queue" => Ok(Self::Queue(id()?)),
            "oncall" => Ok(Self::OnCall(id()?)),
            "agent" => Ok(Self::Agent(id()?)),
            _ => {
                let kinds = ["person", "group", "queue", "oncall", "agent"];
                let near = super::nearest(kind, kinds.into_iter())
                    .map(|near| format!("; did you mean `{near}:`?"))
                    .unwrap_or_default();
                Err(format!(
                    "must name a person, or `group:`, `queue:`, `oncall:`, `agent:` with a name, or \
                     `owners`{near}"
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_meant_can_be_written_short_and_is_shown_in_full() {
        for (text, shown) in [
            ("maya", "person:maya"),
            ("person:maya", "person:maya"),
            ("maya@example.org", "person:maya@example.org"),
            ("group:editors", "group:editors"),
            ("queue:claims", "queue:claims"),
            ("oncall:data", "oncall:data"),
            ("agent:fixer", "agent:fixer"),
            ("owners", "owners"),
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), shown);
        }
        let error = "grup:editors".parse::<Target>().unwrap_err();
        assert!(error.ends_with("did you mean `group:`?"), "{error}");
        assert!("group:".parse::<Target>().is_err());
        assert!("person:ma ya".parse::<Target>().is_err());
    }

    #[test]
    fn addresses_are_one_line_without_room_for_headers() {
        assert!("maya@example.org".parse::<Email>().is_ok());
        for bad in [
            "maya",
            "@example.org",
            "a@b@c",
            "a@b\r\nBcc: x@y",
            "<a@b>",
            "a b@c",
        ] {
            assert!(bad.parse::<Email>().is_err(), "{bad}");
        }
        let channel: Channel = "ntfy:desk".parse().unwrap();
        assert_eq!(
            (channel.name.as_str(), channel.address.as_deref()),
            ("ntfy", Some("desk"))
        );
        assert_eq!("email".parse::<Channel>().unwrap().to_string(), "email");
        assert!("ntfy:".parse::<Channel>().is_err());
        assert!("ntfy:a\nb".parse::<Channel>().is_err());
    }
}
