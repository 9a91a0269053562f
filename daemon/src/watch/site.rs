//! One workspace under watch.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::probe::Probe;
use super::schedule::{Schedule, Trust};
use super::sensor::{Herald, Sensor};
use super::sight::{self, Place};
use super::status::{Counts, Mode, Status, Trouble};
use super::tree::Tree;
use super::visit::{Lane, Reach, Visit};
use super::{Hint, Root, Settings};
use crate::fs::blind_mount;
use crate::walk::Rules;

/// A folder that was put in the place of the workspace is taken for it when it has stood there for so long: until then
/// the first one may come back.
const REPLACED_AFTER: Duration = Duration::from_secs(30);

/// How many troubled folders the status lists.
const LISTED_TROUBLE: usize = 20;

/// What a site works with; the manager owns it.
pub(crate) struct Hands<'a> {
    pub(crate) sensor: &'a mut Sensor,
    pub(crate) settings: &'a Settings,
    pub(crate) herald: &'a Herald,
    pub(crate) now: Duration,
}

/// Work put off to a moment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Later {
    /// List this folder a second time.
    Visit(PathBuf),
    /// Look at this document, which was being written.
    Look(PathBuf),
}

/// One workspace: where it is, what is known of it, and what is left to do.
pub(crate) struct Site {
    pub(super) workspace: Arc<str>,
    pub(super) path: PathBuf,
    pub(super) tree: Tree,
    pub(super) schedule: Schedule,
    pub(super) probe: Probe,
    /// Folders to list because of an event; they come first.
    pub(super) urgent: Lane,
    /// Folders that the full scan has still to list.
    pub(super) full: Lane,
    pub(super) later: BTreeSet<(Duration, Later)>,
    pub(super) put_off: BTreeSet<Later>,
    pub(super) trouble: BTreeMap<PathBuf, String>,
    pub(super) counts: Counts,
    /// The folder that was found at `path` first. Another one in its place is not this workspace.
    pub(super) pinned: Option<Place>,
    /// Whether something is mounted at `pinned`.
    is_mount: bool,
    /// Another folder that stands in its place and may be taken for the workspace, and since when.
    replacement: Option<(Place, Option<Duration>)>,
    /// Whether it was away and is back, which the others do not know yet.
    is_back: bool,
    offline: Option<String>,
    blind: Option<String>,
    /// Why watches are refused.
    pub(super) limit: Option<String>,
    /// Whether a watch was refused since the full scan began.
    pub(super) is_limit_hit: bool,
    is_scan_running: bool,
    is_scan_wanted: bool,
    pub(super) is_scanned: bool,
    /// Documents the running full scan found before events did.
    pub(super) found: u64,
    /// Watches that were set on released work.
    pub(super) released: usize,
    /// The rules in each folder that has a file of them.
    pub(super) rules: BTreeMap<PathBuf, Arc<Rules>>,
}

impl Site {
    pub(crate) fn new(root: Root, settings: &Settings, seed: u64, now: Duration) -> Self {
        // Events name paths as they were watched, so the path is settled once. A root that is away
        // keeps the path it was given.
        let path = root.path.canonicalize().unwrap_or(root.path);
        let mut site = Self {
            workspace: root.workspace,
            path,
            tree: Tree::default(),
            schedule: Schedule::new(settings, seed, now),
            probe: Probe::default(),
            urgent: Lane::default(),
            full: Lane::default(),
            later: BTreeSet::new(),
            put_off: BTreeSet::new(),
            trouble: BTreeMap::new(),
            counts: Counts::default(),
            pinned: None,
            is_mount: false,
            replacement: None,
            is_back: false,
            offline: None,
            blind: None,
            limit: None,
            is_limit_hit: false,
            is_scan_running: false,
            is_scan_wanted: false,
            is_scanned: false,
            found: 0,
            released: 0,
            rules: BTreeMap::new(),
        };
        site.is_there();
        site
    }

