//! `[sso]`: the provider by which people sign in.

use reqwest::Url;
use serde_json::{Value as Json, json};
use toml::de::DeValue;

use super::{
    Entry,
    error::ConfigError,
    layer::Layers,
    origin::Setting,
    secret::{Secret, http_url},
    section::Section,
    value::Value,
};

/// The address of an issuer, exactly as it is written: a slash at its end is a part of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    text: String,
    url: Url,
}

impl Issuer {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same, read.
    pub fn url(&self) -> &Url {
        &self.url
    }
}

impl Value for Issuer {
    fn from_text(text: &str) -> Result<Self, String> {
        let url = http_url(text)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err("must be the address of an issuer, without `?` and `#`".to_owned());
        }
        Ok(Self {
            text: text.to_owned(),
            url,
        })
    }

    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let text = value.as_str().ok_or("must be an address in quotes")?;
        Self::from_text(text)
    }

    fn show(&self) -> Json {
        json!(self.text)
    }
}

/// `[sso]`.
#[derive(Clone, Debug)]
pub struct Sso {
    /// Who vouches for people.
    pub issuer: Setting<Issuer>,
    /// How we are called there.
    pub client_id: Setting<String>,
    /// What we show there; without it we are a public client, which PKCE alone protects.
    pub client_secret: Option<Setting<Secret>>,
    /// The name on the button.
    name: Option<Setting<String>>,
    /// The claim that names people as the configuration does.
    pub user: Setting<String>,
    /// The claim that lists groups.
    pub groups: Setting<String>,
    /// What is asked for besides `openid`.
    pub scopes: Setting<Vec<String>>,
    /// Audiences that a token may name beside `client_id`.
    pub audiences: Setting<Vec<String>>,
    /// Whether the issuer may be inside the house. Other addresses that it names may not in any case.
    pub allow_private: Setting<bool>,
}

impl Sso {
    pub(super) fn read(section: &Section<'_>, layers: &Layers<'_>) -> Option<Self> {
        let issuer = section.take::<Issuer>("issuer");
        let client_id = section.take::<String>("client_id");
        let client_secret = section.take("client_secret");
        let name = section.take("name");
        let user = section.take("user");
        let groups = section.take("groups");
        let scopes = section.take("scopes");
        let audiences = section.take("audiences");
        let allow_private = section.take("allow_private");
        section.finish(&[]);
        if section.is_absent() {
            return None;
        }
        let (Some(issuer), Some(client_id)) = (issuer, client_id) else {
            let error = ConfigError::new("`[sso]` needs `issuer` and `client_id`");
            layers.fail(error.hint(
                "add `issuer = \"https://login.example.org\"` and the id that it gave this program",
            ));
            return None;
        };
        let usual = |text: &str| Setting::default(text.to_owned());
        let allow_private = allow_private.unwrap_or_else(|| Setting::default(false));
        if issuer.value.url().scheme() != "https" && !allow_private.value {
            let error = ConfigError::new("`sso.issuer` is an address without TLS");
            section.fail_at(
                &issuer.origin,
                error.hint(
                    "use `https://`; inside your house, `allow_private = true` allows `http://`",
                ),
            );
        }
        Some(Self {
            issuer,
            client_id,
            client_secret,
            name,
            user: user.unwrap_or_else(|| usual("preferred_username")),
            groups: groups.unwrap_or_else(|| usual("groups")),
            scopes: scopes.unwrap_or_else(|| Setting::default(vec!["profile".to_owned()])),
            audiences: audiences.unwrap_or_else(|| Setting::default(Vec::new())),
            allow_private,
        })
    }

    /// The name on the button; where none is set, the host of the issuer.
    pub fn name(&self) -> String {
        let host = || self.issuer.value.url().host_str().unwrap_or_default();
        let name = self.name.as_ref().map(|name| name.value.as_str());
        name.unwrap_or_else(host).to_owned()
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut entries = vec![
            Entry::new("sso.issuer", &self.issuer),
            Entry::new("sso.client_id", &self.client_id),
        ];
        let secret = self.client_secret.iter();
        entries.extend(secret.map(|secret| Entry::new("sso.client_secret", secret)));
        let name = self.name.iter();
        entries.extend(name.map(|name| Entry::new("sso.name", name)));
        entries.extend([
            Entry::new("sso.user", &self.user),
            Entry::new("sso.groups", &self.groups),
            Entry::new("sso.scopes", &self.scopes),
            Entry::new("sso.audiences", &self.audiences),
            Entry::new("sso.allow_private", &self.allow_private),
        ]);
        entries
    }
}
