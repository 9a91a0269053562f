//! SQLite: the embedded default.
//!
//! `journal_mode=WAL` with `synchronous=FULL`: the commit is one sync of the log, and what it
//! acknowledged survives a power cut (with `NORMAL` none of 50 acknowledged commits did).
//! `locking_mode=EXCLUSIVE`: without it, a log left by a crash cannot be opened again on a full disk.

mod head_note;
mod migrations;
mod packed;

use std::path::{Path, PathBuf};

use countersign_protocol::{
    Digest,
    chain::{Entry, Head},
};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, config::DbConfig, params};

use self::{head_note::HeadNote, packed::Packed};
use super::{Batch, Space, Store, StoreError};
use crate::fault;

/// From so many pages in the log on, it is brought into the database when nothing else waits.
const LOG_PAGES: usize = 1_000;
/// From so many on, also when something waits: the log must not grow without end.
const MOST_LOG_PAGES: usize = 8_000;
/// Bytes in a page.
const PAGE: usize = 4_096;
/// Bytes in a page of the log, with its frame, and in the head of the log (SQLite file format, 4.1).
const LOGGED_PAGE: usize = 24 + PAGE;
const LOG_HEAD: usize = 32;

/// Bytes of texts that are given back at once, so that long ones take no more memory than many short ones.
const TEXTS: usize = 8 << 20;

/// The engine, with its one connection.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    /// Number of the last entry. Nobody else can append while the database is open.
    head: u64,
    /// About how many pages the log has grown by since it was last brought into the database.
    log_pages: usize,
    packed: Packed,
    head_note: HeadNote,
    /// What that file said when it was opened.
    noted: Option<Head>,
}

