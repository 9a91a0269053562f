//! What a walk comes across, and what the rules leave out.

use std::{fs, path::Path};

use tempfile::TempDir;

use super::*;

fn workspace(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn walked(folder: &TempDir, purpose: Purpose) -> Vec<String> {
    let root = Dir::open(folder.path()).unwrap();
    Walk::new(&root, purpose)
        .map(|found| found.unwrap().path.to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_list_of_names_can_be_searched() {
    assert!(MACHINE_MADE.is_sorted());
}

#[test]
fn what_tools_fill_is_left_out_unless_somebody_asks_for_it() {
    let files = [
        ("a.md", ""),
        ("node_modules/x/index.js", ""),
        ("src/main.rs", ""),
        ("target/debug/a", ""),
        (
            "cached/CACHEDIR.TAG",
            "Signature: 8a477f597d28d172789f06886806bc55\n",
        ),
        ("cached/big", ""),
        (".git/index", ""),
        (".countersign/README.txt", ""),
    ];
    let folder = workspace(&files);
    assert_eq!(walked(&folder, Purpose::Index), ["a.md", "src/main.rs"]);
    fs::write(folder.path().join(".countersignignore"), "!target/\n").unwrap();
    assert_eq!(
        walked(&folder, Purpose::Index),
        [
            ".countersignignore",
            "a.md",
            "src/main.rs",
            "target/debug/a"
        ]
    );
}

#[test]
fn the_nearest_rule_wins_and_documents_do_not_care_about_git() {
    let folder = workspace(&[
        (".gitignore", "*.log\nout/\n"),
        ("a.log", ""),
        ("out/handoff.json", ""),
        ("run/.gitignore", "!keep.log\n"),
        ("run/keep.log", ""),
        ("run/other.log", ""),
        ("run/deep/keep.log", ""),
    ]);
    assert_eq!(
        walked(&folder, Purpose::Index),
        [
            ".gitignore",
            "run/.gitignore",
            "run/keep.log",
            "run/deep/keep.log"
        ]
    );
    let documents = walked(&folder, Purpose::Documents);
    assert!(
        documents.contains(&"out/handoff.json".to_owned()),
        "{documents:?}"
    );
    assert!(documents.contains(&"a.log".to_owned()));
}

#[test]
fn a_walk_that_starts_deep_keeps_the_rules_around_it() {
    let folder = workspace(&[
        (".countersignignore", "/run/raw/*.bin\n"),
        ("run/raw/a.bin", ""),
        ("run/raw/a.txt", ""),
    ]);
    let root = Dir::open(folder.path()).unwrap();
    let found: Vec<_> = Walk::below(&root, Path::new("run/raw"), Purpose::Index)
        .map(|found| found.unwrap().path)
        .collect();
    assert_eq!(found, [Path::new("run/raw/a.txt")]);
}

#[test]
fn no_link_leads_out_and_a_hostile_file_of_rules_costs_little() {
    let folder = workspace(&[("a.md", "")]);
    std::os::unix::fs::symlink("/etc", folder.path().join("etc")).unwrap();
    let rules = "[\n{{{{\n".to_owned() + &"*a*b*c*d*e*f*g*\n".repeat(200_000);
    fs::write(folder.path().join(".gitignore"), rules).unwrap();
    assert_eq!(walked(&folder, Purpose::Index), [".gitignore", "a.md"]);
}
