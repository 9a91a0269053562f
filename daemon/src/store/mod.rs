//! Where facts are kept: engines behind one trait, held to one conformance suite.
//!
//! An engine knows rows, not handoffs: an append-only list of entries, small objects by digest, and
//! a table of values that may be thrown away and found again. A batch is all or nothing, and once
//! [`Store::append`] returns it survives a power cut.

mod memory;
mod sqlite;

#[cfg(test)]
mod conformance;

use std::{collections::BTreeMap, path::PathBuf};

use countersign_protocol::{
    Digest,
    chain::{Entry, Head},
};

pub use memory::MemoryStore;
pub use sqlite::SqliteStore;

/// What is written in one transaction.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The next entries of the chain, in order.
    pub entries: Vec<Entry>,
    /// Entries of this batch whose texts resemble those of earlier ones, by number: an engine may use that to need less room.
    pub alike: BTreeMap<u64, u64>,
    /// Small sealed files. One that is already there with other bytes was damaged, and is replaced.
    pub objects: Vec<(Digest, Vec<u8>)>,
    /// Small sealed files to remove, before `objects` are put in: a job that needs one anew comes later.
    pub dropped: Vec<Digest>,
    /// In order.
    pub values: Vec<Value>,
}

/// A value to set or, with `None`, to forget.
pub type Value = (Space, String, Option<String>);

impl Batch {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
            && self.objects.is_empty()
            && self.dropped.is_empty()
            && self.values.is_empty()
    }
}

/// A table of values beside the chain. None of them is needed to know what was decided; but for accounts, all
/// can be found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Space {
    /// How a document looked when it was last taken in, by location.
    Seen,
    /// How far a task has come, by name of the task.
    Progress,
    /// Digests of files that we wrote into a workspace, by path.
    Written,
    /// Sessions of people, by digest of the secret.
    Session,
    /// Questions that no rule understood, by their words.
    Question,
    /// Messages that are owed, by lane and the time of their next attempt.
    Outbox,
    /// Notices that are told later, by the time at which they are.
    Held,
    /// How each message fared, by what it is about.
    Message,
    /// How the receivers of messages fare, by name.
    Receiver,
    /// Messages that are over, until those who watch over the program were told, by id.
    Ended,
    /// Links in messages, by digest of the secret.
    Link,
    /// Accounts of people with the hashes of their passwords, by id.
    Account,
    /// Links with which people set a password, by digest of the secret.
    Invitation,
    /// Tokens of people, by digest of the secret.
    PersonToken,
    /// People from outside who were invited to one handoff, by digest of the secret.
    Outsider,
    /// Passkeys of people, by digest of the credential id.
    Passkey,
    /// What a person wrote about a handoff and did not send yet, by handoff and person.
    Draft,
    /// Files that a person changed and did not approve yet, by handoff, person and path.
    Edit,
    /// What people chose for the pages, by person.
    Preference,
    /// How watched files were when they were last looked at, by workspace, rule and path.
    Watched,
    /// Names of the workspaces that were served, by path.
    Served,
    /// The files of a handoff that a person has viewed, by handoff, person and digest.
    Ticked,
}

impl Space {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Progress => "progress",
            Self::Written => "written",
            Self::Session => "session",
            Self::Question => "question",
            Self::Outbox => "outbox",
            Self::Held => "held",
            Self::Message => "message",
            Self::Receiver => "receiver",
            Self::Ended => "ended",
            Self::Link => "link",
            Self::Account => "account",
            Self::Invitation => "invitation",
            Self::PersonToken => "person_token",
            Self::Outsider => "outsider",
            Self::Passkey => "passkey",
            Self::Draft => "draft",
            Self::Edit => "edit",
            Self::Preference => "preference",
            Self::Watched => "watched",
            Self::Served => "served",
            Self::Ticked => "ticked",
        }
    }
}

/// Why an engine did not do it. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else appended first.
    #[error("entry {found} does not follow entry {head}")]
    NotNext {
        /// The last entry there is.
        head: u64,
        /// The entry that was to be appended.
        found: u64,
    },
    /// The disk or a quota is full.
    #[error("the disk is full")]
    Full,
    /// Another program has the database.
    #[error("the database `{}` is locked by another program", .0.display())]
    Locked(PathBuf),
    /// The database is not what it should be.
    #[error("the database `{}` is damaged: {why}", path.display())]
    Damaged {
        /// Where it is.
        path: PathBuf,
        /// What the engine says.
        why: String,
    },
    /// A small object is not what its digest says.
    #[error("the kept bytes of {0} are damaged: the disk gives back others than were sealed")]
    Rotten(Digest),
    /// The database is from a later version of the program.
    #[error("the database has format {found}, this program knows up to {known}")]
    TooNew {
        /// Its format.
        found: i64,
        /// The newest known one.
        known: i64,
    },
    /// Anything else.
    #[error("the database failed: {0}")]
    Failed(String),
}

/// An engine.
pub trait Store: Send + 'static {
    /// Writes all of `batch` or nothing. Its entries must follow the head without a gap.
    fn append(&mut self, batch: &Batch) -> Result<(), StoreError>;
    /// Housekeeping that no answer waits for; `busy` says that the next batch does, so that only what
    /// cannot wait any longer is done.
    fn tidy(&mut self, busy: bool) {
        let _ = busy;
    }
    /// The end of the chain.
    fn head(&mut self) -> Result<Head, StoreError>;
    /// The newest entry that was committed before the engine was opened, as is noted outside of it; `None` where nothing
    /// is.
    fn noted(&self) -> Option<Head> {
        None
    }
    /// Entries after `after`, in order: at least one if there is one, at most `limit`, and fewer when their texts are
    /// long.
    fn entries(&mut self, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError>;
    /// A small object. Bytes that do not have the digest are [`StoreError::Rotten`].
    fn object(&mut self, sha256: Digest) -> Result<Option<Vec<u8>>, StoreError>;
    /// Whether there is a small object under that digest, damaged or not.
    fn has_object(&mut self, sha256: Digest) -> Result<bool, StoreError> {
        match self.object(sha256) {
            Err(StoreError::Rotten(_)) => Ok(true),
            found => Ok(found?.is_some()),
        }
    }
    /// Digests of small objects after `after`, in order, at most `limit`.
    fn object_digests(
        &mut self,
        after: Option<Digest>,
        limit: usize,
    ) -> Result<Vec<Digest>, StoreError>;
    /// A value.
    fn value(&mut self, space: Space, key: &str) -> Result<Option<String>, StoreError>;
    /// All values of a space, sorted by key.
    fn values(&mut self, space: Space) -> Result<Vec<(String, String)>, StoreError>;
    /// Values whose keys begin with `prefix`, sorted by key, at most `limit`.
    fn values_under(
        &mut self,
        space: Space,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StoreError>;
    /// How many values have keys that begin with `prefix`.
    fn count_under(&mut self, space: Space, prefix: &str) -> Result<u64, StoreError>;
}
