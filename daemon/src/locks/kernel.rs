//! Locks of the kernel on files of workspaces. We only look: they are not ours, we neither grant nor end them, and
//! they know nothing of our table.

use std::{
    collections::{BTreeSet, HashMap},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::workspace::Workspace;

/// Most names of a workspace that are looked at to find one by its inode.
const NAMES: usize = 50_000;

/// Which lock it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelKind {
    /// flock(2), as `fs4` and `countersign lock run` take it: advisory, on a whole file.
    Flock,
    /// fcntl(2) `F_SETLK`: advisory, on bytes, of a process.
    Record,
    /// fcntl(2) `F_OFD_SETLK`: advisory, on bytes, of an open file.
    OpenFile,
    /// fcntl(2) `F_SETLEASE`: word of others who open the file; keeps nobody off for long.
    Lease,
}

/// A lock that the kernel lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelLock {
    /// Which.
    pub kind: KernelKind,
    /// Whether it keeps readers off as well.
    pub exclusive: bool,
    /// Whether it is waited for, and not held.
    pub waiting: bool,
    /// The process, if the kernel says.
    pub pid: Option<u32>,
    /// The name of its program, if we may know.
    pub program: Option<String>,
    /// The workspace.
    pub workspace: String,
    /// The file in it, empty for the workspace itself.
    pub path: String,
}

/// A line of `/proc/locks` (`proc_locks(5)`).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    kind: KernelKind,
    exclusive: bool,
    waiting: bool,
    pid: Option<u32>,
    /// Device and inode, as stat(2) gives them.
    file: (u64, u64),
}

/// The locks of the kernel on files of `workspaces`, and whether all of them could be found: what belongs to
/// other users shows only its inode, and a workspace has too many names to look at all of them.
pub fn kernel_locks(workspaces: &[Arc<Workspace>]) -> (Vec<KernelLock>, bool) {
    let text = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    let ours = std::process::id();
    let places: Vec<(u64, &Arc<Workspace>)> = workspaces
        .iter()
        .filter_map(|workspace| Some((workspace.dir().place().ok()?.0, workspace)))
        .collect();
    let is_near = |line: &Line| places.iter().any(|(device, _)| *device == line.file.0);
    let mut lines: Vec<Line> = text.lines().filter_map(parse).filter(is_near).collect();
    // Our own leases are questions that last no time.
    lines.retain(|line| line.pid != Some(ours));

    let mut found: HashMap<(u64, u64), Option<(String, String)>> = HashMap::new();
    for line in &lines {
        if let Some(path) = line.pid.and_then(|pid| open_path(pid, line.file)) {
            let place = places.iter().find_map(|(_, workspace)| {
                let inner = path.strip_prefix(&workspace.path).ok()?;
                Some((workspace.name.to_string(), inner.to_str()?.to_owned()))
            });
            found.insert(line.file, place);
        }
    }
    let missing: BTreeSet<(u64, u64)> = lines
        .iter()
        .map(|line| line.file)
        .filter(|file| !found.contains_key(file))
        .collect();
    let mut complete = true;
    for (device, workspace) in &places {
        if !missing.iter().any(|(of, _)| of == device) {
            continue;
        }
        let is_missing = |inode| missing.contains(&(*device, inode));
        match workspace.dir().find_inodes(NAMES, is_missing) {
            Ok(inodes) => {
                complete &= inodes.complete;
                for (inode, path) in inodes.paths {
                    let path = path.to_str().map(str::to_owned);
                    let place = path.map(|path| (workspace.name.to_string(), path));
                    found.insert((*device, inode), place);
                }
            }
            Err(_) => complete = false,
        }
    }
    let mut locks: Vec<KernelLock> = lines
        .into_iter()
        .filter_map(|line| {
            let (workspace, path) = found.get(&line.file)?.clone()?;
            Some(KernelLock {
                kind: line.kind,
                exclusive: line.exclusive,
                waiting: line.waiting,
                pid: line.pid,
                program: line.pid.and_then(program),
                workspace,
                path,
            })
        })
        .collect();
    locks.sort_by(|a, b| (&a.workspace, &a.path, a.pid).cmp(&(&b.workspace, &b.path, b.pid)));
    (locks, complete)
}

