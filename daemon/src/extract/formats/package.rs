//! The packages of Word, Excel and `PowerPoint` files (ECMA-376, part 2): parts in a zip archive, and relations
//! between them.
//!
//! Names of parts are compared as the applications do: without case, `%20` as a space, `\` as `/`.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io::Read,
};

use countersign_protocol::content::{Cut, CutReason, FindingCode};
use zip::{ZipArchive, result::ZipError};

use super::{
    Bytes, Draft, cut, damaged,
    ooxml::{Token, attribute, part},
};

/// Most relations that are read of one part.
const MAX_RELATIONS: usize = 10_000;
/// Most parts that are followed to from one.
const MAX_PARTS: usize = 2_000;
/// Most missing parts that are named.
const MAX_NAMED: usize = 5;

/// An open package.
pub(super) struct Package<'a> {
    zip: ZipArchive<&'a mut dyn Bytes>,
    /// Place of each part in the archive, by its normal name.
    places: HashMap<String, usize>,
    /// Whether two parts have the same normal name.
    pub(super) is_ambiguous: bool,
}

/// A relation of a part.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    pub(super) id: String,
    /// The last word of its type, for example `slide`.
    pub(super) kind: String,
    pub(super) target: String,
    pub(super) external: bool,
}

/// A part that relations lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    /// The last word of the type of the relation.
    pub(super) kind: String,
}

impl<'a> Package<'a> {
    pub(super) fn of(zip: ZipArchive<&'a mut dyn Bytes>) -> Self {
        let mut places = HashMap::new();
        let mut is_ambiguous = false;
        for (at, name) in zip.file_names().enumerate() {
            let Ok(name) = name else { continue };
            is_ambiguous |= places.insert(normal(&name), at).is_some();
        }
        Self {
            zip,
            places,
            is_ambiguous,
        }
    }

    pub(super) fn into_archive(self) -> ZipArchive<&'a mut dyn Bytes> {
        self.zip
    }

    /// The names of all parts, as they are written.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.zip
            .file_names()
            .flatten()
            .map(std::borrow::Cow::into_owned)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    fn place(&self, name: &str) -> Option<usize> {
        let exact = self.zip.index_for_name(name);
        exact.or_else(|| self.places.get(&normal(name)).copied())
    }

    /// Opens the part `name`, if there is one.
    pub(super) fn open(&mut self, name: &str) -> Result<Option<impl Read + '_>, Cut> {
        let Some(place) = self.place(name) else {
            return Ok(None);
        };
        self.zip.by_index(place).map(Some).map_err(unopened)
    }

    /// Copies the part `name` into another archive, as it is packed. Says whether there is one.
    pub(super) fn copy(
        &mut self,
        name: &str,
        to: &mut zip::ZipWriter<std::io::Cursor<Vec<u8>>>,
        new_name: &str,
    ) -> Result<bool, Cut> {
        let Some(place) = self.place(name) else {
            return Ok(false);
        };
        let member = self.zip.by_index_raw(place).map_err(unopened)?;
        to.raw_copy_file_rename(member, new_name).map_err(damaged)?;
        Ok(true)
    }

    /// Finds the main part and the name of its root element: where the package says, else at the usual
    /// places.
    pub(super) fn main(&mut self) -> Option<(String, String)> {
        let stated = self.relations("").unwrap_or_default();
        let stated = stated
            .into_iter()
            .filter(|relation| relation.kind == "officeDocument" && !relation.external)
            .map(|relation| resolve("", &relation.target));
        let usual = [
            "word/document.xml",
            "xl/workbook.xml",
            "ppt/presentation.xml",
        ];
        let names: Vec<String> = stated.chain(usual.map(str::to_owned)).collect();
        names.into_iter().find_map(|name| {
            let mut root = None;
            let read = part(self, &name, |token| {
                if let Token::Start(element, _) = token {
                    root = Some(element.local_name().as_ref().to_owned());
                }
                root.is_none()
            });
            // Why it cannot be read is said by the reader of its kind.
            let root = root.or_else(|| read.err().and_then(|_| usual_root(&name)));
            let root = root
                .filter(|root| matches!(root.as_str(), "document" | "workbook" | "presentation"))?;
            Some((name, root))
        })
    }

    /// Reads the relations of the part `of`, or with an empty name those of the package (section 6.5).
    pub(super) fn relations(&mut self, of: &str) -> Result<Vec<Relation>, Cut> {
        let (folder, name) = of.rsplit_once('/').unwrap_or(("", of));
        let path = format!("{folder}/_rels/{name}.rels");
        self.read_relations(path.trim_start_matches('/'))
    }

    pub(super) fn read_relations(&mut self, path: &str) -> Result<Vec<Relation>, Cut> {
        let mut found = Vec::new();
        part(self, path, |token| {
            if let Token::Start(element, _) = token
                && element.local_name().as_ref() == "Relationship"
            {
                let kind = attribute(element, "Type").unwrap_or_default();
                found.push(Relation {
                    id: attribute(element, "Id").unwrap_or_default(),
                    kind: kind.rsplit('/').next().unwrap_or_default().to_owned(),
                    target: attribute(element, "Target").unwrap_or_default(),
                    external: attribute(element, "TargetMode")
                        .is_some_and(|mode| mode == "External"),
                });
            }
            found.len() < MAX_RELATIONS
        })?;
        Ok(found)
    }

    /// The parts that relations lead to from `start`, nearest first, by relations of kinds that `follow` takes.
    /// What is missing among them is told to `draft`.
    pub(super) fn reachable(
        &mut self,
        start: &str,
        follow: fn(&str) -> bool,
        draft: &mut Draft,
    ) -> Result<Vec<Part>, Cut> {
        let mut found: Vec<Part> = Vec::new();
        let mut known = HashSet::from([normal(start)]);
        let mut queue = VecDeque::from([start.to_owned()]);
        let mut missing = Vec::new();
        while let Some(of) = queue.pop_front() {
            for relation in self.relations(&of)? {
                if relation.external || !follow(&relation.kind) {
                    continue;
                }
                let name = resolve(&of, &relation.target);
                if !known.insert(normal(&name)) {
                    continue;
                }
                if !self.has(&name) {
                    missing.push(name);
                    continue;
                }
                if found.len() == MAX_PARTS {
                    let message =
                        format!("It has more than {MAX_PARTS} parts; the first are read.");
                    draft.content.cut(CutReason::TooMany, message);
                    return Ok(found);
                }
                queue.push_back(name.clone());
                found.push(Part {
                    name,
                    kind: relation.kind,
                });
            }
        }
        tell_missing(&missing, draft);
        Ok(found)
    }
}

