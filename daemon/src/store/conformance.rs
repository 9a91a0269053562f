//! What every engine must do, told once and run against each.

use countersign_protocol::{
    Digest,
    chain::{self, Body, Entry, Head},
    event::Event,
    principal::Actor,
};
use jiff::Timestamp;

use super::{Batch, MemoryStore, Space, SqliteStore, Store, StoreError};

/// Entries that follow `head`, each about one of `ids`.
fn chained(mut head: Head, ids: impl Iterator<Item = String>) -> Vec<Entry> {
    ids.map(|id| {
        let body = Body {
            seq: head.seq + 1,
            at: Timestamp::UNIX_EPOCH,
            actor: Actor::Daemon,
            event: Event::TokenRevoked { id },
        };
        let entry = chain::seal(head, &body);
        head = Head {
            seq: entry.seq,
            hash: entry.hash,
        };
        entry
    })
    .collect()
}

/// Entries that follow `head`.
fn next(head: Head, count: u64) -> Vec<Entry> {
    chained(head, (0..count).map(|n| format!("t{}", head.seq + n)))
}

fn appends_in_order_and_reads_back(store: &mut dyn Store) {
    assert_eq!(store.head().unwrap(), Head::EMPTY);
    let entries = next(Head::EMPTY, 5);
    store
        .append(&Batch {
            entries: entries.clone(),
            ..Batch::default()
        })
        .unwrap();
    assert_eq!(
        store.head().unwrap(),
        Head {
            seq: 5,
            hash: entries[4].hash
        }
    );
    assert_eq!(store.entries(0, 10).unwrap(), entries);
    assert_eq!(store.entries(2, 2).unwrap(), entries[2..4]);
    assert_eq!(store.entries(5, 10).unwrap(), []);
}

/// Entries after `head` with texts of some two hundred kilobytes, each but for a few lines that of the one before it.
fn long(head: Head, count: u64) -> Vec<Entry> {
    let mut lines: Vec<Digest> = (0..3_000_u32)
        .map(|n| Digest::of(&n.to_be_bytes()))
        .collect();
    let ids = (0..count).map(|n| {
        for line in 0..10_u64 {
            let at = usize::try_from(n * 313 + line * 101).unwrap() % lines.len();
            lines[at] = Digest::of(&(n * 10 + line).to_le_bytes());
        }
        lines.iter().map(Digest::to_string).collect()
    });
    chained(head, ids)
}

fn long_entries_are_read_as_they_were_written(store: &mut dyn Store) {
    let entries = long(Head::EMPTY, 90);
    for some in entries.chunks(3) {
        // Like the one before, which may be in the same batch; one is like an entry that is far back.
        let like = |seq: u64| if seq == 50 { 7 } else { seq - 1 };
        let alike = some.iter().filter(|one| one.seq > 1);
        store
            .append(&Batch {
                entries: some.to_vec(),
                alike: alike.map(|one| (one.seq, like(one.seq))).collect(),
                ..Batch::default()
            })
            .unwrap();
    }
    // A page has some of them, and never none.
    let mut read = Vec::new();
    while let Some(more) =
        Some(store.entries(read.len() as u64, 1_000).unwrap()).filter(|more| !more.is_empty())
    {
        read.extend(more);
    }
    assert!(read == entries);
    for seq in [90, 1, 50, 49, 33, 7] {
        let at = usize::try_from(seq).unwrap() - 1;
        assert!(
            store.entries(seq - 1, 1).unwrap() == entries[at..=at],
            "{seq}"
        );
    }
}

fn what_is_dropped_and_kept_in_one_batch_is_kept(store: &mut dyn Store) {
    let bytes = |text: &str| (Digest::of(text.as_bytes()), text.as_bytes().to_vec());
    let batch = Batch {
        objects: vec![bytes("one"), bytes("two")],
        ..Batch::default()
    };
    store.append(&batch).unwrap();
    let batch = Batch {
        objects: vec![bytes("two")],
        dropped: vec![Digest::of(b"one"), Digest::of(b"two"), Digest::of(b"none")],
        ..Batch::default()
    };
    store.append(&batch).unwrap();
    assert_eq!(store.object(Digest::of(b"one")).unwrap(), None);
    assert_eq!(
        store.object(Digest::of(b"two")).unwrap(),
        Some(b"two".to_vec())
    );
}

