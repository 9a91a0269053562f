//! What stands in the folder, and what does not.

use countersign_protocol::access::{Access, Role};
use countersign_web::desk::Person;

use super::*;
use crate::testing::{Rig, WORKSPACE, handoff, maya};

fn who() -> Caller {
    Caller::Person(maya())
}

/// One handoff with two files in a folder, and around it what nobody is to see.
fn scene() -> Rig {
    let rig = Rig::new();
    for folder in ["run/clips", "inbox/ada", "approved/q1", ".countersign/x"] {
        rig.make_folder(folder);
    }
    rig.write("run/clips/film.mp4", "the film");
    rig.write("run/report.md", "words");
    rig.write("approved/q1/report.md", "released");
    rig.write("inbox/ada/secret", "a box");
    rig.write(".countersign/x/answer", "of ours");
    rig.link("/etc", "run/out");
    rig.link("run", "also");
    rig.deliver(
        "run/handoff.json",
        handoff("Cut it", &["clips/film.mp4", "report.md"]),
    );
    rig
}

fn names(rig: &Rig, path: &str) -> Vec<String> {
    let nodes = rig.wait(rig.desk().mounted_in(&who(), path)).unwrap();
    let slash = |node: &MountNode| if node.file.is_none() { "/" } else { "" };
    nodes
        .iter()
        .map(|node| format!("{}{}", node.name, slash(node)))
        .collect()
}

fn text(rig: &Rig, who: &Caller, path: &str) -> Option<String> {
    let (file, _) = rig.wait(rig.desk().mounted_file(who, path)).ok()?;
    let bytes = rig.wait(file.read(0, 100)).unwrap();
    Some(String::from_utf8(bytes).unwrap())
}

#[test]
fn workspaces_stand_as_they_are_and_what_waits_as_it_was_sealed() {
    let rig = scene();
    assert_eq!(names(&rig, ""), ["review/", "workspaces/"]);
    assert_eq!(names(&rig, "workspaces"), [format!("{WORKSPACE}/")]);
    let live = format!("workspaces/{WORKSPACE}");
    assert_eq!(names(&rig, &live), ["approved/", "run/"]);
    let run = names(&rig, &format!("{live}/run"));
    assert!(
        run.contains(&"report.md".to_owned()) && !run.contains(&"out".to_owned()),
        "{run:?}"
    );
    assert_eq!(names(&rig, "review"), ["H-1/"]);
    assert_eq!(names(&rig, "review/H-1"), ["clips/", "report.md"]);
    assert_eq!(names(&rig, "review/H-1/clips"), ["film.mp4"]);

    rig.write("run/report.md", "other words");
    let sealed = text(&rig, &who(), "review/H-1/report.md");
    assert_eq!(sealed.as_deref(), Some("words"));
    let now = text(&rig, &who(), &format!("{live}/run/report.md"));
    assert_eq!(now.as_deref(), Some("other words"));
    let film = rig.wait(rig.desk().mounted(&who(), "review/H-1/clips/film.mp4"));
    let film = film.unwrap();
    assert_eq!(
        (film.name.as_str(), film.file.unwrap().size),
        ("film.mp4", 8)
    );
}

#[test]
fn no_path_leads_to_a_room_of_the_daemon_or_out_of_the_workspace() {
    let rig = scene();
    rig.write("../secret", "not theirs");
    rig.link(rig.outside("secret"), "run/linked");
    for beneath in [
        "inbox/ada/secret",
        "inbox",
        ".countersign/x/answer",
        ".countersign",
        "run/out/passwd",
        "run/linked",
        "also/report.md",
        "../secret",
        "run/../run/report.md",
        "./run/report.md",
        "run//report.md",
        "/run/report.md",
        "run/report.md/",
        "run/report.md/x",
        "run/nothing",
        "run/\0",
    ] {
        let path = format!("workspaces/{WORKSPACE}/{beneath}");
        assert_eq!(text(&rig, &who(), &path), None, "{path:?}");
        let node = rig.wait(rig.desk().mounted(&who(), &path));
        assert!(node.is_err(), "{path:?}: {node:?}");
    }
    for path in [
        "elsewhere",
        "workspaces/none",
        "review/1",
        "review/h-1",
        "review/H-01",
        "review/H-2",
        "review/H-1/report.mdx",
        "review/H-1/clip",
        "review/H-1/../H-1/report.md",
    ] {
        let node = rig.wait(rig.desk().mounted(&who(), path));
        assert!(
            matches!(node, Err(DeskError::NotFound(_))),
            "{path}: {node:?}"
        );
    }
}

#[test]
fn what_somebody_may_not_see_is_not_there() {
    let rig = scene();
    let elsewhere = [(
        "other".to_owned(),
        Access::everywhere(&[Role::Reviewer]).grant(None).clone(),
    )];
    let stranger = Caller::Person(Person {
        access: Access::new(
            Access::everywhere(&[]).grant(None).clone(),
            elsewhere.into(),
        ),
        ..maya()
    });
    for path in ["review", "workspaces"] {
        let nodes = rig.wait(rig.desk().mounted_in(&stranger, path)).unwrap();
        assert_eq!(nodes, [], "{path}");
    }
    for path in [
        format!("workspaces/{WORKSPACE}/run/report.md"),
        "review/H-1/report.md".to_owned(),
    ] {
        assert_eq!(text(&rig, &stranger, &path), None, "{path}");
        let node = rig.wait(rig.desk().mounted(&stranger, &path));
        assert!(
            matches!(node, Err(DeskError::NotFound(_))),
            "{path}: {node:?}"
        );
    }
}