/// Tells of parts that are not where the file says.
pub(super) fn tell_missing(names: &[String], draft: &mut Draft) {
    if names.is_empty() {
        return;
    }
    let named: Vec<String> = names
        .iter()
        .take(MAX_NAMED)
        .map(|name| format!("`{}`", name.chars().take(200).collect::<String>()))
        .collect();
    let message = format!(
        "Parts that it names are not in it, {} in all: {}.",
        names.len(),
        named.join(", ")
    );
    draft.content.cut(CutReason::NotRead, message);
}

/// Tells of two parts of one name.
pub(super) fn tell_ambiguous(draft: &mut Draft) {
    let message = "Two parts of it have the same name. Programs differ in which one they take.";
    draft.content.find(FindingCode::Ambiguous, message);
    draft.content.cut(CutReason::NotRead, message);
}

fn unopened(error: ZipError) -> Cut {
    match error {
        ZipError::UnsupportedArchive(_) => cut(CutReason::Encrypted, "It needs a password."),
        ZipError::CompressionMethodNotSupported(method) => cut(
            CutReason::NotRead,
            format!("It is packed by a method that is not read (number {method})."),
        ),
        other => damaged(other),
    }
}

/// The form of a part name in which two names of the same part are equal.
fn normal(name: &str) -> String {
    let name = percent_decoded(&name.replace('\\', "/"));
    name.trim_start_matches('/').to_ascii_lowercase()
}

fn percent_decoded(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3);
        let value = digits
            .filter(|digits| bytes[at] == b'%' && digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(value.unwrap_or(bytes[at]));
        at += if value.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Resolves `target` as a reference relative to the part `of` (RFC 3986, section 5.2).
pub(super) fn resolve(of: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    let target = target.split(['#', '?']).next().unwrap_or_default();
    let mut path: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => of
            .rsplit_once('/')
            .map_or(Vec::new(), |(folder, _)| folder.split('/').collect()),
    };
    for step in target.split('/') {
        match step {
            ".." => drop(path.pop()),
            "." | "" => {}
            step => path.push(step),
        }
    }
    path.join("/")
}

/// The root element that a part has by its folder.
fn usual_root(part: &str) -> Option<String> {
    let folder = part.trim_start_matches('/').split('/').next();
    let root = match folder? {
        "word" => "document",
        "xl" => "workbook",
        "ppt" => "presentation",
        _ => return None,
    };
    Some(root.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_relative_references() {
        for (target, expected) in [
            ("worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("./worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("../xl/worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("../../../a.xml", "a.xml"),
            ("/xl/worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("worksheets\\sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("worksheets//sheet1.xml#A1", "xl/worksheets/sheet1.xml"),
        ] {
            assert_eq!(resolve("xl/workbook.xml", target), expected, "{target}");
        }
    }

    #[test]
    fn compares_names_without_escapes_and_case() {
        assert_eq!(normal("/XL/Work%20Sheets\\a.xml"), "xl/work sheets/a.xml");
        assert_eq!(normal("100%"), "100%");
    }
}