    /// Whether the workspace is where it was. Changes over to offline and back, and begins a full scan
    /// when it is back.
    pub(crate) fn is_there(&mut self) -> bool {
        let found = match sight::look_through(&self.path) {
            Ok(sight) if sight.is_folder => Ok(sight.place),
            Ok(_) => Err("a file is in the place of the folder".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let fault = match (found, self.pinned) {
            (Err(why), _) => Some(why),
            (Ok(place), Some(pinned)) if !place.is_same_folder(pinned) => {
                Some(self.replaced(place, pinned))
            }
            (Ok(place), pinned) => {
                let is_news = pinned != Some(place) || self.offline.is_some();
                self.is_back |= self.offline.is_some();
                self.pinned = Some(place);
                self.is_mount = is_mount(&self.path, place);
                self.replacement = None;
                if is_news {
                    self.blind = blind_mount(&self.path).map(|name| {
                        format!("the folder is on {name}; changes made elsewhere raise no event")
                    });
                    self.offline = None;
                    self.drop_watches();
                    self.begin_scan();
                }
                None
            }
        };
        if let Some(why) = fault {
            if self.offline.is_none() {
                let path = self.path.display();
                tracing::warn!(workspace = %self.workspace, %path, %why, "workspace offline");
            }
            self.offline = Some(why);
            self.urgent = Lane::default();
            self.full = Lane::default();
            self.is_scan_running = false;
            self.later.clear();
            self.put_off.clear();
        }
        self.offline.is_none()
    }

    /// Notes that another folder is in the place of the workspace, and says why it is away. A folder on the same file
    /// system was made anew, and a volume was mounted again: both are taken after a while. Below a volume that
    /// is not mounted lies a folder that is none of ours.
    fn replaced(&mut self, place: Place, pinned: Place) -> String {
        let is_mounted = is_mount(&self.path, place);
        if is_mounted != self.is_mount || !is_mounted && place.device != pinned.device {
            self.replacement = None;
            return "another folder is in its place; put the first one back, or start again to accept this one".to_owned();
        }
        if self.replacement.is_none_or(|(known, _)| known != place) {
            self.replacement = Some((place, None));
        }
        "another folder is in its place; it is taken when it stays there".to_owned()
    }

    /// Takes the folder that has stood in the place of the workspace for long enough. Says whether it did: watches are
    /// then set again. Of a workspace that is back the folder is opened again as well: it may be another one with the
    /// same inode.
    pub(crate) fn take_replacement(&mut self, hands: &Hands<'_>) -> bool {
        if std::mem::take(&mut self.is_back) {
            hands.herald.tell(Hint::Replaced {
                workspace: Arc::clone(&self.workspace),
            });
        }
        let Some((place, since)) = &mut self.replacement else {
            return false;
        };
        let since = *since.get_or_insert(hands.now);
        if hands.now < since + REPLACED_AFTER {
            return false;
        }
        tracing::warn!(workspace = %self.workspace, path = %self.path.display(), "the folder of the workspace was replaced; the new one is taken");
        self.pinned = Some(*place);
        self.is_back = false;
        hands.herald.tell(Hint::Replaced {
            workspace: Arc::clone(&self.workspace),
        });
        let is_there = self.is_there();
        self.is_back = false;
        is_there
    }

    pub(crate) fn is_offline(&self) -> bool {
        self.offline.is_some()
    }

    pub(crate) fn absolute(&self, relative: &Path) -> PathBuf {
        if relative.as_os_str().is_empty() {
            // `join` would add a slash, and `notify` would hand it back.
            self.path.clone()
        } else {
            self.path.join(relative)
        }
    }

    /// Begins a full scan, or notes that one more is wanted when this one ends.
    pub(crate) fn begin_scan(&mut self) {
        if self.is_offline() {
            return;
        }
        if self.is_scan_running {
            self.is_scan_wanted = true;
            return;
        }
        self.is_scan_running = true;
        self.is_limit_hit = false;
        self.found = 0;
        self.tree.scan += 1;
        self.full.push(Visit {
            folder: PathBuf::new(),
            reach: Reach::Everything,
            is_rewatched: false,
        });
    }

    /// Ends the full scan if it has nothing left to list: what it did not come across is looked for.
    pub(crate) fn end_scan(&mut self, hands: &mut Hands<'_>) {
        if !self.is_scan_running || !self.full.is_empty() {
            return;
        }
        let (documents, folders) = self.tree.unseen();
        let is_absent =
            |path: &Path| sight::look(path).is_err_and(|error| sight::says_absent(&error));
        // What a mount covers is hidden, not gone.
        let is_hidden = |relative: &Path| {
            relative
                .ancestors()
                .any(|folder| self.trouble.contains_key(folder))
        };
        let gone: Vec<PathBuf> = documents
            .into_iter()
            .filter(|relative| !is_hidden(relative) && is_absent(&self.absolute(relative)))
            .collect();
        // Looked at again after the documents: a workspace that is away would make all of them absent.
        if !self.is_there() {
            return;
        }
        for document in gone {
            self.forget(&document, hands);
        }
        for folder in folders {
            let path = self.absolute(&folder);
            if is_absent(&path) {
                hands.sensor.unwatch(&path);
                self.tree.folders.remove(&folder);
                self.trouble.remove(&folder);
            }
        }
        self.trouble.retain(|folder, _| {
            self.tree.folders.contains_key(folder) || !is_absent(&self.path.join(folder))
        });
        if !self.is_limit_hit {
            self.limit = None;
        }
        self.is_scan_running = false;
        self.is_scanned = true;
        hands.herald.tell(Hint::Scanned {
            workspace: Arc::clone(&self.workspace),
        });
        self.counts.scans += 1;
        self.counts.found_by_scan += self.found;
        let trust = if !self.relies_on_events(hands.sensor) {
            Trust::None(self.tree.folders.len())
        } else if self.probe.is_proven && self.found == 0 {
            Trust::Proven
        } else {
            Trust::Unproven
        };
        self.schedule.after_tree(hands.settings, hands.now, trust);
        if self.relies_on_events(hands.sensor) {
            self.schedule.probe = hands.now;
        }
        if std::mem::take(&mut self.is_scan_wanted) {
            // With a pause, so that losses that the scan itself brings about cannot keep it running.
            self.schedule.tree = hands.now + hands.settings.second_look;
        }
    }

    /// The watcher is new: every watch must be set again.
    pub(crate) fn drop_watches(&mut self) {
        self.urgent.forget_watches();
        self.full.forget_watches();
        self.tree.drop_watches();
        self.released = 0;
        self.probe.drop_watch();
    }

    /// Sends a probe when one is due and judges the one that is out. Says whether a new watcher is needed.
    pub(crate) fn see_to_probe(&mut self, hands: &mut Hands<'_>) -> bool {
        let now = hands.now;
        let patience = hands.settings.probe_patience;
        let is_late = self.probe.deadline(patience).is_some_and(|by| now >= by);
        let mut is_reopened = false;
        if is_late {
            self.counts.probes_missed += 1;
            is_reopened = self.probe.miss();
            tracing::warn!(workspace = %self.workspace, is_reopened, "a probe was not reported");
        }
        if now >= self.schedule.probe && self.probe.deadline(patience).is_none() {
            self.schedule.after_probe(hands.settings, now);
            if hands.sensor.fault().is_some() {
                return true;
            }
            // Our own changes are reported on a network mount too, so a probe would prove nothing.
            if self.is_scanned && self.blind.is_none() {
                self.counts.probes_sent +=
                    u64::from(self.probe.send(&self.path, hands.sensor, now));
            }
        }
        is_reopened
    }

    /// The document is gone. Hints at it if it was known.
    pub(super) fn forget(&mut self, document: &Path, hands: &Hands<'_>) {
        if self.tree.forget_document(document) {
            hands.herald.tell(Hint::Gone {
                workspace: Arc::clone(&self.workspace),
                file: document.to_owned(),
            });
        }
    }

    pub(super) fn put_off(&mut self, until: Duration, work: Later) {
        if self.put_off.insert(work.clone()) {
            self.later.insert((until, work));
        }
    }

    /// Whether nothing but time is waited for.
    pub(crate) fn is_idle(&self) -> bool {
        self.urgent.is_empty() && self.full.is_empty()
    }

    /// When something is due next.
    pub(crate) fn next_due(&self, settings: &Settings) -> Duration {
        if self.is_offline() {
            return self.schedule.inbox;
        }
        // While a probe is out the next one waits.
        let probe = self
            .probe
            .deadline(settings.probe_patience)
            .unwrap_or(self.schedule.probe);
        let periodic = self.schedule.inbox.min(self.schedule.tree).min(probe);
        let later = self.later.first().map(|(until, _)| *until);
        later.map_or(periodic, |later| later.min(periodic))
    }

    /// Whether events are the first source here.
    pub(super) fn relies_on_events(&self, sensor: &Sensor) -> bool {
        matches!(self.mode(sensor), Mode::Watching)
    }

    fn mode(&self, sensor: &Sensor) -> Mode {
        if let Some(why) = &self.offline {
            return Mode::Offline { why: why.clone() };
        }
        let hopeless = self
            .probe
            .is_hopeless()
            .then_some("changes here raise no event");
        let why = sensor
            .fault()
            .or(self.blind.as_deref())
            .or(self.limit.as_deref())
            .or(hopeless);
        match why {
            Some(why) => Mode::Scanning {
                why: why.to_owned(),
            },
            None => Mode::Watching,
        }
    }

    pub(crate) fn status(&self, sensor: &Sensor) -> Status {
        let probe = self.probe.trouble.iter().map(|why| Trouble {
            folder: PathBuf::from(countersign_protocol::names::OWN_FOLDER),
            why: why.clone(),
        });
        let folders = self.trouble.iter().map(|(folder, why)| Trouble {
            folder: folder.clone(),
            why: why.clone(),
        });
        Status {
            workspace: Arc::clone(&self.workspace),
            mode: self.mode(sensor),
            is_scanned: self.is_scanned,
            is_replaced: self.replacement.is_some(),
            is_proven: self.probe.is_proven,
            folders: self.tree.folders.len(),
            documents: self.tree.document_count(),
            trouble: folders.chain(probe).take(LISTED_TROUBLE).collect(),
            trouble_count: self.trouble.len() + usize::from(self.probe.trouble.is_some()),
            counts: self.counts,
        }
    }
}

/// Whether something is mounted at `path`, where `place` is.
fn is_mount(path: &Path, place: Place) -> bool {
    let parent = path.parent().map(sight::look_through);
    matches!(parent, Some(Ok(parent)) if parent.place.mount != place.mount)
}
