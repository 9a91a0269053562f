//! The table of the objects of a PDF (ISO 32000-2, section 7.5.4), made again for files in which it is wrong or
//! not found, as viewers do.

use std::fmt::Write as _;
use std::{collections::BTreeMap, io::Write as _};

/// Most objects that are found.
const MAX_OBJECTS: usize = 1_000_000;
/// Most bytes of a dictionary that is taken over as the trailer.
const MAX_TRAILER: usize = 64 << 10;

/// The file with a new table behind its objects, found by their headings. `None` when there is no object, or
/// nothing says where the document begins.
pub(super) fn rebuild(bytes: &[u8]) -> Option<Vec<u8>> {
    // Places count from the heading of the file, and what is before it is not part of the document.
    let start = find(bytes, b"%PDF-", 0)?;
    let bytes = &bytes[start..];
    let objects = objects(bytes);
    let size = objects.keys().next_back()? + 1;
    let kept = trailer(bytes).unwrap_or_default();
    let root = reference(kept, b"/Root").or_else(|| {
        let catalog = objects.iter().find(|(_, object)| object.is_catalog)?;
        Some(format!("{} {} R", catalog.0, catalog.1.generation))
    })?;
    let mut rebuilt = bytes.to_vec();
    let at = rebuilt.len() + 1;
    let mut table = String::from("\nxref\n0 1\n0000000000 65535 f \n");
    for (number, object) in &objects {
        let _ = write!(
            table,
            "{number} 1\n{:010} {:05} n \n",
            object.at, object.generation
        );
    }
    let _ = write!(table, "trailer\n<</Size {size}/Root {root}");
    for key in [&b"/Info"[..], b"/Encrypt"] {
        if let Some(value) = reference(kept, key) {
            let _ = write!(table, "{} {value}", String::from_utf8_lossy(key));
        }
    }
    rebuilt.write_all(table.as_bytes()).ok()?;
    if let Some(id) = array(kept, b"/ID") {
        rebuilt.extend(b"/ID");
        rebuilt.extend(id);
    }
    write!(rebuilt, ">>\nstartxref\n{at}\n%%EOF\n").ok()?;
    Some(rebuilt)
}

/// An object in the file.
struct Object {
    at: usize,
    generation: u32,
    is_catalog: bool,
}

/// Objects by number: of several with one number the last one counts, as after an update.
fn objects(bytes: &[u8]) -> BTreeMap<u32, Object> {
    let mut found = BTreeMap::new();
    let mut from = 0;
    while let Some(at) = find(bytes, b"obj", from) {
        from = at + 3;
        let Some((start, number, generation)) = heading(&bytes[..at]) else {
            continue;
        };
        let end = find(bytes, b"endobj", from).unwrap_or(bytes.len());
        let body = &bytes[from..end.min(from + MAX_TRAILER)];
        let is_catalog = find(body, b"/Catalog", 0).is_some() && find(body, b"/Pages", 0).is_some();
        let object = Object {
            at: start,
            generation,
            is_catalog,
        };
        found.insert(number, object);
        if found.len() == MAX_OBJECTS {
            break;
        }
    }
    found
}

/// The number and generation at the end of `before`, and where they begin.
fn heading(before: &[u8]) -> Option<(usize, u32, u32)> {
    let (before, generation) = last_number(before)?;
    let (before, number) = last_number(before)?;
    let is_free = before
        .last()
        .is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'.');
    (is_free && number > 0).then_some((before.len(), number, generation))
}

/// The number at the end of `bytes`, behind at least one space for all but the last, and what is before it.
fn last_number(bytes: &[u8]) -> Option<(&[u8], u32)> {
    let trimmed = bytes.trim_ascii_end();
    if trimmed.len() == bytes.len() {
        return None;
    }
    let digits = trimmed
        .iter()
        .rev()
        .take(11)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (before, digits) = trimmed.split_at(trimmed.len() - digits);
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((before, number))
}

/// The last dictionary that is a trailer, or the one of a stream that stands in its place.
fn trailer(bytes: &[u8]) -> Option<&[u8]> {
    let keyword = bytes
        .windows(7)
        .rposition(|seven| seven == b"trailer")
        .map(|at| at + 7)
        .filter(|at| reference(dictionary(bytes, *at), b"/Root").is_some());
    let stream = || {
        let at = bytes.windows(5).rposition(|five| five == b"/XRef")?;
        let start = bytes[..at].windows(4).rposition(|four| four == b" obj")?;
        Some(start + 4)
    };
    keyword.or_else(stream).map(|at| dictionary(bytes, at))
}

/// What stands at `at`, up to the end of its object or of the file.
fn dictionary(bytes: &[u8], at: usize) -> &[u8] {
    let rest = &bytes[at..bytes.len().min(at + MAX_TRAILER)];
    let ends = [&b"stream"[..], b"startxref", b"endobj"];
    let end = ends.into_iter().filter_map(|end| find(rest, end, 0)).min();
    &rest[..end.unwrap_or(rest.len())]
}

/// The reference behind `key`, such as `1 0 R`.
fn reference(dictionary: &[u8], key: &[u8]) -> Option<String> {
    let at = find(dictionary, key, 0)? + key.len();
    let rest = &dictionary[at..dictionary.len().min(at + 40)];
    let text = String::from_utf8_lossy(rest);
    let mut words = text.split_ascii_whitespace();
    let number: u32 = words.next()?.parse().ok()?;
    let generation: u32 = words.next()?.parse().ok()?;
    words
        .next()?
        .starts_with('R')
        .then(|| format!("{number} {generation} R"))
}

/// The array behind `key`.
fn array<'a>(dictionary: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let at = find(dictionary, key, 0)? + key.len();
    let rest = dictionary[at..].trim_ascii_start();
    let end = rest.iter().position(|byte| *byte == b']')?;
    rest.starts_with(b"[").then_some(&rest[..=end])
}

fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    memchr::memmem::find(bytes.get(from..)?, wanted).map(|at| from + at)
}
