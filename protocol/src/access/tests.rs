//! Roles and what each may do.

use super::*;

#[test]
fn the_table_names_every_permission_once_and_none_is_for_nobody() {
    let mut seen = Permissions::NONE;
    for (permission, words, roles, _) in TABLE {
        assert!(!seen.contains(permission), "{permission} stands twice");
        seen = seen.with(Permissions::from_iter([permission]));
        assert!(!roles.is_empty() && !words.is_empty(), "{permission}");
        assert_eq!(permission.name().parse(), Ok(permission));
        let shown = serde_json::to_value(permission).unwrap();
        assert_eq!(shown, permission.name());
    }
    assert_eq!(seen.0.count_ones() as usize, TABLE.len());
    assert_eq!(Permission::Maintain as usize + 1, TABLE.len());
}

#[test]
fn who_may_do_anything_may_look_and_who_only_looks_changes_nothing() {
    for role in Role::ALL {
        assert!(role.permissions().contains(Permission::Read), "{role}");
        assert_eq!(role.name().parse(), Ok(role));
    }
    let harmless = [
        Permission::Read,
        Permission::Activity,
        Permission::Verify,
        Permission::People,
    ];
    for role in [Role::Viewer, Role::Auditor] {
        let mut held = role.permissions().iter();
        assert!(held.all(|one| harmless.contains(&one)), "{role}");
    }
}

#[test]
fn the_operator_and_agents_decide_nothing() {
    for held in [Role::Operator.permissions(), Permissions::of_agents()] {
        assert!(!held.contains(Permission::Decide));
        assert!(!held.contains(Permission::RequestChanges));
    }
}

#[test]
fn what_is_named_goes_before_what_holds_elsewhere() {
    let named = [
        ("open".to_owned(), Grant::of(&[Role::Viewer])),
        ("closed".to_owned(), Grant::default()),
    ];
    let access = Access::new(Grant::of(&[Role::Approver]), named.into());
    assert!(access.may(Permission::Decide, Some("other")));
    assert!(access.may(Permission::Decide, None));
    assert!(access.may(Permission::Read, Some("open")));
    assert!(!access.may(Permission::Decide, Some("open")));
    assert!(!access.may(Permission::Read, Some("closed")));
    assert!(!access.may_somewhere(Permission::ManagePeople));
    assert!(!Access::default().may_somewhere(Permission::Read));
}

#[test]
fn a_word_that_is_nearly_one_is_recognised() {
    let why = "aprover".parse::<Role>().unwrap_err();
    assert!(why.ends_with("did you mean `approver`?"), "{why}");
    let why = "handoff.aprove".parse::<Permission>().unwrap_err();
    assert!(why.contains("no permission"), "{why}");
}
