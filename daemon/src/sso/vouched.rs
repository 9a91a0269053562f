//! What the provider says about somebody.

use serde_json::{Map, Value};

use super::SsoError;

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
        claim(claims, &self.user).is_some() && claim(claims, &self.groups).is_some()
    }

    /// What `claims` say; the error is a sentence without its beginning.
    pub(super) fn read(
        &self,
        issuer: &str,
        claims: &Map<String, Value>,
    ) -> Result<Vouched, SsoError> {
        let text = |name: &str| claim(claims, name).and_then(Value::as_str);
        let id = text(&self.user)
            .ok_or_else(|| format!("it does not say `{}` of this person", self.user))
            .map_err(SsoError::NotGood)?;
        let is_mail = self.user == "email";
        if is_mail && !claims.get("email_verified").is_some_and(is_true) {
            return Err(SsoError::Refused(
                "it has not verified your e-mail address, by which people come in here".to_owned(),
            ));
        }
        let groups = match claim(claims, &self.groups) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one.as_str()],
            // Zitadel writes `{"role": {"organisation": "domain"}}`.
            Some(Value::Object(roles)) => roles
                .iter()
                .filter(|(_, value)| value.is_object())
                .map(|(role, _)| role.as_str())
                .collect(),
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

/// Finds the claim `name`: by its whole name, as a JSON pointer (RFC 6901) where it begins with `/`, else by a path with
/// dots, whose parts may have dots themselves. `null` is no claim.
fn claim<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let whole = claims.get(name).filter(|value| !value.is_null());
    if whole.is_some() {
        return whole;
    }
    if let Some(pointer) = name.strip_prefix('/') {
        let first = pointer.split('/').next().unwrap_or_default();
        let value = claims.get(&first.replace("~1", "/").replace("~0", "~"))?;
        return value
            .pointer(&pointer[first.len()..])
            .filter(|value| !value.is_null());
    }
    claim_below(claims, name)
}

/// Finds the claim at a path with dots.
fn claim_below<'a>(claims: &'a Map<String, Value>, rest: &str) -> Option<&'a Value> {
    let whole = claims.get(rest).filter(|value| !value.is_null());
    whole.or_else(|| {
        rest.match_indices('.').find_map(|(at, _)| {
            let inner = claims.get(&rest[..at])?.as_object()?;
            claim_below(inner, &rest[at + 1..])
        })
    })
}

/// Returns whether a claim is true. Cognito writes truth as text.
fn is_true(value: &Value) -> bool {
    value == &Value::Bool(true) || value.as_str() == Some("true")
}

/// Adds `more` to `claims`. What the signed token says stays; objects are joined.
pub(super) fn join(claims: &mut Map<String, Value>, more: Map<String, Value>) {
    for (name, value) in more {
        match (claims.get_mut(&name), value) {
            (Some(Value::Object(known)), Value::Object(value)) => join(known, value),
            (None | Some(Value::Null), value) => {
                claims.insert(name, value);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Wanted, join};

    fn groups(claims: &serde_json::Value, name: &str) -> Vec<String> {
        let wanted = Wanted {
            user: "sub".to_owned(),
            groups: name.to_owned(),
        };
        wanted
            .read("i", claims.as_object().unwrap())
            .unwrap()
            .groups
    }

    #[test]
    fn finds_groups_in_objects() {
        let claims = json!({
            "sub": "s",
            "realm_access": { "roles": ["a"] },
            "resource_access": { "my.client": { "roles": "b" } },
            "https://example.org/groups": ["c"],
            "urn:zitadel:iam:org:project:roles": { "d": { "1": "example.org" } },
            "a/b": { "x": ["e"] },
            "groups": null,
        });
        for (name, found) in [
            ("realm_access.roles", "a"),
            ("/realm_access/roles", "a"),
            ("resource_access.my.client.roles", "b"),
            ("/resource_access/my.client/roles", "b"),
            ("https://example.org/groups", "c"),
            ("urn:zitadel:iam:org:project:roles", "d"),
            ("/a~1b/x", "e"),
        ] {
            assert_eq!(groups(&claims, name), [found], "{name}");
        }
        for name in ["groups", "realm_access", "realm_access.", ".", "/", "/x/y"] {
            assert!(groups(&claims, name).is_empty(), "{name}");
        }
    }

    #[test]
    fn keeps_signed_claims_when_joining() {
        let mut claims = json!({ "sub": "s", "n": null, "o": { "a": 1 } });
        let more = json!({ "sub": "t", "n": 2, "o": { "a": 3, "b": 4 } });
        join(
            claims.as_object_mut().unwrap(),
            more.as_object().unwrap().clone(),
        );
        assert_eq!(
            claims,
            json!({ "sub": "s", "n": 2, "o": { "a": 1, "b": 4 } })
        );
    }
}
