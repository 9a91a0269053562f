//! Every path from the network or an agent to the disk goes through `daemon/src/fs`, which resolves it beneath a
//! descriptor. Who opens a path in another way stands in the table of docs/paths.md with the reason.

use std::collections::BTreeSet;

use countersign_tests::repo::{self, code_only};

/// What opens, lists or changes something by a path of its own.
const BARE: [&str; 19] = [
    "fs::read(",
    "fs::read_to_string(",
    "fs::read_dir(",
    "fs::read_link(",
    "fs::write(",
    "fs::rename(",
    "fs::copy(",
    "fs::remove_",
    "fs::hard_link(",
    "fs::metadata(",
    "fs::symlink_metadata(",
    "fs::canonicalize(",
    "fs::OpenOptions",
    "fs::DirBuilder",
    "File::open(",
    "File::create",
    "File::options(",
    ".canonicalize()",
    ".read_dir()",
];

/// The sources of the program that open paths, without their tests and the bench.
fn found() -> BTreeSet<String> {
    let is_ours = |path: &str| {
        let place = ["daemon/src/", "web/src/", "protocol/src/"];
        place.iter().any(|start| path.starts_with(start))
            && !["/tests", "_tests.rs", "/testing/", "/bench/", "/showcase/"]
                .iter()
                .any(|part| path.contains(part))
    };
    repo::rust_files()
        .iter()
        .filter(|file| is_ours(&file.path))
        .filter(|file| {
            let code = code_only(file.text());
            let code = match code.find("\nmod tests {") {
                Some(end) => &code[..end],
                None => &code,
            };
            BARE.iter().any(|call| opens(code, call))
        })
        .map(|file| file.path.clone())
        .collect()
}

/// Whether `code` calls it; `rustix::fs` has names of its own, all of them by descriptor.
fn opens(code: &str, call: &str) -> bool {
    code.match_indices(call).any(|(at, _)| {
        let before = &code[..at];
        !before.ends_with("rustix::") && !before.ends_with("crate::")
    })
}

/// The first cells of the table.
fn listed() -> BTreeSet<String> {
    let text = repo::read("docs/paths.md");
    let (_, rest) = text
        .split_once("<!-- paths -->")
        .expect("the page has the mark");
    let (table, _) = rest
        .split_once("<!-- /paths -->")
        .expect("the table ends with a mark");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    rows.filter_map(|line| Some(line.split('`').nth(1)?.to_owned()))
        .collect()
}

#[test]
fn no_path_is_opened_but_beneath_a_descriptor_or_by_a_listed_reason() {
    let (found, listed) = (found(), listed());
    let new: Vec<_> = found.difference(&listed).collect();
    assert!(
        new.is_empty(),
        "these open paths by themselves; use `fs::Dir`, or say why not in docs/paths.md: {new:?}"
    );
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(
        gone.is_empty(),
        "these no longer do; take them out: {gone:?}"
    );
}

#[test]
fn the_confinement_has_every_flag() {
    let code = code_only(&repo::read("daemon/src/fs/dir.rs"));
    for flag in ["BENEATH", "NO_SYMLINKS", "NO_MAGICLINKS", "NO_XDEV"] {
        assert!(code.contains(&format!("ResolveFlags::{flag}")), "{flag}");
    }
    // There is one call of openat2, and it takes them all.
    let calls: usize = repo::rust_files()
        .iter()
        .filter(|file| file.path.starts_with("daemon/src/"))
        .map(|file| code_only(file.text()).matches("openat2(").count())
        .sum();
    assert_eq!(calls, 1);
    assert!(code.contains("openat2(&self.fd, name, flags | OFlags::CLOEXEC, mode, CONFINED)"));
}

#[test]
fn the_reader_of_calls_sees_what_is_meant() {
    assert!(opens("std::fs::read(path)", "fs::read("));
    assert!(!opens("rustix::fs::rename(fd)", "fs::rename("));
    assert!(opens("x.path().canonicalize()?", ".canonicalize()"));
}
