//! What can be seen without waiting: file systems, modes, limits, space.

use std::{
    fs::File,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use countersign_web::desk::WorkspaceRow;
use rustix::{
    fs::{Mode, OFlags},
    process::Resource,
};

use super::{Finding, Mark};
use crate::{
    config::Server,
    extract,
    fs::{Dir, Writers, remote_mount, writers},
};

/// Under this, nothing new should be accepted.
const LITTLE_SPACE: u64 = 1 << 30;
/// Under this, watching large trees ends early.
const FEW_WATCHES: u64 = 65_536;

pub(super) fn data_dir(path: &Path) -> Vec<Finding> {
    let shown = path.display().to_string();
    let there: PathBuf = path
        .ancestors()
        .find(|above| above.is_dir())
        .unwrap_or(Path::new("/"))
        .to_owned();
    let mut findings = Vec::new();
    findings.push(match remote_mount(&there) {
        None => Finding::ok("data folder", shown),
        Some(kind) => Finding::bad(
            Mark::Fail,
            "data folder",
            format!("{shown} is on {kind}"),
            "put it on a local disk with `--data-dir DIR`",
        ),
    });
    if path.is_dir()
        && let Ok(meta) = path.metadata()
        && meta.mode() & 0o077 != 0
    {
        findings.push(Finding::bad(
            Mark::Fail,
            "data folder",
            format!("others may look into it (mode {:o})", meta.mode() & 0o777),
            format!("run `chmod 700 {}`", path.display()),
        ));
    }
    findings.push(space("data folder", &there));
    findings
}

fn space(what: &str, path: &Path) -> Finding {
    match rustix::fs::statvfs(path) {
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            let text = format!("{} MB free", free / 1_000_000);
            if free >= LITTLE_SPACE {
                Finding::ok(what, text)
            } else {
                Finding::bad(
                    Mark::Warn,
                    what,
                    text,
                    "free some space; 1 GiB is the least",
                )
            }
        }
        Err(error) => Finding::bad(
            Mark::Warn,
            what,
            format!("cannot tell the free space: {error}"),
            "look at it with `df`",
        ),
    }
}

/// Each connection needs one descriptor and may open one file, intake and the ledger some more.
pub(super) fn descriptors(connections: u64) -> Finding {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(u64::MAX);
    let needed = connections.saturating_mul(2).saturating_add(256);
    let text = format!("{current} allowed, {needed} needed");
    if current >= needed {
        Finding::ok("open files", text)
    } else {
        Finding::bad(
            Mark::Warn,
            "open files",
            format!("{text}; fewer connections are taken"),
            format!("raise it with `ulimit -n {needed}`"),
        )
    }
}

/// Says where browsers keep sessions, and who else gets them.
pub(super) fn sessions(server: &Server) -> Finding {
    let what = "sessions";
    let is_public = server
        .public_url
        .as_ref()
        .is_some_and(|url| url.value.https());
    if server.own_host.value {
        Finding::ok(what, "at a host name of the daemon's own")
    } else if is_public {
        Finding::ok(what, "at the public URL, over TLS")
    } else {
        Finding::bad(
            Mark::Warn,
            what,
            "at the address: each server of this machine that your browser opens there gets your session",
            "leave out `own_host = false`, unless your browser does not know names under `localhost`",
        )
    }
}

/// What holds the children that read agents' files, besides limits of memory and time.
pub(super) fn reader() -> Finding {
    let guards = extract::guards();
    match (guards.landlock, guards.seccomp) {
        (true, true) => Finding::ok("reading files", "behind Landlock and seccomp"),
        (landlock, _) => Finding::bad(
            Mark::Warn,
            "reading files",
            if landlock {
                "behind Landlock, without seccomp"
            } else {
                "without Landlock: a broken reader could see files of this user"
            },
            "use a kernel with Landlock (5.13 or later) and seccomp",
        ),
    }
}

/// Reports whether pages of a PDF can be drawn, besides their words.
pub(super) fn pages() -> Finding {
    if extract::draws_pages() {
        Finding::ok("pages of PDFs", "drawn by pdftoppm")
    } else {
        Finding::bad(
            Mark::Warn,
            "pages of PDFs",
            "not drawn; reviewers see their words only",
            "install poppler (package `poppler-utils`), which has pdftoppm",
        )
    }
}

pub(super) fn watches() -> Finding {
    let path = "/proc/sys/fs/inotify/max_user_watches";
    let found = std::fs::read_to_string(path)
        .ok()
        .and_then(|text| text.trim().parse::<u64>().ok());
    match found {
        Some(watches) if watches >= FEW_WATCHES => {
            Finding::ok("folder watches", format!("{watches} allowed"))
        }
        Some(watches) => Finding::bad(
            Mark::Warn,
            "folder watches",
            format!("{watches} allowed; folders beyond are scanned"),
            "run `sysctl fs.inotify.max_user_watches=524288`",
        ),
        None => Finding::bad(
            Mark::Warn,
            "folder watches",
            "the limit is not known here",
            "nothing to do; what cannot be watched is scanned",
        ),
    }
}

