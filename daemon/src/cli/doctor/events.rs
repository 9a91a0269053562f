//! Whether the kernel tells about a new file, when no daemon runs that could say so.

use std::{
    path::{Path, PathBuf},
    sync::mpsc,
    time::Duration,
};

use notify::{RecursiveMode, Watcher as _};

use super::{Finding, Mark};
use crate::{clock::Clock, fs::Dir};

/// Longer than any local file system takes.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn delivery(name: &str, path: &Path, clock: &dyn Clock) -> Finding {
    let what = format!("{name} events");
    match probe(path, clock) {
        Ok(Some(time)) => Finding::ok(what, format!("arrive after {} ms", time.as_millis())),
        Ok(None) => Finding::bad(
            Mark::Warn,
            what,
            "do not arrive",
            "nothing is lost; changes are found by a scan, a little later",
        ),
        Err(why) => Finding::bad(
            Mark::Warn,
            what,
            why,
            "let the user of the daemon write in the folder; until then it is scanned",
        ),
    }
}

/// Writes a file and times its event.
fn probe(path: &Path, clock: &dyn Clock) -> Result<Option<Duration>, String> {
    let (send, events) = mpsc::channel();
    let mut watcher = notify::recommended_watcher(move |event| drop(send.send(event)))
        .map_err(|error| format!("cannot watch: {error}"))?;
    watcher
        .watch(path, RecursiveMode::NonRecursive)
        .map_err(|error| format!("cannot watch: {error}"))?;
    let dir = Dir::open(path).map_err(|error| error.to_string())?;
    let name = PathBuf::from(format!("{}probe", crate::fs::TEMPORARY));
    let start = clock.monotonic();
    dir.publish(&name, b"countersign doctor\n", 0o600, false)
        .map_err(|error| error.to_string())?;
    let arrived = events.recv_timeout(PATIENCE).is_ok();
    let time = clock.monotonic().saturating_sub(start);
    dir.remove_own_file(&name)
        .map_err(|error| error.to_string())?;
    Ok(arrived.then_some(time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn a_local_folder_raises_an_event_and_is_left_clean() {
        let folder = tempfile::tempdir().unwrap();
        let found = probe(folder.path(), SystemClock::shared().as_ref());
        assert!(found.unwrap().is_some());
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        assert!(probe(Path::new("/nowhere"), SystemClock::shared().as_ref()).is_err());
    }
}
