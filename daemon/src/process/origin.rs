//! What a process is: its user, its program, and which agent it was started as.
//!
//! Nothing here waits for a file system that an agent serves itself: of a program only what the kernel has in memory
//! is asked for, and its bytes are read only from disks of this machine.

use std::{
    fs::{self, File},
    os::fd::{AsFd as _, BorrowedFd},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use countersign_protocol::Digest;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags};

/// More ancestors than that are not looked at.
const GENERATIONS: usize = 64;
/// Programs with more bytes are named and not hashed.
const LARGEST: u64 = 1 << 30;
/// File systems whose reads end without the help of a process.
const DISKS: [&str; 8] = [
    "ext4", "ext3", "ext2", "xfs", "btrfs", "tmpfs", "squashfs", "erofs",
];

/// The inode of a program, and how it looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Image {
    device: (u32, u32),
    inode: u64,
    size: u64,
    changed: (i64, u32),
}

/// A program that processes run.
#[derive(Debug)]
pub struct Program {
    /// Its path, as the kernel shows it.
    pub path: String,
    /// What tells it from others.
    pub image: Image,
    /// Its bytes, until they are hashed.
    file: Mutex<Option<File>>,
    digest: OnceLock<Option<Digest>>,
}

impl Program {
    /// That of a process, when the kernel shows it.
    pub fn of(pid: u32) -> Option<Self> {
        let link = link(pid);
        let path = fs::read_link(&link).ok()?;
        let image = Image::of_process(pid)?;
        let file = (is_disk(image.device) && image.size <= LARGEST)
            .then(|| File::open(link).ok())
            .flatten();
        // Another program may have taken its place in between.
        let file = file.filter(|file| Image::of(file.as_fd()) == Some(image));
        Some(Self {
            path: path.to_string_lossy().into_owned(),
            image,
            file: Mutex::new(file),
            digest: OnceLock::new(),
        })
    }

    /// The digest of its bytes, made when it is first asked for; `None` when they could not be had.
    pub fn digest(&self) -> Option<Digest> {
        *self.digest.get_or_init(|| {
            let mut file = self.bytes().take()?;
            crate::fs::digest_of(&mut file).ok()
        })
    }

    /// Lets go of its bytes; then it has a digest only if it was asked for.
    pub fn let_go(&self) {
        self.bytes().take();
    }

    /// Whether its bytes are held open.
    pub fn is_held(&self) -> bool {
        self.bytes().is_some()
    }

    fn bytes(&self) -> MutexGuard<'_, Option<File>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Image {
    /// That of the program of a process.
    pub fn of_process(pid: u32) -> Option<Self> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let place = rustix::fs::openat(CWD, link(pid), flags, Mode::empty()).ok()?;
        Self::of(place.as_fd())
    }

    fn of(place: BorrowedFd<'_>) -> Option<Self> {
        // The kernel's own word: a file system that a process serves is not asked.
        let asked = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
        let found = rustix::fs::statx(place, "", asked, StatxFlags::BASIC_STATS).ok()?;
        Some(Self {
            device: (found.stx_dev_major, found.stx_dev_minor),
            inode: found.stx_ino,
            size: found.stx_size,
            changed: (found.stx_ctime.tv_sec, found.stx_ctime.tv_nsec),
        })
    }
}

fn link(pid: u32) -> String {
    format!("/proc/{pid}/exe")
}

/// A process as it was when it was looked at.
#[derive(Debug)]
pub struct Origin {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks after boot.
    pub started: u64,
    /// The user whose rights it has on files.
    pub uid: u32,
    /// What it runs.
    pub program: Option<Arc<Program>>,
    /// Its control group.
    pub cgroup: Option<String>,
    /// The agent as which `countersign run` started it, or an ancestor of it.
    pub agent: Option<String>,
}

