//! Who was seen writing what is handed over: what the kernel of the daemon's machine says, beside what an agent claims.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::Digest;

/// How much is known of where the bytes of a file come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provenance {
    /// The kernel told of every write since the file was made, and of the process behind each.
    Observed,
    /// It told of some: the file is older than the watch, or a process was gone before it could be looked at.
    Partly,
    /// Nobody but the agent says so.
    #[default]
    Claimed,
}

/// A process that wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks after boot (`/proc/PID/stat`, field 22); absent when it was gone already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<u64>,
    /// The user whose rights it had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The path of its program, as the kernel shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Digest of its program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program_sha256: Option<Digest>,
    /// Its control group (cgroups(7)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<String>,
    /// The agent whose process it was: the one whose user it had, else the one that `countersign run` started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

/// What was seen of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileTrail {
    /// Whether every write since the file was made was heard of.
    pub whole: bool,
    /// Those that changed bytes, as places in [`Observed::writers`].
    pub wrote: Vec<usize>,
    /// Those that could have, and were not seen to: they closed the file, which they had open for writing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opened: Vec<usize>,
}

/// What was seen of the files of a revision. A file that is not in it was claimed only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// The processes, in the order in which they were met.
    pub writers: Vec<Writer>,
    /// By path as in the manifest; the document stands under its own name.
    pub files: BTreeMap<String, FileTrail>,
}

impl Observed {
    /// How much is known of the file at `path`.
    pub fn of(&self, path: &str) -> Provenance {
        match self.files.get(path) {
            None => Provenance::Claimed,
            Some(trail) if trail.whole && self.by(trail).all(|writer| writer.uid.is_some()) => {
                Provenance::Observed
            }
            Some(_) => Provenance::Partly,
        }
    }

    /// Those who wrote a file, or could have.
    pub fn by<'a>(&'a self, trail: &'a FileTrail) -> impl Iterator<Item = &'a Writer> {
        let all = trail.wrote.iter().chain(&trail.opened);
        all.filter_map(|at| self.writers.get(*at))
    }

    /// The agents other than `agent` whose processes changed bytes of the file at `path`.
    pub fn others<'a>(&'a self, path: &str, agent: &'a str) -> impl Iterator<Item = &'a str> {
        let trail = self.files.get(path);
        let wrote = trail.into_iter().flat_map(|trail| &trail.wrote);
        wrote
            .filter_map(|at| self.writers.get(*at)?.agent.as_deref())
            .filter(move |name| *name != agent)
    }

    /// Notes what was seen of the file at `path`; a writer that is known already is not listed twice.
    pub fn add(&mut self, path: String, whole: bool, writers: Vec<(Writer, bool)>) {
        let mut trail = FileTrail {
            whole,
            ..FileTrail::default()
        };
        for (writer, wrote) in writers {
            let known = self.writers.iter().position(|known| *known == writer);
            let at = known.unwrap_or_else(|| {
                self.writers.push(writer);
                self.writers.len() - 1
            });
            let list = if wrote {
                &mut trail.wrote
            } else {
                &mut trail.opened
            };
            list.push(at);
        }
        self.files.insert(path, trail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(pid: u32, agent: Option<&str>) -> Writer {
        Writer {
            pid,
            started: agent.map(|_| 7),
            uid: agent.map(|_| 40_001),
            program: None,
            program_sha256: None,
            cgroup: None,
            agent: agent.map(str::to_owned),
        }
    }

    #[test]
    fn only_what_was_seen_whole_and_by_known_processes_is_observed() {
        let mut seen = Observed::default();
        let hermes = || writer(1, Some("hermes"));
        seen.add("a".to_owned(), true, vec![(hermes(), true)]);
        seen.add("b".to_owned(), false, vec![(hermes(), true)]);
        seen.add(
            "c".to_owned(),
            true,
            vec![(hermes(), true), (writer(2, None), false)],
        );
        assert_eq!(seen.of("a"), Provenance::Observed);
        assert_eq!(seen.of("b"), Provenance::Partly, "older than the watch");
        assert_eq!(seen.of("c"), Provenance::Partly, "one was gone");
        assert_eq!(seen.of("d"), Provenance::Claimed);
        assert_eq!(seen.writers.len(), 2, "each process once");
        let others: Vec<_> = seen.others("a", "ares").collect();
        assert_eq!(others, ["hermes"]);
        assert_eq!(seen.others("a", "hermes").count(), 0);
    }
}
