//! What was heard of each file, until it is forgotten.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;

use crate::{fs::FileId, process::Origin};

/// So many files are remembered at most; then the half that was not heard of for longest is forgotten.
const FILES: usize = 65_536;
/// So many processes of one file are told apart; what more come are one that is not known.
const WRITERS: usize = 16;

/// A process that touched a file.
#[derive(Clone, Debug)]
pub(super) struct Touch {
    pub(super) pid: u32,
    /// What it is, when it could still be looked at.
    pub(super) origin: Option<Arc<Origin>>,
    /// Whether it was seen to change bytes.
    pub(super) wrote: bool,
}

impl Touch {
    fn is_of(&self, other: &Self) -> bool {
        let start = |touch: &Self| touch.origin.as_ref().map(|origin| origin.started);
        let program = |touch: &Self| {
            let origin = touch.origin.as_ref()?;
            origin.program.as_ref().map(|program| program.image)
        };
        self.pid == other.pid && start(self) == start(other) && program(self) == program(other)
    }
}

#[derive(Debug, Default)]
struct Trail {
    touches: Vec<Touch>,
    heard: u64,
}

/// What was heard, by file.
#[derive(Debug)]
pub(super) struct Table {
    files: HashMap<FileId, Trail>,
    count: u64,
    /// Whatever happened before may not have been heard, or was forgotten.
    since: Timestamp,
}

impl Table {
    /// Of somebody who listens since that moment.
    pub(super) fn new(since: Timestamp) -> Self {
        Self {
            files: HashMap::new(),
            count: 0,
            since,
        }
    }

    /// Something may not have been heard until that moment.
    pub(super) fn missed(&mut self, until: Timestamp) {
        self.since = self.since.max(until);
    }

    /// Notes a touch at the moment `now`.
    pub(super) fn add(&mut self, file: FileId, touch: Touch, now: Timestamp) {
        self.count += 1;
        let trail = self.files.entry(file).or_default();
        trail.heard = self.count;
        let known = trail.touches.iter().position(|known| known.is_of(&touch));
        match known {
            Some(at) => trail.touches[at].wrote |= touch.wrote,
            None if trail.touches.len() < WRITERS => trail.touches.push(touch),
            None => {
                // More than are told apart: the last place stands for somebody.
                let pid = touch.pid;
                trail.touches[WRITERS - 1] = Touch {
                    pid,
                    origin: None,
                    wrote: true,
                };
            }
        }
        if self.files.len() > FILES {
            let oldest = self.count - (FILES as u64 / 2);
            self.files.retain(|_, trail| trail.heard > oldest);
            self.missed(now);
        }
    }

    /// Who touched a file that was made at `born`, and whether all of them are known of.
    pub(super) fn of(&self, file: &FileId, born: Option<Timestamp>) -> Option<(bool, Vec<Touch>)> {
        let trail = self.files.get(file)?;
        let whole = born.is_some_and(|born| born > self.since);
        Some((whole, trail.touches.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(number: u32) -> FileId {
        FileId::invented(number)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn touch(pid: u32, wrote: bool) -> Touch {
        let origin = Origin {
            pid,
            started: 1,
            uid: 0,
            program: None,
            cgroup: None,
            agent: None,
        };
        Touch {
            pid,
            origin: Some(Arc::new(origin)),
            wrote,
        }
    }

    #[test]
    fn only_a_file_that_was_made_while_somebody_listened_is_known_whole() {
        let mut table = Table::new(at(100));
        table.add(file(1), touch(7, false), at(101));
        table.add(file(1), touch(7, true), at(101));
        let (whole, touches) = table.of(&file(1), Some(at(101))).unwrap();
        assert!(whole && touches.len() == 1 && touches[0].wrote);
        assert!(!table.of(&file(1), Some(at(99))).unwrap().0, "older");
        assert!(!table.of(&file(1), None).unwrap().0, "nobody says how old");
        assert!(table.of(&file(2), Some(at(101))).is_none());
        table.missed(at(102));
        assert!(
            !table.of(&file(1), Some(at(101))).unwrap().0,
            "overrun since"
        );
    }

    #[test]
    fn what_is_forgotten_is_not_held_for_whole() {
        let mut table = Table::new(at(0));
        for number in 0..=u32::try_from(FILES).unwrap() {
            table.add(file(number), touch(7, true), at(50));
        }
        assert!(table.of(&file(0), Some(at(49))).is_none());
        let newest = u32::try_from(FILES).unwrap();
        assert!(!table.of(&file(newest), Some(at(49))).unwrap().0);
        table.add(file(newest), touch(7, true), at(52));
        assert!(table.of(&file(newest), Some(at(51))).unwrap().0);
    }

    #[test]
    fn a_crowd_of_writers_ends_with_somebody_unknown() {
        let mut table = Table::new(at(0));
        for pid in 0..40 {
            table.add(file(1), touch(pid, true), at(1));
        }
        let (_, touches) = table.of(&file(1), Some(at(1))).unwrap();
        assert_eq!(touches.len(), WRITERS);
        assert!(touches[WRITERS - 1].origin.is_none());
    }
}
