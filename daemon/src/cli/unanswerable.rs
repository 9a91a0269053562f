//! People whom rules ask and who cannot answer: their account is disabled, or no role lets them into the workspace.

use std::collections::BTreeSet;

use countersign_web::desk::access::PeopleReport;
use jiff::Timestamp;

use crate::{
    app::local_person,
    catalog::{Catalog, Roster},
    config::{Config, Route, Target},
    policy::work::Globs,
};

/// A person whom a rule asks and who cannot answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unanswerable {
    /// What is wrong, one line.
    pub(super) text: String,
    /// What to do about it.
    pub(super) fix: &'static str,
}

/// Returns those people for the rules of `config` in the workspaces `served`. The accounts are known only from a running
/// daemon.
pub(super) fn unanswerable(
    config: &Config,
    served: &[&str],
    accounts: Option<&PeopleReport>,
    now: Timestamp,
) -> BTreeSet<Unanswerable> {
    let catalog = Catalog::new(&config.policy);
    let (operator, _) = local_person(config, &catalog);
    let roster = Roster::new(config, catalog.clone(), &operator);
    let is_disabled = |id: &str| {
        let people = accounts.into_iter().flat_map(|report| &report.people);
        let mut known = people.filter_map(|one| one.account.as_ref());
        known.any(|account| account.id == id && account.state == "disabled")
    };
    let mut found = BTreeSet::new();
    for route in &config.policy.routes {
        let patterns = &route.scope.workspace;
        let globs = Globs::new(patterns);
        let here = served
            .iter()
            .filter(|name| patterns.is_empty() || globs.matches(name));
        let here: Vec<&&str> = here.collect();
        let rule = &route.name.value;
        for id in asked(&catalog, route) {
            let name = catalog.display(&format!("person:{id}"));
            if is_disabled(&id) {
                found.insert(Unanswerable {
                    text: format!("the rule {rule} asks {name}, whose account is disabled"),
                    fix: "enable the account, or let the rule ask another person",
                });
            }
            for workspace in &here {
                if !roster.may_enter(&id, workspace, now) {
                    found.insert(Unanswerable {
                        text: format!("the rule {rule} asks {name}, who has no role in {workspace}; nothing is sent to them"),
                        fix: "give them a role by `[[member]]`, or let the rule ask another person",
                    });
                }
            }
        }
    }
    found.extend(
        catalog
            .roles()
            .iter()
            .filter(|(_, holders)| holders.iter().all(|id| is_disabled(id)))
            .filter_map(|(role, _)| catalog.role(role))
            .map(|target| Unanswerable {
                text: format!("everybody of {target} has a disabled account; a sign-off gate that asks for this role cannot be passed"),
                fix: "enable an account, or let another person hold the role",
            }),
    );
    found
}

/// Returns the ids of all people whom a rule may ask.
fn asked(catalog: &Catalog, route: &Route) -> BTreeSet<String> {
    let approvals = &route.approvals;
    let stages = approvals.stages.iter().flat_map(|stage| &stage.of.value);
    let veto = approvals.veto.iter().flat_map(|veto| &veto.value);
    let steps = route.then.iter().flat_map(|step| &step.to.value);
    let targets = route.to.value.iter().chain(steps).chain(stages).chain(veto);
    let people = targets.flat_map(|target| match target {
        Target::OnCall(id) => {
            let calendar = catalog.calendar(id.as_str());
            let turns = calendar.into_iter().flat_map(|one| &one.rotation.value);
            turns.flat_map(|turn| catalog.named(turn)).collect()
        }
        other => catalog.named(other),
    });
    people.collect()
}

#[cfg(test)]
mod tests {
    use countersign_web::desk::access::{AccountRow, PersonRow};

    use super::*;
    use crate::testing::config;

    const TEAM: &str = r#"
version = 1
[auth]
reviewer = "Ops"
[[person]]
id = "kim"
[[person]]
id = "sam"
[[group]]
id = "editors"
members = ["kim", "sam"]
[[oncall]]
id = "duty"
time_zone = "UTC"
rotation = ["kim"]
starts = "2026-01-01 09:00"
shift = "7d"
[[route]]
name = "drafts"
workspace = ["w*"]
to = ["group:editors"]
[[route]]
name = "rest"
to = ["oncall:duty"]
[[member]]
role = "approver"
who = ["sam"]
"#;

    fn texts(accounts: Option<&PeopleReport>) -> Vec<String> {
        let config = config(TEAM);
        let found = unanswerable(&config, &["w1", "other"], accounts, Timestamp::UNIX_EPOCH);
        found.into_iter().map(|one| one.text).collect()
    }

    #[test]
    fn names_people_without_a_role() {
        let none = |rule: &str, workspace: &str| {
            format!(
                "the rule {rule} asks kim, who has no role in {workspace}; nothing is sent to them"
            )
        };
        let expected = [
            none("drafts", "w1"),
            none("rest", "other"),
            none("rest", "w1"),
        ];
        assert_eq!(texts(None), expected);
    }

    fn disabled(id: &str) -> PersonRow {
        let account = AccountRow {
            id: id.to_owned(),
            name: id.to_owned(),
            state: "disabled".to_owned(),
            made_at: Timestamp::UNIX_EPOCH,
            last_sign_in: None,
            sessions: 0,
        };
        PersonRow {
            id: id.to_owned(),
            name: id.to_owned(),
            account: Some(account),
            local: false,
            roles: Vec::new(),
        }
    }

    #[test]
    fn names_people_with_disabled_accounts() {
        let report = PeopleReport {
            people: vec![disabled("sam")],
            roles: Vec::new(),
        };
        let found = texts(Some(&report));
        let wanted = "the rule drafts asks sam, whose account is disabled";
        assert!(found.iter().any(|text| text == wanted), "{found:?}");
        // Kim holds both roles, too.
        assert!(
            !found.iter().any(|text| text.contains("everybody of")),
            "{found:?}"
        );
    }

    #[test]
    fn names_roles_without_anybody_left() {
        let found = texts(Some(&PeopleReport {
            people: vec![disabled("kim")],
            roles: Vec::new(),
        }));
        let lost: Vec<_> = found
            .iter()
            .filter(|text| text.contains("everybody of"))
            .collect();
        assert_eq!(lost.len(), 1, "{found:?}");
        assert!(lost[0].starts_with("everybody of oncall:duty has a disabled account"));
    }
}
