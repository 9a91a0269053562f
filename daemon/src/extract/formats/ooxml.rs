//! What Word, Excel and `PowerPoint` files share (ECMA-376, parts 1 and 2): parts of XML in a zip
//! archive, with relations between them.

use std::io::BufReader;

use countersign_protocol::content::{Cut, CutReason, FindingCode};
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};
use zip::ZipArchive;

use super::{Bytes, Draft, cut, damaged};

/// Most bytes that are read of one part.
const PART: u64 = 128 << 20;
/// Most of a title that is kept, in bytes.
const TITLE: usize = 1_000;
/// Most links that are named.
const LINKS: usize = 100;

pub(super) type Package<'a> = ZipArchive<&'a mut dyn Bytes>;

/// What a reader of XML sees.
pub(super) enum Token<'a> {
    /// An element begins; `true` when it ends at once.
    Start(&'a BytesStart<'a>, bool),
    /// The element of this local name ends.
    End(&'a str),
    /// Characters.
    Text(&'a str),
}

/// Reads the part `name`, if there is one, and gives each token to `see`, until that says `false`.
/// Entities that a part defines are refused, not expanded; elements may nest as deep as they like, since
/// nothing is kept of them.
pub(super) fn part(
    package: &mut Package<'_>,
    name: &str,
    mut see: impl FnMut(Token<'_>) -> bool,
) -> Result<bool, Cut> {
    let Some(index) = package.index_for_name(name) else {
        return Ok(false);
    };
    let member = package.by_index(index).map_err(|error| match error {
        zip::result::ZipError::UnsupportedArchive(_) => {
            cut(CutReason::Encrypted, "It needs a password.")
        }
        other => damaged(other),
    })?;
    let mut xml = Reader::from_reader(BufReader::new(super::tarball::Bounded::new(member, PART)));
    xml.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let go_on = match xml.read_event_into(&mut buffer) {
            Ok(Event::Start(start)) => see(Token::Start(&start, false)),
            Ok(Event::Empty(start)) => see(Token::Start(&start, true)),
            Ok(Event::End(end)) => see(Token::End(end.local_name().as_ref())),
            Ok(Event::Text(text)) => see(Token::Text(&text.xml10_content())),
            Ok(Event::CData(text)) => see(Token::Text(&text.xml10_content())),
            Ok(Event::GeneralRef(reference)) => match reference.resolve_char_ref() {
                Ok(Some(c)) => see(Token::Text(c.encode_utf8(&mut [0; 4]))),
                Ok(None) => {
                    let known = quick_xml::escape::resolve_xml_entity(&reference.xml10_content());
                    see(Token::Text(known.unwrap_or("\u{fffd}")))
                }
                Err(error) => return Err(damaged(error)),
            },
            Ok(Event::DocType(_)) => {
                return Err(cut(
                    CutReason::Refused,
                    format!(
                        "`{name}` declares a document type, which office documents may not; its entities are not expanded."
                    ),
                ));
            }
            Ok(Event::Eof) => return Ok(true),
            Ok(_) => true,
            Err(quick_xml::Error::Io(error)) if super::tarball::is_full(&error) => {
                return Err(super::archive::too_much(PART));
            }
            Err(error) => return Err(damaged(error)),
        };
        if !go_on {
            return Ok(true);
        }
    }
}

/// The attribute with this local name.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    element
        .attributes()
        .flatten()
        .find(|attribute| attribute.key.local_name().as_ref() == name)
        .and_then(|attribute| {
            Some(
                attribute
                    .normalized_value(XmlVersion::default())
                    .ok()?
                    .into_owned(),
            )
        })
}

/// A relation of a part.
pub(super) struct Relation {
    pub(super) id: String,
    /// The last word of its type, for example `slide`.
    pub(super) kind: String,
    pub(super) target: String,
    pub(super) external: bool,
}

/// The relations of `part` (part 2, section 6.5).
pub(super) fn relations(package: &mut Package<'_>, of: &str) -> Result<Vec<Relation>, Cut> {
    let (folder, name) = of.rsplit_once('/').unwrap_or(("", of));
    let path = format!("{folder}/_rels/{name}.rels");
    read_relations(package, path.trim_start_matches('/'))
}

fn read_relations(package: &mut Package<'_>, path: &str) -> Result<Vec<Relation>, Cut> {
    let mut found = Vec::new();
    part(package, path, |token| {
        if let Token::Start(element, _) = token
            && element.local_name().as_ref() == "Relationship"
        {
            let kind = attribute(element, "Type").unwrap_or_default();
            found.push(Relation {
                id: attribute(element, "Id").unwrap_or_default(),
                kind: kind.rsplit('/').next().unwrap_or_default().to_owned(),
                target: attribute(element, "Target").unwrap_or_default(),
                external: attribute(element, "TargetMode").is_some_and(|mode| mode == "External"),
            });
        }
        found.len() < 10_000
    })?;
    Ok(found)
}

/// The part that `target` names, seen from `part`.
pub(super) fn resolve(part: &str, target: &str) -> String {
    let mut path: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => part
            .rsplit_once('/')
            .map_or(Vec::new(), |(folder, _)| folder.split('/').collect()),
    };
    for step in target.trim_start_matches('/').split('/') {
        match step {
            ".." => drop(path.pop()),
            "." | "" => {}
            step => path.push(step),
        }
    }
    path.join("/")
}

/// What every office document tells besides its text.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) title: Option<String>,
    pub(super) macros: bool,
    /// Where it would fetch something from when opened; links that a person must click are none.
    pub(super) external_links: Vec<String>,
}

pub(super) fn facts(package: &mut Package<'_>, draft: &mut Draft) -> Result<Facts, Cut> {
    let names: Vec<String> = package
        .file_names()
        .flatten()
        .take(super::archive::ENTRIES)
        .map(std::borrow::Cow::into_owned)
        .collect();
    let mut facts = Facts {
        macros: names.iter().any(|name| name.ends_with("vbaProject.bin")),
        ..Facts::default()
    };
    for name in names.iter().filter(|name| name.contains("_rels/")) {
        for relation in read_relations(package, name)? {
            if relation.external
                && relation.kind != "hyperlink"
                && facts.external_links.len() < LINKS
                && !facts.external_links.contains(&relation.target)
            {
                facts.external_links.push(relation.target);
            }
        }
    }
    let (mut within, mut title) = (false, String::new());
    part(package, "docProps/core.xml", |token| {
        match token {
            Token::Start(element, _) => within = element.local_name().as_ref() == "title",
            Token::Text(text) if within && title.len() < TITLE => title.push_str(text),
            Token::Text(_) => {}
            Token::End(_) => within = false,
        }
        true
    })?;
    title.truncate(title.floor_char_boundary(TITLE));
    facts.title = Some(title.trim().to_owned()).filter(|title| !title.is_empty());
    if facts.macros {
        draft.content.find(
            FindingCode::Macros,
            "It carries macros, which run when it is opened elsewhere.",
        );
    }
    if !facts.external_links.is_empty() {
        let links = facts
            .external_links
            .iter()
            .take(5)
            .cloned()
            .collect::<Vec<_>>()
            .join(", ");
        draft.content.find(
            FindingCode::ExternalLinks,
            format!("It fetches from elsewhere when it is opened: {links}."),
        );
    }
    let embedded = names
        .iter()
        .filter(|name| name.contains("/embeddings/"))
        .count();
    if embedded > 0 {
        draft.content.find(
            FindingCode::EmbeddedFiles,
            format!("It carries embedded objects: {embedded}."),
        );
    }
    Ok(facts)
}
