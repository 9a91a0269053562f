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
    // 2: small objects one after the other, as they come. Ordered by digest, each commit changed as many pages as
    // it had objects.
    "CREATE TABLE kept (
         id     INTEGER PRIMARY KEY,
         sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
         bytes  BLOB NOT NULL
     ) STRICT;
     INSERT INTO kept (sha256, bytes) SELECT sha256, bytes FROM object;
     DROP TABLE object;
     ALTER TABLE kept RENAME TO object;",
    // 3: long texts, as what is new in them; the text in `entry` is then empty.
    "CREATE TABLE packed (
         seq    INTEGER PRIMARY KEY REFERENCES entry (seq),
         base   INTEGER REFERENCES packed (seq),
         depth  INTEGER NOT NULL,
         length INTEGER NOT NULL,
         bytes  BLOB NOT NULL
     ) STRICT;
     CREATE TRIGGER packed_is_never_changed BEFORE UPDATE ON packed
     BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
     CREATE TRIGGER packed_is_never_removed BEFORE DELETE ON packed
     BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_of_the_first_format_are_still_there_in_the_newest() {
        let path = Path::new("test");
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(STEPS[0]).unwrap();
        connection
            .execute_batch(
                "INSERT INTO object (sha256, bytes) VALUES (zeroblob(32), x'0102');
                 INSERT INTO entry (seq, body, hash) VALUES (1, '{}', zeroblob(32));
                 PRAGMA user_version = 1;",
            )
            .unwrap();
        bring_up_to_date(&connection, path).unwrap();
        let bytes: Vec<u8> = connection
            .query_row(
                "SELECT bytes FROM object WHERE sha256 = zeroblob(32)",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(bytes, [1, 2]);
        let entries: i64 = connection
            .query_row("SELECT count(*) FROM entry", [], |row| row.get(0))
            .unwrap();
        assert_eq!(entries, 1);
        // Done again it changes nothing.
        bring_up_to_date(&connection, path).unwrap();
    }
}
