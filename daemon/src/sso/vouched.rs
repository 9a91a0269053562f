//! What the provider says about somebody.

use serde_json::{Map, Value};

/// Longest name of a group that counts, in bytes.
const GROUP: usize = 256;
/// Most groups that count.
const GROUPS: usize = 1_000;

/// Somebody for whom the provider vouches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// Who says so.
    pub issuer: String,
    /// Who it is for them, for ever (`sub`).
    pub subject: String,
    /// The value of the claim that names people.
    pub id: String,
    /// Whether that claim is an e-mail address, which the provider has verified.
    pub is_mail: bool,
    /// The name for others (`name`).
    pub name: Option<String>,
    /// The groups.
    pub groups: Vec<String>,
    /// Whether the person signed in there for this, and was not only still known (`auth_time`).
    pub attended: bool,
}

/// The claims that say who somebody is and where they belong.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) user: String,
    pub(super) groups: String,
}

impl Wanted {
    /// Whether `claims` say who it is and name groups; else the provider has more to say elsewhere.
    pub(super) fn is_met(&self, claims: &Map<String, Value>) -> bool {
        claims.contains_key(&self.user) && claims.contains_key(&self.groups)
    }

    /// What `claims` say; the error is a sentence without its beginning.
    pub(super) fn read(
        &self,
        issuer: &str,
        claims: &Map<String, Value>,
    ) -> Result<Vouched, String> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let id = text(&self.user)
            .ok_or_else(|| format!("it does not say `{}` of this person", self.user))?;
        let is_mail = self.user == "email";
        if is_mail && claims.get("email_verified") != Some(&Value::Bool(true)) {
            return Err("it has not verified the e-mail address of this person".to_owned());
        }
        let groups = match claims.get(&self.groups) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one.as_str()],
            _ => Vec::new(),
        };
        let groups = groups.into_iter().filter(|group| group.len() <= GROUP);
        Ok(Vouched {
            issuer: issuer.to_owned(),
            subject: text("sub").unwrap_or_default().to_owned(),
            id: id.to_owned(),
            is_mail,
            name: text("name").map(str::to_owned),
            groups: groups.take(GROUPS).map(str::to_owned).collect(),
            attended: false,
        })
    }
}
