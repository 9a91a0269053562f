//! The walk: watch a folder, then list it.
//!
//! In this order nothing is missed: what is made before the watch is listed, and what is made after it is
//! reported. The walk is cut into slices so that events are handled between them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Hint;
use super::layout;
use super::sensor::Refusal;
use super::sight::{self, Place, Sight};
use super::site::{Hands, Later, Site};
use super::tree::Folder;
use crate::fs::{Dir, Error, FileKind, Names};
use crate::walk::is_own_rules;

/// So many folders of released work are watched; the others are looked at on a period only, so that old work
/// never takes the watches that new work needs.
const MOST_RELEASED: usize = 4_096;

/// So many folders are watched at once: each time the thread of `notify` is woken and waited for.
const TOGETHER: usize = 128;

/// A folder to list.
#[derive(Debug)]
pub(crate) struct Visit {
    /// Relative to the workspace.
    pub(crate) folder: PathBuf,
    pub(crate) reach: Reach,
    /// Whether the watch is set again though there should be one. After a folder came or went under its
    /// name, `notify` may have ended the new watch in place of the old.
    pub(crate) is_rewatched: bool,
}

/// Which folders in a visited one are visited as well. One that is not known yet always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Unknown,
    /// Those that are known too.
    Children,
    /// All the way down.
    Everything,
}

/// Folders to list, last in first out, and the one that is being listed.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    stack: Vec<Visit>,
    /// Those of them that are watched already.
    ahead: HashSet<PathBuf>,
    open: Option<Listing>,
}

#[derive(Debug)]
struct Listing {
    visit: Visit,
    entries: Names<Dir>,
    is_whole: bool,
}

/// Which lane a slice is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    Urgent,
    Full,
}

impl Lane {
    pub(crate) fn push(&mut self, visit: Visit) {
        self.stack.push(visit);
    }

    /// There is another watcher, or the folders are others.
    pub(crate) fn forget_watches(&mut self) {
        self.ahead.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.stack.is_empty() && self.open.is_none()
    }
}

impl Site {
    /// Lists for about `budget` names and folders. Returns what is left of the budget.
    pub(crate) fn slice(&mut self, pace: Pace, mut budget: usize, hands: &mut Hands<'_>) -> usize {
        let mut root = None;
        while budget > 0 {
            budget -= 1;
            let lane = match pace {
                Pace::Urgent => &mut self.urgent,
                Pace::Full => &mut self.full,
            };
            if let Some(listing) = &mut lane.open {
                let Some(entry) = listing.entries.next() else {
                    if let Some(done) = lane.open.take()
                        && done.is_whole
                    {
                        self.trouble.remove(&done.visit.folder);
                    }
                    continue;
                };
                match entry {
                    Ok(entry) if entry.kind == FileKind::Folder => {
                        let folder = listing.visit.folder.join(&entry.path);
                        let is_known = self.tree.folders.contains_key(&folder);
                        let (is_visited, reach) = match listing.visit.reach {
                            Reach::Unknown => (!is_known, Reach::Unknown),
                            Reach::Children => (true, Reach::Unknown),
                            Reach::Everything => (true, Reach::Everything),
                        };
                        if is_visited && !layout::is_unwatched(&folder) {
                            let is_rewatched = listing.visit.is_rewatched;
                            lane.push(Visit {
                                folder,
                                reach,
                                is_rewatched,
                            });
                        }
                    }
                    Ok(entry)
                        if layout::is_document_in(
                            &listing.visit.folder,
                            entry.path.as_os_str(),
                        ) && !layout::is_approved(&listing.visit.folder) =>
                    {
                        let document = listing.visit.folder.join(&entry.path);
                        if pace == Pace::Urgent {
                            self.changed(&document, true, hands);
                        }
                        let is_news = self.look_at(&document, hands);
                        if is_news && self.is_quiet(document.parent().unwrap_or(&document)) {
                            self.listen(&document, hands);
                        } else if is_news && pace == Pace::Full && self.is_scanned {
                            self.found += 1;
                            self.watch_again(&document, hands);
                        }
                    }
                    Ok(entry) if is_own_rules(&entry.path) => {
                        let folder = listing.visit.folder.clone();
                        if pace == Pace::Urgent {
                            self.changed(&folder.join(&entry.path), true, hands);
                        }
                        self.read_rules(&folder);
                    }
                    Ok(entry) if pace == Pace::Urgent => {
                        let path = listing.visit.folder.join(&entry.path);
                        if !layout::is_unwatched(&path) {
                            self.changed(&path, true, hands);
                        }
                    }
                    Ok(_) => {}
                    Err(error) => {
                        listing.is_whole = false;
                        let folder = listing.visit.folder.clone();
                        // One that went away meanwhile is no trouble.
                        if !error.is_not_found() {
                            let why = format!("cannot be listed: {}", error.source);
                            self.note_trouble(&folder, &why);
                        }
                    }
                }
            } else if let Some(visit) = lane.stack.pop() {
                let is_set =
                    lane.ahead.remove(&visit.folder) || self.watch_ahead(pace, &visit, hands);
                let entered = self.enter((&visit, is_set), &mut root, hands);
                let is_watched = |known: &Folder| known.is_watched;
                if is_set && !self.tree.folders.get(&visit.folder).is_some_and(is_watched) {
                    hands.sensor.unwatch(&self.absolute(&visit.folder));
                }
                let listing = entered.map(|(entries, is_seen_to)| Listing {
                    entries,
                    visit,
                    is_whole: is_seen_to,
                });
                if let (Some(listing), Pace::Full) = (&listing, pace) {
                    hands.herald.tell(Hint::Listed {
                        workspace: Arc::clone(&self.workspace),
                        folder: listing.visit.folder.clone(),
                    });
                }
                match pace {
                    Pace::Urgent => self.urgent.open = listing,
                    Pace::Full => self.full.open = listing,
                }
            } else {
                break;
            }
        }
        if pace == Pace::Full {
            self.end_scan(hands);
        }
        budget
    }