impl Origin {
    /// Looks at a process. `own` is the program that starts agents; `programs` gives the one that was met before.
    pub fn of(
        pid: u32,
        own: Option<Image>,
        programs: impl FnOnce(Program) -> Arc<Program>,
    ) -> Option<Self> {
        let (parent, started) = stat(pid)?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        // Real, effective, saved, and that for files (proc(5)).
        let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        let uid = uids.split_ascii_whitespace().nth(3)?.parse().ok()?;
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        let cgroup = groups.lines().find_map(|line| line.strip_prefix("0::"));
        Some(Self {
            pid,
            started,
            uid,
            program: Program::of(pid).map(programs),
            cgroup: cgroup.map(str::to_owned),
            agent: own.and_then(|own| agent(parent, own)),
        })
    }

    /// Whether the process with its number is still this one, with this program.
    pub fn holds(&self) -> bool {
        let image = self.program.as_ref().map(|program| program.image);
        stat(self.pid).is_some_and(|(_, started)| started == self.started)
            && Image::of_process(self.pid) == image
    }
}

/// The parent of a process and when it started.
fn stat(pid: u32) -> Option<(u32, u64)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in field 2 may hold anything but ends with the last parenthesis (proc(5)).
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(1);
    let parent = fields.next()?.parse().ok()?;
    // The parent was field 4; the start time is field 22.
    Some((parent, fields.nth(17)?.parse().ok()?))
}

/// The name of the agent that the oldest ancestor from `pid` on which runs our own program was told to start. The oldest, since an
/// agent may start our program again, under whatever name.
fn agent(mut pid: u32, own: Image) -> Option<String> {
    let mut found = None;
    for _ in 0..GENERATIONS {
        if pid <= 1 {
            break;
        }
        let is_ours = Image::of_process(pid) == Some(own);
        if is_ours {
            found = named(&fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()).or(found);
        }
        let Some((parent, _)) = stat(pid) else {
            break;
        };
        pid = parent;
    }
    found
}

/// What stands behind `--agent` in the arguments of `countersign run`, before those of the agent's own command.
fn named(arguments: &[u8]) -> Option<String> {
    let mut arguments = arguments
        .split(|byte| *byte == 0)
        .map(String::from_utf8_lossy)
        .skip(1)
        .take_while(|argument| argument != "--");
    arguments.find(|argument| argument == "run")?;
    while let Some(argument) = arguments.next() {
        if argument == "--agent" {
            return arguments.next().map(std::borrow::Cow::into_owned);
        }
        if let Some(name) = argument.strip_prefix("--agent=") {
            return Some(name.to_owned());
        }
    }
    None
}

/// Whether the device is a disk that this machine mounted.
fn is_disk((major, minor): (u32, u32)) -> bool {
    let device = format!("{major}:{minor}");
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mounts.lines().any(|line| {
        let is_it = line.split(' ').nth(2) == Some(device.as_str());
        let kind = line
            .split_once(" - ")
            .and_then(|(_, rest)| rest.split(' ').next());
        is_it && kind.is_some_and(|kind| DISKS.contains(&kind))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_user_program_and_start() {
        let own = Program::of(std::process::id()).unwrap();
        let file = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(own.digest(), Some(Digest::of(&file)));
        let me = Origin::of(std::process::id(), Some(own.image), Arc::new).unwrap();
        assert_eq!(me.uid, rustix::process::geteuid().as_raw());
        assert_eq!(me.program.unwrap().image, own.image);
        assert_eq!(me.agent, None, "nobody ran this as an agent");
        assert!(Origin::of(u32::MAX >> 2, None, Arc::new).is_none());
    }

    #[test]
    fn the_agent_is_read_from_our_arguments_and_not_from_those_of_its_command() {
        let of = |line: &str| named(line.replace(' ', "\0").as_bytes());
        let name = Some("hermes".to_owned());
        assert_eq!(of("countersign run --agent hermes -- sh"), name);
        assert_eq!(
            of("countersign --json run --require --agent=hermes -- sh"),
            name
        );
        assert_eq!(
            of("countersign run -- countersign run --agent hermes"),
            None
        );
        assert_eq!(of("countersign serve --agent hermes"), None);
    }
}
