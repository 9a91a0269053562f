//! A revision, or a workspace as it stood at some moment, as one file: the same bytes every time it is asked for.
//!
//! Names are sorted, times are those of the last acceptance, owners are nobody and modes are 644 or 755, so
//! that only the revision decides. The tar archive is fixed by its format; the zip archive also by the
//! compressor, and so is the same for the same version of the program.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Read, Write},
};

use countersign_protocol::{Digest, changes::Leaf, event::Accepted};
use jiff::{Timestamp, tz::TimeZone};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use super::Stood;

/// Name of the list of digests in an archive, which `sha256sum -c` reads.
pub const SUMS: &str = "SHA256SUMS";

/// The form of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Deflated, with data descriptors.
    Zip,
    /// POSIX ustar with GNU long names, not compressed.
    Tar,
}

/// One file to put into an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Path in the archive.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Digest of the bytes.
    pub sha256: Digest,
    /// Whether the owner may run it.
    pub executable: bool,
}

/// What an archive holds: its files below a folder of its name, and what could not be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// The folder, for example `H-1-r2`.
    pub folder: String,
    /// Every time in it.
    pub at: Timestamp,
    /// The files, by path.
    pub items: Vec<Item>,
    /// The list of digests. What is not kept stands in it as a remark.
    pub sums: String,
}

/// The contents of the archive of a revision that was accepted `at` that time.
pub fn contents(accepted: &Accepted, at: Timestamp) -> Contents {
    let mut contents = Contents::empty(format!("{}-r{}", accepted.handoff, accepted.revision), at);
    for entry in &accepted.manifest.entries {
        let leaf = Leaf {
            sha256: entry.sha256,
            size: entry.size,
            executable: entry.executable,
        };
        contents.put(&entry.path, leaf, entry.kept);
    }
    contents
}

/// The contents of the archive of all `files` that stood in a workspace after the entry `seq`.
pub fn of_moment(files: &BTreeMap<String, Stood>, seq: u64, at: Timestamp) -> Contents {
    let mut contents = Contents::empty(format!("at-{seq}"), at);
    for (path, stood) in files {
        contents.put(path, stood.leaf, stood.is_kept);
    }
    contents
}

/// Writes the archive, a piece at a time. `open` gives the bytes of a digest.
///
/// An item whose bytes are not what they should be ends the archive with an error, and so does a name that
/// was taken by [`SUMS`].
pub fn write(
    contents: &Contents,
    format: Format,
    open: impl FnMut(Digest) -> io::Result<Box<dyn Read>>,
    out: impl Write,
) -> io::Result<()> {
    match format {
        Format::Tar => write_tar(contents, open, out),
        Format::Zip => write_zip(contents, open, out),
    }
}

impl Contents {
    fn empty(folder: String, at: Timestamp) -> Self {
        Self {
            folder,
            at,
            items: Vec::new(),
            sums: String::new(),
        }
    }

    fn put(&mut self, path: &str, leaf: Leaf, is_kept: bool) {
        // Writing to a string cannot fail. GNU's form for names with a backslash or a line break does not
        // occur: no path has one.
        if is_kept {
            let _ = writeln!(self.sums, "{}  {path}", leaf.sha256);
            self.items.push(Item {
                path: format!("{}/{path}", self.folder),
                size: leaf.size,
                sha256: leaf.sha256,
                executable: leaf.executable,
            });
        } else {
            let _ = writeln!(self.sums, "# not kept: {}  {path}", leaf.sha256);
        }
    }

    /// Path of the list of digests; an agent's own file of that name keeps it.
    fn sums_path(&self) -> String {
        let taken = |path: &str| self.items.iter().any(|item| item.path == path);
        let mut path = format!("{}/{SUMS}", self.folder);
        while taken(&path) {
            path.push_str(".countersign");
        }
        path
    }
}

fn write_tar(
    contents: &Contents,
    mut open: impl FnMut(Digest) -> io::Result<Box<dyn Read>>,
    out: impl Write,
) -> io::Result<()> {
    let mut tar = tar::Builder::new(out);
    let header = |size: u64, executable: bool| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(mode(executable));
        header.set_mtime(u64::try_from(contents.at.as_second()).unwrap_or_default());
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(size);
        header
    };
    for item in &contents.items {
        let mut header = header(item.size, item.executable);
        let bytes = Exactly::new(open(item.sha256)?, item);
        tar.append_data(&mut header, &item.path, bytes)?;
    }
    let sums = contents.sums.as_bytes();
    let mut header = header(sums.len() as u64, false);
    tar.append_data(&mut header, contents.sums_path(), sums)?;
    tar.into_inner()?.flush()
}

fn write_zip(
    contents: &Contents,
    mut open: impl FnMut(Digest) -> io::Result<Box<dyn Read>>,
    out: impl Write,
) -> io::Result<()> {
    let mut zip = ZipWriter::new_stream(out);
    let options = |size: u64, executable: bool| {
        SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(1))
            .last_modified_time(dos_time(contents.at))
            .unix_permissions(mode(executable))
            // Deflated bytes can be a little more than plain ones.
            .large_file(size >= u64::from(u32::MAX) - (1 << 24))
    };
    for item in &contents.items {
        zip.start_file(&item.path, options(item.size, item.executable))?;
        io::copy(&mut Exactly::new(open(item.sha256)?, item), &mut zip)?;
    }
    zip.start_file(contents.sums_path(), options(0, false))?;
    zip.write_all(contents.sums.as_bytes())?;
    zip.finish()?.flush()
}

fn mode(executable: bool) -> u32 {
    if executable { 0o755 } else { 0o644 }
}

/// The time in the only form that zip has: from 1980 on, two seconds apart.
fn dos_time(at: Timestamp) -> DateTime {
    let at = at.to_zoned(TimeZone::UTC);
    let part = |number: i8| u8::try_from(number).unwrap_or_default();
    let year = u16::try_from(at.year()).unwrap_or_default();
    DateTime::from_date_and_time(
        year,
        part(at.month()),
        part(at.day()),
        part(at.hour()),
        part(at.minute()),
        part(at.second()) & !1,
    )
    .unwrap_or_default()
}

/// Bytes that are as many as they should be and have the digest that they should have, or an error.
struct Exactly<'a> {
    source: Box<dyn Read>,
    item: &'a Item,
    hash: sha2::Sha256,
    seen: u64,
}

impl<'a> Exactly<'a> {
    fn new(source: Box<dyn Read>, item: &'a Item) -> Self {
        Self {
            source,
            item,
            hash: sha2::Digest::new(),
            seen: 0,
        }
    }
}

impl Read for Exactly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        sha2::Digest::update(&mut self.hash, &buffer[..read]);
        self.seen += read as u64;
        let is_whole = self.seen == self.item.size;
        if self.seen > self.item.size || (read == 0 && !buffer.is_empty() && !is_whole) {
            let why = format!("the kept bytes of `{}` have another size", self.item.path);
            return Err(io::Error::other(why));
        }
        if is_whole && read > 0 {
            let found = Digest(sha2::Digest::finalize(self.hash.clone()).into());
            if found != self.item.sha256 {
                let why = format!(
                    "the kept bytes of `{}` have SHA-256 {found}",
                    self.item.path
                );
                return Err(io::Error::other(why));
            }
        }
        Ok(read)
    }
}