    /// Opens a folder beneath the workspace, sees to its watch and takes note of it. `None` if it is not to be
    /// listed, else its names and whether its watch is as it should be.
    fn enter(
        &mut self,
        (visit, is_set): (&Visit, bool),
        root: &mut Option<Dir>,
        hands: &mut Hands<'_>,
    ) -> Option<(Names<Dir>, bool)> {
        let is_root = visit.folder.as_os_str().is_empty();
        if is_root && !self.is_there() {
            return None;
        }
        let path = self.absolute(&visit.folder);
        let dir = match self.beneath(root, &visit.folder) {
            Ok(dir) => dir,
            Err(error) => {
                if error.is_mount() {
                    let why = "something else is mounted here; it is not entered";
                    self.note_trouble(&visit.folder, why);
                } else if !error.is_not_found() && !error.is_link() {
                    self.note_trouble(&visit.folder, &error.source.to_string());
                }
                return None;
            }
        };
        let sight = match sight::look_at(&dir) {
            Ok(sight) => sight,
            Err(error) => {
                self.note_trouble(&visit.folder, &error.to_string());
                return None;
            }
        };
        let known = self.tree.folders.get(&visit.folder);
        let is_new = known.is_none_or(|known| !known.place.is_same_folder(sight.place));
        let was_watched = known.is_some_and(|known| known.is_watched);
        let last_activity = known.and_then(|known| known.last_activity);
        let is_touched = known.is_some_and(|known| known.stamp != sight.stamp);

        // What the rules in it say is read anew with its names.
        self.rules.remove(&visit.folder);
        let is_watched = if is_new || visit.is_rewatched || !was_watched {
            self.watch(&visit.folder, (&path, is_set), sight.place, hands)?
        } else {
            true
        };
        self.tree.folders.insert(
            visit.folder.clone(),
            Folder {
                place: sight.place,
                stamp: sight.stamp,
                is_watched,
                last_activity,
                seen_in: self.tree.scan,
            },
        );
        if is_new && self.is_scanned {
            let until = hands.now + hands.settings.second_look;
            self.put_off(until, Later::Visit(visit.folder.clone()));
        } else if is_touched && !self.relies_on_events(hands.sensor) {
            self.sign_of_life(&visit.folder, hands);
        }
        let is_seen_to = is_watched
            || self.is_quiet(&visit.folder)
            || self.is_limit_hit
            || hands.sensor.fault().is_some();
        match Dir::names(dir) {
            Ok(names) => Some((names, is_seen_to)),
            Err(error) => {
                let why = format!("cannot be listed: {}", error.source);
                self.note_trouble(&visit.folder, &why);
                None
            }
        }
    }

    /// Opens a folder of the workspace.
    pub(super) fn open(&self, folder: &Path) -> Result<Dir, Error> {
        self.beneath(&mut None, folder)
    }

    /// The same, with the workspace itself held open for the next one. It is for the length of a slice only, so that it
    /// can be unmounted between two.
    fn beneath(&self, root: &mut Option<Dir>, folder: &Path) -> Result<Dir, Error> {
        let root = match root {
            Some(root) => root,
            None => root.insert(self.root()?),
        };
        root.folder(folder)
    }

    fn root(&self) -> Result<Dir, Error> {
        let root = Dir::open(&self.path)?;
        let stands = self.pinned.is_some_and(|pinned| {
            sight::look_at(&root).is_ok_and(|now| now.place.is_same_folder(pinned))
        });
        if !stands {
            let away = std::io::Error::from(std::io::ErrorKind::NotFound);
            return Err(Error::new("open the folder", &self.path, away));
        }
        Ok(root)
    }