fn refuses_a_gap_and_changes_nothing(store: &mut dyn Store) {
    let entries = next(Head::EMPTY, 3);
    store
        .append(&Batch {
            entries: entries[..1].to_vec(),
            ..Batch::default()
        })
        .unwrap();
    let batch = Batch {
        entries: entries[2..].to_vec(),
        objects: vec![(Digest::of(b"x"), b"x".to_vec())],
        values: vec![(Space::Seen, "a".to_owned(), Some("1".to_owned()))],
        ..Batch::default()
    };
    assert!(matches!(
        store.append(&batch),
        Err(StoreError::NotNext { head: 1, found: 3 })
    ));
    assert_eq!(store.head().unwrap().seq, 1);
    assert_eq!(store.object(Digest::of(b"x")).unwrap(), None);
    assert_eq!(store.value(Space::Seen, "a").unwrap(), None);
    let again = Batch {
        entries: entries[..1].to_vec(),
        ..Batch::default()
    };
    assert!(matches!(
        store.append(&again),
        Err(StoreError::NotNext { head: 1, found: 1 })
    ));
}

fn keeps_objects_by_digest(store: &mut dyn Store) {
    let object = (Digest::of(b"hello"), b"hello".to_vec());
    store
        .append(&Batch {
            objects: vec![object.clone(), object.clone()],
            ..Batch::default()
        })
        .unwrap();
    assert_eq!(store.object(object.0).unwrap(), Some(object.1));
    assert_eq!(store.object(Digest::of(b"other")).unwrap(), None);
}

fn lists_objects_and_puts_rotten_ones_right(store: &mut dyn Store) {
    let bytes = |text: &str| (Digest::of(text.as_bytes()), text.as_bytes().to_vec());
    let put = |store: &mut dyn Store, objects| {
        let batch = Batch {
            objects,
            ..Batch::default()
        };
        store.append(&batch).unwrap();
    };
    put(store, ["a", "b", "c"].map(bytes).to_vec());
    let mut all = ["a", "b", "c"].map(|text| bytes(text).0);
    all.sort();
    assert_eq!(store.object_digests(None, 2).unwrap(), all[..2]);
    assert_eq!(store.object_digests(Some(all[1]), 2).unwrap(), all[2..]);
    let (sha256, good) = bytes("a");
    put(store, vec![(sha256, b"z".to_vec())]);
    assert!(matches!(store.object(sha256), Err(StoreError::Rotten(which)) if which == sha256));
    assert!(
        store.has_object(sha256).unwrap(),
        "what is spent is let go of"
    );
    assert!(!store.has_object(Digest::of(b"none")).unwrap());
    put(store, vec![(sha256, good.clone())]);
    assert_eq!(store.object(sha256).unwrap(), Some(good));
}

fn sets_and_forgets_values(store: &mut dyn Store) {
    let set =
        |key: &str, value: Option<&str>| (Space::Written, key.to_owned(), value.map(str::to_owned));
    let mut values = |values| {
        store
            .append(&Batch {
                values,
                ..Batch::default()
            })
            .unwrap();
    };
    values(vec![set("b", Some("2")), set("a", Some("1"))]);
    values(vec![set("a", Some("3")), set("b", None)]);
    assert_eq!(
        store.values(Space::Written).unwrap(),
        [("a".to_owned(), "3".to_owned())]
    );
    assert_eq!(store.value(Space::Written, "b").unwrap(), None);
    assert_eq!(store.values(Space::Seen).unwrap(), []);
}

fn lists_values_under_a_prefix(store: &mut dyn Store) {
    let keys = ["a", "a/1", "a/2", "a/é", "a0", "b/1"];
    let mut values: Vec<_> = keys
        .iter()
        .map(|key| (Space::Seen, (*key).to_owned(), Some(key.to_uppercase())))
        .collect();
    values.push((Space::Written, "a/3".to_owned(), Some("other".to_owned())));
    let batch = Batch {
        values,
        ..Batch::default()
    };
    store.append(&batch).unwrap();
    let mut under = |prefix: &str, limit| -> Vec<String> {
        let found = store.values_under(Space::Seen, prefix, limit).unwrap();
        found.into_iter().map(|(key, _)| key).collect()
    };
    assert_eq!(under("a/", 9), ["a/1", "a/2", "a/é"]);
    assert_eq!(under("a/", 2), ["a/1", "a/2"]);
    assert_eq!(under("", 9), ["a", "a/1", "a/2", "a/é", "a0", "b/1"]);
    assert_eq!(under("c", 9), [""; 0]);
    for (prefix, count) in [("a/", 3), ("", 6), ("c", 0)] {
        assert_eq!(store.count_under(Space::Seen, prefix).unwrap(), count);
    }
}

