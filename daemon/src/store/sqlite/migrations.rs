//! The format of the database, one step after the other. A step that was released is never edited.

use std::path::Path;

use rusqlite::Connection;

use super::{StoreError, translate};

/// Each step brings the format from its index to the next number (`PRAGMA user_version`).
const STEPS: &[&str] = &[
    // 1: the chain, small objects, values.
    "CREATE TABLE entry (
         seq  INTEGER PRIMARY KEY,
         body TEXT NOT NULL,
         hash BLOB NOT NULL CHECK (length(hash) = 32)
     ) STRICT;
     CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON entry
     BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
     CREATE TRIGGER entry_is_never_removed BEFORE DELETE ON entry
     BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
     CREATE TABLE object (
         sha256 BLOB PRIMARY KEY CHECK (length(sha256) = 32),
         bytes  BLOB NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE value (
         space TEXT NOT NULL,
         key   TEXT NOT NULL,
         text  TEXT NOT NULL,
         PRIMARY KEY (space, key)
     ) STRICT, WITHOUT ROWID;",
];

/// Brings the database to the newest format, each step in a transaction of its own.
pub(super) fn bring_up_to_date(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let problem = |error: rusqlite::Error| translate(path, &error);
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    let found: i64 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(problem)?;
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    let done = usize::try_from(found).unwrap_or_default();
    for (step, version) in STEPS.iter().zip(1..).skip(done) {
        let sql = format!("BEGIN IMMEDIATE;\n{step}\nPRAGMA user_version = {version};\nCOMMIT;");
        connection.execute_batch(&sql).map_err(|error| {
            let _ = connection.execute_batch("ROLLBACK");
            problem(error)
        })?;
    }
    Ok(())
}
