//! `[auth]`: the person at this machine.

use std::time::Duration;

use super::{
    Entry,
    layer::Layers,
    origin::{Origin, Setting},
    quantity::Span,
    section::Section,
};

/// `[auth]`.
#[derive(Clone, Debug)]
pub struct Auth {
    /// How long a browser stays signed in.
    pub session: Setting<Span>,
    /// The name under which decisions of this machine are recorded.
    pub reviewer: Setting<String>,
}

impl Auth {
    pub(super) fn read(section: &Section<'_>, layers: &Layers<'_>) -> Self {
        let session = layers.pick(section.take("session"), "COUNTERSIGN_SESSION", None);
        let reviewer = layers.pick(section.take("reviewer"), "COUNTERSIGN_REVIEWER", None);
        section.finish(&[]);
        Self {
            session: session.unwrap_or_else(|| Setting::default(Span(Duration::from_hours(12)))),
            reviewer: reviewer.unwrap_or_else(|| system_name(layers)),
        }
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        vec![
            Entry::new("auth.session", &self.session),
            Entry::new("auth.reviewer", &self.reviewer),
        ]
    }
}

/// The name of the account, else the login, else a word that is true anyway.
fn system_name(layers: &Layers<'_>) -> Setting<String> {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let login = || layers.environment.get("USER").map(str::to_owned);
    match full_name(&accounts, rustix::process::getuid().as_raw()).or_else(login) {
        Some(value) => Setting {
            value,
            origin: Origin::System,
        },
        None => Setting::default("Operator".to_owned()),
    }
}

/// The first part of the GECOS field of `uid` (passwd(5)), else its login.
fn full_name(accounts: &str, uid: u32) -> Option<String> {
    let uid = uid.to_string();
    accounts.lines().find_map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        if fields.len() < 5 || fields[2] != uid {
            return None;
        }
        let name = fields[4].split(',').next().unwrap_or_default().trim();
        let chosen = if name.is_empty() { fields[0] } else { name };
        (!chosen.chars().any(char::is_control)).then(|| chosen.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::full_name;

    #[test]
    fn the_name_comes_from_the_account() {
        let accounts =
            "root:x:0:0::/root:/bin/sh\nmaya:x:1000:1000:Maya Okafor,,,:/home/maya:/bin/sh\n";
        assert_eq!(full_name(accounts, 1000).as_deref(), Some("Maya Okafor"));
        assert_eq!(full_name(accounts, 0).as_deref(), Some("root"));
        assert_eq!(full_name(accounts, 7), None);
    }
}
