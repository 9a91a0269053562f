//! The central directory of a zip archive, record by record (APPNOTE 6.3.10, sections 4.3.7 to 4.3.16), to see
//! what a reader that goes by names does not: two entries of one name, and names that contradict.

use std::io::{Read as _, SeekFrom};

use countersign_protocol::content::Cut;
use flate2::read::DeflateDecoder;

use super::{Bytes, archive::ENTRIES, damaged};

/// Most bytes of the directory that are read.
const MAX_DIRECTORY: u64 = 64 << 20;
/// How far from its end an archive says where its directory is.
const MAX_END: u64 = 65_557;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// A record of the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// The name as it is written.
    pub(super) name: Vec<u8>,
    /// The name in front of the packed bytes, where it is another one.
    pub(super) local_name: Option<Vec<u8>>,
    pub(super) size: u64,
    pub(super) packed: u64,
    pub(super) crc32: u32,
    method: u16,
    is_encrypted: bool,
    /// Where the packed bytes begin.
    start: u64,
}

/// What the directory has.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    /// How many entries the archive says it has.
    pub(super) stated: u64,
    /// Its records, as many as are listed of an archive.
    pub(super) records: Vec<Record>,
}

impl Directory {
    /// The records that another record of the same name hides: readers by name see the last one.
    pub(super) fn hidden(&self) -> Vec<&Record> {
        let mut seen = std::collections::HashSet::new();
        let mut hidden: Vec<&Record> = self
            .records
            .iter()
            .rev()
            .filter(|record| !seen.insert(record.name.as_slice()))
            .collect();
        hidden.reverse();
        hidden
    }
}

/// Reads the directory of `file`.
pub(super) fn read(file: &mut dyn Bytes) -> Result<Directory, Cut> {
    let size = file.seek(SeekFrom::End(0)).map_err(damaged)?;
    let tail_at = size.saturating_sub(MAX_END);
    let tail = bytes_at(file, tail_at, MAX_END)?;
    let end = tail.windows(4).rposition(|four| four == b"PK\x05\x06");
    let Some(end) = end.filter(|end| tail.len() >= end + 22) else {
        return Err(damaged("it has no end of a directory"));
    };
    let (mut stated, mut length, mut offset) = (
        u64::from(short(&tail, end + 10)),
        u64::from(long(&tail, end + 12)),
        u64::from(long(&tail, end + 16)),
    );
    let mut directory_end = tail_at + end as u64;
    // Values that do not fit stand in a record before (section 4.3.14).
    let locator = end
        .checked_sub(20)
        .filter(|at| tail[*at..].starts_with(b"PK\x06\x07"));
    if let Some(locator) = locator {
        let at = wide(&tail, locator + 8);
        let large = bytes_at(file, at, 56)?;
        if large.starts_with(b"PK\x06\x06") && large.len() == 56 {
            (stated, length, offset) = (wide(&large, 32), wide(&large, 40), wide(&large, 48));
            directory_end = at;
        }
    }
    let Some(start) = directory_end.checked_sub(length) else {
        return Err(damaged("its directory is larger than it"));
    };
    // Archives with bytes before them, such as programs that unpack themselves, count from their own start.
    let base = start.saturating_sub(offset);
    let bytes = bytes_at(file, start, length.min(MAX_DIRECTORY))?;
    let mut records = Vec::new();
    let mut at = 0;
    while bytes.len() >= at + 46
        && bytes[at..].starts_with(b"PK\x01\x02")
        && records.len() < ENTRIES
    {
        let name = usize::from(short(&bytes, at + 28));
        let extra = usize::from(short(&bytes, at + 30));
        let comment = usize::from(short(&bytes, at + 32));
        let Some(rest) = bytes.get(at + 46..at + 46 + name + extra) else {
            break;
        };
        let (name, extra) = rest.split_at(name);
        records.push(record(file, &bytes[at..], (name, extra), base)?);
        at += 46 + rest.len() + comment;
    }
    file.seek(SeekFrom::Start(0)).map_err(damaged)?;
    Ok(Directory { stated, records })
}

fn record(
    file: &mut dyn Bytes,
    bytes: &[u8],
    (name, extra): (&[u8], &[u8]),
    base: u64,
) -> Result<Record, Cut> {
    let mut record = Record {
        name: name.to_vec(),
        is_encrypted: short(bytes, 8) & 1 == 1,
        method: short(bytes, 10),
        crc32: long(bytes, 16),
        packed: u64::from(long(bytes, 20)),
        size: u64::from(long(bytes, 24)),
        ..Record::default()
    };
    let mut offset = u64::from(long(bytes, 42));
    let mut large = large_values(extra);
    for value in [&mut record.size, &mut record.packed, &mut offset] {
        if *value == u64::from(u32::MAX)
            && let Some(large) = large.next()
        {
            *value = large;
        }
    }
    let local = bytes_at(file, base.saturating_add(offset), 30)?;
    if local.len() == 30 && local.starts_with(b"PK\x03\x04") {
        let length = short(&local, 26);
        let written = bytes_at(file, base + offset + 30, u64::from(length))?;
        record.local_name = (written != name).then_some(written);
        record.start = base + offset + 30 + u64::from(length) + u64::from(short(&local, 28));
    }
    Ok(record)
}

/// Eight-byte values in the extra field for large archives (section 4.5.3).
fn large_values(mut extra: &[u8]) -> impl Iterator<Item = u64> {
    let mut values = Vec::new();
    while extra.len() >= 4 {
        let (id, length) = (short(extra, 0), usize::from(short(extra, 2)));
        let field = &extra[4..extra.len().min(4 + length)];
        if id == 1 {
            let eight = field.chunks_exact(8).map(|eight| wide(eight, 0));
            values.extend(eight);
        }
        extra = extra.get(4 + length..).unwrap_or_default();
    }
    values.into_iter()
}

/// The first `limit` unpacked bytes of an entry; `None` when it is packed in a way that is read by name only.
pub(super) fn unpacked(file: &mut dyn Bytes, record: &Record, limit: u64) -> Option<Vec<u8>> {
    if record.is_encrypted || record.start == 0 {
        return None;
    }
    file.seek(SeekFrom::Start(record.start)).ok()?;
    let packed = file.take(record.packed);
    let mut bytes = Vec::new();
    match record.method {
        STORED => packed.take(limit).read_to_end(&mut bytes).ok()?,
        DEFLATED => {
            let unpacked = DeflateDecoder::new(packed);
            unpacked.take(limit).read_to_end(&mut bytes).ok()?
        }
        _ => return None,
    };
    Some(bytes)
}

fn bytes_at(file: &mut dyn Bytes, at: u64, most: u64) -> Result<Vec<u8>, Cut> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(at)).map_err(damaged)?;
    file.take(most).read_to_end(&mut bytes).map_err(damaged)?;
    Ok(bytes)
}

fn short(bytes: &[u8], at: usize) -> u16 {
    bytes
        .get(at..at + 2)
        .map_or(0, |two| u16::from_le_bytes([two[0], two[1]]))
}

fn long(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |four| {
        u32::from_le_bytes([four[0], four[1], four[2], four[3]])
    })
}

fn wide(bytes: &[u8], at: usize) -> u64 {
    u64::from(long(bytes, at)) | u64::from(long(bytes, at + 4)) << 32
}