macro_rules! suite {
    ($engine:ident, $make:expr) => {
        mod $engine {
            use super::*;
            suite!(@each $make, appends_in_order_and_reads_back, long_entries_are_read_as_they_were_written, what_is_dropped_and_kept_in_one_batch_is_kept,
                   refuses_a_gap_and_changes_nothing,
                   keeps_objects_by_digest, lists_objects_and_puts_rotten_ones_right, sets_and_forgets_values,
                   lists_values_under_a_prefix);
        }
    };
    (@each $make:expr, $($case:ident),+) => {
        $(#[test]
        fn $case() {
            let folder = tempfile::tempdir().unwrap();
            super::$case(&mut $make(folder.path()));
        })+
    };
}

suite!(memory, |_: &std::path::Path| MemoryStore::default());
suite!(sqlite, |folder: &std::path::Path| SqliteStore::open(
    &folder.join("ledger.db")
)
.unwrap());

#[test]
fn sqlite_comes_back_with_what_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let entries = next(Head::EMPTY, 2);
    SqliteStore::open(&path)
        .unwrap()
        .append(&Batch {
            entries: entries.clone(),
            ..Batch::default()
        })
        .unwrap();
    assert_eq!(
        SqliteStore::open(&path).unwrap().entries(0, 9).unwrap(),
        entries
    );
}

#[test]
fn sqlite_refuses_a_second_owner_a_newer_format_and_other_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut first = SqliteStore::open(&path).unwrap();
    first
        .append(&Batch {
            entries: next(Head::EMPTY, 1),
            ..Batch::default()
        })
        .unwrap();
    assert!(matches!(
        SqliteStore::open(&path),
        Err(StoreError::Locked(_))
    ));
    drop(first);

    rusqlite::Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    assert!(matches!(
        SqliteStore::open(&path),
        Err(StoreError::TooNew { found: 99, .. })
    ));

    let junk = folder.path().join("junk.db");
    crate::fs::Dir::open(folder.path())
        .unwrap()
        .publish(std::path::Path::new("junk.db"), &[7; 4096], 0o600, false)
        .unwrap();
    assert!(matches!(
        SqliteStore::open(&junk),
        Err(StoreError::Damaged { .. })
    ));
}

#[test]
fn sqlite_itself_refuses_to_change_or_remove_an_entry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    SqliteStore::open(&path)
        .unwrap()
        .append(&Batch {
            entries: long(Head::EMPTY, 1),
            ..Batch::default()
        })
        .unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    for sql in [
        "UPDATE entry SET body = ''",
        "DELETE FROM entry",
        "UPDATE packed SET length = 0",
        "DELETE FROM packed",
    ] {
        assert!(
            connection
                .execute(sql, [])
                .unwrap_err()
                .to_string()
                .contains("append-only"),
            "{sql}"
        );
    }
}

#[test]
fn revisions_that_are_alike_need_the_room_of_what_is_new_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut store = SqliteStore::open(&path).unwrap();
    let entries = long(Head::EMPTY, 60);
    let written: usize = entries.iter().map(|entry| entry.body.len()).sum();
    for entry in &entries {
        let alike = (entry.seq > 1).then(|| (entry.seq, entry.seq - 1));
        store
            .append(&Batch {
                entries: vec![entry.clone()],
                alike: alike.into_iter().collect(),
                ..Batch::default()
            })
            .unwrap();
    }
    drop(store);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let (kept, deepest, whole): (i64, i64, i64) = connection
        .query_row(
            "SELECT sum(length(bytes)), max(depth), sum(base IS NULL) FROM packed",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert!(
        kept.unsigned_abs() < written as u64 / 20,
        "{kept} of {written}"
    );
    // Entries 1 and 34 lean on nothing, the others on the one before.
    assert_eq!((deepest, whole), (32, 2));
    drop(connection);
    // A new start reads them from the beginning, or any of them by itself.
    let mut store = SqliteStore::open(&path).unwrap();
    assert!(store.entries(44, 1).unwrap() == entries[44..45]);
}
