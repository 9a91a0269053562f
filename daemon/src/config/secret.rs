//! Secrets: named in the configuration, read where they lie, and never shown.

use std::{fmt, path::PathBuf, process::Command};

use serde_json::{Map, Value as Json, json};
use toml::de::DeValue;

use super::{
    layer::Environment,
    value::{Value, kind},
};

/// Where a secret lies: `{ file = "…" }`, `{ env = "…" }` or `{ cmd = ["…"] }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// In a file; white space at its end does not count.
    File(PathBuf),
    /// In an environment variable of the daemon.
    Env(String),
    /// On the first line that a program prints.
    Cmd(Vec<String>),
}

/// What was read. Its debug form tells nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// The secret itself, for a header or a signature only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}

impl Secret {
    /// Reads it. The error says where it was looked for, never what was found.
    pub fn read(&self, environment: &Environment) -> Result<Hidden, String> {
        let text = match self {
            Self::File(path) => {
                std::fs::read_to_string(environment.expand(path)).map_err(|error| {
                    format!("cannot read the secret in `{}`: {error}", path.display())
                })?
            }
            Self::Env(name) => environment
                .get(name)
                .map(str::to_owned)
                .ok_or_else(|| format!("the environment variable `{name}` is not set"))?,
            Self::Cmd(words) => printed(words)?,
        };
        let text = text.trim_end();
        if text.is_empty() {
            return Err(format!("{self} holds no secret"));
        }
        Ok(Hidden(text.to_owned()))
    }

    /// Parses what [`Value::show`] returns for a secret.
    pub(super) fn shown(fields: &Map<String, Json>) -> Option<Self> {
        let (key, value) = fields.iter().next().filter(|_| fields.len() == 1)?;
        match key.as_str() {
            "file" => Some(Self::File(value.as_str()?.into())),
            "env" => Some(Self::Env(value.as_str()?.to_owned())),
            "cmd" => {
                let words = value.as_array()?.iter();
                Some(Self::Cmd(
                    words.filter_map(Json::as_str).map(str::to_owned).collect(),
                ))
            }
            _ => None,
        }
    }
}

fn printed(words: &[String]) -> Result<String, String> {
    let (program, rest) = words.split_first().ok_or("`cmd` names no program")?;
    let output = Command::new(program)
        .args(rest)
        .output()
        .map_err(|error| format!("cannot run `{program}` for a secret: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "`{program}`, which prints a secret, ended with {}",
            output.status
        ));
    }
    let text = String::from_utf8(output.stdout)
        .map_err(|_| format!("what `{program}` prints is not text"))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file `{}`", path.display()),
            Self::Env(name) => write!(f, "the environment variable `{name}`"),
            Self::Cmd(words) => write!(f, "the program `{}`", words.join(" ")),
        }
    }
}

/// How a secret is written, as the end of a sentence.
const FORM: &str = "must name where the secret lies, such as `{ file = \"/run/secrets/name\" }`, \
                    `{ env = \"NAME\" }` or `{ cmd = [\"program\"] }`; the secret itself does not belong here";

impl Value for Secret {
    fn from_text(_: &str) -> Result<Self, String> {
        Err(FORM.to_owned())
    }

    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let table = value.as_table().ok_or(FORM)?;
        let mut pairs = table.iter();
        let (Some((key, value)), None) = (pairs.next(), pairs.next()) else {
            return Err(FORM.to_owned());
        };
        let value = value.get_ref();
        match (key.get_ref().as_ref(), value.as_str(), value.as_array()) {
            ("file", Some(path), _) => Ok(Self::File(PathBuf::from_text(path)?)),
            ("env", Some(name), _) => Ok(Self::Env(String::from_text(name)?)),
            ("cmd", _, Some(words)) if !words.is_empty() => words
                .iter()
                .map(|word| word.get_ref().as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .map(Self::Cmd)
                .ok_or_else(|| FORM.to_owned()),
            _ => Err(FORM.to_owned()),
        }
    }

    fn show(&self) -> Json {
        match self {
            Self::File(path) => json!({ "file": path.display().to_string() }),
            Self::Env(name) => json!({ "env": name }),
            Self::Cmd(words) => json!({ "cmd": words }),
        }
    }
}

/// One secret, or several while one is being replaced by the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets(pub Vec<Secret>);

impl Value for Secrets {
    fn from_text(text: &str) -> Result<Self, String> {
        Secret::from_text(text).map(|one| Self(vec![one]))
    }

    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        match value.as_array() {
            Some(list) if list.is_empty() => Err(format!("{FORM}; the list is empty")),
            Some(_) => Value::from_toml(value).map(Self),
            None => Secret::from_toml(value).map(|one| Self(vec![one])),
        }
    }

    fn show(&self) -> Json {
        self.0.show()
    }
}

/// An address to send to: plain, or a secret where knowing it is the right to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Anybody may see it.
    Plain(reqwest::Url),
    /// It is a secret as a whole.
    Secret(Secret),
}

/// Reads an address of a receiver.
pub(super) fn http_url(text: &str) -> Result<reqwest::Url, String> {
    let bad = "must be an address that begins with `https://` or `http://`";
    let url: reqwest::Url = text.parse().map_err(|_| bad.to_owned())?;
    let is_http = matches!(url.scheme(), "http" | "https");
    if !is_http || url.host().is_none() {
        return Err(bad.to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "must not hold a name or a password; use `{ file = … }` for all of it".to_owned(),
        );
    }
    Ok(url)
}

impl Destination {
    /// The address. The error never repeats a secret.
    pub fn read(&self, environment: &Environment) -> Result<reqwest::Url, String> {
        match self {
            Self::Plain(url) => Ok(url.clone()),
            Self::Secret(secret) => http_url(secret.read(environment)?.reveal())
                .map_err(|why| format!("the address in {secret} {why}")),
        }
    }
}

impl Value for Destination {
    fn from_text(text: &str) -> Result<Self, String> {
        http_url(text).map(Self::Plain)
    }

    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        match value.as_str() {
            Some(text) => Self::from_text(text),
            None if value.as_table().is_some() => Secret::from_toml(value).map(Self::Secret),
            None => Err(format!("must be an address, not {}", kind(value))),
        }
    }

    fn show(&self) -> Json {
        match self {
            Self::Plain(url) => Json::from(url.as_str()),
            Self::Secret(secret) => secret.show(),
        }
    }
}
