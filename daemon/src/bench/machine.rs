//! What was measured on, since figures without it say nothing.

use std::path::Path;

use serde::Serialize;

/// The machine and the build.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Cores that the process may use.
    pub cores: usize,
    /// Name and release of the kernel.
    pub kernel: String,
    /// Kind of the file system, as `/proc/self/mountinfo` calls it.
    pub file_system: String,
    /// `release`, or `debug`, whose figures say little.
    pub build: &'static str,
    /// Processes that wanted a core, averaged over the minute before the run; above `cores`, others
    /// were at work.
    pub load_before: Option<f64>,
    /// The same over the last minute of the run, itself included.
    pub load_after: Option<f64>,
}

impl Machine {
    /// The machine, with the file system of `dir`.
    pub(super) fn look(dir: &Path) -> Self {
        let system = rustix::system::uname();
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: format!(
                "{} {}",
                system.sysname().to_string_lossy(),
                system.release().to_string_lossy()
            ),
            file_system: file_system(dir).unwrap_or_else(|| "unknown".to_owned()),
            build: if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            },
            load_before: load(),
            load_after: None,
        }
    }

    /// Notes the load at the end.
    pub(super) fn look_again(&mut self) {
        self.load_after = load();
    }
}

fn load() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}

fn file_system(dir: &Path) -> Option<String> {
    let dir = dir.canonicalize().ok()?;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    kind_of(&dir, &mounts)
}

/// The kind of the innermost mount that holds `dir`, the last one where one covers another. See
/// `proc_pid_mountinfo(5)`: the mount point is the fifth field, the kind the first behind ` - `.
fn kind_of(dir: &Path, mounts: &str) -> Option<String> {
    let mounts = mounts.lines().filter_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        let point = mount.split(' ').nth(4)?;
        dir.starts_with(point)
            .then(|| (point.len(), kind.split(' ').next()))
    });
    let (_, kind) = mounts.max_by_key(|(length, _)| *length)?;
    kind.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_counts() {
        let mounts = "21 1 254:0 / / rw,relatime - ext4 /dev/root rw\n\
                      30 21 0:25 / /srv/fast rw - tmpfs tmpfs rw\n";
        let kind = |path: &str| kind_of(Path::new(path), mounts);
        assert_eq!(kind("/srv/fast/x").as_deref(), Some("tmpfs"));
        assert_eq!(kind("/srv/fastest").as_deref(), Some("ext4"));
        assert_eq!(kind_of(Path::new("/x"), ""), None);
    }
}
