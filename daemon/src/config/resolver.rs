//! `[[resolver]]`: what a reference to evidence, such as `trace:4bf9`, leads to.
//!
//! They stand in the configuration file alone, as checks do: an agent may be able to write what is in a workspace.

use std::{collections::BTreeMap, fmt, ops::Range, str::FromStr};

use countersign_protocol::reference::{Template, is_scheme};

use super::{
    Entry, check::Check, error::ConfigError, names::Id, origin::Setting, section::Section,
};

/// What stands before the colon of a reference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scheme(String);

impl Scheme {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Scheme {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_scheme(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be a small letter, then small letters, digits, `-`, `_`, `.` and `+`")
        }
    }
}

/// A `[[resolver]]` section.
#[derive(Clone, Debug)]
pub struct Resolver {
    /// The scheme that it is for.
    pub scheme: Setting<Scheme>,
    /// Where a reference leads. Nobody but the reader's browser goes there.
    pub url: Option<Setting<Template>>,
    /// The check that looks whether what a handoff refers to is there.
    pub check: Option<Setting<Id>>,
}

impl Resolver {
    pub(super) fn read(span: Range<usize>, section: &Section<'_>) -> Option<Self> {
        let scheme = section.need::<Scheme>("scheme", span, "`scheme = \"trace\"`");
        let (url, check) = (section.take("url"), section.take("check"));
        section.finish(&[]);
        let resolver = Self {
            scheme: scheme?,
            url,
            check,
        };
        if resolver.url.is_none() && resolver.check.is_none() {
            let error = ConfigError::new("the resolver resolves nothing");
            let hint = "give it `url = \"https://…/{id}\"`, `check = \"NAME\"`, or both";
            section.fail_at(&resolver.scheme.origin, error.hint(hint));
        }
        Some(resolver)
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let key = |name: &str| format!("resolver.{}.{name}", self.scheme.value);
        let url = self.url.iter().map(|url| Entry::new(key("url"), url));
        let check = self.check.iter();
        url.chain(check.map(|check| Entry::new(key("check"), check)))
            .collect()
    }
}

/// Complains about a scheme that has two resolvers, and about a check that there is not.
pub(super) fn wrong(resolvers: &[Resolver], checks: &[Check]) -> Option<ConfigError> {
    let mut known = BTreeMap::new();
    resolvers.iter().find_map(|one| {
        let (scheme, origin) = (&one.scheme.value, &one.scheme.origin);
        if let Some(first) = known.insert(scheme, origin) {
            let text = format!("{origin}: `{scheme}` has two resolvers");
            return Some(ConfigError::new(text).hint(format!("the other one is at {first}")));
        }
        let check = one.check.as_ref()?;
        let is_there = checks.iter().any(|known| known.name.value == check.value);
        (!is_there).then(|| {
            let text = format!("{}: there is no check `{}`", check.origin, check.value);
            ConfigError::new(text).hint("write a `[[check]]` with that name")
        })
    })
}