impl SqliteStore {
    /// Opens the database at `path`, makes it when there is none, brings it to the newest format,
    /// and asserts the settings that its promises rest on.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let problem = |error: rusqlite::Error| translate(path, &error);
        let connection = Connection::open(path).map_err(problem)?;
        connection
            .busy_timeout(std::time::Duration::from_millis(500))
            .map_err(problem)?;
        // Else a statement with a range is compiled anew for each bound that it is given.
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(problem)?;
        for (name, value) in [
            ("locking_mode", "EXCLUSIVE"),
            ("journal_mode", "WAL"),
            (
                "synchronous",
                if fault::broken("sqlite-normal") {
                    "NORMAL"
                } else {
                    "FULL"
                },
            ),
            // A checkpoint costs two more syncs, and SQLite would make a commit wait for it: see `tidy`.
            ("wal_autocheckpoint", "0"),
            ("foreign_keys", "ON"),
            ("trusted_schema", "OFF"),
            ("cell_size_check", "ON"),
        ] {
            connection
                .pragma_update_and_check(None, name, value, |_| Ok(()))
                .or_else(|error| match error {
                    rusqlite::Error::QueryReturnedNoRows => Ok(()),
                    error => Err(translate(path, &error)),
                })?;
        }
        migrations::bring_up_to_date(&connection, path)?;
        let mut head_note = HeadNote::open(path)?;
        let noted = head_note.read()?;
        let mut store = Self {
            connection,
            path: path.to_owned(),
            head: 0,
            // What an earlier run left in the log comes on top.
            log_pages: 0,
            packed: Packed::default(),
            head_note,
            noted,
        };
        store.check()?;
        store.head = Store::head(&mut store)?.seq;
        Ok(store)
    }

    /// The size of a log of zeros, as large as one grows between two checkpoints. Where it lies beside a
    /// database that was closed in order, a commit changes bytes of a file that keeps its size, and so its sync
    /// waits for these bytes alone; and there is room for them when the disk is full. The engine takes a log
    /// whose head is not valid for an empty one (SQLite file format, 4.5).
    pub const EMPTY_LOG: usize = LOG_HEAD + (LOG_PAGES + LOG_PAGES / 4) * LOGGED_PAGE;

    /// Refuses a database that is damaged or whose settings did not take.
    fn check(&self) -> Result<(), StoreError> {
        let damaged = |why: String| StoreError::Damaged {
            path: self.path.clone(),
            why,
        };
        let text = |sql: &str| -> Result<String, StoreError> {
            self.connection
                .query_row(sql, [], |row| row.get(0))
                .map_err(|error| self.failed(&error))
        };
        let verdict = text("PRAGMA quick_check(1)")?;
        if verdict != "ok" {
            return Err(damaged(verdict));
        }
        let mode = text("PRAGMA journal_mode")?;
        if mode != "wal" {
            return Err(StoreError::Failed(format!(
                "journal_mode is `{mode}`, and must be `wal`"
            )));
        }
        let synchronous: i64 = self
            .connection
            .query_row("PRAGMA synchronous", [], |row| row.get(0))
            .map_err(|error| self.failed(&error))?;
        if synchronous != 2 && !fault::broken("sqlite-normal") {
            return Err(StoreError::Failed("synchronous is not FULL".to_owned()));
        }
        Ok(())
    }

    fn failed(&self, error: &rusqlite::Error) -> StoreError {
        translate(&self.path, error)
    }

    /// The words around the rows are kept compiled, too: the engine would read them anew for each commit.
    fn say(&self, words: &str) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(words)?.execute([])
    }

    fn write(&mut self, batch: &Batch) -> rusqlite::Result<Result<(), StoreError>> {
        if let Some(first) = batch.entries.first() {
            for (entry, expected) in batch.entries.iter().zip(self.head + 1..) {
                if entry.seq != expected {
                    return Ok(Err(StoreError::NotNext {
                        head: self.head,
                        found: first.seq,
                    }));
                }
            }
        }
        self.say("BEGIN IMMEDIATE")?;
        let written = self.rows(batch).and_then(|()| {
            fault::step("ledger.before_commit");
            self.say("COMMIT").map(drop)
        });
        if let Err(error) = written {
            self.packed.forget();
            // Some failures end the transaction by themselves. That another one follows is told by the next commit.
            if !self.connection.is_autocommit() {
                let _ = self.connection.execute_batch("ROLLBACK");
            }
            return Err(error);
        }
        fault::step("ledger.after_commit");
        if let Some(last) = batch.entries.last() {
            self.head = last.seq;
            let (seq, hash) = (last.seq, last.hash);
            self.head_note.write(&Head { seq, hash });
        }
        Ok(Ok(()))
    }

    fn rows(&mut self, batch: &Batch) -> rusqlite::Result<()> {
        let prepare = |words| self.connection.prepare_cached(words);
        if !batch.entries.is_empty() {
            let mut insert = prepare("INSERT INTO entry (seq, body, hash) VALUES (?1, ?2, ?3)")?;
            for entry in &batch.entries {
                let is_long = entry.body.len() >= packed::LONG;
                let text = if is_long { "" } else { &entry.body };
                insert.execute(params![entry.seq.cast_signed(), text, entry.hash.0])?;
                if is_long {
                    let like = batch.alike.get(&entry.seq).copied();
                    self.packed
                        .write(&self.connection, entry.seq, &entry.body, like)?;
                }
            }
        }
        if !batch.dropped.is_empty() {
            let mut remove = prepare("DELETE FROM object WHERE sha256 = ?1")?;
            for sha256 in &batch.dropped {
                remove.execute([sha256.0])?;
            }
        }
        if !batch.objects.is_empty() {
            let mut keep = prepare(
                // Bytes that were damaged since are put right by whoever brings them again.
                "INSERT INTO object (sha256, bytes) VALUES (?1, ?2)
                 ON CONFLICT (sha256) DO UPDATE SET bytes = excluded.bytes
                 WHERE bytes IS NOT excluded.bytes",
            )?;
            for (sha256, bytes) in &batch.objects {
                keep.execute(params![sha256.0, bytes])?;
            }
        }
        for (space, key, value) in &batch.values {
            match value {
                Some(text) => prepare(
                    "INSERT INTO value (space, key, text) VALUES (?1, ?2, ?3)
                     ON CONFLICT (space, key) DO UPDATE SET text = excluded.text",
                )?
                .execute(params![space.name(), key, text])?,
                None => prepare("DELETE FROM value WHERE space = ?1 AND key = ?2")?
                    .execute(params![space.name(), key])?,
            };
        }
        Ok(())
    }
}

