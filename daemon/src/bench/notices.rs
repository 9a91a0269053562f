//! The floor's watcher: `inotify` itself, for names that are renamed into folders.

use std::{
    collections::HashMap,
    mem::MaybeUninit,
    os::{fd::OwnedFd, unix::ffi::OsStrExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};

use super::{BenchError, system};

/// Room for what the kernel hands over at once, in bytes.
const ROOM: usize = 64 * 1024;

/// Watched folders.
pub(super) struct Notices {
    descriptor: OwnedFd,
    folders: HashMap<i32, PathBuf>,
}

impl Notices {
    /// Watches `folders`.
    pub(super) fn of(folders: &[PathBuf]) -> Result<Self, BenchError> {
        let descriptor = inotify::init(CreateFlags::CLOEXEC).map_err(system("use inotify"))?;
        let watch = |folder: &PathBuf| {
            let watch = inotify::add_watch(&descriptor, folder.as_path(), WatchFlags::MOVED_TO)
                .map_err(system("watch a folder; see fs.inotify.max_user_watches"))?;
            Ok::<_, BenchError>((watch, folder.clone()))
        };
        let folders = folders.iter().map(watch).collect::<Result<_, _>>()?;
        Ok(Self {
            descriptor,
            folders,
        })
    }

    /// Waits for names and hands them to `each`, with whether more are at hand without waiting, until
    /// it says that it has seen enough.
    pub(super) fn each(
        &self,
        mut each: impl FnMut(&Path, bool) -> Result<bool, BenchError>,
    ) -> Result<(), BenchError> {
        let mut room = vec![MaybeUninit::uninit(); ROOM];
        let mut reader = Reader::new(&self.descriptor, &mut room);
        let mut seen = 0;
        loop {
            let event = reader.next().map_err(system("read events"))?;
            let lost = event.events().contains(ReadFlags::QUEUE_OVERFLOW);
            let name = event
                .file_name()
                .map(|name| Path::new(std::ffi::OsStr::from_bytes(name.to_bytes())).to_owned());
            let path = self
                .folders
                .get(&event.wd())
                .zip(name)
                .map(|(folder, name)| folder.join(name));
            let more = !reader.is_buffer_empty();
            if lost {
                return Err(BenchError::Floor(seen));
            }
            let Some(path) = path else { continue };
            seen += 1;
            if !each(&path, more)? {
                return Ok(());
            }
        }
    }
}