/// What the running daemon says about a workspace.
pub(super) fn served(row: &WorkspaceRow) -> Finding {
    let what = format!("{} events", row.name);
    match (row.mode.as_str(), &row.trouble) {
        ("watching", None) => Finding::ok(what, "arrive at the daemon"),
        ("offline", trouble) => Finding::bad(
            Mark::Fail,
            what,
            trouble
                .clone()
                .unwrap_or_else(|| "the folder is away".to_owned()),
            "bring the folder back; the daemon notices by itself",
        ),
        (mode, trouble) => {
            let text = trouble.clone().unwrap_or_else(|| mode.to_owned());
            let hint = if text.contains("is mounted here") {
                "what is mounted in a workspace is not read; serve it as a workspace of its own, or copy the files in"
            } else {
                "nothing is lost; changes are found by a scan, a little later"
            };
            Finding::bad(Mark::Warn, what, text, hint)
        }
    }
}

/// What the file system under a workspace can do.
pub(super) fn workspace(name: &str, path: &Path) -> Vec<Finding> {
    let dir = match Dir::open(path) {
        Ok(dir) => dir,
        Err(error) => {
            return vec![Finding::bad(
                Mark::Fail,
                format!("{name} folder"),
                error.to_string(),
                "make it with `countersign init`, or take it out of the configuration",
            )];
        }
    };
    let mut findings = Vec::new();
    if let Some(kind) = remote_mount(path) {
        findings.push(Finding::bad(
            Mark::Warn,
            format!("{name} folder"),
            format!("on {kind}; changes made elsewhere raise no event"),
            "nothing is lost; it is scanned",
        ));
    }
    let probe = PathBuf::from(format!("{}doctor", crate::fs::TEMPORARY));
    let what = format!("{name} rename");
    match dir.publish(&probe, b"countersign doctor\n", 0o600, false) {
        Ok(()) => {
            findings.push(Finding::ok(what, "whole files can be put in place"));
            findings.extend(dir.open_file(&probe).map(|file| lease(name, &file)));
            // What stays behind has a name that intake never reads.
            let _ = dir.remove_own_file(&probe);
        }
        Err(error) => findings.push(Finding::bad(
            Mark::Fail,
            what,
            error.to_string(),
            format!("let the user of the daemon write in `{}`", path.display()),
        )),
    }
    findings.push(unnamed(name, path));
    findings.push(lock(name, path));
    findings.push(space(&format!("{name} space"), path));
    findings
}

fn lease(name: &str, file: &File) -> Finding {
    let what = format!("{name} leases");
    match writers(file) {
        Writers::None => Finding::ok(what, "the kernel tells when nobody writes"),
        Writers::Some => Finding::bad(
            Mark::Warn,
            what,
            "somebody has our probe open",
            "nothing to do; a file must then be quiet for a while",
        ),
        Writers::Unknown => Finding::bad(
            Mark::Warn,
            what,
            "the kernel does not tell who writes here",
            "nothing to do; files must be quiet for `settle`, or be renamed into place",
        ),
    }
}

fn unnamed(name: &str, path: &Path) -> Finding {
    let what = format!("{name} unnamed files");
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR) {
        Ok(_) => Finding::ok(what, "supported"),
        Err(error) => Finding::bad(
            Mark::Warn,
            what,
            format!("not supported: {error}"),
            "nothing to do; a temporary name is used",
        ),
    }
}

fn lock(name: &str, path: &Path) -> Finding {
    let what = format!("{name} locks");
    let locked = File::open(path).and_then(|folder| {
        let kind = rustix::fs::FlockOperation::NonBlockingLockShared;
        rustix::fs::flock(&folder, kind).map_err(std::io::Error::from)
    });
    match locked {
        Ok(()) => Finding::ok(what, "supported"),
        Err(error) => Finding::bad(
            Mark::Warn,
            what,
            format!("not supported: {error}"),
            "let one daemon only serve this folder",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_folder_can_do_what_is_needed_and_is_left_clean() {
        let folder = tempfile::tempdir().unwrap();
        let findings = workspace("w", folder.path());
        let rename = findings.iter().find(|f| f.what == "w rename").unwrap();
        assert_eq!(rename.mark, Mark::Ok);
        assert!(findings.iter().any(|f| f.what == "w leases"));
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn every_line_that_is_not_good_has_a_fix() {
        let missing = workspace("w", Path::new("/nowhere/at/all"));
        assert_eq!(missing[0].mark, Mark::Fail);
        let few = descriptors(u64::MAX);
        assert_eq!(few.mark, Mark::Warn);
        for finding in missing.iter().chain([&few]) {
            assert!(finding.fix.is_some(), "{finding:?}");
        }
    }

    #[test]
    fn a_data_folder_that_others_can_read_is_named() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let open = |mode| {
            let file = File::open(folder.path()).unwrap();
            file.set_permissions(std::fs::Permissions::from_mode(mode))
                .unwrap();
            let findings = data_dir(folder.path());
            findings.iter().any(|f| f.found.contains("others may look"))
        };
        assert!(!open(0o700));
        assert!(open(0o755));
    }

    #[test]
    fn a_scanned_workspace_is_a_warning_and_an_absent_one_a_failure() {
        let mut row = WorkspaceRow {
            name: "w".to_owned(),
            path: "/srv/w".to_owned(),
            mode: "watching".to_owned(),
            trouble: None,
            waiting: 0,
            dead_letters: 0,
        };
        assert_eq!(served(&row).mark, Mark::Ok);
        row.mode = "scanning".to_owned();
        assert_eq!(served(&row).mark, Mark::Warn);
        row.mode = "offline".to_owned();
        assert_eq!(served(&row).mark, Mark::Fail);
    }
}