impl Store for SqliteStore {
    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let outcome = match self.write(batch) {
            Ok(outcome) => outcome,
            Err(error) => Err(self.failed(&error)),
        };
        self.log_pages += pages(batch);
        outcome
    }

    fn tidy(&mut self, busy: bool) {
        let most = if busy { MOST_LOG_PAGES } else { LOG_PAGES };
        if self.log_pages < most {
            return;
        }
        // Tried again after the next LOG_PAGES: what is in the log is as safe as in the database.
        self.log_pages = 0;
        let done = self
            .connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = done {
            tracing::warn!(%error, "the log of the database stays as it is");
        }
    }

    fn head(&mut self) -> Result<Head, StoreError> {
        self.connection
            .prepare_cached("SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1")
            .and_then(|mut query| {
                query
                    .query_row([], |row| {
                        Ok(Head {
                            seq: row.get::<_, i64>(0)?.cast_unsigned(),
                            hash: Digest(row.get(1)?),
                        })
                    })
                    .optional()
            })
            .map(|head| head.unwrap_or(Head::EMPTY))
            .map_err(|error| self.failed(&error))
    }

    fn noted(&self) -> Option<Head> {
        self.noted
    }

    fn entries(&mut self, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        read(&self.connection, &mut self.packed, after, limit).map_err(|error| self.failed(&error))
    }

    fn object(&mut self, sha256: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let bytes: Option<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT bytes FROM object WHERE sha256 = ?1")
            .and_then(|mut query| query.query_row([sha256.0], |row| row.get(0)).optional())
            .map_err(|error| self.failed(&error))?;
        match bytes {
            Some(bytes) if Digest::of(&bytes) != sha256 => Err(StoreError::Rotten(sha256)),
            bytes => Ok(bytes),
        }
    }

    fn object_digests(
        &mut self,
        after: Option<Digest>,
        limit: usize,
    ) -> Result<Vec<Digest>, StoreError> {
        let after = after.map_or_else(Vec::new, |after| after.0.to_vec());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.connection
            .prepare_cached("SELECT sha256 FROM object WHERE sha256 > ?1 ORDER BY sha256 LIMIT ?2")
            .and_then(|mut query| {
                query
                    .query_map(params![after, limit], |row| row.get(0).map(Digest))?
                    .collect()
            })
            .map_err(|error| self.failed(&error))
    }

    fn value(&mut self, space: Space, key: &str) -> Result<Option<String>, StoreError> {
        self.connection
            .prepare_cached("SELECT text FROM value WHERE space = ?1 AND key = ?2")
            .and_then(|mut query| {
                query
                    .query_row([space.name(), key], |row| row.get(0))
                    .optional()
            })
            .map_err(|error| self.failed(&error))
    }

    fn values(&mut self, space: Space) -> Result<Vec<(String, String)>, StoreError> {
        self.connection
            .prepare_cached("SELECT key, text FROM value WHERE space = ?1 ORDER BY key")
            .and_then(|mut query| {
                query
                    .query_map([space.name()], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect()
            })
            .map_err(|error| self.failed(&error))
    }

    fn values_under(
        &mut self,
        space: Space,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let end = behind(prefix);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.connection
            .prepare_cached(
                "SELECT key, text FROM value
                 WHERE space = ?1 AND key >= ?2 AND key < CAST(?3 AS TEXT) ORDER BY key LIMIT ?4",
            )
            .and_then(|mut query| {
                query
                    .query_map(params![space.name(), prefix, end, limit], |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })?
                    .collect()
            })
            .map_err(|error| self.failed(&error))
    }

    fn count_under(&mut self, space: Space, prefix: &str) -> Result<u64, StoreError> {
        let counted: i64 = self
            .connection
            .prepare_cached(
                "SELECT count(*) FROM value
                 WHERE space = ?1 AND key >= ?2 AND key < CAST(?3 AS TEXT)",
            )
            .and_then(|mut query| {
                let end = behind(prefix);
                query.query_row(params![space.name(), prefix, end], |row| row.get(0))
            })
            .map_err(|error| self.failed(&error))?;
        Ok(u64::try_from(counted).unwrap_or_default())
    }
}

fn read(
    connection: &Connection,
    packed: &mut Packed,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<Entry>> {
    let mut query = connection
        .prepare_cached("SELECT seq, body, hash FROM entry WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = query.query(params![after.cast_signed(), limit])?;
    let mut entries = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let seq = row.get::<_, i64>(0)?.cast_unsigned();
        let mut body: String = row.get(1)?;
        if body.is_empty() {
            body = packed.text(connection, seq)?.unwrap_or_default();
        }
        bytes += body.len();
        entries.push(Entry {
            seq,
            body,
            hash: Digest(row.get(2)?),
        });
        if bytes >= TEXTS {
            break;
        }
    }
    Ok(entries)
}

/// What is behind every key that begins with `prefix`: text is compared byte by byte, and no byte of UTF-8 is
/// as large as this one.
fn behind(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    end.push(0xff);
    end
}

/// About how many pages of the log a batch takes: entries stand side by side, the rest is scattered.
fn pages(batch: &Batch) -> usize {
    let entries: usize = batch.entries.iter().map(|entry| entry.body.len()).sum();
    let objects = batch.objects.iter();
    let objects: usize = objects.map(|(_, bytes)| 1 + bytes.len() / PAGE).sum();
    2 + entries / PAGE + objects + batch.dropped.len() + batch.values.len()
}

fn translate(path: &Path, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Locked(path.to_owned())
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged {
            path: path.to_owned(),
            why: error.to_string(),
        },
        Some(ErrorCode::SystemIoFailure) => {
            StoreError::Failed(format!("the disk of {} fails: {error}", path.display()))
        }
        _ => StoreError::Failed(error.to_string()),
    }
}
