//! Entries with long texts, kept as what is new in them.
//!
//! Each revision of a handoff of ten thousand files names all of them again, and a hundred of its lines are new. Such a
//! text is compressed with a similar one as dictionary. Above the engine, an entry and its hash are as they were written.

use rusqlite::{Connection, OptionalExtension as _, params};
use zstd::{
    bulk::{Compressor, Decompressor},
    zstd_safe::{CParameter, DParameter},
};

/// From so many bytes on a text is packed.
pub(super) const LONG: usize = 64 * 1024;
/// So many entries at the most have to be unpacked for one.
const DEPTH: u32 = 32;
/// The first level that finds, in texts of this kind, what they have in common with the dictionary over their whole
/// length: 13 kB of 1.6 MB in 20 ms, where level 3 needs 150 kB.
const LEVEL: i32 = 6;
/// Distance over which the same words are found, as a power of two: 128 MiB, more than two texts of 100,000 files.
const WINDOW: u32 = 27;

/// A text that was read or written a moment ago: the next one often rests on it.
#[derive(Debug)]
struct Read {
    seq: u64,
    depth: u32,
    text: String,
}

/// What of the packed entries is kept in memory.
#[derive(Debug, Default)]
pub(super) struct Packed {
    last: Option<Read>,
}

/// A row of the table.
struct Row {
    base: Option<u64>,
    depth: u32,
    length: usize,
    bytes: Vec<u8>,
}

impl Packed {
    /// Writes `text`, which resembles that of the entry `like`, as the text of entry `seq`.
    pub(super) fn write(
        &mut self,
        connection: &Connection,
        seq: u64,
        text: &str,
        like: Option<u64>,
    ) -> rusqlite::Result<()> {
        let base = match like {
            Some(like) => self.read(connection, like)?.filter(|one| one.depth < DEPTH),
            None => None,
        };
        let depth = base.map_or(0, |one| one.depth + 1);
        let dictionary = base.map_or(&[][..], |one| one.text.as_bytes());
        let bytes = compress(dictionary, text).map_err(failed)?;
        connection
            .prepare_cached(
                "INSERT INTO packed (seq, base, depth, length, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                seq.cast_signed(),
                base.map(|one| one.seq.cast_signed()),
                depth,
                i64::try_from(text.len()).unwrap_or(i64::MAX),
                bytes
            ])?;
        self.last = Some(Read {
            seq,
            depth,
            text: text.to_owned(),
        });
        Ok(())
    }

    /// The text of entry `seq`, if it was packed.
    pub(super) fn text(
        &mut self,
        connection: &Connection,
        seq: u64,
    ) -> rusqlite::Result<Option<String>> {
        Ok(self.read(connection, seq)?.map(|one| one.text.clone()))
    }

    /// Forgets what may not have been written.
    pub(super) fn forget(&mut self) {
        self.last = None;
    }

    fn read(&mut self, connection: &Connection, seq: u64) -> rusqlite::Result<Option<&Read>> {
        // From the entry back to one that rests on nothing, or that is known; then forward again.
        let mut rows = Vec::new();
        let mut at = seq;
        let (mut text, mut depth) = loop {
            if let Some(last) = self.last.take_if(|last| last.seq == at) {
                break (last.text, last.depth);
            }
            let Some(row) = row(connection, at)? else {
                return Ok(None);
            };
            let base = row.base;
            rows.push(row);
            match base {
                Some(base) => at = base,
                None => break (String::new(), 0),
            }
        };
        for row in rows.into_iter().rev() {
            text = decompress(text.as_bytes(), &row).map_err(failed)?;
            depth = row.depth;
        }
        Ok(Some(self.last.insert(Read { seq, depth, text })))
    }
}

fn row(connection: &Connection, seq: u64) -> rusqlite::Result<Option<Row>> {
    connection
        .prepare_cached("SELECT base, depth, length, bytes FROM packed WHERE seq = ?1")?
        .query_row([seq.cast_signed()], |row| {
            Ok(Row {
                base: row.get::<_, Option<i64>>(0)?.map(i64::cast_unsigned),
                depth: row.get(1)?,
                length: usize::try_from(row.get::<_, i64>(2)?).unwrap_or_default(),
                bytes: row.get(3)?,
            })
        })
        .optional()
}

fn compress(dictionary: &[u8], text: &str) -> std::io::Result<Vec<u8>> {
    let mut compressor = Compressor::with_dictionary(LEVEL, dictionary)?;
    compressor.set_parameter(CParameter::WindowLog(WINDOW))?;
    compressor.set_parameter(CParameter::EnableLongDistanceMatching(true))?;
    compressor.compress(text.as_bytes())
}

fn decompress(dictionary: &[u8], row: &Row) -> std::io::Result<String> {
    let mut decompressor = Decompressor::with_dictionary(dictionary)?;
    decompressor.set_parameter(DParameter::WindowLogMax(WINDOW))?;
    let bytes = decompressor.decompress(&row.bytes, row.length)?;
    String::from_utf8(bytes).map_err(std::io::Error::other)
}

/// A text that cannot be packed is not written, and one that cannot be unpacked is damaged.
fn failed(error: std::io::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Blob, Box::new(error))
}
