//! Writing answers into folders where others write too.
//!
//! What is there under the name of an answer is replaced only when we wrote it. Anything else is
//! an agent's, and is moved aside under a name that says so.

use std::path::{Path, PathBuf};

use countersign_protocol::{Digest, event::Location};

use super::{FILE_MODE, Workspace, WrittenHere};
use crate::{
    fs::{Dir, Error, FileKind, read_limited},
    store::{Space, StoreError},
};

/// What a disk writes as one, at the least, in bytes: a file torn by a power cut is torn at a multiple of it.
const SECTOR: usize = 512;
/// More than any answer of ours has, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A document of ours as text for a file: indented, with a line end.
pub fn json(document: &impl serde::Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(document).unwrap_or_default();
    text.push(b'\n');
    text
}

/// What was written, to be remembered: the next answer may replace it.
pub type Written = (Space, String, Option<String>);

/// What is remembered of the files that we wrote.
#[derive(Clone, Copy)]
pub struct Remembered<'a> {
    /// Returns the digest that is remembered for a key.
    pub last: &'a dyn Fn(String) -> Result<Option<String>, StoreError>,
    /// Whether a file with these bytes was written into any folder, so that it is ours wherever it was moved.
    pub wrote: &'a dyn Fn(Digest) -> Result<bool, StoreError>,
}

/// Why an answer was not written or removed.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The folder does not take it.
    #[error(transparent)]
    Fs(#[from] Error),
    /// What we wrote before could not be found out.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A folder that answers go to.
#[derive(Debug)]
pub struct Answers {
    dir: Dir,
    key: String,
}

impl Answers {
    /// The folder that `dir` is; `name` tells it from all others.
    pub fn new(dir: Dir, name: String) -> Self {
        Self { dir, key: name }
    }

    /// The folder for answers to `at`.
    pub fn to(workspace: &Workspace, at: &Location) -> Result<Self, Error> {
        let (dir, _) = workspace.answers(at)?;
        Ok(Self::new(dir, format!("{}/{}", at.workspace, at.folder)))
    }

    /// The key under which the digest of the file `name` is remembered.
    pub fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.key)
    }

    /// Whether the bytes that stand as `name` are the last ones that we wrote there, or came with a folder that was
    /// moved or copied from where we wrote them. Asked only about a file that is there, since it may wait for the
    /// ledger.
    fn is_own(
        &self,
        here: &WrittenHere,
        name: &str,
        found: Digest,
        remembered: Remembered<'_>,
    ) -> Result<bool, StoreError> {
        let key = self.key(name);
        let last = match here.get(&key) {
            Some(known) => *known,
            None => (remembered.last)(key)?.and_then(|digest| digest.parse().ok()),
        };
        Ok(last == Some(found)
            || here.values().any(|known| *known == Some(found))
            || (remembered.wrote)(found)?)
    }

    /// Returns the bytes of `name` if they are ours.
    pub fn own(
        &self,
        here: &WrittenHere,
        name: &str,
        remembered: Remembered<'_>,
    ) -> Result<Option<Vec<u8>>, AnswerError> {
        let There::Bytes(found) = self.there(name)? else {
            return Ok(None);
        };
        let is_own = self.is_own(here, name, Digest::of(&found), remembered)?;
        Ok(is_own.then_some(found))
    }

    /// Whether the file `name` has exactly these bytes.
    pub fn holds(&self, name: &str, digest: Digest) -> bool {
        let found = self.there(name);
        matches!(found, Ok(There::Bytes(bytes)) if Digest::of(&bytes) == digest)
    }

    /// Notes that `digest`, or nothing, is what we left as `name`.
    pub fn note(&self, here: &mut WrittenHere, name: &str, digest: Option<Digest>) -> Written {
        let key = self.key(name);
        here.insert(key.clone(), digest);
        (Space::Written, key, digest.map(|digest| digest.to_string()))
    }

    /// Publishes `bytes` as `name`, over what we wrote there before.
    pub fn write(
        &self,
        here: &mut WrittenHere,
        name: &str,
        bytes: &[u8],
        remembered: Remembered<'_>,
        durable: bool,
    ) -> Result<Written, AnswerError> {
        let digest = Digest::of(bytes);
        let is_done = match self.there(name)? {
            There::Nothing => false,
            // Written before a crash; whether it was synced is not known.
            There::Bytes(found) if found == bytes => !durable,
            // One of ours that a power cut left unfinished, or nothing that could be lost.
            There::Bytes(found) if is_torn(&found, bytes) => false,
            There::Bytes(found) => {
                let found = Digest::of(&found);
                if !self.is_own(here, name, found, remembered)? {
                    self.set_aside(name, &found.short())?;
                }
                false
            }
            There::Other => {
                self.set_aside(name, &digest.short())?;
                false
            }
        };
        if !is_done {
            self.dir
                .publish(Path::new(name), bytes, FILE_MODE, durable)?;
        }
        Ok(self.note(here, name, Some(digest)))
    }

    /// Removes `name` if it still is what we wrote.
    pub fn remove(
        &self,
        here: &mut WrittenHere,
        name: &str,
        remembered: Remembered<'_>,
    ) -> Result<Option<Written>, AnswerError> {
        let There::Bytes(found) = self.there(name)? else {
            return Ok(None);
        };
        if !self.is_own(here, name, Digest::of(&found), remembered)? {
            return Ok(None);
        }
        self.dir.remove_own_file(Path::new(name))?;
        Ok(Some(self.note(here, name, None)))
    }

    /// Removes what a run that was interrupted left unfinished here.
    pub fn remove_left_over(&self) -> Result<(), Error> {
        self.dir.remove_temporaries()
    }

    fn there(&self, name: &str) -> Result<There, Error> {
        match self.dir.kind(Path::new(name))? {
            None => return Ok(There::Nothing),
            Some(FileKind::File) => {}
            Some(_) => return Ok(There::Other),
        }
        let file = match self.dir.open_file(Path::new(name)) {
            Err(error) if error.is_not_found() => return Ok(There::Nothing),
            other => other?,
        };
        match read_limited(&file, LARGEST) {
            Ok((bytes, _)) => Ok(There::Bytes(bytes)),
            Err(_) => Ok(There::Other),
        }
    }

    fn set_aside(&self, name: &str, mark: &str) -> Result<(), Error> {
        let mut aside = PathBuf::from(format!("{name}.found-{mark}"));
        for again in 1.. {
            if self.dir.kind(&aside)?.is_none() {
                break;
            }
            aside = PathBuf::from(format!("{name}.found-{mark}-{again}"));
        }
        tracing::warn!(folder = %self.dir.path().display(), name, aside = %aside.display(), "a file that is not ours stood in the place of an answer");
        self.dir.rename_new(Path::new(name), &aside)
    }
}

