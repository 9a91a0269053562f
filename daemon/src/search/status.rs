//! How far the index is.

/// What the thread tells of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// Why not everything is found, if so.
    why: Option<String>,
    /// Whether the index misses files that were never in it, rather than late changes.
    is_anew: bool,
    has_failed: bool,
    /// Files there are, as counted before the first walk; 0 when they were not.
    pub(super) of: u64,
    /// Things in the index.
    pub(super) documents: u64,
    /// The entry of the ledger up to which it is complete.
    pub(super) seq: u64,
}

/// How the index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Everything is found.
    Ready,
    /// What changed while the daemon was away may not be found yet.
    CatchingUp,
    /// Many files are not in it yet.
    Rebuilding,
    /// Nothing is found.
    Off,
}

impl State {
    /// The name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::CatchingUp => "catching_up",
            Self::Rebuilding => "rebuilding",
            Self::Off => "off",
        }
    }
}

/// How far the index is, for people.
#[derive(Clone, Debug)]
pub struct Status {
    /// In a word.
    pub state: State,
    /// Why it is not ready, one sentence.
    pub why: Option<String>,
    /// How much is done.
    pub done: u64,
    /// Of how much.
    pub of: u64,
    /// Things in the index.
    pub documents: u64,
    /// Bytes on the disk.
    pub bytes: u64,
    /// The entry of the ledger up to which it is complete.
    pub seq: u64,
    /// Changed paths that wait.
    pub waiting: u64,
    /// Files whose text is still to be read; they are found by name.
    pub reading: u64,
    /// Files of whose text only a part is searched.
    pub cut: u64,
    /// Files whose text could not be read.
    pub unread: u64,
}

/// How much one commit of the index holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    /// Bytes on the disk.
    pub(super) bytes: u64,
    /// Files of whose text only a part is in it.
    pub(super) cut: u64,
    /// Files whose text could not be read.
    pub(super) unread: u64,
}

/// What the index holds and waits for, beside the progress.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) held: Held,
    pub(super) waiting: u64,
    pub(super) reading: u64,
}

impl Progress {
    /// Nothing is known yet.
    pub(super) fn opening() -> Self {
        Self {
            why: Some("the search index is being opened".to_owned()),
            ..Self::default()
        }
    }

    /// The index was opened; `anew` is why it is empty, if it is. Files stay what they were, so a first walk that broke off goes on.
    pub(super) fn open(&mut self, anew: Option<String>, is_complete: bool, documents: usize) {
        let why = match (anew, is_complete) {
            (Some(why), _) => format!("the search index is being made anew: {why}"),
            (None, false) => "the search index is being made".to_owned(),
            (None, true) => {
                "files that changed while the daemon was away are being looked for".to_owned()
            }
        };
        *self = Self {
            why: Some(why),
            is_anew: !is_complete,
            has_failed: false,
            of: 0,
            documents: documents as u64,
            seq: 0,
        };
    }

    /// Every workspace was walked.
    pub(super) fn ready(&mut self) {
        self.why = None;
    }

    /// Nothing can be searched.
    pub(super) fn fail(&mut self, why: String) {
        self.why = Some(format!("the search index cannot be used: {why}"));
        self.has_failed = true;
    }

    /// It will be made anew, for that reason.
    pub(super) fn rebuild(&mut self, why: &str) {
        self.why = Some(format!("the search index is being made anew: {why}"));
        (self.is_anew, self.documents) = (true, 0);
    }

    /// The same for people.
    pub(super) fn status(&self, counts: Counts) -> Status {
        let state = match (self.has_failed, &self.why, self.is_anew) {
            (true, ..) => State::Off,
            (_, None, _) if counts.reading > 0 => State::CatchingUp,
            (_, None, _) => State::Ready,
            (_, Some(_), true) => State::Rebuilding,
            (_, Some(_), false) => State::CatchingUp,
        };
        let (done, of) = match state {
            State::Rebuilding => (self.documents, self.of.max(self.documents)),
            _ => (self.documents, self.documents),
        };
        let why = self.why.clone().or_else(|| match counts.reading {
            0 => None,
            1 => Some("the text of one file is still to be read".to_owned()),
            count => Some(format!("the text of {count} files is still to be read")),
        });
        Status {
            state,
            why,
            done,
            of,
            documents: self.documents,
            bytes: counts.held.bytes,
            seq: self.seq,
            waiting: counts.waiting,
            reading: counts.reading,
            cut: counts.held.cut,
            unread: counts.held.unread,
        }
    }
}
