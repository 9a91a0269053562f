//! `[auth]`: the person at this machine.

use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use countersign_protocol::access::Role;
use http::HeaderName;
use ipnet::IpNet;

use super::{
    Class, Entry, UsualRole,
    error::ConfigError,
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
    /// Without a request, a session ends after so long.
    pub idle: Setting<Span>,
    /// How long somebody from outside is invited for, where nothing is said.
    pub invitation: Setting<Span>,
    /// The strictest data class to which people from outside are invited.
    pub outside: Setting<Class>,
    /// The name under which decisions of this machine are recorded.
    pub reviewer: Setting<String>,
    /// What people may do where no `[[member]]` says.
    pub role: Setting<UsualRole>,
    /// The header in which a trusted proxy says who signed in.
    pub proxy_user: Option<Setting<HeaderName>>,
}

impl Auth {
    pub(super) fn read(section: &Section<'_>, layers: &Layers<'_>) -> Self {
        let session = layers.pick(section.take("session"), "COUNTERSIGN_SESSION", None);
        let reviewer = layers.pick(section.take("reviewer"), "COUNTERSIGN_REVIEWER", None);
        let idle = layers.pick(section.take("idle"), "COUNTERSIGN_IDLE", None);
        let role = layers.pick(section.take("role"), "COUNTERSIGN_ROLE", None);
        let proxy_user = layers.pick(section.take("proxy_user"), "COUNTERSIGN_PROXY_USER", None);
        let invitation = layers.pick(section.take("invitation"), "COUNTERSIGN_INVITATION", None);
        let outside = layers.pick(section.take("outside"), "COUNTERSIGN_OUTSIDE", None);
        section.finish(&[]);
        Self {
            proxy_user,
            invitation: invitation
                .unwrap_or_else(|| Setting::default(Span(Duration::from_hours(7 * 24)))),
            outside: outside.unwrap_or_else(|| Setting::default(Class::Confidential)),
            idle: idle.unwrap_or_else(|| Setting::default(Span(Duration::from_hours(4)))),
            role: role.unwrap_or_else(|| Setting::default(UsualRole::Role(Role::Approver))),
            session: session.unwrap_or_else(|| Setting::default(Span(Duration::from_hours(12)))),
            reviewer: reviewer.unwrap_or_else(|| system_name(layers)),
        }
    }

    /// Refuses a header that more than the proxy could send.
    pub(super) fn check(&self, proxies: &[IpNet]) -> Option<ConfigError> {
        let header = self.proxy_user.as_ref()?;
        if proxies.is_empty() {
            let error = ConfigError::new("`auth.proxy_user` is set, and no proxy is trusted");
            return Some(error.hint("name its address in `trusted_proxies` of `[server]`"));
        }
        let loopback = |net: &&IpNet| {
            let this_machine = [
                IpAddr::from([127, 0, 0, 1]),
                IpAddr::from(Ipv6Addr::LOCALHOST),
            ];
            this_machine.iter().any(|address| net.contains(address)) || net.addr().is_loopback()
        };
        let net = proxies.iter().find(loopback)?;
        Some(
            ConfigError::new(format!(
                "`auth.proxy_user` believes `{}` of {net}, which is this machine: each of its programs, agents \
                 among them, could say who it is",
                header.value
            ))
            .hint("let the proxy come from another address, such as that of its container"),
        )
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let proxy = self.proxy_user.iter();
        let proxy = proxy.map(|header| Entry::new("auth.proxy_user", header));
        let mut entries = vec![
            Entry::new("auth.session", &self.session),
            Entry::new("auth.idle", &self.idle),
            Entry::new("auth.reviewer", &self.reviewer),
            Entry::new("auth.role", &self.role),
            Entry::new("auth.invitation", &self.invitation),
            Entry::new("auth.outside", &self.outside),
        ];
        entries.extend(proxy);
        entries
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
