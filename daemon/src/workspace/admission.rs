//! Who may hand over in a workspace.

use countersign_protocol::{
    principal::Principal,
    problem::{ProblemKind, Refusal},
};

use super::Settings;
use crate::fs::Identity;

impl Settings {
    /// Whether `agent`, as a document states it, may hand over here, and may be who delivered it.
    pub fn admit(&self, agent: &str, principal: &Principal) -> Result<(), Refusal> {
        let is_listed = self
            .agents
            .as_ref()
            .is_none_or(|agents| agents.iter().any(|one| one == agent));
        if !is_listed {
            return Err(Refusal::new(
                ProblemKind::RouteNotAllowed,
                "not_admitted",
                format!("`{agent}` may not hand over in this workspace"),
                "hand over in a workspace of its own, or ask the operator to add it to `agents` of its boundary",
            )
            .at("/from_agent"));
        }
        match principal {
            Principal::FileOwner { uid } => self.belongs_to(agent, *uid),
            Principal::Token { .. }
            | Principal::Person { .. }
            | Principal::Operator
            | Principal::Daemon => Ok(()),
        }
    }

    /// Returns the user whose permissions count for a delivery of `agent` by `principal`; `None` when no permission holds
    /// it back, or when the agent has no user of its own.
    pub fn identity(&self, agent: &str, principal: &Principal) -> Option<Identity> {
        match principal {
            Principal::FileOwner { uid } => Identity::of(*uid),
            Principal::Token { .. } => Identity::of(*self.users.get(agent)?),
            Principal::Person { .. } | Principal::Operator | Principal::Daemon => None,
        }
    }

    /// Returns the user as whom `agent` reads files of the workspace by its token; `None` when no permission holds it back:
    /// it has no user of its own and the daemon is not the superuser, or it runs as the daemon's user.
    pub fn reader(&self, agent: &str) -> Option<Identity> {
        match self.users.get(agent) {
            Some(uid) => Identity::of(*uid),
            None => rustix::process::geteuid().is_root().then(Identity::others),
        }
    }

    /// Whether a file of the user `uid` may be from `agent`: where agents have users of their own, none speaks
    /// for another. The superuser and the user of the daemon may carry files for all.
    fn belongs_to(&self, agent: &str, uid: u32) -> Result<(), Refusal> {
        let carriers = [0, rustix::process::geteuid().as_raw()];
        if carriers.contains(&uid) {
            return Ok(());
        }
        let stated = self.users.get(agent);
        let other = self.users.iter().find(|(_, user)| **user == uid);
        let is_good = match (stated, other) {
            (Some(user), _) => *user == uid,
            (None, other) => other.is_none(),
        };
        if is_good {
            return Ok(());
        }
        Err(Refusal::new(
            ProblemKind::PrincipalMismatch,
            "not_its_user",
            format!("the file belongs to user {uid}, and `{agent}` runs as another one"),
            "state the agent that wrote the file, and let each agent run as its own user",
        )
        .at("/from_agent"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_speaks_for_itself_and_only_where_it_is_admitted() {
        let mut settings = Settings::default();
        let of = |uid| Principal::FileOwner { uid };
        assert_eq!(settings.admit("anybody", &of(7)), Ok(()));
        settings.users = [("hermes".to_owned(), 40_001), ("ares".to_owned(), 40_002)].into();
        assert_eq!(settings.admit("hermes", &of(40_001)), Ok(()));
        assert_eq!(settings.admit("hermes", &of(0)), Ok(()));
        assert_eq!(settings.admit("guest", &of(40_003)), Ok(()));
        for (agent, uid) in [("hermes", 40_002), ("hermes", 40_003), ("guest", 40_001)] {
            let refusal = settings.admit(agent, &of(uid)).unwrap_err();
            assert_eq!(
                refusal.kind,
                ProblemKind::PrincipalMismatch,
                "{agent} {uid}"
            );
        }
        settings.agents = Some(vec!["hermes".to_owned()]);
        let refusal = settings.admit("ares", &of(40_002)).unwrap_err();
        assert_eq!(refusal.kind, ProblemKind::RouteNotAllowed);
        assert_eq!(refusal.violations[0].pointer, "/from_agent");
    }
}