fn parse(line: &str) -> Option<Line> {
    let (_, rest) = line.split_once(": ")?;
    let mut fields = rest.split_ascii_whitespace();
    let mut kind = fields.next()?;
    let waiting = kind == "->";
    if waiting {
        kind = fields.next()?;
    }
    let kind = match kind {
        "FLOCK" => KernelKind::Flock,
        "POSIX" => KernelKind::Record,
        "OFDLCK" => KernelKind::OpenFile,
        "LEASE" => KernelKind::Lease,
        _ => return None,
    };
    let mut fields = fields.skip(1);
    let exclusive = fields.next()? == "WRITE";
    let pid: i64 = fields.next()?.parse().ok()?;
    let mut place = fields.next()?.split(':');
    let mut device = || u32::from_str_radix(place.next()?, 16).ok();
    let device = rustix::fs::makedev(device()?, device()?);
    let inode = place.next()?.parse().ok()?;
    Some(Line {
        kind,
        exclusive,
        waiting,
        pid: u32::try_from(pid).ok().filter(|pid| *pid > 0),
        file: (device, inode),
    })
}

/// The path under which process `pid` has the file open, if we may know.
fn open_path(pid: u32, file: (u64, u64)) -> Option<PathBuf> {
    let folder = PathBuf::from(format!("/proc/{pid}/fd"));
    let mut open = std::fs::read_dir(&folder).ok()?.flatten();
    open.find_map(|entry| {
        let link = entry.path();
        let metadata = link.metadata().ok()?;
        ((metadata.dev(), metadata.ino()) == file).then(|| std::fs::read_link(&link).ok())?
    })
    .filter(|path| path.starts_with(Path::new("/")))
}

fn program(pid: u32) -> Option<String> {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;
    use crate::workspace::Settings;

    #[test]
    fn the_lines_of_the_kernel_are_read_for_what_they_are() {
        let line = |text| parse(text).unwrap();
        let flock = line("1: FLOCK  ADVISORY  WRITE 4121 08:02:131085 0 EOF");
        assert_eq!(
            (flock.kind, flock.exclusive, flock.pid),
            (KernelKind::Flock, true, Some(4121))
        );
        assert_eq!(flock.file, (rustix::fs::makedev(8, 2), 131_085));
        let waits = line("1: -> FLOCK  ADVISORY  WRITE 4122 08:02:131085 0 EOF");
        assert!(waits.waiting && !flock.waiting);
        let record = line("2: POSIX  ADVISORY  READ 9 fd:00:7 0 99");
        assert_eq!((record.kind, record.exclusive), (KernelKind::Record, false));
        let open = line("3: OFDLCK ADVISORY  WRITE -1 00:1a:7 0 EOF");
        assert_eq!((open.kind, open.pid), (KernelKind::OpenFile, None));
        assert_eq!(
            line("4: LEASE  ACTIVE    READ  77 00:1a:7 0 EOF").kind,
            KernelKind::Lease
        );
        for other in [
            "",
            "5: DELEG  ACTIVE    READ  77 00:1a:7 0 EOF",
            "6: FLOCK ADVISORY",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_lock_of_another_program_is_found_by_path() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let workspace = Arc::new(Workspace::open("w", &root, Settings::default()).unwrap());
        std::fs::File::create_new(root.join("held.txt")).unwrap();
        let mut child = Command::new("flock")
            .arg(root.join("held.txt"))
            .args(["-c", "echo held; read line"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It has the lock when it says something.
        let mut said = [0; 5];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut said).unwrap();
        let (locks, _) = kernel_locks(&[Arc::clone(&workspace)]);
        let found = locks.iter().find(|lock| lock.path == "held.txt").unwrap();
        assert_eq!((found.kind, found.exclusive), (KernelKind::Flock, true));
        assert_eq!(found.workspace, "w");
        drop(child.stdin.take());
        child.wait().unwrap();
        let (locks, _) = kernel_locks(&[workspace]);
        assert_eq!(locks, []);
    }
}
