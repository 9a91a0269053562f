//! What the daemon left on the disk, read without it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use countersign_protocol::{
    Digest, HandoffId,
    chain::{Body, Entry},
    event::{Accepted, Decided, Event},
};
use rusqlite::Connection;

/// Name of the database in the data folder.
pub const LEDGER: &str = "ledger.db";
/// Name of the folder of kept bytes.
pub const OBJECTS: &str = "objects";

/// The ledger and the kept bytes.
#[derive(Debug)]
pub struct Evidence {
    /// The daemon's own folder.
    pub data_dir: PathBuf,
    /// The rows of the chain.
    pub entries: Vec<Entry>,
    /// What they say; shorter than `entries` when one cannot be read.
    pub bodies: Vec<Body>,
    /// Small objects, in the database.
    pub inline: BTreeMap<Digest, Vec<u8>>,
}

impl Evidence {
    /// Reads the data folder of a daemon that does not run.
    pub fn read(data_dir: &Path) -> Result<Self, String> {
        let copy = tempfile::tempdir().map_err(|error| error.to_string())?;
        for end in ["", "-wal"] {
            let from = data_dir.join(format!("{LEDGER}{end}"));
            if from.exists() {
                fs::copy(&from, copy.path().join(format!("{LEDGER}{end}")))
                    .map_err(|error| format!("{}: {error}", from.display()))?;
            }
        }
        let path = copy.path().join(LEDGER);
        if !path.exists() {
            return Err("there is no database".to_owned());
        }
        let (entries, inline) = rows(&path).map_err(|error| format!("the database: {error}"))?;
        let bodies = entries
            .iter()
            .map_while(|entry| serde_json::from_str(&entry.body).ok())
            .collect();
        Ok(Self {
            data_dir: data_dir.to_owned(),
            entries,
            bodies,
            inline,
        })
    }

    /// Where the large object of that digest is kept.
    pub fn object_path(&self, sha256: Digest) -> PathBuf {
        let name = sha256.to_string();
        let (shelf, rest) = name.split_at(2);
        self.data_dir.join(OBJECTS).join(shelf).join(rest)
    }

    /// Kept bytes, wherever they are.
    pub fn object(&self, sha256: Digest) -> Option<Vec<u8>> {
        self.inline
            .get(&sha256)
            .cloned()
            .or_else(|| fs::read(self.object_path(sha256)).ok())
    }

    /// Every accepted revision, in order.
    pub fn accepted(&self) -> impl Iterator<Item = &Accepted> {
        self.bodies.iter().filter_map(|body| match &body.event {
            Event::Accepted(accepted) => Some(accepted.as_ref()),
            _ => None,
        })
    }

    /// Every decision with the number of its entry, in order.
    pub fn decided(&self) -> impl Iterator<Item = (u64, &Decided)> {
        self.bodies.iter().filter_map(|body| match &body.event {
            Event::Decided(decided) => Some((body.seq, decided.as_ref())),
            _ => None,
        })
    }

    /// The last entries that accepted and that refused the document of that digest.
    pub fn fate(&self, document: Digest) -> (Option<u64>, Option<u64>) {
        let mut fate = (None, None);
        for body in &self.bodies {
            match &body.event {
                Event::Accepted(accepted) if accepted.manifest.document == document => {
                    fate.0 = Some(body.seq);
                }
                Event::Refused { sha256, .. } if *sha256 == Some(document) => {
                    fate.1 = Some(body.seq);
                }
                _ => {}
            }
        }
        fate
    }

    /// The accepted revision of that number.
    pub fn revision(&self, handoff: HandoffId, revision: u32) -> Option<&Accepted> {
        self.accepted()
            .find(|accepted| accepted.handoff == handoff && accepted.revision == revision)
    }
}

type Rows = (Vec<Entry>, BTreeMap<Digest, Vec<u8>>);

/// The text of a long entry, which rests on that of an `earlier` one: read by our own means, as whoever audits would.
fn unpacked(connection: &Connection, seq: u64, earlier: &[Entry]) -> rusqlite::Result<String> {
    let mut query = connection.prepare("SELECT base, length, bytes FROM packed WHERE seq = ?1")?;
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let (base, length, bytes): (Option<i64>, i64, Vec<u8>) =
        query.query_row([seq.cast_signed()], row)?;
    let base = earlier
        .iter()
        .find(|entry| Some(entry.seq.cast_signed()) == base);
    let dictionary = base.map_or(&[][..], |entry| entry.body.as_bytes());
    let text = zstd::bulk::Decompressor::with_dictionary(dictionary)
        .and_then(|mut unpack| unpack.decompress(&bytes, usize::try_from(length).unwrap_or(0)))
        .and_then(|text| String::from_utf8(text).map_err(std::io::Error::other));
    text.map_err(|error| rusqlite::Error::InvalidColumnName(format!("entry {seq}: {error}")))
}

fn rows(path: &Path) -> rusqlite::Result<Rows> {
    let connection = Connection::open(path)?;
    let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(rusqlite::Error::InvalidColumnName(verdict));
    }
    let mut read = connection.prepare("SELECT seq, body, hash FROM entry ORDER BY seq")?;
    let mut read = read.query([])?;
    let mut entries: Vec<Entry> = Vec::new();
    while let Some(row) = read.next()? {
        let seq = row.get::<_, i64>(0)?.cast_unsigned();
        let mut body: String = row.get(1)?;
        if body.is_empty() {
            body = unpacked(&connection, seq, &entries)?;
        }
        entries.push(Entry {
            seq,
            body,
            hash: Digest(row.get(2)?),
        });
    }
    let mut objects = connection.prepare("SELECT sha256, bytes FROM object")?;
    let objects = objects
        .query_map([], |row| Ok((Digest(row.get(0)?), row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    Ok((entries, objects))
}