/// What stands under a name.
enum There {
    Nothing,
    Bytes(Vec<u8>),
    Other,
}

/// Whether `found` is what a power cut may have left of `whole`: cut short, or with zeros in place of sectors
/// that were not written. An empty file is.
fn is_torn(found: &[u8], whole: &[u8]) -> bool {
    found.len() <= whole.len()
        && found
            .chunks(SECTOR)
            .zip(whole.chunks(SECTOR))
            .all(|(found, whole)| whole.starts_with(found) || found.iter().all(|byte| *byte == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing was written before.
    const NOTHING: Remembered<'static> = Remembered {
        last: &|_| Ok(None),
        wrote: &|_| Ok(false),
    };

    fn answers(folder: &Path) -> Answers {
        Answers::new(Dir::open(folder).unwrap(), "w/f".to_owned())
    }

    fn text(folder: &Path, name: &str) -> Option<String> {
        std::fs::read_to_string(folder.join(name)).ok()
    }

    #[test]
    fn an_answer_replaces_an_older_one_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let answers = answers(folder.path());
        let mut here = WrittenHere::new();
        let (_, key, first) = answers
            .write(&mut here, "decision.json", b"one", NOTHING, true)
            .unwrap();
        assert_eq!(key, "w/f/decision.json");
        assert_eq!(here[&key], first.as_ref().unwrap().parse().ok());
        answers
            .write(
                &mut WrittenHere::new(),
                "decision.json",
                b"two",
                Remembered {
                    last: &|asked| Ok((asked == key).then(|| first.clone()).flatten()),
                    ..NOTHING
                },
                true,
            )
            .unwrap();
        assert_eq!(text(folder.path(), "decision.json").as_deref(), Some("two"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_an_agent_wrote_under_our_name_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let answers = answers(folder.path());
        let dir = Dir::open(folder.path()).unwrap();
        dir.publish(Path::new("decision.json"), b"forged", 0o644, false)
            .unwrap();
        answers
            .write(
                &mut WrittenHere::new(),
                "decision.json",
                b"real",
                NOTHING,
                true,
            )
            .unwrap();
        assert_eq!(
            text(folder.path(), "decision.json").as_deref(),
            Some("real")
        );
        let aside = format!("decision.json.found-{}", Digest::of(b"forged").short());
        assert_eq!(text(folder.path(), &aside).as_deref(), Some("forged"));
    }

    #[test]
    fn a_link_in_our_place_is_moved_and_never_followed() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let target = outside.path().join("target");
        std::os::unix::fs::symlink(&target, folder.path().join("decision.json")).unwrap();
        answers(folder.path())
            .write(
                &mut WrittenHere::new(),
                "decision.json",
                b"real",
                NOTHING,
                true,
            )
            .unwrap();
        assert!(!target.exists());
        assert_eq!(
            text(folder.path(), "decision.json").as_deref(),
            Some("real")
        );
        assert!(
            folder
                .path()
                .join("decision.json")
                .symlink_metadata()
                .unwrap()
                .is_file()
        );
    }

    #[test]
    fn replaces_own_file_of_moved_folder() {
        let folder = tempfile::tempdir().unwrap();
        let answers = answers(folder.path());
        let dir = Dir::open(folder.path()).unwrap();
        for name in ["handoff.receipt.json", "decision.json"] {
            dir.publish(Path::new(name), b"ours", 0o644, false).unwrap();
        }
        let moved = Remembered {
            wrote: &|digest| Ok(digest == Digest::of(b"ours")),
            ..NOTHING
        };
        let mut here = WrittenHere::new();
        let own = answers.own(&here, "decision.json", moved).unwrap();
        assert_eq!(own.as_deref(), Some(&b"ours"[..]));
        answers
            .write(&mut here, "handoff.receipt.json", b"new", moved, true)
            .unwrap();
        answers.remove(&mut here, "decision.json", moved).unwrap();
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing was set aside");
    }

    #[test]
    fn only_what_we_wrote_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let answers = answers(folder.path());
        let dir = Dir::open(folder.path()).unwrap();
        let mut here = WrittenHere::new();
        answers
            .write(&mut here, "decision.json", b"ours", NOTHING, true)
            .unwrap();
        dir.publish(
            Path::new("decision.json"),
            b"edited by an agent",
            0o644,
            false,
        )
        .unwrap();
        answers.remove(&mut here, "decision.json", NOTHING).unwrap();
        assert!(text(folder.path(), "decision.json").is_some());
        answers
            .write(&mut here, "feedback.md", b"ours", NOTHING, true)
            .unwrap();
        answers.remove(&mut here, "feedback.md", NOTHING).unwrap();
        assert!(text(folder.path(), "feedback.md").is_none());
    }

    #[test]
    fn a_torn_answer_of_ours_is_replaced_and_not_set_aside() {
        let whole: Vec<u8> = (0..2_000_u32).map(|n| b'a' + (n % 26) as u8).collect();
        let mut with_hole = whole.clone();
        with_hole[SECTOR..2 * SECTOR].fill(0);
        for torn in [&whole[..700], &with_hole, &[0; 2_000], b""] {
            let folder = tempfile::tempdir().unwrap();
            let dir = Dir::open(folder.path()).unwrap();
            dir.publish(Path::new("decision.json"), torn, 0o644, false)
                .unwrap();
            answers(folder.path())
                .write(
                    &mut WrittenHere::new(),
                    "decision.json",
                    &whole,
                    NOTHING,
                    true,
                )
                .unwrap();
            let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
            assert_eq!(names.len(), 1, "{} bytes", torn.len());
            let now = std::fs::read(folder.path().join("decision.json")).unwrap();
            assert_eq!(now, whole);
        }
        let mut longer = whole.clone();
        longer.push(b'!');
        assert!(!is_torn(&longer, &whole));
        let mut other = whole.clone();
        other[3] = b'?';
        assert!(!is_torn(&other, &whole));
    }
}