    /// Sets the watches of `visit` and of those after it at once, where they are new and nothing speaks against it;
    /// each is looked at once more when it is listed. Says whether that of `visit` is set.
    fn watch_ahead(&mut self, pace: Pace, visit: &Visit, hands: &mut Hands<'_>) -> bool {
        if self.is_limit_hit || hands.sensor.fault().is_some() {
            return false;
        }
        let lane = match pace {
            Pace::Urgent => &self.urgent,
            Pace::Full => &self.full,
        };
        let is_plain = |visit: &Visit| {
            let folder = &visit.folder;
            !visit.is_rewatched
                && !folder.as_os_str().is_empty()
                && !lane.ahead.contains(folder)
                && !self.tree.folders.contains_key(folder)
                && !layout::is_approved(folder)
                && !self.is_quiet(folder)
        };
        if !is_plain(visit) {
            return false;
        }
        let after = lane.stack.iter().rev().take(TOGETHER - 1);
        let folders: Vec<PathBuf> = std::iter::once(visit)
            .chain(after.filter(|visit| is_plain(visit)))
            .map(|visit| visit.folder.clone())
            .collect();
        let paths = folders.iter().map(|folder| self.absolute(folder));
        let set = hands.sensor.watch_all(paths.collect());
        let lane = match pace {
            Pace::Urgent => &mut self.urgent,
            Pace::Full => &mut self.full,
        };
        lane.ahead.extend(folders.into_iter().take(set).skip(1));
        set > 0
    }

    /// Watches the folder, unless its watch was set ahead. `None` if it is no longer there, else whether it is
    /// watched now.
    pub(super) fn watch(
        &mut self,
        folder: &Path,
        (path, is_set): (&Path, bool),
        place: Place,
        hands: &mut Hands<'_>,
    ) -> Option<bool> {
        // A watch that was set before the limit was reached is kept.
        if hands.sensor.fault().is_some() || (self.is_limit_hit && !is_set) {
            return Some(false);
        }
        if self.is_quiet(folder) && !self.tree.has_document_in(folder) {
            return Some(false);
        }
        if layout::is_approved(folder) {
            if self.released >= MOST_RELEASED {
                return Some(true);
            }
            self.released += 1;
        }
        let set = if is_set {
            Ok(())
        } else {
            hands.sensor.watch(path)
        };
        match set {
            // The kernel follows a link that was put here since we looked.
            Ok(()) if sight::look(path).is_ok_and(|now| now.place == place) => Some(true),
            Ok(()) => {
                hands.sensor.unwatch(path);
                None
            }
            Err(Refusal::Absent) => None,
            Err(Refusal::Limit(why)) => {
                if self.limit.as_ref() != Some(&why) {
                    tracing::warn!(workspace = %self.workspace, %why, "falling back to scanning");
                }
                self.limit = Some(why);
                self.is_limit_hit = true;
                Some(false)
            }
            Err(Refusal::Other(why)) => {
                self.note_trouble(folder, &format!("cannot be watched: {why}"));
                Some(false)
            }
        }
    }

    /// A scan was faster than the events of this document's folder, or there are none. Setting the watch
    /// again cures the second and does no harm in the first.
    fn watch_again(&mut self, document: &Path, hands: &mut Hands<'_>) {
        let Some(folder) = document.parent() else {
            return;
        };
        if self
            .tree
            .folders
            .get(folder)
            .is_some_and(|folder| folder.is_watched)
        {
            self.listen(document, hands);
        }
    }

    /// Looks at a document and hints if it is new, changed or gone. Says whether it is new or changed.
    pub(crate) fn look_at(&mut self, document: &Path, hands: &mut Hands<'_>) -> bool {
        match sight::look(&self.absolute(document)) {
            Ok(sight) => self.saw(document, sight, false, hands),
            Err(error) if sight::says_absent(&error) => {
                if self.tree.knows_document(document) && self.is_there() {
                    self.forget(document, hands);
                }
                false
            }
            Err(error) => {
                self.note_trouble(document, &error.to_string());
                false
            }
        }
    }

    /// Hints at a document that is there, if that is news.
    pub(super) fn saw(
        &mut self,
        document: &Path,
        sight: Sight,
        complete: bool,
        hands: &Hands<'_>,
    ) -> bool {
        let is_news = self.note(document, sight);
        if is_news {
            hands.herald.tell(Hint::Look {
                workspace: Arc::clone(&self.workspace),
                file: document.to_owned(),
                complete,
            });
        }
        is_news
    }

    /// Takes note of a document that is there, and says whether it is new or changed.
    pub(super) fn note(&mut self, document: &Path, sight: Sight) -> bool {
        let is_news = !sight.is_folder && self.tree.note_document(document, sight.stamp);
        self.trouble.remove(document);
        self.counts.looks += u64::from(is_news);
        is_news
    }

    pub(super) fn note_trouble(&mut self, folder: &Path, why: &str) {
        if self.trouble.get(folder).is_none_or(|known| known != why) {
            tracing::warn!(workspace = %self.workspace, folder = %folder.display(), why, "cannot be seen");
            self.trouble.insert(folder.to_owned(), why.to_owned());
        }
    }
}
